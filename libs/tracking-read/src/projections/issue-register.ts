import type { Day, Fact, FuzzyDate, InspectionId, OrgId } from '@rectrail/kernel';
import { evolveIssue, initialIssueState, isIssueStatusAssertion, type Continuation, type FactsRetracted, type IssueEvent, type IssueState } from '@rectrail/tracking-domain';
import { pairText, parsePair } from '../figures/cell-texts.ts';
import { dueOf, openUntil, shownIssueState, type IssueCell } from '../figures/cells.ts';
import { issueClassOf, issueKind } from '../figures/issue-class.ts';
import { type TimelineDefinition } from '../timeline/timeline.ts';
import { searchIndex, searchText, type Register, type RegisterView } from './register.ts';
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

/** What the register keeps of an issue; `name` and `shown` are null while it exists by first days only. */
export interface IssueView extends RegisterView {
  readonly cell: string;
  readonly name: IssueName | null;
  readonly shown: ShownIssue | null;
}

/** What its registration says. */
export interface IssueName {
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  readonly numberKey: string;
  readonly aspect: string | null;
  readonly heading: string | null;
  readonly title: string;
  readonly strand: string | null;
  readonly annex: boolean;
  readonly assistingOrgIds: readonly OrgId[];
}

/** What has become of it since. */
export interface ShownIssue {
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

const nameOf = ({ registration }: IssueState): IssueName | null => {
  if (registration === null) return null;
  const { inspectionId, numberPath, numberKey, aspect, heading, title, strand, annex, assistingOrgIds } = registration;
  return { inspectionId, numberPath, numberKey, aspect, heading, title, strand, annex, assistingOrgIds };
};

const shownOf = (state: IssueState): ShownIssue | null => {
  if (state.registration === null) return null;
  const stated = state.disclosure === 'STATED';
  const planned = state.closedOn === null ? state.planned : inForceOn(state, state.closedOn);
  const deciding = state.closedOn === null ? decidingDate(state) : planned;
  return {
    printedStatus: state.printedStatus,
    continuation: state.continuation,
    residuals: state.residuals.map(({ key, printed, planned, measureId, open }) => ({ key, printed, planned: planned ?? null, measureId: measureId ?? null, open })),
    planned: stated ? planned : null,
    striving: stated && deciding?.commitment === 'striving',
    closedOn: stated ? state.closedOn : null,
    disagreement: state.disagreement,
    claim: state.claim,
  };
};

const view = (byLastDays: IssueState, byFirstDays: IssueState): IssueView | null => {
  const registration = byLastDays.registration ?? byFirstDays.registration;
  if (registration === null) return null;
  const cell = pairText({ last: cellOf(byLastDays), first: cellOf(byFirstDays) });
  return { orgId: registration.orgId, cell, name: nameOf(byLastDays), shown: shownOf(byLastDays) };
};

export const issueTimeline: TimelineDefinition<Fact<IssueEvent | FactsRetracted>, IssueState, IssueView> = {
  initial: initialIssueState, evolve: evolveIssue, isAssertion: isIssueStatusAssertion, view,
};

/** The detail of a view as it is kept. */
export interface IssueViewDetail extends ShownIssue { readonly cell: string }

/** Issues: by (owner, pair of cells). Policies and calendars are applied to the points. */
export const issueRegister: Register<IssueEvent | FactsRetracted, IssueState, IssueView> = {
  kind: 'issue',
  streamPrefix: 'issue-',
  timeline: issueTimeline,
  columns: { due: 'date', open_until: 'date', class: 'smallint' },
  listed: ['due', 'class'],
  indexes: { issue_row_open_until: '(open_until) where open_until is not null' },
  row: ({ cell }) => {
    const pair = parsePair(cell);
    return [pair.last === null ? null : dueOf(pair.last), openUntil(pair), pair.last === null ? null : issueClassOf(pair.last)];
  },
  shown: ({ cell, name, shown }) => {
    const { last } = parsePair(cell);
    if (last === null || name === null || shown === null) return null;
    const { inspectionId, numberKey, title, heading, numberPath } = name;
    const detail: IssueViewDetail = { cell, ...shown };
    return {
      state: issueKind(shownIssueState(last), { isDated: dueOf(last) !== null, disagreement: shown.disagreement }),
      name: { inspectionId, numberKey, search: searchText(title, heading ?? '', numberPath.join('')), issueIds: [], detail: name },
      detail,
    };
  },
  nameIndexes: {
    issue_name_inspection: '(inspection_id)',
    issue_name_aspect: "((detail ->> 'aspect')) where detail ->> 'aspect' is not null",
    issue_name_assisting: "using gin ((detail -> 'assistingOrgIds')) with (fastupdate = off)",
    ...searchIndex('issue'),
  },
  contributions: ({ cell }) => [{ cell, n: 1, fen: 0n }],
};
