import { dayIn, dayNumber, position, type OrgId, type Position, type StreamId } from '@rectrail/kernel';
import { figureDefinitions, latenessBands, type LatenessBand, type LatenessFigures } from '@rectrail/tracking-domain';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { lateDaysMin } from '../projections/event-projection.ts';
import { streamOf } from '../projections/stream-keys.ts';
import type { LatenessAnswer, LatenessItem } from './answers.ts';
import { countsAtCut, streamsAt, type TrackingFact } from './counting-facts.ts';
import { limitOf, type CursorKey } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { paged } from './paging.ts';
import { purgedContents } from './purged.ts';
import { labelOf, select, treeChosen, type ReadContext, type ReadSession } from './read-session.ts';
import type { LatenessRequest } from './requests.ts';

/** So many organisations and actors are named, those with the most facts. */
const namedMax = 50;

const bandOf = `case when e.days_late <= 7 then '0-7' when e.days_late <= 30 then '8-30' when e.days_late <= 90 then '31-90' when e.days_late <= 365 then '91-365' else '366-' end`;

const chosenOf = ({ minDays = lateDaysMin, type, actor }: LatenessRequest): LatenessAnswer['selection'] => ({ minDays: Math.max(0, minDays), type: type ?? null, actor: actor ?? null });

/** A condition only for what is asked, so that each statement has one plan for all values. */
interface Selection { readonly sql: string; readonly params: readonly unknown[] }

const selectionOf = ({ cut }: ReadSession, owners: readonly OrgId[] | null, request: LatenessRequest): Selection => {
  const { minDays, type, actor } = chosenOf(request);
  const params: unknown[] = [cut.validAt, cut.knownAt, cut.atPosition, minDays];
  const conditions = ['e.days_late >= $4', countsAtCut('e', ['$1', '$2', '$3'])];
  const want = (condition: (parameter: string) => string, value: unknown): void => { conditions.push(condition(`$${params.push(value)}`)); };
  // By this the index of what is late is known to hold it all.
  if (minDays >= lateDaysMin) conditions.push(`e.days_late >= ${lateDaysMin}`);
  if (type !== null) want((parameter) => `e.type = ${parameter}`, type);
  if (actor !== null) want((parameter) => `e.subject = ${parameter}`, actor);
  if (owners !== null) want((parameter) => `e.org_id in (select unnest(${parameter}::uuid[]))`, owners);
  return { sql: `from ${schema}.event e where ${conditions.join(' and ')}`, params };
};

interface Group { readonly org_id: OrgId | null; readonly subject: string | null; readonly band: LatenessBand | null; readonly facts: number }

const sumBy = <K>(groups: readonly Group[], keyOf: (group: Group) => K): ReadonlyMap<K, number> => {
  const sums = new Map<K, number>();
  for (const group of groups) sums.set(keyOf(group), (sums.get(keyOf(group)) ?? 0) + group.facts);
  return sums;
};

const most = <K>(sums: ReadonlyMap<K, number>): readonly (readonly [K, number])[] =>
  [...sums].toSorted(([a, x], [b, y]) => y - x || (String(a ?? '') < String(b ?? '') ? -1 : 1)).slice(0, namedMax);

const figuresOf = async ({ tx }: ReadSession, { sql, params }: Selection): Promise<LatenessFigures> => {
  const groups = await tx.query<Group>(
    `select l.org_id, l.subject, l.band, count(*)::int as facts from (select e.org_id, e.subject, ${bandOf} as band ${sql}) l
      group by grouping sets ((l.org_id, l.band), (l.subject))`, params,
  );
  // An actor always has a subject, and those of the other set have none.
  const [actors, owners] = [groups.filter((group) => group.subject !== null), groups.filter((group) => group.subject === null)];
  const inBand = sumBy(owners, (group) => group.band);
  // Every band is given its entry.
  const byBand = Object.fromEntries(latenessBands.map((band) => [band, inBand.get(band) ?? 0])) as Record<LatenessBand, number>;
  return {
    facts: owners.reduce((sum, { facts }) => sum + facts, 0),
    byBand,
    byOrganisation: most(sumBy(owners, (group) => group.org_id)).map(([orgId, facts]) => ({ orgId, facts })),
    byActor: most(sumBy(actors, (group) => group.subject ?? '')).map(([subject, facts]) => ({ subject, facts })),
  };
};

interface LateRow { readonly position: Position; readonly streamId: StreamId; readonly daysLate: number }

const latest = async ({ tx }: ReadSession, { sql, params }: Selection, after: CursorKey | null, limit: number): Promise<readonly LateRow[]> => {
  const [most, days, place] = [1, 2, 3].map((n) => `$${params.length + n}`);
  const beyond = after === null ? '' : `and (e.days_late, e.position) < (${days}::bigint, ${place}::bigint)`;
  const rows = await tx.query<{ position: string; stream: Buffer; days_late: number }>(
    `select e.position, e.stream, e.days_late ${sql} ${beyond} order by e.days_late desc, e.position desc limit ${most}`, [...params, limit, ...(after ?? [])],
  );
  return rows.map((row) => ({ position: position(Number(row.position)), streamId: streamOf(row.stream), daysLate: row.days_late }));
};

const itemOf = (session: ReadSession, fact: TrackingFact, daysLate: number): LatenessItem => {
  const { eventId, position, streamId, streamVersion, event: { type }, scope: { orgId }, validTime, knownTime, recordedAt, actor, source } = fact;
  if (validTime === null) throw new Error(`the fact at position ${position} has no valid time and cannot be late`);
  const label = orgId === null ? null : labelOf(session, orgId);
  return {
    eventId, position, streamId, streamVersion, type, orgId, orgCode: label?.code ?? null, orgName: label?.name ?? null, validTime, knownTime, recordedAt, daysLate,
    daysUntilRecorded: dayNumber(dayIn(session.zone, recordedAt)) - dayNumber(validTime.last), actor, source: source ?? null,
  };
};

/**
 * Facts that count at the cut and became known late, the latest first. Compared are the last day on which a fact may have happened and the day of its known
 * time in the zone of the installation; of an import that is the day on which the source came in, whenever it was recorded (the items say when). What is cut by
 * position alone and what was known before its last day was over (a plan, the current month) is not late. The figures are of the selection, `minDays` included.
 */
export const lateness = (context: ReadContext, request: LatenessRequest): Promise<LatenessAnswer> =>
  paged(context, 'lateness', request, async (session, after, next) => {
    const { cut } = session;
    const size = limitOf(request.limit);
    const { org, owners, members } = select(session, request.org);
    const selection = selectionOf(session, owners, request);
    await planAnew(session.tx);
    const figures = await figuresOf(session, selection);
    const found = await latest(session, selection, after, size + 1);
    const page = found.slice(0, size);
    const streamOf = await streamsAt(context, session, new Set(page.map((row) => row.streamId)));
    const items = page.flatMap(({ position, streamId, daysLate }) =>
      (streamOf.get(streamId) ?? []).filter((fact) => fact.position === position).map((fact) => itemOf(session, fact, daysLate)));
    const last = found.length > size ? page.at(-1) : undefined;
    return {
      cut, definition: figureDefinitions.lateness, digest: digestOf(figures), org, ...treeChosen(session, request), selection: chosenOf(request),
      figures, items, total: figures.facts,
      nextCursor: last === undefined ? null : next([last.daysLate, last.position]), assumptions: { calendarYears: [] }, purged: await purgedContents(session, members),
    };
  });
