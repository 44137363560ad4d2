import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type FuzzyDate, type Rejection } from '@rectrail/kernel';
import type { Quantity } from '../report/report.events.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { withoutBeginning } from '../stream-needs.ts';
import { refuseFuture, type DomainCommand, type LiveRejection, type LiveSituation, type RejectionText } from '../time/live-command.ts';
import type { MetricEvent } from './metric.events.ts';
import type { MetricDefinition, MetricObservation, MetricState } from './metric.state.ts';

export type MetricCommand =
  | DomainCommand<'DefineMetric', MetricDefinition>
  | DomainCommand<'ObserveMetric', Omit<MetricObservation, 'eventId' | 'on'>>
  | DomainCommand<'SetMetricTarget', { readonly quantity: Quantity; readonly planned: FuzzyDate }>;

export const metricRejections = {
  'unknown-metric': { en: 'The metric has not been defined.', zh: '该指标尚未定义。' },
  'metric-already-defined': { en: 'The metric is defined already, with other data.', zh: '该指标已定义，且内容不同。' },
  'metric-unit-mismatch': { en: 'The figure has another unit than its metric; 人 and 人次 are never one figure.', zh: '数据单位与指标单位不一致（如“人”与“人次”不得混用）。' },
} as const satisfies Record<string, RejectionText>;

export type MetricRejection = LiveRejection | (Rejection & { readonly code: keyof typeof metricRejections });

type MetricDecision = Decision<MetricEvent, MetricRejection>;

const sameDefinition = (a: MetricDefinition, b: MetricDefinition): boolean =>
  a.metricId === b.metricId && a.orgId === b.orgId && a.inspectionId === b.inspectionId && a.issueId === b.issueId
  && a.code === b.code && a.name === b.name && a.unit === b.unit && a.direction === b.direction;

const define = (data: MetricDefinition, known: MetricDefinition | null): MetricDecision => {
  if (known === null) return accept({ type: 'MetricDefined', data });
  return sameDefinition(known, data) ? nothing() : reject({ code: 'metric-already-defined', detail: `metric ${known.metricId} is ${known.code}` });
};

const unitMismatch = (quantity: Quantity, { unit }: MetricDefinition): MetricRejection | null =>
  quantity.unit === unit ? null : { code: 'metric-unit-mismatch', detail: `the unit of the metric is ${unit}, not ${quantity.unit}`, pointer: '/quantity/unit' };

/** A target may lie in the future; that it was set may not. */
export const decideMetric = (command: MetricCommand, { now, today }: LiveSituation<MetricState>): MetricDecision => {
  const future = refuseFuture(command.on, today);
  if (future !== null) return reject(future);
  if (command.type === 'DefineMetric') return define(command.data, now.definition);
  if (now.definition === null) return reject({ code: 'unknown-metric', detail: 'the metric has not been defined' });
  const mismatch = unitMismatch(command.data.quantity, now.definition);
  if (mismatch !== null) return reject(mismatch);
  switch (command.type) {
    case 'ObserveMetric': return accept({ type: 'MetricObserved', data: command.data });
    case 'SetMetricTarget': return accept({ type: 'MetricTargetSet', data: command.data });
    default: return assertNever(command);
  }
};

export const unmetMetricNeeds = (countingFacts: readonly Fact<MetricEvent | FactsRetracted>[]): readonly EventId[] => withoutBeginning(countingFacts, 'MetricDefined');
