import type { Position } from '@rectrail/kernel';

export type ProjectionErrorCode =
  | 'unknown-projection'
  | 'projection-other-version'
  | 'rebuild-running'
  | 'rebuild-stopped'
  | 'rebuild-cancelled'
  | 'rebuild-failed'
  | 'skip-refused';

/** Match on `code`, not on the class, across packages. `at` is the position at which a rebuild failed. */
export class ProjectionError extends Error {
  readonly code: ProjectionErrorCode;
  readonly at: Position | null;

  constructor(code: ProjectionErrorCode, message: string, at: Position | null = null, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ProjectionError';
    this.code = code;
    this.at = at;
  }
}

export const hasProjectionCode = (error: unknown, code: ProjectionErrorCode): boolean => error instanceof ProjectionError && error.code === code;

/** The checkpoint lies before what was read, as after a restored backup: a gap that must not be applied. */
export class CheckpointMovedBack extends Error {
  constructor(name: string) {
    super(`the checkpoint of projection ${name} has moved back while a batch for it was being read`);
    this.name = 'CheckpointMovedBack';
  }
}

/** What a rebuild has made so far was made of another input: another definition, or events that are skipped since. It begins anew. */
export class BuildOutdated extends Error {
  constructor(name: string) {
    super(`the rebuild of projection ${name} is of another version, or an event is skipped since it began`);
    this.name = 'BuildOutdated';
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03';

/** Connection lost, server shutting down, statement cancelled or out of time, serialisation failure, deadlock, no such host: the event is not to blame. */
export const isTransient = (error: unknown): boolean => {
  if (error instanceof CheckpointMovedBack || error instanceof BuildOutdated || error instanceof ProjectionError) return true;
  return /^(08...|57...|40001|40P01|55P03|53...|E[A-Z]{4,}|event-store-unavailable|ABORT_ERR)$/.test(codeOf(error))
    || (error instanceof Error && (error.name === 'AbortError' || /connection terminated|timeout exceeded when trying to connect|client (was closed|has encountered)/i.test(error.message)));
};

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/**
 * Repeats a transaction that PostgreSQL has ended for a deadlock; nothing of it was done. A swap locks tables first and then its checkpoint, so that it ends an autovacuum;
 * what drops a rebuild can do so the other way round only.
 */
export const despiteDeadlocks = async <T>(transaction: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await transaction();
    } catch (error) {
      if (codeOf(error) !== '40P01') throw error;
    }
  }
};
