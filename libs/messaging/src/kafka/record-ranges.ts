import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { kafkaRetry, withAdmin } from './connection.ts';

/** A group is joined in three seconds where brokers wait for further members; then a page is read at once. */
const readMsMax = 15_000;
/** The end of a page waits for the fetch behind it, ms. */
const fetchWaitMs = 200;

/** `from` inclusive, `to` exclusive. */
export interface OffsetRange { readonly topic: string; readonly partition: number; readonly from: bigint; readonly to: bigint }

export interface KeptRecord { readonly topic: string; readonly partition: number; readonly record: KafkaMessage }

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/** What the topics hold, those that are there; a read makes none. */
export const keptRanges = (kafka: Kafka, topics: readonly string[]): Promise<readonly OffsetRange[]> => withAdmin(kafka, async (admin) => {
  const there = new Set(await admin.listTopics());
  const ranges = await Promise.all(topics.filter((topic) => there.has(topic)).map(async (topic) =>
    (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({ topic, partition, from: BigInt(low), to: BigInt(high) }))));
  return ranges.flat();
});

/**
 * The records of the ranges, each partition's in its order. The client reads only as a member of a group, which is named after `group` and removed again.
 *
 * @throws Error where they are not read in 15 s
 */
export const readRanges = async (kafka: Kafka, group: string, ranges: readonly OffsetRange[]): Promise<readonly KeptRecord[]> => {
  const wanted = new Map(ranges.filter(({ from, to }) => from < to).map((range) => [keyOf(range.topic, range.partition), range]));
  if (wanted.size === 0) return [];
  const groupId = `${group}-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: fetchWaitMs, retry: { ...kafkaRetry, restartOnFailure: () => Promise.resolve(false) },
  });
  const found = new Map<string, KeptRecord>();
  const done = Promise.withResolvers<undefined>();
  // What fails first is thrown; this one may come after it.
  done.promise.catch(() => undefined);
  const late = setTimeout(() => { done.reject(new Error(`not read within ${readMsMax} ms`)); }, readMsMax);
  consumer.on(consumer.events.CRASH, ({ payload }) => { done.reject(payload.error); });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set([...wanted.values()].map(({ topic }) => topic))], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { topic, partition, messages } }) => {
        const key = keyOf(topic, partition);
        const range = wanted.get(key);
        for (const record of messages) {
          const offset = BigInt(record.offset);
          if (range !== undefined && offset >= range.from && offset < range.to) found.set(`${key}/${record.offset}`, { topic, partition, record });
          if (range !== undefined && offset >= range.to - 1n) wanted.delete(key);
        }
        if (wanted.size === 0) done.resolve(undefined);
        return Promise.resolve();
      },
    });
    for (const { topic, partition, from } of wanted.values()) consumer.seek({ topic, partition, offset: String(from) });
    await done.promise;
  } finally {
    clearTimeout(late);
    await consumer.disconnect();
    // Brokers forget an empty group by themselves, later.
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch(() => undefined);
  }
  return [...found.values()];
};
