import { createEventCodec, MemoryEventStore, type EventCodec } from '@rectrail/event-store';
import type { Clock, Fact, Instant } from '@rectrail/kernel';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { asNewFacts } from '@rectrail/tracking-domain/testing';

/** A clock that stands where it is put. */
export interface SetClock extends Clock { at: Instant }

export const clockAt = (at: Instant): SetClock => ({ at, now() { return this.at; } });

export interface RecordedHistory {
  readonly store: MemoryEventStore;
  readonly codec: EventCodec;
  readonly clock: SetClock;
}

/** Records a history in a store of its own: positions, versions and times come out as they are in the history. */
export const recordHistory = async (history: readonly Fact<TrackingEvent>[]): Promise<RecordedHistory> => {
  const codec = createEventCodec(trackingEventDefinitions);
  const recordedAt = new Map(history.map((fact) => [fact.commandId, fact.recordedAt]));
  const clock = clockAt('1970-01-01T00:00:00.000Z' as Instant);
  const store = new MemoryEventStore(clock);
  for (const { commandId, entries } of asNewFacts(history)) {
    clock.at = recordedAt.get(commandId) ?? clock.at;
    await store.append({ commandId, entries: entries.map(({ streamId, facts }) => ({ streamId, expectedVersion: 'any', events: facts.map((fact) => codec.encode(fact)) })) });
  }
  return { store, codec, clock };
};

/** A small generator of its own for tests, so that what they draw does not follow what a history drew. */
export const randomOf = (seed: number): { int(from: number, to: number): number; pick<T>(items: readonly T[]): T } => {
  let state = seed * 2_654_435_761 % 4_294_967_296;
  const next = (): number => { state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296; return state / 4_294_967_296; };
  return { int: (from, to) => from + Math.floor(next() * (to - from + 1)), pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number] };
};
