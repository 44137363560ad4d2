import { isUuid, streamId, type CommandId, type StreamId } from '@rectrail/kernel';

/**
 * Names of streams on the server. The server compares names of one append without regard to case, and releases differ in the characters that they take
 * (the narrowest: letters, digits, `_`, `.`, `-`). So all but a-z, 0-9, `.` and `-` is written as `_` and two hexadecimal digits for each UTF-8 byte: names
 * that differ differ in more than case, none begins with `$`, and the domain's own (`issue-<uuid>`) stay as they are.
 */
export const streamNameOf = (id: StreamId): string =>
  id.replace(/[^a-z0-9.-]+/gu, (text) => [...Buffer.from(text, 'utf8')].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''));

/** Null for a name that `streamNameOf` gives to no stream: somebody else's stream. */
export const streamIdOf = (name: string): StreamId | null => {
  if (!/^(?:[a-z0-9.-]|_[0-9a-f]{2})+$/.test(name)) return null;
  const id = streamId(name.replace(/(?:_[0-9a-f]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('_', ''), 'hex').toString('utf8')));
  return streamNameOf(id) === name ? id : null;
};

// `_c` and `_l` cannot begin an encoded name: two hexadecimal digits follow each `_`, and `o` is none.
const receiptPrefix = '_command-';
/** Holds one event, which names the log. */
export const logStream = '_log';

/** The stream that holds the receipt of one command. */
export const receiptStreamOf = (commandId: CommandId): string => `${receiptPrefix}${commandId}`;

/** The command whose receipts stand in the stream; null for every other stream. */
export const commandOfReceiptStream = (name: string): CommandId | null => {
  const id = name.startsWith(receiptPrefix) ? name.slice(receiptPrefix.length) : '';
  return isUuid(id) ? (id as CommandId) : null;
};

/** Of the server's filter: receipts. */
export const onlyReceipts = `^${receiptPrefix}`;
/** All but system streams. */
export const withoutSystemStreams = '^[^$]';
/** The same without our own book-keeping: what is left are events. */
export const onlyEventStreams = '^[a-z0-9.-]|^_[0-9a-f]{2}';
