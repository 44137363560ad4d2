import pg from 'pg';

/** Longest silence after a broken connection. */
const reconnectMs = 1_000;

/**
 * Hears a NOTIFY channel on a connection of its own. A lost connection is made again, and is told as a notification: some may have been missed meanwhile.
 */
export class NotificationListener {
  readonly #url: string;
  readonly #channel: string;
  readonly #onNotification: () => void;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(url: string, channel: string, onNotification: () => void) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(channel)) throw new RangeError(`${JSON.stringify(channel)} is no name for a channel: lower-case letters, digits and underscores`);
    this.#url = url;
    this.#channel = channel;
    this.#onNotification = onNotification;
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
    client.on('notification', this.#onNotification);
    client.once('end', () => { this.#again(); });
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      this.#onNotification();
    } catch {
      // Not lost: those who wait poll besides, their reads report what is wrong, and the next try comes.
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
