import type { InspectionId, IssueId, MetricId } from '@rectrail/kernel';
import { wire } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { actingOn, frameOf, live, make, requireNamed } from '../aggregate.ts';
import { inspections, issues, metrics, reports } from '../aggregates.ts';
import { dateValue, orgRef, orNull } from '../body-schema.ts';
import { defineCommand, type CommandDefinition } from '../command-definition.ts';
import { requireOwner } from '../organisations.ts';

const actOnReport = actingOn(reports);
const actOnMetric = actingOn(metrics);

const quantity = z.strictObject({
  value: wire.decimal.nullable(),
  unit: wire.title.describe('个, 人, 人次, 家, 项, 件, 公里, fen, %'),
  qualifier: z.enum(['exact', 'about', 'over', 'nearly']).default('exact'),
  cumulative: z.boolean().exactOptional(),
});

const defineMetric = defineCommand({
  name: 'DefineMetric',
  path: '/metrics',
  summary: 'Define a free figure of an organisation: patrols, cases, kilometres',
  body: live({
    org: orgRef, inspectionId: orNull(wire.uuidOf<InspectionId>()), issueId: orNull(wire.uuidOf<IssueId>()),
    code: wire.slugOf<string>(), name: wire.title, unit: wire.title, direction: z.enum(['up', 'down', 'none']).default('none').describe('Which way is better'),
  }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, org, ...data }) => {
    const orgId = await requireOwner(context, unit, org);
    if (data.inspectionId !== null) await requireNamed(inspections, context, unit, { id: data.inspectionId, pointer: '/inspectionId' });
    if (data.issueId !== null) await requireNamed(issues, context, unit, { id: data.issueId, pointer: '/issueId' });
    const id = context.newId('metric') as MetricId;
    const frame = frameOf(context, on);
    const scope = { orgId, ...(data.inspectionId === null ? {} : { inspectionId: data.inspectionId }) };
    return make(metrics, context, unit, { id, scope, frame, command: { type: 'DefineMetric', ...frame, data: { ...data, metricId: id, orgId } } });
  },
});

/** Reports come in by import; what a person adds live is the explanation of what does not add up. */
export const reportCommands: readonly CommandDefinition[] = [
  actOnReport({
    name: 'ExplainDiscrepancy', verb: 'explain-discrepancy', summary: 'Explain a discrepancy between what a report declares and what is found',
    body: live({ discrepancyKey: wire.title, explanation: wire.freeText }),
    command: ({ discrepancyKey, explanation }, { frame }) => ({ type: 'ExplainDiscrepancy', ...frame, data: { discrepancyKey, explanation } }),
  }),
  defineMetric,
  actOnMetric({
    name: 'ObserveMetric', verb: 'observe', summary: 'Record an observation',
    body: live({ quantity, period: orNull(dateValue), printed: orNull(wire.freeText), attributes: z.record(wire.slugOf<string>(), wire.title).default({}) }),
    command: (body, { frame }) => ({ type: 'ObserveMetric', ...frame, data: { quantity: body.quantity, period: body.period, printed: body.printed, attributes: body.attributes } }),
  }),
  actOnMetric({
    name: 'SetMetricTarget', verb: 'target', summary: 'Set a target and its day', body: live({ quantity, planned: dateValue }),
    command: (body, { frame }) => ({ type: 'SetMetricTarget', ...frame, data: { quantity: body.quantity, planned: body.planned } }),
  }),
];
