import type { CommandId, EventId, Instant, Position, StreamId, StreamVersion } from '@rectrail/kernel';

/** An event as a writer hands it over: `content` is the RFC 8785 text that is stored, hashed and never changed. */
export interface EventToAppend {
  readonly eventId: EventId;
  readonly type: string;
  readonly content: string;
}

/** `none`: the stream must not exist; `any`: no check; a number: exactly that version (0 is `none`). */
export type ExpectedVersion = StreamVersion | 'none' | 'any';

/** An entry without events only checks its stream's version. A stream stands in at most one entry. */
export interface AppendEntry {
  readonly streamId: StreamId;
  readonly expectedVersion: ExpectedVersion;
  readonly events: readonly EventToAppend[];
}

export interface AppendRequest {
  readonly commandId: CommandId;
  /** What was asked (a hash of the body), kept with the command so that another body under the same commandId can be told. */
  readonly fingerprint?: string;
  readonly entries: readonly AppendEntry[];
}

/**
 * `first` and `last` are the positions taken, equal to `last + 1` and `last` where nothing was appended. `repeated`: the
 * commandId had been appended before, the answer is that of the first time and nothing was written now. An append
 * without events checks versions only; it is not remembered by its commandId.
 */
export interface AppendResult {
  readonly first: Position;
  readonly last: Position;
  readonly recordedAt: Instant;
  /** Of the streams that got events. */
  readonly versions: ReadonlyMap<StreamId, StreamVersion>;
  readonly repeated: boolean;
  /** As the append gave it that was carried out; null where it gave none. */
  readonly fingerprint: string | null;
}

/** An event as stored. Leaf of the transparency log: docs/reference/leaf.md. */
export interface StoredEvent {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly type: string;
  /** Empty once it was purged by law (purge.ts), or where hashes were asked for: `contentSha256` then says what the leaf rests on. */
  readonly content: string;
  /** Lower-case hexadecimal; only of an event without its content. */
  readonly contentSha256?: string;
}

export interface ReadStreamOptions {
  /** First version to read (forwards) or the version to start from (backwards); default the respective end. */
  readonly from?: StreamVersion;
  /** Events after this position are left out. */
  readonly upTo?: Position;
  /** Default: all. */
  readonly limit?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface StreamSlice {
  readonly events: readonly StoredEvent[];
  /** The stream's version at `upTo` (by default now), whatever part of it was read; 0 where it has no event. */
  readonly version: StreamVersion;
}

export interface EventFilter {
  readonly types?: readonly string[];
  readonly streamPrefix?: string;
  /** Only the events that begin a stream. */
  readonly first?: boolean;
}

export interface ReadAllOptions {
  /** Exclusive; default 0, the beginning. */
  readonly after?: Position;
  readonly filter?: EventFilter;
  /** Most events returned; coerced to the adapter's page maximum. */
  readonly limit?: number;
  /** Default `whole`. `hashed`: each event with the hash of its content in its place, for whoever needs the leaf alone. */
  readonly contents?: 'whole' | 'hashed';
}

/** `scannedTo`: every position up to here has been looked at, so that a filtered reader moves on without a match. */
export interface AllSlice {
  readonly events: readonly StoredEvent[];
  readonly scannedTo: Position;
}

export interface SubscribeOptions {
  readonly after?: Position;
  readonly filter?: EventFilter;
  readonly batchEventsMax?: number;
  readonly signal: AbortSignal;
}

export interface Head { readonly position: Position; readonly recordedAt: Instant | null }

/** Made once for a database; part of every leaf. */
export interface LogIdentity { readonly logId: string; readonly epoch: number }

/** Limits of an adapter; an append beyond them is refused with `append-too-large` before anything is written. */
export interface EventStoreCapabilities {
  readonly eventBytesMax: number;
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly pageEventsMax: number;
  /** Whether contents can be dropped (purge.ts); where not, the append of a `ContentPurged` is refused with `purge-unsupported`. */
  readonly purges: boolean;
}

/**
 * The one truth: streams of events in one gap-free global order.
 *
 * @remarks `append` is atomic over its entries and idempotent by `commandId`. A `ContentPurged` in it drops the content that it names in the same instant (purge.ts).
 * Errors are `EventStoreError`s, told apart by `code`.
 */
export interface EventStore {
  readonly capabilities: EventStoreCapabilities;
  identity(): Promise<LogIdentity>;
  head(): Promise<Head>;
  append(request: AppendRequest): Promise<AppendResult>;
  /** The result of an earlier append of this command, or null. */
  findCommand(commandId: CommandId): Promise<AppendResult | null>;
  readStream(streamId: StreamId, options?: ReadStreamOptions): Promise<StreamSlice>;
  /** Several whole streams in one round trip, in stream order; a stream without events has version 0. */
  readStreams(streamIds: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, StreamSlice>>;
  readAll(options?: ReadAllOptions): Promise<AllSlice>;
  /** Batches from the given position on, first the past, then live, until the signal aborts; each position once and in order. */
  subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice>;
  close(): Promise<void>;
}
