import type { InspectionId, IssueId, OrgId, PlanId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, freeText, listOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import type { PlanEvent } from '../plan.events.ts';

const issueIds = listOf(uuidOf<IssueId>());
/** The name of a role in the policy, never of a person. */
const approver = title;

/** The newest version of each event of a plan. */
export const planEventSchemas = {
  PlanDrafted: z.strictObject({ planId: uuidOf<PlanId>(), orgId: uuidOf<OrgId>(), inspectionId: uuidOf<InspectionId>(), title, issueIds }),
  PlanSubmitted: z.strictObject({ approvers: listOf(approver) }),
  PlanConsented: z.strictObject({ approver }),
  PlanReturned: z.strictObject({ approver, reason: freeText }),
  PlanRevised: z.strictObject({ title, issueIds }),
  PlanIssued: z.strictObject({ version: z.int().min(1) }),
} satisfies EventSchemas<PlanEvent>;

export const planEventDefinitions = definitionsOf(planEventSchemas);
