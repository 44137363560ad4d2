import type { FuzzyDate, InspectionId, IssueId } from '@rectrail/kernel';
import {
  evolveMeasure, initialMeasureState, isMeasureStatusAssertion, numberKey, shownMeasureStates,
  type FactsRetracted, type MeasureEvent, type MeasureState, type ShownMeasureState,
} from '@rectrail/tracking-domain';
import { measureCellText, parseMeasureCell } from '../figures/cell-texts.ts';
import { searchIndex, searchText, type Register, type RegisterView } from './register.ts';

/** What the register keeps of a measure; `name` is null while it exists by first days only. */
export interface MeasureView extends RegisterView {
  readonly cell: string;
  readonly name: MeasureName | null;
  readonly planned: FuzzyDate | null;
}

export interface MeasureName {
  readonly inspectionId: InspectionId;
  readonly issueIds: readonly IssueId[];
  readonly marker: string | null;
  readonly title: string;
}

/** The detail of a view as it is kept. */
export type MeasureViewDetail = Pick<MeasureView, 'cell' | 'planned'>;

const shown = (state: MeasureState): ShownMeasureState | null => {
  if (state.identity === null) return null;
  return state.disclosure === 'STATED' ? state.state : 'NOT_DISCLOSED';
};

const view = (byLastDays: MeasureState, byFirstDays: MeasureState): MeasureView | null => {
  const identity = byLastDays.identity ?? byFirstDays.identity;
  if (identity === null) return null;
  const [last, first] = [shown(byLastDays), shown(byFirstDays)];
  const { inspectionId, marker, title } = identity;
  const { issueIds, planned } = byLastDays;
  return {
    orgId: identity.orgId,
    cell: measureCellText({ last, first, links: last === null ? 0 : issueIds.length }),
    name: last === null ? null : { inspectionId, issueIds, marker, title },
    planned: last === null ? null : planned,
  };
};

/** The kinds by which measures lie together in their register. */
export const measureKind = (state: ShownMeasureState): number => shownMeasureStates.indexOf(state);

/** Measures: by (owner, state pair, number of links). */
export const measureRegister: Register<MeasureEvent | FactsRetracted, MeasureState, MeasureView> = {
  kind: 'measure',
  streamPrefix: 'measure-',
  timeline: { initial: initialMeasureState, evolve: evolveMeasure, isAssertion: isMeasureStatusAssertion, view },
  columns: { due: 'date' },
  listed: ['due'],
  indexes: {},
  row: ({ planned }) => [planned?.last ?? null],
  shown: ({ cell, name, planned }) => {
    const { last } = parseMeasureCell(cell);
    if (last === null || name === null) return null;
    const detail: MeasureViewDetail = { cell, planned };
    return {
      state: measureKind(last),
      name: {
        inspectionId: name.inspectionId, numberKey: name.marker === null ? '' : numberKey([name.marker]), search: searchText(name.title), issueIds: name.issueIds, detail: name,
      },
      detail,
    };
  },
  nameIndexes: { measure_name_inspection: '(inspection_id)', ...searchIndex('measure') },
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
};
