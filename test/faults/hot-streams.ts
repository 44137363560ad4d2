import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@rectrail/tracking-domain/testing';
import type { Json } from '../support/api.ts';
import type { Fleet } from './fleet.ts';
import type { Operation } from './linearisability.ts';
import type { StreamAppend } from './stream-register.ts';

/** One append as its client made it. `tag` is told in the event, so that the log shows what became of it. */
export interface Write {
  readonly stream: number;
  readonly tag: string;
  readonly expects: number | null;
  readonly key: string;
  readonly called: number;
  readonly returned: number | null;
  /** `unwritten`: refused with the word that nothing was stored. */
  readonly outcome: { readonly written: number; readonly position: number; readonly body: Json } | { readonly refusedAt: number } | 'unwritten' | 'unknown';
}

export interface HotStreamsOptions {
  /** Its servers may be gone at any moment; a request goes to any of them, and any client writes to the stream of any of its issues. */
  readonly fleet: Pick<Fleet, 'urls' | 'token' | 'issues'>;
  readonly random: Random;
  readonly clients: number;
  /** Longest that one attempt is waited for, since its server may be stopped; default 20,000. */
  readonly attemptMsMax?: number;
}

/** Longest that a write may need that is tried again until it is answered. */
const insistMsMax = 180_000;
/** A version that no stream has: the refusal tells the one that it has. */
const never = 0;

const path = (issue: string): string => `/api/v1/issues/${issue}/next-step`;

/**
 * Clients that write to few streams without pause: most under If-Match with the version that they saw last, some whatever the version; most try again with the same
 * Idempotency-Key until they are answered, some are gone after the first failure, some do not wait for the answer. All that they saw is kept.
 */
export class HotStreams {
  readonly writes: Write[] = [];
  /** Answers that nobody should get. */
  readonly faults: string[] = [];
  readonly #options: HotStreamsOptions;
  readonly #attemptMsMax: number;
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #isAbandoned = false;
  #tags = 0;

  constructor(options: HotStreamsOptions) {
    this.#options = options;
    this.#attemptMsMax = options.attemptMsMax ?? 20_000;
  }

  get acknowledged(): number {
    return this.writes.filter(({ outcome }) => typeof outcome === 'object' && 'written' in outcome).length;
  }

  start(): void {
    this.#stop = new AbortController();
    this.#running = Promise.all(Array.from({ length: this.#options.clients }, () => this.#client(this.#stop.signal)));
  }

  /** Until all that was begun has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The same, without asking again. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    await this.stop();
  }

  /** What the clients of each stream saw; what surely was not stored is no operation. */
  histories(): readonly (readonly Operation<StreamAppend>[])[] {
    return this.#options.fleet.issues.map((_, index) => this.writes.filter(({ stream, outcome }) => stream === index && outcome !== 'unwritten').map(({ expects, called, returned, outcome }) => ({
      called, returned, what: { expects, answer: typeof outcome === 'object' ? ('written' in outcome ? { written: outcome.written } : outcome) : null },
    })));
  }

  /** Sends an acknowledged write once more. */
  repeat(write: Write): Promise<Response> {
    return this.#send(write, this.#attemptMsMax);
  }

  async #client(signal: AbortSignal): Promise<void> {
    const { random, fleet: { issues } } = this.#options;
    const seen = new Map<number, number>();
    while (!signal.aborted) {
      const stream = random.int(0, issues.length - 1);
      const last = seen.get(stream) ?? never;
      const expects = random.chance(0.2) ? null : random.chance(0.1) ? never : last;
      // Who gives no version must insist: nothing else would tell it later whether it was heard.
      const insists = expects === null || random.chance(0.7);
      const write = await this.#write({ stream, expects, tag: `第${(this.#tags += 1).toString(36)}步`, key: randomUUID() }, insists);
      this.writes.push(write);
      if (typeof write.outcome === 'object') seen.set(stream, 'written' in write.outcome ? write.outcome.written : write.outcome.refusedAt);
    }
  }

  async #write(ask: Pick<Write, 'stream' | 'expects' | 'tag' | 'key'>, insists: boolean): Promise<Write> {
    const { random } = this.#options;
    const called = performance.now();
    let mayBeWritten = false;
    for (;;) {
      const outcome = await this.#attempt(ask, insists && random.chance(0.05) ? random.int(1, 30) : this.#attemptMsMax);
      if (typeof outcome === 'object') return { ...ask, called, returned: performance.now(), outcome };
      mayBeWritten ||= outcome === 'unknown';
      await sleep(random.int(10, 60));
      if (!insists) return { ...ask, called, returned: null, outcome: mayBeWritten ? 'unknown' : 'unwritten' };
      if (this.#isAbandoned || performance.now() - called > insistMsMax) {
        this.faults.push(`${ask.tag} comes to nothing`);
        return { ...ask, called, returned: null, outcome: 'unknown' };
      }
    }
  }

  async #attempt(ask: Pick<Write, 'stream' | 'expects' | 'tag' | 'key'>, patienceMs: number): Promise<Write['outcome']> {
    let status: number;
    let body: Json;
    try {
      const response = await this.#send(ask, patienceMs);
      status = response.status;
      body = await response.json();
    } catch {
      return 'unknown';
    }
    if (status === 200) return { written: body.streamVersion, position: body.position, body };
    if (status === 412) return { refusedAt: body.currentVersion };
    // 409: other writers were always first, or the first request with the key is under way still, whose outcome is open.
    if (body.code === 'event-store-unavailable' || (status === 409 && body.code === 'stream-version-conflict')) return 'unwritten';
    if (status !== 503 && body.code !== 'idempotency-key-in-use') this.faults.push(`${ask.tag}: ${status} ${JSON.stringify(body)}`);
    return 'unknown';
  }

  #send({ stream, expects, tag, key }: Pick<Write, 'stream' | 'expects' | 'tag' | 'key'>, patienceMs: number): Promise<Response> {
    const { random, fleet: { urls, token, issues } } = this.#options;
    return fetch(`${random.pick(urls)}${path(issues[stream]!)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key, ...(expects !== null && { 'if-match': `"${expects}"` }) },
      body: JSON.stringify({ text: tag }), signal: AbortSignal.timeout(patienceMs),
    });
  }
}
