import { describe, expect, it } from '@jest/globals';
import type { InspectionId, IssueId, MeasureId, OrgId, PersonRef } from '@rectrail/kernel';
import type { MeasureStateName } from '../measure/measure.events.ts';
import { initialMeasureState, type MeasureState } from '../measure/measure.state.ts';
import { dated, fact, specificationOf, type GivenFact, type Outcome } from '../testing/decider-specification.ts';
import type { IssueCommand, IssueCommandData, IssueCommandType } from './issue.commands.ts';
import { decideIssue, type IssueSituation } from './issue.decide.ts';
import type { Endorsement, IssueEvent, IssueStateName } from './issue.events.ts';
import { foldIssue, type IssueState } from './issue.state.ts';

/**
 * Goal: every command of domain.md section 3.2 does what its row and rules.md section 3 say, and is refused otherwise.
 * Method: given facts, when a command, then whole events or the code of the rejection; today is 2026-06-30.
 */
const issueId = '00000000-0000-8000-8000-000000000005' as IssueId;
const orgId = '00000000-0000-8000-8000-000000000001' as OrgId;
const otherOrgId = '00000000-0000-8000-8000-000000000002' as OrgId;
const measureId = '00000000-0000-8000-8000-000000000006' as MeasureId;
const leader = 'person-1' as PersonRef;

const registration: IssueCommandData['RegisterIssue'] = {
  issueId, orgId, inspectionId: '00000000-0000-8000-8000-000000000003' as InspectionId, numberPath: ['二、', '1.'], numberKey: '002.001', aspect: null, heading: null,
  title: '养护不到位', strand: null, annex: false, track: 'TIMED', assistingOrgIds: [],
};
const stated = (state: IssueStateName | null, more: Partial<IssueCommandData['StateStatus']> = {}): IssueEvent => ({
  type: 'IssueStatusStated',
  data: {
    state, track: null, printedStatus: state, disclosure: state === null ? 'NOT_DISCLOSED' : 'STATED', continuation: 'NONE', continuationPrinted: null, residuals: [],
    completionBasis: null, ...more,
  },
});
const completion = { basis: 'RECTIFIED', result: '整改完成', openSubFindings: null } as const;

const registered = fact<IssueEvent>('2026-01-01', { type: 'IssueRegistered', data: registration });
const registeredLongTerm = fact<IssueEvent>('2026-01-01', { type: 'IssueRegistered', data: { ...registration, track: 'LONG_TERM' } });
const accepted = fact<IssueEvent>('2026-01-05', { type: 'IssueAccepted', data: { leader } });
const planned = fact<IssueEvent>('2026-01-20', { type: 'IssuePlanned', data: { planId: null } });
const started = fact<IssueEvent>('2026-02-01', { type: 'RectificationStarted', data: {} });
const phased = fact<IssueEvent>('2026-03-01', { type: 'PhaseResultReported', data: { result: '阶段性成效', nextStep: '继续' } });
const basicallyDone = fact<IssueEvent>('2026-04-01', { type: 'IssueBasicallyCompleted', data: { residuals: [{ key: '③', printed: '③6月底前', measureId }] } });
const completed = fact<IssueEvent>('2026-05-01', { type: 'IssueCompletionReported', data: completion });
const verified = fact<IssueEvent>('2026-05-10', { type: 'IssueVerified', data: { record: '验收', evidence: [] } }, { subject: 'verifier' });
const writtenOff = fact<IssueEvent>('2026-05-20', { type: 'IssueWrittenOff', data: { slip: '1号', endorsements: [] } }, { subject: 'keeper' });
const reopened = fact<IssueEvent>('2026-06-01', { type: 'IssueReopened', data: { kind: 'RELAPSE', finding: '反弹' } });
const transferred = fact<IssueEvent>('2026-03-01', { type: 'IssueTransferredOut', data: { to: '村委会', basis: '纪要' } });
const deadline = fact<IssueEvent>('2026-01-10', { type: 'DeadlineSet', data: { planned: dated('2026-06') } });

/** Facts that lead to each state. */
const toState: Readonly<Record<IssueStateName, readonly GivenFact<IssueEvent>[]>> = {
  FED_BACK: [registered],
  REGISTERED: [registered, accepted],
  PLANNED: [registered, accepted, planned],
  IN_PROGRESS: [registered, accepted, planned, started],
  PHASED: [registered, accepted, planned, started, phased],
  BASICALLY_DONE: [registered, accepted, planned, started, basicallyDone],
  DONE_REPORTED: [registered, accepted, planned, started, completed],
  VERIFIED: [registered, accepted, planned, started, completed, verified],
  WRITTEN_OFF: [registered, accepted, planned, started, completed, verified, writtenOff],
  REOPENED: [registered, accepted, planned, started, completed, verified, reopened],
  TRANSFERRED_OUT: [registered, accepted, planned, started, transferred],
};

type More = Omit<IssueSituation, 'then' | 'now' | 'today'>;
const specification = specificationOf<IssueState, IssueEvent, IssueCommand, IssueSituation>({ fold: foldIssue, decide: decideIssue });
const measureIn = (state: MeasureStateName): MeasureState => ({ ...initialMeasureState, identity: { measureId, orgId, inspectionId: registration.inspectionId, issueIds: [issueId], marker: null, title: '措施' }, state });
const withMeasure = (state: MeasureStateName): More => ({ measures: [{ measureId, state: measureIn(state) }] });

const by = (subject: string, org: OrgId | null = null): IssueCommand['by'] => ({ subject, orgId: org, role: 'unit' });
const command = <K extends IssueCommandType>(type: K, data: IssueCommandData[K], on = '2026-06-30', actor = by('someone')): IssueCommand =>
  ({ type, data, on: dated(on), by: actor }) as IssueCommand;
const when = (given: readonly GivenFact<IssueEvent>[], asked: IssueCommand, more: More = {}): Outcome<IssueEvent> => specification.given(...given).when(asked, more);

const three: readonly Endorsement[] = [
  { kind: 'MAIN', by: 'p1' as PersonRef }, { kind: 'SUPERVISING', by: 'p2' as PersonRef }, { kind: 'EXECUTING', by: 'p3' as PersonRef },
];
const fullPlan = { planId: null, leader, departmentOrgId: otherOrgId, planned: dated('2026-09') };

/** Each command that changes the status: a payload that meets every other guard, the states it is possible from, the event. */
const transitions: readonly { readonly asked: IssueCommand; readonly from: readonly IssueStateName[]; readonly type: IssueEvent['type']; readonly more?: More; readonly longTerm?: boolean }[] = [
  { asked: command('AcceptIssue', { leader }), from: ['FED_BACK'], type: 'IssueAccepted' },
  { asked: command('PlanIssue', fullPlan), from: ['REGISTERED'], type: 'IssuePlanned', more: withMeasure('PLANNED') },
  { asked: command('StartRectification', {}), from: ['PLANNED'], type: 'RectificationStarted' },
  { asked: command('MarkImmediate', {}), from: ['FED_BACK', 'REGISTERED'], type: 'IssueMarkedImmediate' },
  { asked: command('ReportPhaseResult', { result: '成效', nextStep: '继续' }), from: ['IN_PROGRESS', 'PHASED'], type: 'PhaseResultReported' },
  { asked: command('CompletePhase', { result: '成效', nextStep: '继续' }), from: ['IN_PROGRESS'], type: 'PhaseCompleted' },
  { asked: command('ReportBasicCompletion', { residuals: [] }), from: ['IN_PROGRESS', 'PHASED'], type: 'IssueBasicallyCompleted' },
  { asked: command('ReportCompletion', completion), from: ['IN_PROGRESS', 'PHASED'], type: 'IssueCompletionReported' },
  { asked: command('MoveToRoutine', { continuation: 'KEEP_PUSHING', lookBackOn: dated('2026-12') }), from: ['PHASED'], type: 'IssueMovedToRoutine', longTerm: true },
  { asked: command('VerifyIssue', { record: '验收', evidence: [] }), from: ['DONE_REPORTED'], type: 'IssueVerified' },
  { asked: command('RejectCompletion', { reason: '整改效果不好' }), from: ['DONE_REPORTED', 'BASICALLY_DONE'], type: 'IssueVerificationRejected' },
  { asked: command('WriteOffIssue', { slip: '1号', endorsements: three }), from: ['VERIFIED'], type: 'IssueWrittenOff' },
  { asked: command('ReopenIssue', { kind: 'SHAM', finding: '虚假整改' }), from: ['PHASED', 'BASICALLY_DONE', 'DONE_REPORTED', 'VERIFIED', 'WRITTEN_OFF'], type: 'IssueReopened' },
  { asked: command('ResumeRectification', { planned: dated('2026-09') }), from: ['REOPENED'], type: 'RectificationResumed' },
  { asked: command('RevokeWriteOff', { reason: '纸上销号' }), from: ['WRITTEN_OFF'], type: 'WriteOffRevoked' },
  {
    asked: command('TransferIssue', { to: '村委会', basis: '纪要' }), type: 'IssueTransferredOut',
    from: ['FED_BACK', 'REGISTERED', 'PLANNED', 'IN_PROGRESS', 'PHASED', 'BASICALLY_DONE', 'REOPENED'],
  },
];

describe('transitions', () => {
  const states = Object.keys(toState) as IssueStateName[];
  // BASICALLY_DONE holds an open residual here, which has a rule of its own below.
  const cases = transitions.flatMap((t) => states.filter((s) => t.asked.type !== 'ReportCompletion' || s !== 'BASICALLY_DONE').map((s) => ({ ...t, s, name: t.asked.type })));

  it.each(cases)('$name from $s', ({ asked, from, type, more, longTerm, s }) => {
    const given = longTerm === true ? [registeredLongTerm, ...toState[s].slice(1)] : toState[s];
    const outcome = when(given, asked, more);
    if (!from.includes(s)) outcome.thenRejected('illegal-transition', { from: s, allowedFrom: expect.arrayContaining([...from]) });
    else outcome.then(...eventsOf(asked, type));
  });

  it('takes a phase result again each period, and the same one once', () => {
    const result = { result: '阶段性成效', nextStep: '继续' };
    when(toState.PHASED, command('ReportPhaseResult', result, '2026-03-01')).thenNothing();
    when(toState.PHASED, command('ReportPhaseResult', result, '2026-06-30')).then({ type: 'PhaseResultReported', data: result });
    when(toState.PHASED, command('ReportPhaseResult', result, '2026-02-28')).thenRejected('effective-before-basis');
  });

  it('says which steps are possible instead', () => {
    when(toState.DONE_REPORTED, command('StartRectification', {})).thenRejected('illegal-transition', {
      from: 'DONE_REPORTED', to: 'IN_PROGRESS', allowedFrom: ['PLANNED'], allowed: ['IssueVerified', 'IssueVerificationRejected', 'IssueReopened'],
    });
  });

  it('starts from the kept state where the last report prints none', () => {
    when([...toState.REGISTERED, fact('2026-01-15', stated(null), { imported: true })], command('PlanIssue', fullPlan), withMeasure('PLANNED'))
      .then(...eventsOf(command('PlanIssue', fullPlan), 'IssuePlanned'));
  });

  it.each(transitions.map((t) => t.asked))('$type needs an issue', (asked) => { when([], asked).thenRejected('unknown-issue'); });
});

/** The events of a transition whose payload is that of its command, with what a plan brings along. */
const eventsOf = (asked: IssueCommand, type: IssueEvent['type']): readonly IssueEvent[] => {
  if (asked.type !== 'PlanIssue') return [{ type, data: asked.data } as IssueEvent];
  const { planId, planned: by9, ...assigned } = fullPlan;
  return [{ type: 'IssueAssigned', data: assigned }, { type: 'DeadlineSet', data: { planned: by9 } }, { type: 'IssuePlanned', data: { planId } }];
};

describe('when a command takes effect', () => {
  it('is refused after today', () => {
    when(toState.FED_BACK, command('AcceptIssue', { leader }, '2026-07-01')).thenRejected('effective-in-future', { today: '2026-06-30' });
    when(toState.FED_BACK, command('AcceptIssue', { leader }, '2026-07')).thenRejected('effective-in-future');
    when(toState.FED_BACK, command('ReportProgress', { text: '进展' }, '2026-07-01')).thenRejected('effective-in-future');
    when([], command('RegisterIssue', registration, '2026-07-01')).thenRejected('effective-in-future');
  });

  it('is refused before the assertion that it builds on', () => {
    when(toState.IN_PROGRESS, command('ReportCompletion', completion, '2026-01-31')).thenRejected('effective-before-basis', { basis: 'RectificationStarted', basisOn: '2026-02-01' });
    when(toState.IN_PROGRESS, command('ReportCompletion', completion, '2026-02-01')).then({ type: 'IssueCompletionReported', data: completion });
  });

  it('may lie before the registration, which is no assertion', () => {
    when(toState.FED_BACK, command('MarkImmediate', {}, '2025-11')).then({ type: 'IssueMarkedImmediate', data: {} });
  });

  it('is judged by its own day alone where it corrects', () => {
    const corrected = [registered, accepted, planned, started, verified];
    when(corrected, command('ReportCompletion', completion, '2026-04-15'), { correction: true }).then({ type: 'IssueCompletionReported', data: completion });
    when(corrected, command('ReportCompletion', completion, '2026-01-31'), { correction: true }).thenRejected('illegal-transition', { from: 'PLANNED' });
    when(corrected, command('ReportCompletion', completion, '2026-04-15')).thenRejected('effective-before-basis');
  });

  it('comes to nothing where the very fact is asserted already, and only then', () => {
    when(toState.REGISTERED, command('AcceptIssue', { leader }, '2026-01-05')).thenNothing();
    when(toState.REGISTERED, command('AcceptIssue', { leader: null }, '2026-01-05')).thenRejected('illegal-transition');
    when(toState.REGISTERED, command('AcceptIssue', { leader }, '2026-01-06')).thenRejected('illegal-transition');
    when(toState.REGISTERED, command('AcceptIssue', { leader }, '2026-01-04..2026-01-05')).thenRejected('illegal-transition');
  });
});

describe('registration', () => {
  it('registers once', () => {
    when([], command('RegisterIssue', registration)).then({ type: 'IssueRegistered', data: registration });
    when(toState.DONE_REPORTED, command('RegisterIssue', registration)).thenNothing();
    when(toState.FED_BACK, command('RegisterIssue', { ...registration, title: '另一问题' })).thenRejected('issue-already-registered');
  });

  it('keeps the lead out of the assisting organisations', () => {
    when([], command('RegisterIssue', { ...registration, assistingOrgIds: [orgId] })).thenRejected('owner-assists-itself');
  });
});

describe('planning', () => {
  it('needs a measure, a leader, a department, and a deadline', () => {
    const bare = [registered, fact<IssueEvent>('2026-01-05', { type: 'IssueAccepted', data: { leader: null } })];
    when(bare, command('PlanIssue', { planId: null, leader: null, departmentOrgId: null, planned: null }))
      .thenRejected('plan-incomplete', { missing: ['measure', 'leader', 'department', 'deadline'] });
    when(bare, command('PlanIssue', fullPlan), withMeasure('WITHDRAWN')).thenRejected('plan-incomplete', { missing: ['measure'] });
  });

  it('needs no deadline on the long-term track', () => {
    when([registeredLongTerm, accepted], command('PlanIssue', { ...fullPlan, planned: null }), withMeasure('PLANNED'))
      .then({ type: 'IssueAssigned', data: { leader, departmentOrgId: otherOrgId } }, { type: 'IssuePlanned', data: { planId: null } });
  });

  it('brings along only what is new, and never a second deadline', () => {
    const assigned = fact<IssueEvent>('2026-01-06', { type: 'IssueAssigned', data: { leader: null, departmentOrgId: otherOrgId } });
    const given = [registered, accepted, assigned, deadline];
    when(given, command('PlanIssue', { ...fullPlan, planned: dated('2026-06') }), withMeasure('PLANNED')).then({ type: 'IssuePlanned', data: { planId: null } });
    when(given, command('PlanIssue', fullPlan), withMeasure('PLANNED')).thenRejected('deadline-already-set');
  });
});

describe('assignment', () => {
  it('names a leader or a department, once', () => {
    when(toState.REGISTERED, command('AssignIssue', { leader: null, departmentOrgId: null })).thenRejected('nothing-assigned');
    when(toState.REGISTERED, command('AssignIssue', { leader, departmentOrgId: null })).thenNothing();
    when(toState.REGISTERED, command('AssignIssue', { leader, departmentOrgId: otherOrgId })).then({ type: 'IssueAssigned', data: { leader, departmentOrgId: otherOrgId } });
  });

  it('marks key and hard, and long-term, once', () => {
    when(toState.FED_BACK, command('MarkKeyAndHard', {})).then({ type: 'IssueMarkedKeyAndHard', data: {} });
    when([registered, fact('2026-01-02', { type: 'IssueMarkedKeyAndHard', data: {} })], command('MarkKeyAndHard', {})).thenNothing();
    when(toState.FED_BACK, command('ClassifyLongTerm', { reason: '长期' })).then({ type: 'IssueClassifiedLongTerm', data: { reason: '长期' } });
    when([registeredLongTerm], command('ClassifyLongTerm', { reason: '长期' })).thenNothing();
    when(toState.DONE_REPORTED, command('ClassifyLongTerm', { reason: '长期' })).thenRejected('issue-closed');
  });
});

describe('deadlines', () => {
  const sep = { planned: dated('2026-09') };

  it('are set once and then only extended', () => {
    when(toState.PLANNED, command('SetDeadline', sep)).then({ type: 'DeadlineSet', data: sep });
    when([registered, deadline], command('SetDeadline', sep)).thenRejected('deadline-already-set');
    when([registered, deadline], command('SetDeadline', { planned: dated('2026-06') })).thenNothing();
    when([registered, deadline], command('SetDeadline', sep, '2026-01-05')).thenRejected('deadline-already-set');
    when(toState.DONE_REPORTED, command('SetDeadline', sep)).thenRejected('issue-closed');
  });

  it('are extended from one in force, and to a later day', () => {
    const extension = { ...sep, reason: '疫情', askedBy: orgId };
    when([registered, deadline], command('ExtendDeadline', extension)).then({ type: 'DeadlineExtended', data: extension });
    when([registered], command('ExtendDeadline', extension)).thenRejected('no-deadline-to-extend');
    when([registered, deadline], command('ExtendDeadline', extension, '2026-01-05')).thenRejected('no-deadline-to-extend');
    when([registered, deadline], command('ExtendDeadline', { ...extension, planned: dated('2026-06-30') })).thenRejected('not-an-extension');
  });

  it('end with a reopening, so that a new one is needed to resume unless the task is long-term', () => {
    when([registered, deadline, ...toState.REOPENED.slice(1)], command('SetDeadline', sep)).then({ type: 'DeadlineSet', data: sep });
    when(toState.REOPENED, command('ResumeRectification', { planned: null })).thenRejected('deadline-required');
    when([registeredLongTerm, ...toState.REOPENED.slice(1)], command('ResumeRectification', { planned: null })).then({ type: 'RectificationResumed', data: { planned: null } });
  });
});

describe('completion', () => {
  it.each(['DONE', 'STANDING', 'WITHDRAWN'] as const)('may be reported with a measure %s', (state) => {
    when(toState.IN_PROGRESS, command('ReportCompletion', completion), withMeasure(state)).then({ type: 'IssueCompletionReported', data: completion });
  });

  it.each(['PLANNED', 'IN_PROGRESS', 'SUSPENDED'] as const)('is refused with a measure %s', (state) => {
    when(toState.IN_PROGRESS, command('ReportCompletion', completion), withMeasure(state)).thenRejected('measures-open', { measures: [{ measureId, state }] });
  });

  it('is refused while a residual item is open', () => {
    when(toState.BASICALLY_DONE, command('ReportCompletion', completion)).thenRejected('residuals-open', { keys: ['③'] });
    when([...toState.BASICALLY_DONE, fact('2026-05-01', { type: 'ResidualCompleted', data: { key: '③' } })], command('ReportCompletion', completion))
      .then({ type: 'IssueCompletionReported', data: completion });
  });

  it('must name the sub-findings left open', () => {
    const tallied = fact<IssueEvent>('2026-03-01', { type: 'SubFindingsTallied', data: { found: 375, fixed: 374, unit: '项', categories: 6 } });
    const named = { ...completion, openSubFindings: '1项待审批' };
    when([...toState.IN_PROGRESS, tallied], command('ReportCompletion', completion)).thenRejected('sub-findings-open', { found: 375, fixed: 374 });
    when([...toState.IN_PROGRESS, tallied], command('ReportCompletion', named)).then({ type: 'IssueCompletionReported', data: named });
  });

  it('lists residual items with keys of their own and measures of the issue', () => {
    const linked = fact<IssueEvent>('2026-02-01', { type: 'IssueMeasuresAdded', data: { measureIds: [measureId] } });
    const residual = { key: '③', printed: '③', measureId };
    when([...toState.IN_PROGRESS, linked], command('ReportBasicCompletion', { residuals: [residual] })).then({ type: 'IssueBasicallyCompleted', data: { residuals: [residual] } });
    when([...toState.IN_PROGRESS, linked], command('ReportBasicCompletion', { residuals: [residual, residual] })).thenRejected('residual-key-repeated', { key: '③' });
    when(toState.IN_PROGRESS, command('ReportBasicCompletion', { residuals: [residual] })).thenRejected('residual-measure-unknown', { measureId });
  });

  it('completes a residual item once', () => {
    when(toState.BASICALLY_DONE, command('CompleteResidual', { key: '③' })).then({ type: 'ResidualCompleted', data: { key: '③' } });
    when(toState.BASICALLY_DONE, command('CompleteResidual', { key: '①' })).thenRejected('unknown-residual');
    when([...toState.BASICALLY_DONE, fact('2026-05-01', { type: 'ResidualCompleted', data: { key: '③' } })], command('CompleteResidual', { key: '③' })).thenNothing();
  });

  it('fixes no more sub-findings than were found', () => {
    when(toState.IN_PROGRESS, command('TallySubFindings', { found: 3, fixed: 4, unit: '项', categories: null })).thenRejected('sub-findings-inconsistent');
    when(toState.IN_PROGRESS, command('TallySubFindings', { found: 3, fixed: 3, unit: '项', categories: null }))
      .then({ type: 'SubFindingsTallied', data: { found: 3, fixed: 3, unit: '项', categories: null } });
  });
});

describe('determination', () => {
  const record = { record: '验收', evidence: [] };
  const reported = [...toState.IN_PROGRESS, fact<IssueEvent>('2026-05-01', { type: 'IssueCompletionReported', data: completion }, { subject: 'anna', orgId })];

  it('is not for the person who reported', () => {
    when(reported, command('VerifyIssue', record, '2026-06-30', by('anna', otherOrgId))).thenRejected('verifier-is-reporter', { imported: false });
    when(reported, command('RejectCompletion', { reason: '不实' }, '2026-06-30', by('anna'))).thenRejected('verifier-is-reporter');
    when(reported, command('VerifyIssue', record, '2026-06-30', by('bert', orgId))).then({ type: 'IssueVerified', data: record });
  });

  it('is not for the organisation whose report states the claim, whoever imported it', () => {
    const imported = [registered, { ...fact<IssueEvent>('2026-05-01', stated('DONE_REPORTED'), { imported: true, subject: 'importer', orgId }) }];
    when(imported, command('VerifyIssue', record, '2026-06-30', by('bert', orgId))).thenRejected('verifier-is-reporter', { imported: true });
    when(imported, command('VerifyIssue', record, '2026-06-30', by('importer', otherOrgId))).then({ type: 'IssueVerified', data: record });
    when(imported, command('VerifyIssue', record, '2026-06-30', by('root', null))).then({ type: 'IssueVerified', data: record });
  });

  it('is not for whoever made the same claim before it was made again', () => {
    const restated = fact<IssueEvent>('2026-05-05', stated('DONE_REPORTED'), { imported: true, subject: 'importer', orgId });
    when([...reported, restated], command('VerifyIssue', record, '2026-06-30', by('anna', otherOrgId))).thenRejected('verifier-is-reporter', { imported: false });
    when([...reported, restated], command('VerifyIssue', record, '2026-06-30', by('bert', orgId))).thenRejected('verifier-is-reporter', { imported: true });
    when([...reported, restated], command('VerifyIssue', record, '2026-06-30', by('bert', otherOrgId))).then({ type: 'IssueVerified', data: record });
    const phase = (on: string, subject: string): GivenFact<IssueEvent> => fact(on, { type: 'PhaseResultReported', data: { result: subject, nextStep: '继续' } }, { subject });
    const routine = { continuation: 'KEEP_PUSHING', lookBackOn: dated('2026-12') } as const;
    const phases = [registeredLongTerm, ...toState.IN_PROGRESS.slice(1), phase('2026-03-31', 'anna'), phase('2026-06-30', 'bert')];
    when(phases, command('MoveToRoutine', routine, '2026-06-30', by('anna'))).thenRejected('verifier-is-reporter');
    when(phases, command('MoveToRoutine', routine, '2026-06-30', by('carl'))).then({ type: 'IssueMovedToRoutine', data: routine });
  });

  it('judges the claim at hand: who reported an earlier stage or one that was returned may judge it', () => {
    const again = fact<IssueEvent>('2026-06-05', { type: 'IssueCompletionReported', data: completion }, { subject: 'bert' });
    const returned = fact<IssueEvent>('2026-06-01', { type: 'IssueVerificationRejected', data: { reason: '不实' } }, { subject: 'carl' });
    when([...reported, returned, again], command('VerifyIssue', record, '2026-06-30', by('anna'))).then({ type: 'IssueVerified', data: record });
  });

  it('writes off with one endorsement of each kind by three persons', () => {
    when(toState.VERIFIED, command('WriteOffIssue', { slip: '1号', endorsements: three.slice(1) })).thenRejected('endorsements-incomplete', { missing: ['MAIN'] });
    when(toState.VERIFIED, command('WriteOffIssue', { slip: '1号', endorsements: [...three, three[0]!] })).thenRejected('endorsements-incomplete', { missing: ['MAIN'] });
    const twice = [three[0]!, three[1]!, { ...three[2]!, by: three[0]!.by }];
    when(toState.VERIFIED, command('WriteOffIssue', { slip: '1号', endorsements: twice })).thenRejected('endorsers-not-distinct');
  });

  it('moves only long-term tasks into routine, with something kept up, a look-back ahead and not by the reporter', () => {
    const routine = { continuation: 'KEEP_PUSHING', lookBackOn: dated('2026-12') } as const;
    const longTerm = [registeredLongTerm, ...toState.PHASED.slice(1)];
    when(toState.PHASED, command('MoveToRoutine', routine)).thenRejected('not-long-term', { track: 'TIMED' });
    when(longTerm, command('MoveToRoutine', { ...routine, continuation: 'NONE' })).thenRejected('continuation-required');
    when(longTerm, command('MoveToRoutine', { ...routine, lookBackOn: dated('2026-06') })).thenRejected('look-back-not-ahead');
    when(longTerm, command('MoveToRoutine', routine, '2026-06-30', by('reporter'))).thenRejected('verifier-is-reporter');
  });
});

describe('look-backs', () => {
  const held = { result: 'HELD', sample: '抽查3项' } as const;

  it('leave the status where the result held, and check finished work only', () => {
    when(toState.VERIFIED, command('RecordLookBack', { ...held, finding: null })).then({ type: 'LookBackChecked', data: held });
    when(toState.IN_PROGRESS, command('RecordLookBack', { ...held, finding: null })).thenRejected('illegal-transition', { from: 'IN_PROGRESS' });
  });

  it('reopen the issue where it relapsed, saying what was found', () => {
    const relapsed = { result: 'RELAPSED', sample: null } as const;
    when(toState.WRITTEN_OFF, command('RecordLookBack', { ...relapsed, finding: '再次违规' }))
      .then({ type: 'LookBackChecked', data: relapsed }, { type: 'IssueReopened', data: { kind: 'RELAPSE', finding: '再次违规' } });
    when(toState.WRITTEN_OFF, command('RecordLookBack', { ...relapsed, finding: null })).thenRejected('finding-required');
    when(toState.TRANSFERRED_OUT, command('RecordLookBack', { ...relapsed, finding: '再次违规' })).thenRejected('illegal-transition');
  });
});

describe('notes and links', () => {
  it('are added without a change of status', () => {
    when(toState.IN_PROGRESS, command('ReportProgress', { text: '进展' })).then({ type: 'ProgressReported', data: { text: '进展' } });
    when(toState.IN_PROGRESS, command('StateNextStep', { text: '下一步', planned: null })).then({ type: 'NextStepStated', data: { text: '下一步', planned: null } });
    when([], command('ReportProgress', { text: '进展' })).thenRejected('unknown-issue');
  });

  it('commit a continuation once', () => {
    const kept = { continuation: 'FOLLOW_UP', text: '进一步跟踪', until: null } as const;
    when(toState.DONE_REPORTED, command('CommitContinuation', kept)).then({ type: 'ContinuationCommitted', data: kept });
    when([...toState.DONE_REPORTED, fact('2026-05-02', { type: 'ContinuationCommitted', data: kept })], command('CommitContinuation', kept)).thenNothing();
  });

  it('link another issue once, never itself', () => {
    const other = '00000000-0000-8000-8000-000000000009' as IssueId;
    when(toState.FED_BACK, command('LinkDuplicateIssue', { issueId: other })).then({ type: 'DuplicateIssueLinked', data: { issueId: other } });
    when(toState.FED_BACK, command('LinkDuplicateIssue', { issueId })).thenRejected('link-to-itself');
    when(toState.FED_BACK, command('LinkRecurrence', { previousIssueId: issueId })).thenRejected('link-to-itself');
    when([registered, fact('2026-01-02', { type: 'RecurrenceLinked', data: { previousIssueId: other } })], command('LinkRecurrence', { previousIssueId: other })).thenNothing();
  });

  it('add new measures only, and none to work that is done', () => {
    when(toState.PLANNED, command('AddMeasures', { measureIds: [measureId, measureId] })).then({ type: 'IssueMeasuresAdded', data: { measureIds: [measureId] } });
    when([registered, fact('2026-01-02', { type: 'IssueMeasuresAdded', data: { measureIds: [measureId] } })], command('AddMeasures', { measureIds: [measureId] })).thenNothing();
    when(toState.DONE_REPORTED, command('AddMeasures', { measureIds: [measureId] })).thenRejected('issue-closed');
  });

  it('state an imported status without any guard, effective whenever the report says', () => {
    const status = stated('WRITTEN_OFF');
    when(toState.FED_BACK, { type: 'StateStatus', on: dated('2026-12'), by: by('importer'), data: status.data as IssueCommandData['StateStatus'] }, {}).then(status);
  });
});
