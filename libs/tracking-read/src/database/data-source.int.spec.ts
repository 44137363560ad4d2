// Goal: a read sees one snapshot, cannot write and cannot run for good; a projection's batch is there as a whole or not at all.
// Method: a real PostgreSQL; the settings are read back inside the transaction, and what went wrong is looked for afterwards.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import type { DataSource } from 'typeorm';
import { openReadDatabase, projectionDatabase, readTransaction } from './data-source.ts';
import { schema } from './rows.ts';

const insert = `insert into ${schema}.noted (position) values ($1)`;

describe('the read database', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 3 });
    await projectionDatabase(dataSource).query(`create table ${schema}.noted (position bigint not null)`);
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const positions = async (): Promise<readonly unknown[]> => projectionDatabase(dataSource).query(`select position::int from ${schema}.noted order by 1`);

  it('gives a read one snapshot, whatever is written meanwhile', async () => {
    const seen = await readTransaction(dataSource, async (tx) => {
      const before = await tx.query(`select position from ${schema}.noted`);
      await projectionDatabase(dataSource).transaction((writer) => writer.query(insert, [1]));
      return [before, await tx.query(`select position from ${schema}.noted`)];
    });
    expect(seen).toEqual([[], []]);
    expect(await positions()).toEqual([{ position: 1 }]);
  });

  it('lets a read pass the gate before it takes its snapshot, so that it never looks at tables older than that', async () => {
    const writer = projectionDatabase(dataSource);
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    const { promise: closed, resolve: close } = Promise.withResolvers<undefined>();
    const swap = writer.transaction(async (tx) => {
      await tx.query(`lock table ${schema}.gate in access exclusive mode`);
      close(undefined);
      await released;
      await tx.query(insert, [7]);
    });
    await closed;
    const read = readTransaction(dataSource, (tx) => tx.query(`select position::int from ${schema}.noted where position = 7`));
    const waiting = `select from pg_locks where not granted and relation = '${schema}.gate'::regclass`;
    while ((await writer.query(waiting)).length === 0) await sleep(5);
    release(undefined);
    await swap;
    expect(await read).toEqual([{ position: 7 }]);
    await writer.query(`delete from ${schema}.noted where position = 7`);
  });

  it('copies rows as part of a transaction', async () => {
    const writer = projectionDatabase(dataSource);
    const rows = [[101], [102]];
    await expect(writer.transaction(async (tx) => {
      await tx.copy(`${schema}.noted`, ['position'], rows);
      throw new Error('the work failed');
    })).rejects.toThrow('the work failed');
    await writer.transaction((tx) => tx.copy(`${schema}.noted`, ['position'], rows));
    expect(await writer.query(`delete from ${schema}.noted where position > 100 returning position::int`)).toEqual([{ position: 101 }, { position: 102 }]);
  });

  it('lets a read neither write nor run for more than half a minute', async () => {
    await expect(readTransaction(dataSource, (tx) => tx.query(insert, [2]))).rejects.toMatchObject({ code: '25006' });
    expect(await readTransaction(dataSource, (tx) => tx.query('show statement_timeout'))).toEqual([{ statement_timeout: '30s' }]);
    expect(await projectionDatabase(dataSource).query('show statement_timeout')).toEqual([{ statement_timeout: '0' }]);
  });

  it('rolls back what failed, tells the first cause and gives the connection back', async () => {
    for (let n = 0; n < 5; n += 1) {
      await expect(projectionDatabase(dataSource).transaction(async (tx) => {
        await tx.query(insert, [3]);
        throw new Error('the work failed');
      })).rejects.toThrow('the work failed');
    }
    expect(await positions()).toEqual([{ position: 1 }]);
    await expect(projectionDatabase(dataSource).transaction((tx) => tx.query('select pg_terminate_backend(pg_backend_pid())'))).rejects.toMatchObject({ code: '57P01' });
    expect(await positions()).toEqual([{ position: 1 }]);
  });
});

describe('a read database of a shape that cannot be carried on', () => {
  it('is dropped with what rebuilds have left in it, and made anew; others stay', async () => {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const schemas = async (): Promise<readonly string[]> =>
      (await client.query<{ name: string }>(`select nspname as name from pg_namespace where nspname like 'rectrail%' order by 1`)).rows.map(({ name }) => name);
    await client.query(`
      create schema ${schema}; create schema ${schema}_next_issues; create schema rectrail_other; create table ${schema}.issue_row (id text); create table rectrail_other.kept ();
      create table ${schema}.migration (id serial primary key, timestamp bigint not null, name varchar not null);
      insert into ${schema}.migration (timestamp, name) values (1782000000000, 'ReadModels1782000000000')`);
    for (let start = 0; start < 2; start += 1) {
      await (await openReadDatabase({ connectionString: database.url })).destroy();
      expect(await schemas()).toEqual(['rectrail_other', schema]);
      expect((await client.query(`select to_regclass('${schema}.issue_row') as old, to_regclass('${schema}.gate')::text as gate`)).rows).toEqual([{ old: null, gate: `${schema}.gate` }]);
      await client.query(`insert into ${schema}.projection_skip (name, position, reason, skipped_by) values ('kept', ${start}, '', '')`);
    }
    expect((await client.query(`select from ${schema}.projection_skip`)).rowCount).toBe(2);
    await client.end();
    await database.drop();
  });
});
