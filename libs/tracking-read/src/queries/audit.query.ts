import { streamVersion, type Cut, type Fact, type IssueId, type Position, type StreamId } from '@rectrail/kernel';
import { streams, type FactsRetracted, type IssueEvent } from '@rectrail/tracking-domain';
import { EventRow } from '../database/entities.ts';
import { issueTimeline, parsePair, shownIssueState } from '../projections/issue-projection.ts';
import { standingAt, standings, type DayBound, type InstantBound } from '../timeline/standing.ts';
import { timeline } from '../timeline/timeline.ts';
import type { Belief, EventView, IssueHistory, Page } from './answers.ts';
import { changesOf } from './changes.ts';
import { wholeStreams, type TrackingFact } from './counting-facts.ts';
import { limitOf } from './cursor.ts';
import { countOf, paged } from './paging.ts';
import { readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { AuditRequest, ReadRequest } from './requests.ts';
import { ReadRejected } from './tracking-read.ts';

const isRetraction = (fact: TrackingFact): fact is Fact<FactsRetracted> => fact.event.type === 'FactsRetracted';

/** What counts of a stream at the cut, its retractions included: a withdrawal from its own knownTime, a correction of a slip by position alone. */
const countingPositions = (stream: readonly TrackingFact[], cut: Cut): ReadonlySet<Position> => {
  const inError = new Set<string>();
  const counting = new Set(standingAt(standings(stream), cut).map((fact) => fact.position));
  for (const fact of stream.filter(isRetraction).toReversed()) {
    if (inError.has(fact.eventId)) continue;
    const { kind, eventIds } = fact.event.data;
    if (kind === 'entered-in-error') eventIds.forEach((id) => inError.add(id));
    if (kind === 'entered-in-error' || fact.knownTime <= cut.knownAt) counting.add(fact.position);
  }
  return counting;
};

/** Events as the audit trail shows them; `stream` is the whole stream up to the position read. */
const eventViews = (facts: readonly TrackingFact[], stream: readonly TrackingFact[], cut: Cut): readonly EventView[] => {
  const retractions = stream.filter(isRetraction);
  const counting = countingPositions(stream, cut);
  return facts.map((fact) => ({
    position: fact.position, streamId: fact.streamId, streamVersion: fact.streamVersion, eventId: fact.eventId, type: fact.event.type, data: fact.event.data,
    recordedAt: fact.recordedAt, knownTime: fact.knownTime, validTime: fact.validTime, actor: fact.actor, orgId: fact.scope.orgId, source: fact.source ?? null,
    commandId: fact.commandId, correlationId: fact.correlationId,
    changes: changesOf(fact, stream),
    retractedBy: retractions.filter((r) => r.event.data.eventIds.includes(fact.eventId))
      .map(({ eventId, position, actor, event: { data: { kind, reason } } }) => ({ eventId, position, kind, reason, actor })),
    counts: counting.has(fact.position),
  }));
};

/** Every event that lies within the caller's jurisdiction, the newest first. */
export const auditTrail = (context: ReadContext, request: AuditRequest): Promise<Page<EventView>> =>
  paged(context, 'audit-trail', request, async (session, after, next) => {
    const { cut, manager, tx } = session;
    const size = limitOf(request.limit);
    const query = manager.createQueryBuilder(EventRow, 'e').where('e.position <= :atPosition', { atPosition: cut.atPosition });
    const { owners } = select(session, request.org);
    if (owners !== null) query.andWhere('e.org_id = any(:owners)', { owners });
    if (request.stream !== undefined) query.andWhere('e.stream_id = :stream', { stream: request.stream });
    if (request.type !== undefined) query.andWhere('e.type = :type', { type: request.type });
    if (request.actor !== undefined) query.andWhere('e.subject = :subject', { subject: request.actor });
    // Positions have no gaps, so that the whole log need not be counted.
    const isWholeLog = owners === null && request.stream === undefined && request.type === undefined && request.actor === undefined;
    const total = isWholeLog ? cut.atPosition : await countOf(query);
    if (after !== null) query.andWhere('e.position < :before', { before: after[0] });
    const found = await query.orderBy('e.position', 'DESC').limit(size + 1).getMany();
    const page = found.slice(0, size);
    const whole = await wholeStreams(tx, [...new Set(page.map((row) => row.streamId))], cut.atPosition);
    const byStream = Map.groupBy(page.map((row) => row.fact), (fact) => fact.streamId);
    const views = [...byStream].flatMap(([streamId, facts]) => eventViews(facts, whole.get(streamId) ?? [], cut));
    const last = found.length > size ? page.at(-1) : undefined;
    return { cut, items: views.toSorted((a, b) => b.position - a.position), total, nextCursor: last === undefined ? null : next([last.position]) };
  });

const openEnd = <T extends string>(bound: T | '-infinity' | 'infinity'): T | null => (bound === '-infinity' || bound === 'infinity' ? null : bound);

/** What was believed of an issue, by what was known and for which days: its timeline at the position read. */
const beliefs = (stream: readonly TrackingFact[]): readonly Belief[] => {
  // The stream is an issue's: the codec has checked its events.
  return timeline(stream as unknown as readonly Fact<IssueEvent | FactsRetracted>[], issueTimeline)
    .toSorted((a, b) => compare(a.knownFrom, b.knownFrom) || compare(a.validFrom, b.validFrom))
    .map(({ validFrom, validTo, knownFrom, knownTo, view: { cell } }) => {
      const { last, first } = parsePair(cell);
      const [state, possibly] = [last === null ? null : shownIssueState(last), first === null ? null : shownIssueState(first)];
      return {
        validFrom: openEnd(validFrom), validTo: openEnd(validTo), knownFrom: openEnd(knownFrom), knownTo: openEnd(knownTo),
        state, possibly: possibly === state ? null : possibly,
      };
    });
};

const compare = (a: DayBound | InstantBound, b: DayBound | InstantBound): number => (a < b ? -1 : a > b ? 1 : 0);

const issueStream = async (session: ReadSession, id: IssueId): Promise<{ readonly streamId: StreamId; readonly stream: readonly TrackingFact[] }> => {
  const streamId = streams.issue(id);
  const stream = (await wholeStreams(session.tx, [streamId], session.cut.atPosition)).get(streamId) ?? [];
  return { streamId, stream };
};

/** Every event of an issue up to the position read, counting or not, and what was believed. @throws ReadRejected `unknown-issue`, `outside-jurisdiction`. */
export const issueHistory = (context: ReadContext, id: IssueId, request: ReadRequest): Promise<IssueHistory> =>
  readAt(context, request, async (session) => {
    const { stream } = await issueStream(session, id);
    const owner = stream[0]?.scope.orgId;
    if (owner === undefined) throw new ReadRejected('unknown-issue', `issue ${id} has no event up to position ${session.cut.atPosition}`);
    if (session.visible !== null && (owner === null || !session.visible.has(owner))) {
      throw new ReadRejected('outside-jurisdiction', `issue ${id} lies outside the jurisdiction of this token`);
    }
    return {
      cut: session.cut, issueId: id, orgId: owner, streamVersion: streamVersion(stream.length),
      events: eventViews(stream, stream, session.cut), beliefs: beliefs(stream),
    };
  });
