import type { InspectionId, IssueId, PlanId } from '@rectrail/kernel';
import { wire } from '@rectrail/tracking-domain';
import { actingOn, frameOf, live, make, requireNamed } from '../aggregate.ts';
import { inspections, plans } from '../aggregates.ts';
import { orgRef } from '../body-schema.ts';
import { defineCommand, type CommandDefinition } from '../command-definition.ts';
import { requireOwner } from '../organisations.ts';
import { policyOf, requireOwnIssues } from './issue-rules.ts';

const content = { title: wire.title, issueIds: wire.listOf(wire.uuidOf<IssueId>()) };

const draftPlan = defineCommand({
  name: 'DraftPlan',
  path: '/plans',
  summary: 'Draft a rectification plan (整改方案) for issues of an organisation',
  body: live({ inspectionId: wire.uuidOf<InspectionId>(), org: orgRef.optional().describe('Default the inspected organisation'), ...content }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, org, inspectionId, title, issueIds }) => {
    const { scope: inspected } = await requireNamed(inspections, context, unit, { id: inspectionId, pointer: '/inspectionId' });
    const orgId = await requireOwner(context, unit, org ?? inspected.orgId ?? '');
    await requireOwnIssues(context, unit, orgId, issueIds);
    const id = context.newId('plan') as PlanId;
    const frame = frameOf(context, on);
    return make(plans, context, unit, { id, scope: { orgId, inspectionId }, frame, command: { type: 'DraftPlan', ...frame, data: { planId: id, orgId, inspectionId, title, issueIds } } });
  },
});

const act = actingOn(plans);

export const planCommands: readonly CommandDefinition[] = [
  draftPlan,
  act({
    name: 'SubmitPlan', verb: 'submit', summary: 'Submit the plan to the approvers that the policy in force names', body: live({}),
    command: async (_body, { frame, unit, scope }) => ({ type: 'SubmitPlan', ...frame, data: { approvers: (await policyOf(unit, scope.orgId, frame.on.last)).approvers } }),
  }),
  act({
    name: 'ConsentToPlan', verb: 'consent', summary: 'Consent to the submitted plan, in the role that the token gives', body: live({}),
    command: (_body, { frame }) => ({ type: 'ConsentToPlan', ...frame, data: { approver: frame.by.role } }),
  }),
  act({
    name: 'ReturnPlan', verb: 'return', summary: 'Return the submitted plan, in the role that the token gives', body: live({ reason: wire.freeText }),
    command: ({ reason }, { frame }) => ({ type: 'ReturnPlan', ...frame, data: { approver: frame.by.role, reason } }),
  }),
  act({
    name: 'RevisePlan', verb: 'revise', summary: 'Revise the plan; consents given so far end', body: live(content),
    command: async ({ title, issueIds }, { frame, context, unit, scope }) => {
      await requireOwnIssues(context, unit, scope.orgId, issueIds);
      return { type: 'RevisePlan', ...frame, data: { title, issueIds } };
    },
  }),
  act({
    name: 'IssuePlan', verb: 'issue', summary: 'Issue the plan, all approvers having consented', body: live({}),
    command: (_body, { frame }) => ({ type: 'IssuePlan', ...frame, data: {} }),
  }),
];
