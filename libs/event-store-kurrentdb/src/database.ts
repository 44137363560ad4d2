/** A PostgreSQL as the platform has it. */
export interface Database {
  query<R extends object>(sql: string, values?: readonly unknown[]): Promise<{ readonly rows: R[]; readonly rowCount: number | null }>;
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
  listen(channel: string, onNotification: () => void): { close(): Promise<void> };
}

/** A lease as its holder has it: `transaction` fails once another holds it. */
export interface SequencerLease {
  readonly signal: AbortSignal;
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
}

/** One worker among the processes that share a database; the platform's `Leadership` is one. */
export interface Leadership {
  lead(options: {
    readonly name: string;
    readonly signal: AbortSignal;
    readonly work: (lease: SequencerLease) => Promise<void>;
    readonly onFailure: (error: unknown) => void;
    readonly ttlMs?: number;
    readonly retryMs?: number;
  }): Promise<void>;
}

const schema = 'rectrail_kurrentdb';

/** Schema and NOTIFY channel of the numbering. */
export const numberingSchema = schema;

/**
 * The numbering: a pure function of the server's log, so that it can be made anew from there. Insert-only but for what start-up checks remember (scan,
 * suspects). Head and versions are read from the ends of two unique B-trees.
 */
const tables = `
create table ${schema}.epochs (
  epoch integer primary key,
  log_id uuid not null,
  begun_at timestamptz not null default now()
);
create table ${schema}.streams (
  stream_no integer generated always as identity primary key,
  stream_id text collate "C" not null unique
);
create table ${schema}.events (
  position bigint not null,
  commit_position bigint not null,
  prepare_position bigint not null,
  recorded_ms bigint not null,
  stream_no integer not null,
  version integer not null,
  type text collate "C" not null,
  event_id uuid not null
);
create unique index events_position on ${schema}.events (position);
create unique index events_stream on ${schema}.events (stream_no, version);
create table ${schema}.commands (
  command_id uuid primary key,
  first_position bigint not null,
  last_position bigint not null,
  fingerprint text
);
create function ${schema}.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on %.% refused: the numbering is append-only', tg_op, tg_table_schema, tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
${['epochs', 'streams', 'events', 'commands'].map((table) => `
create trigger append_only before update or delete or truncate on ${schema}.${table}
  for each statement execute function ${schema}.refuse_change();`).join('')}
create table ${schema}.scan (
  one boolean primary key default true check (one),
  commit_position bigint not null,
  prepare_position bigint not null
);
create table ${schema}.suspects (stream text primary key);
`;

/** In order; a released one never changes. */
const migrations: readonly { readonly name: string; readonly sql: string }[] = [{ name: '1-numbering', sql: tables }];

/** Brings the schema to its newest version, in one transaction, under a lock: several processes may start at once. Repeating it does nothing. */
export const migrate = (database: Database): Promise<void> => database.transaction(async (query) => {
  await query(`select pg_advisory_xact_lock(hashtextextended('rectrail migrate ${schema}', 0))`);
  await query(`create schema if not exists ${schema}`);
  await query(`create table if not exists ${schema}.migrations (name text primary key, applied_at timestamptz not null default now())`);
  const { rows } = await query<{ name: string }>(`select name from ${schema}.migrations`);
  const applied = new Set(rows.map((row) => row.name));
  for (const { name, sql } of migrations.filter((m) => !applied.has(m.name))) {
    await query(sql);
    await query(`insert into ${schema}.migrations (name) values ($1)`, [name]);
  }
});
