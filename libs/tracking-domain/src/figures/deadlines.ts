import type { Cut, Day, Fact, FuzzyDate, IssueId, OrgId } from '@rectrail/kernel';
import type { TrackingEvent } from '../tracking-event.ts';
import { countsBy } from './counts.ts';
import { assumedCalendarYears } from './dashboard.ts';
import { deadlineConditions, figureDefinitions, type Count, type DeadlineCondition, type FigureAnswer, type FigureQuery } from './definitions.ts';
import { issueViews } from './issue-view.ts';
import { selectionOf, worldOf } from './world.ts';

/** One existing issue and its deadline. */
export interface DeadlineRow {
  readonly issueId: IssueId;
  readonly orgId: OrgId | null;
  readonly condition: DeadlineCondition;
  readonly due: Day | null;
  readonly planned: FuzzyDate | null;
  readonly striving: boolean;
  readonly closedOn: Day | null;
  /** Open and without any date: somebody should set one, long-term included. */
  readonly flagged: boolean;
}

export type DeadlineFigures = Readonly<Record<DeadlineCondition, Count>>;

/** `rectrail.deadlines/1`: how many issues are in each condition, and each existing issue in the order in which the streams began. */
export const deadlines = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): FigureAnswer<DeadlineFigures> & { readonly rows: readonly DeadlineRow[] } => {
  const world = worldOf(facts);
  const selected = selectionOf(world, cut, query);
  const issues = issueViews(world, cut, query.policy).filter(({ orgId }) => selected(orgId));
  return {
    cut,
    definition: figureDefinitions.deadlines,
    figures: countsBy(deadlineConditions, issues, (view) => view.deadline.condition),
    assumptions: { calendarYears: assumedCalendarYears(issues) },
    rows: issues.flatMap(({ orgId, last }) => {
      if (last === null) return [];
      const { condition, due, planned, striving, closedOn } = last.deadline;
      return [{ issueId: last.issueId, orgId, condition, due, planned, striving, closedOn, flagged: condition === 'NO_DEADLINE' }];
    }),
  };
};
