import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners, type Consumer, type Producer, type TopicMessages } from 'kafkajs';
import { serve, wallMs } from '../process.ts';
import { withClient } from '../server.ts';

/** A record as the relay wrote it, to be written again by the bare client. */
export interface Captured { readonly topic: string; readonly key: Buffer; readonly value: Buffer; readonly headers: Readonly<Record<string, Buffer>> }

const client = (address: string): Kafka => new Kafka({ brokers: [address], clientId: 'bench-peer', logLevel: logLevel.NOTHING });

let consumer: Consumer | null = null;
let captured: Captured[] = [];
const arrivedAt = new Map<string, number>();

/**
 * A bare consumer from now on, or from the beginning, of topics that are there. It commits no offsets, as one that keeps its place with what it makes of the records: the client
 * would commit after each partition of a fetch, before it hands over the next one.
 */
const listen = async ({ address, topics, from, keep }: { readonly address: string; readonly topics: readonly string[]; readonly from: 'beginning' | 'now'; readonly keep: boolean }): Promise<void> => {
  await consumer?.disconnect();
  captured = [];
  arrivedAt.clear();
  const joined = client(address).consumer({ groupId: `bench-${wallMs()}`, maxWaitTimeInMs: 500 });
  consumer = joined;
  await joined.connect();
  await joined.subscribe({ topics: [...topics], fromBeginning: from === 'beginning' });
  const ready = new Promise((resolve) => { joined.on('consumer.group_join', resolve); });
  await joined.run({
    autoCommit: false,
    eachBatch: ({ batch: { topic, messages } }) => {
      const at = wallMs();
      for (const { key, value, headers = {} } of messages) {
        arrivedAt.set(String(headers['ce_id']), at);
        if (keep) captured.push({ topic, key: key ?? Buffer.alloc(0), value: value ?? Buffer.alloc(0), headers: headers as Record<string, Buffer> });
      }
      return Promise.resolve();
    },
  });
  await ready;
  // The first fetches are under way before anything is written.
  await sleep(1_000);
};

/** Once so many have arrived. */
const arrived = async (records: number): Promise<ReadonlyMap<string, number>> => {
  while (arrivedAt.size < records) await sleep(5);
  return arrivedAt;
};

let producer: Producer | null = null;
const connectProducer = async (address: string): Promise<void> => {
  producer = client(address).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
};

const again = ({ topic, ...message }: Captured, suffix: string): { readonly topic: string; readonly message: Omit<Captured, 'topic'> } => ({ topic: `${topic}${suffix}`, message });
const connected = (): Producer => {
  if (producer === null) throw new Error('no producer is connected');
  return producer;
};

interface PacePlan { readonly suffix: string; readonly perSecond: number; readonly from: number; readonly to: number }

/** Of what was kept from one to another, each record by a call of its own at a steady pace; when each call began, by id. */
const sendPaced = async ({ suffix, perSecond, from, to }: PacePlan): Promise<ReadonlyMap<string, number>> => {
  const bare = connected();
  const beganAt = new Map<string, number>();
  const all: Promise<unknown>[] = [];
  const began = performance.now();
  for (const [n, record] of captured.slice(from, to).entries()) {
    await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()));
    beganAt.set(String(record.headers['ce_id']), wallMs());
    const { topic, message } = again(record, suffix);
    all.push(bare.send({ topic, messages: [message] }));
  }
  await Promise.all(all);
  return beganAt;
};

interface FloorPlan { readonly url: string; readonly suffix: string; readonly after: number }
interface LoggedRow { readonly position: number; readonly event_id: string }

/** Ends what `relayBare` began. */
let endRelay: (() => Promise<void>) | null = null;

const rowsMax = 500;
/** The log tells those who listen by the name of its schema. */
const rowsAfter = `select position::float8 as position, content::json->>'eventId' as event_id from rectrail_events.events where position > $1 order by position limit ${rowsMax}`;

/**
 * The least that a relay behind a committed log does: it hears of an append, reads what is new by its position, and sends it, a record for each event, without a state, a lease or
 * a checkpoint, and without waiting for what it sent before. The records are those that were kept, in their order, each under the id of an event. Returns once it listens.
 */
const relayBare = async ({ url, suffix, after }: FloorPlan): Promise<void> => {
  const bare = connected();
  const [listening, ended] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  let [position, sent, heard, isReading] = [after, 0, false, false];
  const running = withClient(url, async (client) => {
    const recordOf = ({ event_id: id }: LoggedRow): TopicMessages => {
      const kept = captured[sent++ % captured.length];
      if (kept === undefined) throw new Error('no record was kept');
      const { topic, message } = again({ ...kept, headers: { ...kept.headers, ['ce_id']: Buffer.from(id) } }, suffix);
      return { topic, messages: [message] };
    };
    const read = async (): Promise<void> => {
      heard = true;
      if (isReading) return;
      isReading = true;
      while (heard) {
        heard = false;
        const { rows } = await client.query<LoggedRow>({ name: 'after', text: rowsAfter, values: [position] });
        const last = rows.at(-1);
        if (last === undefined) continue;
        ({ position } = last);
        // A large command is told of once.
        heard ||= rows.length === rowsMax;
        bare.sendBatch({ topicMessages: rows.map(recordOf) }).catch((error: unknown) => { ended.reject(error); });
      }
      isReading = false;
    };
    client.on('notification', () => { read().catch((error: unknown) => { ended.reject(error); }); });
    await client.query('listen rectrail_events');
    listening.resolve(undefined);
    await ended.promise;
  });
  endRelay = async () => {
    ended.resolve(undefined);
    await running;
  };
  await Promise.race([listening.promise, running]);
};

const endBareRelay = async (): Promise<void> => { await endRelay?.(); };

export interface SentAll { readonly records: number; readonly bytes: number; readonly seconds: number }

/** What was kept, in batches of that many records, one after the other. */
/** A broker takes up to 1 MiB for a partition, and they may all be for one. */
const batchBytesMax = 900_000;
const lengthOf = (data: string | Buffer): number => Buffer.byteLength(data);
const bytesOf = ({ key, value, headers }: Captured): number =>
  Object.entries(headers).reduce((size, [name, text]) => size + name.length + lengthOf(text), lengthOf(key) + lengthOf(value));

const sendAll = async ({ suffix, batchRecords }: { readonly suffix: string; readonly batchRecords: number }): Promise<SentAll> => {
  const bare = connected();
  const batches: Captured[][] = [];
  let [all, inBatch] = [0, Infinity];
  for (const record of captured) {
    const size = bytesOf(record);
    if (inBatch + size > batchBytesMax || (batches.at(-1)?.length ?? 0) >= batchRecords) {
      batches.push([]);
      inBatch = 0;
    }
    batches.at(-1)?.push(record);
    inBatch += size;
    all += size;
  }
  const began = performance.now();
  for (const records of batches) {
    const batch = Map.groupBy(records.map((record) => again(record, suffix)), ({ topic }) => topic);
    await bare.sendBatch({ topicMessages: [...batch].map(([topic, sent]) => ({ topic, messages: sent.map(({ message }) => message) })) });
  }
  return { records: captured.length, bytes: all, seconds: (performance.now() - began) / 1_000 };
};

const makeTopics = async ({ address, topics }: { readonly address: string; readonly topics: readonly string[] }): Promise<void> => {
  const admin = client(address).admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: topics.map((topic) => ({ topic, numPartitions: 6, replicationFactor: 1 })) });
  await admin.disconnect();
};

const close = async (): Promise<void> => {
  await consumer?.disconnect();
  await producer?.disconnect();
};

const methods = { makeTopics, listen, arrived, connectProducer, sendPaced, relayBare, endBareRelay, sendAll, close };
export type KafkaMethods = typeof methods;

serve(methods);
