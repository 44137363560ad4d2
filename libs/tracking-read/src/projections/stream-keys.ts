import type { StreamId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';

/**
 * How rows name a stream, or what else events refer to (references.ts): a byte for the kind of name, and the 16 of its uuid, where a text takes 43. Kinds are kept in rows by
 * number, so that a new one goes to the end, and needs a new version of the events where names of it have been kept as names of no kind.
 */
const prefixes = [
  '', 'issue-', 'measure-', 'funds-case-', 'inspection-', 'plan-', 'policy-', 'report-', 'metric-', 'org-tree-', 'organisation-', 'reminder-', 'reminders-', 'subscription-', 'purge-',
] as const;
export type KeyPrefix = Exclude<(typeof prefixes)[number], ''>;

/** Two numbers for each kind: what follows is a uuid, or else a text. */
const uuidNumber = (prefix: (typeof prefixes)[number]): number => 2 * prefixes.indexOf(prefix);
const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The key of a name, as PostgreSQL writes bytes. */
export const keyOf = (name: string): string => {
  const prefix = prefixes.find((one) => one !== '' && name.startsWith(one)) ?? '';
  const rest = name.slice(prefix.length);
  if (uuid.test(rest)) return `\\x${hexByte(uuidNumber(prefix))}${rest.replaceAll('-', '')}`;
  return `\\x${hexByte(uuidNumber(prefix) + 1)}${Buffer.from(rest).toString('hex')}`;
};

/** @throws RangeError for bytes that are no key. */
export const nameOf = (key: Buffer): string => {
  const [number = -1] = key;
  const prefix = prefixes[number >> 1];
  if (prefix === undefined) throw new RangeError(`no name has the key ${key.toString('hex')}`);
  if (number % 2 === 1) return prefix + key.toString('utf8', 1);
  const hex = key.toString('hex', 1);
  return `${prefix}${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** Of a key that was made of the id of a stream. */
export const streamOf = (key: Buffer): StreamId => nameOf(key) as StreamId;

/** Whether a column holds a key of one of these kinds. */
export const isOfKind = (column: string, ...kinds: readonly KeyPrefix[]): string => `get_byte(${column}, 0) / 2 in (${kinds.map((kind) => prefixes.indexOf(kind)).join(', ')})`;
/** Whether a column holds the key of a tree, a policy or the calendar. */
export const isReferenceKey = (column: string): string => `(${isOfKind(column, 'org-tree-', 'policy-')} or ${column} = '${keyOf(streams.workingCalendar)}'::bytea)`;
/** The key of a name whose id is a column of uuids; of one whose id is a text and surely no uuid. */
export const keyOfUuid = (prefix: KeyPrefix, id: string): string => `('\\x${hexByte(uuidNumber(prefix))}'::bytea || uuid_send(${id}))`;
export const keyOfText = (prefix: KeyPrefix, text: string): string => `('\\x${hexByte(uuidNumber(prefix) + 1)}'::bytea || convert_to(${text}, 'UTF8'))`;
/** The uuid in a key that has one. */
export const uuidOfKey = (column: string): string => `encode(substr(${column}, 2), 'hex')::uuid`;
