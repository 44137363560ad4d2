/** Place in the server's log; grows with gaps. Ordered by (commit, prepare). */
export interface LogPosition { readonly commit: bigint; readonly prepare: bigint }

export const isAfter = (a: LogPosition, b: LogPosition): boolean => a.commit > b.commit || (a.commit === b.commit && a.prepare > b.prepare);

/** An event as the server has it. `revision` counts from 0 in its stream. */
export interface LogRecord {
  readonly position: LogPosition;
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly type: string;
  readonly data: Uint8Array;
  /** The server's clock when it wrote the event, whole milliseconds, rounded down. */
  readonly createdMs: number;
}

export interface RecordToAppend {
  readonly stream: string;
  readonly eventId: string;
  readonly type: string;
  readonly data: Uint8Array;
}

/** What a stream must be at: its last revision, or not there at all. */
export interface StreamCheck { readonly stream: string; readonly revision: number | 'none' }

export interface ReadLogOptions {
  /** Inclusive; default the beginning. */
  readonly from?: LogPosition;
  readonly count: number;
  /** Only events whose stream (or type) fits, picked by the server. */
  readonly filter?: LogFilter;
}

export type LogFilter = { readonly streamPattern: string } | { readonly typePrefixes: readonly string[] };

export interface FollowLogOptions {
  /** Exclusive; default the beginning. */
  readonly after: LogPosition | null;
  readonly filter: { readonly streamPattern: string };
  readonly signal: AbortSignal;
}

/** What makes the server hide or remove events of a stream. */
export interface Truncation { readonly maxCount?: number; readonly maxAge?: number; readonly truncateBefore?: number | string }

export interface ServerFacts { readonly version: string; readonly appendsRecords: boolean }

export type KurrentLogErrorCode =
  /** A check did not hold: nothing was written. */
  | 'check-failed'
  /** The server could not be asked; nothing was written, or nothing was to be written. */
  | 'unavailable'
  /** The server was asked and will not do it. */
  | 'refused'
  | 'outcome-unknown'
  | 'too-large'
  | 'stream-deleted';

export class KurrentLogError extends Error {
  readonly code: KurrentLogErrorCode;

  constructor(code: KurrentLogErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'KurrentLogError';
    this.code = code;
  }
}

/**
 * What the adapter needs of a KurrentDB server, and no more: so that all above it runs in tests without one (`FakeKurrentServer`, held to the same
 * contract as a real server). Rejects with `KurrentLogError`.
 */
export interface KurrentLog {
  server(): Promise<ServerFacts>;
  /**
   * All records, one after the other and without others between them, or none. Every check is judged at the state before the append, and holds for
   * streams without records too; a stream without a check is taken as it is.
   */
  append(records: readonly RecordToAppend[], checks: readonly StreamCheck[]): Promise<void>;
  /** Forwards from a revision; empty where the stream does not exist. @throws KurrentLogError `stream-deleted` */
  readStream(stream: string, from: number, count: number): Promise<readonly LogRecord[]>;
  readAll(options: ReadLogOptions): Promise<readonly LogRecord[]>;
  /** The last event that the filter lets through, of all without one, system events included; null where there is none. */
  last(filter?: LogFilter): Promise<LogRecord | null>;
  /** The past, then what comes, in batches, until the signal aborts; ends by an error where the connection breaks. */
  follow(options: FollowLogOptions): AsyncIterable<readonly LogRecord[]>;
  /** What is set now; null where nothing is. */
  truncation(stream: string): Promise<Truncation | null>;
  close(): Promise<void>;
}
