// Goal: the figures of three published reports come out as issue 3 section 7 lists them.
// Method: the reports of Ningbo (2022), Heshan (2025) and Liuba (2020) recorded by hand, read at the cuts of the table.
import { describe, expect, it } from '@jest/globals';
import type { IssueId, OrgId, ReportId } from '@rectrail/kernel';
import { streams } from '../streams.ts';
import { FactLog, ningboPolicy, planned, statusStated } from '../testing/fact-log.ts';
import { dashboard } from './dashboard.ts';
import { deadlines } from './deadlines.ts';
import type { Count, DashboardFigures } from './definitions.ts';
import { discrepancies } from './discrepancies.ts';

const range = (to: number): readonly number[] => Array.from({ length: to }, (_, n) => n + 1);

interface Told { readonly org: OrgId; readonly reportId: ReportId; readonly issues: ReadonlyMap<number, IssueId> }

const tellNingbo = (log: FactLog): Told => {
  log.known = '2022-04-29';
  const org = log.org('CN-330200-JT');
  log.policy(org, ningboPolicy, '2021-12-28');
  const issues = new Map(range(21).map((n) => [n, log.issue(org, n, '2021-12-28')]));
  const undated = '2021-12-28/2022-04-29';
  const say = (n: number, state: Parameters<typeof statusStated>[0], on: string, residual?: string): void => {
    log.of(issues.get(n)!, statusStated(state, residual === undefined ? [] : [{ key: '①', printed: '①', planned: planned(residual) }]), on);
  };
  [1, 3, 4, 8, 9, 10, 11, 12, 13, 16, 21].forEach((n) => { say(n, 'DONE_REPORTED', '2022-02'); });
  [6, 17, 18].forEach((n) => { say(n, 'BASICALLY_DONE', '2022-02'); });
  [5, 14, 15, 19].forEach((n) => { say(n, 'BASICALLY_DONE', undated); });
  say(7, 'BASICALLY_DONE', undated, '2022-06');
  say(20, 'BASICALLY_DONE', undated, '2022-12');
  say(2, 'IN_PROGRESS', undated);
  log.of(issues.get(2)!, { type: 'DeadlineSet', data: { planned: planned('2022-06') } }, undated);
  range(62).forEach((n) => log.measure(org, [issues.get((n % 21) + 1)!], undated));
  const reportId = log.report(org, '2022-04-29', '2022-04-29');
  log.declare(reportId, 'issues.total', '21');
  log.declare(reportId, 'issues.bucket.complete', '18');
  log.declare(reportId, 'issues.bucket.open', '3');
  log.declare(reportId, 'measures.total', '96');
  log.declare(reportId, 'measures.done', '92');
  log.declare(reportId, 'measures.inProgress', '4');
  log.declareRate(reportId, '95.8');
  log.declare(reportId, 'institutions.all', '83', { basis: 'institution' });
  log.declare(reportId, 'accountability.persons', '2', { basis: 'person' });
  log.declare(reportId, 'accountability.units', '7', { basis: 'unit' });
  return { org, reportId, issues };
};

const tellHeshan = (log: FactLog): Told => {
  log.known = '2025-07-07';
  const org = log.org('CN-430903-JT');
  const issues = new Map(range(37).map((n) => [n, log.issue(org, n, '2025-01-07', [1, 25, 26].includes(n) ? 'IMMEDIATE' : 'TIMED')]));
  range(37).forEach((n) => log.of(issues.get(n)!, statusStated([3, 7, 29].includes(n) ? 'PHASED' : 'DONE_REPORTED'), '2025-01-07/2025-06-30'));
  const [whole, ...parts] = [[1, '5441000'] as const, [25, null] as const, [26, null] as const].map(([n, fen]) => log.recovered(org, [issues.get(n)!], fen, '2024-11'));
  parts.forEach((part) => log.put(streams.fundsCase(part), org, { type: 'FundsDuplicateLinked', data: { otherCaseId: whole!, statedBy: 'SOURCE', note: '可能重复计算' } }, '2025-06-30'));
  log.recovered(org, [issues.get(19)!], '276000', '2025-06-05');
  const reportId = log.report(org, '2025-06-30', '2025-07-07');
  log.declare(reportId, 'issues.total', '37');
  log.declare(reportId, 'issues.state.DONE_REPORTED', '34');
  log.declare(reportId, 'issues.track.IMMEDIATE', '2', { subsetOf: 'issues.state.DONE_REPORTED' });
  log.declare(reportId, 'issues.state.PHASED', '3');
  return { org, reportId, issues };
};

const tellLiuba = (log: FactLog): Told => {
  log.known = '2020-09-15';
  const org = log.org('CN-610729-JT');
  const issues = new Map(range(9).map((n) => [n, log.issue(org, n, '2020-01-14')]));
  range(9).forEach((n) => log.of(issues.get(n)!, statusStated(null), '2020-09-15'));
  [[1], [1], [2], [2], [2, 4], [3], [4], [4], [5], [5]].forEach((served) => log.measure(org, served.map((n) => issues.get(n)!), '2020-01-14/2020-09-15'));
  return { org, reportId: log.report(org, '2020-09-15', '2020-09-15'), issues };
};

const log = new FactLog('2020-01-01');
const [liuba, ningbo, heshan] = [tellLiuba(log), tellNingbo(log), tellHeshan(log)];

const read = (told: Told | null, validAt: string, knownAt: string): DashboardFigures =>
  dashboard(log.facts, log.cut(validAt, knownAt), { org: told?.org ?? null, policy: null }).figures;

/** Only what is not zero: [count, undetermined]. */
const shown = (counts: Readonly<Record<string, Count>>): Record<string, readonly [number, number]> =>
  Object.fromEntries(Object.entries(counts).filter(([, c]) => c.count + c.undetermined > 0).map(([x, c]) => [x, [c.count, c.undetermined]]));

const inCondition = (told: Told, condition: string, validAt: string, knownAt: string): readonly number[] => {
  const rows = deadlines(log.facts, log.cut(validAt, knownAt), { org: told.org, policy: null }).rows.filter((row) => row.condition === condition);
  return [...told.issues].filter(([, id]) => rows.some((row) => row.issueId === id)).map(([n]) => n);
};

describe('Ningbo, reported on 2022-04-29', () => {
  it('is not known the day before', () => {
    for (const validAt of ['2021-12-28', '2022-04-29', '2023-01-01']) expect(read(ningbo, validAt, '2022-04-28').issues.total).toBe(0);
  });

  it('begins with its feedback: 21 fed back, seven of them perhaps already further', () => {
    expect(read(ningbo, '2021-12-27', '2022-04-29').issues.total).toBe(0);
    expect(read(ningbo, '2021-12-28', '2022-04-29').issues.total).toBe(21);
    expect(shown(read(ningbo, '2021-12-28', '2022-04-29').issues.byState)).toEqual({ FED_BACK: [21, 0], BASICALLY_DONE: [0, 6], IN_PROGRESS: [0, 1] });
  });

  it('has its February dates in force at the end of February, and the undated ones undetermined', () => {
    const { byState, byBucket } = read(ningbo, '2022-02-28', '2022-04-29').issues;
    expect(shown(byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [3, 6], FED_BACK: [7, 0], IN_PROGRESS: [0, 1] });
    expect(byBucket.complete).toEqual({ count: 14, undetermined: 4 });
    expect(shown(read(ningbo, '2022-02-27', '2022-04-29').issues.byState)).toEqual({ FED_BACK: [21, 0], DONE_REPORTED: [0, 11], BASICALLY_DONE: [0, 9], IN_PROGRESS: [0, 1] });
  });

  it('counts as it declares on its as-of day under its own policy, and less under the default', () => {
    const { issues, measures } = read(ningbo, '2022-04-29', '2022-04-29');
    expect(shown(issues.byState)).toEqual({ DONE_REPORTED: [11, 0], BASICALLY_DONE: [9, 0], IN_PROGRESS: [1, 0] });
    expect(shown(issues.byBucket)).toEqual({ complete: [18, 0], open: [3, 0] });
    expect(measures.total).toBe(62);
    const byDefault = dashboard(log.facts, log.cut('2022-04-29', '2022-04-29'), { org: ningbo.org, policy: 'default' }).figures.issues.byBucket;
    expect(shown(byDefault)).toEqual({ complete: [11, 0], open: [10, 0] });
  });

  it('shows what it declares beside that, by key, from the as-of day on', () => {
    const { declared } = read(ningbo, '2022-04-29', '2022-04-29');
    expect(declared.map(({ key, value }) => [key, value])).toEqual([
      ['accountability.persons', '2'], ['accountability.units', '7'], ['institutions.all', '83'], ['issues.bucket.complete', '18'], ['issues.bucket.open', '3'],
      ['issues.total', '21'], ['measures.done', '92'], ['measures.inProgress', '4'], ['measures.total', '96'], ['rate.completion', '95.8'],
    ]);
    // Printed without saying of what; 92 of 96 measures give it.
    expect(declared.at(-1)).toMatchObject({ key: 'rate.completion', basis: 'measure', unit: '%' });
    expect(declared.every(({ reportId }) => reportId === ningbo.reportId)).toBe(true);
    expect(read(ningbo, '2022-04-28', '2022-04-29').declared).toEqual([]);
    expect(read(null, '2022-04-29', '2022-04-29').declared).toEqual([]);
  });

  it.each([['2022-06-30', []], ['2022-07-01', [2, 7]], ['2022-12-31', [2, 7]], ['2023-01-01', [2, 7, 20]]])('has overdue on %s, with nothing further heard: %j', (validAt, overdue) => {
    expect(inCondition(ningbo, 'OVERDUE', validAt, '2022-06-30')).toEqual(overdue);
  });

  it('does not agree with itself in seven places', () => {
    expect(discrepancies(log.facts, log.cut('2022-04-29'), ningbo.reportId).map(({ key, kind, declared, found, difference, basis }) => [key, kind, declared, found, difference, basis])).toEqual([
      ['measures.total', 'count', '96', '62', '-34', 'measure'],
      ['measures.done', 'unverifiable', '92', null, null, 'measure'],
      ['measures.inProgress', 'unverifiable', '4', null, null, 'measure'],
      ['institutions.all', 'unverifiable', '83', null, null, 'institution'],
      ['accountability.persons', 'unverifiable', '2', null, null, 'person'],
      ['accountability.units', 'unverifiable', '7', null, null, 'unit'],
      ['rate.completion', 'rate', '95.8', '85.7', '-10.1', 'measure'],
    ]);
  });
});

describe('Heshan, as of 2025-06-30, reported on 2025-07-07', () => {
  it('is not known the day before', () => {
    const { issues, funds } = read(heshan, '2025-06-30', '2025-07-06');
    expect([issues.total, funds.recovered]).toEqual([0, { fen: '0', unknownAmounts: 0 }]);
  });

  it('has 34 done and 3 phased without a deadline', () => {
    expect(shown(read(heshan, '2025-06-30', '2025-07-07').issues.byState)).toEqual({ DONE_REPORTED: [34, 0], PHASED: [3, 0] });
    expect(inCondition(heshan, 'NO_DEADLINE', '2025-06-30', '2025-07-07')).toEqual([3, 7, 29]);
    expect(deadlines(log.facts, log.cut('2025-06-30', '2025-07-07'), { org: heshan.org, policy: null }).rows.filter((row) => row.flagged)).toHaveLength(3);
  });

  it('had money back before the feedback, two amounts unknown', () => {
    expect(read(heshan, '2025-06-30', '2025-07-07').funds.recovered).toEqual({ fen: '5717000', unknownAmounts: 2 });
    const before = read(heshan, '2024-12-31', '2025-07-07');
    expect([before.issues.total, before.funds.recovered]).toEqual([0, { fen: '5441000', unknownAmounts: 2 }]);
  });

  it('declares 2 immediate issues where 3 are found, and may count money twice', () => {
    expect(discrepancies(log.facts, log.cut('2025-06-30'), heshan.reportId)).toEqual([
      { key: 'issues.track.IMMEDIATE', kind: 'count', declared: '2', found: '3', difference: '1', basis: 'issue', note: '1 25 26', explanation: null },
      expect.objectContaining({ kind: 'duplicate-money', declared: null, found: '1 25 26', note: '可能重复计算' }),
    ]);
  });
});

describe('Liuba, reported on 2020-09-15', () => {
  it('prints no status: not disclosed from its as-of day, fed back before', () => {
    expect(shown(read(liuba, '2020-09-15', '2020-09-15').issues.byState)).toEqual({ NOT_DISCLOSED: [9, 0] });
    expect(shown(read(liuba, '2020-09-14', '2020-09-15').issues.byState)).toEqual({ FED_BACK: [9, 0] });
  });

  it('prints 11 measures, 10 of them distinct', () => {
    const { total, shared } = read(liuba, '2020-09-15', '2020-09-15').measures;
    expect([total + shared, total]).toEqual([11, 10]);
  });

  it('declares no total', () => {
    expect(discrepancies(log.facts, log.cut('2020-09-15'), liuba.reportId)).toEqual([
      { key: 'issues.total', kind: 'missing', declared: null, found: '9', difference: null, basis: 'issue', note: null, explanation: null },
    ]);
  });
});

describe('all three together', () => {
  it('count each by its own policy', () => {
    const { issues } = read(null, '2025-06-30', '2025-07-07');
    expect(issues.total).toBe(67);
    expect(shown(issues.byState)).toEqual({ DONE_REPORTED: [45, 0], BASICALLY_DONE: [9, 0], PHASED: [3, 0], IN_PROGRESS: [1, 0], NOT_DISCLOSED: [9, 0] });
    expect(shown(issues.byBucket)).toEqual({ complete: [52, 0], open: [6, 0], notDisclosed: [9, 0] });
    expect(issues.byDeadline.OVERDUE.count).toBe(3);
  });
});
