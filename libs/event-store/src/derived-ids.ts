import { hash, randomBytes } from 'node:crypto';
import { msOfInstant, type CommandId, type EventId, type Instant } from '@rectrail/kernel';

/** UUID of RFC 9562 from 12 + 3 + 16 hexadecimal digits; the variant takes two bits of the last group. */
const uuid = (time: string, version: '7' | '8', digits: string): string => {
  const variant = '89ab'.charAt(Number.parseInt(digits.charAt(3), 16) & 3);
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-${version}${digits.slice(0, 3)}-${variant}${digits.slice(4, 7)}-${digits.slice(7, 19)}`;
};

const digestOf = (text: string): string => hash('sha256', text, 'hex');

// JSON of strings and integers is its own RFC 8785 text, and, unlike a plain join, tells ('a', 'bc') from ('ab', 'c').
const digest = (parts: readonly (string | number)[]): string => digestOf(JSON.stringify(parts));

const timeOf = (commandId: CommandId): string => commandId.slice(0, 8) + commandId.slice(9, 13);

/** A new command's id: a UUIDv7, so that ids made together lie together in an index. */
export const newCommandId = (now: Instant): CommandId =>
  // A UUIDv7 is a CommandId by construction.
  uuid(msOfInstant(now).toString(16).padStart(12, '0'), '7', randomBytes(10).toString('hex')) as CommandId;

/** Most that 48 bits of milliseconds hold. */
const commandMsMax = 2 ** 48 - 1;

/** The id of a command that is named by what it came as: the same at every delivery. `atMs` may be anything that a sender wrote. */
export const hashedCommandId = (atMs: number, ...parts: readonly string[]): CommandId => {
  const ms = Number.isFinite(atMs) ? Math.min(Math.max(Math.trunc(atMs), 0), commandMsMax) : 0;
  return uuid(ms.toString(16).padStart(12, '0'), '7', digest(parts)) as CommandId;
};

/** Of the JSON text, in which a UUID stands as it is: made for every event of a log that is checked. */
const eventDigest = (commandId: CommandId, index: number): string => digestOf(`["rectrail.event/1","${commandId}",${index}]`);

/** The id of the event staged as number `index` (from 0) by a command: a UUIDv8 that a retry repeats (docs/adr/0003-event-id-derived.md). */
export const deriveEventId = (commandId: CommandId, index: number): EventId =>
  uuid(timeOf(commandId), '8', eventDigest(commandId, index)) as EventId;

/** The id of a thing that a command makes, repeated by a retry; `purpose` tells apart the things of one command. */
export const derivedUuid = (commandId: CommandId, purpose: string): string =>
  uuid(timeOf(commandId), '8', digest(['rectrail.made/1', commandId, purpose]));

/** A UUIDv8 that is a pure function of its parts, the first of which names what they mean (`'rectrail.ledger/1', kind, key`). */
export const hashedUuid = (...parts: readonly string[]): string => {
  const digits = digest(parts);
  return uuid(digits.slice(0, 12), '8', digits.slice(12));
};
