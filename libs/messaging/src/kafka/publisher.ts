import type { TopicMessages } from 'kafkajs';
import { kafkaClient, kafkaRetry, withAdmin, type KafkaLog, type KafkaSettings } from './connection.ts';
import { partitionerOfKeys } from './partitioning.ts';
import { replaceRecordEncoder } from './record-encoding.ts';
import { ensureTopics, type TopicPlan } from './topics.ts';

export interface OutgoingRecord {
  readonly topic: string;
  /** Records of one key keep their order. */
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where records go. After a failure it is done with: what was in doubt is sent again by another one. */
export interface MessagePublisher {
  /** Returns once all replicas that are in sync have them. Records of a key arrive in the order given; a failure may leave any of them there. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** For all replicas in sync, ms. */
const acknowledgeMs = 10_000;

const byTopic = (records: readonly OutgoingRecord[]): TopicMessages[] => {
  const found = new Map<string, TopicMessages>();
  for (const { topic, key, value, headers } of records) {
    const kept = found.get(topic) ?? { topic, messages: [] };
    found.set(topic, kept);
    kept.messages.push({ key, value, headers });
  }
  return [...found.values()];
};

export interface KafkaPublisherOptions {
  readonly settings: KafkaSettings;
  readonly log: KafkaLog;
  /** Made first where they are missing. */
  readonly topics: readonly TopicPlan[];
  /** Asked in front of every write to a broker; default: always. */
  readonly mayWrite?: () => boolean;
}

/**
 * An idempotent producer, acks of all, one request at a time, the partitions of the Java client.
 *
 * @remarks The client numbers its batches; should it fail after its own attempts, a batch that was taken and one that was not cannot be told
 * apart, and the next one would go under the same numbers and be dropped as a repetition. So a failed publisher sends no more.
 */
export const openKafkaPublisher = async ({ settings, log, topics, mayWrite }: KafkaPublisherOptions): Promise<MessagePublisher> => {
  replaceRecordEncoder();
  const kafka = kafkaClient(settings, log, mayWrite);
  await withAdmin(kafka, (admin) => ensureTopics(admin, topics));
  const producer = kafka.producer({
    idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, createPartitioner: partitionerOfKeys, retry: kafkaRetry,
  });
  await producer.connect();
  let failed: unknown = null;
  return {
    send: async (records) => {
      if (failed !== null) throw new Error('this publisher has failed before', { cause: failed });
      try {
        await producer.sendBatch({ acks: -1, timeout: acknowledgeMs, topicMessages: byTopic(records) });
      } catch (error) {
        failed = error;
        throw error;
      }
    },
    close: () => producer.disconnect(),
  };
};
