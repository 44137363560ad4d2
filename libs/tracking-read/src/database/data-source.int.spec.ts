import { createTestDatabase, FaultyWire, type TestDatabase } from '@rectrail/platform/testing';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openReadDatabase, projectionDatabase, readTransaction } from './data-source.ts';

// Goal: what transactions of projections and reads promise the others. Method: the settings as the server has them within one.
describe('a transaction', () => {
  let scratch: TestDatabase;
  let dataSource: DataSource;
  beforeAll(async () => {
    scratch = await createTestDatabase();
    dataSource = await openReadDatabase({ connectionString: scratch.url, connectionsMax: 2 });
  });
  afterAll(async () => {
    await dataSource.destroy();
    await scratch.drop();
  });

  const settings = `select current_setting('idle_in_transaction_session_timeout') as idle, current_setting('synchronous_commit') as commits, current_setting('transaction_read_only') as reads`;

  it('of a projection is ended where its process is silent for a minute, and waits for no disk', async () => {
    expect(await projectionDatabase(dataSource).transaction((tx) => tx.query(settings))).toEqual([{ idle: '1min', commits: 'off', reads: 'off' }]);
  });

  it('of a projection is ended too where its process stops in the midst of the rows that it copies', async () => {
    await dataSource.query('create table rectrail_read.copied (n integer)');
    const rows = function* (): Generator<readonly number[]> {
      // Two messages, so that the server has begun to read; then nothing of this process moves, as if it were stopped.
      for (let n = 0; n < 40_000; n += 1) yield [n];
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
      yield [0];
    };
    const patient = projectionDatabase(dataSource, { copyMs: 5_000 });
    const copying = (database: typeof patient): Promise<unknown> => database.transaction((tx) => tx.copy({ table: 'rectrail_read.copied', columns: ['n'], rows: rows() }));
    await expect(copying(projectionDatabase(dataSource, { copyMs: 300 }))).rejects.toMatchObject({ code: '57014' });
    await copying(patient);
    expect(await dataSource.query('select count(*)::int as rows, current_setting(\'statement_timeout\') as left from rectrail_read.copied')).toEqual([{ rows: 40_001, left: '0' }]);
  });

  it('keeps its statements prepared', async () => {
    const prepared = await projectionDatabase(dataSource).transaction(async (tx) => {
      for (const text of ['a', 'b']) await tx.query('select $1::text as kept', [text]);
      return tx.query('select statement from pg_prepared_statements where statement ~ $1', ['as kept']);
    });
    expect(prepared).toEqual([{ statement: 'select $1::text as kept' }]);
  });

  it('of a projection keeps them, however many different ones reads have made', async () => {
    await dataSource.query('create table if not exists rectrail_read.gate ()');
    await readTransaction(dataSource, async (tx) => { for (let n = 0; n < 400; n += 1) await tx.query(`select $1::integer + ${n}`, [n]); });
    const prepared = await projectionDatabase(dataSource).transaction(async (tx) => {
      await tx.query('select $1::text as late', ['']);
      return tx.query('select count(*)::int as n from pg_prepared_statements where statement ~ $1', ['as late']);
    });
    expect(prepared).toEqual([{ n: 1 }]);
  });

  it('of a read is ended likewise, and writes nothing', async () => {
    await dataSource.query('create table if not exists rectrail_read.gate ()');
    expect(await readTransaction(dataSource, (tx) => tx.query(settings))).toEqual([{ idle: '1min', commits: 'on', reads: 'on' }]);
  });

  it.each(['silence', 'refuse'] as const)('of a read fails within its time where the server is away (%s), and the next one has a connection that works', async (fault) => {
    const wire = await FaultyWire.open(scratch.url);
    const far = await openReadDatabase({ connectionString: wire.url, connectionsMax: 2, timeoutMs: 1_000 });
    const read = (): Promise<unknown> => readTransaction(far, (tx) => tx.query('select 1 as one'));
    await expect(readTransaction(far, async (tx) => {
      wire[fault]();
      return tx.query('select 1 as one');
    })).rejects.toThrow(/Query read timeout|Connection terminated/);
    await expect(read()).rejects.toThrow(/timeout|terminated|ECONN/);
    wire.heal();
    expect(await read()).toEqual([{ one: 1 }]);
    await far.destroy();
    await wire.close();
  });
});
