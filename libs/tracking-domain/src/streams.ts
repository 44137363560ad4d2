import { streamId, type FundsCaseId, type InspectionId, type IssueId, type MeasureId, type MetricId, type OrgId, type PlanId, type PurgeId, type ReportId, type StreamId, type SubscriptionId, type TreeId } from '@rectrail/kernel';

/** Names of the streams: a noun and an immutable id. Projections filter on the prefixes. */
export const streams = {
  installation: streamId('installation'),
  organisationTree: (id: TreeId): StreamId => streamId(`org-tree-${id}`),
  inspection: (id: InspectionId): StreamId => streamId(`inspection-${id}`),
  plan: (id: PlanId): StreamId => streamId(`plan-${id}`),
  issue: (id: IssueId): StreamId => streamId(`issue-${id}`),
  measure: (id: MeasureId): StreamId => streamId(`measure-${id}`),
  fundsCase: (id: FundsCaseId): StreamId => streamId(`funds-case-${id}`),
  defaultPolicy: streamId('policy-default'),
  policy: (id: OrgId): StreamId => streamId(`policy-${id}`),
  workingCalendar: streamId('working-calendar'),
  report: (id: ReportId): StreamId => streamId(`report-${id}`),
  metric: (id: MetricId): StreamId => streamId(`metric-${id}`),
  subscription: (id: SubscriptionId): StreamId => streamId(`subscription-${id}`),
  purge: (id: PurgeId): StreamId => streamId(`purge-${id}`),
  reminders: (id: OrgId): StreamId => streamId(`reminders-${id}`),
  source: (documentId: string): StreamId => streamId(`source-${documentId}`),
} as const;

/** Id of the administrative tree that an installation opens at its first start. */
export const administrativeTreeId = 'administrative' as TreeId;
