import type { Day, DomainEvent, FuzzyDate, Rejection } from '@rectrail/kernel';
import { refuseBeforeBasis, refuseFuture, type LiveRejection, type LiveSituation, type RejectionText } from './live-command.ts';

/** From which states an event may be made live, and where it leads; `to` null where that depends on the state. */
export interface Transition { readonly from: readonly string[]; readonly to: string | null }
export type TransitionTable<T extends string = string> = Readonly<Record<T, Transition>>;

/** What a state must show for its transitions to be decided. */
export interface HasStatus {
  readonly state: string;
  readonly lastAssertion: { readonly type: string; readonly first: Day; readonly last: Day; readonly data: unknown } | null;
}

export const transitionRejections = {
  'illegal-transition': { en: 'The status does not allow this step.', zh: '当前状态不允许此操作。' },
} as const satisfies Record<string, RejectionText>;
export type TransitionRejection = LiveRejection | (Rejection & { readonly code: keyof typeof transitionRejections });

/** Equality of plain data (primitives, arrays, objects), whatever the order of its keys. */
export const sameData = (a: unknown, b: unknown): boolean => {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [entries, others] = [Object.entries(a), new Map(Object.entries(b))];
  return entries.length === others.size && entries.every(([key, value]) => others.has(key) && sameData(value, others.get(key)));
};

/** The very fact is asserted already, and nothing after it: the command is repeated and comes to no event. */
export const isAssertedAlready = (state: HasStatus, event: DomainEvent, on: FuzzyDate): boolean => {
  const last = state.lastAssertion;
  return last !== null && last.type === event.type && last.first === on.first && last.last === on.last && sameData(last.data, event.data);
};

/** Null where the state allows the event; else what it would have to be and which events it allows instead. */
export const refuseIllegal = (state: HasStatus, type: string, table: TransitionTable): TransitionRejection | null => {
  const transition = table[type];
  if (transition === undefined || transition.from.includes(state.state)) return null;
  const allowed = Object.keys(table).filter((other) => table[other]?.from.includes(state.state));
  return {
    code: 'illegal-transition',
    detail: `${type} is possible from ${transition.from.join(', ')}, not from ${state.state}`,
    from: state.state,
    to: transition.to,
    allowedFrom: transition.from,
    allowed,
  };
};

/**
 * A live transition must be legal in the state on its own day. As nothing is asserted after that day, today's state allows it too;
 * only a correction may come before later assertions, and what is built upon it is the matter of the retraction (rules.md sections 2 and 3).
 */
export const refuseTransition = (type: string, on: FuzzyDate, situation: LiveSituation<HasStatus>, table: TransitionTable): TransitionRejection | null =>
  refuseFuture(on, situation.today)
  ?? refuseBeforeBasis(on, situation.now.lastAssertion, situation.correction)
  ?? refuseIllegal(situation.then, type, table);
