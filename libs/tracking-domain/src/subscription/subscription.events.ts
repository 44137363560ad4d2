import type { DomainEvent, OrgId, SubscriptionId } from '@rectrail/kernel';

/** Of which messages are; the same words as in the contracts of @rectrail/messaging, a spec of which compares them. */
export const subscriptionNouns = ['organisations', 'inspections', 'plans', 'issues', 'measures', 'funds', 'policies', 'calendars', 'reports', 'metrics', 'reminders'] as const;
export type SubscriptionNoun = (typeof subscriptionNouns)[number];

export const subscriptionAudiences = ['public', 'internal'] as const;
export type SubscriptionAudience = (typeof subscriptionAudiences)[number];

/** GONE: the receiver said so (410); FAILING: no success over the whole schedule of retries. */
export const disableCauses = ['GONE', 'FAILING'] as const;
export type DisableCause = (typeof disableCauses)[number];

/**
 * Stream `subscription-{subscriptionId}`: to whom webhooks go. Cut by position alone. No event holds a secret: keys are kept outside
 * the log (docs/adr/0015-webhooks.md) under the id of the event that asked for them, the creation or a rotation.
 */
export type SubscriptionEvent =
  | DomainEvent<'SubscriptionCreated', {
      readonly subscriptionId: SubscriptionId;
      /** Whose it is, and whose subtree it hears of at most; null: the administrator's, which hears of all. */
      readonly orgId: OrgId | null;
      /** https without user information, query and fragment; http for a loopback address alone. */
      readonly endpoint: string;
      readonly audience: SubscriptionAudience;
      /** A condition that is null selects everything; all hold together. */
      readonly nouns: readonly SubscriptionNoun[] | null;
      /** Types of messages: `rectrail.issue.accepted.v1`. */
      readonly types: readonly string[] | null;
      /** Owner in the subtree of this organisation, which lies in that of `orgId`. */
      readonly subtreeOf: OrgId | null;
      /** Levels of the owner. */
      readonly levels: readonly string[] | null;
      /** Position behind which it hears; null: that of this event. */
      readonly after: number | null;
    }>
  | DomainEvent<'SubscriptionPaused', Record<string, never>>
  | DomainEvent<'SubscriptionResumed', Record<string, never>>
  | DomainEvent<'SubscriptionDisabled', { readonly cause: DisableCause }>
  | DomainEvent<'SubscriptionSecretRotated', Record<string, never>>
  | DomainEvent<'SubscriptionDeleted', Record<string, never>>;
