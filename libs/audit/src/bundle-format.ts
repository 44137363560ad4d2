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

const lineHead = '{"leaf":';
/** A leaf in RFC 8785 form; nothing in a stream's id but what JSON must escape is escaped. */
const linePattern = new RegExp([
  String.raw`^\{"leaf":(\{"contentSha256":"([0-9a-f]{64})","logId":"([0-9a-f-]{36})","position":([1-9]\d{0,15}),"recordedAt":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",`,
  String.raw`"streamId":("(?:[^"\\]|\\.)*"),"streamVersion":([1-9]\d{0,15})\}),"(content|withheld|purged)":`,
].join(''));
/** Beginning of a line that holds most leaves, and one that holds any: a stream's id has 200 characters at most. */
const headBytes = [512, 4_096] as const;
/** Longer than that of any event that a store takes in. */
const lineBytesMax = 16 << 20;
const [newline, closingBrace] = [0x0a, 0x7d];
const lackText = 'true}';

const isPlain = (text: string): boolean => !/[\\\u0000-\u001f\u0080-\u{10ffff}]/u.test(text);

/** Of the JSON text of a string, as `latin1`; null where it is not the canonical one. */
const streamIdOf = (latin1: string): string | null => {
  if (isPlain(latin1)) return latin1.slice(1, -1);
  const json = Buffer.from(latin1, 'latin1').toString('utf8');
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' && JSON.stringify(value) === json ? value : null;
  } catch {
    // No string of JSON: no leaf.
    return null;
  }
};

const malformed = (position: number, why: string): Finding => finding('leaf-malformed', position, `the line of the event at ${position} ${why}`);

/** A line of `bytes`, its newline at `end`, of the event that should be at `position`. */
interface Line { readonly bytes: Buffer; readonly start: number; readonly end: number; readonly position: number }

/** The value behind the last key of the line: a content, or null where one lacks; undefined where it is neither. */
const contentOf = ({ bytes, end }: Line, valueStart: number, kind: string | undefined): Buffer | null | undefined => {
  if (kind === 'content') return bytes[end - 1] === closingBrace ? bytes.subarray(valueStart, end - 1) : undefined;
  return bytes.toString('latin1', valueStart, end) === lackText ? null : undefined;
};

/** Hashes the leaf where it stands: the byte before it is overwritten with that of RFC 6962. */
const entryAt = (line: Line, logId: string): LogEntry | Finding => {
  const { bytes, start, end, position } = line;
  if (end - start > lineBytesMax) return malformed(position, 'is longer than that of any event');
  const [usual, any] = headBytes;
  const found = linePattern.exec(bytes.toString('latin1', start, Math.min(end, start + usual))) ?? linePattern.exec(bytes.toString('latin1', start, Math.min(end, start + any)));
  if (found === null) return malformed(position, 'is none of a bundle');
  const [head, leaf = '', contentSha256 = '', leafLogId, at, recordedAt = '', streamJson = '', version, kind] = found;
  const streamId = streamIdOf(streamJson);
  if (streamId === null) return malformed(position, 'names its stream in no canonical form');
  if (leafLogId !== logId) return malformed(position, `is of the log ${leafLogId}`);
  const content = contentOf(line, start + head.length, kind);
  if (content === undefined) return malformed(position, 'does not end as it should');
  const prefixAt = start + lineHead.length - 1;
  bytes[prefixAt] = 0;
  return {
    position: Number(at), recordedAt, streamId, streamVersion: Number(version), contentSha256, leafHash: prefixedHash(bytes.subarray(prefixAt, prefixAt + 1 + leaf.length)),
    content, type: null, foundSha256: content === null ? null : sha256OfBytes(content), lacks: kind === 'withheld' || kind === 'purged' ? kind : null,
  };
};

/** `bytesRead`: of those that were given. */
export interface EntriesRead { readonly entries: readonly LogEntry[]; readonly finding: Finding | null; readonly bytesRead: number }

/** The events of a file's bytes, the first of which is at `first`, until one cannot be read, at most so many. What was read of the bytes is the caller's no more. */
export const entriesIn = (bytes: Buffer, logId: string, first: number, countMax = Number.POSITIVE_INFINITY): EntriesRead => {
  const entries: LogEntry[] = [];
  let start = 0;
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
