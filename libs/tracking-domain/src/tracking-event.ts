import type { OrganisationTreeEvent } from './organisation-tree/organisation-tree.events.ts';
import type { InspectionEvent } from './inspection/inspection.events.ts';
import type { PlanEvent } from './plan/plan.events.ts';
import type { IssueEvent } from './issue/issue.events.ts';
import type { MeasureEvent } from './measure/measure.events.ts';
import type { FundsCaseEvent } from './funds-case/funds-case.events.ts';
import type { PolicyEvent } from './policy/policy.events.ts';
import type { WorkingCalendarEvent } from './calendar/calendar.events.ts';
import type { ReportEvent } from './report/report.events.ts';
import type { MetricEvent } from './metric/metric.events.ts';
import type { SourceEvent } from './source/source.events.ts';
import type { ReminderEvent } from './reminder/reminder.events.ts';
import type { InstallationEvent } from './installation/installation.events.ts';
import type { SubscriptionEvent } from './subscription/subscription.events.ts';
import type { ContentPurged, PurgeEvent } from './purge/purge.events.ts';
import type { FactsRetracted } from './retraction/retraction.events.ts';

/** Every event that a stream of Rectrail may hold. */
export type TrackingEvent =
  | OrganisationTreeEvent | InspectionEvent | PlanEvent | IssueEvent | MeasureEvent | FundsCaseEvent | PolicyEvent
  | WorkingCalendarEvent | ReportEvent | MetricEvent | SourceEvent | ReminderEvent | InstallationEvent | SubscriptionEvent | PurgeEvent | FactsRetracted | ContentPurged;

export type TrackingEventType = TrackingEvent['type'];
