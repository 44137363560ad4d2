// Goal: `rectrail generate` fills an empty database on which a server then works, tells what it made in both languages, and refuses what it must.
// Method: the built binary as a process of its own, on a database of the test run; nothing of the command line is imported.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfiguration } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { startServer } from '@rectrail/server';

const binary = join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs');
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|LANG$|LC_|NODE_OPTIONS$)/.test(name)));

interface Ended { readonly code: number | null; readonly out: string; readonly err: string }
let dir: string;
let database: TestDatabase;

const generate = (args: readonly string[], whileRunning?: (stop: () => void, err: string) => void): Promise<Ended> => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [binary, '--data-dir', dir, 'generate', ...args], { cwd: dir, env: { ...bare, DATABASE_URL: database.url }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  let stopping = false;
  const stop = (): void => { if (!stopping) child.kill('SIGTERM'); stopping = true; };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; whileRunning?.(stop, err); });
  child.on('error', reject);
  child.on('close', (code) => { resolve({ code, out, err }); });
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rectrail-generate-'));
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

const small = ['--events', '3000', '--organisations', '150', '--growth', 'density'];

describe('rectrail generate', () => {
  it('counts without a database in a dry run, the same each time', async () => {
    const [first, again] = [await generate([...small, '--dry-run', '--json']), await generate([...small, '--dry-run', '--json'])];
    const counted = { ...JSON.parse(first.out), seconds: expect.any(Number) };
    expect(counted).toMatchObject({ dryRun: true, events: 3_000, from: '2016-07-01', until: '2026-06-30' });
    expect(counted.things.organisations).toBeGreaterThanOrEqual(150);
    expect(counted.types.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(3_000);
    expect(JSON.parse(again.out)).toMatchObject(counted);
  });

  it.each([
    [['--events', 'many'], 'whole number'], [['--events', '0'], 'whole number'], [[], '--events'], [[...small, '--until', '2026-02-30'], 'a day'], [[...small, '--until', '1999-01-01'], 'from 2014'],
    [[...small, '--growth', 'faster'], 'density'], [[...small, 'file'], 'too many arguments'],
  ])('%j is wrong usage', async (args, says) => {
    const { code, err } = await generate(args);
    expect([code, err.includes(says)]).toEqual([2, true]);
  });

  it('refuses what makes no province, in the language asked for', async () => {
    expect(await generate(['--events', '600'])).toMatchObject({ code: 1, err: expect.stringContaining('at least 10500') });
    expect(await generate(['--events', '600', '--organisations', '5', '--lang', 'zh'])).toMatchObject({ code: 1, err: expect.stringContaining('单位不少于 20 个') });
  });

  it('leaves nothing where it is stopped', async () => {
    const { code, err } = await generate(['--events', '5000000'], (stop, said) => { if (said.includes('/s')) stop(); });
    expect([code, err.includes('stopped; nothing was stored')]).toEqual([1, true]);
  });

  it('fills the database, with progress, and a server works on it', async () => {
    const { code, out, err } = await generate([...small, '--lang', 'zh']);
    expect([code, out.includes('事件：3000'), out.includes('已写入数据库'), err.includes('条/秒')]).toEqual([0, true, true, true]);
    const again = await generate(small);
    expect([again.code, again.err.includes('has events already')]).toEqual([1, true]);

    const server = await startServer(readConfiguration({ DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dir, RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'silent' }));
    try {
      const token = (await readFile(server.adminTokenFile ?? '', 'utf8')).trim();
      const ask = (): Promise<Response> => fetch(`${server.url}/api/v1/dashboard?atLeast=3000`, { headers: { authorization: `Bearer ${token}` } });
      let reply = await ask();
      // It projects the whole history first.
      for (const deadline = Date.now() + 45_000; reply.status === 503 && Date.now() < deadline;) reply = await ask();
      const { cut, figures } = await reply.json() as any;
      expect(reply.status).toBe(200);
      expect([cut.atPosition, figures.issues.total > 50]).toEqual([3_000, true]);
    } finally {
      await server.close();
    }
  });
});
