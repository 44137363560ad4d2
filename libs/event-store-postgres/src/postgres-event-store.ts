import { msOfInstant, position, type CommandId, type Instant, type Position, type StreamId } from '@rectrail/kernel';
import {
  checkAppend, EventStoreError, ExpectedVersionConflict, follow, hasCode, StoreLifetime, Wake, type AllSlice, type AppendRequest, type AppendResult, type EventStore,
  type EventStoreCapabilities, type Head, type LogIdentity, type ReadAllOptions, type ReadStreamOptions, type StreamSlice, type SubscribeOptions,
} from '@rectrail/event-store';
import type pg from 'pg';
import { KnownStreams } from './append-batch.ts';
import { AppendConnection, type AppendConnectionOptions } from './append-connection.ts';
import { AppendQueue } from './append-queue.ts';
import { appendLarge, partBytesMax, partEventsMax } from './large-append.ts';
import { copyHistory, type HistoryEvent, type LoadedHistory } from './load-history.ts';
import { LogClock, type ClockStanding, type ProcessClocks } from './log-clock.ts';
import { LogListener } from './log-listener.ts';
import { LogReader } from './log-reader.ts';
import { checkServer, migrate, type ServerFacts } from './migrate.ts';
import { unavailable } from './postgres-errors.ts';
import { answersWithin, connect, readerPool, type SessionOptions } from './sessions.ts';

export interface PostgresEventStoreOptions {
  readonly connectionString: string;
  /** Default `rectrail_events`; lower-case letters, digits and underscores. */
  readonly schema?: string;
  /** Shown in pg_stat_activity; default `rectrail`. */
  readonly applicationName?: string;
  /** Connections that read; default 8. Two more append, one listens. */
  readonly readersMax?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** An append, the wait for the lane included, ends after this time; default 30,000. */
  readonly appendTimeoutMs?: number;
  /** The same for appends of more than 1,000 events or 4 MiB; default 300,000. */
  readonly largeAppendTimeoutMs?: number;
  /** Longest time between two parts of such an append, after which it is rolled back, so that a process that was stopped holds nobody up for longer; default 10,000. */
  readonly largeAppendIdleMs?: number;
  /** Longest sleep of a follower when no notification arrives; default 1,000. */
  readonly pollMs?: number;
  /** Default those of the system. */
  readonly clocks?: ProcessClocks;
}

/** Two, so that this process makes ready the next batch and PostgreSQL takes it in while the one before is being written. */
const appendConnections = 2;

/** The event store on PostgreSQL: positions in the order of commits, without gaps; any process may append (design.md section 6). */
export class PostgresEventStore implements EventStore {
  readonly capabilities: EventStoreCapabilities = { eventBytesMax: 4 << 20, appendBytesMax: 512 << 20, appendEventsMax: 200_000, pageEventsMax: 1_000, purges: true };
  /** As the server described itself at the start. */
  readonly server: ServerFacts;
  #identity: LogIdentity;
  readonly #pool: pg.Pool;
  readonly #reader: LogReader;
  readonly #clock: LogClock;
  readonly #known = new KnownStreams();
  readonly #connections: readonly AppendConnection[];
  readonly #large: AppendConnectionOptions;
  readonly #queue: AppendQueue;
  readonly #listener: LogListener;
  readonly #wake = new Wake();
  readonly #pollMs: number;
  readonly #schema: string;
  readonly #session: SessionOptions;
  readonly #lifetime = new StoreLifetime();

  /**
   * Connects, checks the server and brings the schema to its newest version.
   *
   * @throws EventStoreError `event-store-unavailable`; Error for a server before 17 or a database that does not keep UTF-8
   */
  static async open(options: PostgresEventStoreOptions): Promise<PostgresEventStore> {
    const { schema, session } = resolved(options);
    const client = await connect(session, []).catch((cause: unknown) => { throw unavailable(cause); });
    let server: ServerFacts;
    try {
      server = await checkServer(client);
      await migrate(client, schema);
    } finally {
      await client.end();
    }
    const pool = readerPool(session, options.readersMax ?? 8, () => { reader.forget(); });
    const reader = new LogReader(pool, schema);
    const clock = await LogClock.open({ schema, session, pool, clocks: options.clocks });
    return new PostgresEventStore(options, { pool, reader, clock, server, identity: await reader.identity() });
  }

  private constructor(options: PostgresEventStoreOptions, opened: { pool: pg.Pool; reader: LogReader; clock: LogClock; server: ServerFacts; identity: LogIdentity }) {
    const { schema, session } = resolved(options);
    this.server = opened.server;
    this.#identity = opened.identity;
    this.#pool = opened.pool;
    this.#reader = opened.reader;
    this.#clock = opened.clock;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#schema = schema;
    this.#session = session;
    const connection = { ...session, schema, onConnect: () => { this.#known.clear(); } };
    this.#connections = Array.from({ length: appendConnections }, () => new AppendConnection({ ...connection, transactionTimeoutMs: options.appendTimeoutMs ?? 30_000 }));
    this.#large = { ...connection, transactionTimeoutMs: options.largeAppendTimeoutMs ?? 300_000, idleTimeoutMs: options.largeAppendIdleMs ?? 10_000 };
    this.#listener = new LogListener(session, schema, this.#wake);
    this.#queue = new AppendQueue({
      connections: this.#connections, known: this.#known, findCommand: (id) => this.#reader.findCommand(id), onAppended: () => { this.#wake.notify(); },
    });
  }

  identity(): Promise<LogIdentity> {
    return Promise.resolve(this.#identity);
  }

  /** The newest epoch of the database: later than that of `identity` where another process has begun it since this store was opened. */
  newestEpoch(): Promise<number> {
    return this.#lifetime.run(async () => (await this.#reader.identity()).epoch);
  }

  /** The log is of this epoch from now on, for every store that is opened later. Repeating it does nothing. @throws RangeError where a later one has begun */
  beginEpoch(epoch: number): Promise<void> {
    return this.#lifetime.run(async () => {
      const client = await connect(this.#session, ['synchronous_commit = on'], answersWithin(this.#session)).catch((cause: unknown) => { throw unavailable(cause); });
      try {
        await client.query(`insert into ${this.#schema}.epochs (epoch, log_id) select $1::integer, log_id from ${this.#schema}.epochs group by log_id having max(epoch) < $1 on conflict do nothing`, [epoch]);
        const { rows: [newest] } = await client.query<{ epoch: number }>(`select max(epoch) as epoch from ${this.#schema}.epochs`);
        if (newest?.epoch !== epoch) throw new RangeError(`epoch ${newest?.epoch ?? 0} of the log has begun already: ${epoch} would go back`);
      } finally {
        await client.end();
      }
    });
  }

  head(): Promise<Head> {
    return this.#lifetime.run(() => this.#reader.head());
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#lifetime.run(async () => {
      const size = checkAppend(request, this.capabilities);
      const isOrdinary = size.events <= partEventsMax && size.bytes <= partBytesMax && !size.purges;
      const append = (): Promise<AppendResult> => (isOrdinary ? this.#queue.append(request, size) : this.#appendAlone(request, size));
      const result = await append().catch(async (error: unknown) => {
        if (!hasCode(error, 'clock-jumped')) throw error;
        // The newest event is old: it may have been quiet for long, or the clock has leapt.
        await this.#clock.vouch();
        return append();
      });
      if (!result.repeated) this.#clock.seen(msOfInstant(result.recordedAt));
      return result;
    });
  }

  /** How the clock that stamps the events stands; appends are refused with `clock-jumped` while it has leapt ahead. */
  clock(): Promise<ClockStanding> {
    return this.#lifetime.run(() => this.#clock.standing());
  }

  /** An operator's word that the clock is right as it is, kept with name and reason: appends go on. Gives the time that was confirmed. */
  confirmClock(said: { readonly by: string; readonly reason: string }): Promise<Instant> {
    return this.#lifetime.run(() => this.#clock.confirm(said));
  }

  findCommand(commandId: CommandId): Promise<AppendResult | null> {
    return this.#lifetime.run(() => this.#reader.findCommand(commandId));
  }

  readStream(streamId: StreamId, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    return this.#lifetime.run(() => this.#reader.stream(streamId, options));
  }

  readStreams(streamIds: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, StreamSlice>> {
    return this.#lifetime.run(() => this.#reader.streams(streamIds, upTo));
  }

  readAll(options: ReadAllOptions = {}): Promise<AllSlice> {
    const { pageEventsMax } = this.capabilities;
    const limit = Math.min(Math.max(options.limit ?? pageEventsMax, 1), pageEventsMax);
    return this.#lifetime.run(() => this.#reader.all({ ...options, after: options.after ?? position(0), limit }));
  }

  subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice> {
    this.#lifetime.assertOpen();
    this.#listener.start();
    const source = { readAll: (o: ReadAllOptions) => this.readAll(o), wake: this.#wake, pollMs: this.#pollMs, pageEventsMax: this.capabilities.pageEventsMax };
    return follow(source, { ...options, signal: AbortSignal.any([options.signal, this.#lifetime.signal]) });
  }

  /**
   * Loads a history with its own positions and times into the empty log, by COPY: the same rows as appends would have left. Nobody appends
   * meanwhile, and readers of the log wait. One transaction: what ends early leaves nothing. `identity`: of the log that the history was of, which this one then is, for
   * this store and those that are opened later; default that of the database.
   *
   * @throws HistoryRefused `log-not-empty`; `history-invalid` for positions or versions with gaps, times that go back, a command in two places; what `batches` throws
   */
  loadHistory(batches: AsyncIterable<readonly HistoryEvent[]>, identity: LogIdentity | null = null): Promise<LoadedHistory> {
    return this.#lifetime.run(async () => {
      // No limit of time, whatever the role has.
      const client = await connect(this.#session, ['transaction_timeout = 0', 'statement_timeout = 0', 'idle_in_transaction_session_timeout = 0', 'synchronous_commit = on']);
      try {
        const loaded = await copyHistory(client, this.#schema, batches, identity);
        this.#identity = identity ?? this.#identity;
        return loaded;
      } finally {
        await client.end();
        this.#wake.notify();
      }
    });
  }

  /** What has begun is finished first. */
  async close(): Promise<void> {
    if (!(await this.#lifetime.close())) return;
    await Promise.all([this.#listener.close(), this.#pool.end(), ...this.#connections.map((c) => c.close())]);
  }

  async #appendAlone(request: AppendRequest, size: { readonly events: number; readonly purges: boolean }): Promise<AppendResult> {
    // A connection of its own: the ordinary ones go on taking in what follows.
    const connection = new AppendConnection(this.#large);
    try {
      const earlier = await this.#reader.findCommand(request.commandId);
      if (earlier !== null) return earlier;
      const result = await appendLarge(connection, request, size);
      this.#wake.notify();
      return result ?? (await this.#whyNot(request));
    } finally {
      await connection.close();
    }
  }

  /** An append of its own that was rolled back: its command came in meanwhile, or a version differs. */
  async #whyNot(request: AppendRequest): Promise<AppendResult> {
    const earlier = await this.#reader.findCommand(request.commandId);
    if (earlier !== null) return earlier;
    const versions = await this.#reader.versions(request.entries.map((e) => e.streamId));
    for (const { streamId, expectedVersion } of request.entries) {
      const actual = versions.get(streamId);
      if (actual !== undefined && expectedVersion !== 'any' && actual !== (expectedVersion === 'none' ? 0 : expectedVersion)) throw new ExpectedVersionConflict(streamId, expectedVersion, actual);
    }
    throw new EventStoreError('event-store-unavailable', 'the append met another writer that has since gone. Potential solutions: try again');
  }
}

const resolved = (options: PostgresEventStoreOptions): { schema: string; session: SessionOptions } => {
  const schema = options.schema ?? 'rectrail_events';
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) throw new RangeError(`${JSON.stringify(schema)} is no name for the schema of the event store: lower-case letters, digits and underscores`);
  return { schema, session: { connectionString: options.connectionString, applicationName: options.applicationName ?? 'rectrail', connectTimeoutMs: options.connectTimeoutMs ?? 10_000 } };
};
