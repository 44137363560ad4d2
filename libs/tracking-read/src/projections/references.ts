import type { Fact, FundsCaseId, InspectionId, IssueId, MeasureId, OrgId, PlanId, ReminderId } from '@rectrail/kernel';
import { streams, type TrackingEvent } from '@rectrail/tracking-domain';

/** How an organisation is named among streams: its facts lie in the stream of a tree. */
export const organisationRef = (orgId: OrgId): string => `organisation-${orgId}`;

/** How a notice is named, which has its place in the register of an organisation: what is said of it is found by this. */
export const reminderRef = (reminderId: ReminderId): string => `reminder-${reminderId}`;

/** The fields of event data that name something in another stream; the casts give an id the brand that its field's schema proves. */
const refOfField: Readonly<Record<string, (id: string) => string>> = {
  orgId: (id) => organisationRef(id as OrgId),
  parentId: (id) => organisationRef(id as OrgId),
  successorId: (id) => organisationRef(id as OrgId),
  departmentOrgId: (id) => organisationRef(id as OrgId),
  assistingOrgIds: (id) => organisationRef(id as OrgId),
  inspectionId: (id) => streams.inspection(id as InspectionId),
  inspectionIds: (id) => streams.inspection(id as InspectionId),
  planId: (id) => streams.plan(id as PlanId),
  issueId: (id) => streams.issue(id as IssueId),
  issueIds: (id) => streams.issue(id as IssueId),
  previousIssueId: (id) => streams.issue(id as IssueId),
  measureIds: (id) => streams.measure(id as MeasureId),
  reminderId: (id) => reminderRef(id as ReminderId),
  otherCaseId: (id) => streams.fundsCase(id as FundsCaseId),
};

/**
 * The other streams (and organisations) without which the event would hang in the air: it falls with them (rules.md section 2,
 * `built-upon`). What a tree says of an organisation is its own stream's affair, save where it hangs.
 */
export const referencesOf = ({ event, streamId }: Fact<TrackingEvent>): readonly string[] => {
  const isTree = streamId.startsWith('org-tree-');
  const refs = Object.entries(event.data).flatMap(([field, value]: [string, unknown]) => {
    const ref = refOfField[field];
    if (ref === undefined || (isTree && field === 'orgId')) return [];
    return [value].flat().filter((id) => typeof id === 'string').map(ref);
  });
  return [...new Set(refs)].filter((ref) => ref !== streamId);
};
