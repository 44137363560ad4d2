import { accept, nothing, reject, type Decision, type MeasureId } from '@rectrail/kernel';
import { settledMeasureStates, type MeasureState } from '../measure/measure.state.ts';
import { refuseFuture, type CommandActor, type LiveSituation } from '../time/live-command.ts';
import { isAssertedAlready, refuseTransition, sameData } from '../time/transition.ts';
import type { IssueCommand, IssueCommandType } from './issue.commands.ts';
import { endorsementKinds, type IssueEvent } from './issue.events.ts';
import type { IssueRejection, IssueRejectionCode } from './issue.rejections.ts';
import { doneStates, hasOpenResidual, ownClaim, type IssueState } from './issue.state.ts';
import { issueTransitions, lookBackStates } from './issue.transitions.ts';

/** `measures`: those of the issue (`now.measureIds`) at (today, now); needed by PlanIssue and ReportCompletion. */
export interface IssueSituation extends LiveSituation<IssueState> {
  readonly measures?: readonly { readonly measureId: MeasureId; readonly state: MeasureState }[];
}
export type IssueDecision = Decision<IssueEvent, IssueRejection>;
type Refusal = IssueRejection | null;
type Handler<K extends IssueCommandType> = (command: IssueCommand<K>, situation: IssueSituation) => IssueDecision;

const refusal = (code: IssueRejectionCode, detail: string, extensions: Readonly<Record<string, unknown>> = {}): IssueRejection => ({ code, detail, ...extensions });

const refuseUnknown = (s: IssueState): Refusal => (s.registration === null ? refusal('unknown-issue', 'the issue is not registered') : null);

/** The states that a rule looks at; a correction is held to its own day alone (time/transition.ts). */
const judged = ({ then, now, correction }: IssueSituation): readonly IssueState[] => (correction === true ? [then] : [then, now]);

const refuseDone = (situation: IssueSituation): Refusal => {
  const done = judged(situation).find((s) => doneStates.has(s.state));
  return done === undefined ? null : refusal('issue-closed', `the issue is ${done.state}`, { state: done.state });
};

/** A command that leaves the status as it is: the issue must exist and the day must have come. */
const note = (command: IssueCommand, situation: IssueSituation, guard: Refusal, ...events: readonly IssueEvent[]): IssueDecision => {
  const refused = refuseUnknown(situation.now) ?? refuseFuture(command.on, situation.today) ?? guard;
  return refused === null ? accept(...events) : reject(refused);
};

/** A change of status, the last of `events`; the guard is looked at only once the status itself allows the step. */
const move = (command: IssueCommand, situation: IssueSituation, events: readonly [...IssueEvent[], IssueEvent], guard: () => Refusal = () => null): IssueDecision => {
  const [event] = events.slice(-1);
  if (event === undefined) return nothing();
  const unknown = refuseUnknown(situation.now);
  if (unknown !== null) return reject(unknown);
  if (events.length === 1 && isAssertedAlready(situation.now, event, command.on)) return nothing();
  const refused = refuseTransition(event.type, command.on, situation, issueTransitions) ?? guard();
  return refused === null ? accept(...events) : reject(refused);
};

const register: Handler<'RegisterIssue'> = (command, { now, today }) => {
  if (now.registration !== null) {
    return sameData(now.registration, command.data) ? nothing() : reject(refusal('issue-already-registered', 'the issue is registered with other data'));
  }
  const { orgId, assistingOrgIds } = command.data;
  const refused = refuseFuture(command.on, today)
    ?? (assistingOrgIds.includes(orgId) ? refusal('owner-assists-itself', 'the lead organisation is among the assisting ones', { orgId }) : null);
  return refused === null ? accept({ type: 'IssueRegistered', data: command.data }) : reject(refused);
};

const acceptIssue: Handler<'AcceptIssue'> = (command, situation) => move(command, situation, [{ type: 'IssueAccepted', data: command.data }]);

const assign: Handler<'AssignIssue'> = (command, situation) => {
  const { leader, departmentOrgId } = command.data;
  const guard = leader === null && departmentOrgId === null ? refusal('nothing-assigned', 'neither a leader nor a department is given') : null;
  const { now } = situation;
  const already = (leader === null || leader === now.leader) && (departmentOrgId === null || departmentOrgId === now.departmentOrgId);
  return note(command, situation, guard, ...(already ? [] : [{ type: 'IssueAssigned' as const, data: command.data }]));
};

/** What the plan brings along beside the plan itself, each only where it changes something. */
const broughtByPlan = (command: IssueCommand<'PlanIssue'>, s: IssueState): readonly IssueEvent[] => {
  const { leader, departmentOrgId, planned } = command.data;
  const assigns = (leader !== null && leader !== s.leader) || (departmentOrgId !== null && departmentOrgId !== s.departmentOrgId);
  return [
    ...(assigns ? [{ type: 'IssueAssigned' as const, data: { leader, departmentOrgId } }] : []),
    ...(planned !== null && !sameData(planned, s.planned) ? [{ type: 'DeadlineSet' as const, data: { planned } }] : []),
  ];
};

const refuseIncompletePlan = (command: IssueCommand<'PlanIssue'>, { then, measures = [] }: IssueSituation): Refusal => {
  const { data } = command;
  const missing = [
    ...(measures.some((m) => m.state.identity !== null && m.state.state !== 'WITHDRAWN') ? [] : ['measure']),
    ...(data.leader ?? then.leader) === null ? ['leader'] : [],
    ...(data.departmentOrgId ?? then.departmentOrgId) === null ? ['department'] : [],
    ...(data.planned ?? then.planned) === null && then.track !== 'LONG_TERM' ? ['deadline'] : [],
  ];
  return missing.length === 0 ? null : refusal('plan-incomplete', `the plan lacks: ${missing.join(', ')}`, { missing });
};

const plan: Handler<'PlanIssue'> = (command, situation) => {
  const brought = broughtByPlan(command, situation.now);
  const inForce = judged(situation).find((s) => s.planned !== null)?.planned;
  const another = inForce !== undefined && brought.some((event) => event.type === 'DeadlineSet');
  return move(command, situation, [...brought, { type: 'IssuePlanned', data: { planId: command.data.planId } }], () =>
    (another ? refusal('deadline-already-set', 'another deadline is in force', { planned: inForce }) : refuseIncompletePlan(command, situation)));
};

const setDeadline: Handler<'SetDeadline'> = (command, situation) => {
  const inForce = judged(situation).map((s) => s.planned).find((planned) => planned !== null) ?? null;
  if (inForce !== null && sameData(situation.now.planned, command.data.planned)) return note(command, situation, null);
  const guard = refuseDone(situation) ?? (inForce === null ? null : refusal('deadline-already-set', `a deadline is in force: ${inForce.last}`, { planned: inForce }));
  return note(command, situation, guard, { type: 'DeadlineSet', data: command.data });
};

const extendDeadline: Handler<'ExtendDeadline'> = (command, situation) => {
  const { planned } = command.data;
  const guard = (): Refusal => {
    const inForce = judged(situation).map((s) => s.planned);
    if (inForce.includes(null)) return refusal('no-deadline-to-extend', 'no deadline is in force');
    const later = inForce.find((old) => old !== null && planned.last <= old.last);
    return later === undefined ? null : refusal('not-an-extension', `${planned.last} is not after ${later?.last}`, { planned: later });
  };
  return note(command, situation, refuseDone(situation) ?? guard(), { type: 'DeadlineExtended', data: command.data });
};

const markImmediate: Handler<'MarkImmediate'> = (command, situation) => move(command, situation, [{ type: 'IssueMarkedImmediate', data: {} }]);

const classifyLongTerm: Handler<'ClassifyLongTerm'> = (command, situation) =>
  note(command, situation, refuseDone(situation), ...(situation.now.track === 'LONG_TERM' ? [] : [{ type: 'IssueClassifiedLongTerm' as const, data: command.data }]));

const markKeyAndHard: Handler<'MarkKeyAndHard'> = (command, situation) =>
  note(command, situation, null, ...(situation.now.keyAndHard ? [] : [{ type: 'IssueMarkedKeyAndHard' as const, data: {} }]));

const start: Handler<'StartRectification'> = (command, situation) => move(command, situation, [{ type: 'RectificationStarted', data: {} }]);

const reportProgress: Handler<'ReportProgress'> = (command, situation) => note(command, situation, null, { type: 'ProgressReported', data: command.data });
const stateNextStep: Handler<'StateNextStep'> = (command, situation) => note(command, situation, null, { type: 'NextStepStated', data: command.data });

const reportPhaseResult: Handler<'ReportPhaseResult'> = (command, situation) => move(command, situation, [{ type: 'PhaseResultReported', data: command.data }]);
const completePhase: Handler<'CompletePhase'> = (command, situation) => move(command, situation, [{ type: 'PhaseCompleted', data: command.data }]);

const reportBasicCompletion: Handler<'ReportBasicCompletion'> = (command, situation) => {
  const { residuals } = command.data;
  const repeated = residuals.find((r, i) => residuals.findIndex((other) => other.key === r.key) < i);
  const stray = residuals.find((r) => r.measureId !== undefined && !situation.now.measureIds.includes(r.measureId));
  return move(command, situation, [{ type: 'IssueBasicallyCompleted', data: command.data }], () => {
    if (repeated !== undefined) return refusal('residual-key-repeated', `two residual items have the key ${repeated.key}`, { key: repeated.key });
    return stray === undefined ? null : refusal('residual-measure-unknown', `${stray.measureId} is no measure of this issue`, { measureId: stray.measureId });
  });
};

/** Done means all of it: measures settled, residuals completed, sub-findings fixed or named (row 8). */
const refuseUnfinished = (command: IssueCommand<'ReportCompletion'>, { then, measures = [] }: IssueSituation): Refusal => {
  const open = measures.filter((m) => m.state.identity !== null && !settledMeasureStates.has(m.state.state));
  if (open.length > 0) {
    return refusal('measures-open', `${open.length} measures are neither done, standing nor withdrawn`, { measures: open.map((m) => ({ measureId: m.measureId, state: m.state.state })) });
  }
  if (hasOpenResidual(then)) return refusal('residuals-open', 'residual items are open', { keys: then.residuals.filter((r) => r.open).map((r) => r.key) });
  const { subFindings } = then;
  const unfixed = subFindings !== null && subFindings.fixed !== null && subFindings.fixed < subFindings.found;
  return unfixed && command.data.openSubFindings === null
    ? refusal('sub-findings-open', `${subFindings.fixed} of ${subFindings.found} sub-findings are fixed`, { found: subFindings.found, fixed: subFindings.fixed })
    : null;
};

const reportCompletion: Handler<'ReportCompletion'> = (command, situation) =>
  move(command, situation, [{ type: 'IssueCompletionReported', data: command.data }], () => refuseUnfinished(command, situation));

/** Nobody judges their own claim: by person, or for an imported one by the organisation of the report. */
const refuseOwnClaim = (by: CommandActor, s: IssueState): Refusal => {
  const own = ownClaim(by, s);
  return own === null ? null : refusal('verifier-is-reporter', 'the present status was reported by the same side', { imported: own.imported });
};

const moveToRoutine: Handler<'MoveToRoutine'> = (command, situation) => {
  const { then } = situation;
  const { continuation, lookBackOn } = command.data;
  return move(command, situation, [{ type: 'IssueMovedToRoutine', data: command.data }], () => {
    if (then.track !== 'LONG_TERM') return refusal('not-long-term', `the issue is on the track ${then.track}`, { track: then.track });
    if (continuation === 'NONE') return refusal('continuation-required', 'say what is kept up');
    if (lookBackOn.last <= command.on.last) return refusal('look-back-not-ahead', `a look-back by ${lookBackOn.last} is not after ${command.on.last}`);
    return refuseOwnClaim(command.by, then);
  });
};

const verify: Handler<'VerifyIssue'> = (command, situation) =>
  move(command, situation, [{ type: 'IssueVerified', data: command.data }], () => refuseOwnClaim(command.by, situation.then));

const rejectCompletion: Handler<'RejectCompletion'> = (command, situation) =>
  move(command, situation, [{ type: 'IssueVerificationRejected', data: command.data }], () => refuseOwnClaim(command.by, situation.then));

const writeOff: Handler<'WriteOffIssue'> = (command, situation) => {
  const { endorsements } = command.data;
  const missing = endorsementKinds.filter((kind) => endorsements.filter((e) => e.kind === kind).length !== 1);
  return move(command, situation, [{ type: 'IssueWrittenOff', data: command.data }], () => {
    if (missing.length > 0) return refusal('endorsements-incomplete', `exactly one endorsement is needed of: ${missing.join(', ')}`, { missing });
    return new Set(endorsements.map((e) => e.by)).size === endorsements.length ? null : refusal('endorsers-not-distinct', 'one person endorses twice');
  });
};

const revokeWriteOff: Handler<'RevokeWriteOff'> = (command, situation) => move(command, situation, [{ type: 'WriteOffRevoked', data: command.data }]);
const reopen: Handler<'ReopenIssue'> = (command, situation) => move(command, situation, [{ type: 'IssueReopened', data: command.data }]);

const resume: Handler<'ResumeRectification'> = (command, situation) =>
  move(command, situation, [{ type: 'RectificationResumed', data: command.data }], () =>
    (command.data.planned === null && situation.then.track !== 'LONG_TERM' ? refusal('deadline-required', 'a new deadline is needed') : null));

const transferOut: Handler<'TransferIssue'> = (command, situation) => move(command, situation, [{ type: 'IssueTransferredOut', data: command.data }]);

const commitContinuation: Handler<'CommitContinuation'> = (command, situation) => {
  const { now } = situation;
  const already = sameData({ continuation: now.continuation, text: now.continuationPrinted, until: now.continuationUntil }, command.data);
  return note(command, situation, null, ...(already ? [] : [{ type: 'ContinuationCommitted' as const, data: command.data }]));
};

const recordLookBack: Handler<'RecordLookBack'> = (command, situation) => {
  const { finding, ...checked } = command.data;
  const event: IssueEvent = { type: 'LookBackChecked', data: checked };
  if (checked.result === 'RELAPSED') {
    if (finding === null) return reject(refusal('finding-required', 'say what relapsed'));
    return move(command, situation, [event, { type: 'IssueReopened', data: { kind: 'RELAPSE', finding } }]);
  }
  const { state } = situation.then;
  return note(command, situation, lookBackStates.includes(state) ? null
    : refusal('illegal-transition', `a look-back checks finished work, not an issue that is ${state}`, { from: state, to: state, allowedFrom: lookBackStates }), event);
};

const completeResidual: Handler<'CompleteResidual'> = (command, situation) => {
  const { key } = command.data;
  const named = judged(situation).map((s) => s.residuals.find((r) => r.key === key));
  const guard = named.includes(undefined) ? refusal('unknown-residual', `no residual item has the key ${key}`, { key }) : null;
  return note(command, situation, guard, ...(named.every((r) => r?.open === true) ? [{ type: 'ResidualCompleted' as const, data: { key } }] : []));
};

const tallySubFindings: Handler<'TallySubFindings'> = (command, situation) => {
  const { found, fixed } = command.data;
  const guard = fixed !== null && fixed > found ? refusal('sub-findings-inconsistent', `${fixed} fixed of ${found} found`, { found, fixed }) : null;
  return note(command, situation, guard, ...(sameData(situation.now.subFindings, command.data) ? [] : [{ type: 'SubFindingsTallied' as const, data: command.data }]));
};

const refuseItself = (s: IssueState, other: string): Refusal => (s.registration?.issueId === other ? refusal('link-to-itself', 'both ends are the same issue') : null);

const linkDuplicate: Handler<'LinkDuplicateIssue'> = (command, situation) => {
  const { issueId } = command.data;
  return note(command, situation, refuseItself(situation.now, issueId),
    ...(situation.now.duplicateOf.includes(issueId) ? [] : [{ type: 'DuplicateIssueLinked' as const, data: { issueId } }]));
};

const linkRecurrence: Handler<'LinkRecurrence'> = (command, situation) => {
  const { previousIssueId } = command.data;
  return note(command, situation, refuseItself(situation.now, previousIssueId),
    ...(situation.now.recurrenceOf.includes(previousIssueId) ? [] : [{ type: 'RecurrenceLinked' as const, data: { previousIssueId } }]));
};

const addMeasures: Handler<'AddMeasures'> = (command, situation) => {
  const measureIds = command.data.measureIds.filter((id) => !situation.now.measureIds.includes(id));
  if (measureIds.length === 0) return note(command, situation, null);
  return note(command, situation, refuseDone(situation), { type: 'IssueMeasuresAdded', data: { measureIds: [...new Set(measureIds)] } });
};

const stateStatus: Handler<'StateStatus'> = (command) => accept({ type: 'IssueStatusStated', data: command.data });

const handlers: { readonly [K in IssueCommandType]: Handler<K> } = {
  RegisterIssue: register, AcceptIssue: acceptIssue, AssignIssue: assign, PlanIssue: plan, SetDeadline: setDeadline, ExtendDeadline: extendDeadline,
  MarkImmediate: markImmediate, ClassifyLongTerm: classifyLongTerm, MarkKeyAndHard: markKeyAndHard, StartRectification: start, ReportProgress: reportProgress,
  StateNextStep: stateNextStep, ReportPhaseResult: reportPhaseResult, CompletePhase: completePhase, ReportBasicCompletion: reportBasicCompletion,
  ReportCompletion: reportCompletion, MoveToRoutine: moveToRoutine, VerifyIssue: verify, RejectCompletion: rejectCompletion, WriteOffIssue: writeOff,
  RevokeWriteOff: revokeWriteOff, ReopenIssue: reopen, ResumeRectification: resume, TransferIssue: transferOut, CommitContinuation: commitContinuation,
  RecordLookBack: recordLookBack, CompleteResidual: completeResidual, TallySubFindings: tallySubFindings, LinkDuplicateIssue: linkDuplicate,
  LinkRecurrence: linkRecurrence, AddMeasures: addMeasures, StateStatus: stateStatus,
};

/** Total: no typed input makes it throw. No events: already so. */
export const decideIssue = <K extends IssueCommandType>(command: IssueCommand<K>, situation: IssueSituation): IssueDecision =>
  handlers[command.type](command, situation);
