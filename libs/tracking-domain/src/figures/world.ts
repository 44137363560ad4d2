import type { Cut, Fact, OrgId, StreamId } from '@rectrail/kernel';
import { calendarAt, type WorkingCalendar } from '../calendar/calendar.state.ts';
import type { WorkingCalendarEvent } from '../calendar/calendar.events.ts';
import type { FundsCaseEvent } from '../funds-case/funds-case.events.ts';
import type { IssueEvent } from '../issue/issue.events.ts';
import type { MeasureEvent } from '../measure/measure.events.ts';
import type { OrganisationTreeEvent } from '../organisation-tree/organisation-tree.events.ts';
import { treeAt, type OrgTree } from '../organisation-tree/organisation-tree.state.ts';
import type { PolicyContent, PolicyEvent } from '../policy/policy.events.ts';
import { policyAt } from '../policy/policy.state.ts';
import type { ReportEvent } from '../report/report.events.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { administrativeTreeId, streams } from '../streams.ts';
import { countingFacts } from '../time/counting.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import type { FigureQuery } from './definitions.ts';

/**
 * All facts, by the stream that they stand in. This module is the oracle (rules.md section 7): it reads everything and folds everything anew
 * for every question, so that there is nothing in it but the rules.
 */
export interface World {
  readonly issues: readonly StreamOf<IssueEvent>[];
  readonly measures: readonly StreamOf<MeasureEvent>[];
  readonly fundsCases: readonly StreamOf<FundsCaseEvent>[];
  readonly reports: readonly StreamOf<ReportEvent>[];
  readonly policies: readonly StreamOf<PolicyEvent>[];
  readonly trees: readonly StreamOf<OrganisationTreeEvent>[];
  readonly calendars: readonly StreamOf<WorkingCalendarEvent>[];
}

/** One stream; its owner never changes, so any of its facts names it. */
export interface StreamOf<E extends TrackingEvent> {
  readonly streamId: StreamId;
  readonly owner: OrgId | null;
  readonly facts: readonly Fact<E | FactsRetracted>[];
}

/** The name of a stream says which events it may hold. */
const standsIn = <E extends TrackingEvent>(prefix: string) => (fact: Fact<TrackingEvent>): fact is Fact<E | FactsRetracted> => fact.streamId.startsWith(prefix);

const streamsOf = <E extends TrackingEvent>(facts: readonly Fact<TrackingEvent>[], prefix: string): readonly StreamOf<E>[] =>
  [...Map.groupBy(facts.filter(standsIn<E>(prefix)), (fact) => fact.streamId)]
    .map(([streamId, ofStream]) => ({ streamId, owner: ofStream[0]?.scope.orgId ?? null, facts: ofStream }));

export const worldOf = (facts: readonly Fact<TrackingEvent>[]): World => ({
  issues: streamsOf(facts, 'issue-'),
  measures: streamsOf(facts, 'measure-'),
  fundsCases: streamsOf(facts, 'funds-case-'),
  reports: streamsOf(facts, 'report-'),
  policies: streamsOf(facts, 'policy-'),
  trees: streamsOf(facts, 'org-tree-'),
  calendars: streamsOf(facts, streams.workingCalendar),
});

/** Whether a thing of this owner belongs to what is asked for. */
export type Selection = (owner: OrgId | null) => boolean;

export const everything: Selection = () => true;

/** The tree by which the query rolls up: the administrative one of the cut's validAt unless it names another tree or day (rules.md section 6). */
export const treeOf = (world: World, cut: Cut, query: FigureQuery): OrgTree => {
  const stream = world.trees.find(({ streamId }) => streamId === streams.organisationTree(query.tree ?? administrativeTreeId));
  return treeAt(countingFacts(stream?.facts ?? [], { ...cut, knownAt: query.treeKnownAt ?? cut.knownAt, validAt: query.treeOn ?? cut.validAt }));
};

/** The organisation and all below it; one that does not stand in the tree is alone. */
export const subtreeOf = (tree: OrgTree, org: OrgId): Selection => {
  const within = new Set<OrgId | null>([org, ...tree.subtree(org)]);
  return (owner) => within.has(owner);
};

/** The organisations that the caller may see, each before those below it; null: all, and what has no owner. */
export const jurisdictionOf = (world: World, { within = null }: Pick<FigureQuery, 'within'>): ReadonlySet<OrgId | null> | null =>
  (within === null ? null : new Set([within.org, ...treeOf(world, within.cut, { org: within.org, policy: null }).subtree(within.org)]));

export const selectionOf = (world: World, cut: Cut, query: FigureQuery): Selection => {
  const [visible, asked] = [jurisdictionOf(world, query), query.org === null ? everything : subtreeOf(treeOf(world, cut, query), query.org)];
  return (owner) => (visible?.has(owner) ?? true) && asked(owner);
};

/** Code and name are the organisation's, whatever tree it is looked at in, first the administrative one; null where it was not registered. */
export const labelOf = (world: World, cut: Cut, orgId: OrgId): { readonly code: string; readonly name: string } | null => {
  const [first, others] = [true, false].map((isFirst) => world.trees.filter(({ streamId }) => (streamId === streams.organisationTree(administrativeTreeId)) === isFirst));
  for (const { facts } of [...first ?? [], ...others ?? []]) {
    const org = treeAt(countingFacts(facts, cut)).orgs.get(orgId);
    if (org !== undefined) return { code: org.code, name: org.name };
  }
  return null;
};

/** Gives the policy by which the things of an owner are judged. */
export type PolicyChoice = (owner: OrgId | null) => PolicyContent;

/** The newest of the owner's own at the cut, else the default; `query.policy` gives one policy to all. Always cut by last days. */
export const policiesOf = (world: World, cut: Cut, query: Pick<FigureQuery, 'policy'>): PolicyChoice => {
  const inForce = new Map(world.policies.map(({ streamId, facts }) => [streamId, policyAt(countingFacts(facts, cut))?.content ?? null]));
  const choose = (orgId: OrgId | null): PolicyContent => {
    const content = (orgId === null ? null : inForce.get(streams.policy(orgId))) ?? inForce.get(streams.defaultPolicy);
    if (content === null || content === undefined) throw new Error('no default policy at this cut: it is an event of the first start, so this is no log of an installation');
    return content;
  };
  const { policy } = query;
  if (policy === null) return choose;
  return () => choose(policy === 'default' ? null : policy);
};

export const calendarOf = (world: World, cut: Cut): WorkingCalendar => calendarAt(world.calendars.flatMap(({ facts }) => countingFacts(facts, cut)));
