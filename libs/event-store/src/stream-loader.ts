import { streamVersion, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import type { EventCodec } from './codec.ts';
import type { EventStore, StreamSlice } from './event-store.ts';
import { withContent } from './purge.ts';
import type { LoadedStream } from './unit-of-work.ts';

/** Streams kept decoded; a tree, a calendar and some hundred policies. The one used longest ago goes first. */
const cachedStreamsMax = 1_000;

/** Reads and decodes whole streams. Those that have no natural end are kept and only read on, since their past never changes. */
export class StreamLoader {
  readonly #store: EventStore;
  readonly #codec: EventCodec;
  readonly #prefixes: readonly string[];
  readonly #cache = new Map<StreamId, readonly Fact[]>();

  constructor(options: { readonly store: EventStore; readonly codec: EventCodec; readonly cachedStreamPrefixes: readonly string[] }) {
    this.#store = options.store;
    this.#codec = options.codec;
    this.#prefixes = options.cachedStreamPrefixes;
  }

  /** Every stream asked for, empty where it has no event; `upTo` leaves out what was appended after it. Purged contents are in no list, yet count in the version. */
  async load(streamIds: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, LoadedStream>> {
    const cached = streamIds.filter((id) => this.#isCached(id));
    const others = streamIds.filter((id) => !this.#isCached(id));
    const [kept, slices] = await Promise.all([
      Promise.all(cached.map(async (id) => [id, await this.#readOn(id)] as const)),
      others.length === 0 ? new Map<StreamId, StreamSlice>() : this.#store.readStreams(others, upTo),
    ]);
    const result = new Map<StreamId, LoadedStream>();
    for (const [id, whole] of kept) {
      const facts = upTo === undefined ? whole : whole.filter((f) => f.position <= upTo);
      result.set(id, { facts, version: facts.at(-1)?.streamVersion ?? streamVersion(0) });
    }
    for (const id of others) {
      const { events, version } = slices.get(id) ?? { events: [], version: streamVersion(0) };
      result.set(id, { facts: withContent(events).map((e) => this.#codec.decode(e)), version });
    }
    return result;
  }

  #isCached(id: StreamId): boolean {
    return this.#prefixes.some((prefix) => id.startsWith(prefix));
  }

  async #readOn(id: StreamId): Promise<readonly Fact[]> {
    const known = this.#cache.get(id) ?? [];
    const { events } = await this.#store.readStream(id, { from: streamVersion((known.at(-1)?.streamVersion ?? 0) + 1) });
    // A new array, never a push: the old one is in the hands of units that are still at work.
    const facts = events.length === 0 ? known : [...known, ...withContent(events).map((e) => this.#codec.decode(e))];
    this.#keep(id, facts);
    return facts;
  }

  #keep(id: StreamId, facts: readonly Fact[]): void {
    // Of two loads that overlap, the one that read less must not set the other back.
    const newest = (this.#cache.get(id)?.length ?? 0) > facts.length ? this.#cache.get(id) ?? facts : facts;
    this.#cache.delete(id);
    this.#cache.set(id, newest);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > cachedStreamsMax && oldest !== undefined) this.#cache.delete(oldest);
  }
}
