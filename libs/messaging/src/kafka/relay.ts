import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, Wake } from '@rectrail/event-store';
import { position, type Position } from '@rectrail/kernel';
import { LeaseLost, type HeldLease, type Leadership } from '@rectrail/platform';
import type { Audience, MessageFeed } from '../message.ts';
import type { MessagePublisher, OutgoingRecord } from './publisher.ts';
import { batches, type LogCheckpointData, logCheckpointRecord, messageRecord, reachedRecord } from './records.ts';
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
  /** The newest signed head of the log, told every few seconds where it is another; null where there is none. Default: none is told. */
  readonly logCheckpoint?: () => Promise<LogCheckpointData | null>;
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

/** Of values read and not yet sent, beyond which nothing more is read: about three requests. */
const gatheredBytesMax = 3_000_000;
/** Events read at once: what is made of them dies before the collector moves it to where it costs much more to collect (ADR 14). */
const sliceEventsMax = 500;
/** Events of a slice at the head: those of one large command are on their way while the rest is folded. So many messages tell that more waits: it is read while they are sent. */
const headEventsMax = 32;
/** Nobody is woken in vain or never; this only bounds a mistake. */
const lookAgainMs = 1_000;
const resting = async (ms: number, signal: AbortSignal): Promise<void> => {
  // All that it rejects with is the abort.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

const isOver = (signal: AbortSignal): boolean => signal.aborted;

/** A slice of the feed as it is to be sent: a record and the position of its event, one for each message. `bytes`: of the values. */
interface Gathered { readonly records: readonly OutgoingRecord[]; readonly positions: readonly Position[]; readonly bytes: number; readonly scannedTo: Position }

interface SendingOptions extends Pick<KafkaRelayOptions, 'feed' | 'audience' | 'topics' | 'logCheckpoint'> {
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
  #toldCheckpoint: string | null = null;
  readonly #gathered: Gathered[] = [];
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

  /**
   * Of a backlog ahead of the sending, as far as there is room: however far behind, no more is kept, and records are made while the brokers are at work. At the head of the log
   * one slice ahead: what is written while one is on its way and another waits is read and sent together, as a group commit does, and what comes after a silence goes at once. The
   * pieces of a larger slice gather too: where brokers take long, each would have to wait for an answer of its own.
   */
  async #read(signal: AbortSignal): Promise<void> {
    const { feed, audience, from, source, topics } = this.#options;
    try {
      for await (const { messages, scannedTo } of feed.follow({ after: from, audience, signal, limit: sliceEventsMax, headLimit: headEventsMax })) {
        const records = messages.map((message) => messageRecord(message, source, topics));
        this.#gathered.push({ records, positions: messages.map(({ position: at }) => at), bytes: records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0), scannedTo });
        this.#news.notify();
        const hasMore = messages.length >= headEventsMax;
        while (!this.#hasRoom(hasMore) && !isOver(signal)) await this.#room.wait(this.#room.ticket, signal, lookAgainMs);
      }
    } catch (error) {
      // The sender meets it behind what was read before.
      this.#unreadable = { error };
      this.#news.notify();
    }
  }

  #hasRoom(hasMore: boolean): boolean {
    return hasMore ? this.#waiting() < gatheredBytesMax : this.#gathered.length === 0;
  }

  #waiting(): number {
    return this.#gathered.reduce((sum, { bytes }) => sum + bytes, 0);
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
      await this.#sendRecords({ records: slices.flatMap(({ records }) => records), positions: slices.flatMap(({ positions }) => positions), scannedTo: last.scannedTo }, signal);
    }
  }

  async #sendRecords({ records, positions, scannedTo }: Omit<Gathered, 'bytes'>, signal: AbortSignal): Promise<void> {
    const { lease, publisher, onAcknowledged } = this.#options;
    let sent = 0;
    for (const batch of batches(records)) {
      if (!lease.holds()) throw new LeaseLost(lease.name);
      if (isOver(signal)) return;
      await publisher.send(batch);
      onAcknowledged(batch.length);
      sent += batch.length;
      // One event may make several messages: behind it only once all of them are there.
      const next = positions[sent];
      this.#reached = next === undefined ? scannedTo : position(next - 1);
    }
    this.#reached = scannedTo;
  }

  /** Apart from the sending, which must not wait for the database after each batch. */
  async #keepCheckpoint(signal: AbortSignal): Promise<void> {
    const { checkpointEveryMs, reachedEveryMs } = this.#options.pace;
    let toldAt = -Infinity;
    let lookedAt = -Infinity;
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
      if (performance.now() - lookedAt >= reachedEveryMs) {
        lookedAt = performance.now();
        await this.#tellLogCheckpoint();
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

  async #tellLogCheckpoint(): Promise<void> {
    const { lease, publisher, topics, onAcknowledged, logCheckpoint } = this.#options;
    const newest = await logCheckpoint?.() ?? null;
    if (newest === null || newest.checkpoint === this.#toldCheckpoint) return;
    if (!lease.holds()) throw new LeaseLost(lease.name);
    await publisher.send([logCheckpointRecord(newest, topics)]);
    onAcknowledged(0);
    this.#toldCheckpoint = newest.checkpoint;
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
      // It is tried again all the same: another process, or the next release, may be able to read it.
      if (error instanceof Error && hasCode(error, 'event-undecodable')) await lease.standStill(error.message);
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
