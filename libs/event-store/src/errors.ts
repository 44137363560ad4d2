import type { StreamId, StreamVersion } from '@rectrail/kernel';
import type { ExpectedVersion } from './event-store.ts';

export type EventStoreErrorCode =
  | 'stream-version-conflict'
  | 'append-too-large'
  | 'append-invalid'
  | 'event-id-mismatch'
  | 'command-reused'
  | 'event-store-unavailable'
  | 'append-outcome-unknown'
  | 'log-read-only'
  | 'clock-jumped'
  | 'purge-unsupported'
  | 'event-undecodable'
  | 'event-invalid';

/** Match on `code`, not on the class, across packages. `cause` keeps the driver's error. */
export class EventStoreError extends Error {
  readonly code: EventStoreErrorCode;

  constructor(code: EventStoreErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'EventStoreError';
    this.code = code;
  }
}

/** Another writer was first: nothing of the append was written. Read again and decide again, or tell the caller. */
export class ExpectedVersionConflict extends EventStoreError {
  readonly streamId: StreamId;
  readonly expected: ExpectedVersion;
  readonly actual: StreamVersion;

  constructor(streamId: StreamId, expected: ExpectedVersion, actual: StreamVersion) {
    super('stream-version-conflict', `stream ${streamId} is at version ${actual}, expected ${expected}`);
    this.name = 'ExpectedVersionConflict';
    this.streamId = streamId;
    this.expected = expected;
    this.actual = actual;
  }
}

export const hasCode = (error: unknown, code: EventStoreErrorCode): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
