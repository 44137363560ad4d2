import type { OrgId } from '@rectrail/kernel';
import { createTableSql, type BulkFinishContext, type CopyValue, type ProjectionContext } from '@rectrail/projections';
import { columnNames } from './figure-columns.ts';
import type { FigurePoints } from './figure-points.ts';
import { coarseFromDays } from './roll-up.ts';
import { byDay, figureColumnTypes, isEmptyRow, rollUpDefinition, rollUpTables } from './roll-up-tables.ts';

/**
 * Points of figures of their owners alone, as they come while all streams are read, wait in the table of days, which has no key yet; to finish they are put aside under
 * this name, and go in the same transaction: a load that is broken off leaves nothing but its tables.
 */
const staging = 'figure_staging';

export const stagePoints = async ({ tx, schema }: ProjectionContext, points: FigurePoints): Promise<void> => {
  const rows = function* (): Generator<readonly CopyValue[]> {
    for (const [orgId, validDay, knownDay, vector] of points.entries()) {
      const row: CopyValue[] = [orgId, validDay, knownDay, ...columnNames.map(() => null)];
      for (const [column, amount] of vector) row[column + 3] = amount;
      yield row;
    }
  };
  await tx.copy({ table: `${schema}.${byDay.name}`, columns: ['org_id', 'a', 'b', ...columnNames], rows: rows() });
};

/** Rows that one statement adds up at most, more or less: what it groups stays in memory. */
const rowsAtOnce = 400_000;

const sums = columnNames.map((name) => `nullif(sum(${name}), 0)::${figureColumnTypes[name] ?? ''} as ${name}`).join(', ');

/** Organisations from the deepest level up, so that what lies below has been summed when a parent's turn comes. */
const levelsOf = (parents: ReadonlyMap<OrgId, OrgId | null>): readonly (readonly OrgId[])[] => {
  const depths = new Map<OrgId, number>();
  const depthOf = (orgId: OrgId): number => {
    const known = depths.get(orgId);
    if (known !== undefined) return known;
    const parent = parents.get(orgId) ?? null;
    const depth = parent === null ? 0 : depthOf(parent) + 1;
    depths.set(orgId, depth);
    return depth;
  };
  const levels: OrgId[][] = [];
  for (const orgId of parents.keys()) (levels[depthOf(orgId)] ??= []).push(orgId);
  return levels.reverse();
};

const inChunks = (orgs: readonly OrgId[], rowsOf: (orgId: OrgId) => number): readonly (readonly OrgId[])[] => {
  const chunks: OrgId[][] = [];
  let rows = Infinity;
  for (const orgId of orgs) {
    if (rows + rowsOf(orgId) > rowsAtOnce) {
      chunks.push([]);
      rows = 0;
    }
    chunks.at(-1)?.push(orgId);
    rows += rowsOf(orgId);
  }
  return chunks;
};

const writeOrgs = async ({ tx, schema }: ProjectionContext, parents: ReadonlyMap<OrgId, OrgId | null>, coarseFrom: number): Promise<ReadonlyMap<OrgId, OrgId | null>> => {
  const owners = await tx.query<{ org_id: OrgId; points: number }>(`select org_id, count(*)::int as points from ${schema}.point group by 1`);
  const points = new Map(owners.map(({ org_id: orgId, points: count }) => [orgId, count]));
  const all = new Map([...owners.map(({ org_id: orgId }) => [orgId, null] as const), ...parents]);
  const withChildren = new Set(all.values());
  const rows = [...all].map(([orgId, parentId]) => {
    const own = points.get(orgId) ?? 0;
    return [orgId, parentId, own, own >= coarseFrom || withChildren.has(orgId)];
  });
  await tx.copy({ table: `${schema}.figure_org`, columns: ['org_id', 'parent_id', 'points', 'coarse'], rows });
  return all;
};

/** All roll-ups from the staged points, the deepest organisations first; equal to what the live path adds up, row by row. */
export const buildRollUps = async (context: BulkFinishContext, referenceParents: ReadonlyMap<OrgId, OrgId | null>, coarseFrom: number): Promise<void> => {
  const { tx, schema } = context;
  await tx.query("set local work_mem = '256MB'; set local jit = off");
  const parents = await writeOrgs(context, referenceParents, coarseFrom);
  await tx.query(`alter table ${schema}.${byDay.name} rename to ${staging}`);
  await tx.query(createTableSql(schema, rollUpDefinition(byDay)));
  await tx.query(`create index ${staging}_org on ${schema}.${staging} (org_id)`);
  await tx.query(`analyze ${schema}.${staging} (org_id, a, b)`);
  await context.index('figure_org');
  await context.index(byDay.name);
  await sumDays(context, parents);
  await tx.query(`drop table ${schema}.${staging}`);
  // It was there for the sums of parents and has split half of its pages.
  await tx.query(`reindex index ${schema}.${byDay.name}_pk`);
  await sumCoarse(context);
  await tx.query(`delete from ${schema}.figure_state where reference_position < (select max(reference_position) from ${schema}.figure_state)`);
};

const sumDays = async ({ tx, schema }: ProjectionContext, parents: ReadonlyMap<OrgId, OrgId | null>): Promise<void> => {
  const staged = await tx.query<{ org_id: OrgId; n: number }>(`select org_id, count(*)::int as n from ${schema}.${staging} group by 1`);
  const own = new Map(staged.map(({ org_id: orgId, n }) => [orgId, n]));
  const below = new Map<OrgId, number>();
  for (const level of levelsOf(parents)) {
    const withRows = level.filter((orgId) => own.has(orgId) || below.has(orgId));
    for (const chunk of inChunks(withRows, (orgId) => (own.get(orgId) ?? 0) + (below.get(orgId) ?? 0))) {
      const written = await tx.query<{ org_id: OrgId; n: number }>(
        `with summed as (
           insert into ${schema}.${byDay.name} (org_id, a, b, ${columnNames.join(', ')})
           select * from (
             select org_id, a, b, ${sums} from (
               select org_id, a, b, ${columnNames.join(', ')} from ${schema}.${staging} where org_id = any($1)
               union all
               select o.parent_id, f.a, f.b, ${columnNames.map((name) => `f.${name}`).join(', ')}
                 from ${schema}.figure_org o join ${schema}.${byDay.name} f using (org_id) where o.parent_id = any($1)) x
              group by 1, 2, 3 order by 1, 2, 3) y
            where not (${isEmptyRow})
           returning org_id)
         select org_id, count(*)::int as n from summed group by 1`, [chunk],
      );
      written.forEach(({ org_id: orgId, n }) => {
        const parent = parents.get(orgId) ?? null;
        if (parent !== null) below.set(parent, (below.get(parent) ?? 0) + n);
      });
    }
    await tx.query(`analyze ${schema}.${byDay.name} (org_id, a, b)`);
  }
};

const sumCoarse = async ({ tx, schema }: ProjectionContext): Promise<void> => {
  const counts = await tx.query<{ org_id: OrgId; n: number }>(
    `select f.org_id, count(*)::int as n from ${schema}.${byDay.name} f join ${schema}.figure_org o using (org_id) where o.coarse group by 1 order by 1`,
  );
  const rows = new Map(counts.map(({ org_id: orgId, n }) => [orgId, n]));
  for (const chunk of inChunks([...rows.keys()], (orgId) => rows.get(orgId) ?? 0)) {
    for (const table of rollUpTables.filter(({ coarse }) => coarse)) await tx.query(coarseFromDays(schema, table, 'org_id = any($1)'), [chunk]);
  }
};
