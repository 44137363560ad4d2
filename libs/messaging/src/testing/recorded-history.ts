import { createEventCodec, deriveEventId, MemoryEventStore, type EventCodec, type EventStore } from '@rectrail/event-store';
import type { Classification, Fact, Instant } from '@rectrail/kernel';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { asNewFacts, randomHistory } from '@rectrail/tracking-domain/testing';

export interface RecordedHistory { readonly store: EventStore; readonly codec: EventCodec; readonly facts: readonly Fact<TrackingEvent>[] }

const classifications: readonly Classification[] = ['public', 'internal', 'restricted'];

/** A random history in a memory store, its facts of all classifications: first the public ones, so that subjects are known to everybody, then any. */
export const recordedHistory = async (seed: number, size: number): Promise<RecordedHistory> => {
  const classified = randomHistory(seed, size, deriveEventId).map((fact, at): Fact<TrackingEvent> =>
    ({ ...fact, classification: classifications[(seed * 31 + at * 7 + at % 5) % 4] ?? 'public' }));
  const codec = createEventCodec(trackingEventDefinitions);
  let now = classified[0]?.recordedAt ?? ('1970-01-01T00:00:00.000Z' as Instant);
  const store = new MemoryEventStore({ now: () => now });
  const recordedAt = new Map(classified.map((fact) => [fact.commandId, fact.recordedAt]));
  for (const { commandId, entries } of asNewFacts(classified)) {
    now = recordedAt.get(commandId) ?? now;
    await store.append({ commandId, entries: entries.map(({ streamId, facts }) => ({ streamId, expectedVersion: 'any', events: facts.map((fact) => codec.encode(fact)) })) });
  }
  return { store, codec, facts: classified };
};
