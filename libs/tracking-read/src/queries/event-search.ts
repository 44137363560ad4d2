import { position, type OrgId, type Position, type StreamId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import { schema } from '../database/rows.ts';

/** What is wanted of the index of events; what is left out does not matter. */
export interface EventFilter {
  /** Null: events of the installation, which nobody owns, too. */
  readonly owners: readonly OrgId[] | null;
  readonly stream: StreamId | undefined;
  readonly type: string | undefined;
  readonly actor: string | undefined;
}

export interface EventPlace { readonly position: Position; readonly streamId: StreamId }

/** `walk`: how many positions are walked backwards before owners are looked up, default 5,000. */
export interface EventPage { readonly before: number; readonly limit: number; readonly walk?: number }

/** Where the owners are many, or busy, a page is full by then. */
const walkedPositions = 5_000;
/** So few owners are looked at one by one, whatever else is wanted of their events. */
const fewOwnersMax = 64;

const wanted = `e.position < $1 and ($3::text is null or e.stream_id = $3) and ($4::text is null or e.type = $4) and ($5::text is null or e.subject = $5)`;
const owned = 'e.org_id = any($6::uuid[])';
const newestFirst = 'order by e.position desc limit $2';

/** By whichever index the planner takes: of position, stream, type or actor. */
const direct = `select e.position, e.stream_id from ${schema}.event e where ${wanted} and ($6::uuid[] is null or ${owned}) ${newestFirst}`;

/** The subquery is a fence: else the planner looks into the index of owners, once for each. */
const walked = `select e.position, e.stream_id
  from (select * from ${schema}.event where position < $1 and position >= $1 - $7::bigint order by position desc offset 0) e where ${wanted} and ${owned} ${newestFirst}`;

/** The newest n of all belong to the n owners whose own newest are the newest. */
const byOwner = `select e.position, e.stream_id
  from (select o.org_id from unnest($6::uuid[]) o(org_id)
         cross join lateral (select e.position from ${schema}.event e where e.org_id = o.org_id and ${wanted} order by e.position desc limit 1) e
        ${newestFirst}) o
  cross join lateral (select e.position, e.stream_id from ${schema}.event e where e.org_id = o.org_id and ${wanted} ${newestFirst}) e
  ${newestFirst}`;

/** The newest events before a position, at most `limit` of them, the newest first. */
export const newestEvents = async (tx: Transaction, { owners, stream, type, actor }: EventFilter, { before, limit, walk = walkedPositions }: EventPage): Promise<readonly EventPlace[]> => {
  const find = async (sql: string, ...more: readonly unknown[]): Promise<readonly EventPlace[]> => {
    const rows = await tx.query<{ position: string; stream_id: StreamId }>(sql, [before, limit, stream ?? null, type ?? null, actor ?? null, owners, ...more]);
    return rows.map((row) => ({ position: position(Number(row.position)), streamId: row.stream_id }));
  };
  if (owners === null || stream !== undefined) return find(direct);
  const near = await find(walked, walk);
  if (near.length === limit || before <= walk) return near;
  return find((type === undefined && actor === undefined) || owners.length <= fewOwnersMax ? byOwner : direct);
};
