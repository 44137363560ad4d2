import type { EventId, StreamId } from '@rectrail/kernel';
import {
  unmetFundsCaseNeeds, unmetInspectionNeeds, unmetIssueNeeds, unmetMeasureNeeds, unmetMetricNeeds, unmetOrganisationTreeNeeds, unmetPlanNeeds, unmetReportNeeds,
  unmetReminderNeeds, unmetSubscriptionNeeds,
  type FundsCaseEvent, type InspectionEvent, type IssueEvent, type MeasureEvent, type MetricEvent, type OrganisationTreeEvent, type PlanEvent, type ReminderEvent, type ReportEvent,
  type SubscriptionEvent, type TrackingEvent,
} from '@rectrail/tracking-domain';
import type { StreamFacts } from './situation.ts';

type Needs = (countingFacts: StreamFacts<TrackingEvent>) => readonly EventId[];

/** By the beginning of the stream's name, which says which events it holds, hence the casts. Streams that are not here need nothing of themselves. */
const needsByPrefix: readonly (readonly [string, Needs])[] = [
  ['issue-', (facts) => unmetIssueNeeds(facts as StreamFacts<IssueEvent>)],
  ['measure-', (facts) => unmetMeasureNeeds(facts as StreamFacts<MeasureEvent>)],
  ['funds-case-', (facts) => unmetFundsCaseNeeds(facts as StreamFacts<FundsCaseEvent>)],
  ['inspection-', (facts) => unmetInspectionNeeds(facts as StreamFacts<InspectionEvent>)],
  ['plan-', (facts) => unmetPlanNeeds(facts as StreamFacts<PlanEvent>)],
  ['report-', (facts) => unmetReportNeeds(facts as StreamFacts<ReportEvent>)],
  ['metric-', (facts) => unmetMetricNeeds(facts as StreamFacts<MetricEvent>)],
  ['reminders-', (facts) => unmetReminderNeeds(facts as StreamFacts<ReminderEvent>)],
  ['subscription-', (facts) => unmetSubscriptionNeeds(facts as StreamFacts<SubscriptionEvent>)],
  ['org-tree-', (facts) => unmetOrganisationTreeNeeds(facts as StreamFacts<OrganisationTreeEvent>)],
];

/** Of the facts of a stream that count, those that lack in it what they build on (rules.md section 2, `built-upon`). */
export const unmetNeedsOf = (streamId: StreamId, countingFacts: StreamFacts<TrackingEvent>): readonly EventId[] =>
  needsByPrefix.find(([prefix]) => streamId.startsWith(prefix))?.[1](countingFacts) ?? [];
