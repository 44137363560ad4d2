import type { EventStore } from '@rectrail/event-store';
import { msOfInstant, type Clock, type Position } from '@rectrail/kernel';
import type { FollowerStatus, Leadership } from '@rectrail/platform';

/** How far a follower of the log has come, whichever process works in it. */
export interface FollowerStanding extends FollowerStatus {
  readonly position: Position;
  /** Events between its checkpoint and the head. */
  readonly lagEvents: number;
  /** Age of the oldest of them; 0 where there is none. */
  readonly lagSeconds: number;
}

export interface FollowersOptions {
  readonly leadership: Pick<Leadership, 'followers'>;
  readonly store: Pick<EventStore, 'head' | 'readAll'>;
  readonly clock: Clock;
}

const hasPosition = (status: FollowerStatus): status is FollowerStatus & { readonly position: Position } => status.position !== null;

/** The followers that keep a checkpoint; those that never moved one follow something else than the log. */
export const followerStandings = async ({ leadership, store, clock }: FollowersOptions): Promise<readonly FollowerStanding[]> => {
  // The checkpoints first: a head that was read before them could lie behind.
  const statuses = (await leadership.followers()).filter(hasPosition);
  const { position: head } = await store.head();
  const nowMs = msOfInstant(clock.now());
  return Promise.all(statuses.map(async (status) => {
    const lagEvents = Math.max(0, head - status.position);
    const oldest = lagEvents === 0 ? undefined : (await store.readAll({ after: status.position, limit: 1 })).events[0];
    return { ...status, lagEvents, lagSeconds: oldest === undefined ? 0 : Math.max(0, (nowMs - msOfInstant(oldest.recordedAt)) / 1_000) };
  }));
};
