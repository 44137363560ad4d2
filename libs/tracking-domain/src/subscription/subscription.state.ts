import { assertNever, type EventId, type Fact, type Instant } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { DisableCause, SubscriptionEvent } from './subscription.events.ts';

export type SubscriptionTerms = DataByType<SubscriptionEvent>['SubscriptionCreated'];

export const subscriptionStatuses = ['ACTIVE', 'PAUSED', 'DISABLED', 'DELETED'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** Signing keys by the event that asked for them, and since when they sign. */
export interface SubscriptionKey { readonly keyId: EventId; readonly since: Instant }

export interface SubscriptionState {
  /** Null where it was never created, or the creation was retracted. */
  readonly terms: SubscriptionTerms | null;
  readonly status: SubscriptionStatus;
  /** Of DISABLED, else null. */
  readonly cause: DisableCause | null;
  /** The newest last; of the earlier ones only the one before it may still sign. */
  readonly keys: readonly SubscriptionKey[];
}

export const initialSubscriptionState: SubscriptionState = { terms: null, status: 'ACTIVE', cause: null, keys: [] };

const withStatus = (state: SubscriptionState, status: SubscriptionStatus, cause: DisableCause | null = null): SubscriptionState =>
  // A deletion is the end, whatever was recorded at the same time.
  (state.status === 'DELETED' ? state : { ...state, status, cause });

export const evolveSubscription = (state: SubscriptionState, fact: Fact<SubscriptionEvent | FactsRetracted>): SubscriptionState => {
  const { event, eventId: keyId, recordedAt: since } = fact;
  switch (event.type) {
    case 'SubscriptionCreated': return { ...state, terms: event.data, keys: [...state.keys, { keyId, since }] };
    case 'SubscriptionPaused': return withStatus(state, 'PAUSED');
    case 'SubscriptionResumed': return withStatus(state, 'ACTIVE');
    case 'SubscriptionDisabled': return withStatus(state, 'DISABLED', event.data.cause);
    case 'SubscriptionSecretRotated': return { ...state, keys: [...state.keys.slice(-1), { keyId, since }] };
    case 'SubscriptionDeleted': return withStatus(state, 'DELETED');
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};
