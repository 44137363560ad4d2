// Goal: whatever keeps the server from its database or from the time, a caller gets a clear refusal that it may repeat, the process lives on, everything goes on by itself once
// the cause is gone, and what was acknowledged is stored once. Method: one server over HTTP, writers that repeat each request under its Idempotency-Key until it is taken, a wire
// to PostgreSQL that can be cut, a table that is locked, a clock that is put. RECTRAIL_TEST_SECONDS is how long each fault lasts.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { position } from '@rectrail/kernel';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { createTestDatabase, FaultyWire, type TestDatabase } from '@rectrail/platform/testing';
import pg from 'pg';
import { startTestServer, type Json, type Reply, type TestServer } from '../support/api.ts';
import { tellCounts } from '../support/long-run.ts';

const faultMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 2) * 1_000;
/** Of a test with one fault. */
const testMsMax = faultMs + 60_000;
const writers = 4;
/** What a caller may repeat. */
const passing = ['database-unavailable', 'event-store-unavailable', 'append-outcome-unknown', 'idempotency-key-in-use', 'clock-jumped'];

let database: TestDatabase;
let wire: FaultyWire;
let admin: pg.Client;
let server: TestServer;
const acknowledged: { readonly code: string; readonly position: number }[] = [];
/** Refusals by code, since the fault at hand began. */
const refused = new Map<string, number>();
let inspectionId: string;
let isWriting = true;
let writing: Promise<unknown>;

const expectClear = ({ status, headers, body }: Reply): void => {
  expect(passing).toContain(body.code);
  expect(status).toBe(body.code === 'idempotency-key-in-use' ? 409 : 503);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(headers.get('content-type')).toContain('application/problem+json');
};

/** Repeats one request, by its key, until it is taken. */
const register = async (code: string): Promise<void> => {
  const options = { body: { inspectionId, org: 'CITY', numberPath: [code], title: code }, headers: { 'idempotency-key': randomUUID() } };
  while (isWriting) {
    const reply = await server.call('POST', '/issues', options);
    if (reply.status < 300) {
      acknowledged.push({ code, position: reply.body.position });
      return;
    }
    expectClear(reply);
    refused.set(reply.body.code, (refused.get(reply.body.code) ?? 0) + 1);
    await sleep(50);
  }
};

const write = async (writer: number): Promise<void> => {
  for (let n = 0; isWriting; n += 1) await register(`第${writer * 100_000 + n}.`);
};

/** Until `more` further requests were taken: it goes on by itself. */
const goesOn = async (more = 2 * writers): Promise<void> => {
  for (const wanted = acknowledged.length + more; acknowledged.length < wanted;) await Promise.race([sleep(20), writing]);
};

/** While the fault lasts some are refused; then all goes on. Gives the codes. */
const during = async (begin: () => unknown, end: () => unknown): Promise<readonly string[]> => {
  await goesOn();
  refused.clear();
  await begin();
  try {
    await sleep(faultMs);
    while (refused.size === 0) await Promise.race([sleep(20), writing]);
  } finally {
    await end();
  }
  const codes = [...refused.keys()];
  await goesOn();
  return codes;
};

const health = async (path: string): Promise<Json> => (await server.call('GET', path, { token: null })).body;

beforeAll(async () => {
  database = await createTestDatabase();
  wire = await FaultyWire.open(database.url);
  server = await startTestServer({ DATABASE_URL: wire.url, RECTRAIL_DATABASE_TIMEOUT_MS: '700', RECTRAIL_DATABASE_CONNECTIONS_MAX: '6', RECTRAIL_LEASE_MS: '1000' });
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await server.post('/organisations', { code: 'CITY', name: '某市', level: 'city', parent: null });
  ({ id: inspectionId } = await server.post('/inspections', { org: 'CITY', kind: 'XUNCHA', title: '巡察', on: '2026-01-05' }));
  await server.post(`/inspections/${inspectionId}/deliver-feedback`, { on: '2026-01-20' });
  writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  writing.catch(() => undefined);
}, 60_000);
afterAll(async () => {
  isWriting = false;
  wire.heal();
  await writing.catch(() => undefined);
  await admin.end();
  await server.close();
  await wire.close();
  await database.drop();
}, 60_000);

describe('a server', () => {
  it.each(['refuse', 'silence'] as const)('that cannot reach PostgreSQL (%s) says so, lives, and goes on', async (fault) => {
    let probed: readonly Json[] = [];
    await during(() => { wire[fault](); }, async () => {
      const read = await server.call('GET', '/organisations');
      expectClear(read);
      probed = [await health('/health/live'), await health('/health/ready')];
      wire.heal();
    });
    expect(probed).toEqual([{ status: 'live' }, expect.objectContaining({ status: 'not-ready', database: 'down' })]);
  }, testMsMax);

  it('whose connections are all taken refuses whoever waits too long, and goes on', async () => {
    const codes = await during(async () => {
      await admin.query('begin');
      await admin.query('lock table rectrail_http.idempotency_key in access exclusive mode');
    }, async () => {
      // Who repeats a request that still waits is told so, and may be told first.
      while (!refused.has('database-unavailable')) await Promise.race([sleep(20), writing]);
      await admin.query('rollback');
    });
    expect(codes).toContain('database-unavailable');
  }, testMsMax);

  it('whose clock leaps ahead stores nothing, names its state, answers reads, and goes on once the clock is right', async () => {
    const put = (ms: number) => admin.query(`create or replace function rectrail_events.now_ms() returns bigint language sql volatile as
      $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${ms} $$`);
    const codes = await during(() => put(3_600_000), async () => {
      expect((await server.call('GET', '/health')).body).toMatchObject({ status: 'ready', clock: 'jumped' });
      expect((await server.call('GET', '/metrics')).body).toContain('rectrail_clock_jumped 1');
      expect((await server.call('GET', '/organisations')).status).toBe(200);
      expect(await server.get('/log/clock')).toMatchObject({ state: 'jumped', aheadSeconds: expect.closeTo(3_600, -2) });
      await put(0);
    });
    expect(codes).toEqual(['clock-jumped']);
    expect(await health('/health')).toMatchObject({ clock: 'steady' });
    const before = acknowledged.length;
    // An hour back hinders nobody.
    await put(-3_600_000);
    await goesOn();
    await put(0);
    expect(acknowledged.length).toBeGreaterThan(before);
  }, testMsMax);

  it('whose clock an administrator confirms stores again, at the new time', async () => {
    const put = `create or replace function rectrail_events.now_ms() returns bigint language sql volatile as
      $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + 3600000 $$`;
    await during(() => admin.query(put), async () => {
      expect((await server.call('POST', '/log/clock/confirm', { body: {}, token: server.token })).status).toBe(400);
      const other = await server.makeToken('CITY', 'organisation', '某市');
      expect((await server.call('POST', '/log/clock/confirm', { body: { reason: '误' }, token: other })).status).toBe(403);
      expect(await server.post('/log/clock/confirm', { reason: '此前时钟慢了一小时，已校正' })).toMatchObject({ state: 'steady' });
    });
  }, testMsMax);

  it('has lost nothing and doubled nothing by all that', async () => {
    isWriting = false;
    await writing;
    const store = await PostgresEventStore.open({ connectionString: database.url });
    const stored: { readonly code: string; readonly position: number; readonly recordedAt: string }[] = [];
    for (let after = position(0); ;) {
      const { events, scannedTo } = await store.readAll({ after });
      if (events.length === 0) break;
      for (const { position: at, recordedAt, type, content } of events) {
        stored.push({ position: at, recordedAt, code: type === 'IssueRegistered' ? JSON.parse(content).data.title : type });
      }
      after = scannedTo;
    }
    expect(stored.map((one) => one.position)).toEqual(stored.map((_, n) => n + 1));
    const times = stored.map(({ recordedAt }) => recordedAt);
    expect(times).toEqual(times.toSorted());
    const codes = stored.map(({ code }) => code).filter((code) => code.startsWith('第'));
    expect(new Set(codes).size).toBe(codes.length);
    for (const one of acknowledged) expect(stored[one.position - 1]?.code).toBe(one.code);
    // Read models have followed to the end.
    const head = (await store.head()).position;
    const dashboard = await server.get(`/dashboard?atLeast=${head}`);
    expect(dashboard.figures.issues.total).toBe(codes.length);
    tellCounts({ 'requests acknowledged beside faults of the database': acknowledged.length });
    await store.close();
  });
});
