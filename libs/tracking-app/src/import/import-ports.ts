import type { CommandRunner, EventStore } from '@rectrail/event-store';
import type { Dependent, TrackingLookups } from '@rectrail/tracking-read';

/** What imports run on; given by the composition root. */
export interface ImportPorts {
  readonly runner: CommandRunner;
  readonly store: EventStore;
  readonly lookups: Pick<TrackingLookups, 'dependents' | 'catchUp'>;
  /** IANA name, from the installation's first event. */
  readonly zone: string;
}

/** The look-up of what leans on something, once the read models have seen all that is recorded. @throws ReadRejected `projection-behind`. */
export const dependentsNow = ({ store, lookups }: ImportPorts) => async (refs: readonly string[]): Promise<readonly Dependent[]> => {
  await lookups.catchUp((await store.head()).position);
  return lookups.dependents(refs);
};
