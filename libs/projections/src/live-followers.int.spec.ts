// Goal: projections that follow the log live share its reading, commit in their order, and hold each other up neither by failures nor by slowness.
// Method: a real PostgreSQL, runners that follow a store in memory while it grows, projections that write down what they are given and that fail or wait where they are told to.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { MemoryEventStore, StoredEvent } from '@rectrail/event-store';
import { position, type Fact, type Position } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { engineSql } from './checkpoint.ts';
import { ProjectionRunner } from './projection-runner.ts';
import { defineProjection, type Projection } from './projection.ts';
import { appendCounted, appendTogether, decodeCounted, newCountedLog, type Counted } from './testing/counted-log.ts';
import { poolDatabase } from './testing/index.ts';
import type { ProjectionDatabase } from './transaction.ts';

const schema = 'spec';

/** `before` is called with each position before it is written down. */
const recorder = (name: string, before: (at: Position) => unknown = () => undefined): Projection => defineProjection<Counted>({
  name, version: 1, streamPrefix: '', tables: [{ name: `${name}_seen`, columns: { position: 'bigint not null' }, primaryKey: ['position'] }],
  async apply(facts, { tx, schema: at }) {
    for (const fact of facts) await before(fact.position);
    await tx.copy({ table: `${at}.${name}_seen`, columns: ['position'], rows: facts.map((fact) => [fact.position]) });
  },
});

describe('projections that follow live', () => {
  let testDatabase: TestDatabase;
  let pool: pg.Pool;
  let database: ProjectionDatabase;
  let store: MemoryEventStore;
  let decoded: number;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    pool = new pg.Pool({ connectionString: testDatabase.url });
    database = poolDatabase(pool);
  });

  afterAll(async () => {
    await pool.end();
    await testDatabase.drop();
  });

  beforeEach(async () => {
    await pool.query(`drop schema if exists ${schema} cascade; create schema ${schema}`);
    for (const sql of engineSql(schema)) await pool.query(sql);
    store = newCountedLog();
    decoded = 0;
  });

  /** One append of so many events. */
  const appendAtOnce = (count: number): Promise<void> => appendTogether(store, 'count-1', upTo(count));
  const append = (count: number): Promise<void> => appendCounted(store, Array.from({ length: count }, () => 'count-1'));

  const started = async (projections: readonly Projection[], batchEventsMax = 500, through = database): Promise<ProjectionRunner> => {
    const decode = (stored: StoredEvent): Fact => { decoded += 1; return decodeCounted(stored); };
    const runner = new ProjectionRunner({ store, decode, database: through, projections, schema, batchEventsMax, retryDelayMs: 5 });
    await runner.prepare();
    runner.start();
    return runner;
  };

  const seen = async (name: string): Promise<readonly number[]> => (await pool.query<{ position: string }>(`select position from ${schema}.${name}_seen order by position`)).rows.map((r) => Number(r.position));
  const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i + 1);
  const standing = async (): Promise<readonly number[]> =>
    (await pool.query<{ position: string }>(`select position from ${schema}.projection_checkpoint where generation = 'live' order by name`)).rows.map((r) => Number(r.position));

  it('decode each event once, for all of them', async () => {
    const runner = await started([recorder('first'), recorder('second'), recorder('third')]);
    for (let n = 1; n <= 30; n += 1) {
      await append(1);
      expect(await runner.catchUp(position(n), 10_000)).toBe(true);
    }
    await runner.stop();
    for (const name of ['first', 'second', 'third']) expect(await seen(name)).toEqual(upTo(30));
    // All three come to the live log at the same time, or two of them first: what one is behind then, it reads alone.
    expect(decoded).toBeLessThan(40);
  });

  it('commit in their order: the last never stands ahead, however fast it is', async () => {
    const pause = (at: Position): Promise<void> => new Promise((resolve) => { setTimeout(resolve, at % 7); });
    const runner = await started([recorder('a_slow', pause), recorder('b_fast')]);
    await append(1);
    expect(await runner.catchUp(position(1), 10_000)).toBe(true);
    const looks: (readonly number[])[] = [];
    const looking = (async () => { for (let head = 1; head < 80;) looks.push([head] = await standing() as [number, number]); })();
    for (let n = 2; n <= 80; n += 1) {
      await append(1);
      if (n % 3 === 0) expect(await runner.catchUp(position(n), 10_000)).toBe(true);
    }
    await looking;
    await runner.stop();
    expect(looks.filter(([slow = 0, fast = 0]) => fast > slow)).toEqual([]);
    expect(new Set(looks.map(([slow]) => slow)).size).toBeGreaterThan(10);
  });

  it('leave one behind that fails, which comes back into step once it can go on', async () => {
    let failsAt = 4;
    const runner = await started([recorder('a_failing', (at) => { if (at === failsAt) throw new Error('cannot count'); }), recorder('b_other')], 5);
    await append(9);
    expect(await runner.catchUp(position(9), 10_000, { only: ['b_other'] })).toBe(true);
    expect(await runner.catchUp(position(9), 10_000)).toBe(false);
    expect((await runner.status())[0]).toMatchObject({ position: 3, failure: { position: 4, reason: 'cannot count' } });
    await append(3);
    expect(await runner.catchUp(position(12), 10_000, { only: ['b_other'] })).toBe(true);
    failsAt = -1;
    await runner.skip('a_failing', position(4), { by: 'spec', reason: 'spec' });
    expect(await runner.catchUp(position(12), 10_000)).toBe(true);
    await append(30);
    expect(await runner.catchUp(position(42), 10_000)).toBe(true);
    await runner.stop();
    expect(await seen('a_failing')).toEqual(upTo(42).filter((at) => at !== 4));
    expect(await seen('b_other')).toEqual(upTo(42));
  });

  it('do not wait for one that is long at a slice', async () => {
    const gate = Promise.withResolvers<undefined>();
    const runner = await started([recorder('a_quick'), recorder('b_slow', (at) => (at === 2 ? gate.promise : undefined))]);
    await append(2);
    expect(await runner.catchUp(position(2), 10_000, { only: ['a_quick'] })).toBe(true);
    await append(20);
    expect(await runner.catchUp(position(22), 10_000, { only: ['a_quick'] })).toBe(true);
    const [, slow = 0] = await standing();
    expect(slow).toBeLessThan(2);
    gate.resolve(undefined);
    expect(await runner.catchUp(position(22), 10_000)).toBe(true);
    await runner.stop();
    expect([await seen('a_quick'), await seen('b_slow')]).toEqual([upTo(22), upTo(22)]);
  });

  it('end after the batches at hand, also after one that takes long', async () => {
    const [begun, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const runner = await started([recorder('a_quick'), recorder('b_slow', () => { begun.resolve(undefined); return gate.promise; })]);
    await append(1);
    await begun.promise;
    const stopped = runner.stop().then(async () => seen('b_slow'));
    const meanwhile = await Promise.race([stopped, sleep(600, 'still at work')]);
    gate.resolve(undefined);
    expect([meanwhile, await stopped]).toEqual(['still at work', upTo(1)]);
  });

  it('have one batch at hand each, also while one goes on alone with a full one', async () => {
    let [open, most] = [0, 0];
    const counting: ProjectionDatabase = { ...database, transaction: async (work) => {
      most = Math.max(most, open += 1);
      return database.transaction(work).finally(() => { open -= 1; });
    } };
    const gate = Promise.withResolvers<undefined>();
    const runner = await started([recorder('only', () => gate.promise)], 2, counting);
    await appendAtOnce(2);
    await sleep(600);
    gate.resolve(undefined);
    const isThere = await runner.catchUp(position(2), 10_000);
    await runner.stop();
    expect([isThere, most]).toEqual([true, 1]);
  });

  it('need no more than one connection between them', async () => {
    const onePool = new pg.Pool({ connectionString: testDatabase.url, max: 1 });
    const runner = await started([recorder('a_failing', (at) => { if (at === 3) throw new Error('cannot count'); }), recorder('b_other')], 500, poolDatabase(onePool));
    await append(1);
    expect(await runner.catchUp(position(1), 10_000)).toBe(true);
    await appendAtOnce(4);
    const isThere = await runner.catchUp(position(5), 5_000, { only: ['b_other'] });
    await runner.stop();
    expect(isThere).toBe(true);
    expect((await runner.status())[0]).toMatchObject({ position: 2, failure: { position: 3 } });
    await onePool.end();
  });

  it('apply each event once, whatever breaks off their transactions and whoever else follows', async () => {
    let statements = 0;
    const frail: ProjectionDatabase = { ...database, transaction: (work) => database.transaction(async (tx) => {
      const result = await work(tx);
      if ((statements += 1) % 5 === 0) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      return result;
    }) };
    const projections = [recorder('first'), recorder('second')];
    const options = { store, decode: decodeCounted, projections, schema, retryDelayMs: 1 };
    const runners = [new ProjectionRunner({ ...options, database, batchEventsMax: 2 }), new ProjectionRunner({ ...options, database: frail, batchEventsMax: 3 })];
    await runners[0]!.prepare();
    await runners[1]!.prepare();
    runners.forEach((runner) => { runner.start(); });
    await append(60);
    expect(await runners[0]!.catchUp(position(60), 10_000)).toBe(true);
    await Promise.all(runners.map((runner) => runner.stop()));
    expect(statements).toBeGreaterThan(5);
    expect([await seen('first'), await seen('second')]).toEqual([upTo(60), upTo(60)]);
  });
});
