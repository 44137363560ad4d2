import { randomUUID } from 'node:crypto';
import { deriveEventId } from '@rectrail/event-store';
import { streamVersion, type CommandId, type StreamId, type StreamVersion } from '@rectrail/kernel';
import type { LogPosition, LogRecord, RecordToAppend } from './kurrent-log.ts';
import { commandOfReceiptStream, receiptStreamOf, streamIdOf } from './stream-names.ts';

export const receiptType = 'rectrail.command';

/** What a receipt says of its command; the events themselves carry no metadata. */
interface Receipt { readonly commandId: CommandId; readonly events: number; readonly fingerprint: string | null }

/**
 * The first record of every append, in a stream of its own that must not exist yet: the server itself so refuses a command that it has, whenever the first
 * attempt arrives. Its event id is new at each attempt, lest the server take the second for a repetition of the first and answer for both.
 */
export const receiptRecord = ({ commandId, events, fingerprint }: Receipt): RecordToAppend => ({
  stream: receiptStreamOf(commandId), eventId: randomUUID(), type: receiptType, data: Buffer.from(JSON.stringify({ events, fingerprint }), 'utf8'),
});

/** An event of a command, not numbered yet. */
export interface GroupedEvent {
  readonly position: LogPosition;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly type: string;
  readonly eventId: string;
}

/** One append, as the log has it. */
export interface CommandGroup {
  readonly commandId: CommandId;
  readonly fingerprint: string | null;
  /** When the server wrote the receipt, ms. */
  readonly createdMs: number;
  readonly events: readonly GroupedEvent[];
}

/** The log is not as appends leave it. */
export class LogDamaged extends Error {
  readonly code = 'log-damaged';

  constructor(what: string) {
    super(`the KurrentDB log is not as Rectrail wrote it: ${what}. Potential solutions: docs/how-to/kurrentdb.md, "When the server does not start"`);
    this.name = 'LogDamaged';
  }
}

const readReceipt = (commandId: CommandId, { data }: LogRecord): Receipt => {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    said = null;
  }
  const { events, fingerprint } = (typeof said === 'object' && said !== null ? said : {}) as { events?: unknown; fingerprint?: unknown };
  if (!Number.isSafeInteger(events) || (events as number) < 1 || !(fingerprint === null || typeof fingerprint === 'string')) throw new LogDamaged(`the receipt of command ${commandId} cannot be read`);
  return { commandId, events: events as number, fingerprint };
};

/**
 * Finds the appends in the log: a receipt, then as many events as it says, each with an id of its command. What stands elsewhere is not ours and is
 * passed over. A pure function of the records, whatever the batches that they come in.
 */
export class CommandGroups {
  #open: { readonly receipt: Receipt; readonly createdMs: number; readonly ids: Set<string>; readonly events: GroupedEvent[] } | null = null;

  /** The append that the record completes. @throws LogDamaged */
  push(record: LogRecord): CommandGroup | null {
    const commandId = commandOfReceiptStream(record.stream);
    if (this.#open === null) {
      if (commandId === null || record.revision !== 0) return null;
      const receipt = readReceipt(commandId, record);
      this.#open = { receipt, createdMs: record.createdMs, ids: new Set(Array.from({ length: receipt.events }, (_, i) => deriveEventId(commandId, i))), events: [] };
      return null;
    }
    const { receipt, createdMs, ids, events } = this.#open;
    const id = streamIdOf(record.stream);
    if (id === null || !ids.delete(record.eventId)) throw new LogDamaged(`event ${record.eventId} of stream ${record.stream} stands within the append of command ${receipt.commandId}`);
    events.push({ position: record.position, streamId: id, streamVersion: streamVersion(record.revision + 1), type: record.type, eventId: record.eventId });
    if (ids.size > 0) return null;
    this.#open = null;
    return { commandId: receipt.commandId, fingerprint: receipt.fingerprint, createdMs, events };
  }
}
