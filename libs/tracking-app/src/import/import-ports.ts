import type { CommandRunner, EventStore } from '@rectrail/event-store';
import type { TrackingLookups } from '@rectrail/tracking-read';

/** What imports run on; given by the composition root. */
export interface ImportPorts {
  readonly runner: CommandRunner;
  readonly store: EventStore;
  readonly lookups: Pick<TrackingLookups, 'dependents' | 'trees' | 'catchUp'>;
  /** IANA name, from the installation's first event. */
  readonly zone: string;
}

/** The look-ups of what leans on something, once the read models have seen all that is recorded. @throws ReadRejected `projection-behind`. */
export const lookupsNow = ({ store, lookups }: ImportPorts): Pick<TrackingLookups, 'dependents' | 'trees'> => {
  const caughtUp = async (): Promise<void> => { await lookups.catchUp((await store.head()).position); };
  return {
    dependents: async (refs) => { await caughtUp(); return lookups.dependents(refs); },
    trees: async () => { await caughtUp(); return lookups.trees(); },
  };
};
