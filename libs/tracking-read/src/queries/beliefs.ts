import type { Cut, EventId, OrgId, Position } from '@rectrail/kernel';
import {
  countingRetractions, evolveFundsCase, evolveInspection, evolveIssue, evolveMeasure, initialFundsCaseState, initialInspectionState, initialIssueState, initialMeasureState,
  isIssueStatusAssertion, isMeasureStatusAssertion, shownMeasureState, shownState,
  type FundsCaseState, type InspectionState, type IssueState, type MeasureState,
} from '@rectrail/tracking-domain';
import { StreamTimeline, type Rectangle, type TimelineDefinition } from '../timeline/timeline.ts';
import type { Belief, BeliefEvent, TimelineKind } from './answers.ts';
import type { TrackingFact } from './counting-facts.ts';
import { fieldsOf, folding, organisationFold, type Fields, type StreamFold } from './stream-folds.ts';

/** Of a tree what is about one organisation: its facts, and what retracts them or their retractions. */
export const factsOfOrganisation = (tree: readonly TrackingFact[], orgId: OrgId): readonly TrackingFact[] => {
  const ids = new Set<EventId>();
  return tree.filter(({ eventId, event }) => {
    const isOf = event.type === 'FactsRetracted' ? event.data.eventIds.some((id) => ids.has(id)) : 'orgId' in event.data && event.data.orgId === orgId;
    if (isOf) ids.add(eventId);
    return isOf;
  });
};

/** What a timeline must know of its subject beside the fold of its stream. */
interface SubjectOf<S> {
  readonly fold: StreamFold;
  readonly exists: (state: S) => boolean;
  /** The one word that says where it stands; null where there is none. */
  readonly shown: (state: S) => string | null;
  readonly isAssertion: (type: string) => boolean;
}
type Subject = SubjectOf<unknown>;

const subject = <S>({ fold, exists, shown, isAssertion }: SubjectOf<S>): Subject =>
  // A subject is asked about states of its own fold alone.
  ({ fold, exists: (state) => exists(state as S), shown: (state) => shown(state as S), isAssertion });

const statesNothing = { shown: () => null, isAssertion: () => false };

const subjects: Readonly<Record<TimelineKind, Subject>> = {
  issue: subject<IssueState>({
    fold: folding(evolveIssue, initialIssueState), exists: (s) => s.registration !== null, shown: shownState, isAssertion: isIssueStatusAssertion }),
  measure: subject<MeasureState>({
    fold: folding(evolveMeasure, initialMeasureState), exists: (s) => s.identity !== null, shown: shownMeasureState, isAssertion: isMeasureStatusAssertion }),
  fundsCase: subject<FundsCaseState>({ fold: folding(evolveFundsCase, initialFundsCaseState), exists: (s) => s.identity !== null, ...statesNothing }),
  inspection: subject<InspectionState>({ fold: folding(evolveInspection, initialInspectionState), exists: (s) => s.identity !== null, ...statesNothing }),
  organisation: subject<Fields>({ fold: organisationFold, exists: (s) => 'level' in s, ...statesNothing }),
};

/** A state, and the event that last changed a field of it. */
interface Folded { readonly state: unknown; readonly json: string; readonly from: EventId | null }

interface BeliefView { readonly state: Fields | null; readonly possibly: string | null; readonly from: EventId | null }

const definitionOf = ({ fold, exists, shown, isAssertion }: Subject): TimelineDefinition<TrackingFact, Folded, BeliefView> => ({
  initial: { state: fold.initial, json: JSON.stringify(fieldsOf(fold.initial)), from: null },
  evolve: (before, fact) => {
    const state = fold.evolve(before.state, fact);
    const json = JSON.stringify(fieldsOf(state));
    return json === before.json ? { ...before, state } : { state, json, from: fact.eventId };
  },
  isAssertion,
  view: (byLastDays, byFirstDays) => {
    const [last, first] = [exists(byLastDays.state) ? byLastDays : null, exists(byFirstDays.state) ? byFirstDays : null];
    if (last === null && first === null) return null;
    const possibly = first === null ? null : shown(first.state);
    return {
      state: last === null ? null : fieldsOf(last.state),
      possibly: last !== null && possibly === shown(last.state) ? null : possibly,
      from: (last ?? first)?.from ?? null,
    };
  },
});

/** A view and where it stood in all three times. */
interface Box { readonly rectangle: Rectangle<BeliefView>; readonly positionFrom: Position; positionTo: Position | null }

const boxesOf = (stream: readonly TrackingFact[], definition: TimelineDefinition<TrackingFact, Folded, BeliefView>): readonly Box[] => {
  const timeline = new StreamTimeline(definition);
  const open = new Map<string, Box>();
  const boxes: Box[] = [];
  for (const fact of stream) {
    const { closed, opened } = timeline.add(fact);
    for (const { key } of closed) {
      const box = open.get(key);
      if (box === undefined) throw new Error(`the timeline of ${fact.streamId} closes at position ${fact.position} what was not open`);
      box.positionTo = fact.position;
      open.delete(key);
    }
    for (const rectangle of opened) {
      const box: Box = { rectangle, positionFrom: fact.position, positionTo: null };
      open.set(rectangle.key, box);
      boxes.push(box);
    }
  }
  return boxes;
};

/** Which event ended each box: in the log the one at which it was closed; in knowledge what became known, or was withdrawn, at its end. */
class Endings {
  readonly #stream: readonly TrackingFact[];
  readonly #byId: ReadonlyMap<EventId, TrackingFact>;
  readonly #standing: readonly Box[];

  constructor(stream: readonly TrackingFact[], boxes: readonly Box[]) {
    this.#stream = stream;
    this.#byId = new Map(stream.map((fact) => [fact.eventId, fact]));
    this.#standing = boxes.filter((box) => box.positionTo === null);
  }

  of(box: Box, cut: Cut): TrackingFact | null {
    const { rectangle: { knownTo }, positionTo } = box;
    if (positionTo !== null) return this.#stream.find((fact) => fact.position === positionTo) ?? null;
    return knownTo === 'infinity' || knownTo === '-infinity' ? null : this.#inKnowledge(box, { ...cut, knownAt: knownTo });
  }

  /** A withdrawal of what it came from goes before what else became known; where neither is found, the fact that became known then changed nothing that is shown. */
  #inKnowledge({ rectangle: { validFrom, validTo, view } }: Box, { atPosition, knownAt }: Cut): TrackingFact | null {
    const withdrawals = countingRetractions(this.#stream, { atPosition, knownAt }).filter((fact) => fact.knownTime === knownAt && fact.event.data.kind === 'withdrawn');
    const named = withdrawals.find((fact) => fact.event.data.eventIds.some((id) => id === view.from));
    if (named !== undefined) return named;
    const following = this.#standing
      .filter(({ rectangle: r }) => r.knownFrom === knownAt && r.validFrom < validTo && validFrom < r.validTo && this.#event(r.view.from)?.knownTime === knownAt)
      .reduce<Box | null>((first, other) => (first === null || other.rectangle.validFrom < first.rectangle.validFrom ? other : first), null);
    return (following === null ? null : this.#event(following.rectangle.view.from)) ?? withdrawals[0] ?? this.#stream.findLast((fact) => fact.knownTime === knownAt) ?? null;
  }

  #event(id: EventId | null): TrackingFact | null {
    return id === null ? null : this.#byId.get(id) ?? null;
  }
}

/** An event as timelines and comparisons name it. */
export const beliefEvent = ({ eventId, position, commandId, event, validTime, knownTime, recordedAt, actor, source }: TrackingFact): BeliefEvent => ({
  eventId, position, commandId, type: event.type, validTime, knownTime, recordedAt, actor, source: source ?? null,
  retraction: event.type === 'FactsRetracted' ? { kind: event.data.kind, reason: event.data.reason } : null,
});

const openEnd = <T extends string>(bound: T | '-infinity' | 'infinity'): T | null => (bound === '-infinity' || bound === 'infinity' ? null : bound);
const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Every belief about one thing: a pure function of its stream up to `cut.atPosition`, in order (of a tree: the facts of the organisation).
 * Beliefs do not overlap in the three times taken together; one at most holds at a cut, and its state is the fold of what counts there.
 */
export const beliefsOf = (kind: TimelineKind, stream: readonly TrackingFact[], cut: Cut): readonly Belief[] => {
  const boxes = boxesOf(stream, definitionOf(subjects[kind]));
  const endings = new Endings(stream, boxes);
  const byId = new Map(stream.map((fact) => [fact.eventId, fact]));
  return boxes
    .toSorted((a, b) => compare(a.positionFrom, b.positionFrom) || compare(a.rectangle.knownFrom, b.rectangle.knownFrom) || compare(a.rectangle.validFrom, b.rectangle.validFrom))
    .map((box) => {
      const { rectangle: { validFrom, validTo, knownFrom, knownTo, view: { state, possibly, from } }, positionFrom, positionTo } = box;
      const origin = from === null ? undefined : byId.get(from);
      if (origin === undefined) throw new Error(`a belief from position ${positionFrom} has no event that it came from`);
      const ending = endings.of(box, cut);
      return {
        validFrom: openEnd(validFrom), validTo: openEnd(validTo), knownFrom: openEnd(knownFrom), knownTo: openEnd(knownTo), positionFrom, positionTo,
        state, possibly, from: beliefEvent(origin), endedBy: ending === null ? null : beliefEvent(ending),
        holds: positionTo === null && knownFrom <= cut.knownAt && cut.knownAt < knownTo && validFrom <= cut.validAt && cut.validAt < validTo,
      };
    });
};
