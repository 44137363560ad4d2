import {
  buckets, deadlineConditions, shownIssueStates, shownMeasureStates,
  type Count, type DashboardFigures, type FundsFigures, type Sum,
} from '@rectrail/tracking-domain';

/**
 * The figures that are rolled up, a column each: every number of a dashboard but the declared ones, which a report says of its own organisation alone. Issues are judged by
 * each owner's own policy.
 */
export interface RolledUp {
  readonly issues: DashboardFigures['issues'];
  readonly measures: DashboardFigures['measures'];
  readonly funds: FundsFigures;
}

export const fundsDirections = ['identified', 'recovered', 'returned'] as const;
export type FundsDirection = (typeof fundsDirections)[number];

/** Where a number stands in the answer, and the column that sums it. */
export interface FigureColumn {
  readonly column: string;
  readonly path: readonly string[];
  /** Amounts are bigint, in fen; all else is counted in things. */
  readonly type: 'integer' | 'bigint';
}

const snake = (name: string): string => name.replace(/[A-Z]+/g, (upper) => (/^[A-Z_]+$/.test(name) ? upper : `_${upper}`)).toLowerCase();

const countColumns = (prefix: string, path: readonly string[], classes: readonly string[]): readonly FigureColumn[] =>
  classes.flatMap((x): FigureColumn[] => [
    { column: `${prefix}_${snake(x)}`, path: [...path, x, 'count'], type: 'integer' },
    { column: `${prefix}_${snake(x)}_und`, path: [...path, x, 'undetermined'], type: 'integer' },
  ]);

export const figureColumns: readonly FigureColumn[] = [
  { column: 'issues', path: ['issues', 'total'], type: 'integer' },
  ...countColumns('state', ['issues', 'byState'], shownIssueStates),
  ...countColumns('bucket', ['issues', 'byBucket'], buckets),
  ...countColumns('due', ['issues', 'byDeadline'], deadlineConditions),
  { column: 'measures', path: ['measures', 'total'], type: 'integer' },
  { column: 'measures_shared', path: ['measures', 'shared'], type: 'integer' },
  ...countColumns('measure', ['measures', 'byState'], shownMeasureStates),
  ...fundsDirections.flatMap((direction): FigureColumn[] => [
    { column: `${direction}_fen`, path: ['funds', direction, 'fen'], type: 'bigint' },
    { column: `${direction}_unknown`, path: ['funds', direction, 'unknownAmounts'], type: 'integer' },
  ]),
];

export const columnNames: readonly string[] = figureColumns.map(({ column }) => column);

const indexOfPath = new Map(figureColumns.map(({ path }, index) => [path.join('.'), index]));

/** The place of a number in a vector of figures. @throws RangeError for a path that no column has. */
export const columnAt = (path: string): number => {
  const index = indexOfPath.get(path);
  if (index === undefined) throw new RangeError(`no figure stands at ${path}`);
  return index;
};

/** Sums by column: the driver gives a sum of integers as text, and NULL where nothing was added. */
export type SumRow = Readonly<Record<string, string | number | null>>;

/** A vector of sums, in the order of `figureColumns`. */
export type FigureSums = readonly bigint[];

export const noFigures: FigureSums = figureColumns.map(() => 0n);

export const sumsOfRow = (row: SumRow): FigureSums => columnNames.map((name) => BigInt(row[name] ?? 0));

export const addSums = (a: FigureSums, b: FigureSums, sign: 1n | -1n = 1n): FigureSums => a.map((n, i) => n + sign * (b[i] ?? 0n));

const reader = (sums: FigureSums) => {
  const at = (path: string): bigint => sums[columnAt(path)] ?? 0n;
  const counts = <X extends string>(path: string, classes: readonly X[]): Readonly<Record<X, Count>> =>
    // Every class has just been given its entry.
    Object.fromEntries(classes.map((x) => [x, { count: Number(at(`${path}.${x}.count`)), undetermined: Number(at(`${path}.${x}.undetermined`)) }])) as Record<X, Count>;
  const money = (direction: FundsDirection): Sum => ({ fen: String(at(`funds.${direction}.fen`)), unknownAmounts: Number(at(`funds.${direction}.unknownAmounts`)) });
  return { at, counts, money };
};

/** The numbers in their places. */
export const rolledUpOf = (sums: FigureSums): RolledUp => {
  const { at, counts, money } = reader(sums);
  return {
    issues: {
      total: Number(at('issues.total')),
      byState: counts('issues.byState', shownIssueStates), byBucket: counts('issues.byBucket', buckets), byDeadline: counts('issues.byDeadline', deadlineConditions),
    },
    measures: { total: Number(at('measures.total')), shared: Number(at('measures.shared')), byState: counts('measures.byState', shownMeasureStates) },
    funds: { identified: money('identified'), recovered: money('recovered'), returned: money('returned') },
  };
};
