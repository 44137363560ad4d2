import type { Day, EventId, Fact, FuzzyDate, IssueId, MeasureId, OrgId, PersonRef, PlanId } from '@rectrail/kernel';
import { applyEvent, type DataByType, type EventHandlers } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { effectiveDay } from '../time/counting.ts';
import type { CompletionBasis, Continuation, Disclosure, Endorsement, IssueEvent, IssueStateName, Residual, Track } from './issue.events.ts';

type DataOf<T extends IssueEvent['type']> = DataByType<IssueEvent>[T];

/** Types that say where the issue stands; the last of them in fold order is its status (rules.md section 3). Registration is none. */
export const issueStatusAssertions = [
  'IssueAccepted', 'IssuePlanned', 'IssueMarkedImmediate', 'RectificationStarted', 'PhaseResultReported', 'PhaseCompleted', 'IssueBasicallyCompleted',
  'IssueCompletionReported', 'IssueMovedToRoutine', 'IssueVerified', 'IssueVerificationRejected', 'IssueWrittenOff', 'WriteOffRevoked', 'IssueReopened',
  'RectificationResumed', 'IssueTransferredOut', 'IssueStatusStated',
] as const satisfies readonly IssueEvent['type'][];

const assertionTypes: ReadonlySet<string> = new Set(issueStatusAssertions);
export const isIssueStatusAssertion = (type: string): boolean => assertionTypes.has(type);

/** States that only the supervising side ends: a stated status does not change them, save REOPENED. */
export const determinedStates: ReadonlySet<IssueStateName> = new Set<IssueStateName>(['VERIFIED', 'WRITTEN_OFF', 'TRANSFERRED_OUT']);
/** States in which nothing is left to do, whatever dates and residuals say. */
export const doneStates: ReadonlySet<IssueStateName> = new Set<IssueStateName>(['DONE_REPORTED', ...determinedStates]);

/** The last status assertion: what the next one builds on, and how a repeated command is known. */
export interface LastAssertion {
  readonly eventId: EventId;
  readonly type: IssueEvent['type'];
  readonly first: Day;
  readonly last: Day;
  readonly data: IssueEvent['data'];
}

/** Who claims a status; for an imported claim the organisation of the report, not who imported it. */
export interface Reporter { readonly subject: string; readonly orgId: OrgId | null; readonly imported: boolean }

/** A stated status that did not change a determination; a disagreement where it says less than done. */
export interface StatedClaim { readonly state: IssueStateName; readonly printedStatus: string | null; readonly eventId: EventId; readonly last: Day }

export interface ResidualState extends Residual { readonly open: boolean }

/** The deadline from `day` on; `planned` null where a reopening ended the old one. */
export interface DeadlineEntry { readonly day: Day; readonly planned: FuzzyDate | null }

export interface DeadlineExtension {
  readonly day: Day;
  readonly from: FuzzyDate | null;
  readonly to: FuzzyDate;
  readonly reason: string;
  readonly askedBy: OrgId | null;
}

/** An issue as folded from the facts that count. `state` is the kept state; what may be shown is `shownState`. */
export interface IssueState {
  /** Null: the issue does not exist at this cut, whatever else is known of it. */
  readonly registration: DataOf<'IssueRegistered'> | null;
  readonly state: IssueStateName;
  readonly track: Track;
  /** The track of the last event that changed it; the registration gives it only where there is none. */
  readonly trackChangedTo: Track | null;
  readonly disclosure: Disclosure;
  readonly continuation: Continuation;
  readonly continuationPrinted: string | null;
  readonly continuationUntil: FuzzyDate | null;
  readonly completionBasis: CompletionBasis | null;
  readonly printedStatus: string | null;
  readonly statusBasis: 'LIVE' | 'IMPORTED_REPORT';
  readonly claim: StatedClaim | null;
  readonly disagreement: boolean;
  readonly residuals: readonly ResidualState[];
  /** The deadline in force at the end of the fold. */
  readonly planned: FuzzyDate | null;
  readonly deadlines: readonly DeadlineEntry[];
  readonly extensions: readonly DeadlineExtension[];
  /** Last day of the fact that turned the issue from open to closed; kept while it stays closed. */
  readonly closedOn: Day | null;
  readonly lastAssertion: LastAssertion | null;
  /** Who claims the present status; several where the same claim was made again, by a later phase result or by a report. */
  readonly reporters: readonly Reporter[];
  readonly leader: PersonRef | null;
  readonly departmentOrgId: OrgId | null;
  readonly planId: PlanId | null;
  readonly keyAndHard: boolean;
  readonly relapseCount: number;
  readonly lookBackOn: FuzzyDate | null;
  readonly lookBacks: readonly (DataOf<'LookBackChecked'> & { readonly day: Day })[];
  readonly endorsements: readonly Endorsement[];
  readonly measureIds: readonly MeasureId[];
  readonly subFindings: DataOf<'SubFindingsTallied'> | null;
  readonly openSubFindings: string | null;
  readonly nextSteps: readonly DataOf<'NextStepStated'>[];
  readonly duplicateOf: readonly IssueId[];
  readonly recurrenceOf: readonly IssueId[];
}

export const initialIssueState: IssueState = {
  registration: null, state: 'FED_BACK', track: 'TIMED', trackChangedTo: null, disclosure: 'STATED',
  continuation: 'NONE', continuationPrinted: null, continuationUntil: null, completionBasis: null, printedStatus: null, statusBasis: 'LIVE',
  claim: null, disagreement: false, residuals: [], planned: null, deadlines: [], extensions: [], closedOn: null, lastAssertion: null, reporters: [],
  leader: null, departmentOrgId: null, planId: null, keyAndHard: false, relapseCount: 0, lookBackOn: null, lookBacks: [], endorsements: [],
  measureIds: [], subFindings: null, openSubFindings: null, nextSteps: [], duplicateOf: [], recurrenceOf: [],
};

/** What views and counts show: a status that is not disclosed hides the kept state. */
export const shownState = (s: Pick<IssueState, 'state' | 'disclosure'>): IssueStateName | 'NOT_DISCLOSED' =>
  (s.disclosure === 'STATED' ? s.state : 'NOT_DISCLOSED');

export const hasOpenResidual = (s: Pick<IssueState, 'residuals'>): boolean => s.residuals.some((r) => r.open);
export const hasOpenDatedResidual = (s: Pick<IssueState, 'residuals'>): boolean => s.residuals.some((r) => r.open && r.planned !== undefined);

/** Closed for deadlines (rules.md section 5): BASICALLY_DONE only while nothing dated or left over is open. */
export const isClosed = (s: Pick<IssueState, 'state' | 'planned' | 'residuals'>): boolean =>
  doneStates.has(s.state) || (s.state === 'BASICALLY_DONE' && s.planned === null && !hasOpenResidual(s));

/** The deadline in force on a day: the last one given by then, null where none was or a reopening ended it. */
export const deadlineOn = (s: Pick<IssueState, 'deadlines'>, day: Day): FuzzyDate | null =>
  s.deadlines.findLast((entry) => entry.day <= day)?.planned ?? null;

const withDeadline = (s: IssueState, planned: FuzzyDate | null, fact: Fact): IssueState =>
  ({ ...s, planned, deadlines: [...s.deadlines, { day: effectiveDay(fact), planned }] });

/** A live transition: it discloses the status again, settles a standing claim; only what is done keeps its basis and its named leftovers. */
const live = (s: IssueState, state: IssueStateName, changes: Partial<IssueState> = {}): IssueState => ({
  ...s, state, disclosure: 'STATED', statusBasis: 'LIVE', printedStatus: null, claim: null, disagreement: false, reporters: [],
  ...(doneStates.has(state) ? {} : { completionBasis: null, openSubFindings: null }), ...changes,
});

/** A claim of this state; one made again has the first claimants beside the new one, so that none of them can judge it. */
const claimed = (s: IssueState, state: IssueStateName, reporter: Reporter): Pick<IssueState, 'reporters'> => ({ reporters: s.state === state ? [...s.reporters, reporter] : [reporter] });

const reported = (s: IssueState, state: IssueStateName, fact: Fact, changes: Partial<IssueState> = {}): IssueState =>
  live(s, state, { ...claimed(s, state, { subject: fact.actor.subject, orgId: fact.actor.orgId, imported: false }), ...changes });

/** The claim by which who acts would judge their own, or null: by person, for an imported one by the organisation of the report. */
export const ownClaim = (by: { readonly subject: string; readonly orgId: OrgId | null }, { reporters }: Pick<IssueState, 'reporters'>): Reporter | null =>
  reporters.find((r) => (r.imported ? by.orgId !== null && by.orgId === r.orgId : by.subject === r.subject)) ?? null;

/** Reopening ends the old date (rules.md section 5). */
const reopened = (s: IssueState, fact: Fact): IssueState => withDeadline(live(s, 'REOPENED'), null, fact);

const opened = (residuals: readonly Residual[]): readonly ResidualState[] => residuals.map((r) => ({ ...r, open: true }));
const including = <T>(list: readonly T[], more: readonly T[]): readonly T[] => [...new Set([...list, ...more])];

/** What a stated status says besides the state; it holds for a mere claim as well. */
const withStatedAttributes = (s: IssueState, stated: DataOf<'IssueStatusStated'>): IssueState => ({
  ...s,
  track: stated.track ?? s.track,
  trackChangedTo: stated.track ?? s.trackChangedTo,
  disclosure: stated.disclosure,
  ...(stated.continuation === 'NONE' ? {} : { continuation: stated.continuation, continuationPrinted: stated.continuationPrinted, continuationUntil: null }),
  residuals: stated.state === null ? s.residuals : opened(stated.residuals),
});

/**
 * A stated status is a claim: it changes the state unless that is a determination, which only a stated REOPENED ends.
 * Printed without a state, it leaves the state and says only how far it is disclosed.
 */
const stated = (before: IssueState, data: DataOf<'IssueStatusStated'>, fact: Fact): IssueState => {
  const s = withStatedAttributes(before, data);
  const { state, printedStatus } = data;
  if (state === null) return { ...s, printedStatus };
  if (determinedStates.has(s.state) && state !== 'REOPENED') {
    return { ...s, claim: { state, printedStatus, eventId: fact.eventId, last: effectiveDay(fact) }, disagreement: !doneStates.has(state) };
  }
  const changed: IssueState = {
    ...s, state, printedStatus, statusBasis: 'IMPORTED_REPORT', completionBasis: data.completionBasis, claim: null, disagreement: false,
    ...claimed(s, state, { subject: fact.actor.subject, orgId: fact.scope.orgId, imported: true }),
  };
  if (state !== 'REOPENED') return changed;
  return withDeadline({ ...changed, relapseCount: s.relapseCount + (s.state === 'REOPENED' ? 0 : 1) }, null, fact);
};

const handlers: EventHandlers<IssueEvent, IssueState> = {
  IssueRegistered: (s, d) => ({ ...s, registration: d, track: s.trackChangedTo ?? d.track }),
  IssueAccepted: (s, d) => live(s, 'REGISTERED', { leader: d.leader ?? s.leader }),
  IssueAssigned: (s, d) => ({ ...s, leader: d.leader ?? s.leader, departmentOrgId: d.departmentOrgId ?? s.departmentOrgId }),
  IssuePlanned: (s, d) => live(s, 'PLANNED', { planId: d.planId }),
  DeadlineSet: (s, d, fact) => withDeadline(s, d.planned, fact),
  DeadlineExtended: (s, d, fact) => withDeadline(
    { ...s, extensions: [...s.extensions, { day: effectiveDay(fact), from: s.planned, to: d.planned, reason: d.reason, askedBy: d.askedBy }] }, d.planned, fact),
  IssueMarkedImmediate: (s) => live(s, 'IN_PROGRESS', { track: 'IMMEDIATE', trackChangedTo: 'IMMEDIATE' }),
  IssueClassifiedLongTerm: (s) => ({ ...s, track: 'LONG_TERM', trackChangedTo: 'LONG_TERM' }),
  IssueMarkedKeyAndHard: (s) => ({ ...s, keyAndHard: true }),
  RectificationStarted: (s) => live(s, 'IN_PROGRESS'),
  ProgressReported: (s) => s,
  NextStepStated: (s, d) => ({ ...s, nextSteps: [...s.nextSteps, d] }),
  PhaseResultReported: (s, _d, fact) => reported(s, 'PHASED', fact),
  PhaseCompleted: (s, _d, fact) => reported(s, 'PHASED', fact),
  IssueBasicallyCompleted: (s, d, fact) => reported(s, 'BASICALLY_DONE', fact, { residuals: opened(d.residuals) }),
  IssueCompletionReported: (s, d, fact) => reported(s, 'DONE_REPORTED', fact, { completionBasis: d.basis, openSubFindings: d.openSubFindings }),
  IssueMovedToRoutine: (s, d) => live(s, 'VERIFIED', {
    reporters: s.reporters, continuation: d.continuation, continuationPrinted: null, continuationUntil: null, lookBackOn: d.lookBackOn }),
  IssueVerified: (s) => live(s, 'VERIFIED', { reporters: s.reporters }),
  IssueVerificationRejected: (s) => live(s, 'IN_PROGRESS'),
  IssueWrittenOff: (s, d) => live(s, 'WRITTEN_OFF', { reporters: s.reporters, endorsements: d.endorsements }),
  WriteOffRevoked: (s, _d, fact) => reopened(s, fact),
  IssueReopened: (s, _d, fact) => ({ ...reopened(s, fact), relapseCount: s.relapseCount + 1 }),
  RectificationResumed: (s, d, fact) => (d.planned === null ? live(s, 'IN_PROGRESS') : withDeadline(live(s, 'IN_PROGRESS'), d.planned, fact)),
  IssueTransferredOut: (s) => live(s, 'TRANSFERRED_OUT'),
  ContinuationCommitted: (s, d) => ({ ...s, continuation: d.continuation, continuationPrinted: d.text, continuationUntil: d.until }),
  LookBackChecked: (s, d, fact) => ({ ...s, lookBacks: [...s.lookBacks, { ...d, day: effectiveDay(fact) }] }),
  ResidualCompleted: (s, d) => ({ ...s, residuals: s.residuals.map((r) => (r.key === d.key ? { ...r, open: false } : r)) }),
  SubFindingsTallied: (s, d) => ({ ...s, subFindings: d }),
  DuplicateIssueLinked: (s, d) => ({ ...s, duplicateOf: including(s.duplicateOf, [d.issueId]) }),
  RecurrenceLinked: (s, d) => ({ ...s, recurrenceOf: including(s.recurrenceOf, [d.previousIssueId]) }),
  IssueMeasuresAdded: (s, d) => ({ ...s, measureIds: including(s.measureIds, d.measureIds) }),
  IssueStatusStated: stated,
};

/**
 * One fold step: total on every subset of the facts in any order, never validates. `closedOn` is taken after each fact, not
 * at the assertion alone, because BASICALLY_DONE closes with its last residual and opens again with a new deadline.
 */
export const evolveIssue = (state: IssueState, fact: Fact<IssueEvent | FactsRetracted>): IssueState => {
  const { event } = fact;
  if (event.type === 'FactsRetracted') return state;
  const next = applyEvent<DataByType<IssueEvent>, IssueState, IssueEvent['type']>(handlers, state, event, fact);
  const day = effectiveDay(fact);
  const closedOn = isClosed(next) ? state.closedOn ?? day : null;
  if (!isIssueStatusAssertion(event.type)) return closedOn === next.closedOn ? next : { ...next, closedOn };
  return { ...next, closedOn, lastAssertion: { eventId: fact.eventId, type: event.type, first: fact.validTime?.first ?? day, last: day, data: event.data } };
};

/** The fold over facts in fold order (time/counting.ts gives them). */
export const foldIssue = (facts: readonly Fact<IssueEvent | FactsRetracted>[]): IssueState => facts.reduce(evolveIssue, initialIssueState);
