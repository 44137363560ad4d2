import type { Day, Fact, FuzzyDate, InspectionId, OrgId } from '@rectrail/kernel';
import { evolveIssue, initialIssueState, isIssueStatusAssertion, type Continuation, type FactsRetracted, type IssueEvent, type IssueState } from '@rectrail/tracking-domain';
import { openUntil, pairText, parsePair, type IssueCell } from '../figures/cells.ts';
import { type TimelineDefinition } from '../timeline/timeline.ts';
import type { Register, RegisterView } from './register.ts';
import type { ResidualView } from '../queries/answers.ts';

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

/** Issues: by (owner, pair of cells). Policies and calendars are applied to the points. */
export const issueRegister: Register<IssueEvent | FactsRetracted, IssueState, IssueView> = {
  kind: 'issue',
  streamPrefix: 'issue-',
  timeline: issueTimeline,
  rowTable: 'issue_row',
  viewTable: 'issue_view',
  columns: { cell: 'text collate "C" not null', inspection_id: 'uuid', number_key: 'text collate "C"', search: 'text', open_until: 'date' },
  indexes: { issue_row_org_cell: '(org_id, cell)', issue_row_inspection: '(inspection_id)', issue_row_open_until: '(open_until) where open_until is not null' },
  row: ({ cell, detail }) => [
    cell, detail?.inspectionId ?? null, detail?.numberKey ?? null,
    detail === null ? null : [detail.title, detail.heading ?? '', detail.numberPath.join('')].join('\n').toLowerCase(),
    openUntil(parsePair(cell)),
  ],
  detail: ({ detail }) => detail,
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
};
