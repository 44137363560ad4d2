import { accept, lastInstant, position, reject, type Decision, type EventId, type Fact, type PurgeId, type Rejection, type StreamId } from '@rectrail/kernel';
import { isPurge, isRetraction } from '../event-handlers.ts';
import { countingRetractions } from '../time/counting.ts';
import type { RejectionText } from '../time/live-command.ts';
import type { ContentPurged, PurgeEvent, PurgeReason, PurgeTarget } from './purge.events.ts';
import type { PurgeState } from './purge.state.ts';

export const purgeRejections = {
  'not-purgeable': { en: 'The content of such an event cannot be purged.', zh: '该类事件的内容不得清除。' },
  'purge-of-standing': { en: 'What still counts cannot be purged: correct or retract it as entered-in-error first.', zh: '仍然有效的内容不得清除；请先以“录入有误”方式更正或撤回。' },
  'already-purged': { en: 'The content was purged before.', zh: '该内容已经清除。' },
  'purge-settled': { en: 'The purge was carried out or declined already.', zh: '该清除申请已经办结。' },
  'consent-by-requester': { en: 'Two persons are needed: whoever asked for a purge cannot consent to it.', zh: '清除内容须由两人办理，申请人不得同意本人的申请。' },
} as const satisfies Record<string, RejectionText>;

export type PurgeRejection = Rejection & { readonly code: keyof typeof purgeRejections | 'unknown-event' };

/**
 * Streams whose contents may go: those that hold words about issues and what is done about them. Trees, policies, calendars and the installation enter every figure
 * and hold no words about persons; notices, subscriptions and purges hold codes and ids alone.
 */
const purgeablePrefixes = ['issue-', 'measure-', 'funds-case-', 'inspection-', 'plan-', 'report-', 'metric-', 'source-'] as const;

export const isPurgeable = (streamId: string): boolean => purgeablePrefixes.some((prefix) => streamId.startsWith(prefix));

/** The streams that figures are counted from. */
const figurePrefixes = ['issue-', 'measure-', 'funds-case-'] as const;

export const entersFigures = (streamId: StreamId): boolean => figurePrefixes.some((prefix) => streamId.startsWith(prefix));

/** Of the events named, those that no retraction `entered-in-error` takes out of every fold. */
const standingAmong = (facts: readonly Fact[], eventIds: readonly EventId[]): readonly EventId[] => {
  // Cut by position alone: whatever is known.
  const retractions = countingRetractions(facts, { atPosition: position(Number.MAX_SAFE_INTEGER), knownAt: lastInstant }).filter((fact) => fact.event.data.kind === 'entered-in-error');
  const inError = new Set(retractions.flatMap((fact) => fact.event.data.eventIds));
  return eventIds.filter((id) => !inError.has(id));
};

const refuse = (code: PurgeRejection['code'], detail: string, eventIds: readonly EventId[]): PurgeRejection => ({ code, detail, eventIds });

/** Null where each of the events may be purged from what the stream says of them. */
const refusalOf = (facts: readonly Fact[], eventIds: readonly EventId[]): PurgeRejection | null => {
  const purged = new Set(facts.filter(isPurge).map((fact) => fact.event.data.eventId));
  const already = eventIds.filter((id) => purged.has(id));
  if (already.length > 0) return refuse('already-purged', `purged before: ${already.join(', ')}`, already);
  const standing = standingAmong(facts, eventIds);
  return standing.length === 0 ? null : refuse('purge-of-standing', `still counting: ${standing.join(', ')}`, standing);
};

export interface PurgeAsked {
  readonly purgeId: PurgeId;
  readonly streamId: StreamId;
  /** The whole stream, in stream order. */
  readonly facts: readonly Fact[];
  readonly eventIds: readonly EventId[];
  /** The hash of each content, by its place in the log. */
  readonly contentSha256: (fact: Fact) => string;
  readonly reason: PurgeReason;
  readonly legalBasis: string;
}

/** What still counts is corrected first, so that no figure at the head rests on a content that goes, and nothing that builds on it is left hanging. */
export const decidePurgeRequest = ({ purgeId, streamId, facts, eventIds, contentSha256, reason, legalBasis }: PurgeAsked): Decision<PurgeEvent, PurgeRejection> => {
  if (!isPurgeable(streamId)) return reject(refuse('not-purgeable', `no content of ${streamId} may be purged`, eventIds));
  const refusal = refusalOf(facts, eventIds);
  if (refusal?.code === 'already-purged') return reject(refusal);
  const named = facts.filter((fact) => eventIds.includes(fact.eventId));
  const unknown = eventIds.filter((id) => !named.some((fact) => fact.eventId === id));
  if (unknown.length > 0) return reject(refuse('unknown-event', `the stream has no event ${unknown.join(', ')}`, unknown));
  const administrative = named.filter((fact) => isRetraction(fact) || isPurge(fact)).map((fact) => fact.eventId);
  if (administrative.length > 0) return reject(refuse('not-purgeable', 'a retraction and a purge stand for good: others rest on what they name', administrative));
  if (refusal !== null) return reject(refusal);
  const targets = named.map((fact): PurgeTarget => ({ eventId: fact.eventId, position: fact.position, contentSha256: contentSha256(fact) }));
  return accept({ type: 'PurgeRequested', data: { purgeId, streamId, targets, reason, legalBasis } });
};

/** Of a settled purge, that it is. */
const refuseSettled = ({ request, status }: PurgeState): PurgeRejection | null =>
  (request === null || status !== 'REQUESTED' ? { code: 'purge-settled', detail: `the purge is ${status}` } : null);

/** The second person agrees: `purged` goes into the stream of the targets, of which `facts` are all. */
export const decidePurgeConsent = (
  state: PurgeState, bySubject: string, facts: readonly Fact[],
): Decision<PurgeEvent, PurgeRejection> & { readonly purged?: readonly ContentPurged[] } => {
  const settled = refuseSettled(state);
  if (settled !== null || state.request === null) return reject(settled ?? { code: 'purge-settled', detail: 'nothing was asked for' });
  if (state.requestedBy === bySubject) return reject({ code: 'consent-by-requester', detail: 'this person asked for the purge' });
  const { purgeId, targets, reason, legalBasis } = state.request;
  const refusal = refusalOf(facts, targets.map(({ eventId }) => eventId));
  if (refusal !== null) return reject(refusal);
  return { ...accept<PurgeEvent>({ type: 'PurgeConsented', data: {} }), purged: targets.map((target) => ({ type: 'ContentPurged', data: { ...target, purgeId, reason, legalBasis } })) };
};

export const decidePurgeDecline = (state: PurgeState): Decision<PurgeEvent, PurgeRejection> => {
  const settled = refuseSettled(state);
  return settled === null ? accept({ type: 'PurgeDeclined', data: {} }) : reject(settled);
};
