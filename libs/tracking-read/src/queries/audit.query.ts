import type { Cut, IssueId, OrgId, Position, ReminderId, StreamId } from '@rectrail/kernel';
import { isPurge, isRetraction, streams } from '@rectrail/tracking-domain';
import { standingAt, standings } from '../timeline/standing.ts';
import type { AuditTrailAnswer, EventView, IssueHistory } from './answers.ts';
import { orgsConcerned, StreamChanges } from './changes.ts';
import { isTree, streamInSight, streamsAt, type TrackingFact } from './counting-facts.ts';
import { limitOf } from './cursor.ts';
import { newestEvents, type EventPlace } from './event-search.ts';
import { paged } from './paging.ts';
import { readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { AuditRequest, ReadRequest } from './requests.ts';

/** What counts of a stream at the cut, its retractions included: a withdrawal from its own knownTime, a correction of a slip and a purge by position alone. */
const countingPositions = (stream: readonly TrackingFact[], cut: Cut): ReadonlySet<Position> => {
  const inError = new Set<string>();
  const counting = new Set([...standingAt(standings(stream), cut), ...stream.filter(isPurge)].map((fact) => fact.position));
  for (const fact of stream.filter(isRetraction).toReversed()) {
    if (inError.has(fact.eventId)) continue;
    const { kind, eventIds } = fact.event.data;
    if (kind === 'entered-in-error') eventIds.forEach((id) => inError.add(id));
    if (kind === 'entered-in-error' || fact.knownTime <= cut.knownAt) counting.add(fact.position);
  }
  return counting;
};

/** Events as the audit trail shows them; `stream` is the whole stream up to the position read, of a tree all that concerns them. */
const eventViews = (facts: readonly TrackingFact[], stream: readonly TrackingFact[], cut: Cut): readonly EventView[] => {
  const retractions = stream.filter(isRetraction);
  const counting = countingPositions(stream, cut);
  const changes = new StreamChanges(stream);
  return facts.map((fact) => ({
    position: fact.position, streamId: fact.streamId, streamVersion: fact.streamVersion, eventId: fact.eventId, type: fact.event.type, data: fact.event.data,
    recordedAt: fact.recordedAt, knownTime: fact.knownTime, validTime: fact.validTime, actor: fact.actor, orgId: fact.scope.orgId, source: fact.source ?? null,
    commandId: fact.commandId, correlationId: fact.correlationId,
    changes: changes.of(fact),
    retractedBy: retractions.filter((r) => r.event.data.eventIds.includes(fact.eventId))
      .map(({ eventId, position, actor, event: { data: { kind, reason } } }) => ({ eventId, position, kind, reason, actor })),
    counts: counting.has(fact.position),
  }));
};

/** Of a tree, long and kept in memory: what concerns the organisations of these facts. */
const concerning = (facts: readonly TrackingFact[], tree: readonly TrackingFact[]): readonly TrackingFact[] => {
  const [orgs, own] = [new Set<OrgId>(facts.flatMap((fact) => orgsConcerned(fact, tree))), new Set(facts)];
  return tree.filter((fact) => isRetraction(fact) || own.has(fact) || orgsConcerned(fact, []).some((orgId) => orgs.has(orgId)));
};

/** Of a register of notices, which has no end: what is said of the notices of these facts. */
const ofReminders = (facts: readonly TrackingFact[], register: readonly TrackingFact[]): readonly TrackingFact[] => {
  const idOf = ({ event }: TrackingFact): ReminderId | null => ('reminderId' in event.data ? event.data.reminderId : null);
  const named = new Set(facts.flatMap((fact) => (isRetraction(fact) ? register.filter(({ eventId }) => fact.event.data.eventIds.includes(eventId)) : [fact])).map(idOf));
  return register.filter((fact) => isRetraction(fact) || named.has(idOf(fact)));
};

/** What of a stream the views of some of its facts are made from. */
const behind = (streamId: StreamId, facts: readonly TrackingFact[], stream: readonly TrackingFact[]): readonly TrackingFact[] => {
  if (isTree(streamId)) return concerning(facts, stream);
  return streamId.startsWith('reminders-') ? ofReminders(facts, stream) : stream;
};

const viewsOf = async (context: ReadContext, session: ReadSession, places: readonly EventPlace[]): Promise<readonly EventView[]> => {
  const byStream = Map.groupBy(places, (place) => place.streamId);
  const streamOf = await streamsAt(context, session, byStream.keys());
  const views = [...byStream].flatMap(([streamId, ofStream]) => {
    const stream = streamOf.get(streamId) ?? [];
    const positions = new Set(ofStream.map((place) => place.position));
    const facts = stream.filter((fact) => positions.has(fact.position));
    return eventViews(facts, behind(streamId, facts, stream), session.cut);
  });
  return views.toSorted((a, b) => b.position - a.position);
};

/** Every event that lies within the caller's jurisdiction, the newest first. They are not counted: that would take longer than the page. */
export const auditTrail = (context: ReadContext, request: AuditRequest): Promise<AuditTrailAnswer> =>
  paged(context, 'audit-trail', request, async (session, after, next) => {
    const { cut, tx } = session;
    const size = limitOf(request.limit);
    const { stream, type, actor } = request;
    const before = Math.min(cut.atPosition + 1, Number(after?.[0] ?? Infinity));
    const found = await newestEvents(tx, { owners: select(session, request.org).members, stream, type, actor }, { before, limit: size + 1 });
    const page = found.slice(0, size);
    const last = found.length > size ? page.at(-1) : undefined;
    return { cut, items: await viewsOf(context, session, page), nextCursor: last === undefined ? null : next([last.position]) };
  });

/** Every event of an issue up to the position read, counting or not. @throws ReadRejected `unknown-issue`, `outside-jurisdiction`. */
export const issueHistory = (context: ReadContext, id: IssueId, request: ReadRequest): Promise<IssueHistory> =>
  readAt(context, request, async (session) => {
    const { orgId, stream, version } = await streamInSight(context, session, streams.issue(id), 'unknown-issue');
    return { cut: session.cut, issueId: id, orgId, streamVersion: version, events: eventViews(stream, stream, session.cut) };
  });
