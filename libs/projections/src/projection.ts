import type { DomainEvent, Fact, Position, StreamId } from '@rectrail/kernel';
import type { TableDefinition } from './table.ts';
import type { Transaction } from './transaction.ts';

type Streams<F extends Fact> = ReadonlyMap<StreamId, readonly F[]>;

export interface ContextOf<E extends DomainEvent> {
  readonly tx: Transaction;
  /** Where the tables of the projection are: those that are read, or those of a rebuild. Every statement names it. */
  readonly schema: string;
  /** What the rows stand at before the call. */
  readonly after: Position;
  /** What they stand at after it: the position of the last event given, or further where what follows is none of the projection's. */
  readonly upTo: Position;
  /** The facts of these streams up to `after`, in stream order; a stream without any has an empty list. */
  readonly earlier: (streamIds: readonly StreamId[]) => Promise<Streams<Fact<E>>>;
  /** The same up to any position. */
  readonly streams: (streamIds: readonly StreamId[], upTo: Position) => Promise<Streams<Fact<E>>>;
}

export interface BulkFinishContextOf<E extends DomainEvent> extends ContextOf<E> {
  /** Makes the primary key and the indexes of one of the projection's tables now, where a statement of `finish` needs them. */
  readonly index: (table: string) => Promise<void>;
}

/** Makes the rows of a whole log at once; what comes out must be what `apply` would have made of the same facts, byte for byte. */
export interface BulkLoadOf<E extends DomainEvent> {
  /**
   * Whole streams up to `context.upTo`, which is the same in all calls; each stream is given once, in the order of their first events. The
   * tables have no keys and indexes yet: write with `tx.copy`, whose rows reach the server before the next `tx.query`
   * or the end of the transaction: what they are refused by is thrown by one of the calls after it. The next call may come before the promise of this one has resolved.
   */
  addStreams(streams: Streams<Fact<E>>, context: ContextOf<E>): Promise<void>;
  /** After the last stream, in one transaction: what is derived from the rows by SQL. */
  finish?(context: BulkFinishContextOf<E>): Promise<void>;
  /** Names of the tables that `finish` writes; all others get their indexes at the same time. */
  readonly finishes?: readonly string[];
}

/**
 * A fold of the log into tables of its own. `apply` may use the facts given, `context` and its own tables: no clock, no other
 * read model. What it writes must be the same however the log is cut into batches; the engine calls it with each fact once.
 */
export interface ProjectionOf<E extends DomainEvent> {
  readonly name: string;
  /** Raise it when shape or logic change: rows are then made anew beside the old ones at the next start. */
  readonly version: number;
  /** Only events of streams with this prefix; '' for all. */
  readonly streamPrefix: string;
  /** Every table that `apply` writes; they belong to this projection alone, which also defines them. */
  readonly tables: readonly TableDefinition[];
  apply(facts: readonly Fact<E>[], context: ContextOf<E>): Promise<void>;
  /** Streams none of whose events may be left out, since what is read beside these rows rests on them. */
  readonly isIndispensable?: (streamId: StreamId) => boolean;
  /** The way of a rebuild and of a first start on a large log; without it they go by `apply`. */
  readonly bulk?: BulkLoadOf<E>;
}

export type Projection = ProjectionOf<DomainEvent>;
export type ProjectionContext = ContextOf<DomainEvent>;
export type BulkLoad = BulkLoadOf<DomainEvent>;
export type BulkFinishContext = BulkFinishContextOf<DomainEvent>;

const identifier = /^[a-z][a-z0-9_]*$/;

/**
 * Checks a definition and forgets its event type, which methods allow (the codec has checked each event at the append).
 * @throws RangeError for a name, table, column or index that is no plain identifier, or a version below 1.
 */
export const defineProjection = <E extends DomainEvent>(definition: ProjectionOf<E>): Projection => {
  const { name, version, tables } = definition;
  const names = [name, ...tables.flatMap((table) => [table.name, ...Object.keys(table.columns), ...Object.keys(table.indexes ?? {})])];
  for (const one of names) if (!identifier.test(one)) throw new RangeError(`not a plain identifier: ${one}`);
  if (!Number.isSafeInteger(version) || version < 1) throw new RangeError(`version of ${name} must be a positive integer`);
  return definition;
};
