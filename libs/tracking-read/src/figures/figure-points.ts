import { dayNumber, dayOfNumber, type OrgId } from '@rectrail/kernel';
import { bucketOf, workingDaysBetween } from '@rectrail/tracking-domain';
import type { DayBound, InstantBound } from '../timeline/standing.ts';
import { parseMeasureCell, parsePair } from './cell-texts.ts';
import { dueOf, shownIssueState, type CellPair, type IssueCell } from './cells.ts';
import { columnAt, noFigures, type FigureSums, type FundsDirection } from './figure-columns.ts';
import { beforeAllDays, dayNumberOf } from './day-numbers.ts';
import type { JudgingRule, TermsOf } from './policy-terms.ts';

/** A sum of things, or of fen where the column is of money. */
type Amount = number | bigint;

export type Column = readonly [column: number, amount: Amount];

/** What is added at a place: amounts by column. */
export type FigureVector = Map<number, Amount>;

export const addTo = (vector: FigureVector, column: number, amount: Amount): void => {
  const sum = vector.get(column);
  // Amounts of one column are all of one type.
  const next = sum === undefined ? amount : typeof sum === 'bigint' ? sum + (amount as bigint) : sum + (amount as number);
  if (Number(next) === 0) vector.delete(column);
  else vector.set(column, next);
};

/** Signed figures by owner, valid day and known day: points that meet are one, and what cancels leaves nothing. */
export class FigurePoints {
  readonly #byOwner = new Map<OrgId, Map<number, FigureVector>>();

  /** Adds so many times the amounts. */
  // eslint-disable-next-line max-params -- a point is its coordinates
  add(orgId: OrgId, validDay: number, knownDay: number, columns: readonly Column[], factor: number): void {
    let cells = this.#byOwner.get(orgId);
    if (cells === undefined) this.#byOwner.set(orgId, cells = new Map<number, FigureVector>());
    const key = placeKey(validDay, knownDay);
    let vector = cells.get(key);
    if (vector === undefined) cells.set(key, vector = new Map<number, Amount>());
    for (const [column, amount] of columns) addTo(vector, column, typeof amount === 'bigint' ? amount * BigInt(factor) : amount * factor);
  }

  get owners(): IterableIterator<OrgId> {
    return this.#byOwner.keys();
  }

  * entries(): Generator<readonly [orgId: OrgId, validDay: number, knownDay: number, vector: FigureVector]> {
    for (const [orgId, cells] of this.#byOwner) {
      for (const [key, vector] of cells) if (vector.size > 0) yield [orgId, ...placeOf(key), vector];
    }
  }
}

// A day of 9999 is below 3 million and none lies before −719,163.
const [offset, radix] = [1_000_000, 8_000_000];
const placeKey = (validDay: number, knownDay: number): number => (validDay + offset) * radix + knownDay + offset;
const placeOf = (key: number): readonly [validDay: number, knownDay: number] => [Math.floor(key / radix) - offset, (key % radix) - offset];

/** A signed point of a register: from this day and this knowledge on, `n` things (or amounts), and so many fen, more in a cell of their owner. */
export interface CellPoint {
  readonly kind: 'issue' | 'measure' | 'funds';
  readonly orgId: OrgId;
  readonly cell: string;
  readonly validFrom: DayBound;
  readonly knownFrom: InstantBound;
  readonly n: number;
  readonly fen: bigint;
}


/** One more in its class by last days; where the first days say otherwise, undetermined in theirs. */
const classed = (path: string, last: string | null, first: string | null): readonly Column[] => [
  ...(last === null ? [] : [[columnAt(`${path}.${last}.count`), 1] as const]),
  ...(first === null || first === last ? [] : [[columnAt(`${path}.${first}.undetermined`), 1] as const]),
];

const mapCell = <T>(cell: IssueCell | null, of: (cell: IssueCell) => T): T | null => (cell === null ? null : of(cell));

/** The day of an open date; null where nothing is due. */
const dueDay = (cell: IssueCell | null): number | null => {
  const due = cell === null ? null : dueOf(cell);
  return due === null ? null : dayNumber(due);
};

const conditionOn = (cell: IssueCell, day: number, dueSoonFrom: (due: number) => number): string => {
  if (cell.disclosure !== 'STATED') return 'NOT_DISCLOSED';
  const due = dueDay(cell);
  if (due === null) return cell.deadline;
  if (due < day) return 'OVERDUE';
  return day < dueSoonFrom(due) ? 'ON_TRACK' : 'DUE_SOON';
};

/** What a pair of cells adds from the beginning of time on, and what time alone changes of it on which days: `vectors` are the sums up to each day, `changes` the differences. */
interface Unfolding { readonly days: readonly number[]; readonly vectors: readonly (readonly Column[])[]; readonly changes: readonly (readonly Column[])[] }

/** Cells with a date of their own are many; those of some batches are kept. */
const unfoldingsMax = 20_000;
/** Rules that are kept with what they have judged: policies and calendars change seldom. */
const judgesMax = 20;

const changeBetween = (before: readonly Column[], after: readonly Column[]): readonly Column[] => {
  const change: FigureVector = new Map();
  for (const [column, amount] of after) addTo(change, column, amount);
  for (const [column, amount] of before) addTo(change, column, -amount);
  return [...change];
};

/** Rules of sections 4 and 5 of rules.md, by one policy and calendar. */
class Judge {
  readonly #rule: JudgingRule;
  readonly #soon = new Map<number, number>();
  readonly #unfoldings = new Map<string, Unfolding>();

  constructor(rule: JudgingRule) {
    this.#rule = rule;
  }

  unfolding(cell: string): Unfolding {
    const known = this.#unfoldings.get(cell);
    if (known !== undefined) return known;
    const made = this.#unfold(parsePair(cell));
    if (this.#unfoldings.size >= unfoldingsMax) this.#unfoldings.clear();
    this.#unfoldings.set(cell, made);
    return made;
  }

  #unfold({ last, first }: CellPair): Unfolding {
    const { policy } = this.#rule;
    const fixed = [
      ...(last === null ? [] : [[columnAt('issues.total'), 1] as const]),
      ...classed('issues.byState', mapCell(last, shownIssueState), mapCell(first, shownIssueState)),
      ...classed('issues.byBucket', mapCell(last, (c) => bucketOf(policy, c)), mapCell(first, (c) => bucketOf(policy, c))),
    ];
    const dues = [...new Set([dueDay(last), dueDay(first)])].filter((due) => due !== null);
    const turns = [...new Set(dues.flatMap((due) => [this.#dueSoonFrom(due), due + 1]))].sort((a, b) => a - b);
    const days = [beforeTurns, ...turns];
    const vectors = days.map((day) => {
      const condition = (c: IssueCell): string => conditionOn(c, day, (due) => this.#dueSoonFrom(due));
      return [...fixed, ...classed('issues.byDeadline', mapCell(last, condition), mapCell(first, condition))];
    });
    return { days, vectors, changes: vectors.map((vector, index) => changeBetween(vectors[index - 1] ?? [], vector)) };
  }

  /** The first day on which so few days are left that it is due soon. */
  #dueSoonFrom(due: number): number {
    const known = this.#soon.get(due) ?? this.#lookForDueSoon(due);
    this.#soon.set(due, known);
    return known;
  }

  #lookForDueSoon(due: number): number {
    const { policy: { dueSoon: { days, unit } }, calendar } = this.#rule;
    if (unit === 'calendar') return due - days;
    const isSoon = (on: number): boolean => workingDaysBetween(calendar, dayOfNumber(on), dayOfNumber(due)).days <= days;
    // Working days are at most all days: it is this day or an earlier one. A calendar may have years of few.
    let [step, soon] = [1, due - days];
    for (; soon - step > beforeAllDays && isSoon(soon - step); step *= 2) soon -= step;
    let late = Math.max(soon - step, beforeAllDays);
    while (late + 1 < soon) {
      const middle = (late + soon) >> 1;
      if (isSoon(middle)) soon = middle;
      else late = middle;
    }
    return soon;
  }
}

const beforeTurns = -1_000_000;

/** What rules have made of cells, for expansions that come one after the other: batches are judged by the same few rules. */
export class Judges {
  /** The day of an instant in the zone of the installation. */
  readonly knownDay: (bound: InstantBound) => number;
  readonly #known = new Map<string, Judge>();

  constructor(knownDay: (bound: InstantBound) => number) {
    this.knownDay = knownDay;
  }

  of(rule: JudgingRule): Judge {
    const known = this.#known.get(rule.key);
    if (known !== undefined) return known;
    if (this.#known.size >= judgesMax) this.#known.clear();
    const made = new Judge(rule);
    this.#known.set(rule.key, made);
    return made;
  }
}

/** How points of a register become points of figures; linear, so that whatever is summed may be summed before or after. */
export class FigureExpansion {
  readonly #termsOf: TermsOf;
  readonly #judges: Judges;

  constructor(termsOf: TermsOf, judges: Judges) {
    this.#termsOf = termsOf;
    this.#judges = judges;
  }

  /** Adds to `into` what the point adds; `sign` −1 takes it away. */
  expand(point: CellPoint, into: FigurePoints, sign: 1 | -1 = 1): void {
    if (point.kind === 'issue') this.#expandIssue(point, into, sign);
    else {
      const columns = point.kind === 'measure' ? measureColumns(point) : fundsColumns(point);
      const [validDay, knownDay] = [dayNumberOf(point.validFrom), this.#judges.knownDay(point.knownFrom)];
      into.add(point.orgId, validDay, knownDay, columns, sign);
    }
  }

  /** What the point adds to the figures of one day and one day of knowledge, in the order of the columns. */
  sumsAt(point: CellPoint, validDay: number, knownDay: number): FigureSums {
    const points = new FigurePoints();
    this.expand(point, points);
    const sums = [...noFigures];
    for (const [, v, k, vector] of points.entries()) {
      if (v > validDay || k > knownDay) continue;
      for (const [column, amount] of vector) sums[column] = (sums[column] ?? 0n) + BigInt(amount);
    }
    return sums;
  }

  #expandIssue({ orgId, cell, validFrom, knownFrom, n }: CellPoint, into: FigurePoints, sign: 1 | -1): void {
    for (const term of this.#termsOf(orgId)) {
      const from = dayNumberOf(term.validFrom > validFrom ? term.validFrom : validFrom);
      const knownDay = this.#judges.knownDay(term.knownFrom > knownFrom ? term.knownFrom : knownFrom);
      const factor = n * term.sign * sign;
      const { days, vectors, changes } = this.#judges.of(term.rule).unfolding(cell);
      const begun = days.findLastIndex((day) => day <= from);
      into.add(orgId, from, knownDay, vectors[begun] ?? [], factor);
      for (let turn = begun + 1; turn < days.length; turn += 1) into.add(orgId, days[turn] ?? from, knownDay, changes[turn] ?? [], factor);
    }
  }
}

const measureColumns = ({ cell, n }: CellPoint): readonly Column[] => {
  const { last, first, links } = parseMeasureCell(cell);
  return [
    ...(last === null ? [] : [[columnAt('measures.total'), n] as const]),
    ...(links > 1 ? [[columnAt('measures.shared'), (links - 1) * n] as const] : []),
    ...classed('measures.byState', last, first).map(([column]) => [column, n] as const),
  ];
};

const fundsColumns = ({ cell, n, fen }: CellPoint): readonly Column[] => {
  // The cells of a funds case are its directions.
  const direction = cell as FundsDirection;
  return [[columnAt(`funds.${direction}.fen`), fen], [columnAt(`funds.${direction}.unknownAmounts`), n]];
};
