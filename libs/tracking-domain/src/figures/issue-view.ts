import { daysBetween, type Cut, type Day, type FuzzyDate, type InspectionId, type IssueId, type OrgId } from '@rectrail/kernel';
import { workingDaysBetween, type WorkingCalendar } from '../calendar/calendar.state.ts';
import type { IssueEvent, Track } from '../issue/issue.events.ts';
import { deadlineOn, foldIssue, hasOpenDatedResidual, isClosed, isIssueStatusAssertion, shownState, type IssueState } from '../issue/issue.state.ts';
import type { Bucket, PolicyContent } from '../policy/policy.events.ts';
import { bucketOf } from '../policy/policy.state.ts';
import { countingFacts, countingFactsByFirstDays } from '../time/counting.ts';
import type { DeadlineCondition, ShownIssueState } from './definitions.ts';
import { calendarOf, policiesOf, type StreamOf, type World } from './world.ts';

/** The deadline of an issue on the query day (rules.md section 5). */
export interface DeadlineView {
  readonly condition: DeadlineCondition;
  /** The last day of the earliest open date; null without one, once closed, and where the status is not disclosed. */
  readonly due: Day | null;
  /** The deadline in force; of a closed issue the one that was in force when it was closed. */
  readonly planned: FuzzyDate | null;
  /** The date that decides is 力争, not 计划. */
  readonly striving: boolean;
  readonly closedOn: Day | null;
  /** Years that were counted Monday to Friday for want of a calendar, as far as the condition rests on them. */
  readonly yearsWithoutCalendar: readonly number[];
}

/** An existing issue as views and counts show it at a cut. */
export interface IssueView {
  readonly issueId: IssueId;
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  readonly numberKey: string;
  readonly track: Track;
  readonly state: ShownIssueState;
  readonly bucket: Bucket;
  readonly deadline: DeadlineView;
  /** The fold behind the view, with the kept state. */
  readonly folded: IssueState;
}

/** An issue by last days, which is what counts, and by first days, which is what might be; null where it does not exist. */
export interface IssueViews {
  readonly orgId: OrgId | null;
  readonly last: IssueView | null;
  readonly first: IssueView | null;
}

interface Judge { readonly validAt: Day; readonly policy: PolicyContent; readonly calendar: WorkingCalendar }

const closedCondition = (closedOn: Day, planned: FuzzyDate | null): DeadlineCondition => {
  if (planned === null) return 'DONE';
  return closedOn <= planned.last ? 'DONE_IN_TIME' : 'DONE_LATE';
};

/** The planned date in force and the open dated residuals, the earliest last day first. */
const openDates = (state: IssueState): readonly FuzzyDate[] => {
  const residuals = state.residuals.flatMap((residual) => (residual.open && residual.planned !== undefined ? [residual.planned] : []));
  return [...(state.planned === null ? [] : [state.planned]), ...residuals].toSorted((a, b) => (a.last < b.last ? -1 : a.last > b.last ? 1 : 0));
};

const openCondition = (due: Day, { validAt, policy, calendar }: Judge): Pick<DeadlineView, 'condition' | 'yearsWithoutCalendar'> => {
  if (due < validAt) return { condition: 'OVERDUE', yearsWithoutCalendar: [] };
  const { days, yearsWithoutCalendar } = policy.dueSoon.unit === 'working'
    ? workingDaysBetween(calendar, validAt, due, policy.dueSoon.days)
    : { days: daysBetween(validAt, due), yearsWithoutCalendar: [] };
  return { condition: days <= policy.dueSoon.days ? 'DUE_SOON' : 'ON_TRACK', yearsWithoutCalendar };
};

const deadlineView = (state: IssueState, judge: Judge): DeadlineView => {
  const none = { due: null, planned: null, striving: false, closedOn: null, yearsWithoutCalendar: [] };
  if (state.disclosure !== 'STATED') return { ...none, condition: 'NOT_DISCLOSED' };
  if (isClosed(state) && state.closedOn !== null) {
    const planned = deadlineOn(state, state.closedOn);
    return { ...none, condition: closedCondition(state.closedOn, planned), planned, striving: planned?.commitment === 'striving', closedOn: state.closedOn };
  }
  const [earliest] = openDates(state);
  if (earliest === undefined) return { ...none, condition: 'NO_DEADLINE' };
  return { ...none, ...openCondition(earliest.last, judge), due: earliest.last, planned: state.planned, striving: earliest.commitment === 'striving' };
};

const issueView = (state: IssueState, judge: Judge): IssueView | null => {
  const { registration } = state;
  if (registration === null) return null;
  const bucket = bucketOf(judge.policy, {
    state: state.state, track: state.track, disclosure: state.disclosure, basis: state.completionBasis, openDatedResidual: hasOpenDatedResidual(state),
  });
  return {
    issueId: registration.issueId,
    inspectionId: registration.inspectionId,
    numberPath: registration.numberPath,
    numberKey: registration.numberKey,
    track: state.track,
    state: shownState(state),
    bucket,
    deadline: deadlineView(state, judge),
    folded: state,
  };
};

/** Both views of every issue whose stream has begun, in the order in which the streams began. */
export const issueViews = (world: World, cut: Cut, policy: OrgId | 'default' | null): readonly IssueViews[] => {
  const policyOf = policiesOf(world, cut, { policy });
  const calendar = calendarOf(world, cut);
  const view = (stream: StreamOf<IssueEvent>, facts: StreamOf<IssueEvent>['facts']): IssueView | null => {
    const state = foldIssue(facts);
    // The policy is asked for last: before its first event an installation has none, but no issue either.
    return state.registration === null ? null : issueView(state, { validAt: cut.validAt, policy: policyOf(stream.owner), calendar });
  };
  return world.issues.map((stream) => ({
    orgId: stream.owner,
    last: view(stream, countingFacts(stream.facts, cut)),
    first: view(stream, countingFactsByFirstDays(stream.facts, cut, isIssueStatusAssertion)),
  }));
};
