import { position, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import type { StoredEvent } from '@rectrail/event-store';
import { contextOf, lockOwn, withoutSkipped, type Engine } from './batch-applier.ts';
import { moveCheckpoint, type Checkpoint, type Failure } from './checkpoint.ts';
import { asError, isTransient } from './errors.ts';
import { filterOf, logPages, readAhead } from './log-pages.ts';
import type { BulkLoad, Projection } from './projection.ts';
import type { CopyValue, ProjectionConnection, Transaction } from './transaction.ts';

/** A transaction reads, and passes positions, as many as so many large batches of `apply` have events: some seconds of work that a kill would lose. */
const batchesPerWindow = 20;
/** Events of a call of `addStreams`, but for a single stream that has more: a few calls' worth is in memory at a time. */
const chunkEventsMax = 2_000;
/** Events that a stream is taken to have while nothing is known of their length. */
const streamEventsFirst = 100;

type Streams = ReadonlyMap<StreamId, readonly StoredEvent[]>;

/**
 * Whole streams in the order of their first events. `work`: positions passed and events read for it; `scannedTo`: where the loading stands after it, null in
 * the middle of a page.
 */
interface Chunk { readonly streams: Streams; readonly work: number; readonly scannedTo: Position | null }

/** An event that the rows cannot be made of. */
export class BulkFailure extends Error {
  readonly failure: Failure;

  constructor(at: Position, cause: Error) {
    super(cause.message, { cause });
    this.name = 'BulkFailure';
    this.failure = { position: at, reason: cause.message };
  }
}

/** Some event of these streams, which is not known yet. */
class ChunkFailure extends Error {
  readonly streamIds: readonly StreamId[];
  readonly checkpoint: Checkpoint;
  declare readonly cause: Error;

  constructor(streamIds: readonly StreamId[], checkpoint: Checkpoint, cause: unknown) {
    super('a chunk could not be loaded', { cause: asError(cause) });
    this.name = 'ChunkFailure';
    this.streamIds = streamIds;
    this.checkpoint = checkpoint;
  }
}

/** One statement after the other, whoever asks: two calls of `addStreams` work at the same time. Once closed it takes none, so that none comes after the transaction. */
class StatementQueue implements Transaction {
  readonly #tx: Transaction;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  query<Row>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]> {
    return this.#then(() => this.#tx.query<Row>(sql, params));
  }

  copy(table: string, columns: readonly string[], rows: Iterable<readonly CopyValue[]>): Promise<void> {
    return this.#then(() => this.#tx.copy(table, columns, rows));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  #then<T>(statement: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed) throw new Error('the transaction of this window is over');
      return statement();
    });
    this.#last = result.catch(() => undefined);
    return result;
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

  constructor(engine: Engine, { projection, bulk, connection, target }: BulkLoaderOptions) {
    this.#engine = engine;
    this.#projection = projection;
    this.#bulk = bulk;
    this.#connection = connection;
    this.#target = target;
  }

  /** From where it stands to the target; `onCommit` after each window. @throws BulkFailure at an event that cannot be loaded. */
  async load(from: Position, signal: AbortSignal, onCommit: (at: Position) => void): Promise<void> {
    const chunks = readAhead(this.#chunks(from));
    try {
      for (let at = from; at < this.#target;) {
        at = await this.#connection.transaction((tx) => this.#loadWindow(tx, chunks, signal));
        onCommit(at);
      }
    } catch (error) {
      throw error instanceof ChunkFailure ? await this.#blame(error) : error;
    } finally {
      await chunks.return();
    }
  }

  /** The position reached. */
  async #loadWindow(tx: Transaction, chunks: AsyncGenerator<Chunk, void, void>, signal: AbortSignal): Promise<Position> {
    const checkpoint = await lockOwn(tx, this.#engine.schema, this.#projection, 'next');
    const windowEvents = batchesPerWindow * this.#engine.sizes.laggingEventsMax;
    const queue = new StatementQueue(tx);
    const failures: ChunkFailure[] = [];
    // The rows of a chunk are computed while the server takes those of the one before.
    let before: Promise<unknown> = Promise.resolve();
    let reached: Position | null = null;
    try {
      for (let work = 0; failures.length === 0 && (reached === null || work < windowEvents);) {
        signal.throwIfAborted();
        const { value: chunk, done } = await chunks.next();
        if (done === true) break;
        // Their names alone are kept: once they are decoded, the contents may go.
        const streamIds = [...chunk.streams.keys()];
        const adding = this.#add(queue, checkpoint, chunk.streams).catch((error: unknown) => failures.push(new ChunkFailure(streamIds, checkpoint, error)));
        await before;
        before = adding;
        work += chunk.work;
        reached = chunk.scannedTo;
      }
      await before;
    } finally {
      await queue.close();
    }
    // The first to fail: what came after may have failed by it.
    if (failures[0] !== undefined) throw isTransient(failures[0].cause) ? failures[0].cause : failures[0];
    const at = reached ?? this.#target;
    await moveCheckpoint(tx, this.#engine.schema, checkpoint, at);
    return at;
  }

  async #add(tx: Transaction, checkpoint: Checkpoint, streams: Streams): Promise<void> {
    const facts = new Map<StreamId, readonly Fact[]>();
    for (const [id, stored] of streams) {
      const events = withoutSkipped(stored, checkpoint.skips);
      if (events.length > 0) facts.set(id, events.map((event) => this.#decode(event)));
    }
    if (facts.size > 0) await this.#bulk.addStreams(facts, contextOf(this.#engine, tx, checkpoint, { after: position(0), upTo: this.#target }));
  }

  #decode(event: StoredEvent): Fact {
    try {
      return this.#engine.decode(event);
    } catch (error) {
      throw new BulkFailure(event.position, asError(error));
    }
  }

  async* #chunks(from: Position): AsyncGenerator<Chunk, void, void> {
    const { store } = this.#engine;
    const chunkEvents = Math.min(chunkEventsMax, this.#engine.sizes.laggingEventsMax);
    const sizes = { ...this.#engine.sizes, laggingEventsMax: chunkEvents };
    const streamsOf = (streamEvents: number): number => Math.max(1, Math.round(chunkEvents / Math.max(1, streamEvents)));
    let streamsMax = streamsOf(streamEventsFirst);
    let passed = from;
    for await (const { events, scannedTo } of logPages(store, { ...filterOf(this.#projection), first: true }, { after: from, last: this.#target }, sizes)) {
      const begun = events.map((event) => event.streamId);
      let work = scannedTo - passed;
      passed = scannedTo;
      for (let at = 0; at < begun.length;) {
        const streams = await this.#read(begun.slice(at, at + streamsMax));
        at += streams.size;
        const loaded = [...streams.values()].reduce((sum, stream) => sum + stream.length, 0);
        yield { streams, work: work + loaded, scannedTo: at < begun.length ? null : scannedTo };
        work = 0;
        streamsMax = streamsOf(loaded / streams.size);
      }
      if (begun.length === 0) yield { streams: new Map(), work, scannedTo };
    }
  }

  async #read(streamIds: readonly StreamId[]): Promise<Streams> {
    const slices = await this.#engine.store.readStreams(streamIds, this.#target);
    return new Map([...slices].map(([id, slice]) => [id, slice.events]));
  }

  /** Which event it was: by halves, each trial in a transaction that is rolled back. */
  async #blame({ streamIds, checkpoint, cause }: ChunkFailure): Promise<BulkFailure> {
    if (cause instanceof BulkFailure) return cause;
    const all = [...await this.#read(streamIds)];
    const fails = (some: Streams): Promise<boolean> => this.#connection.transaction(async (tx) => {
      await this.#add(tx, checkpoint, some);
      throw new RolledBack();
    }).catch((error: unknown) => {
      if (isTransient(error)) throw error;
      return !(error instanceof RolledBack);
    });
    const firstFew = (n: number): Streams => new Map(all.slice(0, n));
    const [id, events] = all[await leastFailing(all.length, (n) => fails(firstFew(n))) - 1] ?? [];
    const at = id === undefined || events === undefined ? undefined : events[await leastFailing(events.length, (n) => fails(new Map([[id, events.slice(0, n)]]))) - 1];
    return new BulkFailure(at?.position ?? this.#target, cause);
  }
}
