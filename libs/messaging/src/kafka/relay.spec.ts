// Goal: whatever fails and wherever, no message is lost, those of a key stay in order, and the checkpoint never lies ahead of what was acknowledged.
// Method: brokers in memory that fail by a script (before or after taking a batch), a leadership in memory, scripted messages.
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreError } from '@rectrail/event-store';
import { position, type Position } from '@rectrail/kernel';
import { LeaseLost, type HeldLease, type LeadOptions } from '@rectrail/platform';
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { ScriptedFeed } from '../testing/scripted-feed.ts';
import type { MessagePublisher, OutgoingRecord } from './publisher.ts';
import { runKafkaRelay, type RelayPace } from './relay.ts';
import { topicNames } from './topics.ts';

const topics = topicNames('rectrail');
const pace: RelayPace = { checkpointEveryMs: 2, reachedEveryMs: 10, finishMs: 200, backoffMs: 1 };
type Fate = 'taken' | 'refused' | 'taken, but not answered' | 'never answered';

class Brokers {
  readonly taken: OutgoingRecord[] = [];
  readonly batches: number[] = [];
  readonly acknowledged = new Set<string>();
  isAtWork = false;
  #fates: Fate[];
  readonly #takesMs: number;

  constructor(fates: readonly Fate[] = [], takesMs = 0) {
    this.#fates = [...fates];
    this.#takesMs = takesMs;
  }

  readonly open = (mayWrite: () => boolean): Promise<MessagePublisher> => Promise.resolve({
    send: async (records) => {
      this.isAtWork = true;
      await (this.#takesMs === 0 ? Promise.resolve() : sleep(this.#takesMs));
      this.isAtWork = false;
      if (!mayWrite()) throw new Error('not written');
      const fate = records[0]?.topic === topics.checkpoints ? 'taken' : this.#fates.shift() ?? 'taken';
      if (fate === 'never answered') return new Promise<never>(() => undefined);
      if (fate !== 'refused') this.taken.push(...records);
      if (fate !== 'taken') throw new Error(fate);
      if (records[0]?.topic !== topics.checkpoints) this.batches.push(records.length);
      for (const { headers } of records) this.acknowledged.add(headers['ce_id'] ?? '');
    },
    close: () => Promise.resolve(),
  });

  get messages(): OutgoingRecord[] {
    return this.taken.filter(({ topic }) => topic !== topics.checkpoints);
  }
}

/** One leader that is never contested, until `lose`. */
class Lease implements HeldLease {
  readonly name = 'kafka-relay';
  readonly epoch = 1;
  readonly moves: Position[] = [];
  readonly stands: { readonly at: Position; readonly reason: string }[] = [];
  signal = new AbortController().signal;
  #at = position(0);
  #lost = false;
  readonly #missing: (upTo: Position) => boolean;

  /** `missing`: whether any message up to there is not acknowledged. */
  constructor(missing: (upTo: Position) => boolean) {
    this.#missing = missing;
  }

  lose(): void { this.#lost = true; }
  holds(): boolean { return !this.#lost; }
  checkpoint(): Promise<Position> { return Promise.resolve(this.#at); }

  moveTo(to: Position): Promise<void> {
    if (this.#lost) return Promise.reject(new LeaseLost(this.name));
    if (this.#missing(to)) return Promise.reject(new Error(`the checkpoint moves to ${to}, ahead of what was acknowledged`));
    this.moves.push(to);
    this.#at = to;
    return Promise.resolve();
  }

  standStill(reason: string): Promise<void> {
    this.stands.push({ at: this.#at, reason });
    return Promise.resolve();
  }

  transaction(): Promise<never> { return Promise.reject(new Error('not asked for')); }

  async lead({ signal, work }: LeadOptions): Promise<void> {
    this.signal = signal;
    await work(this).catch((error: unknown) => { if (!(error instanceof LeaseLost)) throw error; });
  }
}

interface Relayed { readonly lease: Lease; readonly failures: readonly unknown[]; readonly sent: number }

const relayed = async (feed: ScriptedFeed, brokers: Brokers, until: (lease: Lease) => boolean): Promise<Relayed> => {
  const lease = new Lease((upTo) => feed.messages.some((message) => message.position <= upTo && !brokers.acknowledged.has(message.id)));
  const stop = new AbortController();
  const failures: unknown[] = [];
  let sent = 0;
  const observer = { onSent: (n: number) => { sent += n; }, onFailure: (error: unknown) => { failures.push(error); }, onRecovery: () => undefined };
  const done = runKafkaRelay({ feed, leadership: lease, audience: 'internal', topics, openPublisher: brokers.open, observer, pace }, stop.signal);
  while (!until(lease)) await new Promise(setImmediate);
  stop.abort();
  await done;
  return { lease, failures, sent };
};

/** Sequences that a key has for the first time: a repeated batch shows some again. */
const firsts = (records: readonly OutgoingRecord[]): Map<string, string[]> => {
  const byKey = new Map<string, string[]>();
  for (const { key, headers } of records) {
    const seen = byKey.get(String(key)) ?? [];
    byKey.set(String(key), seen);
    const sequence = headers['ce_sequence'] ?? '';
    if (!seen.includes(sequence)) seen.push(sequence);
  }
  return byKey;
};

describe('the relay to Kafka', () => {
  it('loses nothing and keeps the order of each key, whatever batches are refused or not answered', async () => {
    const fate = fc.constantFrom<Fate>('taken', 'taken', 'refused', 'taken, but not answered');
    const script = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 120 });
    await fc.assert(fc.asyncProperty(fc.array(fate, { maxLength: 12 }), script, fc.integer({ min: 1, max: 60 }), async (fates, written, sliceMax) => {
      const feed = new ScriptedFeed(sliceMax);
      for (const [subject, passedOver] of written) feed.add(String(subject), passedOver);
      const brokers = new Brokers(fates);
      const head = await feed.head();
      const { lease, failures } = await relayed(feed, brokers, ({ moves }) => moves.at(-1) === head);
      expect(failures.filter((error) => /ahead/.test(String(error)))).toEqual([]);
      // Brokers that fail are no such state.
      expect(lease.stands).toEqual([]);
      const expected = Map.groupBy(feed.messages, ({ subject }) => subject);
      const found = firsts(brokers.messages);
      expect(new Set(found.keys())).toEqual(new Set(expected.keys()));
      for (const [subject, messages] of expected) expect(found.get(subject)).toEqual(messages.map(({ position: at }) => String(at).padStart(16, '0')));
      expect(lease.moves).toEqual(lease.moves.toSorted((a, b) => a - b));
    }), { numRuns: 60 });
  }, 30_000);

  it('sends as CloudEvents in the binary mode, keyed by the subject, to the topic of the noun', async () => {
    const feed = new ScriptedFeed();
    const message = feed.add('7', 4);
    const brokers = new Brokers();
    await relayed(feed, brokers, () => brokers.messages.length === 1);
    expect(brokers.messages).toEqual([{
      topic: 'rectrail.issues', key: 'issues/7', value: Buffer.from(JSON.stringify(message.data)),
      headers: expect.objectContaining({
        'ce_specversion': '1.0', 'ce_id': message.id, 'ce_source': 'urn:rectrail:scripted:1', 'ce_type': 'rectrail.issue.accepted.v1', 'ce_sequence': '0000000000000005', 'content-type': 'application/json',
      }),
    }]);
  });

  it('says how far it has come once it is idle, and once only', async () => {
    const feed = new ScriptedFeed();
    feed.add('1');
    feed.add('2', 3);
    const brokers = new Brokers();
    const told = (): OutgoingRecord[] => brokers.taken.filter(({ topic, headers }) => topic === topics.checkpoints && headers['ce_id'] === 'reached-5');
    const begun = performance.now();
    await relayed(feed, brokers, () => told().length > 0 && performance.now() - begun > 100);
    expect(told()).toEqual([expect.objectContaining({ key: 'urn:rectrail:scripted:1', value: '{"source":"urn:rectrail:scripted:1","position":5}' })]);
  });

  it('sends everything before an event that cannot be read, stands there, and says why', async () => {
    const readable = 40;
    let begun = 0;
    class BrokenFeed extends ScriptedFeed {
      override async *follow(options: Parameters<ScriptedFeed['follow']>[0]): ReturnType<ScriptedFeed['follow']> {
        begun += 1;
        for await (const slice of super.follow(options)) {
          if (slice.scannedTo > readable) throw new EventStoreError('event-undecodable', 'unreadable');
          yield slice;
        }
      }
    }
    const [feed, brokers] = [new BrokenFeed(10), new Brokers([], 5)];
    for (let n = 0; n < 2 * readable; n += 1) feed.add(String(n % 3));
    const { lease, failures } = await relayed(feed, brokers, () => begun >= 8);
    expect(lease.moves.at(-1)).toBe(readable);
    expect(brokers.messages).toHaveLength(readable);
    expect(failures).toContainEqual(expect.objectContaining({ code: 'event-undecodable' }));
    expect(lease.stands[0]).toEqual({ at: readable, reason: 'unreadable' });
  });

  it('sends the first message at once, and together what is written while it is on its way', async () => {
    const feed = new ScriptedFeed();
    feed.add('0');
    const brokers = new Brokers([], 60);
    await relayed(feed, brokers, () => {
      if (brokers.isAtWork && feed.messages.length <= 20) feed.add('1');
      return brokers.messages.length === 21;
    });
    expect(brokers.batches[0]).toBe(1);
    // One slice is read ahead, the rest behind it.
    expect(brokers.batches.length).toBeLessThanOrEqual(3);
  });

  it('sends together what came in pieces while brokers are slow, and not a piece for each answer', async () => {
    // Pieces as the feed makes them of a slice at the head.
    const feed = new ScriptedFeed(32);
    feed.add('0');
    const brokers = new Brokers([], 40);
    await relayed(feed, brokers, () => {
      while (brokers.isAtWork && feed.messages.length <= 190) feed.add('1');
      return brokers.messages.length === 191;
    });
    expect(brokers.batches[0]).toBe(1);
    expect(brokers.batches.length).toBeLessThanOrEqual(3);
  });

  it('cuts what waits into batches that a broker takes', async () => {
    const feed = new ScriptedFeed(5_000);
    for (let i = 0; i < 4_500; i++) feed.add(String(i % 7));
    const brokers = new Brokers();
    const { sent } = await relayed(feed, brokers, () => brokers.messages.length === 4_500);
    expect(sent).toBe(4_500);
    expect(Math.max(...brokers.batches)).toBeLessThanOrEqual(2_000);
  });

  it('is not behind an event before all of its messages are there', async () => {
    const feed = new ScriptedFeed();
    feed.add('first');
    feed.add('0');
    for (let i = 1; i < 4_500; i++) feed.addAlong(String(i));
    const brokers = new Brokers(['taken', 'taken', 'refused'], 10);
    const { lease, failures } = await relayed(feed, brokers, () => feed.messages.every(({ id }) => brokers.acknowledged.has(id)));
    expect(failures).toEqual([new Error('refused')]);
    expect(lease.moves).toContain(1);
  });

  it('ends in good time where brokers do not answer', async () => {
    const feed = new ScriptedFeed(1);
    for (let i = 0; i < 5; i++) feed.add('1');
    const brokers = new Brokers(['taken', 'taken', 'never answered']);
    const { lease } = await relayed(feed, brokers, ({ moves }) => moves.at(-1) === 2);
    expect(lease.moves.at(-1)).toBe(2);
  });

  it('ends without another word once it leads no longer', async () => {
    const feed = new ScriptedFeed(1);
    for (let i = 0; i < 50; i++) feed.add('1');
    const brokers = new Brokers();
    let taken = -1;
    const { failures } = await relayed(feed, brokers, (lease) => {
      if (brokers.messages.length < 5) return false;
      if (lease.holds()) taken = brokers.messages.length;
      lease.lose();
      return true;
    });
    expect(brokers.messages.length).toBe(taken);
    expect(failures).toEqual([]);
  });
});
