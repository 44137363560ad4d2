import type { InspectionId, IssueId, MetricId, OrgId } from '@rectrail/kernel';
import { evolveMetric, initialMetricState, metricEventDefinitions, wire, type MetricEvent, type MetricState } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, messageDate, onTold, plannedDate, plannedTold } from './contract.ts';
import { quantityTold, toldQuantity } from './report.ts';

export const metricState = z.object({
  metricId: wire.uuidOf<MetricId>(),
  orgId: wire.uuidOf<OrgId>(),
  inspectionId: wire.uuidOf<InspectionId>().nullable(),
  issueId: wire.uuidOf<IssueId>().nullable(),
  code: wire.title,
  name: wire.title,
  unit: wire.title,
  direction: z.enum(['up', 'down', 'none']),
  observations: wire.count,
  latest: z.object({ on: messageDate.nullable(), period: messageDate.nullable(), quantity: quantityTold }).nullable().describe('the observation of the last day'),
  target: z.object({ quantity: quantityTold, planned: plannedDate.nullable() }).nullable(),
});

const tell = ({ definition, observations, target }: MetricState): z.output<typeof metricState> | null => {
  if (definition === null) return null;
  const latest = observations.at(-1);
  return {
    ...definition, observations: observations.length,
    latest: latest === undefined ? null : { on: onTold(latest.on), period: onTold(latest.period), quantity: toldQuantity(latest.quantity) },
    target: target === null ? null : { quantity: toldQuantity(target.quantity), planned: plannedTold(target.planned) },
  };
};

export const metricContract = contractOf<MetricEvent, MetricState, typeof metricState>({
  noun: 'metrics', singular: 'metric', events: metricEventDefinitions, state: metricState, initial: initialMetricState, fold: evolveMetric, tell,
});
