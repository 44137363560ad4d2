import type { UnitOfWork } from '@rectrail/event-store';
import { maxInstant, position, type Day, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import { countingFacts, type FactsRetracted, type TrackingEvent } from '@rectrail/tracking-domain';

/** The unit already ends a stream where the command may look; nothing is cut off by position. */
const everyPosition: Position = position(Number.MAX_SAFE_INTEGER);

export type StreamFacts<E extends TrackingEvent> = readonly Fact<E | FactsRetracted>[];

/** The facts of a stream, those that this command has staged included. */
export const factsOf = async <E extends TrackingEvent>(unit: UnitOfWork, stream: StreamId): Promise<StreamFacts<E>> =>
  // A stream's name says which events it holds: nothing else is ever staged on it, and the codec has checked each one's schema.
  (await unit.load(stream)).facts as StreamFacts<E>;

/**
 * What counts of a stream for a command that takes effect on `on`, in fold order. Everything recorded is known to it, also
 * where the database's clock runs ahead of ours.
 */
export const countingOn = <E extends TrackingEvent>(unit: Pick<UnitOfWork, 'now'>, facts: StreamFacts<E>, on: Day): StreamFacts<E> => {
  const knownAt = facts.reduce((latest, fact) => maxInstant(latest, fact.recordedAt), unit.now);
  return countingFacts(facts, { atPosition: everyPosition, knownAt, validAt: on });
};
