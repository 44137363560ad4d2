// Goal: each rule of time and of counting (rules.md sections 2 to 5) has the effect on the figures that it says.
// Method: small logs written by hand, one rule each, the expected figures worked out on paper.
import { describe, expect, it } from '@jest/globals';
import { day, type IssueId, type OrgId, type TreeId } from '@rectrail/kernel';
import type { PolicyContent } from '../policy/policy.events.ts';
import { defaultPolicy } from '../policy/policy.state.ts';
import { streams } from '../streams.ts';
import { FactLog, ningboPolicy, planned, statusStated } from '../testing/fact-log.ts';
import { dashboard } from './dashboard.ts';
import { deadlines, type DeadlineRow } from './deadlines.ts';
import type { Count, DashboardFigures, FigureQuery } from './definitions.ts';
import { funds } from './funds.ts';

const shown = (counts: Readonly<Record<string, Count>>): Record<string, readonly [number, number]> =>
  Object.fromEntries(Object.entries(counts).filter(([, c]) => c.count + c.undetermined > 0).map(([x, c]) => [x, [c.count, c.undetermined]]));

interface At { readonly validAt?: string; readonly knownAt?: string; readonly atPosition?: number }

const figuresAt = (log: FactLog, at: At, query: Partial<FigureQuery> = {}): DashboardFigures =>
  dashboard(log.facts, log.cut(at.validAt ?? '2022-12-31', at.knownAt, at.atPosition), { org: null, policy: null, ...query }).figures;
const statesAt = (log: FactLog, at: At): Record<string, readonly [number, number]> => shown(figuresAt(log, at).issues.byState);
const deadlineOf = (log: FactLog, validAt: string): DeadlineRow => deadlines(log.facts, log.cut(validAt), { org: null, policy: null }).rows[0]!;

/** One organisation with one issue fed back on 2022-01-10, known on the same day. */
const oneIssue = (): { log: FactLog; org: OrgId; issue: IssueId } => {
  const log = new FactLog('2022-01-10');
  const org = log.org('A');
  return { log, org, issue: log.issue(org, 1, '2022-01-10') };
};
const done = { type: 'IssueCompletionReported', data: { basis: 'RECTIFIED', result: null, openSubFindings: null } } as const;
const verified = { type: 'IssueVerified', data: { record: '验收', evidence: [] } } as const;
const reopened = { type: 'IssueReopened', data: { kind: 'RELAPSE', finding: '反弹' } } as const;

describe('what counts at a cut', () => {
  it('takes a fact into account from the last day of its date, and calls it undetermined from the first', () => {
    const { log, issue } = oneIssue();
    log.of(issue, done, '2022-02');
    expect(statesAt(log, { validAt: '2022-01-31' })).toEqual({ FED_BACK: [1, 0] });
    expect(statesAt(log, { validAt: '2022-02-01' })).toEqual({ FED_BACK: [1, 0], DONE_REPORTED: [0, 1] });
    expect(statesAt(log, { validAt: '2022-02-28' })).toEqual({ DONE_REPORTED: [1, 0] });
  });

  it('does not let an assertion happen before the last day of the one before it', () => {
    const { log, issue } = oneIssue();
    log.of(issue, { type: 'RectificationStarted', data: {} }, '2022-03-15');
    log.of(issue, done, '2022-01-10/2022-04-30');
    expect(statesAt(log, { validAt: '2022-03-14' })).toEqual({ FED_BACK: [1, 0] });
    expect(statesAt(log, { validAt: '2022-03-15' })).toEqual({ IN_PROGRESS: [1, 0], DONE_REPORTED: [0, 1] });
  });

  it('folds by effective day, whatever the order of recording', () => {
    const { log, issue } = oneIssue();
    log.of(issue, done, '2022-03-01');
    log.of(issue, { type: 'RectificationStarted', data: {} }, '2022-02-01');
    expect(statesAt(log, { validAt: '2022-12-31' })).toEqual({ DONE_REPORTED: [1, 0] });
  });

  it('counts an issue with a fuzzy registration as undetermined before it exists', () => {
    const log = new FactLog('2022-01-01');
    log.issue(log.org('A'), 1, '2022-02');
    expect(statesAt(log, { validAt: '2022-02-10' })).toEqual({ FED_BACK: [0, 1] });
    expect(figuresAt(log, { validAt: '2022-02-10' }).issues.total).toBe(0);
  });

  it('knows a fact from its known time, at a position only what was recorded by then', () => {
    const { log, issue } = oneIssue();
    log.known = '2022-05-01';
    log.of(issue, done, '2022-02-01');
    expect(statesAt(log, { validAt: '2022-03-01', knownAt: '2022-04-30' })).toEqual({ FED_BACK: [1, 0] });
    expect(statesAt(log, { validAt: '2022-03-01', knownAt: '2022-05-01' })).toEqual({ DONE_REPORTED: [1, 0] });
    expect(statesAt(log, { validAt: '2022-03-01', atPosition: log.facts.length - 1 })).toEqual({ FED_BACK: [1, 0] });
  });
});

describe('retraction', () => {
  it('withdrawn: what was believed before stays believed then', () => {
    const { log, issue } = oneIssue();
    const claim = log.of(issue, done, '2022-02-01');
    log.known = '2022-06-01';
    log.retract([claim], 'withdrawn');
    expect(statesAt(log, { knownAt: '2022-05-31' })).toEqual({ DONE_REPORTED: [1, 0] });
    expect(statesAt(log, { knownAt: '2022-06-01' })).toEqual({ FED_BACK: [1, 0] });
  });

  it('entered in error: never known, at any knownAt; the old position still shows the slip', () => {
    const { log, issue } = oneIssue();
    const slip = log.of(issue, done, '2022-02-01');
    log.known = '2022-06-01';
    log.retract([slip], 'entered-in-error');
    expect(statesAt(log, { knownAt: '2022-05-31' })).toEqual({ FED_BACK: [1, 0] });
    expect(statesAt(log, { knownAt: '2022-05-31', atPosition: log.facts.length - 1 })).toEqual({ DONE_REPORTED: [1, 0] });
  });

  it('of a retraction lets its victims count again', () => {
    const { log, issue } = oneIssue();
    const claim = log.of(issue, done, '2022-02-01');
    const first = log.retract([claim], 'withdrawn');
    log.retract([first], 'entered-in-error');
    expect(statesAt(log, {})).toEqual({ DONE_REPORTED: [1, 0] });
    expect(statesAt(log, { atPosition: log.facts.length - 1 })).toEqual({ FED_BACK: [1, 0] });
  });

  it('with the right fact: today’s word about last month changes, yesterday’s does not', () => {
    const { log, issue } = oneIssue();
    const wrong = log.of(issue, done, '2022-02-01');
    log.known = '2022-06-01';
    log.retract([wrong], 'withdrawn');
    log.of(issue, { type: 'PhaseResultReported', data: { result: '阶段性成效', nextStep: null } }, '2022-02-01');
    expect(statesAt(log, { validAt: '2022-03-01', knownAt: '2022-05-31' })).toEqual({ DONE_REPORTED: [1, 0] });
    expect(statesAt(log, { validAt: '2022-03-01', knownAt: '2022-06-01' })).toEqual({ PHASED: [1, 0] });
  });

  it('of every event of an import leaves the figures as they were before it', () => {
    const { log, org, issue } = oneIssue();
    const before = figuresAt(log, {});
    const imported = [log.of(issue, done, '2022-02-01')];
    log.known = '2022-07-01';
    const other = log.facts.length;
    log.recovered(org, [issue], '100', '2022-02-01');
    expect(figuresAt(log, {})).not.toEqual(before);
    log.retract(imported, 'entered-in-error');
    log.retract(log.facts.slice(other, other + 1).map((f) => f.eventId), 'entered-in-error');
    expect(figuresAt(log, {})).toEqual(before);
  });
});

describe('status', () => {
  it('is hidden from the as-of day until somebody states it again', () => {
    const { log, issue } = oneIssue();
    log.of(issue, { type: 'RectificationStarted', data: {} }, '2022-02-01');
    log.of(issue, statusStated(null), '2022-06-30');
    log.of(issue, done, '2022-09-01');
    expect(statesAt(log, { validAt: '2022-06-29' })).toEqual({ IN_PROGRESS: [1, 0] });
    expect(statesAt(log, { validAt: '2022-06-30' })).toEqual({ NOT_DISCLOSED: [1, 0] });
    expect(shown(figuresAt(log, { validAt: '2022-06-30' }).issues.byBucket)).toEqual({ notDisclosed: [1, 0] });
    expect(deadlineOf(log, '2022-06-30')).toMatchObject({ condition: 'NOT_DISCLOSED', flagged: false });
    expect(statesAt(log, { validAt: '2022-09-01' })).toEqual({ DONE_REPORTED: [1, 0] });
  });

  it('once determined is not changed by what a report claims, save that it was reopened', () => {
    const { log, issue } = oneIssue();
    log.of(issue, done, '2022-02-01');
    log.of(issue, verified, '2022-03-01');
    log.of(issue, statusStated('IN_PROGRESS'), '2022-06-30');
    expect(statesAt(log, { validAt: '2022-06-30' })).toEqual({ VERIFIED: [1, 0] });
    log.of(issue, statusStated('REOPENED'), '2022-07-31');
    expect(statesAt(log, { validAt: '2022-07-31' })).toEqual({ REOPENED: [1, 0] });
  });

  it('of facts effective before the registration counts where it belongs, without an issue', () => {
    const log = new FactLog('2022-01-01');
    const org = log.org('A');
    const issue = log.issue(org, 1, '2022-05-01');
    log.of(issue, { type: 'IssueMarkedImmediate', data: {} }, '2022-03-01');
    log.recovered(org, [issue], '500', '2022-03-01');
    const { issues, funds: { recovered } } = figuresAt(log, { validAt: '2022-04-01' });
    expect([issues.total, recovered.fen]).toEqual([0, '500']);
    expect(statesAt(log, { validAt: '2022-05-01' })).toEqual({ IN_PROGRESS: [1, 0] });
  });
});

describe('buckets', () => {
  const residual = { key: '①', printed: '①计划6月底前完成' };

  it.each([
    ['without a residual', [], 'complete'],
    ['with an undated residual', [residual], 'complete'],
    ['with a dated one', [{ ...residual, planned: planned('2022-06') }], 'open'],
  ] as const)('of a basically done issue %s is %s under a policy like Ningbo’s', (_case, residuals, bucket) => {
    const { log, org, issue } = oneIssue();
    log.policy(org, ningboPolicy, '2022-01-01');
    log.of(issue, statusStated('BASICALLY_DONE', residuals), '2022-02-01');
    expect(shown(figuresAt(log, {}).issues.byBucket)).toEqual({ [bucket]: [1, 0] });
    expect(shown(figuresAt(log, {}, { policy: 'default' }).issues.byBucket)).toEqual({ open: [1, 0] });
  });

  it('turns complete with the residual, and undetermined while that is', () => {
    const { log, org, issue } = oneIssue();
    log.policy(org, ningboPolicy, '2022-01-01');
    log.of(issue, statusStated('BASICALLY_DONE', [{ ...residual, planned: planned('2022-06') }]), '2022-02-01');
    log.of(issue, { type: 'ResidualCompleted', data: { key: '①' } }, '2022-05');
    expect(shown(figuresAt(log, { validAt: '2022-05-30' }).issues.byBucket)).toEqual({ open: [1, 0], complete: [0, 1] });
    expect(shown(figuresAt(log, { validAt: '2022-05-31' }).issues.byBucket)).toEqual({ complete: [1, 0] });
  });

  it('may depend on how an issue was completed', () => {
    const { log, org, issue } = oneIssue();
    log.policy(org, { ...defaultPolicy, buckets: [{ when: { basis: ['TRANSFERRED'] }, bucket: 'longTerm' }, { when: {}, bucket: 'complete' }] }, '2022-01-01');
    log.of(issue, { type: 'IssueCompletionReported', data: { basis: 'TRANSFERRED', result: null, openSubFindings: null } }, '2022-02-01');
    expect(shown(figuresAt(log, {}).issues.byBucket)).toEqual({ longTerm: [1, 0] });
  });

  it('are each owner’s own in a roll-up, one for all with `policy`, and change only from the policy’s day', () => {
    const log = new FactLog('2022-01-01');
    const top = log.org('TOP');
    const [a, b] = [log.org('A', top), log.org('B', top)];
    log.policy(a, ningboPolicy, '2022-03-01');
    for (const org of [a, b]) log.of(log.issue(org, 1, '2022-01-01'), statusStated('BASICALLY_DONE'), '2022-02-01');
    expect(shown(figuresAt(log, {}, { org: top }).issues.byBucket)).toEqual({ complete: [1, 0], open: [1, 0] });
    expect(shown(figuresAt(log, {}, { org: top, policy: a }).issues.byBucket)).toEqual({ complete: [2, 0] });
    // B has no policy of its own: the default, for all.
    expect(shown(figuresAt(log, {}, { org: top, policy: b }).issues.byBucket)).toEqual({ open: [2, 0] });
    expect(shown(figuresAt(log, { validAt: '2022-02-28' }, { org: top }).issues.byBucket)).toEqual({ open: [2, 0] });
  });
});

describe('deadlines', () => {
  const withDeadline = (date: string): ReturnType<typeof oneIssue> => {
    const made = oneIssue();
    made.log.of(made.issue, { type: 'DeadlineSet', data: { planned: planned(date) } }, '2022-01-10');
    return made;
  };

  it.each([['2022-06-09', 'ON_TRACK'], ['2022-06-10', 'DUE_SOON'], ['2022-06-30', 'DUE_SOON'], ['2022-07-01', 'OVERDUE']])('on %s an issue due by the end of June is %s', (on, condition) => {
    expect(deadlineOf(withDeadline('2022-06').log, on)).toMatchObject({ condition, due: '2022-06-30', flagged: false });
  });

  it('fall due soon by working days where the policy says so, Monday to Friday in a year without a calendar', () => {
    const { log, org } = withDeadline('2022-06-30');
    const policy: PolicyContent = { ...defaultPolicy, dueSoon: { days: 5, unit: 'working' } };
    log.policy(org, policy, '2022-01-01');
    // 2022-06-30 is a Thursday: 24, 27, 28, 29, 30 are the five working days after the 23rd.
    expect([deadlineOf(log, '2022-06-22').condition, deadlineOf(log, '2022-06-23').condition]).toEqual(['ON_TRACK', 'DUE_SOON']);
    expect(dashboard(log.facts, log.cut('2022-06-22'), { org: null, policy: null }).assumptions.calendarYears).toEqual([2022]);
    const workingDays = ['2022-06-27', '2022-06-28', '2022-06-29', '2022-06-30'].map(day);
    log.put(streams.workingCalendar, null, { type: 'CalendarYearSet', data: { year: 2022, workingDays } }, null);
    expect(deadlineOf(log, '2022-06-22').condition).toBe('DUE_SOON');
    expect(dashboard(log.facts, log.cut('2022-06-22'), { org: null, policy: null }).assumptions.calendarYears).toEqual([]);
  });

  it('say which calendar was missing also where only the first days ask for it', () => {
    const log = new FactLog('2022-01-01');
    const org = log.org('A');
    log.policy(org, { ...defaultPolicy, dueSoon: { days: 5, unit: 'working' } }, '2022-01-01');
    const issue = log.issue(org, 1, '2022-02');
    log.of(issue, { type: 'DeadlineSet', data: { planned: planned('2023-01') } }, '2022-02-01');
    expect(dashboard(log.facts, log.cut('2022-02-10'), { org: null, policy: null }).assumptions.calendarYears).toEqual([2022]);
    expect(dashboard(log.facts, log.cut('2022-12-28'), { org: null, policy: null }).assumptions.calendarYears).toEqual([2022, 2023]);
  });

  it.each([['2022-06-30', 'DONE_IN_TIME'], ['2022-07-01', 'DONE_LATE']])('met on %s is %s', (on, condition) => {
    const { log, issue } = withDeadline('2022-06');
    log.of(issue, done, on);
    expect(deadlineOf(log, '2022-12-31')).toMatchObject({ condition, due: null, closedOn: on });
  });

  it('are those in force on the day of closing, and verifying later changes nothing', () => {
    const { log, issue } = withDeadline('2022-06');
    log.of(issue, done, '2022-06-15');
    log.of(issue, verified, '2022-08-01');
    log.of(issue, { type: 'DeadlineExtended', data: { planned: planned('2022-03'), reason: '更正', askedBy: null } }, '2022-09-01');
    expect(deadlineOf(log, '2022-12-31')).toMatchObject({ condition: 'DONE_IN_TIME', closedOn: '2022-06-15' });
  });

  it('end with a reopening; closed without one is DONE', () => {
    const { log, issue } = withDeadline('2022-06');
    log.of(issue, done, '2022-05-01');
    log.of(issue, reopened, '2022-07-01');
    expect(deadlineOf(log, '2022-07-15')).toMatchObject({ condition: 'NO_DEADLINE', flagged: true });
    log.of(issue, { type: 'RectificationResumed', data: { planned: planned('2022-08', 'striving') } }, '2022-07-20');
    expect(deadlineOf(log, '2022-09-01')).toMatchObject({ condition: 'OVERDUE', striving: true });
    log.of(issue, done, '2022-10-01');
    expect(deadlineOf(log, '2022-10-01')).toMatchObject({ condition: 'DONE_LATE', closedOn: '2022-10-01' });
    const { log: other, issue: without } = oneIssue();
    other.of(without, done, '2022-05-01');
    expect(deadlineOf(other, '2022-12-31').condition).toBe('DONE');
  });

  it('of a basically done issue is open while a residual is, dated or not', () => {
    const { log, issue } = oneIssue();
    log.of(issue, statusStated('BASICALLY_DONE', [{ key: '①', printed: '①' }]), '2022-02-01');
    expect(deadlineOf(log, '2022-03-01')).toMatchObject({ condition: 'NO_DEADLINE', flagged: true });
    log.of(issue, { type: 'ResidualCompleted', data: { key: '①' } }, '2022-04-01');
    expect(deadlineOf(log, '2022-04-01')).toMatchObject({ condition: 'DONE', closedOn: '2022-04-01' });
  });

  it('take the earliest of the planned date and the open dated residuals', () => {
    const { log, issue } = withDeadline('2022-12');
    log.of(issue, statusStated('BASICALLY_DONE', [{ key: '①', printed: '①', planned: planned('2022-06') }, { key: '②', printed: '②', planned: planned('2022-09') }]), '2022-02-01');
    expect(deadlineOf(log, '2022-07-01')).toMatchObject({ condition: 'OVERDUE', due: '2022-06-30' });
    log.of(issue, { type: 'ResidualCompleted', data: { key: '①' } }, '2022-07-02');
    expect(deadlineOf(log, '2022-07-02')).toMatchObject({ condition: 'ON_TRACK', due: '2022-09-30' });
  });

  it('show a condition as undetermined where the first days decide otherwise', () => {
    const { log, issue } = withDeadline('2022-06');
    log.of(issue, done, '2022-06-01/2022-07-31');
    expect(shown(figuresAt(log, { validAt: '2022-07-10' }).issues.byDeadline)).toEqual({ OVERDUE: [1, 0], DONE_LATE: [0, 1] });
  });
});

describe('organisations', () => {
  it('own their things alone, wherever they hang at the cut', () => {
    const log = new FactLog('2022-01-01');
    const [x, y] = [log.org('X'), log.org('Y')];
    const child = log.org('C', x);
    log.issue(child, 1, '2022-01-01');
    log.tree({ type: 'OrgMoved', data: { orgId: child, parentId: y } }, '2022-07-01');
    const totals = (validAt: string, treeOn?: string): readonly number[] =>
      [x, y].map((org) => figuresAt(log, { validAt }, { org, ...(treeOn === undefined ? {} : { treeOn: day(treeOn) }) }).issues.total);
    expect(totals('2022-06-30')).toEqual([1, 0]);
    expect(totals('2022-07-01')).toEqual([0, 1]);
    expect(totals('2022-06-30', '2022-12-31')).toEqual([0, 1]);
  });

  it('roll up by another tree where one is named; what does not stand in it is alone', () => {
    const log = new FactLog('2022-01-01');
    const [x, y] = [log.org('X'), log.org('Y')];
    const child = log.org('C', x);
    log.issue(child, 1, '2022-01-01');
    const tree = 'party' as TreeId;
    const inTree = (orgId: OrgId, code: string, parentId: OrgId | null): void => {
      log.put(streams.organisationTree(tree), null, { type: 'OrgRegistered', data: { orgId, code, name: code, level: 'bureau', parentId } }, null);
    };
    inTree(y, 'Y', null);
    inTree(child, 'C', y);
    const totals = (more: { readonly tree?: TreeId }): readonly number[] => [x, y, child].map((org) => figuresAt(log, { validAt: '2022-06-30' }, { org, ...more }).issues.total);
    expect(totals({})).toEqual([1, 0, 1]);
    expect(totals({ tree })).toEqual([0, 1, 1]);
    expect(totals({ tree: 'nowhere' as TreeId })).toEqual([0, 0, 1]);
  });

  it('once merged count under the successor and keep what they own, late facts too', () => {
    const log = new FactLog('2022-01-01');
    const [old, successor] = [log.org('OLD'), log.org('NEW')];
    const issue = log.issue(old, 1, '2022-01-01');
    log.tree({ type: 'OrgMerged', data: { orgId: old, successorId: successor } }, '2022-07-01');
    log.of(issue, done, '2022-08-01');
    expect(figuresAt(log, { validAt: '2022-06-30' }, { org: successor }).issues.total).toBe(0);
    expect(figuresAt(log, { validAt: '2022-08-01' }, { org: successor }).issues.byState.DONE_REPORTED.count).toBe(1);
    expect(figuresAt(log, { validAt: '2022-08-01' }, { org: old }).issues.total).toBe(1);
  });

  it('that stand in no administrative tree count alone', () => {
    const log = new FactLog('2022-01-01');
    const outside = '99999999-0000-8000-8000-000000000001' as OrgId;
    log.issue(outside, 1, '2022-01-01');
    log.issue(log.org('A'), 1, '2022-01-01');
    expect([figuresAt(log, {}, { org: outside }).issues.total, figuresAt(log, {}).issues.total]).toEqual([1, 2]);
  });

  it('that do nothing have zeros; what their own reports declare is never that of those below', () => {
    const log = new FactLog('2022-01-01');
    const top = log.org('TOP');
    const report = log.report(log.org('A', top), '2022-03-31', '2022-04-15');
    log.declare(report, 'issues.total', '47');
    const figures = figuresAt(log, {}, { org: top });
    expect(figures.issues.total).toBe(0);
    expect(figures.declared).toEqual([]);
  });

  it('show of each declared key the latest as-of, of equals the latest recorded', () => {
    const log = new FactLog('2022-01-01');
    const org = log.org('A');
    const [june, march] = [log.report(org, '2022-06-30', '2022-07-15'), log.report(org, '2022-03-31', '2022-04-15')];
    log.declare(june, 'issues.total', '47');
    log.declare(march, 'issues.total', '46');
    const values = (validAt: string): readonly unknown[] => figuresAt(log, { validAt }, { org }).declared.map(({ value }) => value);
    expect([values('2022-03-30'), values('2022-03-31'), values('2022-06-30')]).toEqual([[], ['46'], ['47']]);
    log.declare(june, 'issues.total', '48');
    expect(values('2022-06-30')).toEqual(['48']);
  });

  it('show a part under a key of its own, and a figure about less than the whole only where there is none about it', () => {
    const log = new FactLog('2022-01-01');
    const org = log.org('A');
    const june = log.report(org, '2022-06-30', '2022-07-15');
    log.declare(june, 'issues.total', '47');
    log.declare(june, 'issues.total', '12', { breakdown: { by: '地区', value: '市区' } });
    log.declare(june, 'issues.total', '30', { scope: { rounds: ['第五轮'] } });
    log.declare(june, 'measures.total', '96', { scope: { programme: '专项整治' } });
    const values = figuresAt(log, { validAt: '2022-06-30' }, { org }).declared.map(({ key, value }) => [key, value]);
    expect(values).toEqual([['issues.total', '47'], ['issues.total[地区=市区]', '12'], ['measures.total', '96']]);
  });
});

describe('money', () => {
  it('is summed where it is known and counted where not; an amount told later replaces the unknown, a reversal drops it', () => {
    const { log, org, issue } = oneIssue();
    const fundsCase = log.recovered(org, [issue], null, '2022-02-01');
    const of = log.facts.at(-1)!.eventId;
    log.recovered(org, [issue], '700', '2022-02-01');
    expect(figuresAt(log, {}).funds.recovered).toEqual({ fen: '700', unknownAmounts: 1 });
    log.put(streams.fundsCase(fundsCase), org, { type: 'RecoveryAmountSpecified', data: { of, money: { fen: '300' } } }, '2022-05-01');
    expect(figuresAt(log, { validAt: '2022-04-30' }).funds.recovered).toEqual({ fen: '700', unknownAmounts: 1 });
    expect(figuresAt(log, {}).funds).toEqual({ recovered: { fen: '1000', unknownAmounts: 0 }, returned: { fen: '0', unknownAmounts: 0 } });
    log.put(streams.fundsCase(fundsCase), org, { type: 'RecoveryReversed', data: { of, reason: '重复入账' } }, '2022-06-01');
    expect(funds(log.facts, log.cut('2022-12-31'), { org, policy: null })).toMatchObject({ figures: { recovered: { fen: '700', unknownAmounts: 0 } }, rows: [{ fen: '700' }] });
  });

  it('returned stands apart from money recovered, and is reversed likewise', () => {
    const { log, org, issue } = oneIssue();
    const fundsCase = log.recovered(org, [issue], '100', '2022-02-01');
    const { event, streamId } = log.facts.at(-1)!;
    if (event.type !== 'FundsRecovered') throw new Error('the last fact is the recovery');
    const of = log.put(streamId, org, { type: 'FundsReturned', data: { ...event.data, money: { fen: '801' } } }, '2022-02-01');
    expect(figuresAt(log, {}).funds).toEqual({ recovered: { fen: '100', unknownAmounts: 0 }, returned: { fen: '801', unknownAmounts: 0 } });
    log.put(streams.fundsCase(fundsCase), org, { type: 'RecoveryReversed', data: { of, reason: '重复入账' } }, '2022-06-01');
    expect(figuresAt(log, {}).funds.returned).toEqual({ fen: '0', unknownAmounts: 0 });
  });
});

describe('measures', () => {
  it('are counted once each; the links beyond the first are shared', () => {
    const { log, org, issue } = oneIssue();
    const [second, third] = [log.issue(org, 2, '2022-01-10'), log.issue(org, 3, '2022-01-10')];
    const measure = log.measure(org, [issue, second], '2022-02-01');
    log.measure(org, [issue], '2022-02-01');
    log.put(streams.measure(measure), org, { type: 'MeasureLinkedToIssue', data: { issueId: third } }, '2022-03-01');
    log.put(streams.measure(measure), org, { type: 'MeasureLinkedToIssue', data: { issueId: second } }, '2022-03-01');
    log.put(streams.measure(measure), org, { type: 'MeasureCompleted', data: { result: null, evidence: [] } }, '2022-05');
    const at = (validAt: string): readonly unknown[] => {
      const { total, shared, byState } = figuresAt(log, { validAt }).measures;
      return [total, shared, shown(byState)];
    };
    expect(at('2022-02-28')).toEqual([2, 1, { NOT_DISCLOSED: [2, 0] }]);
    expect(at('2022-05-01')).toEqual([2, 2, { NOT_DISCLOSED: [2, 0], DONE: [0, 1] }]);
    expect(at('2022-05-31')).toEqual([2, 2, { NOT_DISCLOSED: [1, 0], DONE: [1, 0] }]);
  });
});
