import { position, type OrgId, type Position, type StreamId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';

/** What is wanted of the index of events; what is left out does not matter. */
export interface EventFilter {
  /** Null: events of the installation, which nobody owns, too. */
  readonly owners: ReadonlySet<OrgId> | null;
  readonly stream?: StreamId | undefined;
  readonly type?: string | undefined;
  readonly actor?: string | undefined;
}

export interface EventPlace { readonly position: Position; readonly streamId: StreamId }

/** `walk`: the steps in which events of any owner are looked through before the owners are looked up. */
export interface EventPage { readonly before: number; readonly limit: number; readonly walk?: readonly number[] }

/** Where owners are many, their events are: a page is full after the first steps. */
const walkSteps = [200, 1_000];
/** So few owners are looked up one by one at once. */
const fewOwnersMax = 500;

const newestFirst = 'order by e.position desc limit $2';

/**
 * The statements for a filter: a condition only for what is wanted, so that each has one plan for all values. Owners are joined and not listed:
 * planning for a list of thousands takes longer than the search.
 */
const statements = ({ stream, type, actor }: EventFilter) => {
  const wants = [['stream_id', stream], ['type', type], ['subject', actor]].filter(([, value]) => value !== undefined);
  const wanted = ['e.position < $1', ...wants.map(([column], index) => `e.${column} = $${index + 3}`)].join(' and ');
  const owners = `unnest($${wants.length + 3}::uuid[])`;
  const events = `select e.position, e.stream_id, e.org_id from ${schema}.event e where ${wanted}`;
  return {
    params: wants.map(([, value]) => value),
    ofAny: `${events} ${newestFirst}`,
    ofOwners: `${events} and e.org_id in (select ${owners}) ${newestFirst}`,
    /** The newest n of all belong to the n owners whose own newest are the newest. */
    byOwner: `select e.position, e.stream_id, e.org_id
      from (select o.org_id from ${owners} o(org_id)
             cross join lateral (select e.position from ${schema}.event e where e.org_id = o.org_id and ${wanted} order by e.position desc limit 1) e
            ${newestFirst}) o
      cross join lateral (${events} and e.org_id = o.org_id ${newestFirst}) e
      ${newestFirst}`,
  };
};

interface PlaceRow { readonly position: string; readonly stream_id: StreamId; readonly org_id: OrgId }

const placeOf = (row: PlaceRow): EventPlace => ({ position: position(Number(row.position)), streamId: row.stream_id });

/** The newest events before a position, at most `limit` of them, the newest first. */
export const newestEvents = async (tx: Transaction, filter: EventFilter, { before, limit, walk = walkSteps }: EventPage): Promise<readonly EventPlace[]> => {
  const { params, ofAny, ofOwners, byOwner } = statements(filter);
  const find = (sql: string, at: number, most: number, ...more: readonly unknown[]): Promise<readonly PlaceRow[]> => tx.query<PlaceRow>(sql, [at, most, ...params, ...more]);
  const { owners, stream, type, actor } = filter;
  if (owners === null) return (await find(ofAny, before, limit)).map(placeOf);
  const lookUp = (sql: string, at: number, most: number): Promise<readonly PlaceRow[]> => find(sql, at, most, [...owners]);
  if (owners.size <= fewOwnersMax) return (await lookUp(stream === undefined ? byOwner : ofOwners, before, limit)).map(placeOf);
  const found: EventPlace[] = [];
  let reached = before;
  for (const step of walk) {
    const rows = await find(ofAny, reached, step);
    found.push(...rows.filter((row) => owners.has(row.org_id)).map(placeOf));
    if (found.length >= limit || rows.length < step) return found.slice(0, limit);
    reached = Number(rows.at(-1)?.position);
  }
  await planAnew(tx);
  const isNarrow = [stream, type, actor].some((wanted) => wanted !== undefined);
  return [...found, ...(await lookUp(isNarrow ? ofOwners : byOwner, reached, limit - found.length)).map(placeOf)];
};
