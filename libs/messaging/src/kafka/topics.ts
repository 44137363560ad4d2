import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { nouns, type Noun } from '../message.ts';
import type { KafkaSettings } from './connection.ts';

/** Every topic that Rectrail writes to or reads from, by what it holds. */
export interface TopicNames {
  /** Messages about a noun, keyed by their subject. */
  readonly messages: Readonly<Record<Noun, string>>;
  /** How far the relay has come: everything up to there has been sent. */
  readonly checkpoints: string;
  readonly commands: string;
  readonly replies: string;
  readonly deadLetters: string;
}

/** `rectrail.issues`, `rectrail.checkpoints` … */
export const topicNames = (prefix: string): TopicNames => ({
  messages: Object.fromEntries(nouns.map((noun) => [noun, `${prefix}.${noun}`])) as Record<Noun, string>,
  checkpoints: `${prefix}.checkpoints`,
  commands: `${prefix}.commands`,
  replies: `${prefix}.replies`,
  deadLetters: `${prefix}.dead-letters`,
});

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  /** Settings of the topic that must not be the broker's own. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Of a record of messages: an event has 4 MiB at most, and a message tells it and the state after it; a broker's own limit of 1 MiB would stop the relay at a long report. */
const messageBytesMax = 16 << 20;

/** Topics that the relay writes to. One partition of checkpoints, so that they have one order. */
export const messageTopicPlans = ({ topicPrefix, partitions, replicationFactor }: Pick<KafkaSettings, 'topicPrefix' | 'partitions' | 'replicationFactor'>): readonly TopicPlan[] => {
  const { messages, checkpoints } = topicNames(topicPrefix);
  return [...nouns.map((noun) => ({ topic: messages[noun], partitions, replicationFactor, settings: { 'max.message.bytes': String(messageBytesMax) } })), { topic: checkpoints, partitions: 1, replicationFactor }];
};

const ledAttempts = 50;
const ledPauseMs = 100;

/** A new leader is named before it has taken over, and refuses records until then; it answers once it has. @throws what it still says after five seconds. */
const untilLed = async (admin: Admin, topic: string): Promise<void> => {
  for (let left = ledAttempts; ; left--) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(ledPauseMs);
    }
  }
};

/** Makes the topics that are missing; those that are there stay as their operator has them. */
export const ensureTopics = async (admin: Admin, plans: readonly TopicPlan[]): Promise<void> => {
  const there = new Set(await admin.listTopics());
  const missing = plans.filter(({ topic }) => !there.has(topic));
  if (missing.length === 0) return;
  // Another process that makes them at the same moment is no failure: the answer is `false` then.
  await admin.createTopics({ waitForLeaders: true, topics: missing.map(({ topic, partitions, replicationFactor, settings = {} }) => ({
    topic, numPartitions: partitions, replicationFactor, configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  })) });
  for (const { topic } of missing) await untilLed(admin, topic);
};
