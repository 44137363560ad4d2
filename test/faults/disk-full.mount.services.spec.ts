// Goal: a full disk costs no acknowledged event and no restart by hand. Method: a whole server with its embedded PostgreSQL on a small file system of its own, filled to the last
// block under writers that repeat each request under its key; then room is made again.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, open as openFile, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type RunningServer } from '@rectrail/server';
import { readConfiguration } from '@rectrail/platform';
import { tellCounts } from '../support/long-run.ts';
import type { Json } from '../support/api.ts';

const mebibytes = 320;
const fullMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 3) * 1_000;
const run = promisify(execFile);
const passing = ['database-unavailable', 'event-store-unavailable', 'append-outcome-unknown', 'idempotency-key-in-use', 'projection-behind'];
/** Of one request, so that the log fills up soon. */
const issuesEach = 100;

let disk: string;
let server: RunningServer;
let token: string;
let inspectionId: string;

interface Answer { readonly status: number; readonly body: Json; readonly retryAfter: string | null }
const call = async (method: string, path: string, body?: unknown, key?: string): Promise<Answer> => {
  const reply = await fetch(`${server.url}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: await reply.json(), retryAfter: reply.headers.get('retry-after') };
};
const post = async (path: string, body: unknown): Promise<Json> => {
  const { status, body: answer } = await call('POST', path, body);
  if (status >= 300) throw new Error(JSON.stringify(answer));
  return answer;
};

const acknowledged: string[] = [];
const refused = new Map<string, number>();
let isWriting = true;
const goesOn = (): boolean => isWriting;
const write = async (writer: number): Promise<void> => {
  for (let n = 0; isWriting; n += 1) {
    const titles = Array.from({ length: issuesEach }, (_, at) => `第${writer}批${n}之${at}`);
    const commands = titles.map((title, at) => ({ name: 'RegisterIssue', body: { inspectionId, org: 'CITY', numberPath: [`${writer}.${n}.${at}.`], title } }));
    const key = randomUUID();
    for (let isTaken = false; !isTaken && goesOn();) {
      const { status, body, retryAfter } = await call('POST', '/api/v1/commands', { commands }, key);
      isTaken = status < 300;
      if (isTaken) acknowledged.push(...titles);
      else {
        expect(passing).toContain(body.code);
        expect(Number(retryAfter)).toBeGreaterThan(0);
        refused.set(body.code, (refused.get(body.code) ?? 0) + 1);
        await sleep(100);
      }
    }
  }
};

const fill = async (): Promise<void> => {
  const file = await openFile(join(disk, 'ballast'), 'a');
  try {
    for (const bytes of [1 << 20, 4_096]) {
      for (;;) await file.appendFile(Buffer.alloc(bytes, 1));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await file.close();
  }
};

beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), 'rectrail-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', disk]);
  await chmod(disk, 0o755);
  server = await startServer(readConfiguration({ RECTRAIL_DATA_DIR: disk, RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'silent', RECTRAIL_DATABASE_TIMEOUT_MS: '2000', RECTRAIL_LEASE_MS: '2000' }));
  token = (await readFile(server.adminTokenFile ?? '', 'utf8')).trim();
  await post('/api/v1/organisations', { code: 'CITY', name: '某市', level: 'city', parent: null });
  ({ id: inspectionId } = await post('/api/v1/inspections', { org: 'CITY', kind: 'XUNCHA', title: '巡察', on: '2026-01-05' }));
  await post(`/api/v1/inspections/${inspectionId}/deliver-feedback`, { on: '2026-01-20' });
}, 120_000);
afterAll(async () => {
  isWriting = false;
  await server.close();
  await run('umount', ['-l', disk]);
  await rm(disk, { recursive: true, force: true });
}, 60_000);

describe('a server whose disk is full', () => {
  it('refuses what it cannot store, goes on by itself once there is room, and has lost and doubled nothing', async () => {
    const writing = Promise.all([1, 2].map((writer) => write(writer)));
    writing.catch(() => undefined);
    while (acknowledged.length === 0) await Promise.race([sleep(50), writing]);
    await fill();
    while (refused.size === 0) {
      await Promise.race([sleep(50), writing]);
      // What it has itself given free meanwhile.
      await fill();
    }
    await Promise.race([sleep(fullMs), writing]);
    expect((await call('GET', '/health/live')).status).toBe(200);
    await rm(join(disk, 'ballast'));
    const wanted = acknowledged.length + 4 * issuesEach;
    while (acknowledged.length < wanted) await Promise.race([sleep(50), writing]);
    isWriting = false;
    await writing;
    const { body: { position } } = await call('POST', '/api/v1/organisations', { code: 'LAST', name: '某局', level: 'bureau', parent: 'CITY' });
    for (const until = Date.now() + 60_000; ;) {
      const { status, body } = await call('GET', `/api/v1/dashboard?atLeast=${position}`);
      if (status === 200) {
        // What was taken without an answer reaching its writer is there too, once.
        expect(body.figures.issues.total % issuesEach).toBe(0);
        expect(body.figures.issues.total).toBeGreaterThanOrEqual(acknowledged.length);
        break;
      }
      if (Date.now() > until) throw new Error(`the read models do not follow: ${JSON.stringify(body)}`);
    }
    const titles: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await call('GET', `/api/v1/issues?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
      titles.push(...body.items.map(({ title }: Json) => title as string));
      cursor = body.nextCursor;
    }
    const stored = new Set(titles);
    expect(stored.size).toBe(titles.length);
    expect(acknowledged.filter((title) => !stored.has(title))).toEqual([]);
    tellCounts({ 'events acknowledged around a full disk': acknowledged.length });
  }, fullMs + 120_000);
});
