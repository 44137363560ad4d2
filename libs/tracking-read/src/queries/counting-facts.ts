import type { Cut, Fact, OrgId, StreamId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';

export type TrackingFact = Fact<TrackingEvent>;

interface Of { readonly types?: readonly string[]; readonly streamId?: StreamId; readonly owners?: readonly OrgId[] | null }

/** The facts that count at the cut, by stream, each in fold order. */
export const countingByStream = async (tx: Transaction, cut: Cut, of: Of): Promise<ReadonlyMap<StreamId, readonly TrackingFact[]>> => {
  const rows = await tx.query<{ fact: TrackingFact }>(
    `select e.fact from ${schema}.event_standing s join ${schema}.event e using (position)
      where ($4::text[] is null or s.type = any($4)) and ($5::text is null or s.stream_id = $5) and ($6::text[] is null or s.org_id = any($6))
        and s.valid_from <= $1 and s.known_from <= $2 and $2 < s.known_to and s.pos_from <= $3 and $3 < s.pos_to
      order by s.stream_id, s.valid_from, e.stream_version`,
    [cut.validAt, cut.knownAt, cut.atPosition, of.types ?? null, of.streamId ?? null, of.owners ?? null],
  );
  return Map.groupBy(rows.map((row) => row.fact), (fact) => fact.streamId);
};

/** Every fact of these streams up to a position, whether it counts or not, in stream order. */
export const wholeStreams = async (tx: Transaction, streamIds: readonly StreamId[], atPosition: number): Promise<ReadonlyMap<StreamId, readonly TrackingFact[]>> => {
  const rows = await tx.query<{ fact: TrackingFact }>(
    `select fact from ${schema}.event where stream_id = any($1) and position <= $2 order by stream_id, stream_version`, [streamIds, atPosition],
  );
  return Map.groupBy(rows.map((row) => row.fact), (fact) => fact.streamId);
};
