import type { Day, EventId, Fact, FuzzyDate, IssueId } from '@rectrail/kernel';
import { applyEvent, type DataByType, type EventHandlers } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { effectiveDay } from '../time/counting.ts';
import type { Frequency, MeasureEvent, MeasureStateName } from './measure.events.ts';

type DataOf<T extends MeasureEvent['type']> = DataByType<MeasureEvent>[T];
export type MeasureIdentityData = Pick<DataOf<'MeasurePlanned'>, 'measureId' | 'orgId' | 'inspectionId' | 'issueIds' | 'marker' | 'title'>;

/** Types that say where the measure stands. `MeasurePlanned` is none: like a registration it gives existence and never lowers a status. */
export const measureStatusAssertions = [
  'MeasureStated', 'MeasureProgressed', 'MeasureCompleted', 'MeasureSuspended', 'MeasureResumed', 'MeasureMadeStanding', 'MeasureWithdrawn',
] as const satisfies readonly MeasureEvent['type'][];

const assertionTypes: ReadonlySet<string> = new Set(measureStatusAssertions);
export const isMeasureStatusAssertion = (type: string): boolean => assertionTypes.has(type);

/** States in which the measure keeps no issue from being completed. */
export const settledMeasureStates: ReadonlySet<MeasureStateName> = new Set<MeasureStateName>(['DONE', 'STANDING', 'WITHDRAWN']);

/** A measure as folded from the facts that count. `state` is the kept state; what may be shown is `shownMeasureState`. */
export interface MeasureState {
  /** Null: the measure does not exist at this cut. */
  readonly identity: MeasureIdentityData | null;
  readonly state: MeasureStateName;
  readonly disclosure: 'STATED' | 'NOT_DISCLOSED';
  /** Where a suspended measure goes on from. */
  readonly suspendedFrom: MeasureStateName | null;
  readonly suspensionCause: string | null;
  readonly frequency: Frequency | null;
  readonly planned: FuzzyDate | null;
  readonly printedStatus: string | null;
  /** Of the first statement and of the links, each once. */
  readonly issueIds: readonly IssueId[];
  readonly result: string | null;
  readonly evidence: readonly string[];
  readonly lastAssertion: { readonly eventId: EventId; readonly type: MeasureEvent['type']; readonly first: Day; readonly last: Day; readonly data: MeasureEvent['data'] } | null;
}

export const initialMeasureState: MeasureState = {
  identity: null, state: 'PLANNED', disclosure: 'STATED', suspendedFrom: null, suspensionCause: null, frequency: null, planned: null, printedStatus: null,
  issueIds: [], result: null, evidence: [], lastAssertion: null,
};

/** What views and counts show: NOT_DISCLOSED while the last report prints the measure without a state. */
export const shownMeasureState = (s: Pick<MeasureState, 'state' | 'disclosure'>): MeasureStateName | 'NOT_DISCLOSED' =>
  (s.disclosure === 'STATED' ? s.state : 'NOT_DISCLOSED');

const including = (list: readonly IssueId[], more: readonly IssueId[]): readonly IssueId[] => [...new Set([...list, ...more])];

const live = (s: MeasureState, state: MeasureStateName, changes: Partial<MeasureState> = {}): MeasureState =>
  ({ ...s, state, disclosure: 'STATED', printedStatus: null, suspendedFrom: null, suspensionCause: null, ...changes });

const beforeSuspension = (s: MeasureState): MeasureStateName | null => (s.state === 'SUSPENDED' ? s.suspendedFrom : s.state);

const identified = (s: MeasureState, d: MeasureIdentityData & { readonly planned: FuzzyDate | null }): MeasureState => ({
  ...s,
  identity: s.identity ?? { measureId: d.measureId, orgId: d.orgId, inspectionId: d.inspectionId, issueIds: d.issueIds, marker: d.marker, title: d.title },
  issueIds: including(s.issueIds, d.issueIds),
  planned: d.planned ?? s.planned,
});

const handlers: EventHandlers<MeasureEvent, MeasureState> = {
  MeasurePlanned: identified,
  MeasureStated: (s, d) => (d.state === null
    ? { ...identified(s, d), disclosure: 'NOT_DISCLOSED', printedStatus: d.printedStatus }
    : live(identified(s, d), d.state, { printedStatus: d.printedStatus, suspendedFrom: d.state === 'SUSPENDED' ? beforeSuspension(s) : null })),
  MeasureLinkedToIssue: (s, d) => ({ ...s, issueIds: including(s.issueIds, [d.issueId]) }),
  MeasureProgressed: (s) => live(s, s.state === 'STANDING' ? 'STANDING' : 'IN_PROGRESS'),
  MeasureCompleted: (s, d) => live(s, 'DONE', { result: d.result, evidence: d.evidence }),
  MeasureSuspended: (s, d) => live(s, 'SUSPENDED', { suspendedFrom: beforeSuspension(s), suspensionCause: d.cause }),
  // Resumed without a suspension that counts (it lies outside the cut): the state is kept.
  MeasureResumed: (s) => live(s, s.suspendedFrom ?? s.state),
  MeasureMadeStanding: (s, d) => live(s, 'STANDING', { frequency: d.frequency }),
  MeasureWithdrawn: (s) => live(s, 'WITHDRAWN'),
};

/** One fold step: total on every subset of the facts in any order, never validates. */
export const evolveMeasure = (state: MeasureState, fact: Fact<MeasureEvent | FactsRetracted>): MeasureState => {
  const { event } = fact;
  if (event.type === 'FactsRetracted') return state;
  const next = applyEvent<DataByType<MeasureEvent>, MeasureState, MeasureEvent['type']>(handlers, state, event, fact);
  if (!isMeasureStatusAssertion(event.type)) return next;
  const last = effectiveDay(fact);
  return { ...next, lastAssertion: { eventId: fact.eventId, type: event.type, first: fact.validTime?.first ?? last, last, data: event.data } };
};

/** The fold over facts in fold order (time/counting.ts gives them). */
export const foldMeasure = (facts: readonly Fact<MeasureEvent | FactsRetracted>[]): MeasureState => facts.reduce(evolveMeasure, initialMeasureState);
