import type { Day, OrgId } from '@rectrail/kernel';
import { isEnded, isStanding, schema } from '../database/rows.ts';
import { isSortedByFirstDay, reachesAt, reachesAtOnce, type Reach } from '../projections/lanes.ts';
import { wholeName, wholeView } from '../projections/register-details.ts';
import type { RegisterKind } from '../projections/register.ts';
import { foreignCursor, type CursorKey } from './cursor.ts';
import { arrayText, type ListedOwners } from './org-order.ts';
import type { ReadSession } from './read-session.ts';
import { atCut } from './sums.ts';

/** What must hold of a rectangle `r` or of a name `n`; `param` takes a value and gives its place among the parameters. */
export type Condition = (param: (value: unknown) => string) => string;

/** Things of a register at the cut. */
export interface Wanted extends ListedOwners {
  readonly kind: RegisterKind;
  /** In which states, by the numbers of the register. */
  readonly states: readonly number[];
  readonly rows: readonly Condition[];
  readonly names: readonly Condition[];
  /** What it takes to judge one more thing by them, in µs, where that is much. */
  readonly judging: number;
  /** Decides how they are looked for, never what is found. */
  readonly guess: Guess;
}

/** About how many things of the owners hold in the wanted states, and how many of them fulfil the conditions; null where that is not known. */
export interface Guess { readonly holding: number | null; readonly wanted: number | null }
export const noGuess: Guess = { holding: null, wanted: null };

/** `number`: organisations in their order, then inspections, then numbers as printed. Else a column of the register, then owners and ids. Every order is total. */
export interface ListOrder {
  readonly by: 'number' | 'due' | 'valid_from' | 'identified' | 'recovered' | 'returned';
  readonly descending: boolean;
}

/** A list is one group after the other, each in an order of its own; all look for the same names of the same owners. */
export interface Group { readonly wanted: Wanted; readonly order: ListOrder }

/** A thing at the cut: what it is called and what is shown of it. */
export interface ListRow<I extends string, N, D> {
  readonly id: I;
  readonly orgId: OrgId;
  /** The first day on which it shows what it shows; null where it always has. */
  readonly since: Day | null;
  readonly named: N;
  readonly detail: D;
}

/** `next`: where the list goes on; null at its end. `total`: of the whole list, where looking for the page has shown it. */
export interface ListPage<R> { readonly rows: readonly R[]; readonly next: CursorKey | null; readonly total: number | null }

type Keyed<R> = R & { readonly key: CursorKey };

/** Parameters of one statement; the cut comes first. */
class Parameters {
  readonly values: unknown[];

  constructor({ cut: { validAt, knownAt, atPosition } }: ReadSession) {
    this.values = [validAt, knownAt, atPosition];
  }

  readonly add = (value: unknown): string => `$${this.values.push(value)}`;
}

const tablesOf = (kind: RegisterKind) => ({ rows: `${schema}.${kind}_row`, names: `${schema}.${kind}_name`, views: `${schema}.${kind}_view` });
const holds = atCut('r', ['$1', '$2', '$3']);
const allOf = (conditions: readonly string[]): string => conditions.join(' and ');
const whereOf = (conditions: readonly string[]): string => (conditions.length === 0 ? '' : `where ${allOf(conditions)}`);
/** Of many ids: of a list in the condition itself the planner would guess how often each occurs, which takes longer than the query. */
export const isAmong = (id: string, ids: string): string => `${id} in (select unnest(${ids}::uuid[]))`;
/**
 * Asked of each row of the lanes, and not joined, since a join within a lane is made anew for every lane. Of nearly all owners those that are none of them are told, who are few to
 * send and to read; `ids`: a query of the owners, where there is one already.
 */
const isOwned = (wanted: Wanted, param: Parameters['add'], ids?: string): string => {
  if (ids !== undefined) return `(r.org_id in (${ids})) is true`;
  const { owners, others } = wanted;
  return others === null ? `(${isAmong('r.org_id', param(owners.array))}) is true` : `(${isAmong('r.org_id', param(others.array))}) is not true`;
};

/** `names`: the rectangle of each name is looked up. `lanes`: all rectangles of the states that hold are read. `walk`: along the names in their order until the page is full. */
type Way = 'names' | 'lanes' | 'walk';

/** How many names are to be looked up, where these are few, and about how many all organisations have. */
export interface Sizes { readonly few: number | null; readonly all: number }

const fewMax = 3_000;
/** To look up so many takes as long as to ask the roll-ups how many there are. */
const quickMax = 300;
export const areQuick = ({ few }: Sizes): boolean => few !== null && few <= quickMax;
/** More organisations have not few names. */
const fewOrgsMax = 256;

export const sizesOf = async (session: ReadSession, wanted: Wanted): Promise<Sizes> => {
  const { names } = tablesOf(wanted.kind);
  const values: unknown[] = [];
  const param: Parameters['add'] = (value) => `$${values.push(value)}`;
  const conditions = wanted.names.map((condition) => condition(param));
  if (!wanted.isAll && wanted.owners.orgIds.length <= fewOrgsMax) conditions.push(isAmong('n.org_id', param(wanted.owners.array)));
  const few = conditions.length === 0 ? 'null::integer' : `(select count(*)::integer from (select from ${names} n where ${allOf(conditions)} limit ${fewMax + 1}) x)`;
  const [row] = await session.tx.query<Sizes>(`select ${few} as few, (select greatest(reltuples, 0)::float8 from pg_class where oid = '${names}'::regclass) as "all"`, values);
  return { few: row === undefined || row.few === null || row.few > fewMax ? null : row.few, all: row?.all ?? 0 };
};

/** Measured, in µs: to look a name up, to look into a lane, to read a rectangle of a lane and the one that lies there beside each that holds. */
const cost = { name: 6, lane: 1.5, rectangle: 0.6 };

/** What each way comes to, in µs; `size`: of the page. */
const costsOf = ({ owners, everyone, states, names, judging, guess }: Wanted, { few, all }: Sizes, size: number): Readonly<Record<Way, number>> => {
  const share = Math.min(1, owners.orgIds.length / Math.max(1, everyone));
  const ofOwners = Math.max(1, all * share);
  const holding = Math.min(guess.holding ?? ofOwners, ofOwners);
  const found = Math.max(1, Math.min(guess.wanted ?? holding, holding, few ?? Infinity));
  return {
    names: few === null ? Infinity : few * (cost.name + judging),
    // Of some half of the kinds there is nothing. Lanes hold the things of everyone.
    lanes: (states.length / 2) * reachesAtOnce * cost.lane + ((holding * Math.max(1, all)) / ofOwners) * (cost.rectangle + judging + (names.length > 0 ? cost.name : 0)),
    walk: Math.min(size / found, 1) * ofOwners * (cost.name + judging),
  };
};

const wayOf = (wanted: Wanted, { by }: ListOrder, sizes: Sizes, size: number): Way => {
  const { names, lanes, walk } = costsOf(wanted, sizes, size);
  if (names <= lanes && (by !== 'number' || names <= walk)) return 'names';
  return by === 'number' && walk < lanes ? 'walk' : 'lanes';
};

/** Rectangles that one index finds: where those may lie that hold at the cut, and what must be said of each. */
interface Shelf { readonly reaches: readonly Reach[]; readonly isThere: string; readonly atCut: string }

/** What the log has not ended; at older positions than the registers rest on, also what it has ended since. */
const shelvesAt = ({ cut, standing }: ReadSession): readonly Shelf[] => {
  const standingStill: Shelf = { reaches: reachesAt(cut, cut.atPosition), isThere: isStanding('r'), atCut: atCut('r', ['$1', '$2', '$3'], isStanding('r')) };
  const endedSince: Shelf = { reaches: reachesAt(cut, standing.registers), isThere: isEnded('r'), atCut: `${isEnded('r')} and ${holds}` };
  return cut.atPosition >= standing.registers ? [standingStill] : [standingStill, endedSince];
};

/** What a source selects besides, and how much of it comes first where only so much is needed. */
interface Asked {
  readonly way: Exclude<Way, 'walk'>;
  readonly ownerIds?: string;
  readonly column?: string;
  readonly beyond?: readonly string[];
  readonly first?: { readonly direction: string; readonly count: number } | null;
}

/**
 * All that is wanted, each thing once: id, name, view, owner and first valid day. `offset 0` keeps the planner from turning what is looked up one by one, by the indexes that were
 * made for it, into joins of whole tables.
 */
const sourceSql = (session: ReadSession, wanted: Wanted, param: Parameters['add'], { way, ownerIds, column, beyond = [], first = null }: Asked): string => {
  const { rows, names } = tablesOf(wanted.kind);
  const columns = `r.id, r.name, r.view, r.org_id, r.valid_from${column === undefined || column === 'valid_from' ? '' : `, r.${column}`}`;
  const states = `${param(wanted.states)}::smallint[]`;
  const conditions = [...wanted.rows.map((condition) => condition(param)), ...beyond];
  const nameConditions = wanted.names.map((condition) => condition(param));
  if (way === 'names') {
    return `select x.* from ${names} n cross join lateral (
        select ${columns} from ${rows} r where r.id = n.id and r.name = n.name and ${allOf([holds, ...conditions, `r.state = any(${states})`])} offset 0) x
      ${whereOf([...nameConditions, ...(wanted.isAll ? [] : [isAmong('n.org_id', param(wanted.owners.array))])])}`;
  }
  const owned = wanted.isAll ? '' : ` and ${isOwned(wanted, param, ownerIds)}`;
  const named = wanted.names.length === 0 ? '' : ` and exists (select from ${names} n where n.id = r.id and n.name = r.name and ${allOf(nameConditions)} offset 0)`;
  const order = first === null ? '' : `order by ${['r.anchor', 'r.org_id', 'r.id'].map((key) => `${key} ${first.direction}`).join(', ')} limit ${param(first.count)}`;
  const among = ({ reaches, isThere, atCut: holdsThere }: Shelf, most: string): string =>
    // Kinds that hardly ever are would be looked for in every lane. Asked so, one is found by the index, and so is that there is none.
    `select r.* from (select s.state from unnest(${states}) s(state) where (select min(r.lane) from ${rows} r where r.state = s.state and ${isThere}) is not null) s
      cross join unnest(${param(reaches.map(({ lane }) => lane))}::smallint[], ${param(reaches.map(({ from }) => from))}::integer[], ${param(reaches.map(({ to }) => to))}::integer[]) l(lane, first, last)
      cross join lateral (select ${columns} from ${rows} r where r.state = s.state and r.lane = l.lane and r.anchor between l.first and l.last
        and ${allOf([holdsThere, ...conditions])}${owned}${named} ${most === '' ? 'offset 0' : most}) r`;
  return shelvesAt(session).flatMap((shelf) => {
    if (first === null) return [among(shelf, '')];
    const { yes: sorted = [], no: others = [] } = Object.groupBy(shelf.reaches, (reach) => (isSortedByFirstDay(reach) ? 'yes' : 'no'));
    return [among({ ...shelf, reaches: sorted }, order), among({ ...shelf, reaches: others }, '')];
  }).join(' union all ');
};

const shownColumns = (kind: RegisterKind): string =>
  `page.id, page.org_id as "orgId", nullif(page.valid_from::text, '-infinity') as since, ${wholeName(kind, 'n')} as named, ${wholeView(kind, 'v')} as detail`;
const shownFrom = ({ names, views }: ReturnType<typeof tablesOf>): string => `page join ${names} n using (id, name) join ${views} v using (id, view)`;

const columnTypes: Readonly<Record<Exclude<ListOrder['by'], 'number'>, string>> = { due: 'date', valid_from: 'date', identified: 'bigint', recovered: 'bigint', returned: 'bigint' };

/** Names that a walk takes at first, and those after which a page ends early, with a cursor that goes on. */
export interface Walk { readonly first: number; readonly most: number }
const walkOfPage: Walk = { first: 128, most: 6_000 };

/** What is asked for: what lies beyond a key, so many at most. */
interface Ask { readonly after: CursorKey | null; readonly size: number; readonly walk?: Walk }
/** `next` where it ended before it had so many; `total` of the group. */
interface GroupPage<R> { readonly rows: readonly Keyed<R>[]; readonly next: CursorKey | null; readonly total: number | null }

/** Key: value, owner, id. */
const columnPage = async <R>(session: ReadSession, { wanted, order: { by, descending } }: Group, way: Exclude<Way, 'walk'>, { after, size }: Ask): Promise<GroupPage<R>> => {
  const { values, add } = new Parameters(session);
  const [direction, sign] = descending ? ['desc', '<'] : ['asc', '>'];
  const type = by === 'number' ? 'text' : columnTypes[by];
  const beyond = after === null ? [] : [`(r.${by}, r.org_id, r.id) ${sign} (${add(after[0])}::${type}, ${add(after[1])}::uuid, ${add(after[2])}::uuid)`];
  const first = by === 'valid_from' ? { direction, count: size } : null;
  const order = [by, 'org_id', 'id'].map((key) => `page.${key} ${direction}`).join(', ');
  const rows = await session.tx.query<Keyed<R>>(
    `with page as (select * from (${sourceSql(session, wanted, add, { way, column: by, beyond, first })}) page order by ${order} limit ${add(size)})
     select ${shownColumns(wanted.kind)}, array[page.${by}::text, page.org_id::text, page.id::text] as key from ${shownFrom(tablesOf(wanted.kind))} order by ${order}`, values,
  );
  return { rows, next: null, total: null };
};

const numbers = ['inspection_id', 'number_key', 'id', 'name'] as const;
const orderBy = (keys: readonly string[], direction: string): string => keys.map((key) => `${key} ${direction}`).join(', ');
const of = (alias: string): readonly string[] => numbers.map((key) => `${alias}.${key}`);
const numberKey = (alias: string): string => `jsonb_build_array(${[`${alias}.org_id`, ...of(alias)].join(', ')})`;

/** Where a key by numbers (owner, inspection, number, id, name) lies: with which of the owners, from 1, and beyond what of theirs. */
interface Place { readonly ord: number; readonly rest: readonly unknown[] }

/** @throws ReadRejected `cursor-invalid` */
const placeOf = ({ owners }: ListedOwners, [orgId, ...rest]: CursorKey): Place => {
  const place = owners.placeOf(orgId as OrgId);
  if (place === -1) throw foreignCursor();
  return { ord: place + 1, rest };
};

const isBeyond = ({ rest }: Place, sign: string, param: Parameters['add']): string =>
  `(${of('n').join(', ')}) ${sign} (${['uuid', 'text', 'uuid', 'integer'].map((type, at) => `${param(rest[at])}::${type}`).join(', ')})`;

/** Finds the organisations that fill the page before it looks at the numbers of their things: those of the others need not be known. */
const numberPage = async <R>(session: ReadSession, { wanted, order: { descending } }: Group, way: Exclude<Way, 'walk'>, { after, size }: Ask): Promise<GroupPage<R>> => {
  const { values, add } = new Parameters(session);
  const tables = tablesOf(wanted.kind);
  const [direction, sign] = descending ? ['desc', '<'] : ['asc', '>'];
  const place = after === null ? null : placeOf(wanted, after);
  const [count, ord] = [`${add(size)}::integer`, place === null ? '' : `${add(place.ord)}::bigint`];
  const found = 'select found.*, o.ord from found join o using (org_id)';
  const first = `${found} ${place === null ? '' : `where o.ord ${sign} ${ord}`} order by o.ord ${direction} fetch first (${count}) rows with ties`;
  const order = orderBy(['near.ord', ...of('n')], direction);
  const rows = await session.tx.query<Keyed<R> & { readonly total: number }>(
    `with o as materialized (select org_id, ord from unnest(${add(wanted.owners.array)}::uuid[]) with ordinality o(org_id, ord)),
          found as materialized (${sourceSql(session, wanted, add, { way, ownerIds: 'select org_id from o' })}),
          near as (${place === null ? first : `${found} where o.ord = ${ord} union all (${first})`}),
          page as (select near.*, row_number() over (order by ${order}) as place, ${numberKey('n')} as key
                     from near join ${tables.names} n using (id, name) ${place === null ? '' : `where near.ord <> ${ord} or ${isBeyond(place, sign, add)}`}
                    order by ${order} limit ${count})
     select ${shownColumns(wanted.kind)}, page.key, (select count(*)::integer from found) as total from ${shownFrom(tables)} order by page.place`, values,
  );
  return { rows, next: null, total: rows[0]?.total ?? (after === null ? 0 : null) };
};

interface Walked { readonly id: string | null; readonly visited: number; readonly last: CursorKey | null }

/** The next names of some organisations, and of these what is wanted. */
interface Block { readonly orgIds: readonly string[]; readonly beyond: Place | null; readonly names: number; readonly found: number }

const walkSql = ({ wanted, order: { descending } }: Group, { orgIds, beyond, names, found }: Block, param: Parameters['add']): string => {
  const tables = tablesOf(wanted.kind);
  const [direction, back, sign] = descending ? ['desc', 'asc', '<'] : ['asc', 'desc', '>'];
  const order = orderBy(of('n'), direction);
  const count = param(names);
  return `
    with n as (select o.ord, n.* from unnest(${param(arrayText(orgIds))}::uuid[]) with ordinality o(org_id, ord)
                cross join lateral (select ${wanted.names.length === 0 ? ['n.org_id', ...of('n')].join(', ') : 'n.*'} from ${tables.names} n
                                     where n.org_id = o.org_id ${beyond === null ? '' : `and (o.ord > 1 or ${isBeyond(beyond, sign, param)})`} order by ${order} limit ${count}) n
               order by o.ord, ${order} limit ${count}),
         page as (select r.id, r.name, r.view, r.org_id, r.valid_from, ${numberKey('n')} as key, row_number() over (order by n.ord, ${order}) as place
                    from n cross join lateral (
                      select r.id, r.name, r.view, r.org_id, r.valid_from from ${tables.rows} r
                       where r.id = n.id and r.name = n.name and ${allOf([holds, ...wanted.rows.map((condition) => condition(param)), `r.state = any(${param(wanted.states)}::smallint[])`])} offset 0) r
                   ${whereOf(wanted.names.map((condition) => condition(param)))}
                   order by n.ord, ${order} limit ${param(found)})
    select shown.*, (select count(*)::integer from n) as visited, (select ${numberKey('n')} from n order by n.ord desc, ${orderBy(of('n'), back)} limit 1) as last
      from (values (1)) one left join (select ${shownColumns(wanted.kind)}, page.key, page.place from ${shownFrom(tables)}) shown on true order by shown.place`;
};

const [orgsAtOnceMin, orgsAtOnceMax] = [16, 2_000];

/** About as many organisations as have so many names. */
const orgsWith = (names: number, { everyone }: Wanted, { all }: Sizes): number =>
  Math.min(orgsAtOnceMax, Math.max(orgsAtOnceMin, Math.ceil((names * everyone) / Math.max(1, all))));

const walkPage = async <R>(session: ReadSession, group: Group, sizes: Sizes, { after, size, walk = walkOfPage }: Ask): Promise<GroupPage<R>> => {
  const { wanted, order: { descending } } = group;
  const owners = descending ? wanted.owners.orgIds.toReversed() : wanted.owners.orgIds;
  const inWalk = ({ ord }: Place): number => (descending ? owners.length - ord : ord - 1);
  const rows: Keyed<R>[] = [];
  let beyond = after === null ? null : placeOf(wanted, after);
  let [from, walked, block] = [beyond === null ? 0 : inWalk(beyond), 0, walk.first];
  while (from < owners.length) {
    const { values, add } = new Parameters(session);
    const names = Math.min(block, walk.most - walked);
    const orgIds = owners.slice(from, from + orgsWith(names, wanted, sizes));
    const found = await session.tx.query<Keyed<R> & Walked>(walkSql(group, { orgIds, beyond, names, found: size - rows.length }, add), values);
    // Where nothing was found one row says how far the walk went.
    rows.push(...found.filter(({ id }) => id !== null));
    if (rows.length >= size) break;
    const { visited, last } = found[0] ?? { visited: 0, last: null };
    walked += visited;
    // A quarter more than the rest of the page takes where names are as rich in what is wanted as those before.
    block = Math.min(block * 4, Math.max(walk.first, Math.ceil((1.25 * walked * (size - rows.length)) / Math.max(1, rows.length))));
    beyond = visited < names || last === null ? null : placeOf(wanted, last);
    from = beyond === null ? from + orgIds.length : inWalk(beyond);
    if (walked >= walk.most && from < owners.length) return { rows, next: last, total: null };
  }
  return { rows, next: null, total: null };
};

const groupPage = <R>(session: ReadSession, group: Group, sizes: Sizes, ask: Ask): Promise<GroupPage<R>> => {
  const way = wayOf(group.wanted, group.order, sizes, ask.size);
  if (way === 'walk') return walkPage(session, group, sizes, ask);
  return group.order.by === 'number' ? numberPage(session, group, way, ask) : columnPage(session, group, way, ask);
};

const keyLength = ({ order }: Group): number => (order.by === 'number' ? 5 : 3);

/**
 * A page of the groups, one after the other. It may hold fewer than `size` and yet go on, where very much would have to be looked at for the next one.
 * @throws ReadRejected `cursor-invalid`
 */
export const listPage = async <R>(session: ReadSession, groups: readonly Group[], sizes: Sizes, { after, size, ...ask }: Ask): Promise<ListPage<R>> => {
  const [begin, ...key] = after ?? [0];
  const rows: (readonly [row: R, cursor: CursorKey])[] = [];
  let total: number | null = null;
  const shown = (next: CursorKey | null): ListPage<R> => ({ rows: rows.slice(0, size).map(([row]) => row), next, total });
  const asked = [...groups.entries()].filter(([at, { wanted }]) => at >= Number(begin) && wanted.states.length > 0);
  for (const [at, group] of asked) {
    const isResumed = after !== null && at === begin;
    if (isResumed && key.length !== keyLength(group)) throw foreignCursor();
    const page = await groupPage<R>(session, group, sizes, { ...ask, after: isResumed ? key : null, size: size + 1 - rows.length });
    if (groups.length === 1) ({ total } = page);
    for (const row of page.rows) rows.push([row, [at, ...row.key]]);
    if (rows.length > size) return shown(rows[size - 1]?.[1] ?? null);
    if (page.next !== null) return shown([at, ...page.next]);
  }
  return shown(null);
};

/** Counting may take so long, in µs. */
const countingMax = 10_000;

/** How many there are; null where counting them takes long. */
export const countOf = async (session: ReadSession, wanted: Wanted, sizes: Sizes): Promise<number | null> => {
  const { names, lanes } = costsOf(wanted, sizes, 0);
  if (Math.min(names, lanes) > countingMax && sizes.few === null) return null;
  const { values, add } = new Parameters(session);
  const [row] = await session.tx.query<{ readonly n: number }>(`select count(*)::integer as n from (${sourceSql(session, wanted, add, { way: names <= lanes ? 'names' : 'lanes' })}) found`, values);
  return row?.n ?? 0;
};

/** The issues that things of a register are linked to; null where there are more than so many of them. */
export const linkedIssues = async (session: ReadSession, wanted: Wanted, thingsMax: number): Promise<readonly string[] | null> => {
  const { values, add } = new Parameters(session);
  const [row] = await session.tx.query<{ readonly n: number; readonly ids: readonly string[] }>(
    `with found as materialized (select * from (${sourceSql(session, wanted, add, { way: 'lanes' })}) found limit ${add(thingsMax + 1)})
     select (select count(*)::integer from found) as n,
            array(select distinct jsonb_array_elements_text(n.detail -> 'issueIds') from found join ${tablesOf(wanted.kind).names} n using (id, name) where (select count(*) from found) <= ${add(thingsMax)}) as ids`,
    values,
  );
  return row === undefined || row.n > thingsMax ? null : row.ids;
};

/** All things at the cut whose names fulfil the conditions, which must leave few, by inspections and numbers. */
export const lookUp = <R>(session: ReadSession, kind: RegisterKind, names: readonly Condition[]): Promise<readonly R[]> => {
  const { values, add } = new Parameters(session);
  const { rows, names: nameTable, views } = tablesOf(kind);
  return session.tx.query<R>(
    `select r.id, r.org_id as "orgId", nullif(r.valid_from::text, '-infinity') as since, ${wholeName(kind, 'n')} as named, ${wholeView(kind, 'v')} as detail
       from ${nameTable} n join ${rows} r on r.id = n.id and r.name = n.name join ${views} v on v.id = r.id and v.view = r.view
      where ${allOf([holds, ...names.map((condition) => condition(add))])} order by n.inspection_id, n.number_key, n.id`, values,
  );
};
