import { addDays, dayOfNumber, instantOfMs, maxDay, msOfInstant, type Cut, type Day, type Fact, type Instant, type OrgId, type Position } from '@rectrail/kernel';
import { streams, workingDaysBetween, type FactsRetracted, type PolicyContent, type PolicyEvent, type WorkingCalendarEvent } from '@rectrail/tracking-domain';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { dayNumberOf, dayNumbersIn, endOfDayIn } from '../figures/day-numbers.ts';
import { addSums, columnNames, noFigures, sumsOfRow, type FigureSums, type SumRow } from '../figures/figure-columns.ts';
import { FigureExpansion, Judges, type CellPoint } from '../figures/figure-points.ts';
import { policyTerms } from '../figures/policy-terms.ts';
import { blockBits, byBlock, byDay, byKnownDay, bySpan, byValidDay, spanBits, type RollUpTable } from '../figures/roll-up-tables.ts';
import { instantText } from '../projections/register.ts';
import type { ReadSession } from './read-session.ts';
import { policyText } from './reference-data.ts';
import { rawSums } from './raw-sums.ts';
import { signedCover } from './signed-cover.ts';
import { atCut, type Owners, type SumsOf } from './sums.ts';
import type { Verdicts } from './verdicts.ts';

const isIn = (owners: Owners, orgId: OrgId): boolean => owners === null || owners.has(orgId);

const dayMs = 86_400_000;

/**
 * Where a cut stands among the roll-ups, which hold what is known by the end of a day and recorded up to where the registers stand. `known`: nothing recorded by the
 * position was known later than it was recorded, so that knowledge beyond that adds nothing.
 */
export interface FigureCut {
  readonly validAt: Day;
  readonly validDay: number;
  readonly knownDay: number;
  readonly known: Instant;
  readonly endOfKnownDay: Instant;
}

export const figureCutOf = ({ cut, recordedAt, zone }: ReadSession): FigureCut => {
  const known = recordedAt < cut.knownAt ? recordedAt : cut.knownAt;
  const knownDay = dayNumbersIn(zone)(known);
  return { validAt: cut.validAt, validDay: dayNumberOf(cut.validAt), knownDay, known, endOfKnownDay: endOfDayIn(zone)(dayOfNumber(knownDay)) };
};

/** Nothing was recorded after the cut's position, nor known later on its day: the roll-ups hold what the cut does. */
const isOfRollUps = ({ cut, standing, recordedAt }: ReadSession, { known, endOfKnownDay }: FigureCut): boolean =>
  cut.atPosition === standing.registers && (known === recordedAt || known === endOfKnownDay);

type PolicyFact = Fact<PolicyEvent | FactsRetracted>;

/** Whether a fact of a policy or of the calendar counts in the roll-ups as they stand and not at the cut, or the other way round. */
const isJudgedOtherwise = ({ cut }: ReadSession, { validAt, known, endOfKnownDay }: FigureCut, fact: Fact<PolicyEvent | WorkingCalendarEvent | FactsRetracted>): boolean => {
  const isLater = fact.position > cut.atPosition;
  if (!isLater && fact.knownTime <= known) return false;
  const { event, validTime } = fact;
  if (event.type === 'FactsRetracted') return event.data.kind === 'entered-in-error' ? isLater : fact.knownTime <= endOfKnownDay;
  if (validTime === null) return isLater;
  return fact.knownTime <= endOfKnownDay && validTime.last <= validAt;
};

const countsWorkingDays = (facts: readonly PolicyFact[]): boolean => facts.some(({ event }) => event.type !== 'FactsRetracted' && event.data.dueSoon.unit === 'working');

/** Owners whose issues the roll-ups judge otherwise than the cut does, by a policy or calendar recorded or known later, on its valid day or an earlier one; null: all. */
export const ownersJudgedOtherwise = (session: ReadSession, at: FigureCut, policy: string | undefined): Owners => {
  const { reference, standing } = session;
  if (policy !== undefined || standing.referencePosition > standing.reference) return null;
  // The policies of a province are thousands, and most cuts are of this kind.
  if (isOfRollUps(session, at)) return new Set();
  const calendarFacts = reference.facts(streams.workingCalendar, standing.registers) as readonly Fact<WorkingCalendarEvent | FactsRetracted>[];
  const isOtherCalendar = calendarFacts.some((fact) => isJudgedOtherwise(session, at, fact));
  const owners = new Set<OrgId>();
  for (const streamId of reference.policyStreams()) {
    const facts = reference.facts(streamId, standing.registers) as readonly PolicyFact[];
    if (!(isOtherCalendar && countsWorkingDays(facts)) && !facts.some((fact) => isJudgedOtherwise(session, at, fact))) continue;
    if (streamId === streams.defaultPolicy) return null;
    // The rest of the name of a policy's stream is its organisation.
    owners.add(streamId.slice('policy-'.length) as OrgId);
  }
  return owners;
};

const differ = (a: PolicyContent, b: PolicyContent): boolean =>
  a !== b && (policyText(a.buckets) !== policyText(b.buckets) || policyText(a.dueSoon) !== policyText(b.dueSoon));

/** Whether a year's working days may decide what is due soon on a day. */
const isWithinReach = ({ reference, cut }: ReadSession, { validAt }: FigureCut, year: number): boolean => {
  if (`${year}-12-31` < validAt) return false;
  const most = reference.workingDaysAheadMax;
  return workingDaysBetween(reference.calendar(cut), validAt, maxDay(validAt, addDays(`${year}-01-01` as Day, -1)), most).days <= most;
};

/**
 * Of these, the owners whose policy, or whose working days, are others at the very cut. Most of what was recorded since an older position decides about other days, and adding up
 * an owner from points takes long: that of everyone, for a year that begins months later, took seconds.
 */
export const ownersJudgedOtherwiseAt = (session: ReadSession, at: FigureCut, policy: string | undefined): Owners => {
  const { reference, standing, cut: { atPosition } } = session;
  const found = ownersJudgedOtherwise(session, at, policy);
  const isInstalled = reference.facts(streams.defaultPolicy, atPosition).length > 0;
  if (found?.size === 0 || policy !== undefined || standing.referencePosition > standing.reference || !isInstalled) return found;
  const ofCut: Cut = { atPosition, knownAt: at.known, validAt: at.validAt };
  const rolledUp: Cut = { atPosition: standing.registers, knownAt: at.endOfKnownDay, validAt: at.validAt };
  const calendarFacts = reference.facts(streams.workingCalendar, standing.registers) as readonly Fact<WorkingCalendarEvent | FactsRetracted>[];
  const isOtherCalendar = calendarFacts.some((fact) =>
    isJudgedOtherwise(session, at, fact) && (fact.event.type !== 'CalendarYearSet' || isWithinReach(session, at, fact.event.data.year)));
  const isOther = (a: PolicyContent, b: PolicyContent): boolean => differ(a, b) || (isOtherCalendar && [a, b].some(({ dueSoon }) => dueSoon.unit === 'working'));
  const [here, there] = [reference.defaultPolicy(ofCut), reference.defaultPolicy(rolledUp)];
  if (isOther(here, there)) return null;
  const [ownHere, ownThere] = [reference.ownPolicies(ofCut), reference.ownPolicies(rolledUp)];
  return new Set([...new Set([...ownHere.keys(), ...ownThere.keys()])].filter((owner) => isOther(ownHere.get(owner) ?? here, ownThere.get(owner) ?? there)));
};

/** A sum tells no year without a calendar: where working days ahead reach into one, the latest open date of each owner tells. */
const assumeYears = async ({ tx, cut }: ReadSession, owners: Owners, verdicts: Verdicts): Promise<void> => {
  if (!verdicts.mayAssumeYears) return;
  await planAnew(tx);
  const rows = await tx.query<{ orgId: OrgId; due: Day }>(
    `select org_id as "orgId", max(open_until)::text as due from ${schema}.issue_row r
      where open_until > $1 and ${atCut('r', ['$1', '$2', '$3'])} and ($4::uuid[] is null or org_id = any($4)) group by org_id`,
    [cut.validAt, cut.knownAt, cut.atPosition, owners === null ? null : [...owners]],
  );
  for (const { orgId, due } of rows) verdicts.assumeFor(orgId, due);
};

/**
 * How points of registers become figures by what is recorded of policies and calendars up to a position (where the registers stand, for what the roll-ups
 * hold), and known by an instant.
 */
export const expansionUpTo = ({ reference, zone }: ReadSession, upTo: Position, knownBy?: Instant): FigureExpansion => {
  const terms = policyTerms({ get: (id) => reference.facts(id, upTo) });
  const known = knownBy === undefined ? terms : (owner: OrgId) => terms(owner).filter(({ knownFrom }) => knownFrom <= knownBy);
  return new FigureExpansion(known, new Judges(dayNumbersIn(zone)));
};

export interface CoverPart { readonly part: number; readonly orgId: OrgId; readonly sign: 1 | -1 }

/** Organisations with all below them in the reference tree that add up to each of the parts. */
export const coverOf = (session: ReadSession, parts: readonly Owners[]): readonly CoverPart[] => {
  const reference = session.reference.referenceTree(session.standing.registers);
  return parts.flatMap((owners, part) => {
    const cover = owners === null ? session.standing.roots.map((orgId) => ({ orgId, sign: 1 as const })) : signedCover(reference, owners);
    return cover.map(({ orgId, sign }) => ({ part, orgId, sign }));
  });
};

const figures = columnNames.join(', ');
const figureSums = columnNames.map((name) => `sum(${name}) as ${name}`).join(', ');
const signedSums = columnNames.map((name) => `sum(c.sign * s.${name}) as ${name}`).join(', ');

const block = (day: string): string => `(c.${day} >> ${blockBits})`;
const span = (day: string): string => `(c.${day} >> ${spanBits})`;
const firstOfBlock = (day: string): string => `(${block(day)} << ${blockBits})`;
const firstOfSpan = (day: string): string => `(${span(day)} << ${spanBits - blockBits})`;
const [wholeValid, wholeKnown] = [`b < ${block('known_day')}`, `b < ${block('valid_day')}`];
const [lastValid, lastKnown] = [`a >= ${firstOfBlock('valid_day')} and a <= c.valid_day`, `a >= ${firstOfBlock('known_day')} and a <= c.known_day`];
const ofCoarse = (table: RollUpTable, ...where: readonly string[]): string =>
  `select ${figures} from ${schema}.${table.name} f where o.coarse and f.org_id = c.org_id and ${where.join(' and ')}`;

/**
 * Parameters: parts, organisations, signs, valid days, known days. Rows are added up organisation by organisation, where they lie together: a sum of all of them at once would sort
 * thousands of wide rows where many organisations have moved.
 */
const sumSql = `
  select c.part, ${signedSums}
    from unnest($1::integer[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[]) as c(part, org_id, sign, valid_day, known_day)
    join ${schema}.figure_org o on o.org_id = c.org_id
   cross join lateral (select ${figureSums} from (
     ${ofCoarse(bySpan, `a < ${span('valid_day')}`, `b < ${span('known_day')}`)}
     union all ${ofCoarse(byBlock, `a >= ${firstOfSpan('valid_day')} and a < ${block('valid_day')}`, wholeValid)}
     union all ${ofCoarse(byBlock, `a < ${firstOfSpan('valid_day')}`, `b >= ${firstOfSpan('known_day')}`, wholeValid)}
     union all ${ofCoarse(byValidDay, lastValid, wholeValid)}
     union all ${ofCoarse(byKnownDay, lastKnown, wholeKnown)}
     union all ${ofCoarse(byDay, lastValid, `b >= ${firstOfBlock('known_day')} and b <= c.known_day`)}
     union all select ${figures} from ${schema}.${byDay.name} f where not o.coarse and f.org_id = c.org_id and a <= c.valid_day and b <= c.known_day) x) s
   group by 1`;

type PartRow = SumRow & { readonly part: number };

/** What the roll-ups add up to for each part at its cut, everything known by the end of the day and recorded by where they stand. */
export const rolledUpSums = async (
  { tx }: Pick<ReadSession, 'tx'>, cuts: readonly Pick<FigureCut, 'validDay' | 'knownDay'>[], cover: readonly CoverPart[],
): Promise<readonly FigureSums[]> => {
  const rows = await tx.query<PartRow>(sumSql, [
    cover.map((c) => c.part), cover.map((c) => c.orgId), cover.map((c) => c.sign), cover.map((c) => cuts[c.part]?.validDay), cover.map((c) => cuts[c.part]?.knownDay),
  ]);
  const sums = cuts.map(() => noFigures);
  for (const row of rows) sums[row.part] = sumsOfRow(row);
  return sums;
};

export const pointColumns = `kind, org_id as "orgId", cell, valid_from::text as "validFrom", ${instantText('known_from')} as "knownFrom", n, fen`;

/**
 * Points that the roll-ups of the known day hold and the cut does not: known later on that day, or recorded later. Of the latter, what was known in time was recorded within a
 * day or is marked as late.
 */
const surplusOf = (columns: string): string => `
  select ${columns} from ${schema}.point where known_from > $1 and known_from <= $2 and valid_from <= $3 and ($4::uuid[] is null or org_id = any($4))
  union all select ${columns} from ${schema}.point
   where $5::bigint < $7 and position > $5 and late and known_from <= $1 and valid_from <= $3 and ($4::uuid[] is null or org_id = any($4))
  union all select ${columns} from ${schema}.point
   where $5::bigint < $7 and position > $5 and not late and known_from <= $1 and known_from >= $6 and valid_from <= $3 and ($4::uuid[] is null or org_id = any($4))`;

const surplusParameters = ({ cut, standing, recordedAt }: ReadSession, at: FigureCut, owners: Owners): readonly unknown[] =>
  [at.known, at.endOfKnownDay, at.validAt, owners === null ? null : [...owners], cut.atPosition, instantOfMs(msOfInstant(recordedAt) - dayMs), standing.registers];

type PointRow = Omit<CellPoint, 'fen'> & { readonly fen: string };

/** Each with its place, for whoever asks about several days. */
export const surplusPoints = async (session: ReadSession, at: FigureCut, owners: Owners): Promise<readonly CellPoint[]> => {
  if (isOfRollUps(session, at)) return [];
  await planAnew(session.tx);
  const rows = await session.tx.query<PointRow>(
    `select kind, "orgId", cell, "validFrom", "knownFrom", sum(n)::integer as n, sum(fen)::text as fen from (${surplusOf(pointColumns)}) p
      group by 1, 2, 3, 4, 5 having sum(n) <> 0 or sum(fen) <> 0`, surplusParameters(session, at, owners),
  );
  return rows.map((row) => ({ ...row, fen: BigInt(row.fen) }));
};

/** What they come to at the cut itself, where each of a cell is judged alike: an import moves as much out of cells as into them, and of what it has moved often nothing is left. */
export const surplusCells = async (session: ReadSession, at: FigureCut, owners: Owners): Promise<readonly CellPoint[]> => {
  if (isOfRollUps(session, at)) return [];
  await planAnew(session.tx);
  const rows = await session.tx.query<Omit<PointRow, 'validFrom' | 'knownFrom'>>(
    `select kind, org_id as "orgId", cell, sum(n)::integer as n, sum(fen)::text as fen from (${surplusOf('kind, org_id, cell, n, fen')}) p
      group by 1, 2, 3 having sum(n) <> 0 or sum(fen) <> 0`, surplusParameters(session, at, owners),
  );
  return rows.map((row) => ({ ...row, validFrom: '-infinity', knownFrom: '-infinity', fen: BigInt(row.fen) }));
};

export const inBoth = (some: ReadonlySet<OrgId>, owners: Owners): ReadonlySet<OrgId> =>
  (owners === null || some.size === 0 ? some : new Set([...some].filter((orgId) => owners.has(orgId))));

export const without = (session: ReadSession, owners: Owners, others: ReadonlySet<OrgId>): Owners => {
  if (others.size === 0) return owners;
  const all = owners ?? new Set([...session.reference.referenceTree(session.standing.registers).orgs.keys(), ...session.standing.roots]);
  return new Set([...all].filter((orgId) => !others.has(orgId)));
};

/**
 * The figures of a selection at the cut, and of parts of it. Where an owner is judged at the cut as in the roll-ups, they are sums of few cells; owners that
 * are judged otherwise are added up from their points.
 */
export const figureSumsOf = async (session: ReadSession, whole: Owners, parts: readonly Owners[], verdicts: Verdicts): Promise<SumsOf> => {
  const at = figureCutOf(session);
  const otherwise = ownersJudgedOtherwiseAt(session, at, verdicts.policy);
  if (otherwise === null) return rawSums(session, whole, parts, verdicts);
  const apart = inBoth(otherwise, whole);
  const all = [whole, ...parts];
  const rolled = all.map((owners) => without(session, owners, apart));
  const sums = [...await rolledUpSums(session, all.map(() => at), coverOf(session, rolled))];
  const add = (part: number, more: FigureSums, sign: 1n | -1n): void => { sums[part] = addSums(sums[part] ?? noFigures, more, sign); };
  await assumeYears(session, rolled[0] ?? null, verdicts);
  const cells = await surplusCells(session, at, whole);
  const expansion = cells.length === 0 ? null : expansionUpTo(session, session.standing.registers);
  for (const point of cells) {
    if (expansion === null || apart.has(point.orgId)) continue;
    const surplus = expansion.sumsAt(point, at.validDay, at.knownDay);
    for (const [part, owners] of rolled.entries()) if (isIn(owners, point.orgId)) add(part, surplus, -1n);
  }
  if (apart.size > 0) {
    const raw = await rawSums(session, apart, all.map((owners) => inBoth(apart, owners)), verdicts);
    for (const [part, more] of raw.parts.entries()) add(part, more, 1n);
  }
  const [ofWhole = noFigures, ...ofParts] = sums;
  return { whole: ofWhole, parts: ofParts };
};
