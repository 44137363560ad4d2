// Goal: a projection sees each event once and in order, whatever batches, restarts, failures and rivals there are.
// Method: a real PostgreSQL and a projection that writes down what it is given; events come from the store in memory.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import type { MemoryEventStore } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { engineSql } from './checkpoint.ts';
import { ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts';
import { defineProjection, type Projection } from './projection.ts';
import { appendCounted, decodeCounted, newCountedLog, type Counted } from './testing/counted-log.ts';
import { dumpDigest, poolDatabase } from './testing/index.ts';
import type { TableDefinition } from './table.ts';
import type { ProjectionDatabase } from './transaction.ts';

const schema = 'spec';

const tableOf = (name: string): TableDefinition => ({
  name: `${name}_seen`, columns: { position: 'bigint not null', stream_version: 'integer not null', before: 'integer not null' }, primaryKey: ['position'],
});

/** Writes each fact down, and beside it how many of its stream came before. */
const recorder = (name: string, streamPrefix = '', version = 1, failsAt: () => number = () => -1): Projection => defineProjection<Counted>({
  name, version, streamPrefix, tables: [tableOf(name)],
  async apply(facts, context) {
    const earlier = await context.earlier([...new Set(facts.map((fact) => fact.streamId))]);
    for (const [index, fact] of facts.entries()) {
      if (fact.position === failsAt()) throw new Error(`cannot count ${fact.event.data.n}`);
      const before = (earlier.get(fact.streamId) ?? []).length + facts.slice(0, index).filter((f) => f.streamId === fact.streamId).length;
      await context.tx.query(`insert into ${context.schema}.${name}_seen (position, stream_version, before) values ($1, $2, $3)`, [fact.position, fact.streamVersion, before]);
    }
  },
});

describe('projection runner', () => {
  let testDatabase: TestDatabase;
  let pool: pg.Pool;
  let database: ProjectionDatabase;
  let store: MemoryEventStore;

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
    await pool.query(`drop schema if exists ${schema} cascade; drop schema if exists ${schema}_next_all cascade; create schema ${schema}`);
    for (const sql of engineSql(schema)) await pool.query(sql);
    store = newCountedLog();
  });

  const append = async (count: number): Promise<void> => {
    const { position: head } = await store.head();
    await appendCounted(store, Array.from({ length: count }, (_, n) => ((head + n) % 2 === 0 ? 'odd-1' : 'even-1')));
  };

  const runnerOf = (projections: readonly Projection[], options: Partial<ProjectionRunnerOptions> = {}): ProjectionRunner =>
    new ProjectionRunner({ store, decode: decodeCounted, database, projections, schema, retryDelayMs: 5, ...options });

  const seen = async (name: string): Promise<readonly number[]> => (await pool.query<{ position: string }>(`select position from ${schema}.${name}_seen order by position`)).rows.map((r) => Number(r.position));
  const dump = (name: string): Promise<string> => database.transaction((tx) => dumpDigest(tx, schema, [tableOf(name)]));
  const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i + 1);

  it('applies each event once, in order, and only those of its prefix', async () => {
    await append(7);
    const runner = runnerOf([recorder('all'), recorder('odd', 'odd-')], { batchEventsMax: 2 });
    await runner.prepare();
    await runner.project();
    await runner.project();
    expect(await seen('all')).toEqual(upTo(7));
    expect(await seen('odd')).toEqual([1, 3, 5, 7]);
    expect((await runner.status()).map((c) => [c.name, c.position])).toEqual([['all', 7], ['odd', 7]]);
  });

  it('gives the same rows for every cut of batches and every place of a restart', async () => {
    await append(12);
    const clean = runnerOf([recorder('all')]);
    await clean.prepare();
    await clean.project();
    const expected = await dump('all');
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 5 })), { maxLength: 5 }), async (stops) => {
      await pool.query(`delete from ${schema}.all_seen; update ${schema}.projection_checkpoint set position = 0`);
      for (const [to, batchEventsMax] of [...stops, [12, 3] as const]) await runnerOf([recorder('all')], { batchEventsMax }).project(position(to));
      expect(await dump('all')).toBe(expected);
    }), { numRuns: 25 });
  });

  it('stops a projection at an event that it cannot apply, with position and reason, and lets the others go on', async () => {
    await append(6);
    let failsAt = 4;
    const told: (number | null)[] = [];
    const runner = runnerOf([recorder('all', '', 1, () => failsAt), recorder('odd', 'odd-')], { onFailure: (_name, at) => told.push(at) });
    await runner.prepare();
    await runner.project();
    expect(await seen('all')).toEqual(upTo(3));
    expect(await seen('odd')).toEqual([1, 3, 5]);
    expect(told).toEqual([4]);
    expect((await runner.status())[0]).toMatchObject({ name: 'all', position: 3, failure: { position: 4, reason: 'cannot count 3' } });
    expect(await runner.catchUp(position(6), 2_000)).toBe(false);
    failsAt = -1;
    await runner.project();
    expect(await seen('all')).toEqual(upTo(6));
    expect((await runner.status())[0]).toMatchObject({ position: 6, failure: null });
  });

  it('has reached everything before the event that stopped it, other streams included', async () => {
    await append(6);
    const runner = runnerOf([recorder('odd', 'odd-', 1, () => 5)]);
    await runner.prepare();
    await runner.project();
    expect((await runner.status())[0]).toMatchObject({ position: 4, failure: { position: 5 } });
    const before = performance.now();
    expect([await runner.catchUp(position(4), 2_000), await runner.catchUp(position(5), 2_000)]).toEqual([true, false]);
    expect(performance.now() - before).toBeLessThan(1_900);
  });

  it('that has stopped keeps nobody waiting who needs another one', async () => {
    await append(6);
    const runner = runnerOf([recorder('odd', 'odd-', 1, () => 5), recorder('all')]);
    await runner.prepare();
    await runner.project();
    expect([await runner.catchUp(position(6), 2_000, { only: ['all'] }), await runner.catchUp(position(6), 2_000, { only: ['odd', 'all'] })]).toEqual([true, false]);
  });

  it('stops at an event that cannot be decoded', async () => {
    await append(3);
    const runner = runnerOf([recorder('all')], { decode: (stored) => { if (stored.position === 2) throw new Error('unknown type'); return decodeCounted(stored); } });
    await runner.prepare();
    await runner.project();
    expect((await runner.status())[0]).toMatchObject({ position: 1, failure: { position: 2, reason: 'unknown type' } });
  });

  it('tries a batch again that failed for want of the database', async () => {
    await append(3);
    let faults = 2;
    const faulty: ProjectionDatabase = {
      ...database,
      transaction: (work) => database.transaction(async (tx) => {
        const result = await work(tx);
        if (faults > 0 && (await tx.query(`select 1 from ${schema}.all_seen`)).length > 0) { faults -= 1; throw Object.assign(new Error('gone'), { code: '57P01' }); }
        return result;
      }),
    };
    const runner = runnerOf([recorder('all')], { database: faulty });
    await runner.prepare();
    runner.start();
    expect(await runner.catchUp(position(3), 5_000)).toBe(true);
    await runner.stop();
    expect(faults).toBe(0);
    expect(await seen('all')).toEqual(upTo(3));
  });

  it('follows the log live, and two rivals apply each event once', async () => {
    const rivals = [runnerOf([recorder('all')], { batchEventsMax: 3 }), runnerOf([recorder('all')], { batchEventsMax: 2 })];
    await rivals[0]!.prepare();
    rivals.forEach((rival) => { rival.start(); });
    await append(40);
    expect(await rivals[1]!.catchUp(position(40), 10_000)).toBe(true);
    await Promise.all(rivals.map((rival) => rival.stop()));
    expect(await seen('all')).toEqual(upTo(40));
  });

  it('answers false when a position is not reached in time', async () => {
    const runner = runnerOf([recorder('all')]);
    await runner.prepare();
    await append(1);
    expect(await runner.catchUp(position(1), 60)).toBe(false);
  });

  it('rebuilds into the same rows, also while it follows the log', async () => {
    await append(9);
    const runner = runnerOf([recorder('all')], { batchEventsMax: 4 });
    await runner.prepare();
    await runner.project();
    const before = await dump('all');
    runner.start();
    await runner.rebuild('all');
    expect(await dump('all')).toBe(before);
    await append(2);
    expect(await runner.catchUp(position(11), 5_000)).toBe(true);
    await runner.stop();
    expect(await seen('all')).toEqual(upTo(11));
  });

  it('survives a rebuild by another process without a gap', async () => {
    await append(5);
    const [one, other] = [runnerOf([recorder('all')]), runnerOf([recorder('all')])];
    await one.prepare();
    one.start();
    expect(await one.catchUp(position(5), 5_000)).toBe(true);
    await database.transaction(async (tx) => { await tx.query(`delete from ${schema}.all_seen`); await tx.query(`update ${schema}.projection_checkpoint set position = 0`); });
    await append(3);
    expect(await one.catchUp(position(8), 5_000)).toBe(true);
    await one.stop();
    await other.project();
    expect(await seen('all')).toEqual(upTo(8));
  });

  it('goes on following after a rebuild that failed for want of the store', async () => {
    await append(3);
    const runner = runnerOf([recorder('all')]);
    await runner.prepare();
    runner.start();
    const head = store.head.bind(store);
    store.head = () => Promise.reject(new Error('no store'));
    await expect(runner.rebuild('all')).rejects.toThrow('no store');
    store.head = head;
    expect(await runner.catchUp(position(3), 5_000)).toBe(true);
    await runner.stop();
    expect(await seen('all')).toEqual(upTo(3));
  });

  it('looks at the checkpoints once for many that wait', async () => {
    let looks = 0;
    const counting: ProjectionDatabase = { ...database, query: (sql, params) => { looks += 1; return database.query(sql, params); } };
    const runner = runnerOf([recorder('all')], { database: counting });
    await runner.prepare();
    await append(1);
    expect(await Promise.all(Array.from({ length: 50 }, () => runner.catchUp(position(1), 100)))).toEqual(Array.from({ length: 50 }, () => false));
    expect(looks).toBeLessThan(15);
  });

  it('refuses a name that is no plain identifier, and a batch of nothing', () => {
    expect(() => recorder('no good')).toThrow(RangeError);
    expect(() => recorder('all', '', 0)).toThrow(RangeError);
    expect(() => runnerOf([recorder('all')], { batchEventsMax: 0 })).toThrow(RangeError);
    expect(() => runnerOf([recorder('all'), recorder('all')])).toThrow(RangeError);
  });
});
