// Goal: a rebuild obeys its operator and outlives its process: stopped it stays stopped, interrupted it goes on, from whichever process it is asked.
// Method: a real PostgreSQL, the store in memory, two runners for two processes; a reader that holds the gate keeps a rebuild at its swap as long as a test wants.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { MemoryEventStore } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { engineSql } from './checkpoint.ts';
import { ProjectionRunner, type RunnerStatus } from './projection-runner.ts';
import type { Projection } from './projection.ts';
import { appendCounted, decodeCounted, newCountedLog, tally } from './testing/counted-log.ts';
import { dumpDigest, poolDatabase } from './testing/index.ts';
import type { ProjectionDatabase } from './transaction.ts';

const schema = 'spec';

describe('a rebuild under an operator', () => {
  let testDatabase: TestDatabase;
  let pool: pg.Pool;
  let database: ProjectionDatabase;
  let store: MemoryEventStore;
  let here: ProjectionRunner;
  let elsewhere: ProjectionRunner;
  let reader: pg.PoolClient;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    pool = new pg.Pool({ connectionString: testDatabase.url });
    database = poolDatabase(pool);
  });

  afterAll(async () => {
    await pool.end();
    await testDatabase.drop();
  });

  const runnerOf = async (projection: Projection): Promise<ProjectionRunner> => {
    const runner = new ProjectionRunner({ store, decode: decodeCounted, database, projections: [projection], schema, retryDelayMs: 5 });
    await runner.prepare();
    return runner;
  };

  beforeEach(async () => {
    await pool.query(`drop schema if exists ${schema} cascade; drop schema if exists ${schema}_next_tally cascade; create schema ${schema}`);
    for (const sql of engineSql(schema)) await pool.query(sql);
    store = newCountedLog();
    await appendCounted(store, Array.from({ length: 40 }, (_, n) => `even-${n % 7}`));
    [here, elsewhere] = [await runnerOf(tally()), await runnerOf(tally())];
    await here.project();
    reader = await pool.connect();
    await reader.query(`begin; lock table ${schema}.gate in access share mode`);
  });

  const letSwap = async (): Promise<void> => {
    await reader.query('rollback');
    reader.release();
  };

  const statusOf = async (runner: ProjectionRunner): Promise<RunnerStatus> => (await runner.status())[0]!;
  const dump = (): Promise<string> => database.transaction((tx) => dumpDigest(tx, schema, tally().tables));

  const until = async (holds: (status: RunnerStatus) => boolean): Promise<RunnerStatus> => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const status = await statusOf(elsewhere);
      if (holds(status)) return status;
      if (performance.now() > deadline) throw new Error(`it does not come to hold: ${JSON.stringify(status)}`);
      await sleep(5);
    }
  };
  const untilSwapping = (): Promise<RunnerStatus> => until(({ build }) => build?.phase === 'swapping');

  it('is seen to run from another process, and when its rows were put in place', async () => {
    expect(await statusOf(elsewhere)).toMatchObject({ build: null, swappedAt: null });
    const rebuilt = here.rebuild('tally');
    expect(await untilSwapping()).toMatchObject({ build: { running: true, paused: false } });
    await letSwap();
    await rebuilt;
    expect(await statusOf(elsewhere)).toMatchObject({ build: null, swappedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it('that is stopped keeps what it has made, and goes on only when it is asked for', async () => {
    const before = await dump();
    const rebuilt = here.rebuild('tally').catch((error: unknown) => error);
    const { build } = await untilSwapping();
    expect(await here.pauseRebuild('tally')).toBe(true);
    expect(await rebuilt).toMatchObject({ code: 'rebuild-stopped' });
    expect(await statusOf(here)).toMatchObject({ build: { phase: 'swapping', position: 40, running: false, paused: true, failure: null } });
    await letSwap();
    await expect(elsewhere.rebuild('tally', { onlyInterrupted: true })).rejects.toMatchObject({ code: 'rebuild-stopped' });
    elsewhere.start();
    await sleep(50);
    expect((await statusOf(here)).build).toMatchObject({ running: false, paused: true, startedAt: build?.startedAt });
    await elsewhere.rebuild('tally');
    await elsewhere.stop();
    expect(await statusOf(here)).toMatchObject({ build: null, position: 40 });
    expect(await dump()).toBe(before);
  });

  it.each(['pauseRebuild', 'cancelRebuild'] as const)('ends by %s of another process, whatever statement is at hand', async (end) => {
    const rebuilt = here.rebuild('tally').catch((error: unknown) => error);
    await untilSwapping();
    expect(await elsewhere[end]('tally')).toBe(true);
    expect(await rebuilt).toBeInstanceOf(Error);
    await letSwap();
    await expect(here.rebuild('tally', { onlyInterrupted: true })).rejects.toMatchObject({ code: end === 'pauseRebuild' ? 'rebuild-stopped' : 'rebuild-cancelled' });
    expect((await statusOf(here)).build).toEqual(end === 'pauseRebuild' ? expect.objectContaining({ paused: true, running: false }) : null);
    expect(await elsewhere[end]('tally')).toBe(end === 'pauseRebuild');
    await here.rebuild('tally');
  });

  it('that ends with its process goes on in the next one where it was', async () => {
    const rebuilt = here.rebuild('tally').catch((error: unknown) => error);
    const { build } = await untilSwapping();
    await here.stop();
    expect(await rebuilt).toMatchObject({ name: 'AbortError' });
    expect((await statusOf(elsewhere)).build).toMatchObject({ running: false, paused: false, startedAt: build?.startedAt });
    const again = elsewhere.rebuild('tally', { onlyInterrupted: true });
    expect((await until((status) => status.build?.running === true)).build).toMatchObject({ startedAt: build?.startedAt });
    await letSwap();
    await again;
    await expect(elsewhere.rebuild('tally', { onlyInterrupted: true })).rejects.toMatchObject({ code: 'rebuild-cancelled' });
  });

  it('that fails by what is derived from all rows lets no event be skipped for it', async () => {
    const { bulk, ...rest } = tally();
    const failing = await runnerOf({ ...rest, bulk: { ...bulk!, finish: async ({ tx }) => { await tx.query('select 1 / 0'); } } });
    await expect(failing.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed', at: 40 });
    await expect(failing.skip('tally', position(40), { by: 'anna', reason: 'it is the last' })).rejects.toMatchObject({ code: 'skip-refused' });
    await letSwap();
  });

  it('that a change of version needs waits too, and is made when it is asked for', async () => {
    const newer = await runnerOf(tally({ version: 2 }));
    elsewhere = newer;
    newer.start();
    await untilSwapping();
    expect(await newer.pauseRebuild('tally')).toBe(true);
    await letSwap();
    await sleep(50);
    expect(await statusOf(newer)).toMatchObject({ version: 1, readable: false, build: { version: 2, paused: true, running: false } });
    await newer.rebuild('tally');
    expect(await newer.catchUp(position(40), 10_000)).toBe(true);
    await newer.stop();
    expect(await statusOf(newer)).toMatchObject({ version: 2, readable: true, build: null });
  });
});
