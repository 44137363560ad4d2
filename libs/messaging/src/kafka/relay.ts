import { setTimeout as sleep } from 'node:timers/promises';
import { Wake } from '@rectrail/event-store';
import { position, type Position } from '@rectrail/kernel';
import { LeaseLost, type HeldLease, type Leadership } from '@rectrail/platform';
import type { Audience, MessageFeed, MessageSlice } from '../message.ts';
import type { MessagePublisher } from './publisher.ts';
import { batches, messageRecord, reachedRecord } from './records.ts';
import type { TopicNames } from './topics.ts';

export const kafkaRelayName = 'kafka-relay';

export interface KafkaRelayObserver {
  /** Acknowledged by the brokers. */
  onSent(messages: number): void;
  /** The brokers, the database or a message failed, so many times in a row; it is tried again. */
  onFailure(error: unknown, inARow: number): void;
  onRecovery(failures: number): void;
}

export interface KafkaRelayOptions {
  readonly feed: Pick<MessageFeed, 'source' | 'follow'>;
  readonly leadership: Pick<Leadership, 'lead'>;
  readonly audience: Audience;
  readonly topics: TopicNames;
  readonly openPublisher: (mayWrite: () => boolean) => Promise<MessagePublisher>;
  readonly observer: KafkaRelayObserver;
  /** Of the lease, ms; default that of `Leadership`. */
  readonly ttlMs?: number;
  readonly pace?: RelayPace;
}

export interface RelayPace {
  /** What a crash repeats: messages that were acknowledged since the checkpoint was moved, ms. */
  readonly checkpointEveryMs: number;
  /** Between two words on how far it has come, while it moves, ms. */
  readonly reachedEveryMs: number;
  /** How long brokers that do not answer may keep a process from ending, ms. */
  readonly finishMs: number;
  /** After a failure, doubled with each further one up to eight times, ms. */
  readonly backoffMs: number;
}

const paceDefault: RelayPace = { checkpointEveryMs: 200, reachedEveryMs: 2_000, finishMs: 5_000, backoffMs: 250 };
const backoffDoublingsMax = 3;

/** Read and not yet sent; beyond them nothing more is read. */
const gatheredMessagesMax = 2_000;
/** Nobody is woken in vain or never; this only bounds a mistake. */
const lookAgainMs = 1_000;
const resting = async (ms: number, signal: AbortSignal): Promise<void> => {
  // All that it rejects with is the abort.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

const isOver = (signal: AbortSignal): boolean => signal.aborted;

interface SendingOptions extends Pick<KafkaRelayOptions, 'feed' | 'audience' | 'topics'> {
  readonly lease: HeldLease;
  readonly publisher: MessagePublisher;
  readonly source: string;
  readonly from: Position;
  readonly pace: RelayPace;
  /** Messages; none where it was a word on how far it has come. */
  readonly onAcknowledged: (messages: number) => void;
}

/** The work on one connection: messages out, the checkpoint behind them. */
class Sending {
  readonly #options: SendingOptions;
  /** Everything up to here has been acknowledged. */
  #reached: Position;
  #moved: Position;
  #told: Position | null = null;
  readonly #gathered: MessageSlice[] = [];
  #unreadable: { readonly error: unknown } | null = null;
  readonly #news = new Wake();
  readonly #room = new Wake();

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#reached = options.from;
    this.#moved = options.from;
  }

  /** Ends with the signal, after the batch that is on its way. @throws what failed first. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const reading = this.#read(either);
    const parts = [this.#send(either), this.#keepCheckpoint(either)].map((part) => part.finally(() => { ended.abort(); }));
    const failure = (await Promise.allSettled(parts)).find((part) => part.status === 'rejected');
    await reading;
    // Also behind what was sent before a failure: the next attempt need not send it again.
    await this.#moveCheckpoint().catch((error: unknown) => { throw failure === undefined ? error : failure.reason; });
    if (failure !== undefined) throw failure.reason;
  }

  /** Ahead of the sending, as far as there is room: however far behind, no more is kept. */
  async #read(signal: AbortSignal): Promise<void> {
    const { feed, audience, from } = this.#options;
    try {
      for await (const slice of feed.follow({ after: from, audience, signal })) {
        this.#gathered.push(slice);
        this.#news.notify();
        while (this.#waiting() >= gatheredMessagesMax && !isOver(signal)) await this.#room.wait(this.#room.ticket, signal, lookAgainMs);
      }
    } catch (error) {
      // The sender meets it behind what was read before.
      this.#unreadable = { error };
      this.#news.notify();
    }
  }

  #waiting(): number {
    return this.#gathered.reduce((sum, { messages }) => sum + messages.length, 0);
  }

  /** What has gathered while one batch was on its way goes together. */
  async #send(signal: AbortSignal): Promise<void> {
    while (!isOver(signal)) {
      const slices = this.#gathered.splice(0);
      const last = slices.at(-1);
      if (last === undefined) {
        if (this.#unreadable !== null) throw this.#unreadable.error;
        await this.#news.wait(this.#news.ticket, signal, lookAgainMs);
        continue;
      }
      this.#room.notify();
      await this.#sendSlice({ messages: slices.flatMap(({ messages }) => messages), scannedTo: last.scannedTo }, signal);
    }
  }

  async #sendSlice({ messages, scannedTo }: MessageSlice, signal: AbortSignal): Promise<void> {
    const { lease, publisher, source, topics, onAcknowledged } = this.#options;
    const records = messages.values().map((message) => messageRecord(message, source, topics));
    let sent = 0;
    for (const batch of batches(records)) {
      if (!lease.holds()) throw new LeaseLost(lease.name);
      if (isOver(signal)) return;
      await publisher.send(batch);
      onAcknowledged(batch.length);
      sent += batch.length;
      // One event may make several messages: behind it only once all of them are there.
      const next = messages[sent];
      this.#reached = next === undefined ? scannedTo : position(next.position - 1);
    }
    this.#reached = scannedTo;
  }

  /** Apart from the sending, which must not wait for the database after each batch. */
  async #keepCheckpoint(signal: AbortSignal): Promise<void> {
    const { checkpointEveryMs, reachedEveryMs } = this.#options.pace;
    let toldAt = -Infinity;
    let before: Position | null = null;
    for (;;) {
      await resting(checkpointEveryMs, signal);
      if (signal.aborted) return;
      const isIdle = this.#reached === before;
      before = this.#reached;
      await this.#moveCheckpoint();
      if (this.#told !== this.#moved && (isIdle || performance.now() - toldAt >= reachedEveryMs)) {
        toldAt = performance.now();
        await this.#tellReached();
      }
    }
  }

  async #moveCheckpoint(): Promise<void> {
    const reached = this.#reached;
    if (reached === this.#moved) return;
    await this.#options.lease.moveTo(reached);
    this.#moved = reached;
  }

  async #tellReached(): Promise<void> {
    const { lease, publisher, source, topics, onAcknowledged } = this.#options;
    if (!lease.holds()) throw new LeaseLost(lease.name);
    const reached = this.#moved;
    await publisher.send([reachedRecord(reached, source, topics)]);
    onAcknowledged(0);
    this.#told = reached;
  }
}

/** As leader: connects, sends, and connects anew after a failure. @throws LeaseLost */
const relaying = async (options: KafkaRelayOptions, lease: HeldLease): Promise<void> => {
  const { feed, openPublisher, observer, pace = paceDefault } = options;
  let failures = 0;
  while (!isOver(lease.signal)) {
    let publisher: MessagePublisher | null = null;
    try {
      publisher = await openPublisher(() => lease.holds());
      const onAcknowledged = (messages: number): void => {
        if (messages > 0) observer.onSent(messages);
        if (failures > 0) observer.onRecovery(failures);
        failures = 0;
      };
      await new Sending({ ...options, lease, publisher, source: await feed.source(), from: await lease.checkpoint(), pace, onAcknowledged }).run(lease.signal);
    } catch (error) {
      if (error instanceof LeaseLost || !lease.holds()) throw new LeaseLost(lease.name);
      failures += 1;
      observer.onFailure(error, failures);
      await resting(pace.backoffMs * 2 ** Math.min(backoffDoublingsMax, failures - 1), lease.signal);
    } finally {
      // What it could not send is sent again by the next one.
      await publisher?.close().catch(() => undefined);
    }
  }
};

/** Some time after the signal. What is given up then writes no more: the lease ends with the work. */
const lateAfter = async (signal: AbortSignal, ms: number): Promise<void> => {
  await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  await sleep(ms, undefined, { ref: false });
};

/**
 * Carries the feed's messages to Kafka wherever this process leads, until the signal aborts; then the batch on its way is finished, and
 * the checkpoint moved. Never ahead of what the brokers have acknowledged: a crash repeats messages, with their ids, and leaves out none.
 */
export const runKafkaRelay = (options: KafkaRelayOptions, signal: AbortSignal): Promise<void> => options.leadership.lead({
  name: kafkaRelayName, signal,
  work: (lease) => Promise.race([relaying(options, lease), lateAfter(lease.signal, (options.pace ?? paceDefault).finishMs)]),
  onFailure: (error) => { options.observer.onFailure(error, 1); },
  ...(options.ttlMs !== undefined && { ttlMs: options.ttlMs }),
});
