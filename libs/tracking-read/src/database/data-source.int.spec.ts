// Goal: a read sees one snapshot, cannot write and cannot run for good; a projection's batch is there as a whole or not at all.
// Method: a real PostgreSQL; the settings are read back inside the transaction, and what went wrong is looked for afterwards.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
