import type { CommandId, Fact, Instant, NewFact, Position, StreamId, StreamVersion } from '@rectrail/kernel';

/**
 * What one command sees and writes. Every stream loaded is checked at the append (its version must not have moved), and
 * what was staged before is seen by later loads, so that several commands can make one unit.
 */
export interface UnitOfWork {
  readonly commandId: CommandId;
  /** The instant of the command; of its first execution where it is repeated. */
  readonly now: Instant;
  /** The stream's facts in stream order, staged ones last (their position is head + n, provisional). */
  load(streamId: StreamId): Promise<LoadedStream>;
  loadMany(streamIds: readonly StreamId[]): Promise<ReadonlyMap<StreamId, LoadedStream>>;
  stage(streamId: StreamId, facts: readonly StagedFact[]): void;
}

/** `version` is that of the store, without what is staged. */
export interface LoadedStream { readonly facts: readonly Fact[]; readonly version: StreamVersion }

/** A new fact without what the unit gives it: eventId (from commandId and index), commandId and correlationId. */
export type StagedFact = Omit<NewFact, 'eventId' | 'commandId' | 'correlationId'>;

export interface UnitOutcome<R> {
  readonly result: R;
  /** The last position written, or null where the unit had nothing to append. */
  readonly position: Position | null;
  readonly versions: ReadonlyMap<StreamId, StreamVersion>;
  /** The command had been carried out before; `result` was computed anew from the streams and nothing was written. */
  readonly repeated: boolean;
}
