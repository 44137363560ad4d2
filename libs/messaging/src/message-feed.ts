import type { EventCodec, EventStore } from '@rectrail/event-store';
import { Composer, type FoldLimits } from './composer.ts';
import type { MessageFeed, MessageSlice } from './message.ts';
import { createSelector, storeFilter } from './selection.ts';
import { SnapshotReader } from './snapshot.ts';

export interface MessageFeedOptions {
  readonly store: EventStore;
  readonly codec: EventCodec;
  /** IANA name of the installation's zone: days begin in it. */
  readonly zone: string;
  /** What is kept folded, for each audience. Default: 20,000 streams, 60,000 facts. */
  readonly limits?: FoldLimits;
}

const defaultLimits: FoldLimits = { streamsMax: 20_000, factsMax: 60_000 };

/** Events that a filtered read looks through for its messages. */
const eventsLookedAtMax = 5_000;

/** The messages of a log, for whoever carries them out. */
export const createMessageFeed = ({ store, codec, zone, limits = defaultLimits }: MessageFeedOptions): MessageFeed => {
  const composer = new Composer({ store, codec, zone, limits });
  const select = createSelector(store, codec);
  const pageMax = store.capabilities.pageEventsMax;
  const snapshots = new SnapshotReader({ store, codec, composer });
  const limitOf = ({ limit }: { readonly limit?: number }): number => Math.min(Math.max(limit ?? pageMax, 1), pageMax);

  return {
    source: async () => {
      const { logId, epoch } = await store.identity();
      return `urn:rectrail:${logId}:${epoch}`;
    },
    head: async () => (await store.head()).position,
    read: async (options): Promise<MessageSlice> => {
      const { after, audience, filter } = options;
      const limit = limitOf(options);
      const slice = await store.readAll({ after, filter: storeFilter(filter), limit: filter === undefined ? limit : Math.min(pageMax, eventsLookedAtMax) });
      return composer.compose({ ...slice, after }, { audience, selection: await select(filter), limit });
    },
    async *follow(options) {
      const { audience, filter, signal } = options;
      const limit = limitOf(options);
      let { after } = options;
      for await (const slice of store.subscribeAll({ after, filter: storeFilter(filter), batchEventsMax: limit, signal })) {
        yield await composer.compose({ ...slice, after }, { audience, selection: await select(filter), limit });
        after = slice.scannedTo;
      }
    },
    snapshot: async (request) => snapshots.page(request, await select(request.filter), limitOf(request)),
  };
};
