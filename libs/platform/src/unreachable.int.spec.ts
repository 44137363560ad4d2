import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isDatabaseAway, openDatabase, type Database } from './database.ts';
import { createTestDatabase, FaultyWire, type TestDatabase } from './testing/index.ts';

// Goal: a database that is away, silent or busy is told as such within a bounded time, and is used again by itself. Method: a wire that can be cut between pool and server.
describe('a database that cannot be reached', () => {
  let scratch: TestDatabase;
  let wire: FaultyWire;
  let database: Database;
  beforeAll(async () => {
    scratch = await createTestDatabase();
    wire = await FaultyWire.open(scratch.url);
    database = await openDatabase({ url: wire.url, connectionsMax: 2, timeoutMs: 1_000, onError: () => undefined });
  });
  afterEach(() => { wire.heal(); });
  afterAll(async () => {
    await database.close();
    await wire.close();
    await scratch.drop();
  });

  const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => null, (error: unknown) => error);
  const answers = async (): Promise<void> => { expect((await database.query<{ one: number }>('select 1 as one')).rows).toEqual([{ one: 1 }]); };

  it.each(['refuse', 'silence'] as const)('%s: statements and transactions fail as such, and go on once it is back', async (fault) => {
    await answers();
    const { promise: isCut, resolve: cut } = Promise.withResolvers<undefined>();
    const begun = failureOf(database.transaction(async (query) => {
      await query('select 1');
      await isCut;
      return query('select 2');
    }));
    await sleep(50);
    wire[fault]();
    cut(undefined);
    for (const failure of await Promise.all([begun, failureOf(database.query('select 1')), failureOf(database.transaction((query) => query('select 1')))])) {
      expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), true]);
    }
    wire.heal();
    await answers();
    await answers();
  });

  it('with all connections taken: whoever waits too long is told, and the others go on', async () => {
    const { promise: isDone, resolve: done } = Promise.withResolvers<undefined>();
    const holders = [1, 2].map(() => database.transaction(async (query) => {
      await query('select 1');
      await isDone;
    }));
    const failure = await failureOf(database.query('select 1'));
    expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), true]);
    done(undefined);
    await Promise.all(holders);
    await answers();
  });
});
