import { hash } from 'node:crypto';
import { contentPurged, contentSha256, leafBytes, purgeTargetOf, type LogIdentity, type PurgeTarget, type StoredEvent } from '@rectrail/event-store';
import { leafHash, type TreeHash } from '@rectrail/transparency';

/** Why a content is not there. Only a withheld one is somewhere else. */
export type Lack = 'withheld' | 'purged';

/** An event as it is checked: what its leaf says of it, and the bytes of its content where they are there. */
export interface LogEntry {
  readonly position: number;
  readonly recordedAt: string;
  readonly streamId: string;
  readonly streamVersion: number;
  /** As the leaf says. */
  readonly contentSha256: string;
  /** Of the content as it is there; null where it is not. */
  readonly foundSha256: string | null;
  readonly leafHash: TreeHash;
  /** UTF-8. */
  readonly content: Buffer | null;
  readonly lacks: Lack | null;
  /** As it is kept beside the content by a database, for whom it selects; null where it stands in the content alone. */
  readonly type: string | null;
}

export const sha256OfBytes = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** Of a row as it is stored; its leaf is made of it, so that whatever differs from what was sealed differs in the leaf. */
export const entryOfStored = (event: StoredEvent, identity: Pick<LogIdentity, 'logId'>): LogEntry => {
  const isPurged = event.contentSha256 !== undefined;
  const sha256 = contentSha256(event);
  return {
    position: event.position,
    recordedAt: event.recordedAt,
    streamId: event.streamId,
    streamVersion: event.streamVersion,
    contentSha256: sha256,
    foundSha256: isPurged ? null : sha256,
    leafHash: leafHash(leafBytes(event, identity)),
    content: isPurged ? null : Buffer.from(event.content, 'utf8'),
    lacks: isPurged ? 'purged' : null,
    type: event.type,
  };
};

/** What a content says of its own identity. */
export interface ContentIds { readonly eventId: string; readonly commandId: string }

const uuidLength = 36;

/**
 * Read off the text (`latin1`), without parsing what is between: in RFC 8785 order only actor, cause and classification stand before the command's id, and neither they nor what
 * follows the event's id have keys of these names. Null where they are not there.
 */
export const contentIds = (latin1: string): ContentIds | null => {
  const [commandKey, eventKey] = [',"commandId":"', ',"eventId":"'];
  const command = latin1.indexOf(commandKey);
  const event = latin1.lastIndexOf(eventKey);
  if (command < 0 || event < 0) return null;
  const [commandFrom, eventFrom] = [command + commandKey.length, event + eventKey.length];
  return { commandId: latin1.slice(commandFrom, commandFrom + uuidLength), eventId: latin1.slice(eventFrom, eventFrom + uuidLength) };
};

/** The type of the event, of the text (`latin1`) of its content; the last such key, as in `contentIds`. */
export const contentType = (latin1: string): string | null => {
  const key = ',"type":"';
  const from = latin1.lastIndexOf(key);
  return from < 0 ? null : latin1.slice(from + key.length, latin1.indexOf('"', from + key.length));
};

/** What an event of this type and content purges; null for all but a `ContentPurged`. @throws Error for one that names nothing */
export const purgeOf = (type: string | null, content: Buffer): PurgeTarget | null => (type === contentPurged ? purgeTargetOf(content.toString('utf8')) : null);
