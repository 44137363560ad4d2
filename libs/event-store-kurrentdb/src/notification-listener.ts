import type { Wake } from '@rectrail/event-store';
import pg from 'pg';

/** Longest silence after a broken connection; followers poll meanwhile. */
const reconnectMs = 1_000;

/** Hears what the sequencer of another process numbers. A lost connection is made again; what was missed meanwhile is found by polling. */
export class NotificationListener {
  readonly #url: string;
  readonly #channel: string;
  readonly #wake: Wake;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(url: string, channel: string, wake: Wake) {
    this.#url = url;
    this.#channel = channel;
    this.#wake = wake;
    void this.#listen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  async #listen(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url, application_name: 'rectrail', keepAlive: true, connectionTimeoutMillis: 10_000 });
    this.#client = client;
    // Without a listener a broken connection would end the process.
    client.on('error', () => undefined);
    client.on('notification', () => { this.#wake.notify(); });
    client.once('end', () => { this.#again(); });
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      this.#wake.notify();
    } catch {
      // Not lost: those who wait poll, their reads report what is wrong, and the next try comes.
      await client.end().catch(() => undefined);
      this.#again();
    }
    if (this.#isClosed) await client.end().catch(() => undefined);
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#listen(), reconnectMs);
  }
}
