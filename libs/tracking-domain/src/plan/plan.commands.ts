import type { InspectionId, IssueId, OrgId, PlanId, Rejection } from '@rectrail/kernel';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';

/** `approvers` of a submission come from the policy in force; the `approver` of a consent or a return is the role of who gives it. */
export type PlanCommand =
  | DomainCommand<'DraftPlan', { readonly planId: PlanId; readonly orgId: OrgId; readonly inspectionId: InspectionId; readonly title: string; readonly issueIds: readonly IssueId[] }>
  | DomainCommand<'SubmitPlan', { readonly approvers: readonly string[] }>
  | DomainCommand<'ConsentToPlan', { readonly approver: string }>
  | DomainCommand<'ReturnPlan', { readonly approver: string; readonly reason: string }>
  | DomainCommand<'RevisePlan', { readonly title: string; readonly issueIds: readonly IssueId[] }>
  | DomainCommand<'IssuePlan', Record<string, never>>;

export const planRejections = {
  'unknown-plan': { en: 'The plan has not been drafted.', zh: '该整改方案尚未起草。' },
  'plan-already-drafted': { en: 'The plan was drafted already, with other data; revise it instead.', zh: '该整改方案已起草，且内容不同；请改用修订。' },
  'illegal-plan-transition': { en: 'The plan is not in a state that allows this.', zh: '整改方案当前所处环节不允许此操作。' },
  'not-an-approver': { en: 'This approver is not among those of the submission.', zh: '该单位不在本次送审的会签单位之列。' },
  'already-consented': { en: 'This approver, or this person, has consented already.', zh: '该单位或该经办人已表示同意，不得重复会签。' },
  'consents-missing': { en: 'The plan cannot be issued before every approver has consented.', zh: '会签单位尚未全部同意，整改方案不得印发。' },
} as const satisfies Record<string, RejectionText>;

export type PlanRejection = LiveRejection | (Rejection & { readonly code: keyof typeof planRejections });
