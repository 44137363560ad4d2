import type { Fact, Position, StreamId } from '@rectrail/kernel';
import { countingOnAnyDay, isRetraction, type TrackingEvent } from '@rectrail/tracking-domain';
import type { State } from '../contracts/contract.ts';
import { verbOf } from '../contracts/verbs.ts';
import type { Audience, SubjectState } from '../message.ts';
import { noCut } from '../subject-fold.ts';
import { subjectsOf, type StreamSubjects } from '../subjects.ts';

/** Messages and states in the plainest way: every stream is folded anew from nothing for every event. What the feed is held against. */

type TrackingFact = Fact<TrackingEvent>;

export interface PlainMessage { readonly position: Position; readonly type: string; readonly subject: string; readonly state: State | null; readonly retracts: number }

const fitFor: Readonly<Record<Audience, readonly string[]>> = { public: ['public'], internal: ['public', 'internal'] };

/** Facts of one stream that an audience hears of: those fit for it, and the retractions that name any of them. */
const heard = (facts: readonly TrackingFact[], audience: Audience): readonly TrackingFact[] => {
  const kept: TrackingFact[] = [];
  for (const fact of facts) {
    const names = (id: string): boolean => isRetraction(fact) && fact.event.data.eventIds.some((named) => named === id);
    if (isRetraction(fact) ? kept.some(({ eventId }) => names(eventId)) : fitFor[audience].includes(fact.classification)) kept.push(fact);
  }
  return kept;
};

/** The subjects of a fact: its own, or those of all that a retraction names, be it a retraction itself. */
const subjectsOfFact = (fact: TrackingFact, kept: readonly TrackingFact[], of: StreamSubjects): ReadonlySet<string> => {
  if (!isRetraction(fact)) return new Set([of.subjectOf(fact)].filter((subject) => subject !== null));
  const named = kept.filter(({ eventId, position }) => position < fact.position && fact.event.data.eventIds.includes(eventId));
  return new Set(named.flatMap((victim) => [...subjectsOfFact(victim, kept, of)]));
};

const stateOf = (facts: readonly TrackingFact[], subject: string, of: StreamSubjects): State | null =>
  of.contract.tell(countingOnAnyDay(facts, noCut).filter((fact) => of.subjectOf(fact) === subject).reduce((folded, fact) => of.contract.fold(folded, fact), of.contract.initial));

const ofStream = (facts: readonly TrackingFact[], of: StreamSubjects, audience: Audience): readonly PlainMessage[] => {
  const kept = heard(facts, audience);
  const existed = new Set<string>();
  return kept.flatMap((fact, at) => [...subjectsOfFact(fact, kept, of)].flatMap((subject): PlainMessage[] => {
    const state = stateOf(kept.slice(0, at + 1), subject, of);
    if (state !== null) existed.add(subject);
    if (!existed.has(subject)) return [];
    const named = isRetraction(fact) ? kept.filter(({ eventId }) => fact.event.data.eventIds.includes(eventId)) : [];
    const retracts = named.filter((victim) => subjectsOfFact(victim, kept, of).has(subject)).length;
    return [{ position: fact.position, type: `rectrail.${of.contract.singular}.${verbOf(fact.event.type)}.v1`, subject, state, retracts }];
  }));
};

const streamsOf = (facts: readonly TrackingFact[]): readonly (readonly [StreamSubjects, readonly TrackingFact[]])[] =>
  [...Map.groupBy(facts, ({ streamId }): StreamId => streamId)].flatMap(([streamId, ofIt]) => {
    const of = subjectsOf(streamId);
    return of === null ? [] : [[of, ofIt] as const];
  });

/** In the order of positions; those of one event in any order. */
export const plainMessages = (facts: readonly TrackingFact[], audience: Audience): readonly PlainMessage[] =>
  streamsOf(facts).flatMap(([of, ofIt]) => ofStream(ofIt, of, audience)).toSorted((a, b) => a.position - b.position);

/** Every subject that exists at a position. */
export const plainStates = (facts: readonly TrackingFact[], at: Position, audience: Audience): ReadonlyMap<string, Pick<SubjectState, 'noun' | 'state'>> =>
  new Map(streamsOf(facts.filter(({ position }) => position <= at)).flatMap(([of, ofIt]) => {
    const kept = heard(ofIt, audience);
    const subjects = new Set(kept.flatMap((fact) => [...subjectsOfFact(fact, kept, of)]));
    return [...subjects].flatMap((subject) => {
      const state = stateOf(kept, subject, of);
      return state === null ? [] : [[subject, { noun: of.contract.noun, state }] as const];
    });
  }));
