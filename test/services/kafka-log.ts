import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, KafkaJSProtocolError, logLevel, type Admin } from 'kafkajs';

/** As an independent client sees it. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const foreignClient = (address: string): Kafka => new Kafka({ brokers: [address], clientId: 'test', logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, retries: 20, maxRetryTime: 1_000 } });

export const withAdmin = async <T>(address: string, work: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = foreignClient(address).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/** A topic that is being made is listed before each of its partitions is led. */
const onceLed = async <T>(work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KafkaJSProtocolError) || !error.retriable) throw error;
      await sleep(50);
    }
  }
};

/** Where each partition of the topics below a prefix ends, by `topic/partition`; empty ones are left out. */
export const logEnds = (address: string, prefix: string): Promise<ReadonlyMap<string, number>> => withAdmin(address, async (admin) => {
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
  const offsets = await Promise.all(topics.map(async (topic) =>
    (await onceLed(() => admin.fetchTopicOffsets(topic))).map(({ partition, high }) => [keyOf(topic, partition), Number(high)] as const)));
  return new Map(offsets.flat().filter(([, high]) => high > 0));
});

/** Every record below a prefix, from the first to the ends as they are now, each partition's in its order. */
export const readLog = async (address: string, prefix: string): Promise<readonly LogRecord[]> => {
  const ends = await logEnds(address, prefix);
  const records: LogRecord[] = [];
  const left = new Set(ends.keys());
  if (left.size === 0) return records;
  const consumer = foreignClient(address).consumer({ groupId: `reader-${performance.now()}-${Math.random()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [...new Set([...left].map((key) => key.slice(0, key.lastIndexOf('/'))))], fromBeginning: true });
  const done = Promise.withResolvers<undefined>();
  await consumer.run({
    eachBatch: ({ batch: { topic, partition, messages } }) => {
      const end = ends.get(keyOf(topic, partition)) ?? 0;
      for (const { offset, key, value, headers = {} } of messages) {
        const text = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, String(bytes)]));
        if (Number(offset) < end) records.push({ topic, partition, offset: Number(offset), key: String(key), value: String(value), headers: text });
        if (Number(offset) >= end - 1) left.delete(keyOf(topic, partition));
      }
      if (left.size === 0) done.resolve(undefined);
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return records;
};

/** The records of each partition, in order. */
export const byPartition = (records: readonly LogRecord[]): ReadonlyMap<string, readonly LogRecord[]> => Map.groupBy(records, ({ topic, partition }) => keyOf(topic, partition));

export const sequenceOfRecord = ({ headers }: LogRecord): number => Number(headers['ce_sequence']);
