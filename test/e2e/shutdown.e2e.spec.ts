import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServerProcess } from '../support/server-process.ts';

// Goal: SIGTERM stops a server cleanly: no new work, the work at hand is finished and answered, exit 0. Method: the built server
// as a process of its own; a ledger whose last bytes come only after the signal.
const line = (record: unknown): string => `${JSON.stringify(record)}\n`;
const organisation = (n: number): string => line({ kind: 'organisation', key: `org-${n}`, code: `ORG-${n}`, name: `第${n}个单位`, level: 'city' });

let database: TestDatabase;
let dataDir: string;
let server: ServerProcess;
let running: { readonly url: string; readonly token: string };

beforeEach(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-shutdown-'));
  server = new ServerProcess({ DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0' }).start();
  running = { url: await server.ready, token: (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim() };
});
afterEach(async () => {
  await server.stop('SIGKILL');
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
    const { url } = running;
    const { sent, answer } = beginImport();
    // An answer on another connection shows that the server has taken the first one.
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const exited = server.stop(signal);
    await expect(eventuallyRefused(`${url}/health/live`)).resolves.toBe(true);
    sent.end(organisation(2));
    const { status, body } = await answer;
    expect([status, body.rows?.new]).toEqual([200, 2]);
    expect(await exited).toEqual({ code: 0, signal: null });
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
