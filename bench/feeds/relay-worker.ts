import { createEventCodec } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { position } from '@rectrail/kernel';
import { createMessageFeed, kafkaRelayName, messageTopicPlans, openKafkaPublisher, runKafkaRelay, topicNames, type MessageFeed } from '@rectrail/messaging';
import { openDatabase, openLeadership, type Database } from '@rectrail/platform';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../process.ts';
import { zone } from '../scale/datasets.ts';

export interface FeedRead { readonly events: number; readonly messages: number; readonly seconds: number }
export interface RelayPlan { readonly url: string; readonly address: string; readonly prefix: string; readonly from: 'beginning' | 'head' }

const withFeed = async <T>(url: string, work: (feed: MessageFeed) => Promise<T>): Promise<T> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  try {
    return await work(createMessageFeed({ store, codec: createEventCodec(trackingEventDefinitions), zone }));
  } finally {
    await store.close();
  }
};

/** Every page of the feed once, as a consumer over HTTP would ask for them, without the HTTP. */
const read = ({ url }: { readonly url: string }): Promise<FeedRead> => withFeed(url, async (feed) => {
  const head = await feed.head();
  const began = performance.now();
  let messages = 0;
  for (let after = position(0); after < head;) {
    const slice = await feed.read({ after, audience: 'internal' });
    messages += slice.messages.length;
    after = slice.scannedTo;
  }
  return { events: head, messages, seconds: (performance.now() - began) / 1_000 };
});

interface Running { sent: number; failure: unknown; firstAt: number | null; lastAt: number; isThrough(): Promise<boolean>; stop(): Promise<void> }
let running: Running | null = null;

const resetSql = `insert into rectrail_followers.checkpoint (name, position, epoch) values ('kafka-relay', $1, 0) on conflict (name) do update set position = excluded.position`;

const opened = async (url: string): Promise<{ readonly database: Database; readonly store: PostgresEventStore }> => ({
  database: await openDatabase({ url, connectionsMax: 4, onError: () => undefined }), store: await PostgresEventStore.open({ connectionString: url }),
});

/** As in a server, alone in its process. */
const start = async ({ url, address, prefix, from }: RelayPlan): Promise<void> => {
  const { database, store } = await opened(url);
  const leadership = await openLeadership(database);
  await database.query(resetSql, [from === 'head' ? (await store.head()).position : 0]);
  const settings = { brokers: [address], clientId: 'bench', topicPrefix: prefix, partitions: 6, replicationFactor: 1, tls: null, sasl: null };
  const stop = new AbortController();
  const state: Running = {
    sent: 0, failure: null, firstAt: null, lastAt: 0,
    isThrough: async () => {
      const [head, followers] = [(await store.head()).position, await leadership.followers()];
      return followers.find(({ name }) => name === kafkaRelayName)?.position === head;
    },
    stop: async () => {
      stop.abort();
      await done;
      await store.close();
      await database.close();
    },
  };
  const done = runKafkaRelay({
    feed: createMessageFeed({ store, codec: createEventCodec(trackingEventDefinitions), zone }), leadership, audience: 'internal', topics: topicNames(prefix),
    openPublisher: async (mayWrite) => {
      const publisher = await openKafkaPublisher({ settings, log: () => undefined, topics: messageTopicPlans(settings), mayWrite });
      state.firstAt ??= performance.now();
      return publisher;
    },
    observer: {
      onSent: (messages) => {
        state.sent += messages;
        state.lastAt = performance.now();
      },
      onFailure: (error) => { state.failure = error; }, onRecovery: () => undefined,
    },
  }, stop.signal);
  running = state;
  while (state.firstAt === null) await sleep(10);
};

const stopped = async (): Promise<void> => {
  await running?.stop();
  running = null;
};

/** Once everything that is in the log has been sent: how many messages, seconds since the connection was there, the process's most memory. @throws what failed on the way. */
const caughtUp = async (): Promise<{ readonly messages: number; readonly seconds: number; readonly peakMiB: number }> => {
  const state = running;
  if (state === null) throw new Error('no relay runs');
  while (!(await state.isThrough())) {
    if (state.failure !== null) throw state.failure as Error;
    await sleep(20);
  }
  return { messages: state.sent, seconds: (state.lastAt - (state.firstAt ?? 0)) / 1_000, peakMiB: process.resourceUsage().maxRSS / 1_024 };
};

const methods = { read, start, stop: stopped, caughtUp };
export type RelayMethods = typeof methods;

serve(methods);
