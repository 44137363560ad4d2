import type { Cut, Fact, OrgId } from '@rectrail/kernel';
import type { OrgTree } from '../organisation-tree/organisation-tree.state.ts';
import { buckets } from '../policy/policy.events.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { countsBy } from './counts.ts';
import { declaredBy } from './declared.ts';
import { deadlineConditions, figureDefinitions, shownIssueStates, type DashboardFigures, type FigureAnswer, type FigureQuery } from './definitions.ts';
import { fundsCaseViews, fundsFigures } from './funds.ts';
import { issueViews, type IssueViews } from './issue-view.ts';
import { measureFigures, measureViews } from './measures.ts';
import { jurisdictionOf, labelOf, selectionOf, subtreeOf, treeOf, worldOf, type Selection, type World } from './world.ts';

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

/** Where a dashboard is asked for. */
export interface DashboardPlace { readonly cut: Cut; readonly query: FigureQuery }

/** `rectrail.dashboard/1` at each of some places, as a series has it. */
export const dashboards = (facts: readonly Fact<TrackingEvent>[], places: readonly DashboardPlace[]): readonly FigureAnswer<DashboardFigures>[] => {
  const world = worldOf(facts);
  return places.map(({ cut, query }) => {
    const { figures, calendarYears } = figuresOf(world, cut, query.policy)(selectionOf(world, cut, query), query.org);
    return { cut, definition: figureDefinitions.dashboard, figures, assumptions: { calendarYears } };
  });
};

/** `rectrail.dashboard/1`: the figures of an organisation and all below it, or of the whole forest. */
export const dashboard = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): FigureAnswer<DashboardFigures> => {
  const [answer] = dashboards(facts, [{ cut, query }]);
  if (answer === undefined) throw new RangeError('one place has one dashboard');
  return answer;
};

/** Every figure of the dashboard has one owner, so own + Σ children = total, number by number; `declared` is never added. */
export interface DashboardByChild {
  readonly total: DashboardFigures;
  /** Of the organisation itself; without one, of what does not stand in the tree. */
  readonly own: DashboardFigures;
  /** Each child with all below it; without an organisation the roots, of a jurisdiction its topmost. */
  readonly children: readonly { readonly orgId: OrgId; readonly code: string; readonly name: string; readonly figures: DashboardFigures }[];
}

/** Those side by side: of a jurisdiction, and as roots, only what may be seen. */
const partsOf = (tree: OrgTree, org: OrgId | null, visible: ReadonlySet<OrgId | null> | null): readonly OrgId[] => {
  if (org !== null) return tree.children(org).filter((child) => visible?.has(child) ?? true);
  if (visible === null) return tree.roots;
  return [...visible].filter((orgId) => {
    const node = orgId === null ? undefined : tree.orgs.get(orgId);
    return node !== undefined && (node.parentId === null || !visible.has(node.parentId));
  }) as readonly OrgId[];
};

export const dashboardByChild = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): DashboardByChild => {
  const world = worldOf(facts);
  const figures = figuresOf(world, cut, query.policy);
  const tree = treeOf(world, cut, query);
  const { org } = query;
  const [selected, visible] = [selectionOf(world, cut, query), jurisdictionOf(world, query)];
  const parts = partsOf(tree, org, visible).map((orgId) => {
    const below = subtreeOf(tree, orgId);
    return { orgId, holds: (owner: OrgId | null): boolean => below(owner) && selected(owner) };
  });
  return {
    total: figures(selected, org).figures,
    own: figures((owner) => selected(owner) && !parts.some(({ holds }) => holds(owner)), org).figures,
    children: parts.map(({ orgId, holds }) => ({ orgId, code: '', name: '', ...labelOf(world, cut, orgId), figures: figures(holds, orgId).figures })),
  };
};
