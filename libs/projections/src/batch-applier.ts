import type { Fact, Position, StreamId } from '@rectrail/kernel';
import { position } from '@rectrail/kernel';
import type { AllSlice, EventStore, StoredEvent } from '@rectrail/event-store';
import { isOf, isOutdated, lockCheckpoint, moveCheckpoint, notPrepared, recordFailure, schemaOf, type Checkpoint, type Failure, type Generation } from './checkpoint.ts';
import { asError, BuildOutdated, CheckpointMovedBack, isTransient, ProjectionError } from './errors.ts';
import { toApply, type BatchSizes } from './log-pages.ts';
import type { Projection, ProjectionContext } from './projection.ts';
import type { ProjectionConnection, ProjectionDatabase, Transaction } from './transaction.ts';
import { WholeStreams } from './whole-streams.ts';

/** What every part of the engine works with. */
export interface Engine {
  readonly store: EventStore;
  readonly decode: (stored: StoredEvent) => Fact;
  readonly database: ProjectionDatabase;
  /** Of the live rows and of what the engine keeps. */
  readonly schema: string;
  readonly sizes: BatchSizes;
  readonly wholeStreams: WholeStreams;
}

export const engineOf = (parts: Omit<Engine, 'wholeStreams'>): Engine => ({ ...parts, wholeStreams: new WholeStreams(parts) });

/** What a projection is given to work with on the rows of one generation; skipped events and purged contents are in nothing that it reads. */
export const contextOf = (
  { store, decode, schema }: Engine, tx: Transaction, checkpoint: Checkpoint, { after, upTo }: Pick<ProjectionContext, 'after' | 'upTo'>,
): ProjectionContext => {
  const streams = async (ids: readonly StreamId[], last: Position): Promise<ReadonlyMap<StreamId, readonly Fact[]>> => {
    if (ids.length === 0) return new Map();
    const slices = await store.readStreams(ids, last);
    return new Map([...slices].map(([id, { events }]) => [id, toApply(events, checkpoint.skips).map(decode)]));
  };
  return { tx, schema: schemaOf(schema, checkpoint), after, upTo, streams, earlier: (ids) => streams(ids, after) };
};

/** The rebuild is still wanted: an operator may have stopped or dropped it, from another process too. @throws ProjectionError `rebuild-cancelled`, `rebuild-stopped`. */
export const assertGoesOn = (name: string, next: Checkpoint | null): Checkpoint => {
  if (next === null) throw new ProjectionError('rebuild-cancelled', `the rebuild of projection ${name} was cancelled`);
  if (next.build?.paused === true) throw rebuildStopped(name);
  return next;
};

export const rebuildStopped = (name: string): ProjectionError => new ProjectionError('rebuild-stopped', `the rebuild of projection ${name} was stopped; what it has made is kept`);

/** The checkpoint of a generation that is this definition's to write. @throws ProjectionError, BuildOutdated. */
export const lockOwn = async (tx: Transaction, schema: string, projection: Projection, generation: Generation): Promise<Checkpoint> => {
  const checkpoint = await lockCheckpoint(tx, schema, projection.name, generation);
  if (generation === 'next') {
    const next = assertGoesOn(projection.name, checkpoint);
    if (isOutdated(projection, next)) throw new BuildOutdated(projection.name);
    return next;
  }
  if (checkpoint === null) throw notPrepared(projection.name);
  if (!isOf(projection, checkpoint)) throw otherVersion(projection, checkpoint);
  return checkpoint;
};

/** A process with another definition of the projection has put its rows in place: they are no longer this one's to write. */
export const otherVersion = ({ name, version }: Projection, here: Checkpoint): ProjectionError =>
  new ProjectionError('projection-other-version', here.version === version
    ? `the tables of projection ${name} are defined otherwise here, at the same version ${version}`
    : `projection ${name} is at version ${here.version} here and this process has version ${version}`);

/** Within a transaction that holds the checkpoint: what lies beyond it of the slice, and the checkpoint moved. */
export const applySlice = async (
  engine: Engine, tx: Transaction, projection: Projection, { checkpoint, slice }: { readonly checkpoint: Checkpoint; readonly slice: AllSlice },
): Promise<void> => {
  if (slice.scannedTo <= checkpoint.position) return;
  const facts = toApply(slice.events, checkpoint.skips).filter((event) => event.position > checkpoint.position).map(engine.decode);
  if (facts.length > 0) await projection.apply(facts, contextOf(engine, tx, checkpoint, { after: checkpoint.position, upTo: slice.scannedTo }));
  await moveCheckpoint(tx, engine.schema, checkpoint, slice.scannedTo);
};

/** Where the rows stand stopped, and what the event was refused by. */
export interface Stopped extends Failure { readonly cause: Error }

/** Applies slices of the log to one generation of a projection's rows, one transaction each. */
export class BatchApplier {
  readonly #engine: Engine;
  readonly #projection: Projection;
  readonly #generation: Generation;
  readonly #connection: ProjectionConnection;

  constructor(engine: Engine, projection: Projection, generation: Generation, connection: ProjectionConnection = engine.database) {
    this.#engine = engine;
    this.#projection = projection;
    this.#generation = generation;
    this.#connection = connection;
  }

  /**
   * The failure at which the rows now stand stopped, everything before it applied; null where all was applied. `after`: the position after which the
   * slice was read; `whole`: the first try, of all of it. @throws where only the surroundings failed, so that it may be tried again.
   */
  async applyOrStop(after: Position, slice: AllSlice, whole = this.apply(after, slice)): Promise<Stopped | null> {
    const error = await whole.then(() => null, asError);
    if (error === null) return null;
    if (isTransient(error)) throw error;
    const [only] = slice.events;
    // Without an event in it, or after all have been applied, there is none to blame.
    if (only === undefined) throw error;
    if (slice.events.length === 1) {
      const failure = { position: only.position, reason: error.message };
      // What lies between the last event that it wanted and the failing one is reached, since there is nothing in it for this projection.
      await this.apply(after, { events: [], scannedTo: position(only.position - 1) });
      await recordFailure(this.#connection, this.#engine.schema, { name: this.#projection.name, generation: this.#generation }, failure);
      return { ...failure, cause: error };
    }
    // The batch was rolled back. By halves, so that everything before the failing event is kept and its position is known.
    const half = slice.events.slice(0, slice.events.length >> 1);
    const between = half.at(-1)?.position ?? after;
    return await this.applyOrStop(after, { events: half, scannedTo: between })
      ?? this.applyOrStop(between, { events: slice.events.slice(half.length), scannedTo: slice.scannedTo });
  }

  /** In one transaction, which is committed once `earlier` has settled. */
  apply(after: Position, slice: AllSlice, earlier?: Promise<unknown>): Promise<void> {
    return this.#connection.transaction(async (tx) => {
      const checkpoint = await lockOwn(tx, this.#engine.schema, this.#projection, this.#generation);
      if (checkpoint.position < after) throw new CheckpointMovedBack(this.#projection.name);
      await applySlice(this.#engine, tx, this.#projection, { checkpoint, slice });
      await earlier;
    });
  }
}
