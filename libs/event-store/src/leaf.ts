import type { LogIdentity, StoredEvent } from './event-store.ts';
import { canonicalJson, sha256Hex } from './canonical-json.ts';

/** SHA-256 of the stored content, lower-case hexadecimal: all that a leaf says of it; of one that was purged, the hash that was kept. */
export const contentSha256 = (event: Pick<StoredEvent, 'content' | 'contentSha256'>): string => event.contentSha256 ?? sha256Hex(event.content);

/** The event with the hash of its content in its place: its leaf is the same. */
export const hashedContent = (event: StoredEvent): StoredEvent => ({ ...event, content: '', contentSha256: contentSha256(event) });

/** What a leaf says of an event beside the log's name. */
export type LeafParts = Readonly<Record<'contentSha256' | 'recordedAt' | 'streamId', string> & Record<'position' | 'streamVersion', number>>;

/** What JSON must escape, and every surrogate, of which a lone one has no canonical text. */
const unusual = /["\\\u0000-\u001f\ud800-\udfff]/;
const quoted = (text: string): string => (unusual.test(text) ? canonicalJson(text) : `"${text}"`);

/**
 * The bytes of a leaf (docs/reference/leaf.md), which are those of `canonicalJson` in a fraction of its time: every event of a log is sealed and checked by them.
 *
 * @throws Error for a lone surrogate.
 */
export const leafBytesOf = ({ contentSha256: sha256, position, recordedAt, streamId, streamVersion }: LeafParts, logId: string): Buffer => Buffer.from(
  `{"contentSha256":${quoted(sha256)},"logId":${quoted(logId)},"position":${position},"recordedAt":${quoted(recordedAt)},"streamId":${quoted(streamId)},"streamVersion":${streamVersion}}`, 'utf8');

/**
 * The leaf of the transparency log for one event (docs/reference/leaf.md). It holds the hash of the content, not the
 * content, so that a purged content leaves every proof standing; and no epoch, so that a log restored into a new epoch
 * keeps its leaves.
 */
export const leafBytes = (event: StoredEvent, { logId }: Pick<LogIdentity, 'logId'>): Buffer => leafBytesOf({ ...event, contentSha256: contentSha256(event) }, logId);
