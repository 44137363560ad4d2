// Goal: what live batches say of the roll-ups stays prepared: few texts, however different the figures that they touch, since a connection keeps a limited number.
// Method: random points of few organisations, of kinds drawn first so that each set of them comes, through a transaction that only writes down what it is asked.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { position, type OrgId } from '@rectrail/kernel';
import { columnNames, figureColumns } from './figure-columns.ts';
import { FigurePoints } from './figure-points.ts';
import { RollUp } from './roll-up.ts';

const orgs = ['01890000-0000-7000-8000-000000000001', '01890000-0000-7000-8000-000000000002'] as readonly string[] as readonly OrgId[];
const coarseFrom = 1_000;

it('few statements, whichever figures a batch touches', async () => {
  const said = new Set<string>();
  const context = {
    tx: { query: <Row>(sql: string): Promise<readonly Row[]> => { said.add(sql); return Promise.resolve([]); }, copy: () => Promise.resolve() },
    schema: 'spec', after: position(0), upTo: position(1), earlier: () => Promise.resolve(new Map()), streams: () => Promise.resolve(new Map()),
  };
  const columnsOf = Map.groupBy(columnNames.keys(), (column) => figureColumns[column]?.path[0]);
  const pointOf = (columns: readonly number[]) => fc.record({ org: fc.constantFrom(...orgs), valid: fc.integer({ min: 7_000, max: 8_000 }), column: fc.constantFrom(...columns) });
  const batch = fc.subarray([...columnsOf.values()], { minLength: 1 })
    .chain((kinds) => fc.tuple(...kinds.map((columns) => fc.array(pointOf(columns), { minLength: 1, maxLength: 3 })))).map((points) => points.flat());
  let batches = 0;
  await fc.assert(fc.asyncProperty(batch, async (points) => {
    const figures = new FigurePoints();
    for (const { org, valid, column } of points) figures.add(org, valid, valid, [[column, figureColumns[column]?.type === 'bigint' ? 1n : 1]], 1);
    const rollUp = new RollUp(context, coarseFrom);
    await rollUp.load(orgs);
    await rollUp.add(figures, new Map());
    batches += 1;
  }), { numRuns: 300 });
  expect(batches).toBe(300);
  // One for each set of kinds: issues, measures, funds.
  expect([...said].filter((sql) => sql.includes('figure_day'))).toHaveLength(7);
  expect(said.size).toBeLessThan(12);
});
