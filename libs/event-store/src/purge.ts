import { position, type Position } from '@rectrail/kernel';
import { EventStoreError } from './errors.ts';
import type { StoredEvent } from './event-store.ts';

/**
 * The type of the event whose append drops the content of an earlier event of the same stream, which its data names. Stores know it, since dropping and
 * append are one transaction: nobody ever sees the one without the other.
 */
export const contentPurged = 'ContentPurged';

/** What a `ContentPurged` says of its target: where it stands, and the hash that stays in its leaf. */
export interface PurgeTarget { readonly position: Position; readonly contentSha256: string }

/** An event whose content was dropped: '' stands in its place. Folds leave it out. */
export const isPurged = (event: Pick<StoredEvent, 'content'>): boolean => event.content === '';

/** Those that still say something. */
export const withContent = (events: readonly StoredEvent[]): readonly StoredEvent[] => (events.some(isPurged) ? events.filter((event) => !isPurged(event)) : events);

interface Named { readonly data?: { readonly position?: unknown; readonly contentSha256?: unknown } }

/** @throws EventStoreError `append-invalid` where the content of a `ContentPurged` names no event. */
export const purgeTargetOf = (content: string): PurgeTarget => {
  const { data } = JSON.parse(content) as Named;
  const [at, hash] = [data?.position, data?.contentSha256];
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 1 || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) {
    throw new EventStoreError('append-invalid', `a ${contentPurged} names the position and the contentSha256 of what it drops`);
  }
  return { position: position(at), contentSha256: hash };
};
