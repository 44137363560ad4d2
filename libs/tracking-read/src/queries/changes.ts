import type { Fact } from '@rectrail/kernel';
import {
  evolveFundsCase, evolveInspection, evolveIssue, evolveMeasure, evolvePlan, evolvePolicy,
  initialFundsCaseState, initialInspectionState, initialIssueState, initialMeasureState, initialPlanState,
} from '@rectrail/tracking-domain';
import { inFoldOrder, standings } from '../timeline/standing.ts';
import type { EventView } from './answers.ts';
import type { TrackingFact } from './counting-facts.ts';

type Changes = EventView['changes'];
type Fields = Readonly<Record<string, unknown>>;

const fold = <S, F extends Fact>(evolve: (state: S, fact: F) => S, initial: S) =>
  // The prefix says which events the stream holds; the codec has checked each against its schema.
  (facts: readonly TrackingFact[]): Fields => fieldsOf((facts as unknown as readonly F[]).reduce(evolve, initial));

/** What of an organisation a tree says, for the audit trail; the tree itself is `treeAt`'s. */
const organisationFields = (facts: readonly TrackingFact[]): Fields =>
  facts.reduce<Fields>((fields, { event }) => {
    if (event.type === 'OrgRegistered' || event.type === 'OrgMoved' || event.type === 'OrgRenamed') return { ...fields, ...event.data };
    if (event.type === 'OrgMerged') return { ...fields, mergedInto: event.data.successorId };
    return event.type === 'OrgDissolved' ? { ...fields, dissolved: true } : fields;
  }, {});

const folds: readonly (readonly [prefix: string, fold: (facts: readonly TrackingFact[]) => Fields])[] = [
  ['issue-', fold(evolveIssue, initialIssueState)],
  ['measure-', fold(evolveMeasure, initialMeasureState)],
  ['funds-case-', fold(evolveFundsCase, initialFundsCaseState)],
  ['inspection-', fold(evolveInspection, initialInspectionState)],
  ['plan-', fold(evolvePlan, initialPlanState)],
  ['policy-', fold(evolvePolicy, null)],
];

/** Fields of a state as JSON; what is only there for the next decision (`lastAssertion`) is no news to a reader. */
const fieldsOf = (state: unknown): Fields => {
  if (state === null || typeof state !== 'object') return {};
  const entries = Object.entries(state).filter(([field]) => field !== 'lastAssertion');
  return Object.fromEntries(entries.map(([field, value]: [string, unknown]) => [field, value instanceof Map ? Object.fromEntries(value) : value]));
};

const difference = (before: Fields, after: Fields): Changes =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }));

/** All that counted at the end of a part of the stream, with everything known then, in fold order. */
const standingFacts = (stream: readonly TrackingFact[]): readonly TrackingFact[] =>
  inFoldOrder(standings(stream).filter((s) => s.knownTo === 'infinity')).map((s) => s.fact);

/**
 * What the event changed of its aggregate as it stood then, with everything known, on the last of days. What is not folded into a state
 * (declared figures, observations, calendars, sources) changes what its own data say.
 */
export const changesOf = (fact: TrackingFact, stream: readonly TrackingFact[]): Changes => {
  const { event } = fact;
  if (fact.streamId.startsWith('org-tree-') && 'orgId' in event.data) {
    const { orgId } = event.data;
    const ofOrg = stream.filter((f) => f.event.type === 'FactsRetracted' || ('orgId' in f.event.data && f.event.data.orgId === orgId));
    return differenceAt(fact, ofOrg, organisationFields);
  }
  const known = folds.find(([prefix]) => fact.streamId.startsWith(prefix));
  if (known === undefined) return difference({}, { ...event.data });
  return differenceAt(fact, stream, known[1]);
};

const differenceAt = (fact: TrackingFact, stream: readonly TrackingFact[], foldOf: (facts: readonly TrackingFact[]) => Fields): Changes => {
  const upTo = stream.filter((f) => f.streamVersion <= fact.streamVersion);
  return difference(foldOf(standingFacts(upTo.slice(0, -1))), foldOf(standingFacts(upTo)));
};
