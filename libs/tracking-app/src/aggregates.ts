import type { FundsCaseId, InspectionId, IssueId, MeasureId, MetricId, OrgId, PlanId, ReportId, SubscriptionId } from '@rectrail/kernel';
import {
  decideFundsCase, decideInspection, decideIssue, decideMeasure, decideMetric, decidePlan, decideReceipt, decideReport, decideSubscription, evolveFundsCase,
  evolveInspection, evolveMetric, evolvePlan, evolveReport, evolveSubscription, foldIssue, foldMeasure, foldReminders, initialFundsCaseState, initialInspectionState,
  initialMetricState, initialPlanState, initialReportState, initialSubscriptionState, orgOfReminder, streams,
  type ConfirmReceipt, type FundsCaseCommand, type FundsCaseEvent, type FundsCaseState, type InspectionCommand, type InspectionEvent, type InspectionState, type IssueCommand,
  type IssueEvent, type IssueState, type MeasureCommand, type MeasureEvent, type MeasureState, type MetricCommand, type MetricEvent, type MetricState, type PlanCommand,
  type PlanEvent, type PlanState, type ReminderEvent, type Reminders, type ReportCommand, type ReportEvent, type ReportState,
  type SubscriptionCommand, type SubscriptionEvent, type SubscriptionState,
} from '@rectrail/tracking-domain';
import type { Aggregate } from './aggregate.ts';

/**
 * The aggregates that commands act on. An id of a path or a body is only ever looked up, so the brand put on it here claims
 * nothing: one that is no id of this kind finds an empty stream.
 */
export const inspections: Aggregate<InspectionState, InspectionCommand, InspectionEvent> = {
  resource: 'inspections',
  unknown: 'unknown-inspection',
  readable: false,
  stream: (id) => streams.inspection(id as InspectionId),
  fold: (facts) => facts.reduce(evolveInspection, initialInspectionState),
  decide: decideInspection,
  scope: ({ identity }) => identity && { orgId: identity.orgId, inspectionId: identity.inspectionId },
};

export const plans: Aggregate<PlanState, PlanCommand, PlanEvent> = {
  resource: 'plans',
  unknown: 'unknown-plan',
  readable: false,
  stream: (id) => streams.plan(id as PlanId),
  fold: (facts) => facts.reduce(evolvePlan, initialPlanState),
  decide: decidePlan,
  scope: ({ identity }) => identity && { orgId: identity.orgId, inspectionId: identity.inspectionId },
};

export const issues: Aggregate<IssueState, IssueCommand, IssueEvent> = {
  resource: 'issues',
  unknown: 'unknown-issue',
  readable: true,
  stream: (id) => streams.issue(id as IssueId),
  fold: foldIssue,
  decide: decideIssue,
  scope: ({ registration }) => registration && { orgId: registration.orgId, inspectionId: registration.inspectionId },
};

export const measures: Aggregate<MeasureState, MeasureCommand, MeasureEvent> = {
  resource: 'measures',
  unknown: 'unknown-measure',
  readable: false,
  stream: (id) => streams.measure(id as MeasureId),
  fold: foldMeasure,
  decide: decideMeasure,
  scope: ({ identity }) => identity && { orgId: identity.orgId, inspectionId: identity.inspectionId },
};

export const fundsCases: Aggregate<FundsCaseState, FundsCaseCommand, FundsCaseEvent> = {
  resource: 'funds-cases',
  unknown: 'unknown-funds-case',
  readable: false,
  stream: (id) => streams.fundsCase(id as FundsCaseId),
  fold: (facts) => facts.reduce(evolveFundsCase, initialFundsCaseState),
  decide: decideFundsCase,
  scope: ({ identity }) => identity && { orgId: identity.orgId, ...(identity.inspectionId === null ? {} : { inspectionId: identity.inspectionId }) },
};

export const reports: Aggregate<ReportState, ReportCommand, ReportEvent> = {
  resource: 'reports',
  unknown: 'unknown-report',
  readable: false,
  stream: (id) => streams.report(id as ReportId),
  fold: (facts) => facts.reduce(evolveReport, initialReportState),
  decide: decideReport,
  scope: ({ identity }) => identity && { orgId: identity.orgId },
};

export const metrics: Aggregate<MetricState, MetricCommand, MetricEvent> = {
  resource: 'metrics',
  unknown: 'unknown-metric',
  readable: false,
  stream: (id) => streams.metric(id as MetricId),
  fold: (facts) => facts.reduce(evolveMetric, initialMetricState),
  decide: decideMetric,
  scope: ({ definition }) => definition && { orgId: definition.orgId, ...(definition.inspectionId === null ? {} : { inspectionId: definition.inspectionId }) },
};

export const subscriptions: Aggregate<SubscriptionState, SubscriptionCommand, SubscriptionEvent> = {
  resource: 'subscriptions',
  unknown: 'unknown-subscription',
  readable: true,
  stream: (id) => streams.subscription(id as SubscriptionId),
  fold: (facts) => facts.reduce(evolveSubscription, initialSubscriptionState),
  decide: decideSubscription,
  scope: ({ terms }) => terms && { orgId: terms.orgId },
};

/** A notice is found in the register of its organisation, which its id names. */
export const reminders: Aggregate<Reminders, ConfirmReceipt, ReminderEvent> = {
  resource: 'reminders',
  unknown: 'unknown-reminder',
  readable: true,
  stream: (id) => streams.reminders(orgOfReminder(id) ?? (id as OrgId)),
  fold: foldReminders,
  decide: decideReceipt,
  scope: (register) => [...register.values()].slice(0, 1).map(({ orgId }) => ({ orgId }))[0] ?? null,
};
