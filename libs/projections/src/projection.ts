import type { DomainEvent, Fact, StreamId } from '@rectrail/kernel';
import type { Transaction } from './transaction.ts';

export interface ProjectionContext {
  readonly tx: Transaction;
  /** The facts of these streams from before the batch, in stream order; a stream without any has an empty list. */
  earlier(streamIds: readonly StreamId[]): Promise<ReadonlyMap<StreamId, readonly Fact[]>>;
}

/**
 * A fold of the log into tables of its own. `apply` may use the facts given, `context` and its own tables: no clock, no other
 * read model. What it writes must be the same however the log is cut into batches; the engine calls it with each fact once.
 */
export interface Projection {
  readonly name: string;
  /** Raise it when shape or logic change: the rows are then made anew at the next start. */
  readonly version: number;
  /** Only events of streams with this prefix; '' for all. */
  readonly streamPrefix: string;
  /** Every table that `apply` writes; they belong to this projection alone and are emptied before a rebuild. */
  readonly tables: readonly string[];
  apply(facts: readonly Fact[], context: ProjectionContext): Promise<void>;
}

export interface ContextOf<E extends DomainEvent> {
  readonly tx: Transaction;
  earlier(streamIds: readonly StreamId[]): Promise<ReadonlyMap<StreamId, readonly Fact<E>[]>>;
}

/** A projection whose facts are known to be of the events `E`: the streams of its prefix hold no others. */
export interface ProjectionOf<E extends DomainEvent> extends Omit<Projection, 'apply'> {
  apply(facts: readonly Fact<E>[], context: ContextOf<E>): Promise<void>;
}

const identifier = /^[a-z][a-z0-9_.-]*$/;

/**
 * Checks a definition and forgets its event type, which methods allow (the codec has checked each event at the append).
 * @throws RangeError for a name or table that is no plain identifier, or a version below 1.
 */
export const defineProjection = <E extends DomainEvent>(definition: ProjectionOf<E>): Projection => {
  for (const name of [definition.name, ...definition.tables]) if (!identifier.test(name)) throw new RangeError(`not a plain identifier: ${name}`);
  if (!Number.isSafeInteger(definition.version) || definition.version < 1) throw new RangeError(`version of ${definition.name} must be a positive integer`);
  return definition;
};
