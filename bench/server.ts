import { chmod, mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@rectrail/platform';
import pg from 'pg';
import { spreadOf } from './statistics.ts';

/** Twice 128 connections of the peers and those of the stores. All else is as Rectrail's own server runs. */
const extraSettings = ['max_connections=400'];
const settingsShown = [
  'server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'wal_level', 'wal_compression', 'shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'autovacuum',
  'max_connections', 'work_mem', 'maintenance_work_mem', 'effective_cache_size', 'random_page_cost', 'jit',
];
/** What makes an acknowledged event last. */
const durable = ['fsync', 'synchronous_commit', 'full_page_writes'];
/** f_type of statfs(2): memory, where a flush costs nothing. */
const tmpfsType = 0x01021994;

export interface BenchServer {
  /** Of the cluster and of whatever else a row keeps in files. */
  readonly dir: string;
  /** As the server itself says. */
  readonly settings: Readonly<Record<string, string>>;
  /** Milliseconds of one write of 8 KiB and its flush on the disk of the cluster, median of 200. */
  readonly flushMs: number;
  readonly inMemory: boolean;
  urlOf(database: string): string;
  hasDatabase(name: string): Promise<boolean>;
  /** A new, empty database, in the place of one that an interrupted run has left; answers its URL. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
}

/** A server that an interrupt ends breaks idle connections too; the next query says so, and nothing else needs to end the process. */
export const connected = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

export const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = await connected(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const flushMedianMs = async (dir: string): Promise<number> => {
  const file = await open(join(dir, 'flush'), 'w');
  const block = Buffer.alloc(8_192, 1);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const began = performance.now();
    await file.write(block, 0, block.length, 0);
    await file.datasync();
    times.push(performance.now() - began);
  }
  await file.close();
  return spreadOf(times).median;
};

const settingsOf = async (admin: pg.Client): Promise<Record<string, string>> => {
  const { rows } = await admin.query<{ name: string; setting: string }>('select name, current_setting(name) as setting from pg_settings where name = any($1)', [settingsShown]);
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  for (const name of durable) if (settings[name] !== 'on') throw new Error(`${name} is ${settings[name] ?? 'unknown'}: nothing is measured that does not last`);
  return settings;
};

/** An embedded PostgreSQL: a fresh one in the temporary directory, removed at the end, or that of `kept`, which stays. */
export const startBenchServer = async (kept?: string): Promise<BenchServer> => {
  const dataDir = kept ?? await mkdtemp(join(tmpdir(), 'rectrail-bench-'));
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o755);
  const flushMs = await flushMedianMs(dataDir);
  const running = await startEmbeddedPostgres({ dataDir, settings: extraSettings });
  const admin = await connected(running.url);
  const dropDatabase = async (name: string): Promise<void> => { await admin.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`); };
  const urlOf = (name: string): string => Object.assign(new URL(running.url), { pathname: `/${name}` }).href;
  return {
    dir: dataDir,
    urlOf,
    hasDatabase: async (name) => (await admin.query('select from pg_database where datname = $1', [name])).rowCount === 1,
    settings: await settingsOf(admin),
    flushMs,
    inMemory: (await statfs(dataDir)).type === tmpfsType,
    createDatabase: async (name) => {
      await dropDatabase(name);
      await admin.query(`create database ${pg.escapeIdentifier(name)}`);
      return urlOf(name);
    },
    dropDatabase,
    checkpoint: async () => { await admin.query('checkpoint'); },
    stop: async () => {
      try {
        await admin.end();
        await running.stop();
      } finally {
        if (kept === undefined) await rm(dataDir, { recursive: true, force: true });
      }
    },
  };
};
