import { calendarEventDefinitions } from '../calendar/wire/calendar.wire.ts';
import { fundsCaseEventDefinitions } from '../funds-case/wire/funds-case.wire.ts';
import { inspectionEventDefinitions } from '../inspection/wire/inspection.wire.ts';
import { installationEventDefinitions } from '../installation/wire/installation.wire.ts';
import { issueEventDefinitions } from '../issue/wire/issue.wire.ts';
import { measureEventDefinitions } from '../measure/wire/measure.wire.ts';
import { metricEventDefinitions } from '../metric/wire/metric.wire.ts';
import { organisationTreeEventDefinitions } from '../organisation-tree/wire/organisation-tree.wire.ts';
import { planEventDefinitions } from '../plan/wire/plan.wire.ts';
import { policyEventDefinitions } from '../policy/wire/policy.wire.ts';
import { contentPurgedDefinitions, purgeEventDefinitions } from '../purge/wire/purge.wire.ts';
import { reminderEventDefinitions } from '../reminder/wire/reminder.wire.ts';
import { reportEventDefinitions } from '../report/wire/report.wire.ts';
import { retractionEventDefinitions } from '../retraction/wire/retraction.wire.ts';
import { sourceEventDefinitions } from '../source/wire/source.wire.ts';
import { subscriptionEventDefinitions } from '../subscription/wire/subscription.wire.ts';
import type { WireDefinition } from './primitives.ts';

/** Every event type that a stream of Rectrail may hold, as it stands on the wire; docs/reference/events.md is made from it. */
export const trackingEventDefinitions: readonly WireDefinition[] = [
  ...installationEventDefinitions,
  ...organisationTreeEventDefinitions,
  ...inspectionEventDefinitions,
  ...planEventDefinitions,
  ...issueEventDefinitions,
  ...measureEventDefinitions,
  ...fundsCaseEventDefinitions,
  ...policyEventDefinitions,
  ...calendarEventDefinitions,
  ...reportEventDefinitions,
  ...metricEventDefinitions,
  ...sourceEventDefinitions,
  ...reminderEventDefinitions,
  ...subscriptionEventDefinitions,
  ...purgeEventDefinitions,
  ...retractionEventDefinitions,
  ...contentPurgedDefinitions,
];
