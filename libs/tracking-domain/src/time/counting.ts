import { firstDay, maxDay, type Cut, type Day, type EventId, type Fact } from '@rectrail/kernel';
import { isOfSubject, isRetraction } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';

/**
 * What counts at a cut, and in which order it is folded (rules.md section 2). Every function takes the facts of one
 * stream, in any order, and leaves retractions and purges themselves out of its answer.
 */

/** The day on which the fact takes effect; the beginning of time for what is cut by position alone. */
export const effectiveDay = (fact: Pick<Fact, 'validTime'>): Day => fact.validTime?.last ?? firstDay;

/** Facts cut by position alone first, then by the last day of their valid time; the stream's order decides among equals. */
export const inFoldOrder = <F extends Fact>(facts: readonly F[]): readonly F[] => facts.toSorted((a, b) => {
  const [dayOfA, dayOfB] = [a.validTime?.last ?? '', b.validTime?.last ?? ''];
  if (dayOfA !== dayOfB) return dayOfA < dayOfB ? -1 : 1;
  return a.streamVersion - b.streamVersion;
});

type KnownCut = Pick<Cut, 'atPosition' | 'knownAt'>;

/**
 * The retractions that count. One can only name what stands before it, so going from the newest to the oldest settles whether
 * each is itself retracted before it is asked for.
 */
export const countingRetractions = (facts: readonly Fact[], cut: KnownCut): readonly Fact<FactsRetracted>[] => {
  const counting: Fact<FactsRetracted>[] = [];
  const retracted = new Set<EventId>();
  for (const fact of facts.filter(isRetraction).toSorted((a, b) => b.streamVersion - a.streamVersion)) {
    const { kind, eventIds } = fact.event.data;
    const known = kind === 'entered-in-error' || fact.knownTime <= cut.knownAt;
    if (fact.position > cut.atPosition || !known || retracted.has(fact.eventId)) continue;
    counting.push(fact);
    eventIds.forEach((id) => retracted.add(id));
  }
  return counting;
};

/** What counts whatever the valid day, in fold order. */
export const countingOnAnyDay = <F extends Fact>(facts: readonly F[], cut: KnownCut): readonly F[] => {
  const retracted = new Set(countingRetractions(facts, cut).flatMap((fact) => fact.event.data.eventIds));
  const counts = (fact: F): boolean => isOfSubject(fact)
    && fact.position <= cut.atPosition
    && (fact.validTime === null || fact.knownTime <= cut.knownAt)
    && !retracted.has(fact.eventId);
  return inFoldOrder(facts.filter(counts));
};

/** The facts that count at the cut, in fold order: what every figure and every state is folded from. */
export const countingFacts = <F extends Fact>(facts: readonly F[], cut: Cut): readonly F[] =>
  countingOnAnyDay(facts, cut).filter((fact) => effectiveDay(fact) <= cut.validAt);

/**
 * The facts that would count if each had happened on its first day, in the same order (rules.md section 4, `undetermined`).
 * An assertion (`isAssertion`) never comes before the last day of the one before it, taken before the cut by validAt.
 */
export const countingFactsByFirstDays = <F extends Fact>(facts: readonly F[], cut: Cut, isAssertion: (type: F['event']['type']) => boolean): readonly F[] => {
  let lastOfPrevious = firstDay;
  return countingOnAnyDay(facts, cut).filter((fact) => {
    if (fact.validTime === null) return true;
    const asserts = isAssertion(fact.event.type);
    const first = asserts ? maxDay(fact.validTime.first, lastOfPrevious) : fact.validTime.first;
    if (asserts) lastOfPrevious = fact.validTime.last;
    return first <= cut.validAt;
  });
};
