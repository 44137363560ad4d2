import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Fact, type Instant, type Position } from '@rectrail/kernel';
import type { AllSlice, EventStore, StoredEvent } from '@rectrail/event-store';
import { BatchApplier, engineOf, otherVersion, rebuildStopped, type Engine, type Stopped } from './batch-applier.ts';
import {
  adoptLive, dropNext, insertLive, insertSkip, isOf, isStopped, lockCheckpoint, notPrepared, pauseNext, readableOf, readCheckpoint, readCheckpoints, readSkips,
  type Checkpoint, type Failure, type Skip,
} from './checkpoint.ts';
import { despiteDeadlocks, hasProjectionCode, ProjectionError } from './errors.ts';
import { LiveFollowers } from './live-followers.ts';
import { filterOf, logPages, readAhead, type BatchSizes } from './log-pages.ts';
import { ProjectionBuild, progressOf, interruptBuilder, projectionsBeingBuilt, type BuildOptions, type BuildProgress } from './projection-build.ts';
import type { Projection } from './projection.ts';
import { createTableSql, indexesSql } from './table.ts';
import type { ProjectionDatabase, Transaction } from './transaction.ts';

export interface ProjectionRunnerOptions extends Partial<BatchSizes> {
  readonly store: EventStore;
  readonly decode: (stored: StoredEvent) => Fact;
  readonly database: ProjectionDatabase;
  readonly projections: readonly Projection[];
  /** Of the live rows and of what the engine keeps (`engineSql`). */
  readonly schema: string;
  /** A projection without rows goes by its bulk load where the log has more events than this; default 20,000. */
  readonly bulkFromEvents?: number;
  /** Pause before work is tried again that failed for want of the database or the store, and before one that has stopped is looked at again; default 500 ms. */
  readonly retryDelayMs?: number;
  /** `at` is null where the surroundings failed and the work will be tried again, or where it has ended because another version has taken its place. */
  readonly onFailure?: (name: string, at: Position | null, error: unknown) => void;
}

export interface RebuildOptions {
  /** Stops it after the work at hand; what is done is kept for the next time. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  /** Goes on only with a rebuild that was interrupted, not with one that an operator has stopped or dropped. */
  readonly onlyInterrupted?: boolean | undefined;
}

export interface CatchUpOptions {
  /** Names of the projections that are waited for; default all. */
  readonly only?: readonly string[];
  /** Not waited for where there are no rows yet that this process may read: those of a large log take minutes. */
  readonly ofReadable?: boolean;
}

export interface RunnerStatus {
  readonly name: string;
  /** Of the live rows; 0 while there are none. */
  readonly version: number;
  readonly position: Position;
  /** Whether the live rows are of this process's definition. */
  readonly readable: boolean;
  readonly failure: Failure | null;
  /** Events between the position and the head of the log. */
  readonly lagEvents: number;
  /** When the first of them was recorded; null where there is none. */
  readonly laggingSince: Instant | null;
  /** A rebuild that has begun; `running` where some process is at it. */
  readonly build: (BuildProgress & { readonly running: boolean }) | null;
  /** When a rebuild put the live rows in place; null where none has. */
  readonly swappedAt: Instant | null;
  readonly skips: readonly Skip[];
}

const defaults = { batchEventsMax: 500, laggingEventsMax: 5_000, batchCharsMax: 4 << 20, bulkFromEvents: 20_000, retryDelayMs: 500 };

/** How often a waiter looks at the checkpoints where another process moves them, in ms. */
const pollMs = 20;

/**
 * Feeds each projection from its own checkpoint: one transaction a batch, applied once or not at all, whoever else runs it. An event that cannot be
 * applied stops its projection, with position and reason; the others go on. Rows are made anew beside the ones that are read, and swapped in.
 */
export class ProjectionRunner {
  readonly #options: ProjectionRunnerOptions & typeof defaults;
  readonly #engine: Engine;
  /** Those whose live rows have been of this process's definition: it does not put them back once another has taken their place. */
  readonly #held = new Set<string>();
  #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #builds = new Map<string, { readonly cancel: AbortController; readonly ended: Promise<unknown> }>();
  #moved = Promise.withResolvers<undefined>();
  #looking: Promise<readonly Checkpoint[]> | null = null;

  constructor(options: ProjectionRunnerOptions) {
    this.#options = { ...defaults, ...options };
    const { store, decode, database, schema, batchEventsMax, laggingEventsMax, batchCharsMax, bulkFromEvents, projections } = this.#options;
    for (const [name, value] of Object.entries({ batchEventsMax, laggingEventsMax, batchCharsMax, bulkFromEvents })) {
      if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer, got ${value}`);
    }
    if (new Set(projections.map((p) => p.name)).size !== projections.length) throw new RangeError('two projections have the same name');
    this.#engine = engineOf({ store, decode, database, schema, sizes: { batchEventsMax, laggingEventsMax: Math.max(batchEventsMax, laggingEventsMax), batchCharsMax } });
  }

  /** Makes missing checkpoints, and the tables of a projection that is new, unless its bulk load will. Changes no rows. Call once, after the migrations. */
  async prepare(): Promise<void> {
    const { database, schema, projections, store } = this.#options;
    const head = (await store.head()).position;
    for (const projection of projections) {
      await database.transaction(async (tx) => {
        await insertLive(tx, schema, projection.name);
        const live = await lockCheckpoint(tx, schema, projection.name, 'live');
        if (live?.version === 0 && !this.#byBulk(projection, head)) await this.#adopt(tx, projection);
        else if (live === null || !isOf(projection, live)) return;
        this.#held.add(projection.name);
      });
    }
  }

  /** Follows the log until `stop`. A projection whose live rows are of another version, or that has none beside a large log, is built first. */
  start(): void {
    const { signal } = this.#stopping;
    for (const projections of Map.groupBy(this.#options.projections, ({ streamPrefix }) => streamPrefix).values()) {
      const live = new LiveFollowers({ engine: this.#engine, projections, signal, onApplied: () => { this.#notify(); } });
      for (const projection of projections) void this.#track(this.#work(projection, live));
    }
  }

  /** Ends after the batches at hand; a rebuild keeps what it has committed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
    this.#stopping = new AbortController();
  }

  /** Projects the log up to `upTo` (default, and at most, its head) without following it. A stopped projection is tried again. */
  async project(upTo?: Position): Promise<void> {
    const head = (await this.#options.store.head()).position;
    const target = upTo === undefined || upTo > head ? head : upTo;
    for (const projection of this.#options.projections) {
      try {
        await this.#projectOne(projection, target);
      } catch (error) {
        if (!(error instanceof ProjectionError) || error.code !== 'rebuild-failed') throw error;
        this.#options.onFailure?.(projection.name, error.at, error);
      }
    }
  }

  /** The position that each projection has reached, as `tx` sees it; null while the live rows of one are not of this process's definition and must not be read. */
  async reached(tx: Pick<Transaction, 'query'>): Promise<ReadonlyMap<string, Position> | null> {
    const reached = new Map<string, Position>();
    const checkpoints = await this.#checkpoints(tx);
    for (const projection of this.#options.projections) {
      const live = readableOf(projection, checkpoints);
      if (live === null) return null;
      reached.set(projection.name, live.position);
    }
    return reached;
  }

  /** True once every projection has reached `to` with rows that may be read; false after `timeoutMs`, or as soon as one of them has stopped short of it. */
  async catchUp(to: Position, timeoutMs: number, { only, ofReadable = false }: CatchUpOptions = {}): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    const awaited = this.#options.projections.filter(({ name }) => only?.includes(name) ?? true);
    for (;;) {
      const moved = this.#moved.promise;
      const checkpoints = await this.#look();
      if (awaited.every((projection) => (readableOf(projection, checkpoints)?.position ?? -1) >= to)) return true;
      if (ofReadable && awaited.some((projection) => readableOf(projection, checkpoints) === null)) return false;
      if (awaited.some((projection) => isStopped(projection, checkpoints, to)) || performance.now() >= deadline) return false;
      await Promise.race([moved, sleep(pollMs)]);
    }
  }

  async status(): Promise<readonly RunnerStatus[]> {
    const { database, schema, store, projections } = this.#options;
    const checkpoints = await this.#checkpoints(database);
    const names = projections.map((p) => p.name);
    const skips = await readSkips(database, schema, names);
    const running = await projectionsBeingBuilt(database, schema, names);
    const { position: head } = await store.head();
    return Promise.all(projections.map(async (projection) => {
      const { name } = projection;
      const live = checkpoints.find((c) => c.name === name && c.generation === 'live');
      if (live === undefined) throw notPrepared(name);
      const next = checkpoints.find((c) => c.name === name && c.generation === 'next');
      const progress = next === undefined ? null : progressOf(next);
      const lagEvents = Math.max(0, head - live.position);
      const oldest = lagEvents === 0 ? undefined : (await store.readAll({ after: live.position, limit: 1 })).events[0];
      return {
        name, version: live.version, position: live.position, readable: isOf(projection, live), failure: live.failure, lagEvents, laggingSince: oldest?.recordedAt ?? null,
        build: progress === null ? null : { ...progress, running: running.has(name) }, swappedAt: live.swappedAt, skips: skips.get(name) ?? [],
      };
    }));
  }

  /**
   * Makes the rows anew beside those that are read, and swaps them in; goes on where an earlier rebuild of the same definition was stopped.
   * @throws ProjectionError `unknown-projection`, `rebuild-running`, `rebuild-failed`, `rebuild-cancelled`, `rebuild-stopped`; the reason of the signal
   * once it has aborted.
   */
  async rebuild(name: string, options: RebuildOptions = {}): Promise<void> {
    await this.#track(this.#build(this.#projection(name), { ...options, asked: options.onlyInterrupted !== true }));
  }

  /**
   * Stops a rebuild, whichever process is at it, until it is asked for again: no process goes on with it by itself, also where a change of version
   * needs it. What it has made is kept. False where there is none. @throws ProjectionError `unknown-projection`.
   */
  async pauseRebuild(name: string): Promise<boolean> {
    const { database, schema } = this.#options;
    this.#projection(name);
    await this.#abortBuild(name, rebuildStopped(name));
    return pauseNext(database, schema, name);
  }

  /** Drops what a rebuild has made so far; false where there is none. One that a change of version needs begins anew. @throws ProjectionError `unknown-projection`. */
  async cancelRebuild(name: string): Promise<boolean> {
    const { database, schema } = this.#options;
    this.#projection(name);
    await this.#abortBuild(name, new ProjectionError('rebuild-cancelled', `the rebuild of projection ${name} was cancelled`));
    return despiteDeadlocks(() => database.transaction((tx) => dropNext(tx, schema, name)));
  }

  /**
   * Lets the projection leave out the event at which it stands stopped, now and in every rebuild: from then on "the same rows, byte for byte" is said of
   * the log without that event. Other projections do not leave it out. @throws ProjectionError `unknown-projection`, `skip-refused`.
   */
  async skip(name: string, at: Position, { by, reason }: { readonly by: string; readonly reason: string }): Promise<void> {
    const { store, database, schema } = this.#options;
    const { isIndispensable } = this.#projection(name);
    const { events: [event] } = await store.readAll({ after: position(Math.max(0, at - 1)), limit: 1 });
    if (event !== undefined && isIndispensable?.(event.streamId) === true) {
      throw new ProjectionError('skip-refused', `no event of ${event.streamId} can be left out: other rows rest on it. Potential solutions: a release that can apply it`, at);
    }
    await database.transaction((tx) => insertSkip(tx, schema, name, { position: at, reason, skippedBy: by }));
  }

  #projection(name: string): Projection {
    const { projections } = this.#options;
    const projection = projections.find((p) => p.name === name);
    if (projection === undefined) throw new ProjectionError('unknown-projection', `no projection is called ${name}; there are ${projections.map((p) => p.name).join(', ')}`);
    return projection;
  }

  #checkpoints(tx: Pick<Transaction, 'query'>): Promise<readonly Checkpoint[]> {
    return readCheckpoints(tx, this.#options.schema, this.#options.projections.map((p) => p.name));
  }

  /** Those that wait at the same time share one look: many readers may wait while a large import is projected. */
  #look(): Promise<readonly Checkpoint[]> {
    this.#looking ??= this.#checkpoints(this.#options.database).finally(() => { this.#looking = null; });
    return this.#looking;
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async #adopt(tx: Transaction, projection: Projection): Promise<void> {
    const { schema } = this.#options;
    for (const table of projection.tables) for (const sql of [createTableSql(schema, table), ...indexesSql(schema, table).values()]) await tx.query(sql);
    await adoptLive(tx, schema, projection);
  }

  #byBulk(projection: Projection, target: Position): boolean {
    return projection.bulk !== undefined && target > this.#options.bulkFromEvents;
  }

  async #live(name: string): Promise<Checkpoint> {
    const live = await readCheckpoint(this.#options.database, this.#options.schema, name, 'live');
    if (live === null) throw notPrepared(name);
    return live;
  }

  /** @throws ProjectionError `projection-other-version`. */
  #needsBuild(projection: Projection, live: Checkpoint, target: Position): boolean {
    if (isOf(projection, live)) return live.position === 0 && this.#byBulk(projection, target);
    if (this.#held.has(projection.name)) throw otherVersion(projection, live);
    return true;
  }

  /** Here it has ended then, so that nothing of it comes after; another process will see what the checkpoint says. */
  async #abortBuild(name: string, reason: ProjectionError): Promise<void> {
    const build = this.#builds.get(name);
    build?.cancel.abort(reason);
    await (build?.ended ?? interruptBuilder(this.#options.database, this.#options.schema, name));
  }

  async #build(projection: Projection, { signal, ...options }: RebuildOptions & Pick<BuildOptions, 'upTo' | 'asked'>): Promise<void> {
    const { name } = projection;
    if (this.#builds.has(name)) throw new ProjectionError('rebuild-running', `projection ${name} is being rebuilt`);
    const cancel = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    this.#builds.set(name, { cancel, ended });
    try {
      const signals = [cancel.signal, this.#stopping.signal, ...(signal === undefined ? [] : [signal])];
      await new ProjectionBuild(this.#engine, projection, { ...options, signal: AbortSignal.any(signals), mayReplace: !this.#held.has(name) }).run();
      this.#held.add(name);
    } finally {
      this.#builds.delete(name);
      end(undefined);
    }
    this.#notify();
  }

  /** Until the stop; ends before it only where another version has taken the place of this one. */
  async #work(projection: Projection, live: LiveFollowers): Promise<void> {
    const { name } = projection;
    const { signal } = this.#stopping;
    const isAborted = (): boolean => signal.aborted;
    let stoppedAt: Position | null = null;
    while (!isAborted()) {
      try {
        const at = stoppedAt;
        if (at !== null) await this.#while(name, ({ failure }) => failure?.position === at, signal);
        await this.#makeRows(projection, signal);
        stoppedAt = (await this.#follow(projection, live, signal))?.position ?? null;
      } catch (error) {
        if (isAborted()) return;
        const failedAt = error instanceof ProjectionError && error.code === 'rebuild-failed' ? error.at : null;
        if (!hasProjectionCode(error, 'rebuild-running') && !hasProjectionCode(error, 'rebuild-stopped')) this.#options.onFailure?.(name, failedAt, error);
        if (hasProjectionCode(error, 'projection-other-version')) return;
        if (failedAt === null) await this.#pause(signal);
        else stoppedAt = failedAt;
      }
    }
  }

  /** Where there are none of this definition, or none at all beside a large log. */
  async #makeRows(projection: Projection, signal: AbortSignal): Promise<void> {
    if (!this.#needsBuild(projection, await this.#live(projection.name), (await this.#options.store.head()).position)) return;
    await this.#while(projection.name, ({ build }) => build?.paused === true, signal);
    if (!signal.aborted) await this.#build(projection, {});
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await sleep(this.#options.retryDelayMs, undefined, { signal }).catch(() => undefined);
  }

  /** While a generation of it stands so: an operator or another process may change that. */
  async #while(name: string, stands: (checkpoint: Checkpoint) => boolean, signal: AbortSignal): Promise<void> {
    const isAborted = (): boolean => signal.aborted;
    while (!isAborted() && (await readCheckpoints(this.#options.database, this.#options.schema, [name])).some(stands)) await this.#pause(signal);
  }

  /** The failure at which the projection stopped; null once the signal has aborted, after the batch at hand. */
  async #follow(projection: Projection, live: LiveFollowers, signal: AbortSignal): Promise<Failure | null> {
    const { store } = this.#options;
    const { sizes } = this.#engine;
    const isAborted = (): boolean => signal.aborted;
    while (!isAborted()) {
      const { position: after } = await this.#live(projection.name);
      const head = (await store.head()).position;
      const stopped = head - after > sizes.batchEventsMax
        ? await this.#applyAll(projection, after, readAhead(logPages(store, filterOf(projection), { after, last: head }, sizes)), signal)
        : await live.follow(projection, after);
      if (stopped !== null) return this.#told(projection, stopped);
    }
    return null;
  }

  #told({ name }: Projection, stopped: Stopped): Failure {
    this.#options.onFailure?.(name, stopped.position, stopped.cause);
    return stopped;
  }

  async #projectOne(projection: Projection, target: Position): Promise<void> {
    const { store } = this.#options;
    const { signal } = this.#stopping;
    while (this.#needsBuild(projection, await this.#live(projection.name), target)) {
      await this.#build(projection, { upTo: target }).catch(async (error: unknown) => {
        if (!hasProjectionCode(error, 'rebuild-running')) throw error;
        await this.#pause(signal);
      });
    }
    const { position: after } = await this.#live(projection.name);
    if (after >= target) return;
    const stopped = await this.#applyAll(projection, after, readAhead(logPages(store, filterOf(projection), { after, last: target }, this.#engine.sizes)), signal);
    if (stopped !== null) this.#told(projection, stopped);
  }

  async #applyAll(projection: Projection, from: Position, slices: AsyncGenerator<AllSlice, void, void>, signal: AbortSignal): Promise<Stopped | null> {
    const applier = new BatchApplier(this.#engine, projection, 'live');
    let after = from;
    for await (const slice of slices) {
      if (signal.aborted) return null;
      const stopped = await applier.applyOrStop(after, slice);
      this.#notify();
      if (stopped !== null) return stopped;
      after = slice.scannedTo;
    }
    return null;
  }

  #notify(): void {
    const moved = this.#moved;
    this.#moved = Promise.withResolvers<undefined>();
    moved.resolve(undefined);
  }
}
