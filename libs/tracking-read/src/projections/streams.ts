import type { Fact, Position, StreamId } from '@rectrail/kernel';
import { isPurge, streams } from '@rectrail/tracking-domain';

/** Facts by stream, in the order of the log. */
export const byStream = <F extends Fact>(facts: readonly F[]): ReadonlyMap<StreamId, readonly F[]> => Map.groupBy(facts, (fact) => fact.streamId);

/** Streams of which the batch does not hold the beginning. */
export const begunEarlier = (batch: ReadonlyMap<StreamId, readonly Fact[]>): readonly StreamId[] =>
  [...batch].filter(([, facts]) => (facts[0]?.streamVersion ?? 1) > 1).map(([id]) => id);

/** Positions of the contents that facts of a stream say were purged. */
export const purgedIn = (facts: readonly Fact[]): readonly Position[] => facts.filter(isPurge).map(({ event }) => event.data.position);

/** Whether something of the stream is missing: a content is gone, perhaps before the rows have heard of its purge. What rows say of such a stream is made anew. */
export const hasGap = (earlier: readonly Fact[], added: readonly Fact[]): boolean => added.at(-1)?.streamVersion !== earlier.length + added.length;

/** Trees, policies and calendars: figures of all organisations rest on them, and they are read beside the rows. */
export const isReferenceStream = (id: StreamId): boolean => id.startsWith('org-tree-') || id.startsWith('policy-') || id === streams.workingCalendar;
