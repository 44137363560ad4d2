import type { Fact } from '@rectrail/kernel';
import { inFoldOrder, standings, type DayBound, type InstantBound, type Standing } from './standing.ts';

/** How a stream is folded, and what of its state a view keeps. */
export interface TimelineDefinition<F extends Fact, S, W> {
  readonly initial: S;
  evolve(state: S, fact: F): S;
  /** Whether a fact of this type is a status assertion (rules.md section 4, `undetermined`). */
  isAssertion(type: string): boolean;
  /** What is shown of the fold by last days and of that by first days; null where there is nothing to show. Must be JSON. */
  view(byLastDays: S, byFirstDays: S): W | null;
}

/** `view` holds on the days [validFrom, validTo) for what was known in [knownFrom, knownTo). */
export interface Rectangle<W> {
  readonly validFrom: DayBound;
  readonly validTo: DayBound;
  readonly knownFrom: InstantBound;
  readonly knownTo: InstantBound;
  readonly view: W;
  /** Canonical for this timeline: equal keys, equal rectangles. */
  readonly key: string;
}

interface Segment<W> { readonly from: DayBound; readonly to: DayBound; readonly view: W; readonly viewKey: string }
interface Dated<F> { readonly fact: F; readonly last: DayBound; readonly first: DayBound }

const unique = <T extends string>(values: readonly T[]): readonly T[] => [...new Set(values)].sort();

/** An assertion's first day is never before the last day of the assertion before it in fold order. */
const dated = <F extends Fact>(counting: readonly Standing<F>[], isAssertion: (type: string) => boolean): readonly Dated<F>[] => {
  let lastOfPrevious: DayBound = '-infinity';
  return counting.map(({ fact, validFrom: last }) => {
    const own: DayBound = fact.validTime?.first ?? '-infinity';
    if (!isAssertion(fact.event.type)) return { fact, last, first: own };
    const first = own > lastOfPrevious ? own : lastOfPrevious;
    lastOfPrevious = last;
    return { fact, last, first };
  });
};

/** The view on every day, for one state of knowledge. */
const sweep = <F extends Fact, S, W>(counting: readonly Standing<F>[], definition: TimelineDefinition<F, S, W>): readonly Segment<W>[] => {
  const entries = dated(counting, (type) => definition.isAssertion(type));
  const days = unique(entries.flatMap((entry) => [entry.last, entry.first]));
  const exact = entries.every((entry) => entry.first === entry.last);
  const segments: Segment<W>[] = [];
  let byLastDays = definition.initial;
  let next = 0;
  for (const [index, from] of days.entries()) {
    for (let entry = entries[next]; entry !== undefined && entry.last <= from; entry = entries[++next]) byLastDays = definition.evolve(byLastDays, entry.fact);
    const byFirstDays = exact ? byLastDays : entries.reduce((state, entry) => (entry.first <= from ? definition.evolve(state, entry.fact) : state), definition.initial);
    const view = definition.view(byLastDays, byFirstDays);
    const viewKey = JSON.stringify(view);
    const before = segments.at(-1);
    const to = days[index + 1] ?? 'infinity';
    if (before?.viewKey === viewKey && before.to === from) segments[segments.length - 1] = { ...before, to };
    else if (view !== null) segments.push({ from, to, view, viewKey });
  }
  return segments;
};

/** Sweeps of one stream by the set of facts that they fold: most stay the same from one position to the next. */
export type Sweeps<W> = Map<string, readonly Segment<W>[]>;

/**
 * All that a stream shows at the position of its last fact, at every (knownAt, validAt): disjoint rectangles. A pure function of
 * the facts, which are the whole stream up to there, in order. Equal neighbours in knowledge are one rectangle.
 */
export const timeline = <F extends Fact, S, W>(
  facts: readonly F[], definition: TimelineDefinition<F, S, W>, sweeps: Sweeps<W> = new Map<string, readonly Segment<W>[]>(),
): readonly Rectangle<W>[] => {
  const standing = inFoldOrder(standings(facts));
  const bands = unique(standing.flatMap((s) => [s.knownFrom, s.knownTo])).filter((bound) => bound !== 'infinity');
  const done: Rectangle<W>[] = [];
  let open = new Map<string, { readonly segment: Segment<W>; readonly knownFrom: InstantBound }>();
  const close = (entry: { readonly segment: Segment<W>; readonly knownFrom: InstantBound }, knownTo: InstantBound): void => {
    const { from, to, view, viewKey } = entry.segment;
    done.push({ validFrom: from, validTo: to, knownFrom: entry.knownFrom, knownTo, view, key: `${from} ${to} ${entry.knownFrom} ${knownTo} ${viewKey}` });
  };
  for (const knownFrom of bands) {
    const counting = standing.filter((s) => s.knownFrom <= knownFrom && knownFrom < s.knownTo);
    const set = counting.map((s) => s.fact.streamVersion).join(',');
    const segments = sweeps.get(set) ?? sweep(counting, definition);
    sweeps.set(set, segments);
    const still: typeof open = new Map();
    for (const segment of segments) {
      const key = `${segment.from} ${segment.to} ${segment.viewKey}`;
      still.set(key, open.get(key) ?? { segment, knownFrom });
      open.delete(key);
    }
    for (const entry of open.values()) close(entry, knownFrom);
    open = still;
  }
  for (const entry of open.values()) close(entry, 'infinity');
  return done;
};

export interface TimelineChange<F extends Fact, W> { readonly fact: F; readonly closed: readonly Rectangle<W>[]; readonly opened: readonly Rectangle<W>[] }

/** What each new fact changes: `earlier` and `added` are one stream, in order. */
export const timelineChanges = <F extends Fact, S, W>(earlier: readonly F[], added: readonly F[], definition: TimelineDefinition<F, S, W>): readonly TimelineChange<F, W>[] => {
  const sweeps: Sweeps<W> = new Map();
  let before = timeline(earlier, definition, sweeps);
  return added.map((fact, index) => {
    const after = timeline([...earlier, ...added.slice(0, index + 1)], definition, sweeps);
    const [keysBefore, keysAfter] = [new Set(before.map((r) => r.key)), new Set(after.map((r) => r.key))];
    const change = { fact, closed: before.filter((r) => !keysAfter.has(r.key)), opened: after.filter((r) => !keysBefore.has(r.key)) };
    before = after;
    return change;
  });
};

