import { position, type OrgId, type Position, type StreamId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { unitOf } from '../projections/event-projection.ts';
import { keyOf, streamOf } from '../projections/stream-keys.ts';

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

/** The newest first; `by`: of the column whose index is gone along, which knows positions by units. */
const newestFirst = (by?: keyof typeof unitOf): string => `order by ${by === undefined ? '' : `${unitOf[by]('e.position')} desc, `}e.position desc limit $2`;
const before = (by?: keyof typeof unitOf): string => `e.position < $1${by === undefined ? '' : ` and ${unitOf[by]('e.position')} <= ${unitOf[by]('$1::bigint')}`}`;

/**
 * The statements for a filter: a condition only for what is wanted, so that each has one plan for all values. Owners are joined and not listed:
 * planning for a list of thousands takes longer than the search.
 */
const statements = ({ stream, type, actor }: EventFilter) => {
  const wants = [['stream', stream === undefined ? undefined : keyOf(stream)], ['type', type], ['subject', actor]].filter(([, value]) => value !== undefined);
  const conditions = wants.map(([column], index) => ` and e.${column} = $${index + 3}`).join('');
  const owners = `unnest($${wants.length + 3}::uuid[])`;
  const along = stream !== undefined ? undefined : type !== undefined ? 'type' : actor !== undefined ? 'subject' : undefined;
  const events = (by?: keyof typeof unitOf): string => `select e.position, e.stream, e.org_id from ${schema}.event e where ${before(by)}${conditions}`;
  return {
    params: wants.map(([, value]) => value),
    ofAny: `${events(along)} ${newestFirst(along)}`,
    ofOwners: `${events(along)} and e.org_id in (select ${owners}) ${newestFirst(along)}`,
    /** The newest n of all belong to the n owners whose own newest are the newest. */
    byOwner: `select e.position, e.stream, e.org_id
      from (select o.org_id from ${owners} o(org_id)
             cross join lateral (select e.position from ${schema}.event e where e.org_id = o.org_id and ${before('org_id')}${conditions}
                                  order by ${unitOf.org_id('e.position')} desc, e.position desc limit 1) e
            ${newestFirst()}) o
      cross join lateral (${events('org_id')} and e.org_id = o.org_id ${newestFirst('org_id')}) e
      ${newestFirst()}`,
  };
};

interface PlaceRow { readonly position: string; readonly stream: Buffer; readonly org_id: OrgId }

const placeOf = (row: PlaceRow): EventPlace => ({ position: position(Number(row.position)), streamId: streamOf(row.stream) });

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
