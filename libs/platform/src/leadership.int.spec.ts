import { setTimeout as sleep } from 'node:timers/promises';
import { position } from '@rectrail/kernel';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openDatabase, type Database } from './database.ts';
import { LeaseLost, openLeadership, type HeldLease, type Leadership } from './leadership.ts';
import { createTestDatabase, type TestDatabase } from './testing/index.ts';

// Goal: at most one process writes as the leader, whatever stops. Method: leaderships of several processes on one real database, one of them cut from it.
const ttlMs = 600;

describe('leadership', () => {
  let test: TestDatabase;
  let database: Database;
  let stop: AbortController;
  let running: Promise<void>[];

  beforeEach(async () => {
    test = await createTestDatabase();
    database = await openDatabase({ url: test.url, connectionsMax: 10, onError: () => undefined });
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await database.close();
    await test.drop();
  });

  const until = async (holds: () => boolean): Promise<void> => { while (!holds()) await sleep(5); };

  /** Leads until told otherwise; the leases that it got, newest last. */
  const leading = (leadership: Leadership, signal = stop.signal): HeldLease[] => {
    const held: HeldLease[] = [];
    const work = async (lease: HeldLease): Promise<void> => {
      held.push(lease);
      await new Promise<void>((resolve) => { lease.signal.addEventListener('abort', () => { resolve(); }); });
    };
    running.push(leadership.lead({ name: 'relay', signal, work, onFailure: () => undefined, ttlMs, retryMs: 20 }));
    return held;
  };

  it('is one process at a time, which keeps it beyond its term', async () => {
    const [a, b] = [leading(await openLeadership(database)), leading(await openLeadership(database))];
    await until(() => a.length + b.length > 0);
    await sleep(3 * ttlMs);
    expect(a.length + b.length).toBe(1);
    expect(await (await openLeadership(database)).followers()).toEqual([{ name: 'relay', position: null, epoch: 1, held: true, stopped: null }]);
  });

  it('passes on at once where the leader ends, with a greater epoch and the checkpoint', async () => {
    const first = new AbortController();
    const a = leading(await openLeadership(database), first.signal);
    await until(() => a.length === 1);
    await a[0]!.moveTo(position(7));
    // One that comes late.
    await a[0]!.moveTo(position(5));
    expect(await a[0]!.checkpoint()).toBe(7);
    first.abort();
    // The work may finish what it has begun; once it has ended, nothing that it left behind may write.
    expect(a[0]!.holds()).toBe(true);
    await Promise.all(running);
    expect(a[0]!.holds()).toBe(false);
    const b = leading(await openLeadership(database));
    await until(() => b.length === 1);
    expect(b[0]!.epoch).toBe(2);
    expect(await b[0]!.checkpoint()).toBe(7);
  });

  it('says why it stands still until it moves again', async () => {
    const leadership = await openLeadership(database);
    const a = leading(leadership);
    await until(() => a.length === 1);
    const standing = async (): Promise<unknown> => (await leadership.followers()).map(({ position: at, stopped }) => ({ at, stopped }));
    await a[0]!.standStill('one reason');
    expect(await standing()).toEqual([{ at: 0, stopped: 'one reason' }]);
    await a[0]!.moveTo(position(7));
    expect(await standing()).toEqual([{ at: 7, stopped: null }]);
    await a[0]!.standStill('another');
    expect(await standing()).toEqual([{ at: 7, stopped: 'another' }]);
    await a[0]!.moveTo(position(8));
    expect(await standing()).toEqual([{ at: 8, stopped: null }]);
  });

  it('says of a former leader why it stood still until another one leads, though a release moved on meanwhile that knew no reasons', async () => {
    const leadership = await openLeadership(database);
    const first = new AbortController();
    const a = leading(leadership, first.signal);
    await until(() => a.length === 1);
    await a[0]!.standStill('one reason');
    first.abort();
    await Promise.all(running);
    expect(await leadership.followers()).toMatchObject([{ stopped: 'one reason', held: false }]);
    await database.query('update rectrail_followers.lease set epoch = epoch + 1');
    await database.query('update rectrail_followers.checkpoint set position = 5, epoch = epoch + 1');
    const b = leading(leadership);
    await until(() => b.length === 1);
    expect(await leadership.followers()).toMatchObject([{ position: 5, stopped: null, held: true }]);
    await b[0]!.standStill('another');
    expect(await leadership.followers()).toMatchObject([{ position: 5, stopped: 'another' }]);
  });

  it('of a former release is brought up to date; beside a dump that is refused, and nobody else waits for the dump', async () => {
    await openLeadership(database);
    await database.query('alter table rectrail_followers.checkpoint drop column stopped');
    const hasty = await openDatabase({ url: test.url, connectionsMax: 1, onError: () => undefined, timeoutMs: 1_000 });
    await database.transaction(async (dump) => {
      await dump('select from rectrail_followers.checkpoint');
      await expect(openLeadership(hasty)).rejects.toThrow(/start again once that has ended/);
      await hasty.query(`insert into rectrail_followers.checkpoint (name, position, epoch) values ('former', 1, 1)`);
    });
    const leadership = await openLeadership(hasty);
    const a = leading(leadership);
    await until(() => a.length === 1);
    await a[0]!.standStill('a reason');
    expect(await leadership.followers()).toMatchObject([{ stopped: 'a reason' }]);
    await hasty.close();
  });

  it('lost is lost: an earlier leader that wakes up moves nothing and writes nothing', async () => {
    const a = leading(await openLeadership(database));
    await until(() => a.length === 1);
    // As another process does once the time has run out, and a stopped process cannot notice.
    await database.query(`update rectrail_followers.lease set epoch = epoch + 1, expires_at = clock_timestamp() + interval '1 hour'`);
    await expect(a[0]!.moveTo(position(9))).rejects.toBeInstanceOf(LeaseLost);
    await expect(a[0]!.standStill('late')).rejects.toBeInstanceOf(LeaseLost);
    await expect(a[0]!.transaction((query) => query('create table written ()'))).rejects.toBeInstanceOf(LeaseLost);
    expect(await a[0]!.checkpoint()).toBe(0);
    expect((await database.query<{ found: string | null }>(`select to_regclass('written') as found`)).rows).toEqual([{ found: null }]);
    await until(() => a[0]!.signal.aborted);
    expect(a[0]!.signal.reason).toBeInstanceOf(LeaseLost);
  });

  it('is known to be over by a process that was stopped, before any of its timers has run', async () => {
    const a = leading(await openLeadership(database));
    await until(() => a.length === 1);
    expect(a[0]!.holds()).toBe(true);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ttlMs + 1);
    expect(a[0]!.signal.aborted).toBe(false);
    expect(a[0]!.holds()).toBe(false);
  });

  it('is known to be over on a machine that was suspended, whose steady clock stood still', async () => {
    const a = leading(await openLeadership(database));
    await until(() => a.length === 1);
    const now = Date.now();
    const wall = jest.spyOn(Date, 'now').mockReturnValue(now + ttlMs);
    expect(a[0]!.holds()).toBe(false);
    wall.mockReturnValue(now - 10 * ttlMs);
    expect(a[0]!.holds()).toBe(true);
    wall.mockRestore();
  });

  it('of a process that cannot reach the database ends before another can have it', async () => {
    const cut = await openDatabase({ url: test.url, connectionsMax: 2, onError: () => undefined });
    const cutStop = new AbortController();
    const a = leading(await openLeadership(cut), cutStop.signal);
    await until(() => a.length === 1);
    const b = leading(await openLeadership(database));
    await cut.close();
    await until(() => b.length === 1);
    expect(a[0]!.holds()).toBe(false);
    // By a timer, which comes when this process gets to it.
    await until(() => a[0]!.signal.aborted);
    cutStop.abort();
  });

  it('goes on after work that fails, and tells of it', async () => {
    const failures: unknown[] = [];
    const times = { began: 0 };
    const work = (): Promise<void> => { times.began += 1; return Promise.reject(new Error('broken')); };
    running.push((await openLeadership(database)).lead({ name: 'relay', signal: stop.signal, work, onFailure: (error) => failures.push(error), ttlMs, retryMs: 10 }));
    await until(() => times.began >= 3);
    expect(failures[0]).toEqual(new Error('broken'));
  });
});
