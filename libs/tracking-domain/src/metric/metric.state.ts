import { assertNever, type EventId, type Fact, type FuzzyDate } from '@rectrail/kernel';
import type { Quantity } from '../report/report.events.ts';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { MetricEvent } from './metric.events.ts';

export type MetricDefinition = DataByType<MetricEvent>['MetricDefined'];

export interface MetricObservation {
  readonly eventId: EventId;
  readonly on: FuzzyDate | null;
  readonly quantity: Quantity;
  readonly period: FuzzyDate | null;
  readonly printed: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A free figure. Observations stand side by side: whether they may be added depends on their periods, which only a reader can judge. */
export interface MetricState {
  readonly definition: MetricDefinition | null;
  readonly observations: readonly MetricObservation[];
  readonly target: { readonly quantity: Quantity; readonly planned: FuzzyDate } | null;
}

export const initialMetricState: MetricState = { definition: null, observations: [], target: null };

export const evolveMetric = (state: MetricState, fact: Fact<MetricEvent | FactsRetracted>): MetricState => {
  const event = fact.event;
  switch (event.type) {
    case 'MetricDefined': return { ...state, definition: event.data };
    case 'MetricObserved': return { ...state, observations: [...state.observations, { ...event.data, eventId: fact.eventId, on: fact.validTime }] };
    case 'MetricTargetSet': return { ...state, target: event.data };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};
