import type { Fact, StreamId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';

/** Facts by stream, in the order of the log. */
export const byStream = <F extends Fact>(facts: readonly F[]): ReadonlyMap<StreamId, readonly F[]> => Map.groupBy(facts, (fact) => fact.streamId);

/** Streams of which the batch does not hold the beginning. */
export const begunEarlier = (batch: ReadonlyMap<StreamId, readonly Fact[]>): readonly StreamId[] =>
  [...batch].filter(([, facts]) => (facts[0]?.streamVersion ?? 1) > 1).map(([id]) => id);

/** Trees, policies and calendars: figures of all organisations rest on them, and they are read beside the rows. */
export const isReferenceStream = (id: StreamId): boolean => id.startsWith('org-tree-') || id.startsWith('policy-') || id === streams.workingCalendar;
