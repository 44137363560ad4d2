import { createEventCodec, deriveEventId, MemoryEventStore, type AllSlice, type EventCodec, type EventStore, type ReadAllOptions } from '@rectrail/event-store';
import { position, type Classification, type Fact, type Instant } from '@rectrail/kernel';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { asNewFacts, randomHistory } from '@rectrail/tracking-domain/testing';

export interface RecordedHistory { readonly store: EventStore; readonly codec: EventCodec; readonly facts: readonly Fact<TrackingEvent>[] }

/** As an adapter that looks at so many positions for one filtered page. */
const positionsScannedMax = 25;

class ShortScans extends MemoryEventStore {
  override async readAll(options: ReadAllOptions = {}): Promise<AllSlice> {
    const slice = await super.readAll(options);
    if (Object.keys(options.filter ?? {}).length === 0) return slice;
    const to = position(Math.min((options.after ?? 0) + positionsScannedMax, (await this.head()).position));
    const events = slice.events.filter((event) => event.position <= to);
    return { events, scannedTo: events.length < slice.events.length ? to : position(Math.min(to, slice.scannedTo)) };
  }
}

const classifications: readonly Classification[] = ['public', 'internal', 'restricted'];

/** A random history in a memory store, its facts of all classifications: first the public ones, so that subjects are known to everybody, then any. */
export const recordedHistory = async (seed: number, size: number): Promise<RecordedHistory> => {
  const classified = randomHistory(seed, size, deriveEventId).map((fact, at): Fact<TrackingEvent> =>
    ({ ...fact, classification: classifications[(seed * 31 + at * 7 + at % 5) % 4] ?? 'public' }));
  const codec = createEventCodec(trackingEventDefinitions);
  let now = classified[0]?.recordedAt ?? ('1970-01-01T00:00:00.000Z' as Instant);
  const store = new ShortScans({ now: () => now });
  const recordedAt = new Map(classified.map((fact) => [fact.commandId, fact.recordedAt]));
  for (const { commandId, entries } of asNewFacts(classified)) {
    now = recordedAt.get(commandId) ?? now;
    await store.append({ commandId, entries: entries.map(({ streamId, facts }) => ({ streamId, expectedVersion: 'any', events: facts.map((fact) => codec.encode(fact)) })) });
  }
  return { store, codec, facts: classified };
};
