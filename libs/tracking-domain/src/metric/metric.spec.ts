// Goal: a free figure is defined once, observed in its own unit only, and given a target.
// Method: commands decided given/when/then on the state of their day and today's; today is 2026-06-30.
import { describe, expect, it } from '@jest/globals';
import type { Fact, MetricId, OrgId } from '@rectrail/kernel';
import type { Quantity } from '../report/report.events.ts';
import { dated, eventIdOf, fact, specificationOf, streamOf } from '../testing/decider-specification.ts';
import { decideMetric, unmetMetricNeeds, type MetricCommand } from './metric.decide.ts';
import type { MetricEvent } from './metric.events.ts';
import { evolveMetric, initialMetricState, type MetricDefinition, type MetricState } from './metric.state.ts';

const fold = (facts: readonly Fact<MetricEvent>[]): MetricState => facts.reduce(evolveMetric, initialMetricState);
const { given } = specificationOf({ fold, decide: (command: MetricCommand, situation) => decideMetric(command, situation) });

const definition: MetricDefinition = {
  metricId: 'metric' as MetricId, orgId: 'org' as OrgId, inspectionId: null, issueId: null, code: 'patrol.persons', name: '出动执法人员', unit: '人次', direction: 'none',
};
const quantity = (unit: string): Quantity => ({ value: '1950', unit, qualifier: 'about' });
const by = { subject: 'unit', orgId: null, role: 'unit' };
const defined = fact<MetricEvent>('2026-01-01', { type: 'MetricDefined', data: definition });
const define = (change: Partial<MetricDefinition> = {}): MetricCommand => ({ type: 'DefineMetric', on: dated('2026-01-01'), by, data: { ...definition, ...change } });
const observation = (unit: string) => ({ quantity: quantity(unit), period: dated('2026-03'), printed: '约1950人次', attributes: {} });
const observe = (unit: string, on = '2026-03-31'): MetricCommand => ({ type: 'ObserveMetric', on: dated(on), by, data: observation(unit) });
const target = (unit: string): MetricCommand => ({ type: 'SetMetricTarget', on: dated('2026-03-31'), by, data: { quantity: quantity(unit), planned: dated('2027-12') } });

describe('a metric', () => {
  it('is defined once', () => {
    given().when(define(), {}).then({ type: 'MetricDefined', data: definition });
    given(defined).when(define(), {}).thenNothing();
    given(defined).when(define({ unit: '人' }), {}).thenRejected('metric-already-defined');
  });

  it('is observed in its own unit only, and never after today', () => {
    given(defined).when(observe('人次'), {}).then({ type: 'MetricObserved', data: observation('人次') });
    given(defined).when(observe('人'), {}).thenRejected('metric-unit-mismatch', { pointer: '/quantity/unit' });
    given(defined).when(observe('人次', '2026-07'), {}).thenRejected('effective-in-future');
    given().when(observe('人次'), {}).thenRejected('unknown-metric');
  });

  it('may have a target in the future; the last one set holds', () => {
    given(defined).when(target('人次'), {}).then({ type: 'MetricTargetSet', data: { quantity: quantity('人次'), planned: dated('2027-12') } });
    given(defined).when(target('人'), {}).thenRejected('metric-unit-mismatch');
    const set = (planned: string) => fact<MetricEvent>('2026-03-31', { type: 'MetricTargetSet', data: { quantity: quantity('人次'), planned: dated(planned) } });
    expect(fold(streamOf(defined, set('2027-06'), set('2027-12'))).target?.planned).toEqual(dated('2027-12'));
  });

  it('keeps every observation with its day', () => {
    const state = fold(streamOf(defined, fact('2026-03-31', { type: 'MetricObserved', data: observation('人次') })));
    expect(state.observations).toEqual([{ ...observation('人次'), eventId: eventIdOf(2), on: dated('2026-03-31') }]);
  });

  it('is needed by what is said about it', () => {
    const all = streamOf(defined, fact<MetricEvent>('2026-03-31', { type: 'MetricObserved', data: observation('人次') }));
    expect(unmetMetricNeeds(all)).toEqual([]);
    expect(unmetMetricNeeds(all.slice(1))).toEqual([eventIdOf(2)]);
  });
});
