// Goal: a backup taken while others write holds everything that was committed before it ended, and is put back whole or not at all. Method: an embedded server of its own under
// a writer and checkpoints; its backup is restored, spoilt, and broken off.
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { backUp, BackupRefused, readBackup, restore } from './backup.ts';
import { startEmbeddedPostgres, type RunningPostgres } from './embedded-postgres.ts';

/** In memory where there is some: a thousand files are flushed several times, and no power is lost here. */
const scratch = await statfs('/dev/shm').then(({ bavail, bsize }) => (bavail * bsize > 1 << 30 ? '/dev/shm' : tmpdir()), () => tmpdir());

let root: string;
let server: RunningPostgres;
let dataDir: string;
let backup: string;
/** Acknowledged before the backup ended. */
let acknowledged: number;

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  root = await mkdtemp(join(scratch, 'rectrail-backup-'));
  // As root the server runs as another user, who must get there.
  await chmod(root, 0o755);
  [dataDir, backup] = [join(root, 'data'), join(root, 'backup')];
  server = await startEmbeddedPostgres({ dataDir });
  await withClient(server.url, (client) => client.query('create table written (n integer primary key, filler text); create table dropped as select generate_series(1, 1000)'));
  await writeFile(join(dataDir, 'log-key-1'), 'PRIVATE+KEY+x\n', { mode: 0o600 });
  let last = 0;
  let stopped = false;
  const writing = withClient(server.url, async (client) => {
    while (!stopped) {
      await client.query(`insert into written values ($1, repeat('整改', 400))`, [last + 1]);
      last += 1;
    }
  });
  const progress: number[] = [];
  let described = 0;
  await backUp({
    dataDir, to: backup, onProgress: ({ bytes, of }) => { progress.push(bytes / of); },
    describe: async (query) => {
      // Files that were seen vanish, others come, and the log is switched to new segments and trimmed.
      await withClient(server.url, (client) => client.query('drop table dropped').then(() => client.query('select pg_switch_wal()')).then(() => client.query('checkpoint')));
      acknowledged = last;
      const [row] = await query<{ n: number }>('select max(n) as n from written');
      described = row?.n ?? 0;
      return { n: described };
    },
  });
  stopped = true;
  await writing;
  expect(progress.at(-1)).toBeGreaterThan(0.5);
  expect(described).toBeGreaterThanOrEqual(acknowledged);
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

describe('a backup', () => {
  it('holds what was committed before it ended, in one piece, and the files beside the cluster', async () => {
    const restored = join(root, 'restored');
    const { contents } = await restore({ from: backup, dataDir: restored });
    expect(await readFile(join(restored, 'log-key-1'), 'utf8')).toBe('PRIVATE+KEY+x\n');
    expect((await stat(join(restored, 'log-key-1'))).mode & 0o777).toBe(0o600);
    const again = await startEmbeddedPostgres({ dataDir: restored });
    try {
      await withClient(again.url, async (client) => {
        const { rows: [found] } = await client.query<{ n: number; count: number }>('select max(n) as n, count(*)::integer as count from written');
        expect(found?.n).toBe(found?.count);
        expect(found?.n).toBeGreaterThanOrEqual(acknowledged);
        expect(found?.n).toBeGreaterThanOrEqual(Number(contents['n']));
        // It goes on.
        await client.query(`insert into written select max(n) + 1, '' from written`);
      });
    } finally {
      await again.stop();
    }
    await expect(restore({ from: backup, dataDir: restored })).rejects.toThrow(BackupRefused);
  });

  it('takes the place of no other key or password, and is put back once more where that was broken off between two of them', async () => {
    const kept = join(root, 'kept');
    await mkdir(kept);
    const names = ['log-key-1', 'postgres-password'];
    for (const name of names) {
      await writeFile(join(kept, name), 'of another log\n', { mode: 0o600 });
      await expect(restore({ from: backup, dataDir: kept })).rejects.toThrow(`${name} is there already`);
      expect(await readdir(kept)).toEqual([name]);
      expect(await readFile(join(kept, name), 'utf8')).toBe('of another log\n');
      await rm(join(kept, name));
    }
    await copyFile(join(backup, 'log-key-1'), join(kept, 'log-key-1'));
    await restore({ from: backup, dataDir: kept });
    expect(await readdir(kept)).toEqual(['log-key-1', 'postgres', 'postgres-password']);
  });

  it('is not restored where a single bit of a file differs, a file is missing, or it was broken off', async () => {
    const { files } = await readBackup(backup);
    const other = join(root, 'other');
    const refused = async (): Promise<void> => {
      await expect(restore({ from: backup, dataDir: other })).rejects.toThrow(BackupRefused);
      expect(await readdir(other).catch(() => [])).toEqual([]);
    };
    const { path } = files.find(({ bytes }) => bytes > 8_192)!;
    const bytes = await readFile(join(backup, path));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(backup, path), bytes);
    await refused();
    await rm(join(backup, path));
    await refused();
    await rm(join(backup, 'manifest.json'));
    await expect(restore({ from: backup, dataDir: other })).rejects.toThrow(/holds no finished backup/);
  });

  it('is refused where no server runs, and into a folder that holds something', async () => {
    const describe = (): Promise<Record<string, never>> => Promise.resolve({});
    await expect(backUp({ dataDir: join(root, 'nowhere'), to: join(root, 'new'), describe })).rejects.toThrow(/no PostgreSQL runs/);
    await expect(backUp({ dataDir, to: backup, describe })).rejects.toThrow(/is not empty/);
    await expect(backUp({ dataDir, to: join(dataDir, 'postgres', 'copy'), describe })).rejects.toThrow(/lies in the database/);
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(backUp({ dataDir, to: join(root, 'broken-off'), describe, signal: stop.signal })).rejects.toThrow('enough');
    await expect(readBackup(join(root, 'broken-off'))).rejects.toThrow(BackupRefused);
  });
});
