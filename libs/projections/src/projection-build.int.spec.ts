// Goal: rows made anew beside the live ones equal them byte for byte, whatever stops, kills, appends and rivals there are, and no reader ever sees half of a swap.
// Method: a real PostgreSQL, the store in memory, a projection that writes down what it is given and derives totals; what `apply` alone makes is expected.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import pg from 'pg';
import type { MemoryEventStore } from '@rectrail/event-store';
import { position, type Fact, type Position } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { engineSql } from './checkpoint.ts';
import type { BuildProgress } from './projection-build.ts';
import { ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts';
import type { Projection } from './projection.ts';
import { appendCounted, decodeCounted, newCountedLog, tally, type TallyOptions } from './testing/counted-log.ts';
import { dumpDigest, poolDatabase } from './testing/index.ts';
import { mortalDatabase } from './testing/mortal-database.ts';
import type { ProjectionDatabase } from './transaction.ts';

const schema = 'spec';
const clean = 'clean';

describe('rebuild', () => {
  let testDatabase: TestDatabase;
  let pool: pg.Pool;
  let database: ProjectionDatabase;
  let store: MemoryEventStore;
  let runners: ProjectionRunner[];

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    pool = new pg.Pool({ connectionString: testDatabase.url, max: 30 });
    database = poolDatabase(pool);
  });

  afterAll(async () => {
    await pool.end();
    await testDatabase.drop();
  });

  const empty = async (): Promise<void> => {
    for (const one of [schema, clean]) {
      await pool.query(`drop schema if exists ${one} cascade; drop schema if exists ${one}_next_tally cascade; create schema ${one}`);
      for (const sql of engineSql(one)) await pool.query(sql);
    }
    store = newCountedLog();
    runners = [];
  };

  beforeEach(empty);

  const streams = (count: number, of = 7): readonly string[] => Array.from({ length: count }, (_, i) => `${i % 3 === 0 ? 'odd' : 'even'}-${(i * i + i) % of}`);
  const append = (count: number, of?: number): Promise<void> => appendCounted(store, streams(count, of));

  const runnerOf = (projection: Projection, options: Partial<ProjectionRunnerOptions> = {}): ProjectionRunner => {
    const runner = new ProjectionRunner({ store, decode: decodeCounted, database, projections: [projection], schema, retryDelayMs: 5, ...options });
    runners.push(runner);
    return runner;
  };

  const prepared = async (projection: Projection, options: Partial<ProjectionRunnerOptions> = {}): Promise<ProjectionRunner> => {
    const runner = runnerOf(projection, options);
    await runner.prepare();
    return runner;
  };

  const stopAll = async (): Promise<void> => { await Promise.all(runners.map((runner) => runner.stop())); };

  const dump = (of: string, projection: Projection): Promise<string> => database.transaction((tx) => dumpDigest(tx, of, projection.tables));

  /** What `apply` alone makes of the log up to a position, in one batch. */
  const expected = async (options: TallyOptions = {}, upTo?: Position): Promise<string> => {
    await pool.query(`drop schema ${clean} cascade; create schema ${clean}`);
    for (const sql of engineSql(clean)) await pool.query(sql);
    const projection = tally({ ...options, bulk: false });
    const runner = await prepared(projection, { schema: clean, laggingEventsMax: 100_000 });
    await runner.project(upTo);
    return dump(clean, projection);
  };

  const nextTables = async (): Promise<readonly string[]> =>
    (await pool.query<{ tablename: string }>('select tablename from pg_tables where schemaname = $1 order by 1', [`${schema}_next_tally`])).rows.map((row) => row.tablename);

  const statusOf = async (runner: ProjectionRunner) => (await runner.status())[0]!;

  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    const deadline = performance.now() + 20_000;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error('it does not come to hold');
      await sleep(5);
    }
  };

  it.each([true, false])('makes the same rows with its keys and indexes, by bulk load: %s', async (bulk) => {
    await append(60);
    const runner = await prepared(tally({ bulk }), { batchEventsMax: 7, laggingEventsMax: 9 });
    await runner.project();
    const before = await dump(schema, tally());
    const indexes = async (): Promise<readonly unknown[]> =>
      (await pool.query<Record<string, string>>('select indexname, indexdef from pg_indexes where schemaname = $1 and tablename like $2 order by 1', [schema, 'tally%'])).rows;
    const indexesBefore = await indexes();
    const seen: BuildProgress[] = [];
    await runner.rebuild('tally', { onProgress: (progress) => seen.push(progress) });
    expect(await dump(schema, tally())).toBe(before);
    expect(before).toBe(await expected());
    expect(await indexes()).toEqual(indexesBefore);
    expect(indexesBefore).toHaveLength(3);
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(bulk ? ['bulk', 'finish', 'indexes', 'swapping'] : ['catching-up', 'swapping']);
    expect(seen.at(-1)).toMatchObject({ name: 'tally', version: 1, position: 60, target: 60, failure: null });
    expect(await nextTables()).toEqual([]);
    expect(await statusOf(runner)).toMatchObject({ position: 60, readable: true, build: null, lagEvents: 0, laggingSince: null });
  });

  it('indexes and vacuums each table once, beside what finishes or after it', async () => {
    await append(40);
    const { bulk, ...rest } = tally();
    const heard: string[] = [];
    const heeding: ProjectionDatabase = {
      ...database,
      session: (work) => database.session((connection) => work({ ...connection, query: (sql, params) => { heard.push(sql); return connection.query(sql, params); } })),
    };
    const finish: NonNullable<typeof bulk>['finish'] = async ({ tx, schema: own }) => {
      await tx.query(`insert into ${own}.tally_total select stream_id, count(*), sum(n), max(position) from ${own}.tally_seen group by stream_id`);
    };
    const runner = await prepared({ ...rest, bulk: { ...bulk!, finish, finishes: ['tally_total'] } }, { database: heeding });
    await runner.rebuild('tally');
    expect(heard.filter((sql) => sql.startsWith('vacuum')).sort()).toEqual(['tally_seen', 'tally_total'].map((table) => `vacuum (analyze, buffer_usage_limit 0) ${schema}_next_tally.${table}`));
    expect((await pool.query(`select from pg_indexes where schemaname = '${schema}' and tablename like 'tally%'`)).rowCount).toBe(3);
    expect(await dump(schema, tally())).toBe(await expected());
  });

  it('goes on being projected and read meanwhile, and the live rows are taken over where they stand', async () => {
    await append(30);
    const runner = await prepared(tally(), { batchEventsMax: 3, laggingEventsMax: 4 });
    runner.start();
    expect(await runner.catchUp(position(30), 5_000)).toBe(true);
    for (let n = 0; n < 8; n += 1) {
      const [rebuilt] = await Promise.all([runner.rebuild('tally'), append(11)]);
      expect(rebuilt).toBeUndefined();
      expect(await runner.catchUp((await store.head()).position, 5_000)).toBe(true);
    }
    await stopAll();
    expect(await dump(schema, tally())).toBe(await expected());
  });

  it('equals the rows of one clean pass whatever is appended, stopped and killed, wherever', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ do: fc.constant('project' as const), batchEventsMax: fc.integer({ min: 1, max: 9 }), dies: fc.option(fc.integer({ min: 1, max: 60 })) }),
      fc.record({
        do: fc.constant('rebuild' as const), batchEventsMax: fc.integer({ min: 1, max: 9 }), dies: fc.option(fc.integer({ min: 1, max: 80 })),
        stopsAfter: fc.option(fc.integer({ min: 1, max: 6 })),
      }),
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      await empty();
      await append(20);
      await (await prepared(tally())).project(position(5));
      for (const one of steps) {
        if (one.do === 'append') {
          await append(one.count);
          continue;
        }
        const { batchEventsMax, dies } = one;
        const runner = runnerOf(tally(), { batchEventsMax, laggingEventsMax: batchEventsMax * 2, ...(dies !== null && { database: mortalDatabase(database, dies) }) });
        const stop = new AbortController();
        let progressed = 0;
        const onProgress = (): void => { progressed += 1; if (one.do === 'rebuild' && progressed === one.stopsAfter) stop.abort(new Error('stopped')); };
        const work = one.do === 'project' ? runner.project() : Promise.all([runner.rebuild('tally', { signal: stop.signal, onProgress }), append(5)]);
        await work.catch((error: unknown) => { expect(String(error)).toMatch(/killed at statement|Error: stopped/); });
      }
      const last = await prepared(tally());
      const { position: reached } = await statusOf(last);
      expect(await dump(schema, tally())).toBe(await expected({}, reached));
      await last.rebuild('tally');
      await last.project();
      expect(await dump(schema, tally())).toBe(await expected());
      expect(await nextTables()).toEqual([]);
    }), { numRuns: 12 });
  }, 60_000);

  it.each([true, false])('comes to the same rows whichever of its statements it was killed at; bulk load: %s', async (bulk) => {
    await append(40);
    const projection = tally({ bulk });
    await (await prepared(projection)).project(position(33));
    const wanted = await expected();
    const sizes = bulk ? { batchEventsMax: 3, laggingEventsMax: 3 } : { batchEventsMax: 12, laggingEventsMax: 12 };
    let killed = 0;
    for (let done = false; !done; killed += 1) {
      done = await runnerOf(projection, { ...sizes, database: mortalDatabase(database, killed + 1) }).rebuild('tally').then(() => true, (error: unknown) => {
        expect(String(error)).toContain('killed at statement');
        return false;
      });
      const next = await prepared(projection, { laggingEventsMax: 11 });
      await next.rebuild('tally');
      await next.project();
      expect(await dump(schema, projection)).toBe(wanted);
    }
    expect(killed).toBeGreaterThan(30);
    expect(await nextTables()).toEqual([]);
  }, 60_000);

  it('resumes where it was stopped: what a window has loaded is not loaded again', async () => {
    await append(400, 90);
    const whole = new Set(streams(400, 90)).size;
    const counts = new Map<string, number>();
    const projection = tally();
    const counting: Projection = { ...projection, bulk: { ...projection.bulk!, addStreams: (added, context) => {
      for (const id of added.keys()) counts.set(id, (counts.get(id) ?? 0) + 1);
      return projection.bulk!.addStreams(added, context);
    } } };
    const sizes = { batchEventsMax: 3, laggingEventsMax: 4 };
    const positions = new Set<number>();
    for (let tries = 0, done = false; !done; tries += 1) {
      if (tries > 100) throw new Error('it does not end');
      const stop = new AbortController();
      const runner = await prepared(counting, sizes);
      const stopsHere = new Set(positions);
      const onProgress = ({ phase, position: at }: BuildProgress): void => {
        positions.add(at);
        if (phase === 'bulk' && !stopsHere.has(at)) stop.abort(new Error('enough'));
      };
      done = await runner.rebuild('tally', { signal: stop.signal, onProgress }).then(() => true, (error: unknown) => { expect(String(error)).toBe('Error: enough'); return false; });
    }
    expect(positions.size).toBeGreaterThan(5);
    expect([...counts.values()]).toEqual(Array.from({ length: whole }, () => 1));
    expect(await dump(schema, tally())).toBe(await expected());
    expect(await nextTables()).toEqual([]);
  });

  it('begins anew where what stands is of another definition', async () => {
    await append(40);
    const runner = await prepared(tally());
    await runner.project();
    const stop = new AbortController();
    await expect(runner.rebuild('tally', { signal: stop.signal, onProgress: () => { stop.abort(new Error('enough')); } })).rejects.toThrow('enough');
    expect(await nextTables()).toEqual(['tally_seen', 'tally_total']);
    const other = await prepared(tally({ version: 2, streamPrefix: 'odd-' }));
    await other.project();
    expect(await dump(schema, tally())).toBe(await expected({ version: 2, streamPrefix: 'odd-' }));
    expect(await nextTables()).toEqual([]);
  });

  it('takes with it whatever tables it has made for itself', async () => {
    await append(40);
    const staging = (version: number): Projection => {
      const projection = tally({ version });
      return { ...projection, bulk: { ...projection.bulk!, addStreams: async (added, context) => {
        await context.tx.query(`create table ${context.schema}.staged ()`);
        await projection.bulk!.addStreams(added, context);
      } } };
    };
    const stop = new AbortController();
    const first = await prepared(staging(1));
    await expect(first.rebuild('tally', { signal: stop.signal, onProgress: ({ phase }) => { if (phase === 'finish') stop.abort(new Error('enough')); } })).rejects.toThrow('enough');
    expect(await nextTables()).toContain('staged');
    await (await prepared(staging(2))).project();
    expect((await pool.query(`select from pg_namespace where nspname like '${schema}%' and nspname <> '${schema}'`)).rowCount).toBe(0);
    expect(await dump(schema, tally())).toBe(await expected());
  });

  it('is one process\'s at a time', async () => {
    await append(40);
    const begun = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    const projection = tally();
    const held: Projection = { ...projection, bulk: { ...projection.bulk!, addStreams: async (added, context) => {
      begun.resolve(undefined);
      await released.promise;
      await projection.bulk!.addStreams(added, context);
    } } };
    const [one, other] = [await prepared(held), await prepared(tally())];
    await one.project();
    const first = one.rebuild('tally');
    await begun.promise;
    await expect(other.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-running' });
    await expect(one.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-running' });
    released.resolve(undefined);
    await first;
    await other.rebuild('tally');
    await expect(one.rebuild('none')).rejects.toMatchObject({ code: 'unknown-projection' });
  });

  it('is dropped by cancelling, under way or stopped, and the live rows stay', async () => {
    await append(40);
    const runner = await prepared(tally());
    await runner.project();
    expect(await runner.cancelRebuild('tally')).toBe(false);
    const before = await dump(schema, tally());
    let cancelled: Promise<boolean> | undefined;
    const work = runner.rebuild('tally', { onProgress: () => { cancelled ??= runner.cancelRebuild('tally'); } });
    await expect(work).rejects.toMatchObject({ code: 'rebuild-cancelled' });
    expect(await cancelled).toBe(true);
    const stop = new AbortController();
    await expect(runner.rebuild('tally', { signal: stop.signal, onProgress: () => { stop.abort(new Error('enough')); } })).rejects.toThrow('enough');
    expect((await statusOf(runner)).build).toMatchObject({ phase: 'bulk', position: 0, target: 40 });
    expect(await runner.cancelRebuild('tally')).toBe(true);
    expect((await statusOf(runner)).build).toBeNull();
    expect(await nextTables()).toEqual([]);
    expect(await dump(schema, tally())).toBe(before);
  });

  describe('readers', () => {
    interface Seen { readonly reached: number; readonly seen: number; readonly highest: number; readonly totals: number }

    /** What one read sees of one generation, statement by statement. */
    const read = async (client: pg.ClientBase, pauseMs = 0): Promise<Seen> => {
      const one = async (sql: string): Promise<number> => Number((await client.query<{ n: string | null }>(sql)).rows[0]?.n ?? 0);
      const reached = await one(`select position as n from ${schema}.projection_checkpoint where generation = 'live'`);
      await sleep(pauseMs);
      const seen = await one(`select count(*) as n from ${schema}.tally_seen`);
      const highest = await one(`select max(position) as n from ${schema}.tally_seen`);
      return { reached, seen, highest, totals: await one(`select sum(events) as n from ${schema}.tally_total`) };
    };
    const begin = `begin isolation level repeatable read read only; lock table ${schema}.gate in access share mode`;
    const withClient = async <T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> => {
      const client = await pool.connect();
      try {
        return await work(client);
      } finally {
        client.release();
      }
    };

    it('never see half of a swap, however many there are', async () => {
      await append(30);
      const runner = await prepared(tally(), { batchEventsMax: 5 });
      runner.start();
      await runner.catchUp(position(30), 5_000);
      let swapping = true;
      const torn: Seen[] = [];
      let reads = 0;
      const reading = Promise.all(Array.from({ length: 6 }, (_, n) => withClient(async (client) => {
        while (swapping) {
          await client.query(begin);
          // One of them takes its snapshot and then sleeps while whole rebuilds go by.
          const seen = await read(client, n === 0 ? 150 : n % 3);
          if (new Set(Object.values(seen)).size !== 1) torn.push(seen);
          reads += 1;
          await client.query('commit');
        }
      })));
      const swaps = (async () => {
        try {
          for (let n = 0; n < 12; n += 1) await Promise.all([runner.rebuild('tally'), append(4)]);
        } finally {
          swapping = false;
        }
      })();
      await Promise.race([reading, swaps]).finally(() => { swapping = false; });
      await Promise.all([reading, swaps]);
      await stopAll();
      expect(torn).toEqual([]);
      expect(reads).toBeGreaterThan(50);
    }, 60_000);

    it('pass while one of them keeps a swap waiting', async () => {
      await append(30);
      const runner = await prepared(tally());
      await runner.project();
      await withClient(async (keeper) => {
        await keeper.query(begin);
        const before = await read(keeper);
        const phases: string[] = [];
        const rebuilt = runner.rebuild('tally', { onProgress: ({ phase }) => { phases.push(phase); } });
        await until(() => phases.includes('swapping'));
        await append(3);
        for (let n = 0; n < 20; n += 1) {
          expect(await withClient(async (client) => {
            await client.query(begin);
            const seen = await read(client);
            await client.query('commit');
            return seen;
          })).toEqual(before);
        }
        expect(await read(keeper)).toEqual(before);
        expect((await statusOf(runner)).build).toMatchObject({ phase: 'swapping' });
        await keeper.query('commit');
        await rebuilt;
      });
      expect(await dump(schema, tally())).toBe(await expected({}, position(30)));
    });
  });

  describe('a new version', () => {
    const two = { version: 2, streamPrefix: 'odd-' };

    it('is built beside the live rows, which the old version goes on with until it is swapped out', async () => {
      await append(50);
      const told: unknown[] = [];
      const old = await prepared(tally(), { onFailure: (_name, _at, error) => told.push(error) });
      old.start();
      expect(await old.catchUp(position(50), 5_000)).toBe(true);
      const newer = await prepared(tally(two));
      expect(await newer.reached(database)).toBeNull();
      expect(await newer.catchUp(position(0), 60_000, { ofReadable: true })).toBe(false);
      expect(await statusOf(newer)).toMatchObject({ version: 1, readable: false });
      newer.start();
      await append(20);
      expect(await newer.catchUp(position(70), 5_000)).toBe(true);
      expect(await newer.reached(database)).toEqual(new Map([['tally', 70]]));
      expect(await old.reached(database)).toBeNull();
      await append(5);
      expect(await newer.catchUp(position(75), 5_000)).toBe(true);
      await until(() => told.length > 0);
      expect(told).toEqual([expect.objectContaining({ code: 'projection-other-version', message: 'projection tally is at version 2 here and this process has version 1' })]);
      await expect(old.project()).rejects.toMatchObject({ code: 'projection-other-version' });
      await expect(old.rebuild('tally')).rejects.toMatchObject({ code: 'projection-other-version' });
      await stopAll();
      expect(await dump(schema, tally(two))).toBe(await expected(two));
      expect(told).toHaveLength(1);
    });

    it('is built by the next process where the one that began it was killed', async () => {
      await append(50);
      await (await prepared(tally())).project();
      for (const diesAt of [9, 15, 21, 27, 33]) {
        const killed = runnerOf(tally(two), { database: mortalDatabase(database, diesAt), batchEventsMax: 3 });
        await killed.prepare().then(() => killed.project()).catch(() => undefined);
      }
      const next = await prepared(tally(two));
      next.start();
      expect(await next.catchUp(position(50), 10_000)).toBe(true);
      await stopAll();
      expect(await dump(schema, tally(two))).toBe(await expected(two));
      expect((await statusOf(next)).version).toBe(2);
    });

    it('takes the place of a newer one where the process that starts last has it', async () => {
      await append(30);
      await (await prepared(tally(two))).project();
      const back = await prepared(tally());
      await back.project();
      expect((await statusOf(back)).version).toBe(1);
      expect(await dump(schema, tally())).toBe(await expected());
    });

    it('may have other tables', async () => {
      await append(30);
      await (await prepared({ ...tally({ name: 'former' }), name: 'tally' })).project();
      await (await prepared(tally({ version: 2 }))).project();
      const tables = await pool.query<{ tablename: string }>('select tablename from pg_tables where schemaname = $1 and tablename ~ $2 order by 1', [schema, '_(seen|total)$']);
      expect(tables.rows.map((row) => row.tablename)).toEqual(['tally_seen', 'tally_total']);
    });
  });

  describe('a first start', () => {
    it('goes by the bulk load where the log is large, and answers nothing before', async () => {
      await append(60);
      const phases = new Set<string>();
      const runner = await prepared(tally(), { bulkFromEvents: 50 });
      expect(await statusOf(runner)).toMatchObject({ version: 0, position: 0, readable: false, lagEvents: 60 });
      expect(await runner.reached(database)).toBeNull();
      runner.start();
      await until(async () => {
        const { build, readable } = await statusOf(runner);
        phases.add(build?.phase ?? 'none');
        return readable;
      });
      expect(await runner.catchUp(position(60), 5_000)).toBe(true);
      await stopAll();
      expect(await dump(schema, tally())).toBe(await expected());
    });

    it('goes by `project` up to a position in the same way', async () => {
      await append(60);
      const runner = await prepared(tally(), { bulkFromEvents: 20, batchEventsMax: 4 });
      await runner.project(position(37));
      expect(await statusOf(runner)).toMatchObject({ version: 1, position: 37, lagEvents: 23, laggingSince: '2023-11-14T22:13:20.000Z' });
      expect(await dump(schema, tally())).toBe(await expected({}, position(37)));
    });

    it('is made once by two that start together', async () => {
      await append(60);
      const both = await Promise.all([prepared(tally(), { bulkFromEvents: 50 }), prepared(tally(), { bulkFromEvents: 50 })]);
      both.forEach((runner) => { runner.start(); });
      for (const runner of both) expect(await runner.catchUp(position(60), 10_000)).toBe(true);
      await stopAll();
      expect(await dump(schema, tally())).toBe(await expected());
    });
  });

  describe('an event that cannot be applied', () => {
    it.each([true, false])('stops a rebuild with position and reason and leaves the live rows as they are; bulk load: %s', async (bulk) => {
      await append(40);
      let failsAt: number | null = null;
      const told: (number | null)[] = [];
      const runner = await prepared(tally({ bulk, failsAt: () => failsAt }), { batchEventsMax: 6, onFailure: (_name, at) => told.push(at) });
      await runner.project();
      const before = await dump(schema, tally());
      failsAt = 23;
      await expect(runner.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed', at: 23, message: expect.stringContaining('cannot count 22') });
      expect(await statusOf(runner)).toMatchObject({ position: 40, failure: null, build: { failure: { position: 23, reason: 'cannot count 22' } } });
      expect(await dump(schema, tally())).toBe(before);
      failsAt = null;
      await runner.rebuild('tally');
      expect(await dump(schema, tally())).toBe(before);
    });

    it('is found where it cannot be decoded', async () => {
      await append(40);
      const runner = await prepared(tally(), { decode: (stored) => { if (stored.position === 31) throw new Error('unknown type'); return decodeCounted(stored); } });
      await expect(runner.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed', at: 31 });
    });

    it('is found where the server refuses its row, though what comes after it fails before that row is sent', async () => {
      await appendCounted(store, Array.from({ length: 40 }, (_, i) => `even-${i}`));
      const tooLarge = (fact: Fact): Fact => (fact.position === 17 ? { ...fact, event: { ...fact.event, data: { n: 2 ** 31 } } } : fact);
      const runner = await prepared(tally({ failsAt: () => 35 }), { batchEventsMax: 6, laggingEventsMax: 6, decode: (stored) => tooLarge(decodeCounted(stored)) });
      await expect(runner.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed', at: 17, message: expect.stringContaining('out of range') });
    });

    it('stops a rebuild that derives by SQL, with the reason', async () => {
      await append(10);
      const projection = tally();
      const runner = await prepared({ ...projection, bulk: { ...projection.bulk!, finish: async ({ tx }) => { await tx.query('select 1 / 0'); } } });
      await expect(runner.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed', at: 10, message: expect.stringContaining('division by zero') });
      expect((await statusOf(runner)).build).toMatchObject({ phase: 'finish', failure: { position: 10 } });
    });

    it('leaves no index in the making where what is derived by SQL fails beside it', async () => {
      await append(40);
      await pool.query(`create function ${schema}.slowly(n integer) returns integer language plpgsql immutable as $$ begin perform pg_sleep(1); return n; end $$`);
      const { bulk, tables, ...rest } = tally();
      const slow = { slow_seen: `(${schema}.slowly(n))` };
      const isIndexed = async (): Promise<boolean> =>
        (await pool.query(`select from pg_stat_activity where datname = current_database() and state = 'active' and query like 'create%slow_seen%'`)).rowCount === 1;
      const runner = await prepared({
        ...rest, tables: tables.map((table) => (table.name === 'tally_seen' ? { ...table, indexes: slow } : table)),
        bulk: { ...bulk!, finishes: ['tally_total'], finish: async ({ tx }) => {
          while (!(await isIndexed())) await tx.query('select pg_sleep(0.01)');
          await tx.query('select 1 / 0');
        } },
      });
      await expect(runner.rebuild('tally')).rejects.toMatchObject({ code: 'rebuild-failed' });
      expect(await isIndexed()).toBe(false);
    });

    it('is left out for good once an operator skips it, in the live rows and in every rebuild', async () => {
      await append(40);
      const told: (number | null)[] = [];
      const runner = await prepared(tally({ failsAt: () => 23 }), { batchEventsMax: 6, onFailure: (_name, at) => told.push(at) });
      runner.start();
      expect(await runner.catchUp(position(40), 5_000)).toBe(false);
      await expect(runner.skip('tally', position(22), { by: 'anna', reason: 'wrong' })).rejects.toMatchObject({ code: 'skip-refused' });
      expect((await statusOf(runner)).skips).toEqual([]);
      await runner.skip('tally', position(23), { by: 'anna', reason: 'known defect 12' });
      // The worker that stopped goes on by itself.
      await until(async () => (await statusOf(runner)).position === 40);
      expect(await statusOf(runner)).toMatchObject({ failure: null, skips: [{ position: 23, reason: 'known defect 12', skippedBy: 'anna' }] });
      await append(20);
      await until(async () => (await statusOf(runner)).position === 60);
      expect(told).toEqual([23]);
      await stopAll();
      const before = await dump(schema, tally());
      expect((await pool.query(`select from ${schema}.tally_seen where position = 23`)).rowCount).toBe(0);
      for (const bulk of [true, false]) {
        await (await prepared(tally({ bulk, failsAt: () => 23 }))).rebuild('tally');
        expect(await dump(schema, tally())).toBe(before);
      }
      await expect(runner.skip('tally', position(23), { by: 'anna', reason: 'again' })).rejects.toMatchObject({ code: 'skip-refused' });
    });

    it('is not left out where other rows rest on its stream', async () => {
      await append(40);
      const runner = await prepared({ ...tally({ failsAt: () => 23 }), isIndispensable: () => true }, { batchEventsMax: 6 });
      runner.start();
      expect(await runner.catchUp(position(40), 5_000)).toBe(false);
      await expect(runner.skip('tally', position(23), { by: 'anna', reason: 'known defect 12' })).rejects.toMatchObject({ code: 'skip-refused', at: 23 });
      expect((await statusOf(runner)).skips).toEqual([]);
      await stopAll();
    });

    it('that stops only a rebuild is left out of the rows that it makes, and those which hold it go on with it', async () => {
      await append(30);
      const old = await prepared(tally());
      await old.project();
      const newer = await prepared(tally({ version: 2, failsAt: () => 12 }));
      newer.start();
      await until(async () => (await statusOf(newer)).build?.failure != null);
      expect(await newer.catchUp(position(30), 5_000)).toBe(false);
      await newer.skip('tally', position(12), { by: 'anna', reason: 'known defect 13' });
      await append(10);
      await old.project().catch((error: unknown) => { expect(error).toMatchObject({ code: 'projection-other-version' }); });
      expect(await newer.catchUp(position(40), 10_000)).toBe(true);
      await stopAll();
      expect((await pool.query(`select from ${schema}.tally_seen`)).rowCount).toBe(39);
    });
  });
});
