import { DataSource, type QueryRunner } from 'typeorm';
import type { ProjectionDatabase, Transaction } from '@rectrail/projections';
import { EventRow, FundsRow, IssueRow, MeasureRow } from './entities.ts';
import { ReadModels1 } from './migrations.ts';
import { schema } from './rows.ts';

export interface ReadDatabaseOptions {
  readonly connectionString: string;
  /** Default 10: projections take one each, reads the rest. */
  readonly connectionsMax?: number;
}

/** Any number, the same for every server of one database. */
const migrationLock = 7_239_014;

/** Connects and brings the schema up to date; several servers may start at once. */
export const openReadDatabase = async ({ connectionString, connectionsMax = 10 }: ReadDatabaseOptions): Promise<DataSource> => {
  const dataSource = new DataSource({
    type: 'postgres',
    url: connectionString,
    schema,
    entities: [EventRow, IssueRow, MeasureRow, FundsRow],
    migrations: [ReadModels1],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    poolSize: connectionsMax,
    applicationName: 'rectrail-read',
    // A connection that dies while idle is replaced by the pool; whoever next needs the server is told then.
    poolErrorHandler: () => undefined,
  });
  await dataSource.initialize();
  try {
    await migrate(dataSource);
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  return dataSource;
};

const migrate = async (dataSource: DataSource): Promise<void> => {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock($1)', [migrationLock]);
    await runner.query(`create schema if not exists ${schema}`);
    await dataSource.runMigrations();
    await runner.query('select pg_advisory_unlock($1)', [migrationLock]);
  } finally {
    await runner.release();
  }
};

const transactionOf = (runner: QueryRunner): Transaction => ({
  query: async <Row>(sql: string, params: readonly unknown[] = []) => {
    const { records } = await runner.query(sql, [...params], true);
    // The shape of the rows is that of the statement beside the call.
    return records as Row[];
  },
});

type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

const inTransaction = async <T>(dataSource: DataSource, isolation: Isolation, work: (tx: Transaction, runner: QueryRunner) => Promise<T>): Promise<T> => {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.startTransaction(isolation);
    const result = await work(transactionOf(runner), runner);
    await runner.commitTransaction();
    return result;
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    throw error;
  } finally {
    await runner.release();
  }
};

export const projectionDatabase = (dataSource: DataSource): ProjectionDatabase => ({
  transaction: (work) => inTransaction(dataSource, 'READ COMMITTED', work),
});

/** One snapshot for everything that a read looks at. */
export const readTransaction = <T>(dataSource: DataSource, work: (tx: Transaction, runner: QueryRunner) => Promise<T>): Promise<T> =>
  inTransaction(dataSource, 'REPEATABLE READ', async (tx, runner) => {
    await tx.query('set transaction read only');
    return work(tx, runner);
  });
