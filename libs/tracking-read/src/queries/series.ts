import { lastInstantOf, type Day, type OrgId } from '@rectrail/kernel';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { dayNumberOf } from '../figures/day-numbers.ts';
import { columnNames } from '../figures/figure-columns.ts';
import { FigurePoints, type CellPoint } from '../figures/figure-points.ts';
import { blockOf, byDay, byPresentDay, byValidDay, firstDayOfBlock } from '../figures/roll-up-tables.ts';
import {
  coverOf, expansionUpTo, figureCutOf, ownersJudgedOtherwise, pointColumns, rolledUpSums, surplusPoints, without, inBoth, type CoverPart, type FigureCut,
} from './figures.ts';
import type { ReadSession } from './read-session.ts';
import type { SeriesKnowledge } from './requests.ts';
import type { Owners } from './sums.ts';

export interface SeriesQuery {
  /** In order. */
  readonly days: readonly [Day, ...Day[]];
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
 * Which cells lie behind the first day and up to the last, and the day from which each counts. Parameters: organisations, signs, first and last day,
 * then for `known` the known day, its block and the first day of that.
 */
const increments: Readonly<Record<SeriesKnowledge, (columns: string) => string>> = {
  known: (columns) => `
    select a as day, ${columns} from ${schema}.${byValidDay.name} f where o.coarse and f.org_id = c.org_id and a > $3 and a <= $4 and b < $6
    union all select a, ${columns} from ${schema}.${byDay.name} f where o.coarse and f.org_id = c.org_id and a > $3 and a <= $4 and b >= $7 and b <= $5
    union all select a, ${columns} from ${schema}.${byDay.name} f where not o.coarse and f.org_id = c.org_id and a > $3 and a <= $4 and b <= $5`,
  then: (columns) => `
    select a as day, ${columns} from ${schema}.${byPresentDay.name} f where o.coarse and f.org_id = c.org_id and a > $3 and a <= $4
    union all select greatest(a, b), ${columns} from ${schema}.${byDay.name} f where not o.coarse and f.org_id = c.org_id and a <= $4 and b <= $4 and greatest(a, b) > $3`,
};

interface Range { readonly from: number; readonly to: number; readonly as: SeriesKnowledge; readonly at: FigureCut; readonly columns: readonly number[] }

const nameOf = (column: number): string => {
  const name = columnNames[column];
  if (name === undefined) throw new RangeError(`there is no column ${column} of figures`);
  return name;
};

const addRolledUp = async (session: ReadSession, into: DaySums, cover: readonly CoverPart[], { from, to, as, at, columns }: Range): Promise<void> => {
  const [base] = await rolledUpSums(session, { validDay: from, knownDay: as === 'then' ? from : at.knownDay }, 1, cover);
  into.add(from, columns.map((column) => base?.[column] ?? 0n), 1n);
  const names = columns.map(nameOf);
  const knownBlock = blockOf(at.knownDay);
  const rows = await session.tx.query<Readonly<Record<string, string | number | null>> & { readonly day: number; readonly sign: number }>(
    `select x.day, c.sign, ${names.map((name) => `sum(x.${name})::text as ${name}`).join(', ')}
       from unnest($1::uuid[], $2::integer[]) as c(org_id, sign) join ${schema}.figure_org o on o.org_id = c.org_id
      cross join lateral (${increments[as](names.join(', '))}) x group by 1, 2`,
    [cover.map((c) => c.orgId), cover.map((c) => c.sign), from, to, ...(as === 'known' ? [at.knownDay, knownBlock, firstDayOfBlock(knownBlock)] : [])],
  );
  for (const row of rows) into.add(row.day, names.map((name) => BigInt(row[name] ?? 0)), BigInt(row.sign));
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

const addPoints = (into: DaySums, points: FigurePoints, { as, at, columns, from }: Range, sign: bigint): void => {
  for (const [, validDay, knownDay, vector] of points.entries()) {
    if (as === 'known' && knownDay > at.knownDay) continue;
    const day = Math.max(from, validDay, as === 'then' ? knownDay : validDay);
    into.add(day, columns.map((column) => BigInt(vector.get(column) ?? 0)), sign);
  }
};

/**
 * Chosen figures of a selection on each of the days: the dashboard's numbers at (valid that day; known at its end, or at the cut's knownAt; the cut's position),
 * by each owner's own policy. The cut's validAt plays no part.
 */
export const seriesSums = async (session: ReadSession, owners: Owners, { days, as, columns }: SeriesQuery): Promise<readonly SeriesSums[]> => {
  const numbers = days.map(dayNumberOf);
  const [from = 0, to = from] = [numbers[0], numbers.at(-1)];
  const lastAsked = days.at(-1) ?? days[0];
  const { recordedAt, zone, cut } = session;
  const endOfLast = lastInstantOf(zone, lastAsked);
  const ofCut = figureCutOf({ ...session, cut: { ...cut, validAt: lastAsked, ...(as === 'then' && { knownAt: endOfLast }) } });
  // What was recorded later than the position is known by days that the roll-ups have beyond it.
  const at: FigureCut = as === 'then' ? { ...ofCut, known: recordedAt < endOfLast ? recordedAt : endOfLast, endOfKnownDay: endOfLast } : ofCut;
  const range: Range = { from, to, as, at, columns };
  const otherwise = ownersJudgedOtherwise(session, at, undefined);
  const sums = new DaySums(columns.length);
  const apart = otherwise === null ? await allOwners(session, owners) : inBoth(otherwise, owners);
  if (otherwise !== null) {
    await addRolledUp(session, sums, coverOf(session, [without(session, owners, apart)]), range);
    const expansion = expansionUpTo(session, session.standing.registers);
    const surplus = new FigurePoints();
    for (const point of await surplusPoints(session, at, owners)) if (!apart.has(point.orgId)) expansion.expand(point, surplus);
    addPoints(sums, surplus, range, -1n);
  }
  if (apart.size > 0) {
    const expansion = expansionUpTo(session, cut.atPosition, as === 'known' ? at.known : undefined);
    const points = new FigurePoints();
    for (const point of await pointsApart(session, at, apart)) expansion.expand(point, points);
    addPoints(sums, points, range, 1n);
  }
  return sums.upTo(numbers);
};

const allOwners = async ({ tx }: ReadSession, owners: Owners): Promise<ReadonlySet<OrgId>> =>
  owners ?? new Set((await tx.query<{ org_id: OrgId }>(`select org_id from ${schema}.figure_org where points > 0`)).map((row) => row.org_id));
