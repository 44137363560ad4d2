import { accept, nothing, position, reject, type Decision, type DomainEvent, type EventId, type Fact, type Instant, type Rejection } from '@rectrail/kernel';
import { isPurge, isRetraction } from '../event-handlers.ts';
import { countingRetractions } from '../time/counting.ts';
import type { RejectionText } from '../time/live-command.ts';
import type { FactsRetracted, RetractionKind } from './retraction.events.ts';

export const retractionRejections = {
  'nothing-to-retract': { en: 'No event is named.', zh: '未指定要撤回的事件。' },
  'unknown-event': { en: 'The stream has no such event.', zh: '该对象没有此事件。' },
  'retraction-of-retraction': { en: 'Only a retraction of kind entered-in-error may name a retraction.', zh: '撤回记录本身只能以“录入有误”方式撤回。' },
  'laid-at-first-start': { en: 'What the first start laid down stands for good; adopt a new default policy instead.', zh: '首次启动时确立的内容不得撤回；如需调整默认政策，请另行发布新政策。' },
  'purge-final': { en: 'A content that was purged by law does not come back.', zh: '依法清除的内容不可恢复。' },
  'built-upon': { en: 'Other facts build on what is to be retracted; retract them too (withDependents) or first.', zh: '已有其他事实以此为依据；请一并撤回（withDependents）或先行撤回。' },
} as const satisfies Record<string, RejectionText>;

export type RetractionRejectionCode = keyof typeof retractionRejections;
export type RetractionRejection = Rejection & { readonly code: RetractionRejectionCode };

export interface RetractionRequest<E extends DomainEvent> {
  /** The whole stream, in stream order. */
  readonly facts: readonly Fact<E | FactsRetracted>[];
  readonly eventIds: readonly EventId[];
  readonly kind: RetractionKind;
  readonly reason: string;
  readonly now: Instant;
}

/** Nothing recorded is cut off. */
const everyPosition = position(Number.MAX_SAFE_INTEGER);

/** Retracting an event again says something new only where the earlier retraction was the weaker one. */
const notYetRetracted = <E extends DomainEvent>({ facts, eventIds, kind, now }: RetractionRequest<E>): readonly EventId[] => {
  const already = new Set(countingRetractions(facts, { atPosition: everyPosition, knownAt: now })
    .filter((fact) => kind === 'withdrawn' || fact.event.data.kind === 'entered-in-error')
    .flatMap((fact) => fact.event.data.eventIds));
  return facts.map((fact) => fact.eventId).filter((id) => eventIds.includes(id) && !already.has(id));
};

/**
 * The zone, the administrative tree and the first default policy: without them no issue has a bucket, and no organisation a place. Nor is the beginning of an epoch anybody's to
 * take back.
 */
const isLaidAtFirstStart = ({ event: { type }, validTime }: Fact): boolean =>
  type === 'InstallationInitialised' || type === 'EpochBegun' || type === 'TreeOpened' || (type === 'PolicyAdopted' && validTime === null);

const refuseNames = <E extends DomainEvent>({ facts, eventIds, kind }: RetractionRequest<E>): RetractionRejection | null => {
  if (eventIds.length === 0) return { code: 'nothing-to-retract', detail: 'no event is named' };
  const unknown = eventIds.filter((id) => !facts.some((fact) => fact.eventId === id));
  if (unknown.length > 0) return { code: 'unknown-event', detail: `the stream has no event ${unknown.join(', ')}`, eventIds: unknown };
  const purges = facts.filter((fact) => isPurge(fact) && eventIds.includes(fact.eventId)).map((fact) => fact.eventId);
  if (purges.length > 0) return { code: 'purge-final', detail: 'a purge stands for good', eventIds: purges };
  const laid = facts.filter((fact) => eventIds.includes(fact.eventId) && isLaidAtFirstStart(fact)).map((fact) => fact.eventId);
  if (laid.length > 0) return { code: 'laid-at-first-start', detail: 'every figure of the installation rests on it', eventIds: laid };
  const retractions = facts.filter((fact) => isRetraction(fact) && eventIds.includes(fact.eventId)).map((fact) => fact.eventId);
  return kind === 'withdrawn' && retractions.length > 0
    ? { code: 'retraction-of-retraction', detail: 'a retraction is retracted with entered-in-error only', eventIds: retractions }
    : null;
};

/**
 * Decides what of one stream is named by a retraction; what builds on it, here and in other streams, is looked at over all streams
 * together by whoever appends it. No events: all were retracted already.
 */
export const decideRetraction = <E extends DomainEvent>(request: RetractionRequest<E>): Decision<FactsRetracted, RetractionRejection> => {
  const refused = refuseNames(request);
  if (refused !== null) return reject(refused);
  const eventIds = notYetRetracted(request);
  const { reason, kind } = request;
  return eventIds.length === 0 ? nothing() : accept({ type: 'FactsRetracted', data: { eventIds, reason, kind } });
};
