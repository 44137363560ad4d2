// Goal: a detail that is kept without what goes without saying is read as it was. Method: views and names as properties, through PostgreSQL, which puts back what was left out.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { day, fuzzyDate, undatedBetween, type FuzzyDateInput } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import type { IssueName, IssueViewDetail } from './issue-register.ts';
import { noInspection, saidOfName, saidOfView, wholeName, wholeView } from './register-details.ts';

const text = fc.string({ unit: 'grapheme' }).filter((some) => !some.includes('\0') && some.isWellFormed());
const anyDay = fc.integer({ min: 0, max: 20_000 }).map((n) => day(new Date(n * 86_400_000).toISOString().slice(0, 10)));
const printedDate = fc.record({
  value: fc.constantFrom('2024', '2024-03', '2024-03-05', '2024-Q1', '2024-H2', '2024-03-E'), printed: fc.option(text, { nil: undefined }),
  edge: fc.constantFrom('on', 'since', 'by', undefined), commitment: fc.constantFrom('striving', undefined), yearInferred: fc.boolean(),
}).map((input) => fuzzyDate(input as FuzzyDateInput));
const date = fc.oneof(printedDate, fc.tuple(anyDay, anyDay).map(([a, b]) => (a < b ? undatedBetween(a, b) : undatedBetween(b, a))));

const issueView = fc.record({
  cell: text, printedStatus: fc.option(text), continuation: fc.constantFrom('NONE', 'CONTINUING'), planned: fc.option(date), striving: fc.boolean(), closedOn: fc.option(anyDay),
  residuals: fc.array(fc.record({ key: text, printed: text, planned: fc.option(date), measureId: fc.option(fc.uuid()), open: fc.boolean() }), { maxLength: 2 }),
  disagreement: fc.boolean(), claim: fc.option(fc.record({ printed: text, by: fc.constant(null) })),
}).map((view) => view as unknown as IssueViewDetail);
const issueName = fc.record({
  inspectionId: fc.uuid(), numberPath: fc.array(text, { maxLength: 2 }), numberKey: text, aspect: fc.option(text), heading: fc.option(text), title: text, strand: fc.option(text),
  annex: fc.boolean(), assistingOrgIds: fc.array(fc.uuid(), { maxLength: 2 }),
}).map((name) => name as unknown as IssueName);

describe('details of registers', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const read = async (whole: string, values: readonly unknown[]): Promise<unknown> => (await pool.query<{ detail: unknown }>(
    `select ${whole} as detail from (select $1::jsonb as detail, $2::uuid as inspection_id, $3::text as number_key) r`, [...values])).rows[0]?.detail;

  it('are views as they were', async () => {
    await fc.assert(fc.asyncProperty(issueView, async (view) => {
      expect(await read(wholeView('issue', 'r'), [saidOfView('issue', view), null, null])).toEqual(view);
      const ofMeasure = { cell: view.cell, planned: view.planned };
      expect(await read(wholeView('measure', 'r'), [saidOfView('measure', ofMeasure), null, null])).toEqual(ofMeasure);
    }));
  });

  it('are names as they were', async () => {
    await fc.assert(fc.asyncProperty(issueName, fc.boolean(), async (name, isOfInspection) => {
      const whole = isOfInspection ? name : { ...name, inspectionId: null };
      expect(await read(wholeName('issue', 'r'), [saidOfName('issue', whole), whole.inspectionId ?? noInspection, name.numberKey])).toEqual(whole);
    }));
  });
});
