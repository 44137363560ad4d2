// Goal: declared stands beside found, compared only where both mean the same things, never added (rules.md section 4).
// Method: a report and its things written by hand; each case declares one figure or rate and reads the discrepancies.
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { InspectionId, IssueId, OrgId, ReportId } from '@rectrail/kernel';
import { discrepancies } from '../figures/discrepancies.ts';
import { streams } from '../streams.ts';
import { FactLog, ningboPolicy, statusStated } from '../testing/fact-log.ts';
import type { Discrepancy } from './report.discrepancies.ts';

let log: FactLog;
let org: OrgId;
let issues: readonly IssueId[];
let report: ReportId;

/** Four issues as of 2022-03-31: three done (one of them immediate, one only basically), one in progress. */
beforeEach(() => {
  log = new FactLog('2022-04-10');
  org = log.org('A');
  log.policy(org, ningboPolicy, '2022-01-01');
  issues = [1, 2, 3, 4].map((n) => log.issue(org, n, '2022-01-01', n === 1 ? 'IMMEDIATE' : 'TIMED'));
  issues.forEach((issue, n) => log.of(issue, statusStated((['DONE_REPORTED', 'DONE_REPORTED', 'BASICALLY_DONE', 'IN_PROGRESS'] as const)[n]!), '2022-03-15'));
  report = log.report(org, '2022-03-31', '2022-04-10');
});

const found = (knownAt = '2022-12-31'): readonly Discrepancy[] => discrepancies(log.facts, log.cut('2022-12-31', knownAt), report).filter(({ kind }) => kind !== 'missing');
const brief = (): readonly unknown[] => found().map(({ key, kind, declared, found: seen, difference }) => [key, kind, declared, seen, difference]);

describe('a declared number', () => {
  it.each([
    ['issues.total', '4'], ['issues.state.DONE_REPORTED', '2'], ['issues.bucket.complete', '3'], ['issues.bucket.open', '1'], ['issues.track.IMMEDIATE', '1'], ['issues.immediate.done', '1'],
    ['measures.total', '0'], ['funds.recovered', '0'],
  ])('%s that is found is no discrepancy; one more is', (key, value) => {
    log.declare(report, key, value);
    expect(brief()).toEqual([]);
    log.declare(report, key, String(Number(value) + 1));
    expect(brief()).toEqual([[key, 'count', String(Number(value) + 1), value, '-1']]);
  });

  it('is unverifiable where nothing of the kind is recorded singly, or where the events do not delimit what it is about', () => {
    log.declare(report, 'institutions.all', '83');
    log.declare(report, 'issues.total', '99', { breakdown: { by: 'county', value: '海曙' } });
    log.declare(report, 'issues.total', '99', { flow: 'flow' });
    log.declare(report, 'issues.total', '99', { scope: { programme: '三年行动' } });
    log.declare(report, 'issues.total', '99.5');
    log.declare(report, 'issues.state.PHASED', null);
    expect(brief()).toEqual([
      ['institutions.all', 'unverifiable', '83', null, null], ['issues.total[county=海曙]', 'unverifiable', '99', null, null], ['issues.total', 'unverifiable', '99', null, null],
      ['issues.total', 'unverifiable', '99', null, null], ['issues.total', 'unverifiable', '99.5', null, null], ['issues.state.PHASED', 'unverifiable', null, null, null],
    ]);
  });

  it('of measures is unverifiable while some are printed without a state, else counted', () => {
    const measure = log.measure(org, [issues[0]!], '2022-02-01');
    log.declare(report, 'measures.done', '1');
    expect(found()).toEqual([expect.objectContaining({ kind: 'unverifiable', declared: '1', found: null, note: '1 × NOT_DISCLOSED' })]);
    log.put(streams.measure(measure), org, { type: 'MeasureCompleted', data: { result: null, evidence: [] } }, '2022-03-01');
    expect(found()).toEqual([]);
  });

  it.each([['over', '3', []], ['over', '5', ['-1']], ['nearly', '5', []], ['nearly', '3', ['1']], ['about', '9', []]] as const)('printed as %s %s contradicts 4 found by %j', (qualifier, value, differences) => {
    log.declare(report, 'issues.total', value, { quantity: { value, unit: '个', qualifier } });
    expect(found().map(({ difference }) => difference)).toEqual(differences);
  });

  it('as part of another counts only within it', () => {
    log.of(issues[3]!, { type: 'IssueMarkedImmediate', data: {} }, '2022-03-20');
    log.declare(report, 'issues.track.IMMEDIATE', '1', { subsetOf: 'issues.bucket.complete' });
    expect(found()).toEqual([]);
    log.declare(report, 'issues.track.IMMEDIATE', '1');
    expect(found()).toEqual([expect.objectContaining({ found: '2', note: '1 4' })]);
  });

  it('is compared on the as-of day of the report, by what was known at the query', () => {
    log.declare(report, 'issues.state.DONE_REPORTED', '2');
    log.of(issues[3]!, statusStated('DONE_REPORTED'), '2022-04-01');
    expect(found()).toEqual([]);
    log.known = '2022-08-01';
    log.of(issues[2]!, statusStated('DONE_REPORTED'), '2022-03-31');
    expect(found('2022-07-31')).toEqual([]);
    expect(brief()).toEqual([['issues.state.DONE_REPORTED', 'count', '2', '3', '1']]);
  });

  it('is about the organisation and the inspections of the report, unless its scope says otherwise', () => {
    const other = log.org('B');
    log.issue(other, 1, '2022-01-01');
    log.declare(report, 'issues.total', '4');
    log.declare(report, 'issues.total', '5', { scope: { orgIds: [org, other] } });
    const elsewhere = 'a0000000-0000-8000-8000-000000000099' as InspectionId;
    log.declare(report, 'issues.total', '0', { scope: { inspectionIds: [elsewhere] } });
    const issueId = '11111111-0000-8000-8000-999999999999' as IssueId;
    const registered = log.facts.find(({ event }) => event.type === 'IssueRegistered')!.event;
    if (registered.type !== 'IssueRegistered') throw new Error('found by this type');
    log.put(streams.issue(issueId), other, { type: 'IssueRegistered', data: { ...registered.data, issueId, orgId: other, inspectionId: elsewhere } }, '2022-01-01');
    expect(brief()).toEqual([['issues.total', 'count', '5', '6', '1']]);
  });

  it('of money takes in what belongs to no inspection', () => {
    const fundsCaseId = log.recovered(org, [], '100', '2022-02-01');
    const stated = log.facts.at(-1)!.event;
    if (stated.type !== 'FundsRecovered') throw new Error('the last fact is the recovery');
    log.retract([log.facts.at(-1)!.eventId], 'withdrawn');
    log.put(streams.fundsCase(fundsCaseId), org, { type: 'FundsRecovered', data: { ...stated.data, inspectionId: null } }, '2022-02-01');
    log.declare(report, 'funds.recovered', '100', { basis: 'money' });
    expect(found()).toEqual([]);
  });
});

describe('a declared rate', () => {
  it('that the issues found give is no discrepancy', () => {
    log.declareRate(report, '75');
    expect(found()).toEqual([]);
  });

  it('that only other printed numbers give is recognised by them, with what the issues give beside it', () => {
    log.declare(report, 'issues.total', '4');
    log.declare(report, 'measures.total', '96', { quantity: { value: '96', unit: '项', qualifier: 'about' } });
    log.declare(report, 'measures.inProgress', '4', { quantity: { value: '4', unit: '项', qualifier: 'about' } });
    log.declare(report, 'measures.done', '92', { quantity: { value: '92', unit: '项', qualifier: 'about' } });
    log.declareRate(report, '95.8');
    expect(found()).toEqual([{
      key: 'rate.completion', kind: 'rate', declared: '95.8', found: '75.0', difference: '-20.8', basis: 'measure', explanation: null,
      note: '92/96 (measure) = 95.8%; 3/4 (issue) = 75.0%',
    }]);
  });

  it('that no printed numbers give is kept and flagged without a basis', () => {
    // 4 of 5 would be 80 %, but of different things; a total is no part of itself.
    log.declare(report, 'issues.total', '4');
    log.declare(report, 'measures.total', '5', { quantity: { value: '5', unit: '项', qualifier: 'about' } });
    log.declareRate(report, '80');
    expect(found()).toEqual([expect.objectContaining({ kind: 'rate', found: '75', difference: '-5', basis: null, note: '3/4 (issue) = 75%' })]);
  });

  it('of all is not recognised by a total alone', () => {
    log.declare(report, 'issues.total', '4');
    log.declareRate(report, '100');
    expect(found()).toEqual([expect.objectContaining({ kind: 'rate', found: '75', basis: null })]);
  });

  it.each([['rounded', '66.7', false], ['rounded', '66.6', true], ['cut', '66.6', false], ['cut', '66.7', true], ['unknown', '66.6', false], ['unknown', '66.7', false]] as const)(
    'of 2 in 3, %s, printed %s, is a discrepancy: %s', (rounding, value, isOne) => {
      log.retract([log.facts.find((f) => f.streamId === streams.issue(issues[2]!))!.eventId], 'withdrawn');
      log.declareRate(report, value, rounding);
      expect(found().length === 1).toBe(isOne);
    });

  it('of a report without issues is unverifiable', () => {
    const empty = log.report(log.org('C'), '2022-03-31', '2022-04-10');
    log.declareRate(empty, '80');
    expect(discrepancies(log.facts, log.cut('2022-12-31'), empty)).toEqual([expect.objectContaining({ kind: 'unverifiable', declared: '80', found: null })]);
  });
});

describe('besides', () => {
  it('a total that is not declared is missing where issues are found', () => {
    expect(discrepancies(log.facts, log.cut('2022-12-31'), report)).toEqual([expect.objectContaining({ key: 'issues.total', kind: 'missing', declared: null, found: '4' })]);
  });

  it('cases linked through one another are one possible double count', () => {
    const [a, b, c, d, e] = [0, 1, 2, 3, 3].map((n) => log.recovered(org, [issues[n]!], '100', '2022-02-01'));
    const link = (from: typeof a, to: typeof a, note: string): void => {
      log.put(streams.fundsCase(from!), org, { type: 'FundsDuplicateLinked', data: { otherCaseId: to!, statedBy: 'SOURCE', note } }, '2022-03-01');
    };
    link(a, b, '甲');
    link(d, e, '乙');
    link(c, b, '丙');
    expect(found().map(({ kind, found: seen, note }) => [kind, seen, note])).toEqual([['duplicate-money', '1 2 3', '丙 甲'], ['duplicate-money', '4', '乙']]);
  });

  it('what a reader noted is shown as noted, and explanations stand beside what they explain', () => {
    log.declare(report, 'issues.total', '47');
    log.put(streams.report(report), org, { type: 'DiscrepancyNoted', data: { discrepancyKey: '003-D4', kind: 'temporal', declared: '2022-01-01', found: '2021-11', note: '先于反馈' } }, '2022-04-10');
    log.put(streams.report(report), org, { type: 'DiscrepancyExplained', data: { discrepancyKey: 'issues.total', explanation: '43个未公开' } }, '2022-05-01');
    expect(found()).toEqual([
      expect.objectContaining({ key: 'issues.total', kind: 'count', difference: '-43', explanation: '43个未公开' }),
      { key: '003-D4', kind: 'noted', declared: '2022-01-01', found: '2021-11', difference: null, basis: null, note: 'temporal: 先于反馈', explanation: null },
    ]);
  });

  it('a report that is not known has none', () => {
    log.declare(report, 'issues.total', '47');
    expect(discrepancies(log.facts, log.cut('2022-12-31', '2022-04-09'), report)).toEqual([]);
  });
});
