import type { AllSlice, EventCodec, EventStore, LogIdentity } from '@rectrail/event-store';
import { Composer, type FoldLimits } from './composer.ts';
import type { MessageFeed, MessageSlice } from './message.ts';
import { createSelector, storeFilter } from './selection.ts';
import { SnapshotReader } from './snapshot.ts';

export interface MessageFeedOptions {
  readonly store: EventStore;
  readonly codec: EventCodec;
  /** IANA name of the installation's zone: days begin in it. */
  readonly zone: string;
  /** Default: 5,000 streams; 15,000 facts, and 40,000 of streams that hold several subjects. */
  readonly limits?: FoldLimits;
  /** Bytes of data, as JSON, beyond which a page ends early; default 8 MiB. */
  readonly pageBytesMax?: number;
  /** How often at most it is asked whether a content was purged that is kept folded, ms; default 1 s. */
  readonly purgesEveryMs?: number;
}

/** Four times as many spare one read of a stream in five (ADR 14), and take 60 MiB that lives, 200 with what waits to be collected. */
const defaultLimits: FoldLimits = { streamsMax: 5_000, factsMax: 15_000, severalFactsMax: 40_000 };

/** Events that a filtered read looks through for its messages. */
const eventsLookedAtMax = 5_000;

/** Events of a slice that tell a backlog. */
const readAheadFrom = 200;

/** While a backlog is worked off, its next slice is read; otherwise what comes while one is worked on comes together. */
const ahead = async function* (slices: AsyncIterable<AllSlice>): AsyncGenerator<AllSlice, void, void> {
  const iterator = slices[Symbol.asyncIterator]();
  for (let slice = await iterator.next(); slice.done !== true;) {
    const next = slice.value.events.length >= readAheadFrom ? iterator.next() : null;
    // Its failure is met where it is waited for; here it must not count as nobody's.
    next?.catch(() => undefined);
    yield slice.value;
    slice = await (next ?? iterator.next());
  }
};

const pageBytesDefault = 8 << 20;

/** Up to the first position beyond the limit; a page has one position at least, with all its messages. */
const withinBytes = ({ messages, scannedTo }: MessageSlice, bytesMax: number): MessageSlice => {
  let bytes = 0;
  for (const [n, { position: at, data }] of messages.entries()) {
    const before = messages[n - 1]?.position;
    bytes += Buffer.byteLength(JSON.stringify(data));
    if (bytes > bytesMax && before !== undefined && before < at) return { messages: messages.slice(0, n), scannedTo: before };
  }
  return { messages, scannedTo };
};

/** CloudEvents `source` of a log's messages. */
export const sourceOf = ({ logId, epoch }: LogIdentity): string => `urn:rectrail:${logId}:${epoch}`;

/** The messages of a log, for whoever carries them out. */
export const createMessageFeed = ({ store, codec, zone, limits = defaultLimits, pageBytesMax = pageBytesDefault, purgesEveryMs = 1_000 }: MessageFeedOptions): MessageFeed => {
  const composer = new Composer({ store, codec, zone, limits, purgesEveryMs });
  const select = createSelector(store, codec);
  const pageMax = store.capabilities.pageEventsMax;
  const snapshots = new SnapshotReader({ store, codec, composer });
  const limitOf = ({ limit }: { readonly limit?: number }): number => Math.min(Math.max(limit ?? pageMax, 1), pageMax);

  return {
    source: async () => sourceOf(await store.identity()),
    head: async () => (await store.head()).position,
    read: async (options): Promise<MessageSlice> => {
      const { after, audience, filter } = options;
      const limit = limitOf(options);
      const slice = await store.readAll({ after, filter: storeFilter(filter), limit: filter === undefined ? limit : Math.min(pageMax, eventsLookedAtMax) });
      return withinBytes(await composer.compose({ ...slice, after }, { audience, selection: await select(filter), limit }), pageBytesMax);
    },
    async *follow(options) {
      const { audience, filter, signal } = options;
      const limit = limitOf(options);
      const headLimit = Math.min(limit, options.headLimit ?? limit);
      let { after } = options;
      const left = new AbortController();
      const slices = ahead(store.subscribeAll({ after, filter: storeFilter(filter), batchEventsMax: limit, signal: AbortSignal.any([signal, left.signal]) }));
      try {
        for await (const slice of slices) {
          const selection = await select(filter);
          const atOnce = slice.events.length < readAheadFrom ? headLimit : limit;
          // What is composed ends before an event that cannot be read; what is left of the slice then fails.
          for (let rest = slice; after < slice.scannedTo; rest = { ...slice, events: slice.events.filter(({ position: at }) => at > after) }) {
            const told = await composer.compose({ ...rest, after }, { audience, selection, limit: atOnce });
            yield told;
            after = told.scannedTo;
          }
        }
      } finally {
        // Who leaves the loop leaves a read that may wait for the next event.
        left.abort();
      }
    },
    snapshot: async (request) => snapshots.page(request, await select(request.filter), limitOf(request)),
  };
};
