import type pg from 'pg';
import { appendFailed, isRefusal, unavailable } from './postgres-errors.ts';
import { connect, type SessionOptions } from './sessions.ts';

export interface AppendConnectionOptions extends SessionOptions {
  /** Quoted where need be. */
  readonly schema: string;
  /** Ends a transaction that takes longer, the wait for the lane included: a stopped client frees the lane that way. */
  readonly transactionTimeoutMs: number;
  /** Ends a transaction between whose statements more time passes: a stopped client frees the lane sooner. Default: the limit of the whole transaction. */
  readonly idleTimeoutMs?: number;
  /** A new connection may lead to another server than the one before. */
  readonly onConnect: () => void;
}

export type Row = readonly unknown[];

/** The functions that append and purge, with the number of their parameters. */
const functions = { append_one: 7, append_singles: 7, append_batch: 12, append_each: 11, purge_contents: 2 } as const;
export type AppendFunction = keyof typeof functions;

const callsOf = (schema: string): Record<AppendFunction, string> => {
  const call = (name: AppendFunction): string => `select * from ${schema}.${name}(${Array.from({ length: functions[name] }, (_, i) => `$${i + 1}`).join(', ')})`;
  return { append_one: call('append_one'), append_singles: call('append_singles'), append_batch: call('append_batch'), append_each: call('append_each'), purge_contents: call('purge_contents') };
};

/** The answer of a server that was asked is never waited for longer than its own limit and this. */
const answerGraceMs = 5_000;

/** One connection that appends, made when it is first needed and anew after it broke. */
export class AppendConnection {
  readonly #options: AppendConnectionOptions;
  readonly #calls: Record<AppendFunction, string>;
  #client: Promise<pg.Client> | undefined;
  /** Where a transaction is open, its connection: on another one its rest would be carried out alone. */
  #pinned: pg.Client | undefined;

  constructor(options: AppendConnectionOptions) {
    this.#options = options;
    this.#calls = callsOf(options.schema);
  }

  /** Rows as arrays. @throws EventStoreError `event-store-unavailable` where surely nothing was written, else `append-outcome-unknown`. */
  async call(name: AppendFunction, params: readonly unknown[]): Promise<readonly Row[]> {
    return this.#run((client) => client.query<unknown[]>({ name, text: this.#calls[name], values: [...params], rowMode: 'array' }));
  }

  /** Several calls in one transaction; null from `work` rolls it back. */
  async transaction<T>(work: () => Promise<T | null>): Promise<T | null> {
    await this.#run((client) => {
      this.#pinned = client;
      return client.query('begin');
    });
    try {
      const result = await work();
      await this.#run((client) => client.query(result === null ? 'rollback' : 'commit'));
      return result;
    } finally {
      this.#pinned = undefined;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A connection that could not be made needs no end.
    await client?.then((c) => c.end(), () => undefined);
  }

  async #run(query: (client: pg.Client) => Promise<{ rows: unknown[] }>): Promise<readonly Row[]> {
    let client: pg.Client;
    try {
      client = this.#pinned ?? await (this.#client ??= this.#connect());
    } catch (cause) {
      this.#client = undefined;
      throw unavailable(cause);
    }
    try {
      // rowMode: 'array' gives arrays; the driver's types do not know.
      return (await query(client)).rows as Row[];
    } catch (cause) {
      if (!isRefusal(cause)) await this.#drop(client);
      throw appendFailed(cause);
    }
  }

  /** What comes after a broken connection must not be sent on it. */
  async #drop(client: pg.Client): Promise<void> {
    this.#client = undefined;
    await client.end().catch(() => undefined);
  }

  async #connect(): Promise<pg.Client> {
    const { transactionTimeoutMs, idleTimeoutMs = transactionTimeoutMs } = this.#options;
    const settings = [`transaction_timeout = ${transactionTimeoutMs}`, `idle_in_transaction_session_timeout = ${idleTimeoutMs}`, 'synchronous_commit = on', "default_transaction_isolation = 'read committed'"];
    const client = await connect(this.#options, settings, { query_timeout: transactionTimeoutMs + answerGraceMs });
    this.#options.onConnect();
    client.once('end', () => { this.#client = undefined; });
    return client;
  }
}
