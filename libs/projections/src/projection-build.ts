import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Instant, type Position } from '@rectrail/kernel';
import { applySlice, assertGoesOn, BatchApplier, contextOf, lockOwn, otherVersion, type Engine } from './batch-applier.ts';
import { BulkLoader } from './bulk-loader.ts';
import {
  dropNext, insertNext, isOf, isOutdated, lockCheckpoint, nextSchema, notPrepared, promoteNext, readCheckpoint, recordFailure, resumeNext, setPhase,
  type BuildPhase, type Checkpoint, type Failure,
} from './checkpoint.ts';
import { asError, BuildOutdated, isLockTimeout, isTransient, ProjectionError } from './errors.ts';
import { filterOf, logPages, readAhead } from './log-pages.ts';
import type { Projection } from './projection.ts';
import { createTableSql, indexesSql, type TableDefinition } from './table.ts';
import type { ProjectionConnection, Transaction } from './transaction.ts';
import { BulkFailure } from './whole-streams.ts';

export interface BuildProgress {
  readonly name: string;
  readonly version: number;
  readonly phase: BuildPhase;
  readonly position: Position;
  /** The head of the log when the rebuild began. */
  readonly target: Position;
  readonly startedAt: Instant;
  /** Where it stands stopped, and why. */
  readonly failure: Failure | null;
  /** An operator has stopped it; it goes on when it is asked for again. */
  readonly paused: boolean;
}

export interface BuildOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  /** Where the rows that are put in place may end; default the head of the log at that time. */
  readonly upTo?: Position | undefined;
  /** A process that has worked on live rows of its definition does not put it back in the place of another. */
  readonly mayReplace: boolean;
  /** Somebody asks for it: it goes on though an operator has stopped it. */
  readonly asked?: boolean | undefined;
  /** It goes on with what there is or not at all. */
  readonly onlyInterrupted?: boolean | undefined;
}

/** How long a swap waits for readers, and so a reader for it, at most, in ms; then it lets them pass and tries again. */
const gateWaitMsMax = 250;
/** The same for a table that somebody reads without having passed the gate. */
const tableWaitMsMax = 50;
/** Between two tries of a swap, in ms: a long read that keeps it waiting must not slow down all others. */
const swapPauseMs = 1_000;
/**
 * Sorts of an index; the server's default is for many at a time. No workers: they save a tenth of the time of one index and cost as much again, where two are made
 * beside each other and readers need the cores too.
 */
const indexSettings = "set local maintenance_work_mem = '256MB'; set local max_parallel_maintenance_workers = 0";
/** Between two requests to cancel the statement at hand of a build that is to stop, in ms. */
const cancelPauseMs = 50;

/** Held as long as somebody builds; it ends with its connection. `projection`: SQL for the name. */
const buildLock = (schema: string, projection: string): string => `hashtextextended('rectrail rebuild ' || '${schema}.' || ${projection}, 0)`;

/** What builds the projections `names` at the moment, in whatever process; its backend works for the build alone. */
const buildersSql = (schema: string): string => `
  select name, pid from unnest($1::text[]) as name join pg_locks on classid::bigint << 32 | objid::bigint = ${buildLock(schema, 'name')}
   where locktype = 'advisory' and objsubid = 1 and granted and database = (select oid from pg_database where datname = current_database())`;

export const projectionsBeingBuilt = async (tx: Pick<Transaction, 'query'>, schema: string, names: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set((await tx.query<{ name: string }>(buildersSql(schema), [names])).map(({ name }) => name));

/** Whoever builds it loses the statement at hand, and with it the lock on the checkpoint's row that a statement of minutes would keep. */
export const interruptBuilder = async (tx: Pick<Transaction, 'query'>, schema: string, name: string): Promise<void> => {
  await tx.query(`select pg_cancel_backend(pid) from (${buildersSql(schema)}) as builder`, [[name]]);
};

export const progressOf = ({ name, version, position: at, failure, build }: Checkpoint): BuildProgress | null =>
  (build === null ? null : { name, version, position: at, failure, ...build });

/**
 * Makes the next generation of a projection's rows in a schema beside the live one, which goes on being projected and read, and puts it in its place.
 * Progress is committed with the rows: whoever builds the same definition later goes on from there.
 */
export class ProjectionBuild {
  readonly #engine: Engine;
  readonly #projection: Projection;
  readonly #options: BuildOptions;

  constructor(engine: Engine, projection: Projection, options: BuildOptions) {
    this.#engine = engine;
    this.#projection = projection;
    this.#options = options;
  }

  /**
   * Resolves once the rows are in place. @throws ProjectionError `rebuild-running` where somebody else builds, `rebuild-failed` with the position of an
   * event that the rows cannot be made of, `rebuild-cancelled`, `rebuild-stopped`, `projection-other-version`; the reason of the signal once it has aborted.
   */
  run(): Promise<void> {
    const { database, schema } = this.#engine;
    const lock = buildLock(schema, `'${this.#projection.name}'`);
    return database.session(async (connection) => {
      const [row] = await connection.query<{ locked: boolean; pid: number }>(`select pg_try_advisory_lock(${lock}) as locked, pg_backend_pid() as pid`);
      if (row?.locked !== true) throw new ProjectionError('rebuild-running', `another process or call rebuilds projection ${this.#projection.name}`);
      try {
        await this.#untilAborted(row.pid, this.#buildAnewWhileOutdated(connection));
      } finally {
        // A connection that is gone has given back its locks; a request to cancel may have come late.
        const unlock = (): Promise<unknown> => connection.query(`select pg_advisory_unlock(${lock})`);
        await unlock().catch(unlock).catch(() => undefined);
      }
    });
  }

  /** A statement of minutes (an index) must not keep a server from stopping: it is cancelled, and what it did is done again later. */
  async #untilAborted(pid: number, work: Promise<void>): Promise<void> {
    const { signal } = this.#options;
    const ended = work.then(() => true, () => true);
    const listening = new AbortController();
    const aborted = new Promise((resolve) => { signal.addEventListener('abort', resolve, { once: true, signal: listening.signal }); });
    if (!signal.aborted) await Promise.race([ended, aborted]);
    listening.abort();
    while (signal.aborted && !(await Promise.race([ended, sleep(cancelPauseMs, false)]))) {
      await this.#engine.database.query('select pg_cancel_backend($1)', [pid]).catch(() => undefined);
    }
    return work.catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }

  async #buildAnewWhileOutdated(connection: ProjectionConnection): Promise<void> {
    for (;;) {
      try {
        await this.#build(connection);
        return;
      } catch (error) {
        if (!(error instanceof BuildOutdated)) throw error;
      }
    }
  }

  async #build(connection: ProjectionConnection): Promise<void> {
    const next = await this.#begin(connection);
    this.#tell(next);
    let { phase } = buildOf(next);
    if (phase === 'bulk') phase = await this.#load(connection, next);
    if (phase === 'finish') await this.#finishAndIndex(connection);
    if (phase === 'indexes') await this.#index(connection, [...this.#projection.tables]);
    await this.#catchUpAndSwap(connection);
  }

  /** Where an earlier rebuild of the same rows stopped, or tables that are made now. */
  async #begin(connection: ProjectionConnection): Promise<Checkpoint> {
    const { store, schema } = this.#engine;
    const { name, tables, bulk } = this.#projection;
    const head = (await store.head()).position;
    const { upTo = head } = this.#options;
    return connection.transaction(async (tx) => {
      this.#assertReplaceable(await readCheckpoint(tx, schema, name, 'live'));
      const known = await lockCheckpoint(tx, schema, name, 'next');
      if (this.#options.onlyInterrupted === true || (known !== null && this.#options.asked !== true)) assertGoesOn(name, known);
      if (known !== null && !isOutdated(this.#projection, known)) {
        await resumeNext(tx, schema, name);
        return lockOwn(tx, schema, this.#projection, 'next');
      }
      await dropNext(tx, schema, name);
      const own = nextSchema(schema, name);
      await tx.query(`create schema ${own}`);
      for (const table of tables) await tx.query(createTableSql(own, table));
      if (bulk === undefined) for (const table of tables) for (const sql of indexesSql(own, table).values()) await tx.query(sql);
      await insertNext(tx, schema, this.#projection, { phase: bulk === undefined ? 'catching-up' : 'bulk', target: upTo < head ? upTo : head });
      return lockOwn(tx, schema, this.#projection, 'next');
    });
  }

  async #load(connection: ProjectionConnection, next: Checkpoint): Promise<BuildPhase> {
    const { bulk } = this.#projection;
    if (bulk === undefined) throw new Error(`projection ${next.name} has no bulk load`);
    const loader = new BulkLoader(this.#engine, { projection: this.#projection, bulk, connection, target: buildOf(next).target, skips: next.skips });
    await this.#orFail(connection, (error) => (error instanceof BulkFailure ? error.failure : null), () =>
      loader.load(next.position, this.#options.signal, (at) => { this.#tell({ ...next, position: at }); }));
    return this.#phase(connection, 'finish');
  }

  /** What finishing leaves alone is indexed beside it on a connection of its own; once it is over, both take from what is left. */
  async #finishAndIndex(connection: ProjectionConnection): Promise<void> {
    const { tables, bulk } = this.#projection;
    const finishes = new Set(bulk?.finishes);
    const waiting = finishes.size === 0 ? [] : tables.filter((table) => !finishes.has(table.name));
    const others = tables.filter((table) => !waiting.includes(table));
    const beside = this.#indexBeside(waiting);
    try {
      await this.#finish(connection);
      this.#tell(await this.#next(connection));
      waiting.push(...others);
      await this.#index(connection, waiting);
    } catch (error) {
      await beside.cancel();
      throw error;
    }
    await this.#index(connection, await beside.left);
  }

  async #finish(connection: ProjectionConnection): Promise<void> {
    const { schema } = this.#engine;
    const { name, tables, bulk } = this.#projection;
    const { position: at } = await this.#next(connection);
    await this.#orFail(connection, (error) => ({ position: at, reason: error.message }), () => connection.transaction(async (tx) => {
      const next = await lockOwn(tx, schema, this.#projection, 'next');
      const index = async (table: string): Promise<void> => {
        const definition = tables.find((one) => one.name === table);
        if (definition === undefined) throw new RangeError(`projection ${name} has no table ${table}`);
        for (const sql of indexesSql(nextSchema(schema, name), definition).values()) await tx.query(sql);
      };
      await tx.query(indexSettings);
      await bulk?.finish?.({ ...contextOf(this.#engine, tx, next, { after: at, upTo: at }), index });
      await setPhase(tx, schema, name, 'indexes');
    }));
  }

  /** Indexes tables, which it takes out of `waiting`, on a connection of its own. `left`: the one that it has failed at, which is for somebody else to make. */
  #indexBeside(waiting: TableDefinition[]): { readonly left: Promise<TableDefinition[]>; readonly cancel: () => Promise<void> } {
    const { database } = this.#engine;
    if (waiting.length === 0) return { left: Promise.resolve([]), cancel: () => Promise.resolve() };
    const state: { pid: number | null; at: TableDefinition | undefined; isOver: boolean } = { pid: null, at: undefined, isOver: false };
    const left = database.session(async (connection) => {
      const [row] = await connection.query<{ pid: number }>('select pg_backend_pid() as pid');
      state.pid = row?.pid ?? null;
      while (!state.isOver && (state.at = waiting.shift()) !== undefined) await this.#indexTable(connection, state.at, (run) => connection.transaction(run));
      state.pid = null;
    }).then(() => [], () => [state.at].filter((table) => table !== undefined));
    const cancel = async (): Promise<void> => {
      state.isOver = true;
      while ((await Promise.race([left, sleep(cancelPauseMs, null)])) === null) {
        if (state.pid !== null) await database.query('select pg_cancel_backend($1)', [state.pid]).catch(() => undefined);
      }
    };
    return { left, cancel };
  }

  /** Tables, which it takes out of `waiting`. */
  async #index(connection: ProjectionConnection, waiting: TableDefinition[]): Promise<void> {
    const guarded = (run: (tx: Transaction) => Promise<void>): Promise<void> => connection.transaction(async (tx) => {
      await lockOwn(tx, this.#engine.schema, this.#projection, 'next');
      await run(tx);
    });
    for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) await this.#indexTable(connection, table, guarded);
  }

  /** What is not there yet; then statistics and the visibility map, without which the first reads after the swap would be slow. */
  async #indexTable(connection: ProjectionConnection, table: TableDefinition, transaction: (run: (tx: Transaction) => Promise<void>) => Promise<void>): Promise<void> {
    const own = nextSchema(this.#engine.schema, this.#projection.name);
    const made = await connection.query<{ name: string }>('select indexname as name from pg_indexes where schemaname = $1 and tablename = $2', [own, table.name]);
    const isMade = new Set(made.map((index) => index.name));
    for (const [name, sql] of indexesSql(own, table)) {
      if (isMade.has(name)) continue;
      await transaction(async (tx) => {
        await tx.query(indexSettings);
        await tx.query(sql);
      });
    }
    // Without a limit: with the few pages that it has by default, each that it has marked waits for the disk.
    await connection.query(`vacuum (analyze, buffer_usage_limit 0) ${own}.${table.name}`);
  }

  async #catchUpAndSwap(connection: ProjectionConnection): Promise<void> {
    const { schema, sizes } = this.#engine;
    for (let phase: BuildPhase | null = null; ;) {
      this.#options.signal.throwIfAborted();
      const live = await readCheckpoint(connection, schema, this.#projection.name, 'live');
      const next = await this.#next(connection);
      const goal = await this.#goal(live, buildOf(next).target);
      const wanted = next.position + sizes.batchEventsMax < goal ? 'catching-up' : 'swapping';
      if (wanted !== phase) phase = await this.#phase(connection, wanted);
      if (wanted === 'catching-up') await this.#catchUp(connection, next.position, goal);
      else if (await this.#swap(connection)) return;
      else await sleep(swapPauseMs);
    }
  }

  /** How far the next rows must come before they may take the place of the live ones: as far as these, or to the head where these are of no use here. */
  async #goal(live: Checkpoint | null, target: Position): Promise<Position> {
    const { upTo } = this.#options;
    const reached = live?.position ?? position(0);
    const useful = live !== null && isOf(this.#projection, live) && reached > 0;
    const least = useful || upTo !== undefined ? upTo ?? target : (await this.#engine.store.head()).position;
    return least > reached ? least : reached;
  }

  async #catchUp(connection: ProjectionConnection, after: Position, last: Position): Promise<void> {
    const { store, sizes } = this.#engine;
    const applier = new BatchApplier(this.#engine, this.#projection, 'next', connection);
    let at = after;
    for await (const slice of readAhead(logPages(store, filterOf(this.#projection), { after, last }, sizes))) {
      this.#options.signal.throwIfAborted();
      const failure = await applier.applyOrStop(at, slice);
      if (failure !== null) throw this.#failed(failure, failure.cause);
      at = slice.scannedTo;
      this.#tell(await this.#next(connection));
    }
  }

  /** False where readers did not make way in time, or the live rows have gone on too far. */
  async #swap(connection: ProjectionConnection): Promise<boolean> {
    const { schema, store, sizes } = this.#engine;
    const { name } = this.#projection;
    const before = await readCheckpoint(connection, schema, name, 'live');
    try {
      return await connection.transaction(async (tx) => {
        // Ends an autovacuum, which would keep the tables for minutes and yields to nobody who waits for less than a second; readers and writers pass.
        const tables = this.#tables(before);
        await tx.query(`lock table ${tables.join(', ')} in share update exclusive mode`);
        const live = await lockCheckpoint(tx, schema, name, 'live');
        this.#assertReplaceable(live);
        let next = await lockOwn(tx, schema, this.#projection, 'next');
        if (live === null || next.position + sizes.laggingEventsMax < live.position) return false;
        for await (const slice of logPages(store, filterOf(this.#projection), { after: next.position, last: live.position }, sizes)) {
          await applySlice(this.#engine, tx, this.#projection, { checkpoint: next, slice });
          next = { ...next, position: slice.scannedTo };
        }
        await this.#exchange(tx, live);
        return true;
      });
    } catch (error) {
      if (isLockTimeout(error)) return false;
      // An event of the last batch: which one is found where each batch has a transaction of its own.
      const next = await this.#next(connection);
      if (!isTransient(error) && before !== null && next.position < before.position) await this.#catchUp(connection, next.position, before.position);
      throw error;
    }
  }

  /** From the lock of the gate on, reads wait: nothing is done here that takes time. */
  async #exchange(tx: Transaction, live: Checkpoint): Promise<void> {
    const { schema } = this.#engine;
    const { name, tables } = this.#projection;
    await tx.query(`set local lock_timeout = ${gateWaitMsMax}`);
    await tx.query(`lock table ${schema}.gate in access exclusive mode`);
    await tx.query([
      `set local lock_timeout = ${tableWaitMsMax}`,
      ...live.tables.map((table) => `drop table ${schema}.${table}`),
      ...tables.map((table) => `alter table ${nextSchema(schema, name)}.${table.name} set schema ${schema}`),
      `drop schema ${nextSchema(schema, name)} cascade`,
    ].join('; '));
    await promoteNext(tx, schema, name);
  }

  #tables(live: Checkpoint | null): readonly string[] {
    const { schema } = this.#engine;
    const { name, tables } = this.#projection;
    return [...(live?.tables ?? []).map((table) => `${schema}.${table}`), ...tables.map((table) => `${nextSchema(schema, name)}.${table.name}`)];
  }

  #assertReplaceable(live: Checkpoint | null): void {
    if (live === null) throw notPrepared(this.#projection.name);
    if (!this.#options.mayReplace && !isOf(this.#projection, live)) throw otherVersion(this.#projection, live);
  }

  async #next(connection: ProjectionConnection): Promise<Checkpoint> {
    const next = await readCheckpoint(connection, this.#engine.schema, this.#projection.name, 'next');
    return assertGoesOn(this.#projection.name, next);
  }

  async #phase(connection: ProjectionConnection, phase: BuildPhase): Promise<BuildPhase> {
    await setPhase(connection, this.#engine.schema, this.#projection.name, phase);
    this.#tell(await this.#next(connection));
    this.#options.signal.throwIfAborted();
    return phase;
  }

  /** What an event did to `work` stands in the checkpoint afterwards; what the surroundings did does not. */
  async #orFail(connection: ProjectionConnection, failureOf: (error: Error) => Failure | null, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const failure = isTransient(error) ? null : failureOf(asError(error));
      if (failure === null) throw error;
      await recordFailure(connection, this.#engine.schema, { name: this.#projection.name, generation: 'next' }, failure);
      throw this.#failed(failure, error);
    }
  }

  #failed({ position: at, reason }: Failure, cause: unknown): ProjectionError {
    return new ProjectionError('rebuild-failed', `the rebuild of projection ${this.#projection.name} stopped at position ${at}: ${reason}`, at, { cause });
  }

  #tell(next: Checkpoint): void {
    const progress = progressOf(next);
    if (progress !== null) this.#options.onProgress?.(progress);
  }
}

const buildOf = (next: Checkpoint): NonNullable<Checkpoint['build']> => {
  if (next.build === null) throw new Error(`the next generation of projection ${next.name} has no phase`);
  return next.build;
};
