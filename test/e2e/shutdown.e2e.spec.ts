import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

// Goal: SIGTERM stops a server cleanly: no new work, the work at hand is finished and answered, exit 0. Method: the built server
// as a process of its own; a ledger whose last bytes come only after the signal.
const main = join(import.meta.dirname, '../../apps/server/dist/main.js');
const line = (record: unknown): string => `${JSON.stringify(record)}\n`;
const organisation = (n: number): string => line({ kind: 'organisation', key: `org-${n}`, code: `ORG-${n}`, name: `第${n}个单位`, level: 'city' });

interface Running { readonly child: ChildProcess; readonly url: string; readonly token: string }

let database: TestDatabase;
let dataDir: string;
let server: ChildProcess | null = null;
let running: Running;

const readyUrl = async (child: ChildProcess): Promise<string> => {
  if (child.stderr === null) throw new Error('the server has no log');
  for await (const text of createInterface({ input: child.stderr })) {
    const entry: { msg?: string; url?: string } = JSON.parse(text);
    if (entry.msg === 'ready' && entry.url !== undefined) return entry.url;
  }
  throw new Error('the server ended before it was ready');
};

beforeEach(async () => {
  if (!existsSync(main)) throw new Error('apps/server/dist is missing. Potential solutions: npm run build');
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-shutdown-'));
  const env = { ...process.env, DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'pipe'] });
  server = child;
  const url = await readyUrl(child);
  // Read on, or a full pipe would stop the server.
  child.stderr.resume();
  running = { child, url, token: (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim() };
});
afterEach(async () => {
  // A start that failed left none.
  if (server !== null && server.exitCode === null) server.kill('SIGKILL');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

/** An import whose headers and first lines are sent, and whose end the caller sends. */
const beginImport = (): { readonly sent: ClientRequest; readonly answer: Promise<{ status: number; body: any }> } => {
  const sent = request(`${running.url}/api/v1/imports`, { method: 'POST', headers: { authorization: `Bearer ${running.token}`, 'content-type': 'application/x-ndjson' } });
  const answer = once(sent, 'response').then(async ([reply]: IncomingMessage[]) => {
    let text = '';
    for await (const chunk of reply!) text += String(chunk);
    return { status: reply!.statusCode ?? 0, body: JSON.parse(text) };
  });
  sent.write(line({ kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'shutdown', title: '通报', publishedOn: '2026-01-05' }) + organisation(1));
  return { sent, answer };
};

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('lets the request in flight finish, stores it, and exits 0', async () => {
    const { child, url } = running;
    const { sent, answer } = beginImport();
    // An answer on another connection shows that the server has taken the first one.
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.kill(signal);
    await expect(eventuallyRefused(`${url}/health/live`)).resolves.toBe(true);
    sent.end(organisation(2));
    const { status, body } = await answer;
    expect([status, body.rows?.new]).toEqual([200, 2]);
    expect((await exited).slice(0, 2)).toEqual([0, null]);
    expect(await storedPosition()).toBe(body.position);
  });
});

/** The server closes its door a moment after the signal. */
const eventuallyRefused = async (url: string): Promise<boolean> => {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const answered = await fetch(url, { headers: { connection: 'close' } }).then(() => true, () => false);
    if (!answered) return true;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return false;
};

/** The head of the log as the database has it once the server is gone. */
const storedPosition = async (): Promise<number> => {
  const store = await PostgresEventStore.open({ connectionString: database.url });
  try {
    return (await store.head()).position;
  } finally {
    await store.close();
  }
};
