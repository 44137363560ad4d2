import type { TransitionTable } from '../time/transition.ts';
import type { measureStatusAssertions } from './measure.state.ts';

export type MeasureTransitionType = Exclude<(typeof measureStatusAssertions)[number], 'MeasureStated'>;

/** What a measure may do live. A standing measure goes on standing while it is reported on, and may end; only what is done is never withdrawn. */
export const measureTransitions: TransitionTable<MeasureTransitionType> = {
  MeasureProgressed: { from: ['PLANNED', 'IN_PROGRESS', 'STANDING'], to: null },
  MeasureCompleted: { from: ['PLANNED', 'IN_PROGRESS', 'STANDING'], to: 'DONE' },
  MeasureSuspended: { from: ['PLANNED', 'IN_PROGRESS', 'STANDING'], to: 'SUSPENDED' },
  MeasureResumed: { from: ['SUSPENDED'], to: null },
  MeasureMadeStanding: { from: ['PLANNED', 'IN_PROGRESS', 'DONE'], to: 'STANDING' },
  MeasureWithdrawn: { from: ['PLANNED', 'IN_PROGRESS', 'SUSPENDED', 'STANDING'], to: 'WITHDRAWN' },
};
