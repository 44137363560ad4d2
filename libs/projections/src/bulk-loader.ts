import { position, type Position, type StreamId } from '@rectrail/kernel';
import { contextOf, lockOwn, type Engine } from './batch-applier.ts';
import { moveCheckpoint, type Checkpoint } from './checkpoint.ts';
import { asError, isTransient } from './errors.ts';
import type { BulkLoad, Projection } from './projection.ts';
import type { ProjectionConnection, Transaction } from './transaction.ts';
import { BulkFailure, type Chunk, type Streams } from './whole-streams.ts';
import { WindowTransaction } from './window-transaction.ts';

/** A transaction reads, and passes positions, as many as so many large batches of `apply` have events: some seconds of work that a kill would lose. */
const batchesPerWindow = 20;

/** Some event of these streams, which is not known yet: those of the chunks of a window whose rows had not all been taken. */
class WindowFailure extends Error {
  readonly chunks: readonly (readonly StreamId[])[];
  readonly checkpoint: Checkpoint;
  declare readonly cause: Error;

  constructor(chunks: readonly (readonly StreamId[])[], checkpoint: Checkpoint, cause: unknown) {
    super('a window could not be loaded', { cause: asError(cause) });
    this.name = 'WindowFailure';
    this.chunks = chunks;
    this.checkpoint = checkpoint;
  }
}

class RolledBack extends Error {}

/** The least number from 1 to `max` at which `fails` does; it does at `max`. */
const leastFailing = async (max: number, fails: (n: number) => Promise<boolean>): Promise<number> => {
  let [low, high] = [1, max];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await fails(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
};

export interface BulkLoaderOptions {
  readonly projection: Projection;
  readonly bulk: BulkLoad;
  readonly connection: ProjectionConnection;
  /** Where the rows that it makes end. */
  readonly target: Position;
  /** Events that the rows leave out. */
  readonly skips: readonly Position[];
}

/**
 * The bulk phase of a rebuild: goes through the log up to the target, loads each stream whole where its first event lies, and commits its progress with
 * the rows. Memory is that of a few chunks, whatever the length of the log.
 */
export class BulkLoader {
  readonly #engine: Engine;
  readonly #projection: Projection;
  readonly #bulk: BulkLoad;
  readonly #connection: ProjectionConnection;
  readonly #target: Position;
  readonly #skips: readonly Position[];

  constructor(engine: Engine, { projection, bulk, connection, target, skips }: BulkLoaderOptions) {
    this.#engine = engine;
    this.#projection = projection;
    this.#bulk = bulk;
    this.#connection = connection;
    this.#target = target;
    this.#skips = skips;
  }

  /** From where it stands to the target; `onCommit` after each window. @throws BulkFailure at an event that cannot be loaded. */
  async load(from: Position, signal: AbortSignal, onCommit: (at: Position) => void): Promise<void> {
    const chunks = this.#engine.wholeStreams.chunks({ projection: this.#projection, skips: this.#skips, from, target: this.#target }, signal);
    try {
      for (let at = from; at < this.#target;) {
        at = await this.#connection.transaction((tx) => this.#loadWindow(tx, chunks, signal));
        onCommit(at);
      }
    } catch (error) {
      throw error instanceof WindowFailure ? await this.#blame(error) : error;
    } finally {
      await chunks.return();
    }
  }

  /** The position reached. */
  async #loadWindow(tx: Transaction, chunks: AsyncGenerator<Chunk, void, void>, signal: AbortSignal): Promise<Position> {
    const checkpoint = await lockOwn(tx, this.#engine.schema, this.#projection, 'next');
    const windowEvents = batchesPerWindow * this.#engine.sizes.laggingEventsMax;
    const window = new WindowTransaction(tx);
    const chunkIds: (readonly StreamId[])[] = [];
    const failures: unknown[] = [];
    // The rows of a chunk are computed while the server takes those of the one before.
    let before: Promise<unknown> = Promise.resolve();
    let reached: Position | null = null;
    const flush = async (): Promise<void> => {
      await before;
      await window.flush().catch((error: unknown) => failures.push(error));
    };
    try {
      for (let work = 0; failures.length === 0 && (reached === null || work < windowEvents);) {
        signal.throwIfAborted();
        const { value: chunk, done } = await chunks.next();
        if (done === true) break;
        chunkIds.push([...chunk.streams.keys()]);
        const adding = this.#add(window, checkpoint, chunk.streams).catch((error: unknown) => failures.push(error));
        await before;
        before = adding;
        work += chunk.work;
        reached = chunk.scannedTo;
      }
      await flush();
    } catch (error) {
      // Whoever stops it waits for no more than is under way.
      await (signal.aborted ? before : flush());
      // What comes first in the log is told, though what comes after it was found first.
      if (failures.length === 0 || signal.aborted) throw error;
    } finally {
      await window.close();
    }
    // The first to fail: what came after may have failed by it.
    if (failures.length > 0) throw isTransient(failures[0]) ? asError(failures[0]) : new WindowFailure(chunkIds, checkpoint, failures[0]);
    const at = reached ?? this.#target;
    await moveCheckpoint(tx, this.#engine.schema, checkpoint, at);
    return at;
  }

  async #add(tx: Transaction, checkpoint: Checkpoint, streams: Streams): Promise<void> {
    if (streams.size > 0) await this.#bulk.addStreams(streams, contextOf(this.#engine, tx, checkpoint, { after: position(0), upTo: this.#target }));
  }

  /** Which event it was: chunk by chunk, and in the one that fails by halves, each trial in a transaction that is rolled back. */
  async #blame({ chunks, checkpoint, cause }: WindowFailure): Promise<BulkFailure> {
    const { wholeStreams } = this.#engine;
    // That of the last trial to fail is the event's; the first that was seen may be that of a later one.
    let told = cause;
    const fails = (some: Streams): Promise<boolean> => this.#connection.transaction(async (tx) => {
      await this.#add(tx, checkpoint, some);
      throw new RolledBack();
    }).catch((error: unknown) => {
      if (isTransient(error)) throw error;
      if (error instanceof RolledBack) return false;
      told = asError(error);
      return true;
    });
    for (const streamIds of chunks) {
      const whole = wholeStreams.decoded(await wholeStreams.stored(streamIds, { skips: this.#skips, target: this.#target }));
      if (!(await fails(whole))) continue;
      const all = [...whole];
      const firstFew = (n: number): Streams => new Map(all.slice(0, n));
      const [id, events] = all[await leastFailing(all.length, (n) => fails(firstFew(n))) - 1] ?? [];
      const at = id === undefined || events === undefined ? undefined : events[await leastFailing(events.length, (n) => fails(new Map([[id, events.slice(0, n)]]))) - 1];
      if (at !== undefined) return new BulkFailure(at.position, told);
    }
    return new BulkFailure(this.#target, cause);
  }
}
