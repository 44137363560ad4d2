import type { Fact, StreamId } from '@rectrail/kernel';

/** Facts by stream, in the order of the log. */
export const byStream = <F extends Fact>(facts: readonly F[]): ReadonlyMap<StreamId, readonly F[]> => Map.groupBy(facts, (fact) => fact.streamId);

/** Streams of which the batch does not hold the beginning. */
export const begunEarlier = (streams: ReadonlyMap<StreamId, readonly Fact[]>): readonly StreamId[] =>
  [...streams].filter(([, facts]) => (facts[0]?.streamVersion ?? 1) > 1).map(([id]) => id);
