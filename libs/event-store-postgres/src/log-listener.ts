import type { Wake } from '@rectrail/event-store';
import type pg from 'pg';
import { connect, type SessionOptions } from './sessions.ts';

/** Longest silence after a broken connection; followers poll meanwhile. */
const reconnectMs = 1_000;

/** Hears the appends of other processes and wakes the followers of this one. A lost connection is made again; what was missed meanwhile is found by polling. */
export class LogListener {
  readonly #options: SessionOptions;
  readonly #channel: string;
  readonly #wake: Wake;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: 'idle' | 'listening' | 'closed' = 'idle';

  constructor(options: SessionOptions, channel: string, wake: Wake) {
    this.#options = options;
    this.#channel = channel;
    this.#wake = wake;
  }

  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'listening';
    void this.#listen();
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  async #listen(): Promise<void> {
    try {
      const client = await connect(this.#options, []);
      client.on('notification', () => { this.#wake.notify(); });
      client.once('end', () => { this.#client = undefined; this.#again(); });
      this.#client = client;
      await client.query(`listen ${this.#channel}`);
      this.#wake.notify();
    } catch {
      // Not lost: the followers poll, their reads report what is wrong, and the next try comes.
      this.#again();
    }
    if (this.#isClosed()) await this.#client?.end();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed()) this.#timer = setTimeout(() => void this.#listen(), reconnectMs);
  }

  // A call, since the state changes while a connection is made.
  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}
