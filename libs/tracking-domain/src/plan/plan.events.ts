import type { DomainEvent, InspectionId, IssueId, OrgId, PlanId } from '@rectrail/kernel';

/** Stream `plan-{planId}`. Approvers are names of roles given by the policy in force at submission (INSPECTION_TEAM, …), possibly none. */
export type PlanEvent =
  | DomainEvent<'PlanDrafted', { readonly planId: PlanId; readonly orgId: OrgId; readonly inspectionId: InspectionId; readonly title: string; readonly issueIds: readonly IssueId[] }>
  | DomainEvent<'PlanSubmitted', { readonly approvers: readonly string[] }>
  | DomainEvent<'PlanConsented', { readonly approver: string }>
  | DomainEvent<'PlanReturned', { readonly approver: string; readonly reason: string }>
  | DomainEvent<'PlanRevised', { readonly title: string; readonly issueIds: readonly IssueId[] }>
  | DomainEvent<'PlanIssued', { readonly version: number }>;
