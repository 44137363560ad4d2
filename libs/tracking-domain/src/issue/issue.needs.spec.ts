import { describe, expect, it } from '@jest/globals';
import type { OrgId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { dated, eventIdOf, fact, newlyUnmet, type GivenFact } from '../testing/decider-specification.ts';
import type { IssueEvent } from './issue.events.ts';
import { unmetIssueNeeds } from './issue.needs.ts';

/**
 * Goal: a retraction shows every counting fact of the issue that it leaves without what it was built on (rules.md section 2, `built-upon`).
 * Method: a stream of an issue that was accepted, planned, started, completed and verified; what newly lacks its need once events are retracted.
 */
type InIssue = IssueEvent | FactsRetracted;

const stated: IssueEvent = {
  type: 'IssueStatusStated',
  data: { state: 'DONE_REPORTED', track: null, printedStatus: '已完成', disclosure: 'STATED', continuation: 'NONE', continuationPrinted: null, residuals: [], completionBasis: null },
};
const completion = (on: string, subject: string): GivenFact<InIssue> =>
  fact(on, { type: 'IssueCompletionReported', data: { basis: 'RECTIFIED', result: null, openSubFindings: null } }, { subject });
const registered = fact<InIssue>('2026-01-01', { type: 'IssueRegistered', data: {} as Extract<IssueEvent, { type: 'IssueRegistered' }>['data'] });
const started = [
  registered,
  fact<InIssue>('2026-01-05', { type: 'IssueAccepted', data: { leader: null } }),
  fact<InIssue>('2026-01-20', { type: 'IssuePlanned', data: { planId: null } }),
  fact<InIssue>('2026-02-01', { type: 'RectificationStarted', data: {} }),
];
const verified = fact<InIssue>('2026-05-10', { type: 'IssueVerified', data: { record: '验收', evidence: [] } }, { subject: 'verifier', orgId: 'org-1' as OrgId });
const lived = [...started, completion('2026-05-01', 'unit'), verified];

/** Types of the facts that newly lack what they need once the events of these versions are retracted and others stand in their place. */
const lacking = (given: readonly GivenFact<InIssue>[], versions: readonly number[], ...inPlace: readonly GivenFact<InIssue>[]): readonly string[] =>
  newlyUnmet<InIssue>(unmetIssueNeeds, given, { type: 'FactsRetracted', data: { eventIds: versions.map(eventIdOf), reason: '更正', kind: 'withdrawn' } }, ...inPlace);

describe('what a fact of an issue needs', () => {
  it('is the transition that a live one was built on', () => {
    expect(lacking(lived, [5])).toEqual(['IssueVerified']);
    expect(lacking(lived, [6])).toEqual([]);
    expect(lacking(lived, [3])).toEqual(['RectificationStarted']);
  });

  it('is the issue itself, for imported facts too', () => {
    expect(lacking([registered, fact<InIssue>('2026-04-29', stated, { imported: true })], [1])).toEqual(['IssueStatusStated']);
  });

  it('is nothing else for an imported fact', () => {
    const lookBack = fact<InIssue>('2026-05-01', { type: 'LookBackChecked', data: { result: 'HELD', sample: null } }, { imported: true });
    expect(lacking([...started, fact<InIssue>('2026-04-29', stated, { imported: true })], [4])).toEqual([]);
    expect(lacking([registered, fact<InIssue>('2026-04-29', stated, { imported: true }), lookBack], [2])).toEqual([]);
  });

  it('is the imported claim that a verification judged', () => {
    expect(lacking([registered, fact<InIssue>('2026-04-29', stated, { imported: true }), verified], [2])).toEqual(['IssueVerified']);
  });

  it('is the long-term track for a move into routine', () => {
    const given = [
      ...started,
      fact<InIssue>('2026-02-02', { type: 'IssueClassifiedLongTerm', data: { reason: '长期' } }),
      fact<InIssue>('2026-03-01', { type: 'PhaseCompleted', data: { result: '成效', nextStep: null } }),
      fact<InIssue>('2026-04-01', { type: 'IssueMovedToRoutine', data: { continuation: 'KEEP_PUSHING', lookBackOn: dated('2026-12') } }, { subject: 'verifier' }),
    ];
    expect(lacking(given, [5])).toEqual(['IssueMovedToRoutine']);
  });

  it('is the deadline extended, the residual completed, the result looked back on', () => {
    const given = [
      ...started,
      fact<InIssue>('2026-02-02', { type: 'DeadlineSet', data: { planned: dated('2026-06') } }),
      fact<InIssue>('2026-03-01', { type: 'DeadlineExtended', data: { planned: dated('2026-09'), reason: '疫情', askedBy: null } }),
      fact<InIssue>('2026-04-01', { type: 'IssueBasicallyCompleted', data: { residuals: [{ key: '③', printed: '③' }] } }),
      fact<InIssue>('2026-04-02', { type: 'ResidualCompleted', data: { key: '③' } }),
      fact<InIssue>('2026-04-03', { type: 'LookBackChecked', data: { result: 'HELD', sample: null } }),
    ];
    expect(lacking(given, [5])).toEqual(['DeadlineExtended']);
    expect(lacking(given, [7])).toEqual(['ResidualCompleted', 'LookBackChecked']);
    expect(lacking(given, [9])).toEqual([]);
  });

  it('is no open residual for a completion, which found them all completed', () => {
    const given = [
      ...started,
      fact<InIssue>('2026-04-01', { type: 'IssueBasicallyCompleted', data: { residuals: [{ key: '③', printed: '③' }] } }),
      fact<InIssue>('2026-04-02', { type: 'ResidualCompleted', data: { key: '③' } }),
      completion('2026-05-01', 'unit'),
    ];
    expect(lacking(given, [6])).toEqual(['IssueCompletionReported']);
  });

  it('is not asked of what lacked it before', () => {
    expect(lacking([registered, verified, fact('2026-06-01', { type: 'ProgressReported', data: { text: '进展' } })], [3])).toEqual([]);
  });
});

describe('what stands in the place of a retracted fact', () => {
  it('may serve as the basis of what was built on it, where it comes before', () => {
    expect(lacking(lived, [5], completion('2026-04-20', 'unit'))).toEqual([]);
    expect(lacking(lived, [5], completion('2026-05-11', 'unit'))).toEqual(['IssueVerified', 'IssueCompletionReported']);
  });

  it('is never the claim of whoever judged it, nor of their organisation', () => {
    expect(lacking(lived, [5], completion('2026-05-01', 'verifier'))).toEqual(['IssueVerified']);
    const statedBy = (orgId: string): GivenFact<InIssue> => fact<InIssue>('2026-05-01', stated, { imported: true, orgId: orgId as OrgId });
    expect(lacking(lived, [5], statedBy('org-1'))).toEqual(['IssueVerified']);
    expect(lacking(lived, [5], statedBy('org-2'))).toEqual([]);
  });
});
