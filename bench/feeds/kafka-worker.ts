import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners, type Consumer, type Producer } from 'kafkajs';
import { serve, wallMs } from '../process.ts';

/** A record as the relay wrote it, to be written again by the bare client. */
export interface Captured { readonly topic: string; readonly key: Buffer; readonly value: Buffer; readonly headers: Readonly<Record<string, Buffer>> }

const client = (address: string): Kafka => new Kafka({ brokers: [address], clientId: 'bench-peer', logLevel: logLevel.NOTHING });

let consumer: Consumer | null = null;
let captured: Captured[] = [];
const arrivedAt = new Map<string, number>();

/** A bare consumer from now on, or from the beginning, of topics that are there. */
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

const methods = { makeTopics, listen, arrived, connectProducer, sendPaced, sendAll, close };
export type KafkaMethods = typeof methods;

serve(methods);
