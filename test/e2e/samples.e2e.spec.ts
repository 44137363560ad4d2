import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

// Goal: the three sample reports give, over HTTP, exactly the answers that their texts demand, at every cut.
// Method: import them into a fresh server as a user would, then read dashboards, lists, deadlines and discrepancies.
const ningbo = 'CN-330200-JT';
const liuba = 'CN-610729-JT';
const heshan = 'CN-430903-JT';

let server: TestServer;
let before: { position: number; dashboard: Json };

beforeAll(async () => {
  server = await startTestServer();
  const dashboard = await server.get('/dashboard');
  before = { position: dashboard.cut.atPosition, dashboard };
  for (const name of ['ningbo-2022.ndjson', 'liuba-2020.ndjson', 'heshan-2025.ndjson']) {
    const dry = await server.importLedger(name, '?dryRun=true');
    expect(dry.dryRun).toBe(true);
    const done = await server.importLedger(name);
    expect(done.rows.new).toBe(done.rows.total);
  }
});
afterAll(async () => { await server.close(); });

const at = (org: string | null, validAt: string | null, knownAt: string, more = ''): Promise<Json> =>
  server.get(`/dashboard?${[org === null ? '' : `org=${org}`, validAt === null ? '' : `validAt=${validAt}`, `knownAt=${knownAt}`, more].filter((part) => part !== '').join('&')}`);
const counts = (group: Record<string, { count: number; undetermined: number }>): Record<string, [number, number]> =>
  Object.fromEntries(Object.entries(group).filter(([, n]) => n.count > 0 || n.undetermined > 0).map(([key, n]) => [key, [n.count, n.undetermined]]));
const overdue = async (validAt: string, knownAt: string, org: string | null = ningbo): Promise<string[]> => {
  const list = await server.get(`/issues?${org === null ? '' : `org=${org}&`}deadline=OVERDUE&validAt=${validAt}&knownAt=${knownAt}`);
  return (list.items as Json[]).map((issue) => String(issue.numberPath.at(-1))).sort();
};

describe('Ningbo 2022', () => {
  it.each(['2021-12-28', '2022-02-28', '2022-04-29', '2030-01-01'])('the day before the report nothing is known, whatever the day asked for (%s)', async (validAt) => {
    const answer = await at(ningbo, validAt, '2022-04-28');
    expect(answer.cut.validAt).toBe(validAt);
    expect(answer.figures.issues.total).toBe(0);
    expect(counts(answer.figures.issues.byState)).toEqual({});
    expect(answer.figures.declared).toEqual([]);
    expect((await server.get(`/issues?org=${ningbo}&validAt=${validAt}&knownAt=2022-04-28`)).items).toEqual([]);
  });

  it('before the feedback there is no issue; on its day 21 are fed back, seven of which may already be further', async () => {
    expect((await at(ningbo, '2021-12-27', '2022-04-29')).figures.issues.total).toBe(0);
    const answer = await at(ningbo, '2021-12-28', '2022-04-29');
    expect(answer.figures.issues.total).toBe(21);
    expect(counts(answer.figures.issues.byState)).toEqual({ FED_BACK: [21, 0], BASICALLY_DONE: [0, 6], IN_PROGRESS: [0, 1] });
  });

  it('2022-02-28, known after the report', async () => {
    const { figures } = await at(ningbo, '2022-02-28', '2022-04-29');
    expect(counts(figures.issues.byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [3, 6], FED_BACK: [7, 0], IN_PROGRESS: [0, 1] });
    expect(figures.issues.byBucket.complete).toEqual({ count: 14, undetermined: 4 });
    const basically = await server.get(`/issues?org=${ningbo}&state=BASICALLY_DONE&validAt=2022-02-28&knownAt=2022-04-29`);
    expect((basically.items as Json[]).map((issue) => issue.numberPath.at(-1))).toEqual(['6.', '17.', '18.']);
  });

  it('2022-04-29: states, own policy, declared figures, rate by measures', async () => {
    const { figures } = await at(ningbo, '2022-04-29', '2022-04-29');
    expect(counts(figures.issues.byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [9, 0], IN_PROGRESS: [1, 0] });
    expect(counts(figures.issues.byBucket)).toEqual({ complete: [18, 0], open: [3, 0] });
    expect(figures.measures).toMatchObject({ total: 62, shared: 0 });
    const open = await server.get(`/issues?org=${ningbo}&bucket=open&validAt=2022-04-29&knownAt=2022-04-29`);
    expect((open.items as Json[]).map((issue) => issue.numberPath.at(-1))).toEqual(['2.', '7.', '20.']);
    const declared = (figures.declared as Json[]).map((figure) => `${figure.basis} ${figure.value}${figure.unit}`);
    for (const text of ['measure 96项', 'measure 92项', 'measure 4项', 'person 2人', 'unit 7家']) expect(declared.some((d) => d.startsWith(text.split(' ')[0]!) && d.includes(text.split(' ')[1]!.replace(/\D+$/, '')))).toBe(true);
    expect((figures.declared as Json[]).some((figure) => figure.basis === 'institution' && figure.value === '83')).toBe(true);
    expect((figures.declared as Json[]).some((figure) => figure.unit === '%' && figure.value === '95.8' && figure.basis === 'measure')).toBe(true);
  });

  it('without BASICALLY_DONE (the default policy) 11 are complete', async () => {
    const { figures } = await at(ningbo, '2022-04-29', '2022-04-29', 'policy=default');
    expect(figures.issues.byBucket.complete.count).toBe(11);
  });

  it('if nothing further is heard, 2 and 7 are overdue from 1 July, 20 from the new year', async () => {
    expect(await overdue('2022-06-30', '2022-06-30')).toEqual([]);
    expect(await overdue('2022-07-01', '2022-06-30')).toEqual(['2.', '7.']);
    expect(await overdue('2022-12-31', '2022-06-30')).toEqual(['2.', '7.']);
    expect(await overdue('2023-01-01', '2022-06-30')).toEqual(['2.', '20.', '7.']);
    expect((await at(ningbo, '2022-07-01', '2022-06-30')).figures.issues.byDeadline.OVERDUE).toEqual({ count: 2, undetermined: 0 });
  });
});

describe('Heshan 2025', () => {
  it('2025-06-30, known with the report: 34 done, 3 phased without a deadline, money with two unknown amounts', async () => {
    const { figures } = await at(heshan, '2025-06-30', '2025-07-07');
    expect(counts(figures.issues.byState)).toEqual({ DONE_REPORTED: [34, 0], PHASED: [3, 0] });
    expect(figures.issues.byDeadline.NO_DEADLINE.count).toBe(3);
    expect(figures.funds.recovered).toEqual({ fen: '5717000', unknownAmounts: 2 });
    expect(figures.measures.total).toBe(90);
    const phased = await server.get(`/issues?org=${heshan}&state=PHASED&validAt=2025-06-30&knownAt=2025-07-07`);
    expect((phased.items as Json[]).map((issue) => issue.numberPath.at(-1))).toEqual(['问题3', '问题7', '问题29']);
  });

  it('nothing is known the day before', async () => { expect((await at(heshan, '2025-06-30', '2025-07-06')).figures.issues.total).toBe(0); });

  it('money recovered before the feedback counts where it belongs, while no issue exists yet', async () => {
    const { figures } = await at(heshan, '2024-12-31', '2025-07-07');
    expect(figures.issues.total).toBe(0);
    expect(figures.funds.recovered).toEqual({ fen: '5441000', unknownAmounts: 2 });
  });

  it('declares 2 immediate issues and lists 3; three cases may count the same money', async () => {
    const reports = await server.get(`/reports?org=${heshan}`);
    const answer = await server.get(`/reports/${reports.items[0].reportId}/discrepancies?knownAt=2025-07-07`);
    const items = answer.items ?? answer.figures.discrepancies;
    expect((items as Json[]).some((d) => String(d.declared) === '2' && String(d.found) === '3')).toBe(true);
    expect((items as Json[]).some((d) => d.kind === 'duplicate-money')).toBe(true);
  });
});

describe('Liuba 2020', () => {
  it('prints no status: 9 not disclosed from the as-of date, fed back the day before; 11 measures printed, 10 distinct', async () => {
    const { figures } = await at(liuba, '2020-09-15', '2020-09-15');
    expect(counts(figures.issues.byState)).toEqual({ NOT_DISCLOSED: [9, 0] });
    expect(counts(figures.issues.byBucket)).toEqual({ notDisclosed: [9, 0] });
    expect(figures.measures).toMatchObject({ total: 10, shared: 1 });
    expect(counts((await at(liuba, '2020-09-14', '2020-09-15')).figures.issues.byState)).toEqual({ FED_BACK: [9, 0] });
  });
});

describe('all three together', () => {
  it('67 issues, each by its own policy', async () => {
    const { figures } = await at(null, '2025-06-30', '2025-07-07');
    expect(figures.issues.total).toBe(67);
    expect(counts(figures.issues.byState)).toEqual({ DONE_REPORTED: [45, 0], BASICALLY_DONE: [9, 0], PHASED: [3, 0], IN_PROGRESS: [1, 0], NOT_DISCLOSED: [9, 0] });
    expect(counts(figures.issues.byBucket)).toEqual({ complete: [52, 0], open: [6, 0], notDisclosed: [9, 0] });
    expect(await overdue('2025-06-30', '2025-07-07', null)).toEqual(['2.', '20.', '7.']);
    expect(figures.declared).toEqual([]);
  });
});

describe('the same file again, and its undo', () => {
  it('a second import changes nothing', async () => {
    const head = (await server.get('/dashboard')).cut.atPosition;
    const again = await server.importLedger('ningbo-2022.ndjson');
    expect(again.rows).toMatchObject({ new: 0, changed: 0 });
    expect((await server.get('/dashboard')).cut.atPosition).toBe(head);
  });

  it('after the undo every figure and list equals the one before; the old position still shows the import; a new import restates it', async () => {
    const cut = 'validAt=2022-04-29&knownAt=2022-04-29';
    const imported = await server.get(`/dashboard?org=${ningbo}&${cut}`);
    const all = await server.get('/imports');
    const mine = (all.items as Json[]).filter((row) => String(row.documentId).includes('ningbo')).at(-1);
    const undone = await server.post(`/imports/${mine.importId}/undo`, { reason: '导入有误' });

    expect((await server.call('GET', `/dashboard?org=${ningbo}&${cut}&atLeast=${undone.position}`)).status).toBe(404);
    const whole = await server.get(`/dashboard?${cut}`);
    expect(whole.figures.issues.total).toBe(9);
    const old = await server.get(`/dashboard?org=${ningbo}&${cut}&atPosition=${imported.cut.atPosition}`);
    expect(old.digest).toBe(imported.digest);
    expect(old.figures).toEqual(imported.figures);

    const again = await server.importLedger('ningbo-2022.ndjson');
    expect(again.rows.new).toBe(again.rows.total);
    expect((await server.get(`/dashboard?org=${ningbo}&${cut}`)).digest).toBe(imported.digest);
  });

  it('before any import, the whole forest was empty, and at that position it still is', async () => {
    const then = await server.get(`/dashboard?atPosition=${before.position}&validAt=${before.dashboard.cut.validAt}&knownAt=${before.dashboard.cut.knownAt}`);
    expect(then.digest).toBe(before.dashboard.digest);
  });
});
