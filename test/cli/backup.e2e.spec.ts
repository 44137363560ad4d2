// Goal: what was acknowledged before a backup began is in what is restored from it, with the root that was signed; it goes on where nobody has seen more, and is told apart where
// somebody has. Method: built servers and the built command line as processes on data directories of their own, under writers.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteVerifier, openCheckpoint, type OpenedCheckpoint } from '@rectrail/transparency';
import type { Json } from '../support/api.ts';
import { freePort, ServerProcess } from '../support/server-process.ts';

const binary = join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs');
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|DATABASE_URL$|LANG$|LC_|NODE_OPTIONS$)/.test(name)));
/** In memory where there is some: a thousand files are flushed several times, and no power is lost here. */
const scratch = await statfs('/dev/shm').then(({ bavail, bsize }) => (bavail * bsize > 1 << 30 ? '/dev/shm' : tmpdir()), () => tmpdir());

interface Ended { readonly code: number; readonly out: string; readonly err: string }

let root: string;
let url: string;
let server: ServerProcess | null = null;

const dirOf = (name: string): string => join(root, name);
const rectrail = (dataDir: string, ...args: readonly string[]): Promise<Ended> => new Promise((resolve) => {
  execFile(process.execPath, [binary, '--server', url, '--data-dir', dirOf(dataDir), ...args], { env: bare, encoding: 'utf8' }, (error, out, err) => {
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
  });
});
const stop = async (): Promise<void> => {
  await server?.stop('SIGTERM');
  server = null;
};
const startOn = async (dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<void> => {
  const port = String(await freePort());
  // The scheduler would write of its own accord.
  server = new ServerProcess({ RECTRAIL_DATA_DIR: dirOf(dataDir), RECTRAIL_PORT: port, RECTRAIL_ROLES: 'api,projector,relay', RECTRAIL_LEASE_MS: '1000', ...settings }).start();
  url = await server.ready;
};
const call = async (dataDir: string, method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: Json }> => {
  const token = (await readFile(join(dirOf(dataDir), 'admin-token'), 'utf8')).trim();
  const reply = await fetch(`${url}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  return { status: reply.status, body: (reply.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text };
};
let registered = 0;
const write = (dataDir: string): Promise<{ readonly status: number; readonly body: Json }> =>
  call(dataDir, 'POST', '/api/v1/organisations', { code: `O-${registered += 1}`, name: '某局', level: 'bureau', parent: null });
const head = async (dataDir: string): Promise<number> => (await call(dataDir, 'GET', '/health')).body.headPosition;
const checkpoint = async (dataDir: string, sizeMin: number): Promise<OpenedCheckpoint> => {
  for (;;) {
    const { status, body } = await call(dataDir, 'GET', '/api/v1/log/checkpoint');
    const keys = String((await call(dataDir, 'GET', '/api/v1/log/keys')).body).trim().split('\n').filter((key) => key !== '').map(noteVerifier);
    const opened = status === 200 ? openCheckpoint(String(body), { origin: String(body).split('\n')[0] ?? '', log: keys }) : null;
    if (opened !== null && opened.size >= sizeMin) return opened;
    await sleep(50);
  }
};
const rootAt = async (dataDir: string, size: number): Promise<string> => (await call(dataDir, 'GET', `/api/v1/log/proof/consistency?from=${size}&to=${size}`)).body.toRoot;

beforeAll(async () => {
  root = await mkdtemp(join(scratch, 'rectrail-backup-'));
  // As root PostgreSQL runs as another user, who must get there.
  await chmod(root, 0o755);
  await startOn('data', { RECTRAIL_LOG_PUBLISH_DIR: dirOf('published') });
});
afterAll(async () => {
  await stop();
  await rm(root, { recursive: true, force: true });
});

describe('rectrail backup and restore', () => {
  let before: number;
  let after: OpenedCheckpoint;

  it('copies a database that is written to', async () => {
    let stopped = false;
    // They meet on one tree: some are told that another was first.
    const writers = Array.from({ length: 4 }, async () => { while (!stopped) expect([201, 409]).toContain((await write('data')).status); });
    await sleep(300);
    before = await head('data');
    const { code, out, err } = await rectrail('data', '--json', 'backup', '--to', dirOf('backup'));
    expect([code, err.includes('100 %')]).toEqual([0, true]);
    expect(JSON.parse(out)).toMatchObject({ format: 'rectrail.backup/1', contents: { epoch: 1, position: expect.any(Number) } });
    expect(JSON.parse(out).contents.position).toBeGreaterThanOrEqual(before);
    await sleep(300);
    stopped = true;
    await Promise.all(writers);
    after = await checkpoint('data', await head('data'));
    expect(await rectrail('data', 'restore', '--from', dirOf('backup'))).toMatchObject({ code: 1, err: expect.stringContaining('holds a database') });
  });

  it('restores what goes on from the same position, with the same root', async () => {
    const roots = new Map<number, string>();
    for (const size of [1, before >> 1, before]) roots.set(size, await rootAt('data', size));
    await stop();
    expect(await rectrail('again', 'restore', '--from', dirOf('backup'))).toMatchObject({ code: 0 });
    await startOn('again');
    const position = await head('again');
    expect(position).toBeGreaterThanOrEqual(before);
    expect(position).toBeLessThan(after.size);
    const sealed = await checkpoint('again', position);
    expect(sealed.origin).toBe(after.origin);
    for (const [size, known] of roots) expect(await rootAt('again', size)).toBe(known);
    expect((await write('again')).status).toBe(201);
    expect(await head('again')).toBe(position + 1);
    await stop();
  });

  it('restores an older copy that is read-only where more was published, until it is of another epoch', async () => {
    expect(await rectrail('older', 'restore', '--from', dirOf('backup'))).toMatchObject({ code: 0 });
    await startOn('older', { RECTRAIL_LOG_PUBLISH_DIR: dirOf('published') });
    const position = await head('older');
    expect(await write('older')).toMatchObject({ status: 503, body: { code: 'log-read-only' } });
    expect(await rectrail('older', 'epoch', 'show')).toMatchObject({ code: 0, out: expect.stringContaining(`the folder of checkpoints has seen ${after.size} events`) });
    expect(await rectrail('older', '--lang', 'zh', 'epoch', 'new', '--reason', '数据盘损坏')).toMatchObject({ code: 1, err: expect.stringContaining('--yes') });
    expect(await rectrail('older', 'epoch', 'new', '--reason', '数据盘损坏，自备份恢复', '--yes')).toMatchObject({ code: 0, out: expect.stringContaining('epoch 2') });
    // The process starts again by itself.
    while ((await write('older').catch(() => ({ status: 0 }))).status !== 201) await sleep(100);
    const newest = await checkpoint('older', position + 2);
    expect(newest.origin).toBe(after.origin.replace(/1$/, '2'));
    expect((await call('older', 'GET', '/health/ready')).body).toMatchObject({ status: 'ready', readOnly: null });
  });
});
