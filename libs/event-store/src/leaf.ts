import type { LogIdentity, StoredEvent } from './event-store.ts';
import { canonicalJson, sha256Hex } from './canonical-json.ts';

/** SHA-256 of the stored content, lower-case hexadecimal: all that a leaf says of it; of one that was purged, the hash that was kept. */
export const contentSha256 = (event: Pick<StoredEvent, 'content' | 'contentSha256'>): string => event.contentSha256 ?? sha256Hex(event.content);

/**
 * The leaf of the transparency log for one event (docs/reference/leaf.md). It holds the hash of the content, not the
 * content, so that a purged content leaves every proof standing; and no epoch, so that a log restored into a new epoch
 * keeps its leaves.
 */
export const leafBytes = (event: StoredEvent, identity: Pick<LogIdentity, 'logId'>): Buffer =>
  Buffer.from(canonicalJson({
    contentSha256: contentSha256(event),
    logId: identity.logId,
    position: event.position,
    recordedAt: event.recordedAt,
    streamId: event.streamId,
    streamVersion: event.streamVersion,
  }), 'utf8');
