import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeKurrentServer, serveOverGrpc } from '@rectrail/event-store-kurrentdb/testing';
import { startServer } from '@rectrail/server';
import { readConfiguration } from '@rectrail/platform';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

// Goal: an installation whose events are in KurrentDB answers as one that keeps them in PostgreSQL. Method: the samples imported into both, the one through
// Kurrent's client into a stand-in for the server, every answer compared; what its limits refuse, and what a start with the wrong engine does.
const samples = ['ningbo-2022.ndjson', 'liuba-2020.ndjson', 'heshan-2025.ndjson'];

let fake: FakeKurrentServer;
let served: Awaited<ReturnType<typeof serveOverGrpc>>;
let kurrent: TestServer;
let postgres: TestServer;

beforeAll(async () => {
  fake = new FakeKurrentServer();
  served = await serveOverGrpc(fake);
  kurrent = await startTestServer({ EVENT_STORE_URL: served.url });
  postgres = await startTestServer();
  for (const name of samples) for (const server of [kurrent, postgres]) await server.importLedger(name);
});
afterAll(async () => {
  await kurrent.close();
  await postgres.close();
  served.stop();
});

/** Without what time and chance make: when it was recorded and asked. */
const answerOf = async (server: TestServer, path: string): Promise<Json> =>
  JSON.parse(JSON.stringify(await server.get(path), (key, value: unknown) => (/^(recordedAt|knownAt|knownTime|logId|digest|importedAt|commandId|importId|eventId|correlationId|nextCursor)$/.test(key) ? undefined : value)));

describe('events in KurrentDB', () => {
  it.each([
    '/dashboard?validAt=2022-02-28&knownAt=2022-04-29', '/dashboard?validAt=2021-12-28&knownAt=2022-04-29', '/dashboard?validAt=2030-01-01', '/issues?limit=100&validAt=2025-12-31',
    '/funds?limit=100&validAt=2025-12-31', '/deadlines?validAt=2022-05-01', '/organisations?limit=100',
  ])('give the same answer to %s', async (path) => {
    expect(await answerOf(kurrent, path)).toEqual(await answerOf(postgres, path));
  });

  it('lie there, each as it was written', () => {
    const contents = fake.records.filter((r) => r.type === 'IssueRegistered').map((r) => JSON.parse(Buffer.from(r.data).toString('utf8')) as { type: string });
    expect(contents.length).toBeGreaterThan(50);
    expect(contents.every((c) => c.type === 'IssueRegistered')).toBe(true);
  });

  it('are there after a restart, and a command that is sent again is carried out once', async () => {
    const send = () => kurrent.call('POST', '/trees', { headers: { 'idempotency-key': 'again-1' }, body: { jurisdiction: 'CN-99', kind: 'party' } });
    const first = await send();
    await kurrent.restart();
    const second = await send();
    expect([first.status, second.status, second.body]).toEqual([201, 201, first.body]);
  });

  it('are refused where one import is more than the server takes, and nothing is written', async () => {
    const small = new FakeKurrentServer();
    const other = await serveOverGrpc(small);
    const server = await startTestServer({ EVENT_STORE_URL: other.url });
    small.appendBytesMax = 50_000;
    const before = small.records.length;
    const refused = await server.importLedger(samples[0]!).catch((error: unknown) => String(error));
    await server.close();
    other.stop();
    expect(refused).toMatch(/413.*append-too-large/s);
    expect(small.records).toHaveLength(before);
  });

  it('keep a server from starting with the other engine on their database', async () => {
    const settings = { RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'silent', RECTRAIL_ROLES: 'projector' };
    await expect(startServer(readConfiguration({ ...settings, DATABASE_URL: kurrent.databaseUrl }))).rejects.toThrow(/EVENT_STORE_URL is not set/);
    await expect(startServer(readConfiguration({ ...settings, DATABASE_URL: postgres.databaseUrl, EVENT_STORE_URL: served.url }))).rejects.toThrow(/keeps events itself/);
  });
});
