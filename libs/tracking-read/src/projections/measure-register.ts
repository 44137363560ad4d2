import type { FuzzyDate, InspectionId, IssueId } from '@rectrail/kernel';
import {
  evolveMeasure, initialMeasureState, isMeasureStatusAssertion, type FactsRetracted, type MeasureEvent, type MeasureState, type ShownMeasureState,
} from '@rectrail/tracking-domain';
import { measureCellText } from '../figures/cells.ts';
import type { Register, RegisterView } from './register.ts';

export interface MeasureView extends RegisterView {
  readonly cell: string;
  readonly detail: MeasureViewDetail | null;
}

export interface MeasureViewDetail {
  readonly inspectionId: InspectionId;
  readonly issueIds: readonly IssueId[];
  readonly marker: string | null;
  readonly title: string;
  readonly planned: FuzzyDate | null;
}

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
    detail: last === null ? null : { inspectionId, issueIds, marker, title, planned },
  };
};

/** Measures: by (owner, state pair, number of links). */
export const measureRegister: Register<MeasureEvent | FactsRetracted, MeasureState, MeasureView> = {
  kind: 'measure',
  streamPrefix: 'measure-',
  timeline: { initial: initialMeasureState, evolve: evolveMeasure, isAssertion: isMeasureStatusAssertion, view },
  rowTable: 'measure_row',
  viewTable: 'measure_view',
  columns: { cell: 'text collate "C" not null', issue_ids: 'uuid[] not null' },
  indexes: { measure_row_org: '(org_id)', measure_row_issues: 'using gin (issue_ids)' },
  row: ({ cell, detail }) => [cell, detail?.issueIds ?? []],
  detail: ({ detail }) => detail,
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
};
