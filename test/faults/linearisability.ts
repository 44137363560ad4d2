/** An operation as its client saw it; instants of one clock, ms. `returned` null: the client never heard, so it may take effect at any time after `called`, or never. */
export interface Operation<O> { readonly called: number; readonly returned: number | null; readonly what: O }

/** What one object does when operations come to it one after the other. */
export interface SequentialModel<S extends number | string, O> {
  /** Null where the object, being as it is, would not have answered so. An operation without an answer: null where it would have no effect. */
  step(state: S, operation: O): S | null;
  /** Operations without an answer of the same kind are interchangeable, but for when they were called. */
  kindOf(operation: O): string;
  /** From here on the operation can never take effect any more, whatever others do. */
  isOver(state: S, operation: O): boolean;
}

/** An order of the operations as one after the other that explains every answer does not exist: up to `operation` there was one, with it there is none. */
export interface Violation<S, O> { readonly operation: Operation<O>; readonly states: readonly S[] }

interface Called<O> { readonly index: number; readonly operation: Operation<O>; readonly kind: string | null }

/** One possible past: where the object stands, and which of the operations that are under way (or without an answer) have taken effect already. */
interface Past<S> { readonly state: S; readonly done: readonly number[] }

const keyOf = <S extends number | string>({ state, done }: Past<S>): string => `${state}|${done.join(' ')}`;
const withOne = (done: readonly number[], index: number): readonly number[] => [...done, index].toSorted((a, b) => a - b);

/** What may come next in a past. Of those without an answer and of one kind, the one called first stands for all: the others can do what it can, but later. */
const candidates = <S, O>({ done }: Past<S>, underWay: readonly Called<O>[]): readonly Called<O>[] => {
  const kinds = new Set<string>();
  return underWay.filter(({ index, kind }) => {
    if (done.includes(index)) return false;
    if (kind === null) return true;
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
};

interface Search<S, O> { readonly operations: readonly Called<O>[]; readonly underWay: readonly Called<O>[]; readonly model: SequentialModel<S & (number | string), O> }

/** Pasts that differ only in what can make no difference any more are one. */
const withoutOver = <S extends number | string, O>({ state, done }: Past<S>, operations: readonly Called<O>[], model: SequentialModel<S, O>): Past<S> =>
  ({ state, done: done.filter((index) => operations[index]!.kind === null || !model.isOver(state, operations[index]!.operation.what)) });

/** Whether an answer under way can no longer be explained. */
const isLost = <S extends number | string, O>({ state, done }: Past<S>, underWay: readonly Called<O>[], model: SequentialModel<S, O>): boolean =>
  underWay.some(({ index, kind, operation }) => kind === null && model.isOver(state, operation.what) && !done.includes(index));

/** The pasts in which the operation has taken effect, before which whatever is under way may have. */
const pastsWith = <S extends number | string, O>(pasts: Iterable<Past<S>>, wanted: Called<O>, { operations, underWay, model }: Search<S, O>): Map<string, Past<S>> => {
  const reached = new Map<string, Past<S>>();
  const seen = new Set<string>();
  const open = [...pasts];
  for (let past = open.pop(); past !== undefined; past = open.pop()) {
    const key = keyOf(past);
    if (seen.has(key)) continue;
    seen.add(key);
    if (past.done.includes(wanted.index)) {
      const next = { state: past.state, done: past.done.filter((index) => index !== wanted.index) };
      reached.set(keyOf(next), next);
      continue;
    }
    for (const { index, operation } of candidates(past, underWay)) {
      const state = model.step(past.state, operation.what);
      if (state === null) continue;
      const next = withoutOver({ state, done: withOne(past.done, index) }, operations, model);
      if (!isLost(next, underWay, model)) open.push(next);
    }
  }
  return reached;
};

/**
 * Whether a history of one object is linearisable (Herlihy and Wing): whether there is an order of its operations, each within the time between its call and its answer, in
 * which the model gives the same answers. Decided as the history goes on, by all pasts that explain the answers so far (Lowe's just-in-time linearisation): they are few where
 * answers say much. Null: there is such an order.
 */
export const findViolation = <S extends number | string, O>(history: readonly Operation<O>[], initial: S, model: SequentialModel<S, O>): Violation<S, O> | null => {
  const operations = history.map((operation, index): Called<O> => ({ index, operation, kind: operation.returned === null ? model.kindOf(operation.what) : null }));
  // At the same instant calls come first: the two were under way together.
  const events = operations.flatMap((called) => {
    const { called: at, returned } = called.operation;
    return [{ at, isCall: true, called }, ...(returned === null ? [] : [{ at: returned, isCall: false, called }])];
  }).toSorted((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  let underWay: Called<O>[] = [];
  let pasts = new Map<string, Past<S>>([['', { state: initial, done: [] }]]);
  for (const { isCall, called } of events) {
    if (isCall) {
      underWay.push(called);
      continue;
    }
    const next = pastsWith(pasts.values(), called, { operations, underWay, model });
    const states = [...new Set([...(next.size === 0 ? pasts : next).values()].map(({ state }) => state))];
    if (next.size === 0) return { operation: called.operation, states };
    underWay = underWay.filter((other) => other !== called && (other.kind === null || !states.every((state) => model.isOver(state, other.operation.what))));
    pasts = next;
  }
  return null;
};
