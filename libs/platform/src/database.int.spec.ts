import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from './database.ts';
import { createTestDatabase, type TestDatabase } from './testing/index.ts';

// Goal: who listens hears of everything, or that something may have been missed. Method: NOTIFY on a real database, its connection ended by the server.
describe('listening', () => {
  let test: TestDatabase;
  let database: Database;
  beforeEach(async () => {
    test = await createTestDatabase();
    database = await openDatabase({ url: test.url, connectionsMax: 2, onError: () => undefined });
  });
  afterEach(async () => {
    await database.close();
    await test.drop();
  });

  it('hears notifications, also after its connection was lost, until it is closed', async () => {
    let heard = 0;
    const listening = database.listen('news', () => { heard += 1; });
    const hears = async (): Promise<void> => {
      const before = heard;
      while (heard === before) {
        await database.query("select pg_notify('news', '')");
        await sleep(5);
      }
    };
    await hears();
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
    await hears();
    await listening.close();
    const { rows } = await database.query<{ count: number }>("select count(*)::int as count from pg_stat_activity where datname = current_database() and query ilike 'listen%'");
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('takes a name for the channel and nothing else', () => {
    expect(() => database.listen('news; drop table x', () => undefined)).toThrow(RangeError);
  });
});
