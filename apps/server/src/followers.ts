import type { EventStore } from '@rectrail/event-store';
import { msOfInstant, type Clock } from '@rectrail/kernel';
import type { FollowerStatus, Leadership } from '@rectrail/platform';

/** How far a follower of which one process works at a time has come. Without a checkpoint it follows something else than the log, and has no lag. */
export interface FollowerStanding extends FollowerStatus {
  /** Events between its checkpoint and the head. */
  readonly lagEvents: number | null;
  /** Age of the oldest of them; 0 where there is none. */
  readonly lagSeconds: number | null;
}

export interface FollowersOptions {
  readonly leadership: Pick<Leadership, 'followers'>;
  readonly store: Pick<EventStore, 'head' | 'readAll'>;
  readonly clock: Clock;
}

export const followerStandings = async ({ leadership, store, clock }: FollowersOptions): Promise<readonly FollowerStanding[]> => {
  // The checkpoints first: a head that was read before them could lie behind.
  const statuses = await leadership.followers();
  const { position: head } = await store.head();
  const nowMs = msOfInstant(clock.now());
  return Promise.all(statuses.map(async (status) => {
    if (status.position === null) return { ...status, lagEvents: null, lagSeconds: null };
    const lagEvents = Math.max(0, head - status.position);
    const oldest = lagEvents === 0 ? undefined : (await store.readAll({ after: status.position, limit: 1 })).events[0];
    return { ...status, lagEvents, lagSeconds: oldest === undefined ? 0 : Math.max(0, (nowMs - msOfInstant(oldest.recordedAt)) / 1_000) };
  }));
};
