import type { Cut, InspectionId, IssueId, MeasureId, OrgId } from '@rectrail/kernel';
import { foldMeasure, isMeasureStatusAssertion, shownMeasureState } from '../measure/measure.state.ts';
import type { MeasureEvent } from '../measure/measure.events.ts';
import { countingFacts, countingFactsByFirstDays } from '../time/counting.ts';
import { shownMeasureStates, type DashboardFigures, type ShownMeasureState } from './definitions.ts';
import { countsBy } from './counts.ts';
import type { StreamOf, World } from './world.ts';

export interface MeasureView {
  readonly measureId: MeasureId;
  readonly inspectionId: InspectionId;
  readonly state: ShownMeasureState;
  /** The issues that it serves, each once. */
  readonly issueIds: readonly IssueId[];
}

/** A measure by last days and by first days; null where it does not exist. */
export interface MeasureViews {
  readonly orgId: OrgId | null;
  readonly last: MeasureView | null;
  readonly first: MeasureView | null;
}

const measureView = (facts: StreamOf<MeasureEvent>['facts']): MeasureView | null => {
  const state = foldMeasure(facts);
  if (state.identity === null) return null;
  const { measureId, inspectionId } = state.identity;
  return { measureId, inspectionId, state: shownMeasureState(state), issueIds: state.issueIds };
};

export const measureViews = (world: World, cut: Cut): readonly MeasureViews[] =>
  world.measures.map(({ owner, facts }) => ({
    orgId: owner,
    last: measureView(countingFacts(facts, cut)),
    first: measureView(countingFactsByFirstDays(facts, cut, isMeasureStatusAssertion)),
  }));

export const measureFigures = (views: readonly MeasureViews[]): DashboardFigures['measures'] => {
  const existing = views.flatMap(({ last }) => (last === null ? [] : [last]));
  return {
    total: existing.length,
    shared: existing.reduce((sum, { issueIds }) => sum + Math.max(0, issueIds.length - 1), 0),
    byState: countsBy(shownMeasureStates, views, (view) => view.state),
  };
};
