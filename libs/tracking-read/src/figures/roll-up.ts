import { lastDay, lastInstant, type Fact, type OrgId, type Position } from '@rectrail/kernel';
import type { ProjectionContext } from '@rectrail/projections';
import { administrativeTreeId, countingFacts, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent } from '@rectrail/tracking-domain';
import { columnNames, figureColumns } from './figure-columns.ts';
import { addTo, FigureExpansion, type FigurePoints, type FigureVector, type Judges } from './figure-points.ts';
import { judgingStreamsOf, policyTerms, termsBetween } from './policy-terms.ts';
import { byDay, figureColumnTypes, isEmptyRow, rollUpTables, type RollUpTable } from './roll-up-tables.ts';

const administrativeTree = streams.organisationTree(administrativeTreeId);

type Streams = Pick<ProjectionContext, 'streams'>;

/** The parents of the reference tree: everything recorded up to a position, on the last of days and with everything known. */
export const referenceParents = async (context: Streams, upTo: Position): Promise<ReadonlyMap<OrgId, OrgId | null>> => {
  // The name of a stream says which events it holds; the codec has checked each against its schema.
  const facts = ((await context.streams([administrativeTree], upTo)).get(administrativeTree) ?? []) as readonly Fact<OrganisationTreeEvent | FactsRetracted>[];
  const { orgs } = treeAt(countingFacts(facts, { atPosition: upTo, knownAt: lastInstant, validAt: lastDay }));
  return new Map([...orgs.values()].map(({ orgId, parentId }) => [orgId, parentId]));
};

/** How points become figures by the policies and calendars recorded up to a position. */
export const expansionAt = async (context: Streams, owners: Iterable<OrgId>, upTo: Position, judges: Judges): Promise<FigureExpansion> =>
  new FigureExpansion(policyTerms(await context.streams(judgingStreamsOf(owners), upTo)), judges);

/** What the policies and calendars of a batch make of the figures of earlier points, and which owners they judge otherwise than before. */
export const expansionOfChange = async (
  { after, upTo, streams: read }: ProjectionContext, owners: readonly OrgId[], judges: Judges,
): Promise<{ readonly expansion: FigureExpansion; readonly concerned: readonly OrgId[] }> => {
  const now = await read(judgingStreamsOf(owners), upTo);
  const before = new Map([...now].map(([id, facts]) => [id, facts.filter(({ position }) => position <= after)]));
  const change = termsBetween(policyTerms(before), policyTerms(now));
  return { expansion: new FigureExpansion(change, judges), concerned: owners.filter((owner) => change(owner).length > 0) };
};

const nullifiedColumns = columnNames.map((name) => `nullif(sum(${name}), 0)::${figureColumnTypes[name] ?? ''} as ${name}`).join(', ');

const upsert = (schema: string, table: string, columns: readonly string[], select: string): string =>
  `insert into ${schema}.${table} as t (org_id, a, b, ${columns.join(', ')}) ${select} on conflict (org_id, a, b) do update set ${
    columns.map((name) => `${name} = nullif(coalesce(t.${name}, 0) + coalesce(excluded.${name}, 0), 0)`).join(', ')} returning org_id, a, b, ${isEmptyRow} as empty`;

/** A row whose figures have all cancelled. */
interface Emptied { readonly name: string; readonly org_id: OrgId; readonly a: number; readonly b: number }

/** Adds to several tables in one statement, and says which rows have nothing left. */
const upsertAll = (upserts: readonly { readonly name: string; readonly sql: string }[]): string =>
  `with ${upserts.map(({ sql }, at) => `w${at} as (${sql})`).join(', ')} ${upserts.map(({ name }, at) => `select '${name}' as name, org_id, a, b from w${at} where empty`).join(' union all ')}`;

/** The days of an organisation, as points of their own. */
const daysOf = (schema: string, where: string): string => `(select org_id, a as valid_day, b as known_day, ${columnNames.join(', ')} from ${schema}.${byDay.name} where ${where}) d`;

interface OrgRow { readonly org_id: OrgId; readonly parent_id: OrgId | null; readonly points: number; readonly coarse: boolean }
/** `storedPoints`: as the table has them. */
interface Org { parentId: OrgId | null; points: number; storedPoints: number; coarse: boolean; isNew: boolean; changed: boolean }

/** Rows of one statement at most: some megabytes as JSON. */
const rowsAtOnce = 20_000;

/**
 * Keeps the roll-ups of one batch: what it adds of its own, what a change of policy or calendar turns into other figures, and what a change of the tree moves
 * elsewhere. All of it is a function of the log up to the end of the batch, however it was cut.
 */
export class RollUp {
  readonly #context: ProjectionContext;
  readonly #orgs = new Map<OrgId, Org>();
  /** Those that have lost or got a child. */
  readonly #parentsTouched = new Set<OrgId>();
  /** Those that stand in the reference tree no longer, or never did: kept while they own something. */
  readonly #unregistered = new Set<OrgId>();
  readonly #coarseFrom: number;

  /** `coarseFrom`: points from which an organisation without children has coarse cells too. */
  constructor(context: ProjectionContext, coarseFrom: number) {
    this.#context = context;
    this.#coarseFrom = coarseFrom;
  }

  /** The organisations in question and all above them, by the tree as it stands in the table. */
  async load(owners: readonly OrgId[]): Promise<void> {
    const { tx, schema } = this.#context;
    const rows = await tx.query<OrgRow>(
      `with recursive up as (
         select * from ${schema}.figure_org where org_id = any($1)
         union select o.* from up cross join lateral (select * from ${schema}.figure_org where org_id = up.parent_id offset 0) o)
       select org_id, parent_id, points, coarse from up`, [owners],
    );
    for (const row of rows) this.#remember(row);
    for (const orgId of owners) if (!this.#orgs.has(orgId)) this.#make(orgId, null);
  }

  /** Those that own anything, of some organisations or of all (null), and how many points of registers they have. */
  async owners(among: readonly OrgId[] | null): Promise<ReadonlyMap<OrgId, number>> {
    const { tx, schema } = this.#context;
    const rows = await tx.query<OrgRow>(`select org_id, points from ${schema}.figure_org where points > 0 and ($1::uuid[] is null or org_id = any($1)) order by 1`, [among]);
    return new Map(rows.map(({ org_id: orgId, points }) => [orgId, points]));
  }

  /** Brings the reference tree to that of the end of the batch: what an organisation that moves has, all below it included, goes with it. */
  async moveTo(parents: ReadonlyMap<OrgId, OrgId | null>): Promise<void> {
    const { tx, schema } = this.#context;
    for (const row of await tx.query<OrgRow>(`select org_id, parent_id, points, coarse from ${schema}.figure_org`)) this.#remember(row);
    const moved = [...this.#orgs].filter(([orgId, org]) => !org.isNew && org.parentId !== (parents.get(orgId) ?? null)).map(([orgId]) => orgId);
    // Several that move are taken out first, each with all below it: in between the pieces are trees of their own, so that the order does not matter.
    const loose = moved.length > 1 ? moved : [];
    for (const orgId of loose) {
      await this.#carry(orgId, this.#above(orgId), -1);
      this.#put(orgId, null);
    }
    const before = moved.map((orgId) => this.#above(orgId));
    for (const [orgId, parentId] of parents) if (this.#orgs.get(orgId)?.isNew !== false) this.#make(orgId, parentId);
    for (const [index, orgId] of moved.entries()) {
      this.#put(orgId, parents.get(orgId) ?? null);
      // What stands above it both before and after loses nothing and wins nothing.
      const [old, above] = [before[index] ?? [], this.#above(orgId)];
      await this.#carry(orgId, old.filter((at) => !above.includes(at)), -1);
      await this.#carry(orgId, above.filter((at) => !old.includes(at)), 1);
    }
    for (const orgId of this.#orgs.keys()) if (!parents.has(orgId)) this.#unregistered.add(orgId);
  }

  /** Adds points of owners, and so much to the number of register points of each. */
  async add(points: FigurePoints, registerPoints: ReadonlyMap<OrgId, number>): Promise<void> {
    for (const [orgId, count] of registerPoints) {
      const org = this.#get(orgId);
      org.points += count;
      org.changed ||= count !== 0;
    }
    await this.#settle();
    const sums = rollUpTables.map((table) => ({ table, cells: new Map<string, Cell>() }));
    for (const [orgId, validDay, knownDay, vector] of points.entries()) {
      for (const at of this.#upwards(orgId)) {
        const { coarse } = this.#get(at);
        sums.filter(({ table }) => coarse || !table.coarse).forEach(({ table, cells }) => { addCell(cells, at, table.cell(validDay, knownDay), vector); });
      }
    }
    await this.#write(sums.map(({ table, cells }) => ({ table, rows: rowsOf(cells) })), columnsOf(sums.map(({ cells }) => cells)));
  }

  /** Which organisations have coarse cells depends on children and points alone; those that begin to have them get them from their days. */
  async #settle(): Promise<void> {
    const { tx, schema } = this.#context;
    await this.#forget();
    const changed = [...this.#orgs].filter(([, org]) => org.changed || org.isNew);
    if (changed.length > 0) {
      await tx.query(
        `insert into ${schema}.figure_org as t (org_id, parent_id, points, coarse)
         select org_id, parent_id, points, false from json_to_recordset($1::json) as r(org_id uuid, parent_id uuid, points integer)
         on conflict (org_id) do update set parent_id = excluded.parent_id, points = excluded.points`,
        [JSON.stringify(changed.map(([orgId, org]) => ({ org_id: orgId, parent_id: org.parentId, points: org.points })))],
      );
    }
    const isMany = (points: number): boolean => points >= this.#coarseFrom;
    const others = changed.filter(([, { isNew, points, storedPoints }]) => isNew || isMany(points) !== isMany(storedPoints)).map(([orgId]) => orgId);
    const mayTurn = [...new Set([...others, ...this.#parentsTouched])];
    this.#parentsTouched.clear();
    for (const [, org] of changed) [org.isNew, org.changed, org.storedPoints] = [false, false, org.points];
    if (mayTurn.length === 0) return;
    const turned = await tx.query<{ org_id: OrgId; coarse: boolean }>(
      `update ${schema}.figure_org o set coarse = not coarse
        where o.org_id = any($1) and o.coarse <> (o.points >= $2 or exists (select from ${schema}.figure_org c where c.parent_id = o.org_id))
       returning org_id, coarse`,
      [mayTurn, this.#coarseFrom],
    );
    for (const { org_id: orgId, coarse } of turned) {
      const org = this.#orgs.get(orgId);
      if (org !== undefined) org.coarse = coarse;
    }
    const begun = turned.filter(({ coarse }) => coarse).map(({ org_id: orgId }) => orgId);
    const ended = turned.filter(({ coarse }) => !coarse).map(({ org_id: orgId }) => orgId);
    for (const table of rollUpTables.filter(({ coarse }) => coarse)) {
      if (ended.length > 0) await tx.query(`delete from ${schema}.${table.name} where org_id = any($1)`, [ended]);
      if (begun.length > 0) await tx.query(coarseFromDays(schema, table, 'org_id = any($1)'), [begun]);
    }
  }

  /** What has neither a place nor anything of its own would not be there had it never been registered. Nothing hangs below it any more. */
  async #forget(): Promise<void> {
    const { tx, schema } = this.#context;
    const gone = [...this.#unregistered].filter((orgId) => this.#get(orgId).points === 0);
    this.#unregistered.clear();
    if (gone.length === 0) return;
    for (const orgId of gone) this.#orgs.delete(orgId);
    await tx.query(`delete from ${schema}.figure_org where org_id = any($1)`, [gone]);
  }

  #above(orgId: OrgId): readonly OrgId[] {
    return [...this.#upwards(orgId)].slice(1);
  }

  /** Adds the whole of an organisation at others above it, or takes it away there. */
  async #carry(orgId: OrgId, above: readonly OrgId[], sign: 1 | -1): Promise<void> {
    const { tx, schema } = this.#context;
    if (above.length === 0) return;
    const signed = columnNames.map((name) => `nullif(${sign < 0 ? '-' : ''}sum(${name}), 0)::${figureColumnTypes[name] ?? ''} as ${name}`).join(', ');
    for (const table of rollUpTables) {
      const to = table.coarse ? above.filter((at) => this.#get(at).coarse) : above;
      const sql = upsert(schema, table.name, columnNames, `
        select at.org_id, x.* from unnest($2::uuid[]) as at(org_id)
         cross join (select ${table.a} as a, ${table.b} as b, ${signed} from ${daysOf(schema, 'org_id = $1')} group by 1, 2) x
         where not (${isEmptyRow})`);
      await this.#remove(await tx.query<Emptied>(upsertAll([{ name: table.name, sql }]), [orgId, to]));
    }
  }

  async #write(writes: readonly Write[], columns: readonly string[]): Promise<void> {
    const count = writes.reduce((sum, { rows }) => sum + rows.length, 0);
    if (count === 0) return;
    // Few rows of all tables go in one statement.
    if (count <= rowsAtOnce) await this.#upsert(writes, columns);
    else for (const { table, rows } of writes) for (let at = 0; at < rows.length; at += rowsAtOnce) await this.#upsert([{ table, rows: rows.slice(at, at + rowsAtOnce) }], columns);
  }

  async #upsert(writes: readonly Write[], columns: readonly string[]): Promise<void> {
    const { tx, schema } = this.#context;
    const upserts = writes.map(({ table: { name } }, at) => ({ name, sql: upsert(schema, name, columns, givenAs(at + 1, columns)) }));
    await this.#remove(await tx.query<Emptied>(upsertAll(upserts), writes.map(({ rows }) => JSON.stringify(rows))));
  }

  /** By their keys: an index of empty rows would have every column in its condition, and each write of any of them would write anew all that the indexes hold of the row. */
  async #remove(rows: readonly Emptied[]): Promise<void> {
    const { tx, schema } = this.#context;
    for (const [name, gone] of Map.groupBy(rows, (row) => row.name)) {
      await tx.query(
        `delete from ${schema}.${name} t using unnest($1::uuid[], $2::integer[], $3::integer[]) as g(org_id, a, b) where t.org_id = g.org_id and t.a = g.a and t.b = g.b`,
        [gone.map(({ org_id: orgId }) => orgId), gone.map(({ a }) => a), gone.map(({ b }) => b)],
      );
    }
  }

  * #upwards(orgId: OrgId): Generator<OrgId> {
    for (let at: OrgId | null = orgId; at !== null; at = this.#get(at).parentId) yield at;
  }

  #get(orgId: OrgId): Org {
    const org = this.#orgs.get(orgId);
    if (org === undefined) throw new Error(`the roll-ups do not know organisation ${orgId}`);
    return org;
  }

  #remember({ org_id: orgId, parent_id: parentId, points, coarse }: OrgRow): void {
    if (!this.#orgs.has(orgId)) this.#orgs.set(orgId, { parentId, points, storedPoints: points, coarse, isNew: false, changed: false });
  }

  #make(orgId: OrgId, parentId: OrgId | null): void {
    const org = this.#orgs.get(orgId);
    if (org === undefined) this.#orgs.set(orgId, { parentId, points: 0, storedPoints: 0, coarse: false, isNew: true, changed: true });
    else if (org.isNew) org.parentId = parentId;
    if (parentId !== null) this.#parentsTouched.add(parentId);
  }

  #put(orgId: OrgId, parentId: OrgId | null): void {
    const org = this.#get(orgId);
    for (const parent of [org.parentId, parentId]) if (parent !== null) this.#parentsTouched.add(parent);
    org.parentId = parentId;
    org.changed = true;
  }
}

type Cells = ReadonlyMap<string, Cell>;

/** What is added to a table. */
interface Write { readonly table: RollUpTable; readonly rows: readonly ReturnType<typeof rowOf>[] }

/** In one order for all writers, and that of the index. */
const rowsOf = (cells: Cells): Write['rows'] => [...cells].filter(([, { vector }]) => vector.size > 0).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => rowOf(cell));

/**
 * All columns of the kinds (issues, measures, funds) that any cell touches: what names a column pays for it in every row, but columns just as they are touched would be another
 * statement in each batch, and its planning takes longer than the columns do.
 */
const columnsOf = (tables: readonly Cells[]): readonly string[] => {
  const kinds = new Set(tables.flatMap((cells) => [...cells.values()].flatMap(({ vector }) => [...vector.keys()].map((column) => figureColumns[column]?.path[0]))));
  return figureColumns.filter(({ path: [kind] }) => kinds.has(kind)).map(({ column }) => column);
};

/** The rows of a parameter. */
const givenAs = (parameter: number, columns: readonly string[]): string =>
  `select org_id, a, b, ${columns.join(', ')} from json_to_recordset($${parameter}::json) as r(org_id uuid, a integer, b integer, ${columns.map((name) => `${name} ${figureColumnTypes[name] ?? ''}`).join(', ')})`;

interface Cell { readonly orgId: OrgId; readonly a: number; readonly b: number; readonly vector: FigureVector }

const rowOf = ({ orgId, a, b, vector }: Cell): Readonly<Record<string, string | number>> => ({
  org_id: orgId, a, b, ...Object.fromEntries([...vector].map(([column, amount]) => [columnNames[column] ?? '', typeof amount === 'bigint' ? String(amount) : amount])),
});

const addCell = (cells: Map<string, Cell>, orgId: OrgId, [a, b]: readonly [number, number], added: FigureVector): void => {
  const key = `${orgId} ${sortable(a)} ${sortable(b)}`;
  const cell = cells.get(key) ?? { orgId, a, b, vector: new Map() };
  cells.set(key, cell);
  for (const [column, amount] of added) addTo(cell.vector, column, amount);
};

const sortable = (n: number): string => String(n + 10_000_000);

/** Coarse cells of organisations from their days. */
export const coarseFromDays = (schema: string, table: RollUpTable, where: string): string =>
  `insert into ${schema}.${table.name} (org_id, a, b, ${columnNames.join(', ')})
   select * from (select org_id, ${table.a} as a, ${table.b} as b, ${nullifiedColumns} from ${daysOf(schema, where)} group by 1, 2, 3 order by 1, 2, 3) x where not (${isEmptyRow})`;
