import type { DomainEvent, EventId, Position, PurgeId, StreamId } from '@rectrail/kernel';

/** On what ground the law demands it; a code, since words about what is to go would say it again. */
export const purgeReasons = ['PERSONAL_INFORMATION', 'STATE_SECRET', 'AUTHORITY_ORDER', 'UNLAWFULLY_COLLECTED'] as const;
export type PurgeReason = (typeof purgeReasons)[number];

/** An event whose content is to go. The hash, salted by the content, tells nothing, and is what its leaf rests on. */
export interface PurgeTarget {
  readonly eventId: EventId;
  readonly position: Position;
  /** Lower-case hexadecimal. */
  readonly contentSha256: string;
}

/** Stream `purge-{purgeId}`: one person asks that contents go, another agrees or not. Who they are is said by the actors of the events. Cut by position alone. */
export type PurgeEvent =
  | DomainEvent<'PurgeRequested', {
      readonly purgeId: PurgeId;
      /** In which all targets stand. */
      readonly streamId: StreamId;
      readonly targets: readonly PurgeTarget[];
      readonly reason: PurgeReason;
      /** The article of the law, or the number of the order. */
      readonly legalBasis: string;
    }>
  | DomainEvent<'PurgeConsented', Record<string, never>>
  | DomainEvent<'PurgeDeclined', Record<string, never>>;

/**
 * Stands in the stream of its target, whose content the event store drops in the instant of its append; appended with the consent, so its actor is the second
 * person. In no fold; what it names is in none either, at no cut. For good: no retraction may name it.
 */
export type ContentPurged = DomainEvent<'ContentPurged', PurgeTarget & {
  readonly purgeId: PurgeId;
  readonly reason: PurgeReason;
  readonly legalBasis: string;
}>;
