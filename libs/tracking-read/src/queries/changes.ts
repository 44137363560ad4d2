import type { Fact, OrgId } from '@rectrail/kernel';
import {
  evolveFundsCase, evolveInspection, evolveInstallation, evolveIssue, evolveMeasure, evolveMetric, evolvePlan, evolvePolicy, evolveSource,
  initialFundsCaseState, initialInspectionState, initialIssueState, initialMeasureState, initialMetricState, initialPlanState, initialSourceState,
  type FactsRetracted, type ReportEvent,
} from '@rectrail/tracking-domain';
import { inFoldOrder, standings } from '../timeline/standing.ts';
import { organisationRef } from '../projections/references.ts';
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

interface Declared { readonly key: string; readonly scope: object; readonly breakdown?: { readonly by: string; readonly value: string } | null }

/** A figure is told from others of its key by what it counts. */
const figureName = ({ key, scope, breakdown }: Declared): string =>
  [key, ...(breakdown == null ? [] : [`[${breakdown.by}=${breakdown.value}]`]), ...(Object.keys(scope).length === 0 ? [] : [JSON.stringify(scope)])].join(' ');

/** A report by what it says, so that one figure more is one change and not a list of all. */
const reportFields = (facts: readonly TrackingFact[]): Fields =>
  // The stream is a report's: the codec has checked its events.
  (facts as unknown as readonly Fact<ReportEvent | FactsRetracted>[]).reduce<Fields>((fields, { event }) => {
    switch (event.type) {
      case 'ReportPublished': return { ...fields, ...event.data };
      case 'RollUpDeclared': return { ...fields, [`figures.${figureName(event.data)}`]: event.data };
      case 'RollUpRateDeclared': return { ...fields, [`rates.${figureName(event.data)}`]: event.data };
      case 'DiscrepancyExplained': return { ...fields, [`explanations.${event.data.discrepancyKey}`]: event.data.explanation };
      case 'DiscrepancyNoted': return { ...fields, [`noted.${event.data.discrepancyKey}`]: event.data };
      case 'FactsRetracted': return fields;
    }
  }, {});

const calendarFields = (facts: readonly TrackingFact[]): Fields =>
  Object.fromEntries(facts.flatMap(({ event }) => (event.type === 'CalendarYearSet' ? [[String(event.data.year), event.data.workingDays]] : [])));

const folds: readonly (readonly [prefix: string, fold: (facts: readonly TrackingFact[]) => Fields])[] = [
  ['issue-', fold(evolveIssue, initialIssueState)],
  ['measure-', fold(evolveMeasure, initialMeasureState)],
  ['funds-case-', fold(evolveFundsCase, initialFundsCaseState)],
  ['inspection-', fold(evolveInspection, initialInspectionState)],
  ['plan-', fold(evolvePlan, initialPlanState)],
  ['policy-', fold(evolvePolicy, null)],
  ['report-', reportFields],
  ['metric-', fold(evolveMetric, initialMetricState)],
  ['working-calendar', calendarFields],
  ['source-', fold(evolveSource, initialSourceState)],
  ['installation', fold(evolveInstallation, null)],
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

/** The organisation of a tree that the event is about; those of its victims, or of theirs, where it retracts. */
const orgsConcerned = ({ event }: TrackingFact, stream: readonly TrackingFact[]): readonly OrgId[] => {
  if (event.type !== 'FactsRetracted') return 'orgId' in event.data && event.data.orgId !== null ? [event.data.orgId] : [];
  const victims = stream.filter((f) => event.data.eventIds.includes(f.eventId));
  return [...new Set(victims.flatMap((victim) => orgsConcerned(victim, stream)))];
};

const organisationChanges = (fact: TrackingFact, stream: readonly TrackingFact[]): Changes =>
  orgsConcerned(fact, stream).flatMap((orgId) => {
    const ofOrg = stream.filter((f) => f.event.type === 'FactsRetracted' || ('orgId' in f.event.data && f.event.data.orgId === orgId));
    const changes = differenceAt(fact, ofOrg, organisationFields);
    // The data of a retraction do not say whose it is.
    return fact.event.type === 'FactsRetracted' ? changes.map((change) => ({ ...change, field: `${organisationRef(orgId)}.${change.field}` })) : changes;
  });

/** What the event changed of its aggregate as it stood then, with everything known, on the last of days; the opening of a tree says it itself. */
export const changesOf = (fact: TrackingFact, stream: readonly TrackingFact[]): Changes => {
  const { event } = fact;
  if (fact.streamId.startsWith('org-tree-') && event.type !== 'TreeOpened') return organisationChanges(fact, stream);
  const known = folds.find(([prefix]) => fact.streamId.startsWith(prefix));
  if (known === undefined) return difference({}, { ...event.data });
  return differenceAt(fact, stream, known[1]);
};

const differenceAt = (fact: TrackingFact, stream: readonly TrackingFact[], foldOf: (facts: readonly TrackingFact[]) => Fields): Changes => {
  const upTo = stream.filter((f) => f.streamVersion <= fact.streamVersion);
  return difference(foldOf(standingFacts(upTo.slice(0, -1))), foldOf(standingFacts(upTo)));
};
