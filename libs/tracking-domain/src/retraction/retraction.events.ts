import type { DomainEvent, EventId } from '@rectrail/kernel';

/**
 * `withdrawn`: the world changed its word; counts from its own knownTime. `entered-in-error`: a slip of ours; cut by position
 * alone, and it alone may name a retraction, whose victims then count again (rules.md section 2).
 */
export type RetractionKind = 'withdrawn' | 'entered-in-error';

/** Leaves events of its own stream out of every fold; the one event type that every stream may hold. Has no validTime. */
export type FactsRetracted = DomainEvent<'FactsRetracted', {
  readonly eventIds: readonly EventId[];
  readonly reason: string;
  readonly kind: RetractionKind;
}>;
