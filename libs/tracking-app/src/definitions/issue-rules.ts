import type { UnitOfWork } from '@rectrail/event-store';
import type { Day, IssueId, OrgId, PlanId } from '@rectrail/kernel';
import {
  foldMeasure, policyAt, streams, type IssueSituation, type IssueState, type MeasureEvent, type PolicyContent, type PolicyEvent, type PolicyInForce,
} from '@rectrail/tracking-domain';
import { requireAggregate, type Acting } from '../aggregate.ts';
import { issues, plans } from '../aggregates.ts';
import type { CommandContext } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { countingOn, factsOf } from '../situation.ts';

/** Issues that a plan or a funds case names: each exists and has the same owner as what names it. */
export const requireOwnIssues = async (context: CommandContext, unit: UnitOfWork, orgId: OrgId | null, issueIds: readonly IssueId[]): Promise<void> => {
  await unit.loadMany(issueIds.map((id) => issues.stream(id)));
  for (const [i, id] of issueIds.entries()) {
    const pointer = `/issueIds/${i}`;
    const { scope } = await requireAggregate(issues, context, unit, { id, pointer });
    if (scope.orgId === orgId) continue;
    const detail = `issue ${id} belongs to organisation ${scope.orgId}`;
    throw new CommandRejected('owned-by-another', detail, { errors: [{ pointer, code: 'owned-by-another', detail }] });
  }
};

/** The issue's situation with the measures that its plan and its completion depend on. */
export const withMeasures = async ({ context, unit, situation }: Acting<IssueState>): Promise<IssueSituation> => {
  const { measureIds } = situation.now;
  await unit.loadMany(measureIds.map((id) => streams.measure(id)));
  const measures = await Promise.all(measureIds.map(async (measureId) =>
    ({ measureId, state: foldMeasure(countingOn(unit, await factsOf<MeasureEvent>(unit, streams.measure(measureId)), context.today)) })));
  return { ...situation, measures };
};

/** The newest in force of the owner's own on that day, else the default. @throws CommandRejected `unknown-policy` before the first start. */
export const policyInForce = async (unit: UnitOfWork, orgId: OrgId | null, on: Day): Promise<PolicyInForce> => {
  const candidates = [...(orgId === null ? [] : [streams.policy(orgId)]), streams.defaultPolicy];
  for (const stream of candidates) {
    const inForce = policyAt(countingOn(unit, await factsOf<PolicyEvent>(unit, stream), on));
    if (inForce !== null) return inForce;
  }
  throw new CommandRejected('unknown-policy', 'the installation has no default policy');
};

export const policyOf = async (unit: UnitOfWork, orgId: OrgId | null, on: Day): Promise<PolicyContent> => (await policyInForce(unit, orgId, on)).content;

/**
 * The plan under which an issue is planned: issued, and naming the issue. Without one only where the policy asks no consent,
 * so that a plan cannot be passed by.
 */
export const approvedPlan = async (planId: PlanId | null, { context, unit, id, scope, frame }: Acting<IssueState>): Promise<PlanId | null> => {
  if (planId === null) {
    const { approvers } = await policyOf(unit, scope.orgId, frame.on.last);
    if (approvers.length === 0) return null;
    throw new CommandRejected('plan-required', `the policy in force asks the consent of ${approvers.join(', ')}: name the issued plan`, { errors: [{ pointer: '/planId', code: 'plan-required', detail: 'no plan is named' }], extensions: { approvers } });
  }
  const { state } = await requireAggregate(plans, context, unit, { id: planId, pointer: '/planId' });
  if (state.version === 0) throw new CommandRejected('plan-not-issued', `plan ${planId} is ${state.status}, not yet issued`);
  const named = state.issuedFor.find((issueId) => issueId === id);
  if (named === undefined || state.identity === null) throw new CommandRejected('issue-not-in-plan', `plan ${planId} does not name issue ${id}`);
  return state.identity.planId;
};
