import type pg from 'pg';
import { appendFunctions } from './append-functions.ts';
import { clockSchema } from './log-clock-schema.ts';
import { purgeSchema } from './purge-schema.ts';
import { tables } from './schema.ts';

/** In order; a released one never changes. */
const migrations: readonly { readonly name: string; readonly sql: (schema: string) => string }[] = [
  { name: '1-log', sql: (schema) => tables(schema) + appendFunctions(schema) },
  // The append functions again, for a log that was made before they asked for the time here.
  { name: '2-clock', sql: (schema) => clockSchema(schema) + appendFunctions(schema) },
  { name: '3-purge', sql: purgeSchema },
];

/** Oldest server that has transaction_timeout. */
const serverVersionMin = 170_000;

/** What the server said of itself at the start; fsync off is the operator's choice, and is printed. */
export interface ServerFacts {
  readonly version: string;
  readonly encoding: string;
  readonly fsync: string;
  readonly synchronousCommit: string;
  readonly fullPageWrites: string;
}

/** @throws Error for a server that is too old or does not keep UTF-8. */
export const checkServer = async (client: pg.Client): Promise<ServerFacts> => {
  const { rows } = await client.query<Record<string, string>>(`
    select current_setting('server_version') as version, current_setting('server_version_num') as number, current_setting('server_encoding') as encoding,
           current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit, current_setting('full_page_writes') as full_page_writes`);
  const { version = '', number = '0', encoding = '', fsync = '', synchronous_commit: synchronousCommit = '', full_page_writes: fullPageWrites = '' } = rows[0] ?? {};
  if (Number(number) < serverVersionMin) throw new Error(`PostgreSQL ${version} is too old: the event store needs 17 or later. Potential solutions: unset DATABASE_URL to use the embedded server, or upgrade`);
  if (encoding !== 'UTF8') throw new Error(`the database keeps ${encoding}, the event store needs UTF8. Potential solutions: create database … encoding 'UTF8' template template0`);
  return { version, encoding, fsync, synchronousCommit, fullPageWrites };
};

/** Brings the schema to the newest version, in one transaction, under a lock: several processes may start at once. Repeating it does nothing. */
export const migrate = async (client: pg.Client, schema: string): Promise<void> => {
  await client.query('begin');
  try {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('rectrail migrate ' || $1, 0))`, [schema]);
    await client.query(`create schema if not exists ${schema}`);
    await client.query(`create table if not exists ${schema}.migrations (name text primary key, applied_at timestamptz not null default now())`);
    const { rows } = await client.query<{ name: string }>(`select name from ${schema}.migrations`);
    const applied = new Set(rows.map((row) => row.name));
    for (const { name, sql } of migrations) {
      if (applied.has(name)) continue;
      await client.query(sql(schema));
      await client.query(`insert into ${schema}.migrations (name) values ($1)`, [name]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
};
