import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type FuzzyDate } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { inFoldOrder } from '../time/counting.ts';
import { refuseBeforeBasis, refuseFuture, type Basis, type LiveSituation } from '../time/live-command.ts';
import type { PlanCommand, PlanRejection } from './plan.commands.ts';
import type { PlanEvent } from './plan.events.ts';
import { evolvePlan, initialPlanState, missingConsents, type PlanState, type PlanStatus } from './plan.state.ts';

type PlanDecision = Decision<PlanEvent, PlanRejection>;
type Situation = LiveSituation<PlanState>;
type Command<T extends PlanCommand['type']> = Extract<PlanCommand, { type: T }>;

const unknownPlan: PlanRejection = { code: 'unknown-plan', detail: 'the plan has not been drafted' };

/** In which status each event may happen. A revision is always possible: it voids what was submitted and what was consented. */
const allowedIn: Readonly<Record<Exclude<PlanEvent['type'], 'PlanDrafted'>, readonly PlanStatus[]>> = {
  PlanSubmitted: ['DRAFTED'],
  PlanConsented: ['SUBMITTED'],
  PlanReturned: ['SUBMITTED'],
  PlanRevised: ['DRAFTED', 'SUBMITTED', 'RETURNED', 'ISSUED'],
  PlanIssued: ['SUBMITTED'],
};

const illegal = (state: PlanState, type: keyof typeof allowedIn): PlanRejection | null =>
  state.status !== null && allowedIn[type].includes(state.status) ? null : {
    code: 'illegal-plan-transition', detail: `${type} is not possible while the plan is ${state.status}`, status: state.status, allowedIn: allowedIn[type],
  };

/** Consents may come in any order among each other; everything else comes after all that happened before it. */
const basisOf = (state: PlanState, type: PlanEvent['type']): Basis | null => {
  if (type === 'PlanConsented') return state.lastStep;
  const consents = state.consents.flatMap(({ on }) => (on === null ? [] : [{ type: 'PlanConsented', last: on.last }]));
  return [...consents, ...(state.lastStep === null ? [] : [state.lastStep])].toSorted((a, b) => (a.last < b.last ? 1 : -1))[0] ?? null;
};

const refused = (type: keyof typeof allowedIn, on: FuzzyDate, { then, now, correction }: Situation): PlanRejection | null =>
  now.identity === null ? unknownPlan : (refuseBeforeBasis(on, basisOf(now, type), correction) ?? illegal(then, type));

const draft = ({ data }: Command<'DraftPlan'>, { now }: Situation): PlanDecision => {
  if (now.identity === null) return accept({ type: 'PlanDrafted', data });
  const same = now.identity.planId === data.planId && now.identity.orgId === data.orgId && now.identity.inspectionId === data.inspectionId
    && now.title === data.title && now.issueIds.join() === data.issueIds.join();
  return same ? nothing() : reject({ code: 'plan-already-drafted', detail: `plan ${data.planId} is ${now.status}` });
};

const submit = ({ on, data }: Command<'SubmitPlan'>, situation: Situation): PlanDecision => {
  const { status, approvers } = situation.now;
  if (status === 'SUBMITTED' && approvers.join() === data.approvers.join()) return nothing();
  const refusal = refused('PlanSubmitted', on, situation);
  return refusal === null ? accept({ type: 'PlanSubmitted', data }) : reject(refusal);
};

const notApprover = (approver: string, { approvers }: PlanState): PlanRejection | null => (approvers.includes(approver) ? null : {
  code: 'not-an-approver', detail: `${approver} is not among the approvers of the submission`, approvers,
});

/** Each approver once, and each person once: one hand does not give the consent of two. */
const consent = ({ on, by, data }: Command<'ConsentToPlan'>, situation: Situation): PlanDecision => {
  const refusal = refused('PlanConsented', on, situation) ?? notApprover(data.approver, situation.then);
  if (refusal !== null) return reject(refusal);
  const given = situation.now.consents.find(({ approver, subject }) => approver === data.approver || subject === by.subject);
  return given === undefined
    ? accept({ type: 'PlanConsented', data })
    : reject({ code: 'already-consented', detail: `${given.approver} has consented already`, approver: given.approver });
};

const returnPlan = ({ on, data }: Command<'ReturnPlan'>, situation: Situation): PlanDecision => {
  const refusal = refused('PlanReturned', on, situation) ?? notApprover(data.approver, situation.then);
  return refusal === null ? accept({ type: 'PlanReturned', data }) : reject(refusal);
};

const revise = ({ on, data }: Command<'RevisePlan'>, situation: Situation): PlanDecision => {
  const refusal = refused('PlanRevised', on, situation);
  if (refusal !== null) return reject(refusal);
  const { status, title, issueIds } = situation.then;
  return status === 'DRAFTED' && title === data.title && issueIds.join() === data.issueIds.join() ? nothing() : accept({ type: 'PlanRevised', data });
};

const issuePlan = ({ on }: Command<'IssuePlan'>, situation: Situation): PlanDecision => {
  const { then, now } = situation;
  if (now.status === 'ISSUED' && now.issuedOn?.last === on.last) return nothing();
  const refusal = refused('PlanIssued', on, situation);
  if (refusal !== null) return reject(refusal);
  const missing = missingConsents(then);
  return missing.length === 0
    ? accept({ type: 'PlanIssued', data: { version: then.version + 1 } })
    : reject({ code: 'consents-missing', detail: `not yet consented: ${missing.join(', ')}`, missing });
};

/** `situation.then` is the state on the last day of the command's `on`, `situation.now` today's. */
export const decidePlan = (command: PlanCommand, situation: Situation): PlanDecision => {
  const future = refuseFuture(command.on, situation.today);
  if (future !== null) return reject(future);
  switch (command.type) {
    case 'DraftPlan': return draft(command, situation);
    case 'SubmitPlan': return submit(command, situation);
    case 'ConsentToPlan': return consent(command, situation);
    case 'ReturnPlan': return returnPlan(command, situation);
    case 'RevisePlan': return revise(command, situation);
    case 'IssuePlan': return issuePlan(command, situation);
    default: return assertNever(command);
  }
};

const isMet = (state: PlanState, event: PlanEvent): boolean => {
  if (event.type === 'PlanDrafted') return true;
  if (illegal(state, event.type) !== null) return false;
  if (event.type === 'PlanConsented' || event.type === 'PlanReturned') return state.approvers.includes(event.data.approver);
  return event.type !== 'PlanIssued' || missingConsents(state).length === 0;
};

/** Of the facts that count, those that the plan as folded up to them does not allow: each step builds on the one before. */
export const unmetPlanNeeds = (countingFacts: readonly Fact<PlanEvent | FactsRetracted>[]): readonly EventId[] => {
  const lacking: EventId[] = [];
  let state = initialPlanState;
  for (const fact of inFoldOrder(countingFacts)) {
    if (fact.event.type !== 'FactsRetracted' && !isMet(state, fact.event)) lacking.push(fact.eventId);
    state = evolvePlan(state, fact);
  }
  return lacking;
};
