import type { Actor, EventId, Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { refuseIllegal } from '../time/transition.ts';
import type { IssueEvent } from './issue.events.ts';
import { evolveIssue, hasOpenResidual, initialIssueState, ownClaim, type IssueState } from './issue.state.ts';
import { issueTransitions, lookBackStates } from './issue.transitions.ts';

const determinations: ReadonlySet<IssueEvent['type']> = new Set<IssueEvent['type']>(['IssueVerified', 'IssueVerificationRejected', 'IssueMovedToRoutine']);

/** What a live fact found in place when it was decided and must still find (rules.md section 2, `built-upon`). */
const findsItsBasis = (s: IssueState, event: IssueEvent, actor: Actor): boolean => {
  if (refuseIllegal(s, event.type, issueTransitions) !== null) return false;
  // A correction of the claim must not make its judge the claimant.
  if (determinations.has(event.type) && ownClaim(actor, s) !== null) return false;
  if (event.type === 'IssueCompletionReported') return !hasOpenResidual(s);
  if (event.type === 'IssueMovedToRoutine') return s.track === 'LONG_TERM';
  if (event.type === 'DeadlineExtended') return s.planned !== null;
  if (event.type === 'ResidualCompleted') return s.residuals.some((r) => r.key === event.data.key);
  return event.type !== 'LookBackChecked' || lookBackStates.includes(s.state);
};

/**
 * Events whose needs are not met, given the counting facts in fold order. All need the issue to exist, imported ones too; a live
 * one also needs the status, deadline or residual on which it was decided, and another's claim where it judges one. An imported status states what it states.
 */
export const unmetIssueNeeds = (facts: readonly Fact<IssueEvent | FactsRetracted>[]): readonly EventId[] => {
  if (!facts.some((fact) => fact.event.type === 'IssueRegistered')) return facts.map((fact) => fact.eventId);
  const unmet: EventId[] = [];
  let state = initialIssueState;
  for (const fact of facts) {
    const { event } = fact;
    if (event.type !== 'FactsRetracted' && fact.source === undefined && !findsItsBasis(state, event, fact.actor)) unmet.push(fact.eventId);
    state = evolveIssue(state, fact);
  }
  return unmet;
};

/** The open residuals that completing a measure completes as well (rules.md section 3); both are staged in one append. */
export const residualsOfMeasure = (s: Pick<IssueState, 'residuals'>, measureId: string): readonly string[] =>
  s.residuals.filter((r) => r.open && r.measureId === measureId).map((r) => r.key);
