import { setImmediate } from 'node:timers/promises';
import { finished } from 'node:stream/promises';
import { isUuid, msOfInstant, type CommandId, type StreamId } from '@rectrail/kernel';
import { contentPurged, isPurged, purgeTargetOf, type LogIdentity, type StoredEvent } from '@rectrail/event-store';
import pg from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import { BinaryRows } from './binary-copy.ts';
import { laneKey, logTables } from './schema.ts';

/**
 * An event as it was recorded elsewhere (purged, where its content was), with the command whose append it was of and that append's fingerprint. The events of an append stand
 * together.
 */
export interface HistoryEvent extends StoredEvent {
  readonly commandId: CommandId;
  readonly fingerprint?: string;
}

export interface LoadedHistory { readonly events: number; readonly streams: number; readonly commands: number }

/** `log-not-empty`: the log has events. `history-invalid`: what was given is no history from its first event on. Nothing was written. */
export class HistoryRefused extends Error {
  readonly code: 'log-not-empty' | 'history-invalid';

  constructor(code: HistoryRefused['code'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'HistoryRefused';
    this.code = code;
  }
}

/** Streams and commands wait this long in memory, since a connection takes one COPY at a time. */
const eventsPerCopy = 100_000;

const columns = {
  events: ['position', 'recorded_ms', 'stream_no', 'version', 'type', 'content'],
  streams: ['stream_no', 'stream_id'],
  commands: ['command_id', 'first_position', 'last_position', 'fingerprint'],
} as const;
type Table = keyof typeof columns;

/** One COPY at a time on a connection inside a transaction. FREEZE: the tables were emptied in it, so the rows need no second visit by a vacuum. */
class TableCopy {
  readonly #client: pg.Client;
  readonly #schema: string;
  #stream: CopyStreamQuery | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client, schema: string) {
    this.#client = client;
    this.#schema = schema;
  }

  /** Waits while the server is behind. */
  async write(table: Table, piece: Buffer): Promise<void> {
    this.#stream ??= this.#begin(table);
    if (!this.#stream.write(piece)) await Promise.race([new Promise((resolve) => { this.#stream?.once('drain', resolve); }), this.#ended]);
  }

  async end(): Promise<void> {
    this.#stream?.end();
    await this.#ended;
    this.#stream = undefined;
  }

  async abandon(cause: Error): Promise<void> {
    this.#stream?.destroy(cause);
    await this.#ended.catch(() => undefined);
  }

  #begin(table: Table): CopyStreamQuery {
    const stream = this.#client.query(copyFrom(`copy ${this.#schema}.${table} (${columns[table].join(', ')}) from stdin (format binary, freeze)`));
    this.#ended = finished(stream);
    // Whoever writes next, or ends it, sees the error.
    this.#ended.catch(() => undefined);
    return stream;
  }
}

const refuse = (message: string): never => {
  throw new HistoryRefused('history-invalid', message);
};

/** A content that was dropped: its position, its hash, and the position of what dropped it. */
interface Purged { readonly position: number; readonly sha256: string; readonly by: number }

/** Checks the events one after another and turns them into rows. */
class Loading {
  readonly #copy: TableCopy;
  readonly #events = new BinaryRows();
  readonly #streams = new BinaryRows();
  readonly #commands = new BinaryRows();
  readonly #numbers = new Map<StreamId, number>();
  /** By stream number. */
  readonly #versions: number[] = [0];
  #position = 0;
  #recordedAt: StoredEvent['recordedAt'] | '' = '';
  #recordedMs = 0;
  #command: { readonly id: CommandId; readonly fingerprint: string | null; readonly first: number } | null = null;
  #commandCount = 0;
  #untilCopied = eventsPerCopy;
  /** Hashes of empty contents by position, until a `ContentPurged` names them. */
  readonly #empty = new Map<number, string>();
  readonly #purged: Purged[] = [];

  constructor(copy: TableCopy) {
    this.#copy = copy;
    for (const rows of [this.#events, this.#streams, this.#commands]) rows.header();
  }

  async add(batch: readonly HistoryEvent[]): Promise<void> {
    for (const event of batch) {
      this.#put(event);
      if (this.#events.isPiece) await this.#copy.write('events', this.#events.take());
    }
    this.#untilCopied -= batch.length;
    if (this.#untilCopied <= 0) await this.#copyRest();
  }

  /** After the end. */
  get purged(): readonly Purged[] {
    return this.#purged;
  }

  async end(): Promise<LoadedHistory> {
    for (const position of this.#empty.keys()) refuse(`position ${position} says nothing, and no ${contentPurged} names it`);
    this.#endCommand();
    await this.#copyRest();
    return { events: this.#position, streams: this.#numbers.size, commands: this.#commandCount };
  }

  #put(event: HistoryEvent): void {
    const { position, recordedAt, type, content } = event;
    if (position !== this.#position + 1) refuse(`position ${position} follows ${this.#position}: a history has every position from 1 on`);
    if (recordedAt !== this.#recordedAt) this.#tick(recordedAt, position);
    if (event.commandId !== this.#command?.id) this.#beginCommand(event);
    const no = this.#numberOf(event.streamId);
    const version = (this.#versions[no] ?? 0) + 1;
    if (event.streamVersion !== version) refuse(`position ${position} gives stream ${event.streamId} version ${event.streamVersion} after ${version - 1}`);
    this.#versions[no] = version;
    this.#position = position;
    if (isPurged(event)) this.#empty.set(position, event.contentSha256 ?? '');
    else if (type === contentPurged) this.#purge(event);
    const rows = this.#events;
    rows.row(columns.events.length, type.length + content.length);
    rows.int8(position);
    rows.int8(this.#recordedMs);
    rows.int4(no);
    rows.int4(version);
    rows.text(type);
    rows.text(content);
  }

  #purge({ position: by, content }: HistoryEvent): void {
    const { position, contentSha256: sha256 } = purgeTargetOf(content);
    if (this.#empty.get(position) !== sha256) refuse(`the content that position ${by} purges still stands at position ${position}, or had another hash`);
    this.#empty.delete(position);
    this.#purged.push({ position, sha256, by });
  }

  #tick(recordedAt: StoredEvent['recordedAt'], position: number): void {
    const ms = msOfInstant(recordedAt);
    if (ms < this.#recordedMs) refuse(`position ${position} was recorded at ${recordedAt}, before the one before it (${this.#recordedAt})`);
    this.#recordedAt = recordedAt;
    this.#recordedMs = ms;
  }

  #numberOf(id: StreamId): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const no = this.#versions.length;
    this.#numbers.set(id, no);
    this.#versions.push(0);
    this.#streams.row(columns.streams.length, id.length);
    this.#streams.int4(no);
    this.#streams.text(id);
    return no;
  }

  #beginCommand({ commandId: id, fingerprint, position: first }: HistoryEvent): void {
    if (!isUuid(id)) refuse(`position ${first} names the command ${JSON.stringify(id)}, which is no UUID in lower case`);
    this.#endCommand();
    this.#command = { id, fingerprint: fingerprint ?? null, first };
  }

  #endCommand(): void {
    if (this.#command === null) return;
    const { id, fingerprint, first } = this.#command;
    this.#commandCount += 1;
    this.#commands.row(columns.commands.length, fingerprint?.length ?? 0);
    this.#commands.uuid(id);
    this.#commands.int8(first);
    this.#commands.int8(this.#position);
    this.#commands.text(fingerprint);
  }

  async #copyRest(): Promise<void> {
    for (const [table, rows] of [['events', this.#events], ['streams', this.#streams], ['commands', this.#commands]] as const) {
      rows.trailer();
      await this.#copy.write(table, rows.take());
      await this.#copy.end();
      rows.header();
    }
    this.#untilCopied = eventsPerCopy;
  }
}

/**
 * Emptying them in this transaction gives the tables new files, which a rollback throws away; the trigger that forbids it rests meanwhile. The indexes
 * stay: made after the rows, they cost as much at the end as they save before (measured at 1 M events), and what makes the history could not go on beside.
 */
const emptied = (schema: string): string => [
  ...logTables.map((table) => `alter table ${schema}.${table} disable trigger append_only`),
  `truncate ${logTables.map((table) => `${schema}.${table}`).join(', ')}`,
].join('; ');

const closed = (schema: string, { streams }: LoadedHistory): string => [
  `alter table ${schema}.streams alter column stream_no restart with ${streams + 1}`,
  ...logTables.map((table) => `alter table ${schema}.${table} enable trigger append_only`),
  ...logTables.map((table) => `analyze ${schema}.${table}`),
  `select pg_notify('${schema}', '')`,
].join('; ');

/** The log that the history was of, in the place of the one that was made for the empty database. */
const takeIdentity = async (client: pg.Client, schema: string, { epoch, logId }: LogIdentity): Promise<void> => {
  await client.query(`alter table ${schema}.epochs disable trigger append_only; delete from ${schema}.epochs`);
  await client.query(`insert into ${schema}.epochs (epoch, log_id) values ($1, $2)`, [epoch, logId]);
  await client.query(`alter table ${schema}.epochs enable trigger append_only`);
};

const isUniqueViolation = (error: unknown): error is pg.DatabaseError => error instanceof pg.DatabaseError && error.code === '23505';

/**
 * Copies a history into an empty log, in one transaction that holds the append lane. `client` is in no transaction and is closed by the caller. `identity`: of the log, null for
 * that of the database.
 */
export const copyHistory = async (client: pg.Client, schema: string, batches: AsyncIterable<readonly HistoryEvent[]>, identity: LogIdentity | null): Promise<LoadedHistory> => {
  const copy = new TableCopy(client, schema);
  await client.query('begin');
  try {
    await client.query(`select pg_advisory_xact_lock(${laneKey(schema)})`);
    if ((await client.query(`select from ${schema}.events limit 1`)).rowCount !== 0) throw new HistoryRefused('log-not-empty', 'the log has events: a history is loaded into an empty one');
    await client.query(emptied(schema));
    if (identity !== null) await takeIdentity(client, schema, identity);
    const loading = new Loading(copy);
    for await (const batch of batches) {
      await loading.add(batch);
      // What makes the batches may never wait for anything; the connection needs its turns.
      await setImmediate();
    }
    const loaded = await loading.end();
    await client.query(closed(schema, loaded));
    await client.query(`insert into ${schema}.contents_purged (position, content_sha256, by_position) select * from unnest($1::bigint[], $2::text[], $3::bigint[])`, [
      loading.purged.map(({ position }) => position), loading.purged.map(({ sha256 }) => sha256), loading.purged.map(({ by }) => by),
    ]);
    await client.query('commit');
    return loaded;
  } catch (error) {
    await copy.abandon(error instanceof Error ? error : new Error(String(error)));
    // A broken connection has rolled back by itself; the first error says why.
    await client.query('rollback').catch(() => undefined);
    throw isUniqueViolation(error) ? new HistoryRefused('history-invalid', `a command stands in two places: ${error.detail ?? error.message}`, { cause: error }) : error;
  }
};
