import { withContent, type EventStore, type StoredEvent } from '@rectrail/event-store';
import type { Cut, Fact, OrgId, Position, StreamId, StreamVersion } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { keyOf } from '../projections/stream-keys.ts';
import type { ReadSession } from './read-session.ts';
import { ReadRejected, type ReadRejectionCode } from './tracking-read.ts';

export type TrackingFact = Fact<TrackingEvent>;

/**
 * Whether an event counts at a cut (rules.md section 2), as a condition on the row `event` of the index of events; retractions take part in no fold and never do. `cut`: the three
 * parameters of the statement.
 */
export const countsAtCut = (event: string, [validAt, knownAt, atPosition]: readonly [validAt: string, knownAt: string, atPosition: string]): string =>
  `${event}.position <= ${atPosition} and ${event}.known_from <= ${knownAt} and ${event}.valid_from <= ${validAt}
   and not exists (select from ${schema}.event_retracted retracted
     where retracted.position = ${event}.position and retracted.known_from <= ${knownAt} and retracted.pos_from <= ${atPosition} and ${atPosition} < retracted.pos_to)`;

export const isTree = (streamId: StreamId): boolean => streamId.startsWith('org-tree-');

/** Whose facts: of these types, of the owners (null: of all); or of one stream. */
type Of = { readonly types: readonly string[]; readonly owners: readonly OrgId[] | null } | { readonly streamId: StreamId };

/** The facts that count at the cut, by stream, each in fold order: of streams that are folded when read (inspections, reports). */
export const countingByStream = async (tx: Transaction, cut: Cut, of: Of): Promise<ReadonlyMap<StreamId, readonly TrackingFact[]>> => {
  const [condition, params] = 'streamId' in of ? ['e.stream = $4', [keyOf(of.streamId)]]
    : of.owners === null ? ['e.type = any($4)', [of.types]] : ['e.type = any($4) and e.org_id in (select unnest($5::uuid[]))', [of.types, of.owners]];
  await planAnew(tx);
  const rows = await tx.query<{ fact: TrackingFact }>(
    `select e.fact from ${schema}.event e where e.fact is not null and ${condition} and ${countsAtCut('e', ['$1', '$2', '$3'])}
      order by e.stream, e.valid_from, e.stream_version`, [cut.validAt, cut.knownAt, cut.atPosition, ...params],
  );
  return Map.groupBy(rows.map((row) => row.fact), (fact) => fact.streamId);
};

/** What reads the facts themselves, which the index of events does not keep. */
export interface FactSource {
  readonly store: EventStore;
  readonly decode: (stored: StoredEvent) => Fact;
}

/** Every fact of these streams up to a position, whether it counts or not, in stream order, but for purged contents. Nothing else of the log ever changes: it needs no snapshot. */
export const wholeStreams = async ({ store, decode }: FactSource, streamIds: readonly StreamId[], upTo: Position): Promise<ReadonlyMap<StreamId, readonly TrackingFact[]>> => {
  if (streamIds.length === 0) return new Map();
  const slices = await store.readStreams(streamIds, upTo);
  // The codec has checked each event against its schema.
  return new Map([...slices].map(([id, { events }]) => [id, withContent(events).map((stored) => decode(stored) as TrackingFact)]));
};

/** The same of many streams at once; a tree, which is long, is kept in memory. */
export const streamsAt = async (source: FactSource, { cut: { atPosition }, reference }: Pick<ReadSession, 'cut' | 'reference'>, streamIds: Iterable<StreamId>): Promise<ReadonlyMap<StreamId, readonly TrackingFact[]>> => {
  const { trees = [], others = [] } = Object.groupBy(streamIds, (id) => (isTree(id) ? 'trees' : 'others'));
  return new Map([...await wholeStreams(source, others, atPosition), ...trees.map((id) => [id, reference.facts(id, atPosition)] as const)]);
};

/** A whole stream up to the position read, and whose it is. @throws ReadRejected `unknown` where it has no event there, `outside-jurisdiction`. */
export const streamInSight = async (
  source: FactSource, { cut, visible }: Pick<ReadSession, 'cut' | 'visible'>, streamId: StreamId, unknown: ReadRejectionCode,
): Promise<{ readonly orgId: OrgId | null; readonly stream: readonly TrackingFact[]; readonly version: StreamVersion }> => {
  const stream = (await wholeStreams(source, [streamId], cut.atPosition)).get(streamId) ?? [];
  const last = stream.at(-1);
  if (last === undefined) throw new ReadRejected(unknown, `${streamId} has no event up to position ${cut.atPosition}`);
  const { scope: { orgId }, streamVersion: version } = last;
  if (visible !== null && (orgId === null || !visible.has(orgId))) throw new ReadRejected('outside-jurisdiction', `${streamId} lies outside the jurisdiction of this token`);
  return { orgId, stream, version };
};
