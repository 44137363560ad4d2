import type pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { copyRows, type ProjectionConnection, type ProjectionDatabase, type Transaction } from '@rectrail/projections';
import { dropReadModels, ReadSchema1 } from './migrations.ts';
import { schema } from './rows.ts';

export interface ReadDatabaseOptions {
  readonly connectionString: string;
  /** Default 10: projections take one each, reads the rest. */
  readonly connectionsMax?: number;
  /** How long a connection is waited for, and a third of how long the answer to a statement of a read is; default 10,000 ms. */
  readonly timeoutMs?: number;
}

/** Any number, the same for every server of one database. */
const migrationLock = 7_239_014;

/** Connects and brings the schema up to date; several servers may start at once. */
export const openReadDatabase = async ({ connectionString, connectionsMax = 10, timeoutMs = 10_000 }: ReadDatabaseOptions): Promise<DataSource> => {
  const dataSource = new DataSource({
    type: 'postgres',
    url: connectionString,
    schema,
    migrations: [ReadSchema1],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    poolSize: connectionsMax,
    applicationName: 'rectrail-read',
    connectTimeoutMS: timeoutMs,
    extra: { keepAlive: true },
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

/**
 * Statements by their text: no caller chooses columns or tables, and a batch names figures by kinds, so that those of projections are few. Lists have many, by what is asked for
 * together: what comes after 300 is planned anew each time, and takes no place from projections.
 */
const statementNames = { projection: new Map<string, string>(), read: new Map<string, string>() } as const;
const statementsMax = 300;

const nameOf = (sql: string, by: keyof typeof statementNames): string | undefined => {
  const names = statementNames[by];
  const known = names.get(sql);
  if (known !== undefined || names.size >= statementsMax) return known;
  const name = `rectrail_${by}_${names.size}`;
  names.set(sql, name);
  return name;
};

// What TypeORM hands out is the client of its driver, pg.
const clientOf = async (runner: QueryRunner): Promise<pg.PoolClient> => await runner.connect() as pg.PoolClient;

/** What the driver waits for the answer to a statement; for ever, where nothing is said. */
const waiting = (answerMs: number | undefined): { readonly query_timeout?: number } => (answerMs === undefined ? {} : { query_timeout: answerMs });

/** Rows come in parts that take moments; ms. */
const copyMsMax = 60_000;

/** `answerMs`: for the answer to a statement, of reads alone; `copyMs`: for the rows of one COPY. */
interface Patience { readonly answerMs?: number; readonly copyMs?: number }

/** Projections and reads say the same again and again: planning a sum of seventy columns takes longer than the sum. */
const transactionOf = (runner: QueryRunner, { answerMs, copyMs = copyMsMax }: Patience = {}): Transaction => ({
  query: async <Row>(sql: string, params: readonly unknown[] = []) => {
    const client = await clientOf(runner);
    const name = params.length === 0 ? undefined : nameOf(sql, answerMs === undefined ? 'projection' : 'read');
    const { rows } = await client.query({ ...(name !== undefined && { name }), ...waiting(answerMs), text: sql, values: [...params] });
    // The shape of the rows is that of the statement beside the call.
    return rows as Row[];
  },
  copy: async (...copies) => {
    const client = await clientOf(runner);
    // A process that was stopped in the midst of its rows is not idle to the server, which would wait for the rest for ever, and with it whoever waits for the checkpoint.
    await copyRows(client, copies, { answerMs: copyMs });
  },
});

/** Of shapes that cannot be carried on. Nothing is lost: read models are made anew from the log. */
const oldShapes = ['ReadModels1782000000000'];

const dropOldShapes = async (runner: QueryRunner): Promise<void> => {
  const tx = transactionOf(runner);
  const migrated = await tx.query('select from pg_tables where schemaname = $1 and tablename = $2', [schema, 'migration']);
  if (migrated.length === 0) return;
  const old = await tx.query(`select from ${schema}.migration where name = any($1)`, [oldShapes]);
  if (old.length > 0) await dropReadModels(runner);
};

const migrate = async (dataSource: DataSource): Promise<void> => {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock($1)', [migrationLock]);
    await dropOldShapes(runner);
    await runner.query(`create schema if not exists ${schema}`);
    await dataSource.runMigrations();
    await runner.query('select pg_advisory_unlock($1)', [migrationLock]);
  } finally {
    await runner.release();
  }
};

const withRunner = async <T>(dataSource: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> => {
  const runner = dataSource.createQueryRunner();
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
};

const isSilent = (error: unknown): boolean => error instanceof Error && error.message === 'Query read timeout';

const inTransaction = async <T>(runner: QueryRunner, begin: string, work: () => Promise<T>, answerMs?: number): Promise<T> => {
  const client = await clientOf(runner);
  const say = (text: string): Promise<unknown> => client.query({ text, ...waiting(answerMs) });
  try {
    await say(begin);
    const result = await work();
    await say('commit');
    return result;
  } catch (error) {
    // A server that does not answer is not asked once more: the pool drops what has ended. Where the connection is gone there is nothing to roll back;
    // what went wrong first is told.
    if (isSilent(error)) void (client as pg.PoolClient & Pick<pg.Client, 'end'>).end().catch(() => undefined);
    else await say('rollback').catch(() => undefined);
    throw error;
  }
};

/** A process that was stopped within a transaction holds the rows, or the gate, that others wait for: then the server ends it. */
const notIdle = `set local idle_in_transaction_session_timeout = '1min'`;

/** Rows and checkpoint are lost together or not at all, and what is lost is projected again: no commit waits for the disk. */
const beginWrite = `begin; ${notIdle}; set local synchronous_commit = off`;

const connectionOf = (runner: QueryRunner, patience: Patience): ProjectionConnection => ({
  query: (sql, params) => transactionOf(runner).query(sql, params),
  transaction: (work) => inTransaction(runner, beginWrite, () => work(transactionOf(runner, patience))),
});

export const projectionDatabase = (dataSource: DataSource, patience: Pick<Patience, 'copyMs'> = {}): ProjectionDatabase => {
  const session: ProjectionDatabase['session'] = (work) => withRunner(dataSource, (runner) => work(connectionOf(runner, patience)));
  return {
    session,
    query: (sql, params) => session((connection) => connection.query(sql, params)),
    transaction: (work) => session((connection) => connection.transaction(work)),
  };
};

/** Longest that one statement of a read may take, ms: none holds a connection for good that the others need. */
const readStatementMsMax = ({ options }: DataSource): number => 3 * ((options.type === 'postgres' ? options.connectTimeoutMS : undefined) ?? 10_000);
/** The server ends it first, where it can. */
const readAnswerMsMax = (dataSource: DataSource): number => readStatementMsMax(dataSource) * 1.2;

/**
 * The gate comes before the snapshot, so that no swap of rows lies between the snapshot and the tables that are found under their names. Reads take milliseconds:
 * compiling one (JIT) takes longer than running it.
 */
const beginRead = (statementMs: number): string => `begin isolation level repeatable read read only; ${notIdle};
  set local statement_timeout = ${statementMs}; set local jit = off; lock table ${schema}.gate in access share mode`;

/**
 * How prepared statements are planned: `auto` by their parameters unless that is found not to pay; `generic` once for all, where every parameter is served by the
 * same plan.
 */
export type Plans = 'auto' | 'generic';
const planning: Readonly<Record<Plans, string>> = { auto: '', generic: '; set local plan_cache_mode = force_generic_plan' };

/** One snapshot for everything that a read looks at. */
export const readTransaction = <T>(dataSource: DataSource, work: (tx: Transaction) => Promise<T>, plans: Plans = 'auto'): Promise<T> =>
  withRunner(dataSource, (runner) => {
    const answerMs = readAnswerMsMax(dataSource);
    return inTransaction(runner, beginRead(readStatementMsMax(dataSource)) + planning[plans], () => work(transactionOf(runner, { answerMs })), answerMs);
  });

/** For what comes next in the transaction: a plan for these parameters, which may be few or all. */
export const planAnew = async (tx: Pick<Transaction, 'query'>): Promise<void> => {
  await tx.query('set local plan_cache_mode = force_custom_plan');
};
