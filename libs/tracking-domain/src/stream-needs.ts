import type { DomainEvent, EventId, Fact } from '@rectrail/kernel';
import type { FactsRetracted } from './retraction/retraction.events.ts';

type NotRetraction<E extends DomainEvent> = Exclude<E, FactsRetracted>;

/**
 * Of the facts that count, those whose need is not met. A need is what must stand in the same stream, on whatever day: the opening
 * of the thing, the recovery whose amount is specified. The retraction of what others need is refused (rules.md section 2).
 */
export const unmet = <E extends DomainEvent>(countingFacts: readonly Fact<E>[], isMet: (event: NotRetraction<E>) => boolean): readonly EventId[] =>
  countingFacts.flatMap((fact) => (isEvent<E>(fact.event) && !isMet(fact.event) ? [fact.eventId] : []));

const isEvent = <E extends DomainEvent>(event: E): event is NotRetraction<E> => event.type !== 'FactsRetracted';

/** Those for which the event that begins their stream is missing: every other event of such a stream needs it. */
export const withoutBeginning = <E extends DomainEvent>(countingFacts: readonly Fact<E>[], beginning: E['type']): readonly EventId[] => {
  const begun = countingFacts.some((fact) => fact.event.type === beginning);
  return unmet(countingFacts, (event) => begun || event.type === beginning);
};
