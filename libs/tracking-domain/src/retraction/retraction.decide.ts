import {
  accept, lastDay, nothing, position, reject, streamVersion, type Cut, type Decision, type DomainEvent, type EventId, type Fact, type Instant, type Rejection,
} from '@rectrail/kernel';
import { isRetraction } from '../event-handlers.ts';
import { countingFacts, countingRetractions } from '../time/counting.ts';
import type { RejectionText } from '../time/live-command.ts';
import type { FactsRetracted, RetractionKind } from './retraction.events.ts';

export const retractionRejections = {
  'nothing-to-retract': { en: 'No event is named.', zh: '未指定要撤回的事件。' },
  'unknown-event': { en: 'The stream has no such event.', zh: '该对象没有此事件。' },
  'retraction-of-retraction': { en: 'Only a retraction of kind entered-in-error may name a retraction.', zh: '撤回记录本身只能以“录入有误”方式撤回。' },
  'built-upon': { en: 'Other facts build on what is to be retracted; retract them too (withDependents) or first.', zh: '已有其他事实以此为依据；请一并撤回（withDependents）或先行撤回。' },
} as const satisfies Record<string, RejectionText>;

export type RetractionRejectionCode = keyof typeof retractionRejections;
export type RetractionRejection = Rejection & { readonly code: RetractionRejectionCode };

type InStream<E extends DomainEvent> = Fact<E | FactsRetracted>;

/** The right fact of a correction, as far as it is known before it is recorded. */
export type DraftFact<E extends DomainEvent> = Pick<Fact<E>, 'event' | 'validTime'>;

export interface RetractionRequest<E extends DomainEvent> {
  /** The whole stream, in stream order. */
  readonly facts: readonly InStream<E>[];
  readonly eventIds: readonly EventId[];
  readonly kind: RetractionKind;
  readonly reason: string;
  readonly now: Instant;
  /** Of the aggregate: events whose needs are not met, given counting facts in fold order. */
  readonly unmetNeeds: (facts: readonly InStream<E>[]) => readonly EventId[];
  /** Appended right after the retraction (a correction). */
  readonly replacedBy?: readonly DraftFact<E>[];
  /** Takes what builds on the named events along, and what builds on that. */
  readonly withDependents?: boolean;
}

/** Everything recorded and known by `now`, on every valid day. */
const cutAt = (now: Instant): Cut => ({ atPosition: position(Number.MAX_SAFE_INTEGER), knownAt: now, validAt: lastDay });

/** The stream as it would be afterwards: the drafts stand behind its last event, from which they take what is not said. */
const withDrafts = <E extends DomainEvent>(request: RetractionRequest<E>, last: InStream<E>, retraction: FactsRetracted): readonly InStream<E>[] => {
  const drafts = [{ event: retraction, validTime: null }, ...(request.replacedBy ?? [])];
  // Without a source: a draft is held to its needs like any live fact.
  const { commandId, correlationId, actor, scope, classification, streamId, recordedAt } = last;
  return [...request.facts, ...drafts.map(({ event, validTime }, i) => ({
    commandId, correlationId, actor, scope, classification, streamId, recordedAt,
    event,
    validTime,
    eventId: `draft-${i}` as EventId,
    knownTime: request.now,
    position: position(last.position + 1 + i),
    streamVersion: streamVersion(last.streamVersion + 1 + i),
  }))];
};

/** Retracting an event again says something new only where the earlier retraction was the weaker one. */
const notYetRetracted = <E extends DomainEvent>({ facts, eventIds, kind, now }: RetractionRequest<E>): readonly EventId[] => {
  const already = new Set(countingRetractions(facts, cutAt(now))
    .filter((fact) => kind === 'withdrawn' || fact.event.data.kind === 'entered-in-error')
    .flatMap((fact) => fact.event.data.eventIds));
  return facts.map((fact) => fact.eventId).filter((id) => eventIds.includes(id) && !already.has(id));
};

const retractionOf = (eventIds: readonly EventId[], { kind, reason }: { kind: RetractionKind; reason: string }): FactsRetracted =>
  ({ type: 'FactsRetracted', data: { eventIds, reason, kind } });

const refuseNames = <E extends DomainEvent>({ facts, eventIds, kind }: RetractionRequest<E>): RetractionRejection | null => {
  if (eventIds.length === 0) return { code: 'nothing-to-retract', detail: 'no event is named' };
  const unknown = eventIds.filter((id) => !facts.some((fact) => fact.eventId === id));
  if (unknown.length > 0) return { code: 'unknown-event', detail: `the stream has no event ${unknown.join(', ')}`, eventIds: unknown };
  const retractions = facts.filter((fact) => isRetraction(fact) && eventIds.includes(fact.eventId)).map((fact) => fact.eventId);
  return kind === 'withdrawn' && retractions.length > 0
    ? { code: 'retraction-of-retraction', detail: 'a retraction is retracted with entered-in-error only', eventIds: retractions }
    : null;
};

/**
 * Decides a retraction within one stream; what other streams need is the caller's matter. No events: all were retracted already.
 * What lacked its basis before is not held against it (an undo may even mend it).
 */
export const decideRetraction = <E extends DomainEvent>(request: RetractionRequest<E>): Decision<FactsRetracted, RetractionRejection> => {
  const refused = refuseNames(request);
  if (refused !== null) return reject(refused);
  const last = request.facts.at(-1);
  let eventIds = notYetRetracted(request);
  if (last === undefined || eventIds.length === 0) return nothing();

  const unmet = (facts: readonly InStream<E>[]): readonly EventId[] => request.unmetNeeds(countingFacts(facts, cutAt(request.now)));
  const before = new Set(unmet(request.facts));
  for (;;) {
    const builtUpon = unmet(withDrafts(request, last, retractionOf(eventIds, request))).filter((id) => !before.has(id));
    if (builtUpon.length === 0) return accept(retractionOf(eventIds, request));
    const dependents = request.facts.filter((fact) => builtUpon.includes(fact.eventId));
    if (request.withDependents !== true || dependents.length === 0) {
      return reject({
        code: 'built-upon',
        detail: `${builtUpon.length} facts build on what is to be retracted`,
        events: dependents.map((fact) => ({ eventId: fact.eventId, type: fact.event.type })),
      });
    }
    const all = new Set([...eventIds, ...builtUpon]);
    eventIds = request.facts.map((fact) => fact.eventId).filter((id) => all.has(id));
  }
};
