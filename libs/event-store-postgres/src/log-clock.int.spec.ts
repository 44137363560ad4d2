// Goal: no event is stamped by a clock that has leapt ahead, a clock set back hinders nobody, and a long rest is no leap. Method: a real PostgreSQL whose clock is put by the
// one function that reads it; the steady clock of the process is put as well, so that hours pass at once.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { msOfInstant, streamVersion } from '@rectrail/kernel';
import { freshStream, readToEnd, requestOf } from '@rectrail/event-store/testing';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import pg from 'pg';
import { PostgresEventStore } from './postgres-event-store.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('the clock of the log', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let schema: string;
  let schemas = 0;
  /** Time that has passed in truth, and what somebody has added to the database's clock; ms. */
  let passed: number;
  let set: number;
  /** What the process believes of the time of day, beside the machine's: `passed` unless a test says otherwise. */
  let told: number;
  const opened: PostgresEventStore[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  afterAll(async () => { await admin.end(); await database.drop(); });

  const open = async (): Promise<PostgresEventStore> => {
    const from = performance.now();
    const clocks = { now: () => Date.now() + told, uptime: () => passed + performance.now() - from };
    const store = await PostgresEventStore.open({ connectionString: database.url, schema, clocks });
    opened.push(store);
    return store;
  };
  const put = async (): Promise<void> => {
    await admin.query(`create or replace function ${schema}.now_ms() returns bigint language sql volatile as
      $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${passed + set} $$`);
  };
  const pass = async (ms: number): Promise<void> => { passed += ms; told += ms; await put(); };
  const setClock = async (ms: number): Promise<void> => { set = ms; await put(); };
  const append = (store: PostgresEventStore) => store.append(requestOf([{ stream: freshStream(), expected: 'none', says: ['x'] }]));
  const refused = expect.objectContaining({ code: 'clock-jumped' });

  let store: PostgresEventStore;
  beforeEach(async () => {
    schemas += 1;
    schema = `clock_${schemas}`;
    passed = 0;
    set = 0;
    told = 0;
    store = await open();
    await append(store);
  });
  afterEach(async () => { await Promise.all(opened.splice(0).map((one) => one.close())); });

  it('set back an hour: times stand still and never go back, and nobody is refused', async () => {
    await setClock(-hour);
    await append(store);
    await append(store);
    const times = (await readToEnd(store)).map(({ recordedAt }) => recordedAt);
    expect(times).toEqual(times.toSorted());
    expect(new Set(times).size).toBe(1);
    expect(await store.clock()).toMatchObject({ state: 'steady', aheadSeconds: expect.closeTo(-3_600, -1) });
    await setClock(0);
    expect((await append(store)).recordedAt >= times[0]!).toBe(true);
  });

  it('leapt ahead an hour: nothing is recorded, it is told, and it goes on by itself once the clock is right', async () => {
    await setClock(hour);
    const request = requestOf([{ stream: freshStream(), expected: 'none', says: ['once'] }]);
    await expect(store.append(request)).rejects.toEqual(refused);
    await expect(Promise.all([1, 2, 3].map(() => append(store)))).rejects.toEqual(refused);
    await expect(store.append(requestOf([{ stream: freshStream(), expected: 'none', says: Array.from({ length: 1_500 }, (_, n) => `large ${n}`) }]))).rejects.toEqual(refused);
    expect((await store.head()).position).toBe(1);
    expect(await store.clock()).toMatchObject({ state: 'jumped', aheadSeconds: expect.closeTo(3_600, -1) });
    expect((await admin.query(`select kind from ${schema}.clock_marks order by mark_no`)).rows.map(({ kind }) => kind as string)).toEqual(['vouched', 'jumped']);
    await setClock(0);
    expect(await store.append(request)).toMatchObject({ first: 2, repeated: false });
    expect(await store.append(request)).toMatchObject({ first: 2, repeated: true });
    expect((await store.clock()).state).toBe('steady');
  });

  it('after a rest of days the first append is taken, by every process, and a large one too', async () => {
    const other = await open();
    for (const one of [store, other]) {
      await pass(72 * hour);
      expect(msOfInstant((await append(one)).recordedAt)).toBeGreaterThan(Date.now() + 71 * hour);
    }
    await pass(72 * hour);
    await store.append(requestOf([{ stream: freshStream(), expected: 'none', says: Array.from({ length: 1_500 }, (_, n) => `large ${n}`) }]));
    expect((await store.head()).position).toBe(1_503);
  });

  it('a leap after a rest is found too, and a steady time within it is awaited', async () => {
    await pass(10 * hour);
    await setClock(365 * 24 * hour);
    await expect(append(store)).rejects.toEqual(refused);
    await pass(3 * hour);
    await expect(append(store)).rejects.toEqual(refused);
    await setClock(0);
    await append(store);
    expect(msOfInstant((await store.head()).recordedAt!)).toBeLessThan(Date.now() + 14 * hour);
  });

  it('a restart does not take a leapt clock for right; one that was put right meanwhile it does', async () => {
    await setClock(hour);
    await expect(append(store)).rejects.toEqual(refused);
    const restarted = await open();
    await expect(append(restarted)).rejects.toEqual(refused);
    await pass(20 * minute);
    await setClock(0);
    await append(await open());
    // The leap is over: what is found later is not taken for it.
    await pass(2 * hour);
    await append(await open());
  });

  it('a clock ahead of that of the process is not taken for right at the start either', async () => {
    await pass(hour);
    told = 0;
    await expect(append(await open())).rejects.toEqual(refused);
    await append(store);
  });

  it('is taken as it is once somebody has confirmed it, by every process', async () => {
    const other = await open();
    await setClock(hour);
    await expect(append(store)).rejects.toEqual(refused);
    await store.confirmClock({ by: 'operator', reason: '时钟此前慢了一小时' });
    expect(msOfInstant((await append(store)).recordedAt)).toBeGreaterThan(Date.now() + 50 * minute);
    await pass(2 * hour);
    await append(other);
    await pass(2 * hour);
    await append(store);
    expect((await admin.query(`select said_by, reason from ${schema}.clock_marks where kind = 'confirmed'`)).rows).toEqual([{ said_by: 'operator', reason: '时钟此前慢了一小时' }]);
  });

  it('is not taken for whatever it says later by a process that hears late of what was confirmed', async () => {
    const other = await open();
    await setClock(hour);
    await expect(append(store)).rejects.toEqual(refused);
    await store.confirmClock({ by: 'operator', reason: '时钟此前慢了一小时' });
    await append(store);
    await pass(minute);
    await setClock(365 * 24 * hour);
    await expect(append(other)).rejects.toEqual(refused);
    await setClock(hour);
    await append(other);
    await pass(10 * hour);
    await append(other);
  });

  it('whose mark cannot be set hinders appends for a bounded time, and no longer than that', async () => {
    const impatient = await PostgresEventStore.open({ connectionString: database.url, schema, connectTimeoutMs: 1_000, clocks: { now: () => Date.now(), uptime: () => passed } });
    opened.push(impatient);
    await pass(hour);
    await admin.query(`begin; lock table ${schema}.clock_marks in exclusive mode`);
    await expect(append(impatient)).rejects.toMatchObject({ code: 'event-store-unavailable' });
    await admin.query('rollback');
    await append(impatient);
  });

  it('does not hinder a retry of what is recorded already', async () => {
    const request = requestOf([{ stream: freshStream(), expected: 'none', says: ['said'] }]);
    await store.append(request);
    await setClock(hour);
    expect(await store.findCommand(request.commandId)).toMatchObject({ first: 2 });
    await setClock(0);
    expect(await store.append({ ...request, entries: [{ ...request.entries[0]!, expectedVersion: streamVersion(7) }] })).toMatchObject({ repeated: true });
  });
});
