// Goal: the sample ledgers give the figures of the published reports (rules.md sections 4 and 5; the table of the main job).
// Method: import them into the memory store, read the whole log back and ask the figures module, which is the oracle.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { day, instant, lastInstantOf, position, type Actor, type Fact } from '@rectrail/kernel';
import { createImportService, type ImportResult, type ImportService } from '@rectrail/tracking-app';
import { defaultPolicy, streams, trackingEventDefinitions, type Count, type DashboardFigures, type Discrepancy, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, deadlines, discrepancies } from '@rectrail/tracking-domain/figures';
import { createReadStream } from 'node:fs';

const zone = 'Asia/Shanghai';
const administrator: Actor = { orgId: null, role: 'administrator', subject: 'importer', assurance: 'local-token' };
const now = instant('2026-01-05T08:00:00Z');
const clock = { now: () => now };
const store = new MemoryEventStore(clock);
const codec = createEventCodec(trackingEventDefinitions);
const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: ['org-tree-', 'policy-'] });
const noLookups = { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() };
const imports: ImportService = createImportService({ runner, store, lookups: noLookups, zone });

const facts: Fact<TrackingEvent>[] = [];
const results = new Map<string, ImportResult>();

const adoptDefaultPolicy = (): Promise<unknown> => runner.run({ commandId: newCommandId(now), correlationId: 'bootstrap' }, (unit) => {
  unit.stage(streams.defaultPolicy, [{
    event: { type: 'PolicyAdopted', data: { orgId: null, ...defaultPolicy } }, actor: administrator, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal',
  }]);
  return Promise.resolve();
});

const importSample = async (name: string): Promise<ImportResult> =>
  imports.run({ commandId: newCommandId(now), correlationId: name, actor: administrator, ledger: createReadStream(`samples/${name}.ndjson`), dryRun: false, complete: false });

beforeAll(async () => {
  await adoptDefaultPolicy();
  for (const name of ['ningbo-2022', 'liuba-2020', 'heshan-2025']) results.set(name, await importSample(name));
  // The codec has checked each event against the schema of its type.
  for (const stored of (await store.readAll()).events) facts.push(codec.decode(stored) as Fact<TrackingEvent>);
});

const orgId = (code: string): Actor['orgId'] => facts.flatMap(({ event }) => (event.type === 'OrgRegistered' && event.data.code === code ? [event.data.orgId] : []))[0] ?? null;
const cut = (validAt: string, knownAt: string) => ({ atPosition: position(facts.length), knownAt: lastInstantOf(zone, day(knownAt)), validAt: day(validAt) });
const figures = (code: string | null, validAt: string, knownAt: string): DashboardFigures =>
  dashboard(facts, cut(validAt, knownAt), { org: code === null ? null : orgId(code), policy: null }).figures;
/** Only what is not zero: [count, undetermined]. */
const nonZero = (counts: Readonly<Record<string, Count>>): Record<string, readonly [number, number]> =>
  Object.fromEntries(Object.entries(counts).filter(([, c]) => c.count + c.undetermined > 0).map(([name, c]) => [name, [c.count, c.undetermined]]));
const numbersOf = (code: string, condition: string, validAt: string, knownAt: string): readonly string[] => {
  const registered = new Map(facts.flatMap(({ event }) => (event.type === 'IssueRegistered' ? [[event.data.issueId, event.data.numberPath.at(-1) ?? ''] as const] : [])));
  return deadlines(facts, cut(validAt, knownAt), { org: orgId(code), policy: null }).rows.filter((row) => row.condition === condition).map((row) => registered.get(row.issueId) ?? '').sort();
};
const discrepanciesOf = (code: string, knownAt: string): readonly Discrepancy[] => {
  const [reportId] = facts.flatMap(({ event }) => (event.type === 'ReportPublished' && event.data.orgId === orgId(code) ? [event.data.reportId] : []));
  return discrepancies(facts, cut('9999-12-31', knownAt), reportId!);
};
const declared = (of: DashboardFigures): Record<string, string | null> => Object.fromEntries(of.declared.map(({ key, value }) => [key, value]));

const ningbo = 'CN-330200-JT';
const heshan = 'CN-430903-JT';
const liuba = 'CN-610729-JT';

it('imports every row of the samples', () => {
  expect(results.size).toBe(3);
  for (const { rows, position: at } of results.values()) expect([rows.new, at === null]).toEqual([rows.total, false]);
});

it('changes nothing when the same file comes again', async () => {
  const head = await store.head();
  const again = await importSample('ningbo-2022');
  expect(again).toMatchObject({ importId: null, position: null, rows: { new: 0, changed: 0, removed: 0, unchanged: again.rows.total } });
  expect((await store.head()).position).toBe(head.position);
});

describe('Ningbo', () => {
  it.each(['2021-12-28', '2022-04-29', '2030-01-01'])('is not known on the day before its publication, at %s', (validAt) => {
    expect(figures(ningbo, validAt, '2022-04-28').issues.total).toBe(0);
  });

  it('has no issue the day before the feedback, and 21 fed back on its day', () => {
    expect(figures(ningbo, '2021-12-27', '2022-04-29').issues.total).toBe(0);
    expect(nonZero(figures(ningbo, '2021-12-28', '2022-04-29').issues.byState)).toEqual({ FED_BACK: [21, 0], BASICALLY_DONE: [0, 6], IN_PROGRESS: [0, 1] });
  });

  it('has done what the report dates by the end of February', () => {
    const { issues } = figures(ningbo, '2022-02-28', '2022-04-29');
    expect(nonZero(issues.byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [3, 6], FED_BACK: [7, 0], IN_PROGRESS: [0, 1] });
    expect(issues.byBucket.complete).toEqual({ count: 14, undetermined: 4 });
  });

  it('stands as the report declares on its as-of day', () => {
    const at = figures(ningbo, '2022-04-29', '2022-04-29');
    expect(nonZero(at.issues.byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [9, 0], IN_PROGRESS: [1, 0] });
    expect(nonZero(at.issues.byBucket)).toEqual({ complete: [18, 0], open: [3, 0] });
    expect(at.measures.total).toBe(62);
    expect(declared(at)).toMatchObject({
      'measures.total': '96', 'measures.done': '92', 'measures.inProgress': '4', 'rate.completion': '95.8', 'institutions.all': '83', 'accountability.persons': '2', 'accountability.units': '7',
      'campaigns.total': '6',
    });
  });

  it('recognises the printed rate as one of measures', () => {
    expect(discrepanciesOf(ningbo, '2022-04-29').find(({ key }) => key === 'rate.completion')).toMatchObject({ basis: 'measure', declared: '95.8' });
  });

  it.each([
    ['2022-06-30', []], ['2022-07-01', ['2.', '7.']], ['2022-12-31', ['2.', '7.']], ['2023-01-01', ['2.', '20.', '7.']],
  ])('has overdue on %s, if nothing further is heard: %j', (validAt, numbers) => {
    expect(numbersOf(ningbo, 'OVERDUE', validAt, '2022-06-30')).toEqual(numbers);
  });
});

describe('Heshan', () => {
  it('is not known the day before its publication', () => {
    expect(figures(heshan, '2025-06-30', '2025-07-06').issues.total).toBe(0);
  });

  it('has 34 done, three phased without a deadline, and two amounts unknown', () => {
    const at = figures(heshan, '2025-06-30', '2025-07-07');
    expect(nonZero(at.issues.byState)).toEqual({ DONE_REPORTED: [34, 0], PHASED: [3, 0] });
    expect(numbersOf(heshan, 'NO_DEADLINE', '2025-06-30', '2025-07-07')).toEqual(['问题29', '问题3', '问题7']);
    expect(at.funds.recovered).toEqual({ fen: '5717000', unknownAmounts: 2 });
    expect(at.measures.total).toBe(90);
  });

  it('had recovered money before the feedback', () => {
    const at = figures(heshan, '2024-12-31', '2025-07-07');
    expect([at.issues.total, at.funds.recovered]).toEqual([0, { fen: '5441000', unknownAmounts: 2 }]);
  });

  it('declares two immediate issues where three are found, and may count money twice', () => {
    const all = discrepanciesOf(heshan, '2025-07-07');
    expect(all).toContainEqual(expect.objectContaining({ key: 'issues.immediate.done', declared: '2', found: '3' }));
    expect(all.filter(({ kind }) => kind === 'duplicate-money').map(({ found }) => found).join(' ')).toMatch(/1 .*25 .*26/);
  });
});

describe('Liuba', () => {
  it('discloses no status, and shares one measure between two issues', () => {
    const at = figures(liuba, '2020-09-15', '2020-09-15');
    expect(nonZero(at.issues.byState)).toEqual({ NOT_DISCLOSED: [9, 0] });
    expect([at.measures.total, at.measures.shared]).toEqual([10, 1]);
  });

  it('had all fed back the day before', () => {
    expect(nonZero(figures(liuba, '2020-09-14', '2020-09-15').issues.byState)).toEqual({ FED_BACK: [9, 0] });
  });
});

it('all three together count each by its own policy', () => {
  const at = figures(null, '2025-06-30', '2025-07-07');
  expect(nonZero(at.issues.byState)).toEqual({ DONE_REPORTED: [45, 0], BASICALLY_DONE: [9, 0], PHASED: [3, 0], IN_PROGRESS: [1, 0], NOT_DISCLOSED: [9, 0] });
  expect(nonZero(at.issues.byBucket)).toEqual({ complete: [52, 0], open: [6, 0], notDisclosed: [9, 0] });
  expect(at.issues.byDeadline.OVERDUE.count).toBe(3);
});
