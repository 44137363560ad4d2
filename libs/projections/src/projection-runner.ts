import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import type { AllSlice, EventFilter, EventStore, StoredEvent } from '@rectrail/event-store';
import { lockCheckpoint, moveCheckpoint, prepareProjection, readCheckpoints, recordFailure, resetProjection, type Checkpoint, type Failure } from './checkpoint.ts';
import type { Projection } from './projection.ts';
import type { ProjectionDatabase } from './transaction.ts';

export interface ProjectionRunnerOptions {
  readonly store: EventStore;
  readonly decode: (stored: StoredEvent) => Fact;
  readonly database: ProjectionDatabase;
  readonly projections: readonly Projection[];
  /** Schema of the checkpoint and of the projections' tables. */
  readonly schema: string;
  /** Most events of one transaction, which bounds memory; default 500. */
  readonly batchEventsMax?: number;
  /** Pause before a batch is tried again that failed for want of the database or the store; default 500 ms. */
  readonly retryDelayMs?: number;
  /** `at` is null where the surroundings failed and the batch will be tried again. */
  readonly onFailure?: (name: string, at: Position | null, error: unknown) => void;
}

/** How often a waiter looks at the checkpoints where another process moves them, in ms. */
const pollMs = 20;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Someone else began a rebuild meanwhile: what was read lies after a gap and must not be applied. */
class CheckpointMovedBack extends Error {
  constructor(name: string) {
    super(`projection ${name} was reset while a batch for it was being read`);
    this.name = 'CheckpointMovedBack';
  }
}

/** A process with another version of the projection has begun to make the rows anew: they are no longer this one's to write. */
class OtherVersion extends Error {
  constructor(name: string, here: number, own: number) {
    super(`projection ${name} is at version ${here} here and this process has version ${own}`);
    this.name = 'OtherVersion';
  }
}

/** Connection lost, server shutting down, statement cancelled or out of time, serialisation failure or deadlock, no such host: the event is not to blame. */
const isTransient = (error: unknown): boolean => {
  if (error instanceof CheckpointMovedBack || error instanceof OtherVersion) return true;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(08...|57...|40001|40P01|55P03|53...|E[A-Z]{4,}|event-store-unavailable)$/.test(code) || (error instanceof Error && /connection terminated|timeout exceeded when trying to connect/i.test(error.message));
};

/**
 * Feeds each projection from its own checkpoint: one transaction a batch, applied once or not at all, whoever else runs it. An
 * event that cannot be applied stops its projection, with position and reason; the others go on.
 */
export class ProjectionRunner {
  readonly #options: Required<Omit<ProjectionRunnerOptions, 'onFailure'>> & Pick<ProjectionRunnerOptions, 'onFailure'>;
  readonly #workers = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #moved = Promise.withResolvers<undefined>();
  #looking: Promise<readonly Checkpoint[]> | null = null;

  constructor(options: ProjectionRunnerOptions) {
    this.#options = { batchEventsMax: 500, retryDelayMs: 500, ...options };
    const { batchEventsMax, projections } = this.#options;
    if (!Number.isSafeInteger(batchEventsMax) || batchEventsMax < 1) throw new RangeError(`batchEventsMax must be a positive integer, got ${batchEventsMax}`);
    if (new Set(projections.map((p) => p.name)).size !== projections.length) throw new RangeError('two projections have the same name');
  }

  /** Makes missing checkpoints and empties projections whose version has changed. Call once, after the migrations. */
  async prepare(): Promise<void> {
    const { database, schema, projections } = this.#options;
    for (const projection of projections) await database.transaction((tx) => prepareProjection(tx, schema, projection));
  }

  /** Follows the log until `stop`. */
  start(): void {
    for (const projection of this.#options.projections) this.#startWorker(projection);
  }

  async stop(): Promise<void> {
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.abort.abort();
    await Promise.all(workers.map((worker) => worker.done));
    this.#workers.clear();
  }

  /** Projects the log up to `upTo` (default its head) without following it. A stopped projection is tried again. */
  async project(upTo?: Position): Promise<void> {
    const target = upTo ?? (await this.#options.store.head()).position;
    for (const projection of this.#options.projections) await this.#projectOne(projection, target);
  }

  checkpoints(): Promise<readonly Checkpoint[]> {
    const { database, schema, projections } = this.#options;
    return readCheckpoints(database, schema, projections.map((p) => p.name));
  }

  /** True once every projection has reached `to` with rows that may be read; false after `timeoutMs`, or as soon as one of them has stopped short of it. */
  async catchUp(to: Position, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const moved = this.#moved.promise;
      const checkpoints = await this.#look();
      if (checkpoints.every((c) => c.position >= to && c.position >= c.rebuildingTo)) return true;
      if (checkpoints.some((c) => c.failure !== null && c.failure.position <= to) || performance.now() >= deadline) return false;
      await Promise.race([moved, sleep(pollMs)]);
    }
  }

  /** Empties the projection and makes it anew. @throws RangeError for an unknown name. */
  async rebuild(name: string): Promise<void> {
    const { database, schema, projections, store } = this.#options;
    const projection = projections.find((p) => p.name === name);
    if (projection === undefined) throw new RangeError(`no projection is called ${name}; there are ${projections.map((p) => p.name).join(', ')}`);
    const worker = this.#workers.get(name);
    worker?.abort.abort();
    await worker?.done;
    try {
      await database.transaction((tx) => resetProjection(tx, schema, projection));
      await this.#projectOne(projection, (await store.head()).position);
    } finally {
      if (worker !== undefined) this.#startWorker(projection);
    }
  }

  /** Those that wait at the same time share one look: many readers may wait while a large import is projected. */
  #look(): Promise<readonly Checkpoint[]> {
    this.#looking ??= this.checkpoints().finally(() => { this.#looking = null; });
    return this.#looking;
  }

  #startWorker(projection: Projection): void {
    const abort = new AbortController();
    this.#workers.set(projection.name, { abort, done: this.#follow(projection, abort.signal) });
  }

  async #follow(projection: Projection, signal: AbortSignal): Promise<void> {
    const isAborted = (): boolean => signal.aborted;
    while (!isAborted()) {
      try {
        if (!(await this.#followFromCheckpoint(projection, signal))) return;
      } catch (error) {
        if (isAborted()) return;
        this.#options.onFailure?.(projection.name, null, error);
        await sleep(this.#options.retryDelayMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** False where an event stopped the projection; true once the signal has aborted, after the batch at hand. */
  async #followFromCheckpoint(projection: Projection, signal: AbortSignal): Promise<boolean> {
    const { store, batchEventsMax } = this.#options;
    let after = await this.#positionOf(projection);
    for await (const slice of store.subscribeAll({ after, filter: filterOf(projection), batchEventsMax, signal })) {
      if (!(await this.#applyOrStop(projection, after, slice))) return false;
      after = slice.scannedTo;
    }
    return true;
  }

  async #projectOne(projection: Projection, upTo: Position): Promise<void> {
    const { store, batchEventsMax } = this.#options;
    let after = await this.#positionOf(projection);
    while (after < upTo) {
      const slice = await store.readAll({ after, filter: filterOf(projection), limit: batchEventsMax });
      const events = slice.events.filter((event) => event.position <= upTo);
      const scannedTo = slice.scannedTo < upTo ? slice.scannedTo : upTo;
      if (!(await this.#applyOrStop(projection, after, { events, scannedTo }))) return;
      after = scannedTo;
    }
  }

  async #positionOf(projection: Projection): Promise<Position> {
    const { database, schema } = this.#options;
    const [checkpoint] = await readCheckpoints(database, schema, [projection.name]);
    if (checkpoint === undefined) throw new Error(`projection ${projection.name} has no checkpoint: prepare() was not called`);
    return checkpoint.position;
  }

  /** False where an event stopped the projection. @throws where only the surroundings failed, so that the batch may be tried again. */
  async #applyOrStop(projection: Projection, after: Position, slice: AllSlice): Promise<boolean> {
    try {
      await this.#apply(projection, after, slice);
      return true;
    } catch (error) {
      if (isTransient(error)) throw error;
    }
    // The batch was rolled back. One by one, so that everything before the failing event is kept and its position is known.
    for (const event of slice.events) {
      const error = await this.#apply(projection, after, { events: [event], scannedTo: event.position }).then(() => null, asError);
      if (error === null) continue;
      if (isTransient(error)) throw error;
      await this.#stopBefore(projection, after, { position: event.position, reason: error.message });
      this.#options.onFailure?.(projection.name, event.position, error);
      return false;
    }
    await this.#apply(projection, after, { events: [], scannedTo: slice.scannedTo });
    return true;
  }

  /** What lies between the last event that it wanted and the failing one is reached, since there is nothing in it for this projection. */
  async #stopBefore(projection: Projection, after: Position, failure: Failure): Promise<void> {
    const { database, schema } = this.#options;
    await this.#apply(projection, after, { events: [], scannedTo: position(failure.position - 1) });
    await database.transaction((tx) => recordFailure(tx, schema, projection.name, failure));
  }

  async #apply(projection: Projection, after: Position, slice: AllSlice): Promise<void> {
    const { database, schema, decode, store } = this.#options;
    await database.transaction(async (tx) => {
      const checkpoint = await lockCheckpoint(tx, schema, projection.name);
      if (checkpoint.version !== projection.version) throw new OtherVersion(projection.name, checkpoint.version, projection.version);
      if (checkpoint.position < after) throw new CheckpointMovedBack(projection.name);
      if (slice.scannedTo <= checkpoint.position) return;
      const facts = slice.events.filter((event) => event.position > checkpoint.position).map(decode);
      const streams = async (ids: readonly StreamId[], upTo: Position): Promise<ReadonlyMap<StreamId, readonly Fact[]>> => {
        if (ids.length === 0) return new Map();
        const slices = await store.readStreams(ids, upTo);
        return new Map([...slices].map(([id, stream]) => [id, stream.events.map(decode)]));
      };
      const earlier = (ids: readonly StreamId[]): Promise<ReadonlyMap<StreamId, readonly Fact[]>> => streams(ids, checkpoint.position);
      if (facts.length > 0) await projection.apply(facts, { tx, schema, after: checkpoint.position, upTo: slice.scannedTo, earlier, streams });
      await moveCheckpoint(tx, schema, projection.name, slice.scannedTo);
    });
    const moved = this.#moved;
    this.#moved = Promise.withResolvers<undefined>();
    moved.resolve(undefined);
  }
}

const filterOf = (projection: Projection): EventFilter => (projection.streamPrefix === '' ? {} : { streamPrefix: projection.streamPrefix });
