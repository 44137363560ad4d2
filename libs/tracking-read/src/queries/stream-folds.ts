import type { Fact } from '@rectrail/kernel';
import {
  evolveFundsCase, evolveInspection, evolveInstallation, evolveIssue, evolveMeasure, evolveMetric, evolvePlan, evolvePolicy, evolveSource, evolveSubscription,
  initialFundsCaseState, initialInspectionState, initialIssueState, initialMeasureState, initialMetricState, initialPlanState, initialSourceState, initialSubscriptionState,
  type ReminderEvent, type ReportEvent,
} from '@rectrail/tracking-domain';
import type { TrackingFact } from './counting-facts.ts';

/** A state by the names of its fields, as histories, timelines and the audit trail show it. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fold of one kind of stream, whatever its state is. */
export interface StreamFold {
  readonly initial: unknown;
  evolve(state: unknown, fact: TrackingFact): unknown;
}

/** The fold of a stream that holds the facts `F`. */
export const folding = <S, F extends Fact>(evolve: (state: S, fact: F) => S, initial: S): StreamFold =>
  // The prefix says which events the stream holds; the codec has checked each against its schema. A state comes from this fold alone.
  ({ initial, evolve: (state, fact) => evolve(state as S, fact as unknown as F) });

const foldingFields = <F extends TrackingFact>(evolve: (fields: Fields, event: F['event']) => Fields): StreamFold =>
  folding<Fields, F>((fields, { event }) => evolve(fields, event), {});

/** What of an organisation a tree says; the tree itself is `treeAt`'s. */
export const organisationFold: StreamFold = foldingFields((fields, event) => {
  if (event.type === 'OrgRegistered' || event.type === 'OrgMoved' || event.type === 'OrgRenamed') return { ...fields, ...event.data };
  if (event.type === 'OrgMerged') return { ...fields, mergedInto: event.data.successorId };
  return event.type === 'OrgDissolved' ? { ...fields, dissolved: true } : fields;
});

interface Declared { readonly key: string; readonly scope: object; readonly breakdown?: { readonly by: string; readonly value: string } | null }

/** A figure is told from others of its key by what it counts. */
const figureName = ({ key, scope, breakdown }: Declared): string =>
  [key, ...(breakdown == null ? [] : [`[${breakdown.by}=${breakdown.value}]`]), ...(Object.keys(scope).length === 0 ? [] : [JSON.stringify(scope)])].join(' ');

/** A report by what it says, so that one figure more is one change and not a list of all. */
const reportFold = foldingFields<Fact<ReportEvent>>((fields, event) => {
  switch (event.type) {
    case 'ReportPublished': return { ...fields, ...event.data };
    case 'RollUpDeclared': return { ...fields, [`figures.${figureName(event.data)}`]: event.data };
    case 'RollUpRateDeclared': return { ...fields, [`rates.${figureName(event.data)}`]: event.data };
    case 'DiscrepancyExplained': return { ...fields, [`explanations.${event.data.discrepancyKey}`]: event.data.explanation };
    case 'DiscrepancyNoted': return { ...fields, [`noted.${event.data.discrepancyKey}`]: event.data };
  }
});

/** A register by its notices, so that one more is one change and not a list of all. */
const remindersFold = foldingFields<Fact<ReminderEvent>>((fields, { type, data }) =>
  (type === 'ReminderIssued' ? { ...fields, [data.reminderId]: data } : { ...fields, [`${data.reminderId}.received.${data.recipient}`]: true }));

const calendarFold = foldingFields((fields, event) => (event.type === 'CalendarYearSet' ? { ...fields, [event.data.year]: event.data.workingDays } : fields));

const folds: readonly (readonly [prefix: string, fold: StreamFold])[] = [
  ['issue-', folding(evolveIssue, initialIssueState)],
  ['measure-', folding(evolveMeasure, initialMeasureState)],
  ['funds-case-', folding(evolveFundsCase, initialFundsCaseState)],
  ['inspection-', folding(evolveInspection, initialInspectionState)],
  ['plan-', folding(evolvePlan, initialPlanState)],
  ['policy-', folding(evolvePolicy, null)],
  ['report-', reportFold],
  ['metric-', folding(evolveMetric, initialMetricState)],
  ['reminders-', remindersFold],
  ['working-calendar', calendarFold],
  ['source-', folding(evolveSource, initialSourceState)],
  ['subscription-', folding(evolveSubscription, initialSubscriptionState)],
  ['installation', folding(evolveInstallation, null)],
];

/** Null for the stream of a tree, which is folded organisation by organisation. */
export const foldOf = (streamId: string): StreamFold | null => folds.find(([prefix]) => streamId.startsWith(prefix))?.[1] ?? null;

/** Fields of a state as JSON; what is only there for the next decision (`lastAssertion`) is no news to a reader. */
export const fieldsOf = (state: unknown): Fields => {
  if (state === null || typeof state !== 'object') return {};
  const entries = Object.entries(state).filter(([field]) => field !== 'lastAssertion');
  return Object.fromEntries(entries.map(([field, value]: [string, unknown]) => [field, value instanceof Map ? Object.fromEntries(value) : value]));
};
