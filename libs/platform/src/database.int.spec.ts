import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isDatabaseAway, openDatabase, type Database } from './database.ts';
import { createTestDatabase, type TestDatabase } from './testing/index.ts';

// Goal: neither a lost connection nor a stopped process is in the way of others, or ends its own process. Method: connections cut by the server, a transaction that falls silent.
describe('a pool of connections', () => {
  let scratch: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = await openDatabase({ url: scratch.url, connectionsMax: 4, onError: () => undefined });
    await database.query('create table held (n int); insert into held values (1)');
  });
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  it('tells the next statement of a transaction that its connection was lost, and nobody else', async () => {
    const failure = await database.transaction(async (query) => {
      const { rows: [own] } = await query<{ pid: number }>('select pg_backend_pid() as pid');
      await database.query('select pg_terminate_backend($1)', [own?.pid]);
      // Between two statements nobody listens for it but the pool.
      await sleep(100);
      return query('select 1');
    }).catch((error: unknown) => error);
    expect(isDatabaseAway(failure)).toBe(true);
    expect((await database.query<{ n: number }>('select n from held')).rows).toEqual([{ n: 1 }]);
  });

  it('gives back what a transaction holds that says nothing more', async () => {
    const stopped = await openDatabase({ url: scratch.url, connectionsMax: 4, idleInTransactionMsMax: 200, onError: () => undefined });
    const { promise: hasLocked, resolve: locked } = Promise.withResolvers<undefined>();
    const { promise: woken, resolve: wake } = Promise.withResolvers<undefined>();
    const silent = stopped.transaction(async (query) => {
      await query('select n from held for update');
      locked(undefined);
      await woken;
      await query('update held set n = 2');
    });
    await hasLocked;
    await database.query('update held set n = 3');
    wake(undefined);
    expect(isDatabaseAway(await silent.catch((error: unknown) => error))).toBe(true);
    expect((await database.query<{ n: number }>('select n from held')).rows).toEqual([{ n: 3 }]);
    await stopped.close();
  });
});
