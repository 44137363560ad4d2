import type { StoredEvent } from '@rectrail/event-store';
import { instant, position, streamId, streamVersion } from '@rectrail/kernel';
import type { LogEntry } from './entry.ts';

/** An entry as the event that was stored. */
export const storedOf = ({ content, ...entry }: LogEntry): StoredEvent => ({
  position: position(entry.position), recordedAt: instant(entry.recordedAt), streamId: streamId(entry.streamId), streamVersion: streamVersion(entry.streamVersion),
  type: entry.type ?? '', content: content?.toString('utf8') ?? '', ...(content === null && { contentSha256: entry.contentSha256 }),
});
