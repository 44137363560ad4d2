import { position, type Position } from '@rectrail/kernel';
import type { Projection } from './projection.ts';
import { createTableSql, indexesSql } from './table.ts';
import type { Transaction } from './transaction.ts';

/** DDL of the table that holds one row a projection; the owner of the schema runs it in its migrations. */
export const checkpointTableSql = (schema: string): string => `
  create table ${schema}.projection_checkpoint (
    name text primary key,
    version integer not null,
    position bigint not null,
    rebuilding_to bigint not null default 0,
    failure_position bigint,
    failure_reason text
  )`;

export interface Failure { readonly position: Position; readonly reason: string }

export interface Checkpoint {
  readonly name: string;
  readonly version: number;
  readonly position: Position;
  /** While the position is below this, the rows are being made anew and must not be read. */
  readonly rebuildingTo: Position;
  readonly failure: Failure | null;
}

interface Row {
  readonly name: string;
  readonly version: number;
  readonly position: string;
  readonly rebuilding_to: string;
  readonly failure_position: string | null;
  readonly failure_reason: string | null;
}

const columns = 'name, version, position::text, rebuilding_to::text, failure_position::text, failure_reason';

const ofRow = (row: Row): Checkpoint => ({
  name: row.name,
  version: row.version,
  position: position(Number(row.position)),
  rebuildingTo: position(Number(row.rebuilding_to)),
  failure: row.failure_position === null ? null : { position: position(Number(row.failure_position)), reason: row.failure_reason ?? '' },
});

export const readCheckpoints = async (tx: Pick<Transaction, 'query'>, schema: string, names: readonly string[]): Promise<readonly Checkpoint[]> =>
  (await tx.query<Row>(`select ${columns} from ${schema}.projection_checkpoint where name = any($1) order by name`, [names])).map(ofRow);

/** The checkpoint under a row lock, so that of several processes one alone applies a batch. */
export const lockCheckpoint = async (tx: Transaction, schema: string, name: string): Promise<Checkpoint> => {
  const [row] = await tx.query<Row>(`select ${columns} from ${schema}.projection_checkpoint where name = $1 for update`, [name]);
  if (row === undefined) throw new Error(`projection ${name} has no checkpoint: prepare() was not called`);
  return ofRow(row);
};

/** Forward only; what was applied ends an earlier failure. */
export const moveCheckpoint = async (tx: Transaction, schema: string, name: string, to: Position): Promise<void> => {
  await tx.query(`update ${schema}.projection_checkpoint set position = $2, failure_position = null, failure_reason = null where name = $1 and position < $2`, [name, to]);
};

/** Nothing where another process has got past the event meanwhile. */
export const recordFailure = async (tx: Transaction, schema: string, name: string, failure: Failure): Promise<void> => {
  await tx.query(`update ${schema}.projection_checkpoint set failure_position = $2, failure_reason = $3 where name = $1 and position < $2`, [name, failure.position, failure.reason]);
};

/** Back to before the first event, without rows. DELETE, not TRUNCATE: reads in an older snapshot must go on seeing the old rows. */
export const resetProjection = async (tx: Transaction, schema: string, projection: Projection): Promise<void> => {
  for (const { name } of projection.tables) await tx.query(`delete from ${schema}.${name}`);
  await tx.query(
    `update ${schema}.projection_checkpoint
        set version = $2, rebuilding_to = greatest(position, rebuilding_to), position = 0, failure_position = null, failure_reason = null where name = $1`,
    [projection.name, projection.version],
  );
};

/** Makes the row and the tables of a projection that is new; starts anew one whose version has changed. */
export const prepareProjection = async (tx: Transaction, schema: string, projection: Projection): Promise<void> => {
  const made = await tx.query(
    `insert into ${schema}.projection_checkpoint (name, version, position) values ($1, $2, 0) on conflict (name) do nothing returning name`, [projection.name, projection.version],
  );
  if (made.length > 0) for (const table of projection.tables) for (const sql of [createTableSql(schema, table), ...indexesSql(schema, table)]) await tx.query(sql);
  const checkpoint = await lockCheckpoint(tx, schema, projection.name);
  if (checkpoint.version !== projection.version) await resetProjection(tx, schema, projection);
};
