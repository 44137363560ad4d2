import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { kafkaClient, kafkaRetry, type KafkaLog, type KafkaSettings } from './connection.ts';
import type { CommandGateway, RecordPlace } from './command-gateway.ts';
import { CommandProcessor, type CommandRecordOutcome } from './command-processor.ts';
import { openKafkaPublisher, type MessagePublisher } from './publisher.ts';
import { batches } from './records.ts';
import { topicNames, type TopicPlan } from './topics.ts';

/** Records worked on before their replies are sent: small enough for a quick reply, large enough to share the round trips. */
const chunkRecordsMax = 64;
/** Partitions of one process that are worked on at the same time. */
const partitionsAtOnce = 3;
const heartbeatMs = 1_000;
/** A member that falls silent keeps its partitions for so long, and the others waiting, ms. */
const sessionMs = 8_000;
/** How long the records at hand may go on at a shutdown, ms. */
const closeMsMax = 5_000;
/** A fetch that finds nothing waits for so long at the broker, and so may a shutdown, ms. */
const fetchWaitMs = 500;
const reopenMsMin = 200;
const reopenMsMax = 5_000;

export interface CommandConsumerOptions {
  readonly settings: KafkaSettings;
  readonly log: KafkaLog;
  readonly gateway: CommandGateway;
  /** Largest value of a record, bytes. */
  readonly bytesMax: number;
  /** A record's reply or dead letter was acknowledged. */
  readonly onOutcome: (outcome: CommandRecordOutcome) => void;
  /** A record that could not be worked on, or (without a place) the connection. */
  readonly onFailure: (error: unknown, place: RecordPlace | null, willRetry: boolean) => void;
}

export interface CommandConsumer {
  /** Finishes the records at hand. */
  close(): Promise<void>;
}

/** The broker unpacks what senders have packed: the client knows gzip alone and unpacks it to whatever size, while a broker keeps to its largest record. */
const unpacked = { 'compression.type': 'uncompressed' };

/** One partition, so that dead letters have one order; nobody produces many. */
export const commandTopicPlans = ({ topicPrefix, partitions, replicationFactor }: KafkaSettings): readonly TopicPlan[] => {
  const { commands, replies, deadLetters } = topicNames(topicPrefix);
  return [
    { topic: commands, partitions, replicationFactor, settings: unpacked }, { topic: replies, partitions, replicationFactor },
    { topic: deadLetters, partitions: 1, replicationFactor },
  ];
};

const chunksOf = function* (messages: readonly KafkaMessage[]): Generator<readonly KafkaMessage[]> {
  for (let at = 0; at < messages.length; at += chunkRecordsMax) yield messages.slice(at, at + chunkRecordsMax);
};

/** The records of one chunk, sent on before their offset is committed. */
interface Working { readonly payload: EachBatchPayload; readonly consumer: Consumer; readonly publisher: MessagePublisher; readonly signal: AbortSignal }

/** While records are worked on the group is told that this member lives; `signal` aborts with the reason where it is no member any more. */
const whileAlive = async <T>({ payload, signal }: Working, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const lost = new AbortController();
  const beat = setInterval(() => { payload.heartbeat().catch((error: unknown) => { lost.abort(error); }); }, heartbeatMs);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    // The client tells a rebalance from a failure by its own error.
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(beat);
  }
};

class KafkaCommandConsumer implements CommandConsumer {
  readonly #options: CommandConsumerOptions;
  readonly #processor: CommandProcessor;
  readonly #closing = new AbortController();
  readonly #cut = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: CommandConsumerOptions) {
    const { settings, gateway, bytesMax, onFailure } = options;
    const { replies, deadLetters } = topicNames(settings.topicPrefix);
    this.#options = options;
    this.#processor = new CommandProcessor({ gateway, bytesMax, onFailure, repliesTopic: replies, deadLettersTopic: deadLetters, nowMs: () => Date.now() });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    const cut = setTimeout(() => { this.#cut.abort(new Error('the server stops')); }, closeMsMax);
    this.#closing.abort();
    await this.#running;
    clearTimeout(cut);
  }

  /** A connection after the other, until it is closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let pauseMs = reopenMsMin; !signal.aborted; pauseMs = Math.min(pauseMs * 2, reopenMsMax)) {
      const openedMs = performance.now();
      try {
        await this.#consume();
      } catch (error) {
        this.#options.onFailure(error, null, true);
      }
      if (performance.now() - openedMs > reopenMsMax) pauseMs = reopenMsMin;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Until it is closed. @throws what ended the connection. */
  async #consume(): Promise<void> {
    const { settings, log } = this.#options;
    const { commands } = topicNames(settings.topicPrefix);
    await using opened = new AsyncDisposableStack();
    const publisher = await openKafkaPublisher({ settings, log, topics: commandTopicPlans(settings) });
    opened.defer(() => publisher.close());
    // Failures are met here, with a new connection; the client's own restart would go on with a publisher that has failed.
    const consumer = kafkaClient(settings, log).consumer({
      groupId: `${settings.topicPrefix}-commands`, allowAutoTopicCreation: false, maxWaitTimeInMs: fetchWaitMs, sessionTimeout: sessionMs, heartbeatInterval: heartbeatMs,
      retry: { ...kafkaRetry, restartOnFailure: () => Promise.resolve(false) },
    });
    opened.defer(() => consumer.disconnect());
    const failed = Promise.withResolvers<never>();
    // At a shutdown nobody waits for it any more.
    failed.promise.catch(() => undefined);
    consumer.on(consumer.events.CRASH, ({ payload }) => { failed.reject(payload.error); });
    // Each connection leaves the signal as it found it.
    const over = new AbortController();
    opened.defer(() => { over.abort(); });
    const closed = new Promise<void>((resolve) => { this.#closing.signal.addEventListener('abort', () => { resolve(); }, { signal: over.signal }); });
    await consumer.connect();
    await consumer.subscribe({ topics: [commands], fromBeginning: true });
    await consumer.run({
      autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: partitionsAtOnce,
      eachBatch: (payload) => this.#workBatch({ payload, consumer, publisher, signal: this.#cut.signal }, failed.reject),
    });
    if (!this.#closing.signal.aborted) await Promise.race([closed, failed.promise]);
  }

  async #workBatch(working: Working, fail: (error: unknown) => void): Promise<void> {
    const { payload } = working;
    for (const messages of chunksOf(payload.batch.messages)) {
      if (!payload.isRunning() || payload.isStale() || this.#closing.signal.aborted) return;
      await this.#workChunk(working, messages, fail);
      await payload.heartbeat();
    }
  }

  async #workChunk(working: Working, messages: readonly KafkaMessage[], fail: (error: unknown) => void): Promise<void> {
    const { payload, consumer, publisher } = working;
    const { topic, partition } = payload.batch;
    const last = messages.at(-1);
    if (last === undefined) return;
    const records = messages.map(({ key, value, offset, timestamp, headers = {} }) => ({ topic, partition, offset, timestamp, key, value, headers }));
    const processed = await whileAlive(working, (signal) => this.#processor.process(records, signal));
    try {
      for (const batch of batches(processed.map(({ send }) => send))) await publisher.send(batch);
    } catch (error) {
      fail(error);
      throw error;
    }
    payload.resolveOffset(last.offset);
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(last.offset) + 1n) }]);
    for (const { outcome } of processed) this.#options.onOutcome(outcome);
  }
}

/**
 * Commands from the topic `<prefix>.commands` as a member of the group `<prefix>-commands`; answers go to `<prefix>.replies`. A record is done with once its
 * reply or dead letter is acknowledged: a crash before repeats it, and the gateway answers it as before. A broker that is away is waited for.
 */
export const startCommandConsumer = (options: CommandConsumerOptions): CommandConsumer => new KafkaCommandConsumer(options);
