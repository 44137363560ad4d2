import { createHash } from 'node:crypto';
import { instant, position, type Instant, type Position } from '@rectrail/kernel';
import { ProjectionError } from './errors.ts';
import type { Projection } from './projection.ts';
import type { Transaction } from './transaction.ts';

/** `live` rows are read; `next` ones are made beside them by a rebuild and take their place. */
export type Generation = 'live' | 'next';

/** Schema of what a rebuild of a projection makes: its own, so that with it goes whatever is left of one. */
export const nextSchema = (schema: string, name: string): string => `${schema}_next_${name}`;

export const schemaOf = (schema: string, { name, generation }: Pick<Checkpoint, 'name' | 'generation'>): string => (generation === 'live' ? schema : nextSchema(schema, name));

/**
 * What the engine keeps beside the projections' tables; the owner of `schema`, which is there already, runs it in a migration. `gate` holds no rows: a read
 * locks it in ACCESS SHARE mode before it takes its snapshot, so that no snapshot is older than the tables that are found in it.
 */
export const engineSql = (schema: string): readonly string[] => [
  `create table ${schema}.gate ()`,
  `create table ${schema}.projection_checkpoint (
    name text not null,
    generation text not null check (generation in ('live', 'next')),
    version integer not null,
    definition text not null,
    tables text[] not null,
    position bigint not null,
    skips bigint[] not null,
    failure_position bigint,
    failure_reason text,
    phase text,
    target bigint,
    started_at timestamptz,
    paused boolean not null default false,
    swapped_at timestamptz,
    primary key (name, generation)
  )`,
  `create table ${schema}.projection_skip (
    name text not null,
    position bigint not null,
    reason text not null,
    skipped_by text not null,
    skipped_at timestamptz not null default now(),
    primary key (name, position)
  )`,
];

/** Where an event could not be applied, and why. */
export interface Failure { readonly position: Position; readonly reason: string }

export type BuildPhase = 'bulk' | 'finish' | 'indexes' | 'catching-up' | 'swapping';

/** How far one generation of a projection's rows has come. Its rows are a function of the log up to `position` without the events at `skips`. */
export interface Checkpoint {
  readonly name: string;
  readonly generation: Generation;
  /** Of the projection that wrote the rows; 0 where there are none yet. */
  readonly version: number;
  readonly definition: string;
  readonly tables: readonly string[];
  readonly position: Position;
  readonly skips: readonly Position[];
  readonly failure: Failure | null;
  /** Of a rebuild: `target` was the head of the log when it began; one that an operator has stopped is `paused` until it is asked for again. */
  readonly build: { readonly phase: BuildPhase; readonly target: Position; readonly startedAt: Instant; readonly paused: boolean } | null;
  /** When a rebuild put the live rows in place; null where none has. */
  readonly swappedAt: Instant | null;
  /** What a generation that begins now would leave out. */
  readonly skipsNow: readonly Position[];
}

/** An event that an operator has let a projection leave out. */
export interface Skip { readonly position: Position; readonly reason: string; readonly skippedBy: string; readonly skippedAt: Instant }

interface Row {
  readonly name: string;
  readonly generation: Generation;
  readonly version: number;
  readonly definition: string;
  readonly tables: readonly string[];
  readonly position: string;
  readonly skips: readonly string[];
  readonly failure_position: string | null;
  readonly failure_reason: string | null;
  readonly phase: BuildPhase | null;
  readonly target: string | null;
  readonly started_at: string | null;
  readonly paused: boolean;
  readonly swapped_at: string | null;
  readonly skips_now: readonly string[];
}

type Queryable = Pick<Transaction, 'query'>;

const isoText = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const selectSql = (schema: string): string => `
  select name, generation, version, definition, tables, position::text, skips::text[], failure_position::text, failure_reason,
         phase, target::text, ${isoText('started_at')} as started_at, paused, ${isoText('swapped_at')} as swapped_at,
         array(select s.position::text from ${schema}.projection_skip s where s.name = c.name order by s.position) as skips_now
    from ${schema}.projection_checkpoint c`;

const positionOf = (text: string): Position => position(Number(text));

const ofRow = (row: Row): Checkpoint => ({
  name: row.name,
  generation: row.generation,
  version: row.version,
  definition: row.definition,
  tables: row.tables,
  position: positionOf(row.position),
  skips: row.skips.map(positionOf),
  failure: row.failure_position === null ? null : { position: positionOf(row.failure_position), reason: row.failure_reason ?? '' },
  build: row.phase === null || row.target === null || row.started_at === null
    ? null
    : { phase: row.phase, target: positionOf(row.target), startedAt: instant(row.started_at), paused: row.paused },
  swappedAt: row.swapped_at === null ? null : instant(row.swapped_at),
  skipsNow: row.skips_now.map(positionOf),
});

const definitions = new WeakMap<Projection, string>();

/** What the rows depend on beside the log and the version: a change of shape whose version was not raised is told by it. */
export const definitionOf = (projection: Projection): string => {
  const known = definitions.get(projection);
  if (known !== undefined) return known;
  const { streamPrefix, tables } = projection;
  const made = createHash('sha256').update(JSON.stringify({ streamPrefix, tables })).digest('hex');
  definitions.set(projection, made);
  return made;
};

/** Whether rows were written by this definition of the projection. */
export const isOf = (projection: Projection, { version, definition }: Checkpoint): boolean => version === projection.version && definition === definitionOf(projection);

/** Of the live rows, null where they are not of this definition and must not be read. */
export const readableOf = (projection: Projection, checkpoints: readonly Checkpoint[]): Checkpoint | null =>
  checkpoints.find((c) => c.name === projection.name && c.generation === 'live' && isOf(projection, c)) ?? null;

/** Whether the projection will not reach `to`: its rows stand stopped before it, or there are none that may be read and the rebuild that would make them stands stopped. */
export const isStopped = (projection: Projection, checkpoints: readonly Checkpoint[], to: Position): boolean => {
  const { failure } = readableOf(projection, checkpoints) ?? checkpoints.find((c) => c.name === projection.name && c.generation === 'next') ?? { failure: null };
  return failure !== null && failure.position <= to;
};

export const isOutdated = (projection: Projection, next: Checkpoint): boolean => !isOf(projection, next) || next.skips.join() !== next.skipsNow.join();

/** By name; of one name the live one first. */
export const readCheckpoints = async (tx: Queryable, schema: string, names: readonly string[]): Promise<readonly Checkpoint[]> =>
  (await tx.query<Row>(`${selectSql(schema)} where name = any($1) order by name, generation`, [names])).map(ofRow);

export const readCheckpoint = async (tx: Queryable, schema: string, name: string, generation: Generation): Promise<Checkpoint | null> => {
  const [row] = await tx.query<Row>(`${selectSql(schema)} where name = $1 and generation = $2`, [name, generation]);
  return row === undefined ? null : ofRow(row);
};

/** Under a row lock, so that of several processes one alone applies a batch; null where there is none. Whoever locks both generations takes the live one first. */
export const lockCheckpoint = async (tx: Transaction, schema: string, name: string, generation: Generation): Promise<Checkpoint | null> => {
  const [row] = await tx.query<Row>(`${selectSql(schema)} where name = $1 and generation = $2 for update of c`, [name, generation]);
  return row === undefined ? null : ofRow(row);
};

export const notPrepared = (name: string): Error => new Error(`projection ${name} has no checkpoint: prepare() was not called`);

/** Forward only; what was applied ends an earlier failure. */
export const moveCheckpoint = async (tx: Transaction, schema: string, { name, generation }: Checkpoint, to: Position): Promise<void> => {
  await tx.query(
    `update ${schema}.projection_checkpoint set position = $3, failure_position = null, failure_reason = null
      where name = $1 and generation = $2 and position < $3`, [name, generation, to],
  );
};

/** Nothing where another process has got past the event meanwhile; a rebuild is one process's alone. */
export const recordFailure = async (tx: Queryable, schema: string, { name, generation }: Pick<Checkpoint, 'name' | 'generation'>, failure: Failure): Promise<void> => {
  await tx.query(
    `update ${schema}.projection_checkpoint set failure_position = $3, failure_reason = $4
      where name = $1 and generation = $2 and (generation = 'next' or position < $3)`,
    [name, generation, failure.position, failure.reason],
  );
};

/** The row of a projection that is new, without rows of its own yet. */
export const insertLive = async (tx: Transaction, schema: string, name: string): Promise<void> => {
  await tx.query(
    `insert into ${schema}.projection_checkpoint (name, generation, version, definition, tables, position, skips)
     values ($1, 'live', 0, '', '{}', 0, '{}') on conflict do nothing`, [name],
  );
};

/** The live rows are of this definition from now on, and empty. */
export const adoptLive = async (tx: Transaction, schema: string, projection: Projection): Promise<void> => {
  await tx.query(
    `update ${schema}.projection_checkpoint c
        set version = $2, definition = $3, tables = $4, skips = array(select s.position from ${schema}.projection_skip s where s.name = c.name order by 1)
      where name = $1 and generation = 'live'`,
    [projection.name, projection.version, definitionOf(projection), projection.tables.map((table) => table.name)],
  );
};

export const insertNext = async (
  tx: Transaction, schema: string, projection: Projection, { phase, target }: { readonly phase: BuildPhase; readonly target: Position },
): Promise<void> => {
  await tx.query(
    `insert into ${schema}.projection_checkpoint (name, generation, version, definition, tables, position, skips, phase, target, started_at)
     values ($1, 'next', $2, $3, $4, 0, array(select position from ${schema}.projection_skip where name = $1 order by 1), $5, $6, now())`,
    [projection.name, projection.version, definitionOf(projection), projection.tables.map((table) => table.name), phase, target],
  );
};

/** The next phase of a rebuild, at the position where it stands by now; ends a failure. */
export const setPhase = async (tx: Queryable, schema: string, name: string, phase: BuildPhase): Promise<void> => {
  await tx.query(
    `update ${schema}.projection_checkpoint set phase = $2, failure_position = null, failure_reason = null where name = $1 and generation = 'next'`, [name, phase],
  );
};

/** A rebuild that is asked for goes on where it stands: what stopped it, an event or an operator, is over. */
export const resumeNext = async (tx: Queryable, schema: string, name: string): Promise<void> => {
  await tx.query(`update ${schema}.projection_checkpoint set paused = false, failure_position = null, failure_reason = null where name = $1 and generation = 'next'`, [name]);
};

/** False where there is no rebuild. */
export const pauseNext = async (tx: Queryable, schema: string, name: string): Promise<boolean> =>
  (await tx.query(`update ${schema}.projection_checkpoint set paused = true where name = $1 and generation = 'next' returning name`, [name])).length > 0;

/** The live row takes the place of the other, whose row goes. */
export const promoteNext = async (tx: Transaction, schema: string, name: string): Promise<void> => {
  await tx.query(
    `with next as (delete from ${schema}.projection_checkpoint where name = $1 and generation = 'next' returning *)
     update ${schema}.projection_checkpoint live
        set version = next.version, definition = next.definition, tables = next.tables, position = next.position, skips = next.skips,
            failure_position = null, failure_reason = null, swapped_at = now()
       from next where live.name = next.name and live.generation = 'live'`, [name],
  );
};

/** Drops what a rebuild has made; false where there is none. */
export const dropNext = async (tx: Transaction, schema: string, name: string): Promise<boolean> => {
  const next = await lockCheckpoint(tx, schema, name, 'next');
  if (next === null) return false;
  await tx.query(`drop schema if exists ${nextSchema(schema, name)} cascade`);
  await tx.query(`delete from ${schema}.projection_checkpoint where name = $1 and generation = 'next'`, [name]);
  return true;
};

export const readSkips = async (tx: Queryable, schema: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly Skip[]>> => {
  const rows = await tx.query<{ name: string; position: string; reason: string; skipped_by: string; skipped_at: string }>(
    `select name, position::text, reason, skipped_by, ${isoText('skipped_at')} as skipped_at
       from ${schema}.projection_skip where name = any($1) order by name, position`, [names],
  );
  const skips = Map.groupBy(rows, (row) => row.name);
  return new Map(names.map((name) => [name, (skips.get(name) ?? []).map((row) => ({
    position: positionOf(row.position), reason: row.reason, skippedBy: row.skipped_by, skippedAt: instant(row.skipped_at),
  }))]));
};

/**
 * Records that the projection leaves out the event at which it stands stopped. The live rows leave it out only if they do not hold it; a rebuild under way becomes
 * outdated. @throws ProjectionError `skip-refused`.
 */
export const insertSkip = async (tx: Transaction, schema: string, name: string, skip: Omit<Skip, 'skippedAt'>): Promise<void> => {
  const live = await lockCheckpoint(tx, schema, name, 'live');
  const next = await readCheckpoint(tx, schema, name, 'next');
  // What is derived from all rows fails by no one event, though it tells where they stand.
  const stopped = next?.build?.phase === 'finish' ? [live] : [live, next];
  if (!stopped.some((checkpoint) => checkpoint?.failure?.position === skip.position)) {
    throw new ProjectionError('skip-refused', `projection ${name} does not stand stopped at position ${skip.position}`, skip.position);
  }
  const { position: at, reason, skippedBy } = skip;
  await tx.query(`insert into ${schema}.projection_skip (name, position, reason, skipped_by) values ($1, $2, $3, $4)`, [name, at, reason, skippedBy]);
  await tx.query(
    `update ${schema}.projection_checkpoint
        set failure_position = null, failure_reason = null, skips = case generation when 'live' then skips || $2::bigint else skips end
      where name = $1 and failure_position = $2`, [name, at],
  );
};
