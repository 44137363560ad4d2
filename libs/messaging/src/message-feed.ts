import type { EventCodec, EventFilter, EventStore } from '@rectrail/event-store';
import { Composer, type FoldLimits } from './composer.ts';
import type { MessageFeed, MessageFilter, MessageSlice, ReadMessages } from './message.ts';
import { createSelector } from './selection.ts';
import { prefixOf } from './subjects.ts';

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

/** One noun alone stands in streams of one prefix; the store leaves out the others. */
const storeFilter = (filter: MessageFilter | undefined): { readonly filter?: EventFilter } => {
  const [noun, ...others] = filter?.nouns ?? [];
  const prefix = noun === undefined || others.length > 0 ? null : prefixOf(noun);
  return prefix === null ? {} : { filter: { streamPrefix: prefix } };
};

/** The messages of a log, for whoever carries them out. */
export const createMessageFeed = ({ store, codec, zone, limits = defaultLimits }: MessageFeedOptions): MessageFeed => {
  const composer = new Composer({ store, codec, zone, limits });
  const select = createSelector(store, codec);
  const pageMax = store.capabilities.pageEventsMax;
  const limitOf = ({ limit }: Pick<ReadMessages, 'limit'>): number => Math.min(Math.max(limit ?? pageMax, 1), pageMax);

  return {
    source: async () => {
      const { logId, epoch } = await store.identity();
      return `urn:rectrail:${logId}:${epoch}`;
    },
    head: async () => (await store.head()).position,
    read: async (options): Promise<MessageSlice> => {
      const { after, audience, filter } = options;
      const limit = limitOf(options);
      const slice = await store.readAll({ after, ...storeFilter(filter), limit: filter === undefined ? limit : Math.min(pageMax, eventsLookedAtMax) });
      return composer.compose({ ...slice, after }, { audience, selection: await select(filter), limit });
    },
    async *follow(options) {
      const { audience, filter, signal } = options;
      const limit = limitOf(options);
      let { after } = options;
      for await (const slice of store.subscribeAll({ after, ...storeFilter(filter), batchEventsMax: limit, signal })) {
        yield await composer.compose({ ...slice, after }, { audience, selection: await select(filter), limit });
        after = slice.scannedTo;
      }
    },
    snapshot: () => Promise.reject(new Error('not yet')),
  };
};
