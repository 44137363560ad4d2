import { dayIn, dayNumber, position, type OrgId, type Position, type StreamId } from '@rectrail/kernel';
import { figureDefinitions } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { lateDaysMin } from '../projections/event-projection.ts';
import { latenessBands, type LatenessAnswer, type LatenessBand, type LatenessFigures, type LatenessItem } from './answers.ts';
import { countsAtCut, streamsAt, type TrackingFact } from './counting-facts.ts';
import { limitOf, type CursorKey } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { paged } from './paging.ts';
import { labelOf, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { LatenessRequest } from './requests.ts';

/** So many organisations and actors are named, those with the most facts. */
const namedMax = 50;

const bandOf = `case when e.days_late <= 7 then '0-7' when e.days_late <= 30 then '8-30' when e.days_late <= 90 then '31-90' when e.days_late <= 365 then '91-365' else '366-' end`;

/** Not late is what was known before its last day was over: a negative number of days. */
const selected = `from ${schema}.event e
  where e.days_late >= $4 and ($5::uuid[] is null or e.org_id = any($5)) and ($6::text is null or e.type = $6) and ($7::text is null or e.subject = $7)
    and ${countsAtCut('e', ['$1', '$2', '$3'])}`;

type Selection = readonly unknown[];

const selectionOf = ({ cut }: ReadSession, owners: readonly OrgId[] | null, { minDays = lateDaysMin, type, actor }: LatenessRequest): Selection =>
  [cut.validAt, cut.knownAt, cut.atPosition, Math.max(0, minDays), owners, type ?? null, actor ?? null];

interface Group { readonly band: LatenessBand | null; readonly org_id: OrgId | null; readonly subject: string | null; readonly by: 'band' | 'organisation' | 'actor'; readonly facts: number }

const most = <T extends { readonly facts: number }>(groups: readonly T[], nameOf: (group: T) => string): readonly T[] =>
  groups.toSorted((a, b) => b.facts - a.facts || (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, namedMax);

const figuresOf = async ({ tx }: ReadSession, selection: Selection): Promise<LatenessFigures> => {
  const groups = await tx.query<Group>(
    `select l.band, l.org_id, l.subject, case grouping(l.band, l.org_id, l.subject) when 3 then 'band' when 5 then 'organisation' else 'actor' end as by, count(*)::int as facts
       from (select e.org_id, e.subject, ${bandOf} as band ${selected}) l
      group by grouping sets ((l.band), (l.org_id), (l.subject))`, selection,
  );
  const by = (name: Group['by']): readonly Group[] => groups.filter((group) => group.by === name);
  const inBand = new Map(by('band').map(({ band, facts }) => [band, facts]));
  // Every band is given its entry.
  const byBand = Object.fromEntries(latenessBands.map((band) => [band, inBand.get(band) ?? 0])) as Record<LatenessBand, number>;
  return {
    facts: Object.values(byBand).reduce((sum, n) => sum + n, 0),
    byBand,
    byOrganisation: most(by('organisation').map(({ org_id: orgId, facts }) => ({ orgId, facts })), ({ orgId }) => orgId ?? ''),
    byActor: most(by('actor').map(({ subject, facts }) => ({ subject: subject ?? '', facts })), ({ subject }) => subject),
  };
};

interface LateRow { readonly position: Position; readonly streamId: StreamId; readonly daysLate: number }

const latest = async ({ tx }: ReadSession, selection: Selection, after: CursorKey | null, limit: number): Promise<readonly LateRow[]> => {
  const rows = await tx.query<{ position: string; stream_id: StreamId; days_late: number }>(
    `select e.position, e.stream_id, e.days_late ${selected} and ($8::bigint is null or (e.days_late, e.position) < ($8, $9)) order by e.days_late desc, e.position desc limit $10`,
    [...selection, ...(after ?? [null, null]), limit],
  );
  return rows.map((row) => ({ position: position(Number(row.position)), streamId: row.stream_id, daysLate: row.days_late }));
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
    const { org, owners } = select(session, request.org);
    const selection = selectionOf(session, owners, request);
    const figures = await figuresOf(session, selection);
    const found = await latest(session, selection, after, size + 1);
    const page = found.slice(0, size);
    const streamOf = await streamsAt(context, session, new Set(page.map((row) => row.streamId)));
    const items = page.flatMap(({ position, streamId, daysLate }) =>
      (streamOf.get(streamId) ?? []).filter((fact) => fact.position === position).map((fact) => itemOf(session, fact, daysLate)));
    const last = found.length > size ? page.at(-1) : undefined;
    return {
      cut, definition: figureDefinitions.lateness, digest: digestOf(figures), org, figures, items, total: figures.facts,
      nextCursor: last === undefined ? null : next([last.daysLate, last.position]),
    };
  });
