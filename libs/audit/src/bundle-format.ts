import { leafBytes, type LogIdentity, type StoredEvent } from '@rectrail/event-store';
import { prefixedHash } from '@rectrail/transparency';
import { z } from 'zod';
import { sha256OfBytes, type Lack, type LogEntry } from './entry.ts';
import { finding, type Finding } from './findings.ts';

/** docs/reference/bundle.md. A change that a reader must know of takes another name. */
export const bundleFormat = 'rectrail.bundle/1';
export const manifestName = 'manifest.json';
/** Events of a file, about 10 MB: what a killed export does again at most. */
export const eventsPerFile = 10_000;

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256');
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const fileName = z.string().regex(/^(events|leaves)\/\d{16}\.(ndjson|bin)$/, 'the name of a file of a bundle');
/** As large as a file is read at once. */
const fileBytesMax = 1 << 30;
const bundleFile = z.strictObject({ name: fileName, bytes: size.max(fileBytesMax), sha256: sha256Hex });

/** Some consecutive events, and their leaf hashes one after the other. */
const bundlePart = z.strictObject({ first: size.min(1), last: size.min(1), events: bundleFile, leaves: bundleFile });
export type BundlePart = z.infer<typeof bundlePart>;

const manifestSchema = z.strictObject({
  format: z.literal(bundleFormat),
  logId: z.uuid(),
  /** Leaves before the first event; the complete subtrees of the tree over them, hexadecimal. */
  after: size,
  frontier: z.array(sha256Hex).max(53),
  last: size,
  audience: z.enum(['everything', 'public']),
  withheld: size,
  purged: size,
  keys: z.array(z.string().max(1_000)).max(10_000),
  checkpoints: z.array(z.string().max(1_000_000)).max(100_000),
  parts: z.array(bundlePart).max(10_000_000),
});
export type BundleManifest = z.infer<typeof manifestSchema>;

/** A bundle that cannot be read as one: nothing is said of the log. */
export class BundleError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'BundleError';
  }
}

const follows = ({ after, last, parts }: BundleManifest): boolean => {
  let at = after;
  for (const { first, last: end } of parts) {
    if (first !== at + 1 || end < first || end - first >= eventsPerFile * 10) return false;
    at = end;
  }
  return at === last;
};

/** @throws BundleError for what is no manifest of this format */
export const parseManifest = (text: string): BundleManifest => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BundleError(`${manifestName} is no JSON`, { cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new BundleError(`${manifestName} is none of ${bundleFormat}: ${z.prettifyError(parsed.error)}`);
  if (!follows(parsed.data)) throw new BundleError(`${manifestName} names files of events that do not follow one another from ${parsed.data.after} to ${parsed.data.last}`);
  return parsed.data;
};

export type BundleFile = BundlePart['events'];
export const fileNames = (first: number): { readonly events: string; readonly leaves: string } => {
  const digits = String(first).padStart(16, '0');
  return { events: `events/${digits}.ndjson`, leaves: `leaves/${digits}.bin` };
};

/** An event that leaves the server: its leaf, and its content unless it was withheld or purged. */
export interface BundleEvent {
  readonly leaf: Buffer;
  /** RFC 8785 text; null where it is lacking. */
  readonly content: string | null;
  readonly lacks: Lack | null;
}

/** `isShown`: whether the content may leave. */
export const bundleEvent = (event: StoredEvent, identity: Pick<LogIdentity, 'logId'>, isShown: boolean): BundleEvent => {
  const isPurged = event.contentSha256 !== undefined;
  const lacks = isPurged ? 'purged' : isShown ? null : 'withheld';
  return { leaf: leafBytes(event, identity), content: lacks === null ? event.content : null, lacks };
};

/**
 * One line of a file of events. Leaf and content stand in it byte for byte as they are hashed.
 *
 * @throws RangeError for a content that is no one line, which no content is that was written by an event store
 */
export const bundleLine = ({ leaf, content, lacks }: BundleEvent): string => {
  if (content?.includes('\n') === true) throw new RangeError('a content holds a line break: it was not stored by an event store');
  return `{"leaf":${leaf.toString('utf8')},${content === null ? `"${lacks ?? 'withheld'}":true` : `"content":${content}`}}\n`;
};

/** A leaf in RFC 8785 form: what stands before and between its values, which but for three have each a fixed length. */
const [shaKey, logIdKey, positionKey, recordedAtKey, streamIdKey, versionKey] = ['{"leaf":{"contentSha256":"', '","logId":"', '","position":', ',"recordedAt":"', '","streamId":', ',"streamVersion":'];
const leafFrom = shaKey.indexOf('{', 1);
const [shaLength, logIdLength, recordedAtLength] = [64, 36, 24];
const shaFrom = shaKey.length;
const logIdFrom = shaFrom + shaLength + logIdKey.length;
const positionFrom = logIdFrom + logIdLength + positionKey.length;
const [shaPattern, logIdPattern, recordedAtPattern] = [/^[0-9a-f]{64}$/, /^[0-9a-f-]{36}$/, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/];
const valueKinds = ['content', 'withheld', 'purged'] as const;
const kindKeys = valueKinds.map((kind) => ({ kind, key: `},"${kind}":` }));
/** Beginning of a line that holds most leaves, and one that holds any: a stream's id has 200 characters at most. */
const headBytes = [384, 4_096] as const;
/** Longer than that of any event that a store takes in. */
const lineBytesMax = 16 << 20;
const [newline, quote, backslash, closingBrace] = [0x0a, 0x22, 0x5c, 0x7d];
const [digit0, digit1, digit9] = [0x30, 0x31, 0x39];
const [printableMin, printableMax] = [0x20, 0x7f];
const integerDigitsMax = 16;
const lackText = 'true}';

/** The end of a positive integer in canonical form that begins here; -1 where none does. */
const integerEnd = (text: string, from: number): number => {
  const first = text.charCodeAt(from);
  if (!(first >= digit1 && first <= digit9)) return -1;
  let to = from + 1;
  for (let code = text.charCodeAt(to); code >= digit0 && code <= digit9; code = text.charCodeAt(to)) to += 1;
  return to - from > integerDigitsMax ? -1 : to;
};

/** The end of a JSON string that begins here, negative where something of it is escaped or no ASCII; 0 where none does. */
const stringEnd = (text: string, from: number): number => {
  if (text.charCodeAt(from) !== quote) return 0;
  let isPlain = true;
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) return isPlain ? at + 1 : -at - 1;
    if (code === backslash) at += 1;
    if (code === backslash || code < printableMin || code > printableMax) isPlain = false;
  }
  return 0;
};

/** Of the JSON text of a string, as `latin1`; null where it is not the canonical one. */
const canonicalString = (latin1: string): string | null => {
  const json = Buffer.from(latin1, 'latin1').toString('utf8');
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' && JSON.stringify(value) === json ? value : null;
  } catch {
    // No string of JSON: no leaf.
    return null;
  }
};

/** What stands before a line's value. `streamId`: null where it is in no canonical form; `leafTo`, `valueFrom`: bytes of the line. */
interface LineHead {
  readonly contentSha256: string;
  readonly logId: string;
  readonly position: number;
  readonly recordedAt: string;
  readonly streamId: string | null;
  readonly streamVersion: number;
  readonly leafTo: number;
  readonly kind: (typeof valueKinds)[number];
  readonly valueFrom: number;
}

/** Of the beginning of a line, as `latin1`; null where it is none, or longer. That the digits of `contentSha256` and `logId` are some is not looked at. */
const headOf = (text: string): LineHead | null => {
  if (!text.startsWith(shaKey) || !text.startsWith(logIdKey, shaFrom + shaLength) || !text.startsWith(positionKey, logIdFrom + logIdLength)) return null;
  const positionTo = integerEnd(text, positionFrom);
  const recordedAtFrom = positionTo + recordedAtKey.length;
  const recordedAtTo = recordedAtFrom + recordedAtLength;
  if (positionTo < 0 || !text.startsWith(recordedAtKey, positionTo) || !text.startsWith(streamIdKey, recordedAtTo)) return null;
  const recordedAt = text.slice(recordedAtFrom, recordedAtTo);
  const streamFrom = recordedAtTo + streamIdKey.length;
  const end = stringEnd(text, streamFrom);
  const streamTo = Math.abs(end);
  const versionFrom = streamTo + versionKey.length;
  const versionTo = end === 0 || !text.startsWith(versionKey, streamTo) ? -1 : integerEnd(text, versionFrom);
  const value = versionTo < 0 ? undefined : kindKeys.find(({ key }) => text.startsWith(key, versionTo));
  if (value === undefined || !recordedAtPattern.test(recordedAt)) return null;
  return {
    contentSha256: text.slice(shaFrom, shaFrom + shaLength),
    logId: text.slice(logIdFrom, logIdFrom + logIdLength),
    position: Number(text.slice(positionFrom, positionTo)),
    recordedAt,
    streamId: end > 0 ? text.slice(streamFrom + 1, end - 1) : canonicalString(text.slice(streamFrom, streamTo)),
    streamVersion: Number(text.slice(versionFrom, versionTo)),
    leafTo: versionTo + 1,
    kind: value.kind,
    valueFrom: versionTo + value.key.length,
  };
};

const malformed = (position: number, why: string): Finding => finding('leaf-malformed', position, `the line of the event at ${position} ${why}`);

/** A line of `bytes`, its newline at `end`, of the event that should be at `position`. */
interface Line { readonly bytes: Buffer; readonly start: number; readonly end: number; readonly position: number }

/** The value behind the last key of the line: a content, or null where one lacks; undefined where it is neither. */
const contentOf = ({ bytes, end }: Line, valueStart: number, kind: LineHead['kind']): Buffer | null | undefined => {
  if (kind === 'content') return bytes[end - 1] === closingBrace ? bytes.subarray(valueStart, end - 1) : undefined;
  return bytes.toString('latin1', valueStart, end) === lackText ? null : undefined;
};

const headAt = ({ bytes, start, end }: Line, bytesMax: number): LineHead | null => headOf(bytes.toString('latin1', start, Math.min(end, start + bytesMax)));

/** Hashes the leaf where it stands: the byte before it is overwritten with that of RFC 6962. */
const entryAt = (line: Line, logId: string): LogEntry | Finding => {
  const { bytes, start, end, position } = line;
  if (end - start > lineBytesMax) return malformed(position, 'is longer than that of any event');
  const [usual, any] = headBytes;
  const head = headAt(line, usual) ?? headAt(line, any);
  if (head === null) return malformed(position, 'is none of a bundle');
  const { contentSha256, streamId, kind } = head;
  if (streamId === null) return malformed(position, 'names its stream in no canonical form');
  if (head.logId !== logId) return malformed(position, logIdPattern.test(head.logId) ? `is of the log ${head.logId}` : 'is none of a bundle');
  const content = contentOf(line, start + head.valueFrom, kind);
  if (content === undefined) return malformed(position, 'does not end as it should');
  const foundSha256 = content === null ? null : sha256OfBytes(content);
  // What is the same as one that was made is one.
  if (contentSha256 !== foundSha256 && !shaPattern.test(contentSha256)) return malformed(position, 'is none of a bundle');
  const prefixAt = start + leafFrom - 1;
  bytes[prefixAt] = 0;
  return {
    position: head.position, recordedAt: head.recordedAt, streamId, streamVersion: head.streamVersion, contentSha256, foundSha256,
    leafHash: prefixedHash(bytes.subarray(prefixAt, start + head.leafTo)), content, type: null, lacks: kind === 'content' ? null : kind,
  };
};

/** `bytesRead`: of those that were given. */
export interface EntriesRead { readonly entries: readonly LogEntry[]; readonly finding: Finding | null; readonly bytesRead: number }

/** The events of a file's bytes, the first of which is at `first`, until one cannot be read, at most so many. What was read of the bytes is the caller's no more. */
export const entriesIn = (bytes: Buffer, logId: string, first: number, countMax = Number.POSITIVE_INFINITY): EntriesRead => {
  const entries: LogEntry[] = [];
  let start = 0;
  if (!logIdPattern.test(logId)) return { entries, finding: malformed(first, 'is of a log that is named in no canonical form'), bytesRead: start };
  while (start < bytes.length && entries.length < countMax) {
    const position = first + entries.length;
    const end = bytes.indexOf(newline, start);
    const entry = end < 0 ? malformed(position, 'is cut off') : entryAt({ bytes, start, end, position }, logId);
    if ('code' in entry) return { entries, finding: entry, bytesRead: start };
    entries.push(entry);
    start = end + 1;
  }
  return { entries, finding: null, bytesRead: start };
};
