import { describe, expect, it } from '@jest/globals';
import { day, instant, position, type MeasureId } from '@rectrail/kernel';
import { dated, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { countingFacts } from '../time/counting.ts';
import type { IssueEvent, IssueStateName, Residual } from './issue.events.ts';
import { deadlineOn, foldIssue, hasOpenDatedResidual, isClosed, isIssueStatusAssertion, shownState, type IssueState } from './issue.state.ts';

/**
 * Goal: the fold keeps claim and determination apart, and gives the figures what rules.md sections 3 and 5 need.
 * Method: short hand-made streams, one rule each; streams are given in fold order.
 */
const stated = (state: IssueStateName | null, more: Partial<Extract<IssueEvent, { type: 'IssueStatusStated' }>['data']> = {}): IssueEvent => ({
  type: 'IssueStatusStated',
  data: {
    state, track: null, printedStatus: '原文', disclosure: state === null ? 'NOT_DISCLOSED' : 'STATED', continuation: 'NONE', continuationPrinted: null, residuals: [],
    completionBasis: null, ...more,
  },
});
const imported = (on: string, event: IssueEvent): GivenFact<IssueEvent> => fact(on, event, { imported: true });
const started = fact<IssueEvent>('2026-02-01', { type: 'RectificationStarted', data: {} });
const completed = fact<IssueEvent>('2026-05-01', { type: 'IssueCompletionReported', data: { basis: 'RECTIFIED', result: null, openSubFindings: null } });
const verified = fact<IssueEvent>('2026-05-10', { type: 'IssueVerified', data: { record: '验收', evidence: [] } });
const reopened = fact<IssueEvent>('2026-05-20', { type: 'IssueReopened', data: { kind: 'RELAPSE', finding: '反弹' } });
const deadlineSet = (on: string, planned: string): GivenFact<IssueEvent> => fact(on, { type: 'DeadlineSet', data: { planned: dated(planned) } });
const basically = (on: string, residuals: readonly Residual[]): GivenFact<IssueEvent> => fact(on, { type: 'IssueBasicallyCompleted', data: { residuals } });
const fold = (...given: readonly GivenFact<IssueEvent>[]): IssueState => foldIssue(streamOf(...given));

describe('the status of an issue', () => {
  it('is FED_BACK without an assertion, and registration never lowers it', () => {
    const registration = fact<IssueEvent>('2026-03-01', { type: 'IssueRegistered', data: { track: 'TIMED' } as Extract<IssueEvent, { type: 'IssueRegistered' }>['data'] });
    expect(fold(registration)).toMatchObject({ state: 'FED_BACK', lastAssertion: null });
    expect(fold(started)).toMatchObject({ registration: null, state: 'IN_PROGRESS' });
    expect(fold(fact('2026-02-01', { type: 'IssueMarkedImmediate', data: {} }), registration)).toMatchObject({ state: 'IN_PROGRESS', track: 'IMMEDIATE' });
    expect(isIssueStatusAssertion('IssueRegistered')).toBe(false);
  });

  it('is a claim of the organisation of the report where it is stated', () => {
    expect(fold(started, imported('2026-04-29', stated('DONE_REPORTED', { completionBasis: 'TRANSFERRED' })))).toMatchObject({
      state: 'DONE_REPORTED', statusBasis: 'IMPORTED_REPORT', completionBasis: 'TRANSFERRED', printedStatus: '原文', reporters: [{ imported: true }], lastAssertion: { last: '2026-04-29' },
    });
  });

  it.each(['VERIFIED', 'WRITTEN_OFF', 'TRANSFERRED_OUT'] as const)('%s stands against a stated status, which is kept as a claim', (state) => {
    const determined: Record<typeof state, GivenFact<IssueEvent>> = {
      VERIFIED: verified,
      WRITTEN_OFF: fact('2026-05-10', { type: 'IssueWrittenOff', data: { slip: '1号', endorsements: [] } }),
      TRANSFERRED_OUT: fact('2026-05-10', { type: 'IssueTransferredOut', data: { to: '村委会', basis: '纪要' } }),
    };
    expect(fold(determined[state], imported('2026-06-01', stated('IN_PROGRESS')))).toMatchObject({ state, claim: { state: 'IN_PROGRESS', printedStatus: '原文' }, disagreement: true });
    expect(fold(determined[state], imported('2026-06-01', stated('DONE_REPORTED')))).toMatchObject({ state, claim: { state: 'DONE_REPORTED' }, disagreement: false });
    expect(fold(determined[state], imported('2026-06-01', stated('REOPENED')))).toMatchObject({ state: 'REOPENED', claim: null, relapseCount: 1 });
  });

  it('lets a mere claim say what it says of itself, and nothing of the completion', () => {
    const claim = stated('PHASED', { track: 'LONG_TERM', continuation: 'FOLLOW_UP', residuals: [{ key: '①', printed: '①' }], completionBasis: 'TRANSFERRED' });
    expect(fold(completed, verified, imported('2026-06-01', claim))).toMatchObject({
      state: 'VERIFIED', track: 'LONG_TERM', continuation: 'FOLLOW_UP', residuals: [{ key: '①', open: true }], completionBasis: 'RECTIFIED', reporters: [{ imported: false }],
    });
    expect(shownState(fold(completed, verified, imported('2026-06-01', stated(null))))).toBe('NOT_DISCLOSED');
  });

  it('keeps a stated VERIFIED beside WRITTEN_OFF and the reverse, without a disagreement', () => {
    expect(fold(verified, imported('2026-06-01', stated('WRITTEN_OFF')))).toMatchObject({ state: 'VERIFIED', claim: { state: 'WRITTEN_OFF' }, disagreement: false });
    expect(fold(imported('2026-06-01', stated('WRITTEN_OFF')), imported('2026-07-01', stated('VERIFIED')))).toMatchObject({ state: 'WRITTEN_OFF', claim: { state: 'VERIFIED' } });
  });

  it('drops a claim that the next live step settles', () => {
    const writtenOff = fact<IssueEvent>('2026-06-10', { type: 'IssueWrittenOff', data: { slip: '1号', endorsements: [] } });
    expect(fold(verified, imported('2026-06-01', stated('IN_PROGRESS')), writtenOff)).toMatchObject({ state: 'WRITTEN_OFF', claim: null, disagreement: false });
  });

  it('is kept but not shown while the last report prints none, until the next assertion', () => {
    const hidden = fold(completed, imported('2026-05-05', stated(null)));
    expect(hidden.state).toBe('DONE_REPORTED');
    expect(shownState(hidden)).toBe('NOT_DISCLOSED');
    expect(shownState(fold(completed, imported('2026-05-05', stated(null)), verified))).toBe('VERIFIED');
    expect(shownState(fold(imported('2026-05-05', stated(null)), imported('2026-06-01', stated('PHASED'))))).toBe('PHASED');
  });

  it('counts relapses, by live reopening or as stated, each once', () => {
    expect(fold(completed, reopened, imported('2026-06-01', stated('REOPENED'))).relapseCount).toBe(1);
    expect(fold(completed, fact('2026-05-20', { type: 'WriteOffRevoked', data: { reason: '纸上销号' } }))).toMatchObject({ state: 'REOPENED', relapseCount: 0 });
  });

  it('keeps what it was completed by and what it left open only while it is done', () => {
    const leaving = fact<IssueEvent>('2026-05-01', { type: 'IssueCompletionReported', data: { basis: 'MERGED', result: null, openSubFindings: '1项待审批' } });
    expect(fold(started, leaving, verified)).toMatchObject({ completionBasis: 'MERGED', openSubFindings: '1项待审批' });
    expect(fold(started, leaving, reopened)).toMatchObject({ completionBasis: null, openSubFindings: null });
  });

  it('takes the track of the last event that gives one', () => {
    expect(fold(imported('2026-04-29', stated('PHASED', { track: 'LONG_TERM' }))).track).toBe('LONG_TERM');
    expect(fold(fact('2026-01-02', { type: 'IssueClassifiedLongTerm', data: { reason: '长期' } }), imported('2026-04-29', stated('PHASED'))).track).toBe('LONG_TERM');
  });
});

describe('residual items', () => {
  const dated3: Residual = { key: '③', printed: '③6月底前', planned: dated('2026-06'), measureId: 'm' as MeasureId };

  it('are open until completed', () => {
    expect(hasOpenDatedResidual(fold(basically('2026-04-01', [dated3])))).toBe(true);
    expect(hasOpenDatedResidual(fold(basically('2026-04-01', [{ key: '①', printed: '①' }])))).toBe(false);
    expect(hasOpenDatedResidual(fold(basically('2026-04-01', [dated3]), fact('2026-05-01', { type: 'ResidualCompleted', data: { key: '③' } })))).toBe(false);
  });

  it('outlive a reopening', () => {
    const s = fold(deadlineSet('2026-01-10', '2026-05'), basically('2026-04-01', [dated3]), reopened);
    expect([s.planned, hasOpenDatedResidual(s)]).toEqual([null, true]);
  });

  it('are closed by a later stated status that leaves them out, not by one that states nothing', () => {
    expect(fold(basically('2026-04-01', [dated3]), imported('2026-05-01', stated('BASICALLY_DONE'))).residuals).toEqual([]);
    expect(fold(basically('2026-04-01', [dated3]), imported('2026-05-01', stated(null))).residuals).toHaveLength(1);
    expect(fold(imported('2026-05-01', stated('BASICALLY_DONE', { residuals: [dated3] }))).residuals).toEqual([{ ...dated3, open: true }]);
  });
});

describe('deadlines', () => {
  it('are known for every day: the last one given by then, none after a reopening', () => {
    const s = fold(deadlineSet('2026-01-10', '2026-03'), fact('2026-03-10', { type: 'DeadlineExtended', data: { planned: dated('2026-06'), reason: '疫情', askedBy: null } }), completed,
      reopened, fact('2026-05-25', { type: 'RectificationResumed', data: { planned: dated('2026-09') } }));
    const lasts = ['2026-01-09', '2026-01-10', '2026-03-10', '2026-05-19', '2026-05-20', '2026-05-25'].map((d) => deadlineOn(s, day(d))?.last ?? null);
    expect(lasts).toEqual([null, '2026-03-31', '2026-06-30', '2026-06-30', null, '2026-09-30']);
    expect(s.planned?.last).toBe('2026-09-30');
    expect(s.extensions).toMatchObject([{ from: { last: '2026-03-31' }, to: { last: '2026-06-30' } }]);
  });

  it('are in force on the day of closing where set for that day or before, whenever recorded', () => {
    const facts = streamOf(started, completed, deadlineSet('2026-04-30', '2026-04'), deadlineSet('2026-05-02', '2026-06'));
    const s = foldIssue(countingFacts(facts, { validAt: day('2026-12-31'), knownAt: instant('2027-01-01T00:00:00Z'), atPosition: position(4) }));
    expect(deadlineOn(s, s.closedOn!)?.last).toBe('2026-04-30');
  });

  it('end with a stated REOPENED as well', () => {
    expect(fold(deadlineSet('2026-01-10', '2026-03'), imported('2026-05-01', stated('REOPENED'))).planned).toBeNull();
  });
});

describe('closedOn', () => {
  it('is the day that turned the issue from open to closed, kept while it stays closed', () => {
    expect(fold(started, completed, verified).closedOn).toBe('2026-05-01');
    expect(fold(started, completed, reopened).closedOn).toBeNull();
    expect(fold(imported('2026-02', stated('DONE_REPORTED'))).closedOn).toBe('2026-02-28');
  });

  it('of BASICALLY_DONE follows its residuals and its deadline', () => {
    const residual = { key: '①', printed: '①' };
    expect(fold(basically('2026-04-01', [])).closedOn).toBe('2026-04-01');
    expect(fold(basically('2026-04-01', [residual])).closedOn).toBeNull();
    expect(fold(basically('2026-04-01', [residual]), fact('2026-05-03', { type: 'ResidualCompleted', data: { key: '①' } })).closedOn).toBe('2026-05-03');
    expect(fold(basically('2026-04-01', []), deadlineSet('2026-04-05', '2026-06')).closedOn).toBeNull();
    expect(isClosed(fold(deadlineSet('2026-01-10', '2026-06'), basically('2026-04-01', [])))).toBe(false);
  });
});
