import type { Day, Fact, FuzzyDate, InspectionId, OrgId } from '@rectrail/kernel';
import {
  evolveIssue, initialIssueState, isIssueStatusAssertion,
  type CompletionBasis, type Continuation, type Disclosure, type FactsRetracted, type IssueEvent, type IssueState, type IssueStateName, type ShownIssueState, type Track,
} from '@rectrail/tracking-domain';
import { type TimelineDefinition } from '../timeline/timeline.ts';
import { aggregateProjection, type RegisterView } from './aggregate-projection.ts';
import type { ResidualView } from '../queries/answers.ts';

/** What a closed issue is, whatever the day. */
const closedConditions = ['DONE_IN_TIME', 'DONE_LATE', 'DONE'] as const;
export type ClosedCondition = (typeof closedConditions)[number];

/** All that counts by state, bucket and deadline depend on, beside policy, calendar and day. */
export interface IssueCell {
  readonly state: IssueStateName;
  readonly track: Track;
  readonly disclosure: Disclosure;
  readonly basis: CompletionBasis | null;
  readonly openDatedResidual: boolean;
  /** Closed and how, or the earliest open date, or NO_DEADLINE. */
  readonly deadline: ClosedCondition | Day | 'NO_DEADLINE';
}

/** The cell by last days and that by first days; null: the issue does not exist there. */
export interface CellPair { readonly last: IssueCell | null; readonly first: IssueCell | null }

const cellText = (cell: IssueCell | null): string =>
  cell === null ? '' : [cell.state, cell.track, cell.disclosure, cell.basis ?? '', cell.openDatedResidual ? 'residual' : '', cell.deadline].join(',');

export const pairText = ({ last, first }: CellPair): string => `${cellText(last)}/${cellText(first)}`;

// The casts give back what cellText wrote.
const parseCell = (text: string): IssueCell | null => {
  if (text === '') return null;
  const [state, track, disclosure, basis, residual, deadline] = text.split(',');
  return {
    state: state as IssueStateName, track: track as Track, disclosure: disclosure as Disclosure, basis: basis === '' ? null : basis as CompletionBasis,
    openDatedResidual: residual === 'residual', deadline: deadline as IssueCell['deadline'],
  };
};

export const parsePair = (text: string): CellPair => {
  const [last = '', first = ''] = text.split('/');
  return { last: parseCell(last), first: parseCell(first) };
};

export const isClosedCondition = (deadline: IssueCell['deadline']): deadline is ClosedCondition => closedConditions.some((condition) => condition === deadline);

export const shownIssueState = (cell: Pick<IssueCell, 'state' | 'disclosure'>): ShownIssueState => (cell.disclosure === 'STATED' ? cell.state : 'NOT_DISCLOSED');

/** The deadline in force on a day: the last one given by then; a reopening gives none. */
const inForceOn = (state: IssueState, on: Day): FuzzyDate | null => state.deadlines.findLast((entry) => entry.day <= on)?.planned ?? null;

/** The planned date and the open dated residuals: the one that ends first decides, the planned one among equals. */
const decidingDate = (state: IssueState): FuzzyDate | null => {
  const dates = [state.planned, ...state.residuals.filter((r) => r.open).map((r) => r.planned ?? null)].filter((date) => date !== null);
  return dates.reduce<FuzzyDate | null>((least, date) => (least === null || date.last < least.last ? date : least), null);
};

/** Rules.md section 5: the last day of the closing assertion against the deadline in force on that day. */
const deadlineOf = (state: IssueState): IssueCell['deadline'] => {
  if (state.closedOn === null) return decidingDate(state)?.last ?? 'NO_DEADLINE';
  const planned = inForceOn(state, state.closedOn);
  if (planned === null) return 'DONE';
  return state.closedOn <= planned.last ? 'DONE_IN_TIME' : 'DONE_LATE';
};

const cellOf = (state: IssueState): IssueCell | null => (state.registration === null ? null : {
  state: state.state,
  track: state.track,
  disclosure: state.disclosure,
  basis: state.completionBasis,
  openDatedResidual: state.residuals.some((r) => r.open && r.planned !== undefined),
  deadline: deadlineOf(state),
});

/** What the register keeps of an issue; `detail` is null while it exists by first days only. */
export interface IssueView extends RegisterView {
  readonly cell: string;
  readonly detail: IssueViewDetail | null;
}

export interface IssueViewDetail {
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  readonly numberKey: string;
  readonly aspect: string | null;
  readonly heading: string | null;
  readonly title: string;
  readonly strand: string | null;
  readonly annex: boolean;
  readonly assistingOrgIds: readonly OrgId[];
  readonly printedStatus: string | null;
  readonly continuation: Continuation;
  readonly residuals: readonly ResidualView[];
  /** The planned date in force; of a closed issue the one in force when it was closed. */
  readonly planned: FuzzyDate | null;
  /** The date that decides is an aspiration (力争). */
  readonly striving: boolean;
  readonly closedOn: Day | null;
  readonly disagreement: boolean;
  readonly claim: IssueState['claim'];
}

const detailOf = (state: IssueState): IssueViewDetail | null => {
  const { registration } = state;
  if (registration === null) return null;
  const shown = state.disclosure === 'STATED';
  const planned = state.closedOn === null ? state.planned : inForceOn(state, state.closedOn);
  const deciding = state.closedOn === null ? decidingDate(state) : planned;
  return {
    inspectionId: registration.inspectionId,
    numberPath: registration.numberPath,
    numberKey: registration.numberKey,
    aspect: registration.aspect,
    heading: registration.heading,
    title: registration.title,
    strand: registration.strand,
    annex: registration.annex,
    assistingOrgIds: registration.assistingOrgIds,
    printedStatus: state.printedStatus,
    continuation: state.continuation,
    residuals: state.residuals.map(({ key, printed, planned, measureId, open }) => ({ key, printed, planned: planned ?? null, measureId: measureId ?? null, open })),
    planned: shown ? planned : null,
    striving: shown && deciding?.commitment === 'striving',
    closedOn: shown ? state.closedOn : null,
    disagreement: state.disagreement,
    claim: state.claim,
  };
};

const view = (byLastDays: IssueState, byFirstDays: IssueState): IssueView | null => {
  const registration = byLastDays.registration ?? byFirstDays.registration;
  if (registration === null) return null;
  return { orgId: registration.orgId, cell: pairText({ last: cellOf(byLastDays), first: cellOf(byFirstDays) }), detail: detailOf(byLastDays) };
};

export const issueTimeline: TimelineDefinition<Fact<IssueEvent | FactsRetracted>, IssueState, IssueView> = {
  initial: initialIssueState, evolve: evolveIssue, isAssertion: isIssueStatusAssertion, view,
};

/** Issues: the register, and points by (owner, pair of cells). Policies and calendars are applied when read. */
export const issueProjection = aggregateProjection<IssueEvent | FactsRetracted, IssueState, IssueView>({
  name: 'issues',
  version: 1,
  streamPrefix: 'issue-',
  rowTable: 'issue_row',
  pointTable: 'issue_point',
  timeline: issueTimeline,
  columns: { cell: 'text', inspection_id: 'text', number_key: 'text', search: 'text', detail: 'jsonb' },
  row: ({ cell, detail }) => ({
    cell,
    inspection_id: detail?.inspectionId ?? null,
    number_key: detail?.numberKey ?? null,
    search: detail === null ? null : [detail.title, detail.heading ?? '', detail.numberPath.join('')].join('\n').toLowerCase(),
    detail,
  }),
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
});

