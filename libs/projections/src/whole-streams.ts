import type { Fact, Position, StreamId } from '@rectrail/kernel';
import type { EventStore, StoredEvent } from '@rectrail/event-store';
import type { Failure } from './checkpoint.ts';
import { asError } from './errors.ts';
import { filterOf, logPages, readAhead, toApply, type BatchSizes } from './log-pages.ts';
import type { Projection } from './projection.ts';
import { SharedValues } from './shared-values.ts';

/** Events of a chunk, but for a single stream that has more: a few chunks are in memory at a time. */
const chunkEventsMax = 2_000;
/** Events that a stream is taken to have while nothing is known of their length. */
const streamEventsFirst = 100;

export type Streams = ReadonlyMap<StreamId, readonly Fact[]>;

/**
 * Whole streams in the order of their first events; one of which nothing is left to apply is left out. `work`: positions passed and events read for it; `scannedTo`:
 * where whoever takes it stands after it, null in the middle of a page.
 */
export interface Chunk { readonly streams: Streams; readonly work: number; readonly scannedTo: Position | null }

/** An event that the rows cannot be made of. */
export class BulkFailure extends Error {
  readonly failure: Failure;

  constructor(at: Position, cause: Error) {
    super(cause.message, { cause });
    this.name = 'BulkFailure';
    this.failure = { position: at, reason: cause.message };
  }
}

/** A way through the log: all streams of the projection that begin after `from`, as they are at `target` without the events at `skips` and the purged ones. */
export interface Passage {
  readonly projection: Pick<Projection, 'streamPrefix'>;
  readonly skips: readonly Position[];
  readonly from: Position;
  readonly target: Position;
}

interface WholeStreamsOptions { readonly store: EventStore; readonly decode: (stored: StoredEvent) => Fact; readonly sizes: BatchSizes }

/** Reads and decodes streams for the bulk loads of this process. Those that go the same way at the same time share it: it is most of what they do. */
export class WholeStreams {
  readonly #options: WholeStreamsOptions;
  readonly #shared = new Map<string, SharedValues<Chunk>>();

  constructor(options: WholeStreamsOptions) {
    this.#options = options;
  }

  /** The chunks of a passage. @throws BulkFailure where an event cannot be decoded; the reason of the signal. */
  async* chunks(passage: Passage, signal: AbortSignal): AsyncGenerator<Chunk, void, void> {
    const { projection: { streamPrefix }, skips, from, target } = passage;
    const key = JSON.stringify([streamPrefix, skips, from, target]);
    let shared = this.#shared.get(key);
    if (shared?.hasBeginning !== true) {
      shared = new SharedValues(readAhead(this.#read(passage)));
      this.#shared.set(key, shared);
    }
    try {
      yield* shared.values(signal);
    } finally {
      if (shared.isUnused && this.#shared.get(key) === shared) this.#shared.delete(key);
    }
  }

  /** These streams of a passage, as they are stored. */
  async stored(streamIds: readonly StreamId[], { skips, target }: Pick<Passage, 'skips' | 'target'>): Promise<ReadonlyMap<StreamId, readonly StoredEvent[]>> {
    const slices = await this.#options.store.readStreams(streamIds, target);
    return new Map([...slices].map(([id, { events }]) => [id, toApply(events, skips)]));
  }

  /** @throws BulkFailure where an event cannot be decoded. */
  decoded(streams: ReadonlyMap<StreamId, readonly StoredEvent[]>): Streams {
    return new Map([...streams].filter(([, events]) => events.length > 0).map(([id, events]) => [id, events.map((event) => this.#decode(event))]));
  }

  async* #read({ projection, skips, from, target }: Passage): AsyncGenerator<Chunk, void, void> {
    const { store, sizes } = this.#options;
    const chunkEvents = Math.min(chunkEventsMax, sizes.laggingEventsMax);
    const streamsOf = (streamEvents: number): number => Math.max(1, Math.round(chunkEvents / Math.max(1, streamEvents)));
    let streamsMax = streamsOf(streamEventsFirst);
    let passed = from;
    const beginnings = logPages(store, { ...filterOf(projection), first: true }, { after: from, last: target }, { ...sizes, laggingEventsMax: chunkEvents });
    for await (const { events, scannedTo } of beginnings) {
      const begun = events.map((event) => event.streamId);
      let work = scannedTo - passed;
      passed = scannedTo;
      for (let at = 0; at < begun.length;) {
        const stored = await this.stored(begun.slice(at, at + streamsMax), { skips, target });
        at += stored.size;
        const loaded = [...stored.values()].reduce((sum, stream) => sum + stream.length, 0);
        yield { streams: this.decoded(stored), work: work + loaded, scannedTo: at < begun.length ? null : scannedTo };
        work = 0;
        streamsMax = streamsOf(loaded / stored.size);
      }
      if (begun.length === 0) yield { streams: new Map(), work, scannedTo };
    }
  }

  #decode(event: StoredEvent): Fact {
    try {
      return this.#options.decode(event);
    } catch (error) {
      throw new BulkFailure(event.position, asError(error));
    }
  }
}
