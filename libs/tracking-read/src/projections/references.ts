import { type InspectionId, type IssueId, type OrgId, type StreamId } from '@rectrail/kernel';
import { streams, type TrackingEvent } from '@rectrail/tracking-domain';

/** How an organisation is named among streams: its facts lie in the stream of a tree. */
export const organisationRef = (orgId: OrgId): string => `organisation-${orgId}`;

const orgs = (...ids: readonly (OrgId | null)[]): readonly string[] => ids.filter((id) => id !== null).map(organisationRef);
const issues = (ids: readonly IssueId[]): readonly StreamId[] => ids.map((id) => streams.issue(id));
const inspections = (...ids: readonly (InspectionId | null)[]): readonly StreamId[] => ids.filter((id) => id !== null).map((id) => streams.inspection(id));

/** The streams (and organisations) without which the event would hang in the air: it falls with them (rules.md section 2, `built-upon`). */
export const referencesOf = (event: TrackingEvent): readonly string[] => {
  switch (event.type) {
    case 'OrgRegistered': case 'OrgMoved': return orgs(event.data.parentId);
    case 'OrgMerged': return orgs(event.data.successorId);
    case 'InspectionOpened': return orgs(event.data.orgId);
    case 'PreviousRoundLinked': return inspections(event.data.inspectionId);
    case 'PlanDrafted': return [...orgs(event.data.orgId), ...inspections(event.data.inspectionId), ...issues(event.data.issueIds)];
    case 'PlanRevised': return issues(event.data.issueIds);
    case 'IssueRegistered': return [...orgs(event.data.orgId, ...event.data.assistingOrgIds), ...inspections(event.data.inspectionId)];
    case 'IssueAssigned': return orgs(event.data.departmentOrgId);
    case 'IssuePlanned': return event.data.planId === null ? [] : [streams.plan(event.data.planId)];
    case 'DuplicateIssueLinked': return issues([event.data.issueId]);
    case 'RecurrenceLinked': return issues([event.data.previousIssueId]);
    case 'IssueMeasuresAdded': return event.data.measureIds.map((id) => streams.measure(id));
    case 'MeasurePlanned': case 'MeasureStated': return [...orgs(event.data.orgId), ...inspections(event.data.inspectionId), ...issues(event.data.issueIds)];
    case 'MeasureLinkedToIssue': return issues([event.data.issueId]);
    case 'IrregularFundsIdentified': case 'FundsRecovered': case 'FundsReturned':
      return [...orgs(event.data.orgId), ...inspections(event.data.inspectionId), ...issues(event.data.issueIds)];
    case 'FundsDuplicateLinked': return [streams.fundsCase(event.data.otherCaseId)];
    case 'PolicyAdopted': return orgs(event.data.orgId);
    case 'ReportPublished': return [...orgs(event.data.orgId), ...inspections(...event.data.inspectionIds)];
    case 'MetricDefined': return [...orgs(event.data.orgId), ...inspections(event.data.inspectionId), ...issues(event.data.issueId === null ? [] : [event.data.issueId])];
    default: return [];
  }
};
