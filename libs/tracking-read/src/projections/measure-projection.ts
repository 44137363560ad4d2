import type { FuzzyDate, InspectionId, IssueId } from '@rectrail/kernel';
import {
  evolveMeasure, initialMeasureState, isMeasureStatusAssertion, type FactsRetracted, type MeasureEvent, type MeasureState, type ShownMeasureState,
} from '@rectrail/tracking-domain';
import { aggregateProjection, type RegisterView } from './aggregate-projection.ts';

/** State by last and by first days (null: does not exist there), and the links to issues by last days. */
export interface MeasureCell { readonly last: ShownMeasureState | null; readonly first: ShownMeasureState | null; readonly links: number }

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

const cellText = ({ last, first, links }: MeasureCell): string => `${last ?? ''}/${first ?? ''}/${links}`;

export const parseMeasureCell = (text: string): MeasureCell => {
  // The casts give back what cellText wrote.
  const [last, first, links] = text.split('/') as [ShownMeasureState | '', ShownMeasureState | '', string];
  return { last: last === '' ? null : last, first: first === '' ? null : first, links: Number(links) };
};

const view = (byLastDays: MeasureState, byFirstDays: MeasureState): MeasureView | null => {
  const identity = byLastDays.identity ?? byFirstDays.identity;
  if (identity === null) return null;
  const [last, first] = [shown(byLastDays), shown(byFirstDays)];
  const { inspectionId, marker, title } = identity;
  const { issueIds, planned } = byLastDays;
  return {
    orgId: identity.orgId,
    cell: cellText({ last, first, links: last === null ? 0 : issueIds.length }),
    detail: last === null ? null : { inspectionId, issueIds, marker, title, planned },
  };
};

/** Measures: the register, and points by (owner, state pair, number of links). */
export const measureProjection = aggregateProjection<MeasureEvent | FactsRetracted, MeasureState, MeasureView>({
  name: 'measures',
  version: 1,
  streamPrefix: 'measure-',
  rowTable: 'measure_row',
  pointTable: 'measure_point',
  timeline: { initial: initialMeasureState, evolve: evolveMeasure, isAssertion: isMeasureStatusAssertion, view },
  columns: { cell: 'text', issue_ids: 'text[]', detail: 'jsonb' },
  row: ({ cell, detail }) => ({ cell, issue_ids: detail?.issueIds ?? [], detail }),
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
});
