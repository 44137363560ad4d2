import type { Cut, Fact, OrgId } from '@rectrail/kernel';
import { buckets } from '../policy/policy.events.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { countsBy } from './counts.ts';
import { declaredBy } from './declared.ts';
import { deadlineConditions, figureDefinitions, shownIssueStates, type DashboardFigures, type FigureAnswer, type FigureQuery } from './definitions.ts';
import { fundsCaseViews, fundsFigures } from './funds.ts';
import { issueViews, type IssueViews } from './issue-view.ts';
import { measureFigures, measureViews } from './measures.ts';
import { everything, selectionOf, subtreeOf, treeOf, worldOf, type Selection, type World } from './world.ts';

/** Years without a calendar that a deadline by working days ran through, in either fold. */
export const assumedCalendarYears = (issues: readonly IssueViews[]): readonly number[] => {
  const years = issues.flatMap(({ last, first }) => [...(last?.deadline.yearsWithoutCalendar ?? []), ...(first?.deadline.yearsWithoutCalendar ?? [])]);
  return [...new Set(years)].toSorted((a, b) => a - b);
};

interface Figures { readonly figures: DashboardFigures; readonly calendarYears: readonly number[] }

/** Gives the figures of any part of the world: what it owns, and what its own reports declare. */
const figuresOf = (world: World, cut: Cut, policy: FigureQuery['policy']): (selected: Selection, declaring: OrgId | null) => Figures => {
  const views = { issues: issueViews(world, cut, policy), measures: measureViews(world, cut), cases: fundsCaseViews(world, cut) };
  return (selected, declaring) => {
    const issues = views.issues.filter(({ orgId }) => selected(orgId));
    const { recovered, returned } = fundsFigures(views.cases.filter(({ orgId }) => selected(orgId)));
    const figures: DashboardFigures = {
      issues: {
        total: issues.filter(({ last }) => last !== null).length,
        byState: countsBy(shownIssueStates, issues, (view) => view.state),
        byBucket: countsBy(buckets, issues, (view) => view.bucket),
        byDeadline: countsBy(deadlineConditions, issues, (view) => view.deadline.condition),
      },
      measures: measureFigures(views.measures.filter(({ orgId }) => selected(orgId))),
      funds: { recovered, returned },
      declared: declaredBy(world, cut, declaring),
    };
    return { figures, calendarYears: assumedCalendarYears(issues) };
  };
};

/** `rectrail.dashboard/1`: the figures of an organisation and all below it, or of the whole forest. */
export const dashboard = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): FigureAnswer<DashboardFigures> => {
  const world = worldOf(facts);
  const { figures, calendarYears } = figuresOf(world, cut, query.policy)(selectionOf(world, cut, query), query.org);
  return { cut, definition: figureDefinitions.dashboard, figures, assumptions: { calendarYears } };
};

/** Every figure of the dashboard has one owner, so own + Σ children = total, number by number; `declared` is never added. */
export interface DashboardByChild {
  readonly total: DashboardFigures;
  /** Of the organisation itself; without one, of what does not stand in the tree. */
  readonly own: DashboardFigures;
  /** Each child with all below it; without an organisation the roots. */
  readonly children: readonly { readonly orgId: OrgId; readonly figures: DashboardFigures }[];
}

export const dashboardByChild = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): DashboardByChild => {
  const world = worldOf(facts);
  const figures = figuresOf(world, cut, query.policy);
  const tree = treeOf(world, cut, query);
  const { org } = query;
  const children = org === null ? tree.roots : tree.children(org);
  return {
    total: figures(org === null ? everything : subtreeOf(tree, org), org).figures,
    own: figures((owner) => (org === null ? owner === null || !tree.orgs.has(owner) : owner === org), org).figures,
    children: children.map((orgId) => ({ orgId, figures: figures(subtreeOf(tree, orgId), orgId).figures })),
  };
};
