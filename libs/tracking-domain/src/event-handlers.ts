import type { DomainEvent, Fact } from '@rectrail/kernel';
import type { ContentPurged } from './purge/purge.events.ts';
import type { FactsRetracted } from './retraction/retraction.events.ts';

/** The payloads of a union of events (or commands) by its `type`. */
export type DataByType<E extends { readonly type: string; readonly data: unknown }> = { readonly [X in E as X['type']]: X['data'] };

type OneOf<M, K extends keyof M = keyof M> = { readonly [P in K]: { readonly type: P; readonly data: M[P] } }[K];
type Handlers<M, S> = { readonly [P in keyof M]: (state: S, data: M[P], fact: Fact) => S };

/** One fold step for each event type of an aggregate: a type without one does not compile. */
export type EventHandlers<E extends DomainEvent, S> = Handlers<DataByType<E>, S>;

/** Gives the event to its handler. `K` keeps type and payload together, so that no cast is needed. */
export const applyEvent = <M, S, K extends keyof M>(handlers: Handlers<M, S>, state: S, event: OneOf<M, K>, fact: Fact): S =>
  handlers[event.type](state, event.data, fact);

export const isRetraction = (fact: Fact): fact is Fact<FactsRetracted> => fact.event.type === 'FactsRetracted';

export const isPurge = (fact: Fact): fact is Fact<ContentPurged> => fact.event.type === 'ContentPurged';

/** Says something of its subject; retractions and purges speak of other events, and are in no fold. */
export const isOfSubject = (fact: Fact): boolean => !isRetraction(fact) && !isPurge(fact);
