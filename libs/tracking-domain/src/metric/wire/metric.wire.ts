import type { InspectionId, IssueId, MetricId, OrgId } from '@rectrail/kernel';
import { z } from 'zod';
import { quantitySchema } from '../../report/wire/report.wire.ts';
import { definitionsOf, fuzzyDate, printed, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import type { MetricEvent } from '../metric.events.ts';

const attributesMax = 50;

/** The newest version of each event of a metric. */
export const metricEventSchemas = {
  MetricDefined: z.strictObject({
    metricId: uuidOf<MetricId>(),
    orgId: uuidOf<OrgId>(),
    inspectionId: uuidOf<InspectionId>().nullable(),
    issueId: uuidOf<IssueId>().nullable(),
    code: title.max(100),
    name: title,
    unit: title.max(20),
    direction: z.enum(['up', 'down', 'none']),
  }),
  MetricObserved: z.strictObject({
    quantity: quantitySchema,
    period: fuzzyDate.nullable(),
    printed: printed.nullable(),
    attributes: z.record(title.max(40), title).refine((attributes) => Object.keys(attributes).length <= attributesMax, { error: `at most ${attributesMax} attributes` }),
  }),
  MetricTargetSet: z.strictObject({ quantity: quantitySchema, planned: fuzzyDate }),
} satisfies EventSchemas<MetricEvent>;

export const metricEventDefinitions = definitionsOf(metricEventSchemas);
