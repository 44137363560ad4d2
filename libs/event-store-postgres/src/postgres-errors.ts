import { EventStoreError } from '@rectrail/event-store';
import pg from 'pg';
import { purgeRefused } from './purge-schema.ts';

/** An answer on a connection that lives on. */
export const isRefusal = (error: unknown): error is pg.DatabaseError => error instanceof pg.DatabaseError && error.severity === 'ERROR';

/** Of a whole transaction, and between two of its statements. */
const timeLimits: readonly (string | undefined)[] = ['25P04', '25P03'];

/** The server's own word that the statement was not carried out: an ERROR rolls back, and so does a time limit; another FATAL may come after the commit. */
const isNotWritten = (error: unknown): boolean => isRefusal(error) || (error instanceof pg.DatabaseError && timeLimits.includes(error.code));

const remedy = 'Potential solutions: see whether PostgreSQL runs and takes connections; try again';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Nothing was written, or nothing was to be written: the caller may try again. */
export const unavailable = (cause: unknown): EventStoreError =>
  cause instanceof EventStoreError ? cause : new EventStoreError('event-store-unavailable', `the event store cannot be reached: ${messageOf(cause)}. ${remedy}`, { cause });

/** After an append was sent: it is not written where the server says so, and unknown where the connection broke. */
export const appendFailed = (cause: unknown): EventStoreError => {
  if (cause instanceof EventStoreError) return cause;
  if (isRefusal(cause) && cause.code === timeNotVouched) return new EventStoreError('clock-jumped', cause.message, { cause });
  if (isRefusal(cause) && cause.code === purgeRefused) return new EventStoreError('append-invalid', cause.message, { cause });
  if (isNotWritten(cause)) return unavailable(cause);
  return new EventStoreError('append-outcome-unknown', `the connection broke before the append was answered: ${messageOf(cause)}. Potential solutions: send the same command again, it is carried out once`, { cause });
};

/** SQLSTATE of our own by which `append_singles` rolls itself back. */
export const versionDiffers = 'RT001';

/** SQLSTATE of our own: the database's clock stands far beyond the newest event, and nobody has vouched for it. */
export const timeNotVouched = 'RT003';

/** A command id that stands in the table of commands already, or a version that is not the expected one: another way tells which append it is. */
export const isStale = (error: unknown): boolean =>
  isRefusal(error) && (error.code === versionDiffers || (error.code === '23505' && (error.constraint === 'commands_pkey' || error.constraint === 'events_stream')));
