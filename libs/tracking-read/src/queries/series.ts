import type { Day, OrgId } from '@rectrail/kernel';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { dayNumberOf, endOfDayIn } from '../figures/day-numbers.ts';
import { columnNames } from '../figures/figure-columns.ts';
import { FigurePoints, type CellPoint } from '../figures/figure-points.ts';
import { blockOf, byDay, byPresentDay, byValidDay, firstDayOfBlock } from '../figures/roll-up-tables.ts';
import { figureColumn, seriesFiguresDefault } from './figure-names.ts';
import { coverOf, expansionUpTo, figureCutOf, ownersJudgedOtherwise, pointColumns, rolledUpSums, surplusPoints, without, inBoth, type FigureCut } from './figures.ts';
import type { ReadSession } from './read-session.ts';
import type { SeriesKnowledge } from './requests.ts';
import type { Owners } from './sums.ts';

/** Days on end of one selection, in order. */
export interface Run { readonly owners: Owners; readonly days: [Day, ...Day[]] }

export interface SeriesQuery {
  readonly as: SeriesKnowledge;
  /** Places in `figureColumns`. */
  readonly columns: readonly number[];
}

/** A day of figures, the chosen columns in the order in which they were asked for. */
export type SeriesSums = readonly bigint[];

const plus = (a: readonly bigint[], b: readonly bigint[], sign: bigint): bigint[] => a.map((n, i) => n + sign * (b[i] ?? 0n));

/** What is added day by day, later to be summed up to each day asked for. */
class DaySums {
  readonly #byDay = new Map<number, bigint[]>();
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  add(day: number, amounts: readonly bigint[], sign: bigint): void {
    this.#byDay.set(day, plus(this.#byDay.get(day) ?? Array.from({ length: this.#width }, () => 0n), amounts, sign));
  }

  /** The sums up to and including each of the days, which are in order. */
  upTo(days: readonly number[]): readonly SeriesSums[] {
    const added = [...this.#byDay].sort(([a], [b]) => a - b);
    let [sum, next] = [Array.from({ length: this.#width }, () => 0n), 0];
    return days.map((day) => {
      for (let entry = added[next]; entry !== undefined && entry[0] <= day; entry = added[next += 1]) sum = plus(sum, entry[1], 1n);
      return sum;
    });
  }
}

/**
 * Which cells lie behind the first day of a stay and up to its last, and the day from which each counts. Parameters: stays, organisations, first days, last
 * days, then for `known` the known day, its block and the first day of that.
 */
const increments: Readonly<Record<SeriesKnowledge, (columns: string) => string>> = {
  known: (columns) => `
    select a as day, ${columns} from ${schema}.${byValidDay.name} f where o.coarse and f.org_id = c.org_id and a > c.first and a <= c.last and b < $6
    union all select a, ${columns} from ${schema}.${byDay.name} f where o.coarse and f.org_id = c.org_id and a > c.first and a <= c.last and b >= $7 and b <= $5
    union all select a, ${columns} from ${schema}.${byDay.name} f where not o.coarse and f.org_id = c.org_id and a > c.first and a <= c.last and b <= $5`,
  then: (columns) => `
    select a as day, ${columns} from ${schema}.${byPresentDay.name} f where o.coarse and f.org_id = c.org_id and a > c.first and a <= c.last
    union all select greatest(a, b), ${columns} from ${schema}.${byDay.name} f where not o.coarse and f.org_id = c.org_id and a <= c.last and b <= c.last and greatest(a, b) > c.first`,
};

const incrementsSql = (as: SeriesKnowledge, names: readonly string[]): string => `
  select c.stay, x.day, ${names.map((name) => `sum(x.${name})::text as ${name}`).join(', ')}
    from unnest($1::integer[], $2::uuid[], $3::integer[], $4::integer[]) as c(stay, org_id, first, last) join ${schema}.figure_org o on o.org_id = c.org_id
   cross join lateral (${increments[as](names.join(', '))}) x group by 1, 2`;

/** What most ask for; whoever asks for something else reads every column: as many statements as callers have wishes would each be planned anew. */
const usualColumns: ReadonlySet<number> = new Set(seriesFiguresDefault.map(figureColumn));
const [usualNames, allNames] = [columnNames.filter((_, column) => usualColumns.has(column)), columnNames];
const sqlOf = (as: SeriesKnowledge) => ({ usual: incrementsSql(as, usualNames), all: incrementsSql(as, allNames) });
const sqls: Readonly<Record<SeriesKnowledge, ReturnType<typeof sqlOf>>> = { then: sqlOf('then'), known: sqlOf('known') };

/** A run by the numbers of its days, of which the last has the cut `at`. `apart`: owners who are judged otherwise than the roll-ups have it; `isRolledUp`: not all are. */
interface Stretch {
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly at: FigureCut;
  readonly owners: Owners;
  readonly isRolledUp: boolean;
  readonly apart: ReadonlySet<OrgId>;
}

/** An organisation with all below it in the reference tree as a member of the cover: from a first day to a last one, and gone on the day `until`, where there is one. */
interface Stay { readonly orgId: OrgId; readonly sign: 1 | -1; readonly first: number; last: number; until: number | null }

/** Covers of neighbouring stretches have most of their members in common. */
const staysOf = (session: ReadSession, stretches: readonly Stretch[]): readonly Stay[] => {
  const stays: Stay[] = [];
  let open = new Map<string, Stay>();
  for (const { from, to, owners, apart, isRolledUp } of stretches) {
    const cover = isRolledUp ? coverOf(session, [without(session, owners, apart)]) : [];
    const now = new Map(cover.map(({ orgId, sign }): [string, Stay] => {
      const key = `${sign} ${orgId}`;
      return [key, open.get(key) ?? { orgId, sign, first: from, last: to, until: null }];
    }));
    for (const [key, stay] of now) {
      stay.last = to;
      if (!open.has(key)) stays.push(stay);
    }
    for (const [key, stay] of open) if (!now.has(key)) stay.until = from;
    open = now;
  }
  return stays;
};

type IncrementRow = Readonly<Record<string, string | number | null>> & { readonly stay: number; readonly day: number };

const nameOf = (column: number): string => {
  const name = columnNames[column];
  if (name === undefined) throw new RangeError(`there is no column ${column} of figures`);
  return name;
};

/** `knownDay`: of the cut, for `known`. */
const rolledUp = async (session: ReadSession, stays: readonly Stay[], knownDay: number, { as, columns }: SeriesQuery): Promise<DaySums> => {
  const sums = new DaySums(columns.length);
  if (stays.length === 0) return sums;
  const amounts = stays.map(() => Array.from({ length: columns.length }, () => 0n));
  const add = (at: number, day: number, more: readonly bigint[]): void => {
    const [stay, before] = [stays[at], amounts[at]];
    if (stay === undefined || before === undefined) return;
    sums.add(day, more, BigInt(stay.sign));
    if (stay.until !== null) amounts[at] = plus(before, more, 1n);
  };
  const bases = await rolledUpSums(
    session, stays.map(({ first }) => ({ validDay: first, knownDay: as === 'then' ? first : knownDay })), stays.map(({ orgId }, part) => ({ part, orgId, sign: 1 })),
  );
  for (const [at, base] of bases.entries()) add(at, stays[at]?.first ?? 0, columns.map((column) => base[column] ?? 0n));
  const knownBlock = blockOf(knownDay);
  const rows = await session.tx.query<IncrementRow>(sqls[as][columns.every((column) => usualColumns.has(column)) ? 'usual' : 'all'], [
    stays.map((_, at) => at), stays.map(({ orgId }) => orgId), stays.map(({ first }) => first), stays.map(({ last }) => last),
    ...(as === 'known' ? [knownDay, knownBlock, firstDayOfBlock(knownBlock)] : []),
  ]);
  const names = columns.map(nameOf);
  for (const row of rows) add(row.stay, row.day, names.map((name) => BigInt(row[name] ?? 0)));
  for (const [at, { sign, until }] of stays.entries()) if (until !== null) sums.add(until, amounts[at] ?? [], BigInt(-sign));
  return sums;
};

/** Points of owners who are judged by what the cut itself has of policies and calendars. */
const pointsApart = async ({ tx, cut }: ReadSession, at: FigureCut, owners: ReadonlySet<OrgId>): Promise<readonly CellPoint[]> => {
  await planAnew(tx);
  const rows = await tx.query<Omit<CellPoint, 'fen'> & { readonly fen: string }>(
    `select kind, "orgId", cell, "validFrom", "knownFrom", sum(n)::integer as n, sum(fen)::text as fen from (
       select ${pointColumns} from ${schema}.point where org_id = any($1) and position <= $2 and known_from <= $3 and valid_from <= $4) p
      group by 1, 2, 3, 4, 5 having sum(n) <> 0 or sum(fen) <> 0`,
    [[...owners], cut.atPosition, at.known, at.validAt],
  );
  return rows.map((row) => ({ ...row, fen: BigInt(row.fen) }));
};

const stretchOf = async (session: ReadSession, { owners, days }: Run, as: SeriesKnowledge): Promise<Stretch> => {
  const numbers = days.map(dayNumberOf);
  const [from = 0, to = from] = [numbers[0], numbers.at(-1)];
  const lastAsked = days.at(-1) ?? days[0];
  const { recordedAt, zone, cut } = session;
  const endOfLast = endOfDayIn(zone)(lastAsked);
  const ofCut = figureCutOf({ ...session, cut: { ...cut, validAt: lastAsked, ...(as === 'then' && { knownAt: endOfLast }) } });
  // What was recorded later than the position is known by days that the roll-ups have beyond it.
  const at: FigureCut = as === 'then' ? { ...ofCut, known: recordedAt < endOfLast ? recordedAt : endOfLast, endOfKnownDay: endOfLast } : ofCut;
  const otherwise = ownersJudgedOtherwise(session, at, undefined);
  return { days: numbers, from, to, at, owners, isRolledUp: otherwise !== null, apart: otherwise === null ? await allOwners(session, owners) : inBoth(otherwise, owners) };
};

/** What the roll-ups have and the cuts do not is taken away, point by point; owners who are judged otherwise are added up from their points. */
const byPoints = async (session: ReadSession, { at, owners, isRolledUp, apart, from }: Stretch, { as, columns }: SeriesQuery): Promise<DaySums> => {
  const points = new FigurePoints();
  const surplus = isRolledUp ? await surplusPoints(session, at, owners) : [];
  if (surplus.length > 0) {
    const expansion = expansionUpTo(session, session.standing.registers);
    for (const point of surplus) if (!apart.has(point.orgId)) expansion.expand(point, points, -1);
  }
  if (apart.size > 0) {
    const expansion = expansionUpTo(session, session.cut.atPosition, as === 'known' ? at.known : undefined);
    for (const point of await pointsApart(session, at, apart)) expansion.expand(point, points);
  }
  const sums = new DaySums(columns.length);
  for (const [, validDay, knownDay, vector] of points.entries()) {
    if (as === 'known' && knownDay > at.knownDay) continue;
    sums.add(Math.max(from, validDay, as === 'then' ? knownDay : validDay), columns.map((column) => BigInt(vector.get(column) ?? 0)), 1n);
  }
  return sums;
};

/**
 * Chosen figures of a selection on each of the days: the dashboard's numbers at (valid that day; known at its end, or at the cut's knownAt; the cut's position),
 * by each owner's own policy. The selection may be another one from a day on; the cut's validAt plays no part.
 */
export const seriesSums = async (session: ReadSession, runs: readonly Run[], { as, columns }: SeriesQuery): Promise<readonly SeriesSums[]> => {
  const stretches: Stretch[] = [];
  for (const run of runs) stretches.push(await stretchOf(session, run, as));
  const whole = (await rolledUp(session, staysOf(session, stretches), stretches[0]?.at.knownDay ?? 0, { as, columns })).upTo(stretches.flatMap(({ days }) => days));
  const more: SeriesSums[] = [];
  for (const stretch of stretches) more.push(...(await byPoints(session, stretch, { as, columns })).upTo(stretch.days));
  return whole.map((sum, i) => plus(sum, more[i] ?? [], 1n));
};

const allOwners = async ({ tx }: ReadSession, owners: Owners): Promise<ReadonlySet<OrgId>> =>
  owners ?? new Set((await tx.query<{ org_id: OrgId }>(`select org_id from ${schema}.figure_org where points > 0`)).map((row) => row.org_id));
