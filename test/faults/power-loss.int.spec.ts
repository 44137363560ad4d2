// Goal: a power loss, of which a kill shows nothing since the page cache survives it, takes no event that was acknowledged. Method: PostgreSQL's own word how far the log on
// disk reached at each acknowledgement, held against the place of the commit and against its count of flushes; and databases started from a write-ahead log that is cut at
// arbitrary bytes. Two stores that cheat on purpose must be found. RECTRAIL_TEST_CUTS is how many cuts, RECTRAIL_TEST_SEED where they lie.
import { execFile } from 'node:child_process';
import { open as openFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshStream, readToEnd, requestOf, saidBy } from '@rectrail/event-store/testing';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { startEmbeddedPostgres } from '@rectrail/platform';
import pg from 'pg';
import { tellCounts, tellProgress } from '../support/long-run.ts';
import { OwnPostgres, quickRecovery } from '../support/own-postgres.ts';
import { withoutWaiting } from './without-waiting.ts';

const cuts = Number(process.env['RECTRAIL_TEST_CUTS'] ?? 3);
/** A copy of the files, a start and a stop of PostgreSQL, on a busy machine. */
const perCutMs = 20_000;
const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const appends = 240;
const segmentBytes = 16 << 20;
/** Nobody but the one who commits flushes the log, and no checkpoint comes between. */
const settings = ['wal_writer_delay=10s', 'checkpoint_timeout=1h', 'autovacuum=off', 'wal_keep_size=1GB'];

/** A place in the write-ahead log, in bytes. */
const lsnOf = (text: string): number => {
  const [high = '0', low = '0'] = text.split('/');
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
};
/** Of timeline 1. */
const segmentName = (lsn: number): string => {
  const segment = Math.floor(lsn / segmentBytes);
  return `00000001${[Math.floor(segment / 256), segment % 256].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')}`;
};

/** A linear congruential generator: the same choices from the same seed. */
const randomFrom = (start: number): (() => number) => {
  let state = start >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
};

/** `flushed`: how far the log on disk reached when the append was acknowledged. */
interface Acknowledged { readonly said: string; readonly position: number; readonly flushed: number }

const copyOf = (from: string, to: string): Promise<unknown> => promisify(execFile)('cp', ['-a', from, to]);

/** Appends one after another, then as many by callers at the same time; after each, the disk is asked for. */
const write = async (store: PostgresEventStore, watcher: pg.Pool): Promise<readonly Acknowledged[]> => {
  const acknowledged: Acknowledged[] = [];
  const append = async (said: string): Promise<void> => {
    const { first } = await store.append(requestOf([{ stream: freshStream(), expected: 'none', says: [said] }]));
    const { rows: [row] } = await watcher.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
    acknowledged.push({ said, position: first, flushed: lsnOf(row?.lsn ?? '0/0') });
  };
  for (let n = 0; n < appends / 2; n += 1) await append(`alone ${n}`);
  await Promise.all(Array.from({ length: 8 }, async (_, caller) => {
    for (let n = 0; n < appends / 16; n += 1) await append(`caller ${caller} ${n}`);
  }));
  return acknowledged;
};

interface Flushes { readonly acknowledged: readonly Acknowledged[]; readonly unflushed: number; readonly flushes: number; readonly alone: number }

/** The acknowledgements whose commit the disk did not have, and how often the log was flushed. */
const traceOf = async (postgres: OwnPostgres): Promise<Flushes> => {
  const watcher = new pg.Pool({ connectionString: postgres.url, max: 8 });
  // The server may end while a connection still does.
  watcher.on('error', () => undefined);
  await watcher.query('create extension if not exists pg_walinspect');
  const store = await PostgresEventStore.open({ connectionString: postgres.url });
  await store.append(requestOf([{ stream: freshStream(), says: ['first'] }]));
  const { rows: [begin] } = await watcher.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const flushes = async (): Promise<number> => Number((await watcher.query<{ n: string }>(`select sum(fsyncs) as n from pg_stat_io where object = 'wal'`)).rows[0]?.n ?? 0);
  const before = await flushes();
  const acknowledged = await write(store, watcher);
  // A session tells its counts when it ends.
  await store.close();
  await watcher.query('select pg_switch_wal()');
  const { rows } = await watcher.query<{ position: string; lsn: string }>(`
    select e.position, w.end_lsn::text as lsn from rectrail_events.events e
    join pg_get_wal_records_info($1, pg_current_wal_flush_lsn()) w on w.xid = e.xmin and w.record_type = 'COMMIT'`, [begin?.lsn]);
  const commits = new Map(rows.map(({ position, lsn }) => [Number(position), lsnOf(lsn)]));
  const unflushed = acknowledged.filter(({ position, flushed }) => flushed < (commits.get(position) ?? Number.POSITIVE_INFINITY)).length;
  const counted = await flushes() - before;
  await watcher.end();
  return { acknowledged, unflushed, flushes: counted, alone: appends / 2 };
};

/** What a power loss leaves that comes when the log on disk ends at `lsn`: the files as they last were for certain, and the log up to there. */
const afterLossAt = async (lsn: number, { base, log, copy }: { readonly base: string; readonly log: string; readonly copy: string }): Promise<string[]> => {
  await copyOf(base, copy);
  const folder = join(copy, 'postgres/pg_wal');
  for (const name of (await readdir(log)).filter((file) => /^[0-9A-F]{24}$/.test(file)).toSorted()) {
    await rm(join(folder, name), { force: true });
    if (name > segmentName(lsn)) continue;
    await copyOf(join(log, name), join(folder, name));
    if (name < segmentName(lsn)) continue;
    const file = await openFile(join(folder, name), 'r+');
    const at = lsn % segmentBytes;
    await file.write(Buffer.alloc(segmentBytes - at), 0, segmentBytes - at, at);
    await file.close();
  }
  const server = await startEmbeddedPostgres({ dataDir: copy, settings: [quickRecovery] });
  const store = await PostgresEventStore.open({ connectionString: server.url });
  const events = await readToEnd(store);
  expect(events.map(({ position }) => position)).toEqual(events.map((_, n) => n + 1));
  // It goes on from there.
  expect((await store.append(requestOf([{ stream: freshStream(), expected: 'none', says: ['afterwards'] }]))).first).toBe(events.length + 1);
  await store.close();
  await server.stop();
  await rm(copy, { recursive: true });
  return saidBy(events);
};

describe('a power loss', () => {
  let postgres: OwnPostgres;
  let base: string;
  let acknowledged: readonly Acknowledged[];
  beforeAll(async () => {
    postgres = await OwnPostgres.open(settings);
    await (await PostgresEventStore.open({ connectionString: postgres.url })).close();
    // As a server that was killed leaves them, so that the next start reads the log.
    await postgres.shutDownAtOnce();
    base = `${postgres.dataDir}-base`;
    await copyOf(postgres.dataDir, base);
    await postgres.start();
  }, 60_000);
  afterAll(async () => {
    await postgres.close();
    await rm(base, { recursive: true, force: true });
  });

  it('finds every commit flushed before it is acknowledged', async () => {
    const trace = await traceOf(postgres);
    ({ acknowledged } = trace);
    expect(acknowledged).toHaveLength(appends);
    expect(trace.unflushed).toBe(0);
    // One at a time there is one flush each, at least.
    expect(trace.flushes).toBeGreaterThanOrEqual(trace.alone);
  });

  it('leaves every event that was acknowledged before, wherever the log is cut', async () => {
    await postgres.shutDownAtOnce();
    const random = randomFrom(seed);
    const log = join(postgres.dataDir, 'postgres/pg_wal');
    const places = acknowledged.map(({ flushed }) => flushed);
    const [first, last] = [Math.min(...places), Math.max(...places)];
    // At the byte where an acknowledgement had the log end, and at any byte between.
    const chosen = Array.from({ length: cuts }, (_, n) => (n % 2 === 0 ? places[Math.floor(random() * places.length)]! : Math.floor(first + random() * (last - first))));
    for (const [n, lsn] of chosen.entries()) {
      const left = await afterLossAt(lsn, { base, log, copy: `${postgres.dataDir}-cut` });
      const owed = acknowledged.filter(({ flushed }) => flushed <= lsn).map(({ said }) => said);
      expect({ seed, lsn, lost: owed.filter((said) => !left.includes(said)) }).toEqual({ seed, lsn, lost: [] });
      expect(new Set(left).size).toBe(left.length);
      if (n % 20 === 19) tellProgress(`${n + 1} of ${cuts} cuts`);
    }
    tellCounts({ 'cuts of the write-ahead log': cuts });
    await postgres.start();
  }, 60_000 + cuts * perCutMs);

  it('would take events from a store that does not wait for the flush, and the check finds it', async () => {
    const trace = await withoutWaiting(() => traceOf(postgres));
    expect(trace.unflushed).toBeGreaterThan(appends / 2);
    expect(trace.flushes).toBeLessThan(trace.alone);
  });

  it('would take them from a server that does not flush at all, and the check finds it', async () => {
    const reckless = await OwnPostgres.open([...settings, 'fsync=off']);
    try {
      expect((await traceOf(reckless)).flushes).toBe(0);
    } finally {
      await reckless.close();
    }
  });
});
