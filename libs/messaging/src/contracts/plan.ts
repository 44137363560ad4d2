import type { InspectionId, IssueId, OrgId, PlanId } from '@rectrail/kernel';
import { evolvePlan, initialPlanState, planEventDefinitions, planStatuses, wire, type PlanEvent, type PlanState } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf, messageDate, onTold } from './contract.ts';

const issueIds = listOf(wire.uuidOf<IssueId>());

export const planState = z.object({
  planId: wire.uuidOf<PlanId>(),
  orgId: wire.uuidOf<OrgId>(),
  inspectionId: wire.uuidOf<InspectionId>(),
  title: wire.title,
  status: z.enum(planStatuses),
  issueIds,
  approvers: wire.count.describe('who must consent to the submission at hand'),
  consents: wire.count,
  version: wire.count.describe('of the last version issued; 0 before the first'),
  issuedOn: messageDate.nullable(),
  issuedFor: issueIds.describe('the issues of that version'),
});

const tell = (s: PlanState): z.output<typeof planState> | null => {
  if (s.identity === null || s.status === null) return null;
  const { planId, orgId, inspectionId } = s.identity;
  return {
    planId, orgId, inspectionId, title: s.title, status: s.status, issueIds: s.issueIds, approvers: s.approvers.length, consents: s.consents.length,
    version: s.version, issuedOn: onTold(s.issuedOn), issuedFor: s.issuedFor,
  };
};

export const planContract = contractOf<PlanEvent, PlanState, typeof planState>({
  noun: 'plans', singular: 'plan', events: planEventDefinitions, state: planState, initial: initialPlanState, fold: evolvePlan, tell,
});
