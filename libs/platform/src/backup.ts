import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import pg from 'pg';
import { backupManifest, manifestName, type BackupFile, type BackupManifest } from './backup-manifest.ts';
import { replaceFile, syncFolder } from './durable-files.ts';
import { embeddedUrl, makeCluster } from './embedded-postgres.ts';

/** Neither copied nor missed: of the running server alone, or made anew by the next one (PostgreSQL, "Making a Base Backup Using the Low Level API"). */
const leftOut = /^(postmaster\.(pid|opts)|pg_internal\.init|pgsql_tmp.*|backup_label(\.old)?|tablespace_map(\.old)?|current_logfiles|standby\.signal|recovery\.signal)$/;
const emptied = new Set(['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans']);
/** Beside the cluster: the password of its superuser, the keys that sign the log, and the administrator's token. */
const besideCluster = /^(postgres-password|admin-token|log-key-.*)$/;
const clusterName = 'postgres';
const chunkBytes = 1 << 20;
/** Files on their way at once: each is flushed, and flushes that come together cost little more than one. */
const filesAtOnce = 16;

export interface BackupProgress { readonly bytes: number; readonly of: number }

export interface BackupOptions {
  readonly dataDir: string;
  /** Made; it must not hold anything. */
  readonly to: string;
  /** Asked just before the backup ends, of a database that is in it as it was then. */
  readonly describe: (query: <R extends object>(sql: string) => Promise<readonly R[]>) => Promise<BackupManifest['contents']>;
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
}

/** Not what was asked can be done here; the message says what to do instead. */
export class BackupRefused extends Error {
  readonly code = 'backup-refused';

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'BackupRefused';
  }
}

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** Files and empty directories below `root`, by their paths; what vanishes while it is looked for is not there. */
const walk = async function* (root: string, below = ''): AsyncGenerator<{ readonly path: string; readonly isFile: boolean; readonly bytes: number }> {
  const names = await readdir(join(root, below)).catch((error: unknown) => { if (isMissing(error)) return []; throw error; });
  if (names.length === 0 && below !== '') yield { path: below, isFile: false, bytes: 0 };
  for (const name of names.sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    if (leftOut.test(name)) continue;
    const found = await lstat(join(root, path)).catch((error: unknown) => { if (isMissing(error)) return null; throw error; });
    if (found === null) continue;
    if (found.isSymbolicLink()) throw new BackupRefused(`${join(root, path)} leads out of the data directory: only what lies in it can be backed up`);
    if (!found.isDirectory()) yield { path, isFile: true, bytes: found.size };
    else if (emptied.has(path)) yield { path, isFile: false, bytes: 0 };
    else yield* walk(root, path);
  }
};

interface CopyOptions { readonly mode: number; readonly flush: boolean; readonly onBytes: (bytes: number) => void }

/** Copies what is there now, hashed as it is read; the source may grow or change meanwhile. */
const copyFile = async (from: string, to: string, { mode, flush, onBytes }: CopyOptions): Promise<Pick<BackupFile, 'bytes' | 'sha256'>> => {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const source = await open(from, 'r');
  let target: FileHandle | undefined;
  try {
    target = await open(to, 'wx', mode);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      const part = buffer.subarray(0, bytesRead);
      hash.update(part);
      await target.writeFile(part);
      bytes += bytesRead;
      onBytes(bytesRead);
    }
    if (flush) await target.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await source.close();
    await target?.close();
  }
};

const writeFlushed = async (path: string, text: string, mode: number): Promise<Pick<BackupFile, 'bytes' | 'sha256'>> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
};

/** Segments of the write-ahead log from the one that holds `first` to the one that holds `last`, by their names. */
const segmentsBetween = (names: readonly string[], first: string, last: string): readonly string[] => names.filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last).sort();

const isEmptyOrMissing = async (path: string): Promise<boolean> => (await readdir(path).catch((error: unknown) => { if (isMissing(error)) return []; throw error; })).length === 0;

/** Works through the items, some at once. @throws what fails first, once all that had begun has ended */
const each = async <T>(items: AsyncIterable<T> | Iterable<T>, work: (item: T) => Promise<void>): Promise<void> => {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failed = false;
  const turns = Array.from({ length: filesAtOnce }, async () => {
    while (!failed) {
      const next = await iterator.next();
      if (next.done === true) return;
      await work(next.value).catch((error: unknown) => { failed = true; throw error; });
    }
  });
  const failure = (await Promise.allSettled(turns)).find((turn) => turn.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
};

/** Everything that is copied, with where it is to lie; grows as it goes. */
class Copying {
  readonly files: BackupFile[] = [];
  readonly directories: string[] = [];
  readonly #options: BackupOptions;
  readonly #of: number;
  #bytes = 0;

  constructor(options: BackupOptions, of: number) {
    [this.#options, this.#of] = [options, of];
  }

  async file(from: string, path: string): Promise<void> {
    const { to, signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    const found = await stat(from).catch((error: unknown) => { if (isMissing(error)) return null; throw error; });
    if (found === null) return;
    const mode = found.mode & 0o700;
    const onBytes = (bytes: number): void => {
      this.#bytes += bytes;
      onProgress?.({ bytes: this.#bytes, of: Math.max(this.#of, this.#bytes) });
    };
    try {
      this.files.push({ path, mode, ...await copyFile(from, join(to, path), { mode, flush: true, onBytes }) });
    } catch (error) {
      // Dropped between the look and the copy: recovery drops it too.
      if (!isMissing(error)) throw error;
      await rm(join(to, path), { force: true });
    }
  }

  async text(path: string, text: string): Promise<void> {
    this.files.push({ path, mode: 0o600, ...await writeFlushed(join(this.#options.to, path), text, 0o600) });
  }
}

const copyCluster = async (cluster: string, copying: Copying): Promise<void> => {
  await each(walk(cluster), async ({ path, isFile }) => {
    // Last of all: it says up to where the other files have come.
    if (path === 'global/pg_control') return;
    if (isFile) await copying.file(join(cluster, path), `${clusterName}/${path}`);
    else copying.directories.push(`${clusterName}/${path}`);
  });
  await copying.file(join(cluster, 'global/pg_control'), `${clusterName}/global/pg_control`);
};

interface Stopped { readonly lsn: string; readonly label: string; readonly map: string; readonly segment: string }

/** The session of the backup: PostgreSQL ends the backup with it, and frees the slot that keeps the write-ahead log. */
const withBackupSession = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, application_name: 'rectrail-backup' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const sizeOf = async (root: string): Promise<number> => {
  let bytes = 0;
  for await (const { bytes: more } of walk(root)) bytes += more;
  return bytes;
};

const copyOnline = async (options: BackupOptions, url: string, copying: Copying): Promise<Pick<BackupManifest, 'startLsn' | 'stopLsn' | 'contents'>> => withBackupSession(url, async (client) => {
  const cluster = join(options.dataDir, clusterName);
  const label = `rectrail ${randomBytes(4).toString('hex')}`;
  // Temporary: whatever becomes of this session, the write-ahead log is not kept for ever.
  await client.query('select pg_create_physical_replication_slot($1, true, true)', [label.replace(' ', '_')]);
  const { rows: [start] } = await client.query<{ lsn: string; segment: string }>('select lsn::text, pg_walfile_name(lsn) as segment from pg_backup_start($1, true) as lsn', [label]);
  if (start === undefined) throw new Error('PostgreSQL began no backup');
  await copyCluster(cluster, copying);
  const contents = await options.describe(async <R extends object>(sql: string) => (await client.query<R>(sql)).rows);
  const { rows: [stopped] } = await client.query<Stopped>('select lsn::text, labelfile as label, spcmapfile as map, pg_walfile_name(lsn) as segment from pg_backup_stop(false)');
  if (stopped === undefined) throw new Error('PostgreSQL ended no backup');
  if (stopped.map.trim() !== '') throw new BackupRefused('the database has tablespaces outside its data directory, which a backup would leave out');
  const wal = join(cluster, 'pg_wal');
  const segments = segmentsBetween(await readdir(wal), start.segment, stopped.segment);
  for (const segment of segments) await copying.file(join(wal, segment), `${clusterName}/pg_wal/${segment}`);
  if (segments.at(0) !== start.segment || segments.at(-1) !== stopped.segment) throw new Error('PostgreSQL has removed write-ahead log that the backup needs');
  await copying.text(`${clusterName}/backup_label`, stopped.label);
  return { startLsn: start.lsn, stopLsn: stopped.lsn, contents };
});

/**
 * A base backup of the embedded PostgreSQL of a data directory while it runs, with the write-ahead log that it needs and with the keys beside it. Every file is flushed and hashed;
 * the manifest comes last. Nobody waits: appends go on.
 *
 * @throws BackupRefused where none can be made so, or where `to` holds something; what the signal gives as its reason
 */
export const backUp = async (options: BackupOptions): Promise<BackupManifest> => {
  const { dataDir, to } = options;
  if (relative(join(dataDir, clusterName), to).split(sep)[0] !== '..') throw new BackupRefused(`${to} lies in the database that is to be copied: name a folder elsewhere, best on another machine`);
  if (!await isEmptyOrMissing(to)) throw new BackupRefused(`${to} is not empty. Potential solutions: name a folder that is yet to be made`);
  const url = await embeddedUrl(dataDir);
  if (url === null) throw new BackupRefused(`no PostgreSQL runs on ${dataDir}. Potential solutions: start the server; with all stopped, copy the data directory as it is; where DATABASE_URL is set, back that server up by its own means, or export a bundle (rectrail export)`);
  const begunAt = new Date().toISOString();
  await mkdir(to, { recursive: true, mode: 0o700 });
  const copying = new Copying(options, await sizeOf(join(dataDir, clusterName)));
  for (const name of (await readdir(dataDir)).filter((file) => besideCluster.test(file))) await copying.file(join(dataDir, name), name);
  const online = await copyOnline(options, url, copying);
  const manifest: BackupManifest = {
    format: 'rectrail.backup/1', begunAt, endedAt: new Date().toISOString(), postgresMajor: (await readFile(join(dataDir, clusterName, 'PG_VERSION'), 'utf8')).trim(), ...online,
    directories: copying.directories, files: copying.files,
  };
  await replaceFile(join(to, manifestName), `${JSON.stringify(manifest, null, 1)}\n`, 0o600);
  return manifest;
};

/** @throws BackupRefused where there is none, or what is there is no manifest */
export const readBackup = async (from: string): Promise<BackupManifest> => {
  const text = await readFile(join(from, manifestName), 'utf8').catch((cause: unknown) => { throw new BackupRefused(`${from} holds no finished backup: ${manifestName} is missing`, { cause }); });
  try {
    return backupManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new BackupRefused(`the ${manifestName} of ${from} cannot be read: it is damaged, or of another version`, { cause });
  }
};

/** What lies beside a cluster may be the only copy of a key: nothing takes its place. @throws BackupRefused */
const checkPlaces = async ({ files }: BackupManifest, dataDir: string): Promise<void> => {
  for (const { path, sha256 } of files.filter((file) => !file.path.startsWith(`${clusterName}/`))) {
    if (!besideCluster.test(path)) throw new BackupRefused(`the backup is damaged: ${path} is no file of a data directory`);
    const there = await readFile(join(dataDir, path)).catch((error: unknown) => { if (isMissing(error)) return null; throw error; });
    if (there === null || createHash('sha256').update(there).digest('hex') === sha256) continue;
    throw new BackupRefused(`${join(dataDir, path)} is there already, and is not that of the backup. Potential solutions: name another --data-dir; move it away`);
  }
};

export interface RestoreOptions {
  readonly from: string;
  /** Must hold no cluster, and no key or password but those of the backup. */
  readonly dataDir: string;
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Puts a backup into a data directory: every file is held against its hash on the way, and the whole is moved into place at the end. The next start recovers from it.
 *
 * @throws BackupRefused for a backup that is damaged or not finished, a data directory that is in use, another version of PostgreSQL; nothing is left then
 */
export const restore = async (options: RestoreOptions): Promise<BackupManifest> => {
  const { from, dataDir } = options;
  const manifest = await readBackup(from);
  await each(manifest.files, async ({ path, bytes }) => {
    const found = await stat(join(from, path)).catch((error: unknown) => { if (isMissing(error)) return null; throw error; });
    if (found?.size !== bytes) throw new BackupRefused(`the backup is damaged: ${path} ${found === null ? 'is missing' : 'has another length'}`);
  });
  const cluster = join(dataDir, clusterName);
  if (!await isEmptyOrMissing(cluster)) throw new BackupRefused(`${cluster} holds a database. Potential solutions: name another --data-dir; move the old one away`);
  await checkPlaces(manifest, dataDir);
  const beside = join(dataDir, 'restoring');
  await rm(beside, { recursive: true, force: true });
  // The cluster of this machine's PostgreSQL, for its version and its owner.
  const { owner, postgresMajor } = await makeCluster(join(beside, clusterName));
  try {
    if (postgresMajor !== manifest.postgresMajor) throw new BackupRefused(`the backup is of PostgreSQL ${manifest.postgresMajor}, and this version of Rectrail has ${postgresMajor}: restore with the version that made it`);
    await rm(join(beside, clusterName), { recursive: true });
    await putFiles({ options, to: beside, manifest, owner });
    const names = await readdir(beside);
    // The cluster last: without it the data directory is as good as empty.
    for (const name of [...names.filter((file) => file !== clusterName), clusterName]) await rename(join(beside, name), join(dataDir, name));
    await syncFolder(dataDir);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return manifest;
};

interface Putting {
  readonly options: RestoreOptions;
  readonly to: string;
  readonly manifest: BackupManifest;
  /** Of the cluster's files. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

const putFiles = async ({ options: { from, onProgress, signal }, to, manifest, owner }: Putting): Promise<void> => {
  const of = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const made = new Set<string>();
  const folder = async (path: string): Promise<void> => {
    if (path === '.' || made.has(path)) return;
    await folder(dirname(path));
    await mkdir(join(to, path), { mode: 0o700 });
    await chown(join(to, path), owner.uid, owner.gid);
    made.add(path);
  };
  for (const path of [...manifest.directories, ...new Set(manifest.files.map(({ path: file }) => dirname(file)))]) await folder(path);
  let done = 0;
  await each(manifest.files, async ({ path, bytes, sha256, mode }) => {
    signal?.throwIfAborted();
    // PostgreSQL itself flushes its whole cluster before it recovers from a backup.
    const isCluster = path.startsWith(`${clusterName}/`);
    const copied = await copyFile(join(from, path), join(to, path), { mode, flush: !isCluster, onBytes: (more) => { done += more; onProgress?.({ bytes: done, of }); } });
    if (copied.bytes !== bytes || copied.sha256 !== sha256) throw new BackupRefused(`the backup is damaged: ${path} is not what was backed up`);
    await chmod(join(to, path), mode);
    if (isCluster) await chown(join(to, path), owner.uid, owner.gid);
  });
};
