import type { InspectionId, IssueId, OrgId, MeasureId, PersonRef, PlanId } from '@rectrail/kernel';
import { completionBases, continuations, endorsementKinds, numberKey, reopenKinds, tracks, wire, type IssueState } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { actingOn, frameOf, live, make, requireNamed, type Acting } from '../aggregate.ts';
import { inspections, issues } from '../aggregates.ts';
import { dateValue, orgRef, orNull } from '../body-schema.ts';
import { defineCommand, type CommandDefinition } from '../command-definition.ts';
import { requireKnown, requireOwner } from '../organisations.ts';
import { approvedPlan, withMeasures } from './issue-rules.ts';

const personRef = wire.slugOf<PersonRef>().describe('Opaque reference into the person directory, never a name');
const issueId = wire.uuidOf<IssueId>();
const texts = wire.listOf(wire.title);

const registerIssue = defineCommand({
  name: 'RegisterIssue',
  path: '/issues',
  summary: 'Register an issue that an inspection fed back; it exists from the day of the feedback unless `on` says otherwise',
  body: live({
    inspectionId: wire.uuidOf<InspectionId>(),
    org: orgRef.optional().describe('The lead organisation; default the inspected one'),
    // Short enough that the sort key made of them stays within its limit.
    numberPath: z.array(wire.title.max(16)).min(1).max(10).describe('The printed numbers from the part down to the issue: ["二、", "(一)", "3."]'),
    aspect: orNull(wire.title),
    heading: orNull(wire.title),
    title: wire.title,
    strand: orNull(wire.title),
    annex: z.boolean().default(false),
    track: z.enum(tracks).default('TIMED'),
    assisting: wire.listOf(orgRef).default([]).describe('Assisting organisations (配合单位); the issue is never counted there'),
  }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, org, assisting, inspectionId, ...data }) => {
    const { state, scope } = await requireNamed(inspections, context, unit, { id: inspectionId, pointer: '/inspectionId' });
    const orgId = await requireOwner(context, unit, org ?? scope.orgId ?? '');
    const assistingOrgIds: OrgId[] = [];
    for (const [i, reference] of assisting.entries()) assistingOrgIds.push(await requireKnown(context, unit, reference, `/assisting/${i}`));
    const id = context.newId('issue') as IssueId;
    const frame = frameOf(context, on, state.feedback?.on);
    return make(issues, context, unit, {
      id, scope: { orgId, inspectionId }, frame,
      command: { type: 'RegisterIssue', ...frame, data: { ...data, issueId: id, orgId, inspectionId, assistingOrgIds, numberKey: numberKey(data.numberPath) } },
    });
  },
});

const act = actingOn(issues);

const department = orgRef.nullable().default(null).describe('The responsible department or unit, by id or code');

const departmentOf = async (reference: string | null, { context, unit }: Acting<IssueState>) =>
  (reference === null ? null : requireKnown(context, unit, reference, '/department'));

const planning: readonly CommandDefinition[] = [
  act({
    name: 'AcceptIssue', verb: 'accept', summary: 'Take the issue over (认领)', body: live({ leader: orNull(personRef) }),
    command: ({ leader }, { frame }) => ({ type: 'AcceptIssue', ...frame, data: { leader } }),
  }),
  act({
    name: 'AssignIssue', verb: 'assign', summary: 'Name the responsible leader and department', body: live({ leader: orNull(personRef), department }),
    command: async ({ leader, department: reference }, acting) =>
      ({ type: 'AssignIssue', ...acting.frame, data: { leader, departmentOrgId: await departmentOf(reference, acting) } }),
  }),
  act({
    name: 'PlanIssue', verb: 'plan', summary: 'The plan for this issue is settled: measures, leader, department, and a deadline or the long-term track',
    body: live({
      planId: orNull(wire.uuidOf<PlanId>()).describe('The issued plan; needed where the policy names approvers'),
      leader: orNull(personRef), department, planned: orNull(dateValue),
    }),
    command: async ({ planId, leader, department: reference, planned }, acting) => ({
      type: 'PlanIssue', ...acting.frame, data: { planId: await approvedPlan(planId, acting), leader, departmentOrgId: await departmentOf(reference, acting), planned },
    }),
    situation: (_body, acting) => withMeasures(acting),
  }),
  act({
    name: 'SetDeadline', verb: 'deadline', summary: 'Set the deadline', body: live({ planned: dateValue }),
    command: ({ planned }, { frame }) => ({ type: 'SetDeadline', ...frame, data: { planned } }),
  }),
  act({
    name: 'ExtendDeadline', verb: 'extend-deadline', summary: 'Grant a later deadline, with its reason',
    body: live({ planned: dateValue, reason: wire.freeText, askedBy: orgRef.nullable().default(null).describe('Who asked for it, by id or code') }),
    command: async ({ planned, reason, askedBy }, { frame, context, unit }) =>
      ({ type: 'ExtendDeadline', ...frame, data: { planned, reason, askedBy: askedBy === null ? null : await requireKnown(context, unit, askedBy, '/askedBy') } }),
  }),
  act({
    name: 'MarkImmediate', verb: 'mark-immediate', summary: 'Rectified at once (立行立改): work begins without a plan', body: live({}),
    command: (_body, { frame }) => ({ type: 'MarkImmediate', ...frame, data: {} }),
  }),
  act({
    name: 'ClassifyLongTerm', verb: 'classify-long-term', summary: 'Put the issue on the long-term track (长期任务)', body: live({ reason: wire.freeText }),
    command: ({ reason }, { frame }) => ({ type: 'ClassifyLongTerm', ...frame, data: { reason } }),
  }),
  act({
    name: 'MarkKeyAndHard', verb: 'key-and-hard', summary: 'Mark as a key and hard issue (重点难点问题)', body: live({}),
    command: (_body, { frame }) => ({ type: 'MarkKeyAndHard', ...frame, data: {} }),
  }),
];

const residuals = z.array(z.strictObject({
  key: wire.title,
  printed: wire.title,
  planned: dateValue.exactOptional(),
  measureId: wire.uuidOf<MeasureId>().exactOptional(),
})).max(wire.listItemsMax);
const phase = live({ result: wire.freeText, nextStep: wire.freeText });

const working: readonly CommandDefinition[] = [
  act({ name: 'StartRectification', verb: 'start', summary: 'The first action is taken', body: live({}), command: (_body, { frame }) => ({ type: 'StartRectification', ...frame, data: {} }) }),
  act({
    name: 'ReportProgress', verb: 'progress', summary: 'Report progress; the status stays', body: live({ text: wire.freeText }),
    command: ({ text }, { frame }) => ({ type: 'ReportProgress', ...frame, data: { text } }),
  }),
  act({
    name: 'StateNextStep', verb: 'next-step', summary: 'State what comes next (下一步)', body: live({ text: wire.freeText, planned: orNull(dateValue) }),
    command: ({ text, planned }, { frame }) => ({ type: 'StateNextStep', ...frame, data: { text, planned } }),
  }),
  act({
    name: 'ReportPhaseResult', verb: 'phase-result', summary: 'Report a phase result (阶段性成效)', body: phase,
    command: ({ result, nextStep }, { frame }) => ({ type: 'ReportPhaseResult', ...frame, data: { result, nextStep } }),
  }),
  act({
    name: 'CompletePhase', verb: 'complete-phase', summary: 'Complete a phase (阶段性完成)', body: phase,
    command: ({ result, nextStep }, { frame }) => ({ type: 'CompletePhase', ...frame, data: { result, nextStep } }),
  }),
  act({
    name: 'ReportBasicCompletion', verb: 'basic-completion', summary: 'Report the issue as basically completed (基本完成), with what is left of it', body: live({ residuals: residuals.default([]) }),
    command: (body, { frame }) => ({ type: 'ReportBasicCompletion', ...frame, data: { residuals: body.residuals } }),
  }),
  act({
    name: 'ReportCompletion', verb: 'completion', summary: 'Report the issue as completed: a claim, not yet a determination',
    body: live({ basis: z.enum(completionBases).default('RECTIFIED'), result: orNull(wire.freeText), openSubFindings: orNull(wire.freeText) }),
    command: ({ basis, result, openSubFindings }, { frame }) => ({ type: 'ReportCompletion', ...frame, data: { basis, result, openSubFindings } }),
    situation: (_body, acting) => withMeasures(acting),
  }),
  act({
    name: 'CompleteResidual', verb: 'complete-residual', summary: 'A residual item is completed', body: live({ key: wire.title }),
    command: ({ key }, { frame }) => ({ type: 'CompleteResidual', ...frame, data: { key } }),
  }),
  act({
    name: 'TallySubFindings', verb: 'sub-findings', summary: 'Count the sub-findings found and fixed',
    body: live({ found: wire.count, fixed: orNull(wire.count), unit: wire.title, categories: orNull(wire.count) }),
    command: ({ found, fixed, unit, categories }, { frame }) => ({ type: 'TallySubFindings', ...frame, data: { found, fixed, unit, categories } }),
  }),
  act({
    name: 'CommitContinuation', verb: 'continuation', summary: 'Commit to what is kept up after completion (持续落实)',
    body: live({ continuation: z.enum(continuations), text: orNull(wire.freeText), until: orNull(dateValue) }),
    command: ({ continuation, text, until }, { frame }) => ({ type: 'CommitContinuation', ...frame, data: { continuation, text, until } }),
  }),
  act({
    name: 'LinkDuplicateIssue', verb: 'link-duplicate', summary: 'State that another issue is the same one', body: live({ issueId }),
    command: async (body, { frame, context, unit }) => {
      await requireNamed(issues, context, unit, { id: body.issueId, pointer: '/issueId' });
      return { type: 'LinkDuplicateIssue', ...frame, data: { issueId: body.issueId } };
    },
  }),
  act({
    name: 'LinkRecurrence', verb: 'link-recurrence', summary: 'State that the issue repeats one of an earlier round', body: live({ previousIssueId: issueId }),
    command: async ({ previousIssueId }, { frame, context, unit }) => {
      await requireNamed(issues, context, unit, { id: previousIssueId, pointer: '/previousIssueId' });
      return { type: 'LinkRecurrence', ...frame, data: { previousIssueId } };
    },
  }),
];

const endorsements = z.array(z.strictObject({ kind: z.enum(endorsementKinds), by: personRef })).max(endorsementKinds.length)
  .describe('主体责任, 监督责任 and 执行责任, each signed by a person of its own');

const judging: readonly CommandDefinition[] = [
  act({
    name: 'MoveToRoutine', verb: 'routine', summary: 'A long-term task becomes routine (常态化管理), with a look-back ahead',
    body: live({ continuation: z.enum(continuations), lookBackOn: dateValue }),
    command: ({ continuation, lookBackOn }, { frame }) => ({ type: 'MoveToRoutine', ...frame, data: { continuation, lookBackOn } }),
  }),
  act({
    name: 'VerifyIssue', verb: 'verify', summary: 'Accept the reported completion (验收); nobody verifies their own report', ifMatch: 'required',
    body: live({ record: wire.title.describe('The acceptance record'), evidence: texts.default([]) }),
    command: ({ record, evidence }, { frame }) => ({ type: 'VerifyIssue', ...frame, data: { record, evidence } }),
  }),
  act({
    name: 'RejectCompletion', verb: 'return', summary: 'Return a reported completion, with the reason', ifMatch: 'required', body: live({ reason: wire.freeText }),
    command: ({ reason }, { frame }) => ({ type: 'RejectCompletion', ...frame, data: { reason } }),
  }),
  act({
    name: 'WriteOffIssue', verb: 'write-off', summary: 'Write the issue off (销号) by slip and three endorsements', ifMatch: 'required',
    body: live({ slip: wire.title.describe('The write-off slip (对账销号单)'), endorsements }),
    command: (body, { frame }) => ({ type: 'WriteOffIssue', ...frame, data: { slip: body.slip, endorsements: body.endorsements } }),
  }),
  act({
    name: 'RevokeWriteOff', verb: 'revoke-write-off', summary: 'Revoke a write-off that was on paper only (纸上销号)', ifMatch: 'required', body: live({ reason: wire.freeText }),
    command: ({ reason }, { frame }) => ({ type: 'RevokeWriteOff', ...frame, data: { reason } }),
  }),
  act({
    name: 'ReopenIssue', verb: 'reopen', summary: 'Reopen an issue that relapsed (反弹) or was never rectified', body: live({ kind: z.enum(reopenKinds), finding: wire.freeText }),
    command: ({ kind, finding }, { frame }) => ({ type: 'ReopenIssue', ...frame, data: { kind, finding } }),
  }),
  act({
    name: 'ResumeRectification', verb: 'resume', summary: 'Take a reopened issue up again, with a new deadline', body: live({ planned: orNull(dateValue) }),
    command: ({ planned }, { frame }) => ({ type: 'ResumeRectification', ...frame, data: { planned } }),
  }),
  act({
    name: 'TransferIssue', verb: 'transfer-out', summary: 'Hand the issue over to a body outside (移交), with its basis', body: live({ to: wire.title, basis: wire.freeText }),
    command: ({ to, basis }, { frame }) => ({ type: 'TransferIssue', ...frame, data: { to, basis } }),
  }),
  act({
    name: 'RecordLookBack', verb: 'look-back', summary: 'Record a look-back check (回头看); a relapse reopens the issue',
    body: live({ result: z.enum(['HELD', 'PARTLY', 'RELAPSED']), sample: orNull(wire.freeText), finding: orNull(wire.freeText) }),
    command: ({ result, sample, finding }, { frame }) => ({ type: 'RecordLookBack', ...frame, data: { result, sample, finding } }),
  }),
];

export const issueCommands: readonly CommandDefinition[] = [registerIssue, ...planning, ...working, ...judging];
