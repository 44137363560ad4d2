import type { Fact } from '@rectrail/kernel';
import { isPurge, isRetraction } from '@rectrail/tracking-domain';
import { inFoldOrder, standings, unretracted, type DayBound, type InstantBound, type Standing } from './standing.ts';

/** How a stream is folded, and what of its state a view keeps. */
export interface TimelineDefinition<F extends Fact, S, W> {
  readonly initial: S;
  evolve(state: S, fact: F): S;
  /** Whether a fact of this type is a status assertion (rules.md section 4, `undetermined`). */
  isAssertion(type: string): boolean;
  /** What is shown of the fold by last days and of that by first days; null where there is nothing to show. Must be JSON. */
  view(byLastDays: S, byFirstDays: S): W | null;
}

/** `view` is what is shown on the days [validFrom, validTo). */
export interface Segment<W> {
  readonly validFrom: DayBound;
  readonly validTo: DayBound;
  readonly view: W;
  /** The view as JSON: equal keys, equal views. */
  readonly viewKey: string;
}

/** A segment that holds for what was known in [knownFrom, knownTo). */
export interface Rectangle<W> extends Segment<W> {
  readonly knownFrom: InstantBound;
  readonly knownTo: InstantBound;
  /** Canonical for this timeline: equal keys, equal rectangles. */
  readonly key: string;
}

const rectangle = <W>({ validFrom, validTo, view, viewKey }: Segment<W>, knownFrom: InstantBound, knownTo: InstantBound): Rectangle<W> =>
  ({ validFrom, validTo, knownFrom, knownTo, view, viewKey, key: `${validFrom} ${validTo} ${knownFrom} ${knownTo} ${viewKey}` });

/** Adds what is shown from `validFrom` on to what is shown before it: equal neighbours are one segment. */
const appendSegment = <W>(segments: Segment<W>[], validFrom: DayBound, validTo: DayBound, view: W | null): void => {
  if (view === null) return;
  const viewKey = JSON.stringify(view);
  const before = segments.at(-1);
  if (before?.viewKey === viewKey && before.validTo === validFrom) segments[segments.length - 1] = { ...before, validTo };
  else segments.push({ validFrom, validTo, view, viewKey });
};

interface Dated<F> { readonly fact: F; readonly last: DayBound; readonly first: DayBound }

const ordered = <T extends string>(values: readonly T[]): readonly T[] => [...new Set(values)].sort();

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
  const days = ordered(entries.flatMap((entry) => [entry.last, entry.first]));
  const exact = entries.every((entry) => entry.first === entry.last);
  const segments: Segment<W>[] = [];
  let byLastDays = definition.initial;
  let next = 0;
  for (const [index, from] of days.entries()) {
    for (let entry = entries[next]; entry !== undefined && entry.last <= from; entry = entries[++next]) byLastDays = definition.evolve(byLastDays, entry.fact);
    const byFirstDays = exact ? byLastDays : entries.reduce((state, entry) => (entry.first <= from ? definition.evolve(state, entry.fact) : state), definition.initial);
    appendSegment(segments, from, days[index + 1] ?? 'infinity', definition.view(byLastDays, byFirstDays));
  }
  return segments;
};

/**
 * All that a stream shows at the position of its last fact, at every (knownAt, validAt): disjoint rectangles. A pure function of
 * the facts, which are the whole stream up to there, in order. Equal neighbours in knowledge are one rectangle.
 */
export const timeline = <F extends Fact, S, W>(facts: readonly F[], definition: TimelineDefinition<F, S, W>): readonly Rectangle<W>[] => {
  const standing = inFoldOrder(standings(facts));
  const bands = ordered(standing.flatMap((s) => [s.knownFrom, s.knownTo])).filter((bound) => bound !== 'infinity');
  const done: Rectangle<W>[] = [];
  let open = new Map<string, { readonly segment: Segment<W>; readonly knownFrom: InstantBound }>();
  for (const knownFrom of bands) {
    const counting = standing.filter((s) => s.knownFrom <= knownFrom && knownFrom < s.knownTo);
    const still: typeof open = new Map();
    for (const segment of sweep(counting, definition)) {
      const key = `${segment.validFrom} ${segment.validTo} ${segment.viewKey}`;
      still.set(key, open.get(key) ?? { segment, knownFrom });
      open.delete(key);
    }
    for (const ended of open.values()) done.push(rectangle(ended.segment, ended.knownFrom, knownFrom));
    open = still;
  }
  return [...done, ...[...open.values()].map((still) => rectangle(still.segment, still.knownFrom, 'infinity'))];
};

/** What a fact takes from a timeline and adds to it. */
export interface TimelineChange<W> { readonly closed: readonly Rectangle<W>[]; readonly opened: readonly Rectangle<W>[] }

/** A counting fact in its place of the fold order. */
interface Entry<F, S> {
  readonly fact: F;
  readonly last: DayBound;
  /** That of an assertion is never before `assertedUntil` of the entry before it. */
  readonly first: DayBound;
  /** The last day of the last assertion up to here. */
  readonly assertedUntil: DayBound;
  /** The fold by last days up to here. */
  readonly state: S;
}

const sameSegment = (a: Segment<unknown>, b: Segment<unknown>): boolean => a.validFrom === b.validFrom && a.validTo === b.validTo && a.viewKey === b.viewKey;

const difference = <W>(before: readonly Rectangle<W>[], after: readonly Rectangle<W>[]): TimelineChange<W> => {
  const [keysBefore, keysAfter] = [new Set(before.map((r) => r.key)), new Set(after.map((r) => r.key))];
  return { closed: before.filter((r) => !keysAfter.has(r.key)), opened: after.filter((r) => !keysBefore.has(r.key)) };
};

/**
 * `timeline` of a stream fact by fact. Knowledge is a row of bands, each from one known instant to the next, and only the last of them is still
 * open: a fact known at its beginning or later changes the band alone, and in it only the days from the fact's first day on. What is known in the
 * past or was entered in error has every band laid anew.
 */
export class StreamTimeline<F extends Fact, S, W> {
  readonly #definition: TimelineDefinition<F, S, W>;
  readonly #facts: F[] = [];
  /** Where the last band begins. */
  #knownFrom: InstantBound = '-infinity';
  /** What counts in the last band, in fold order. */
  #entries: Entry<F, S>[] = [];
  /** What the last band shows, by days. */
  #open: Rectangle<W>[] = [];
  /** What ended where the last band begins: it goes on if a fact of the same instant shows it again. */
  #ended: Rectangle<W>[] = [];
  /** What ended before. */
  #past: Rectangle<W>[] = [];

  constructor(definition: TimelineDefinition<F, S, W>) {
    this.#definition = definition;
  }

  /** The next fact of the stream: what it closes and opens. */
  add(fact: F): TimelineChange<W> {
    // What it names is not among the facts.
    if (isPurge(fact)) return { closed: [], opened: [] };
    this.#facts.push(fact);
    if (!isRetraction(fact)) {
      const standing = unretracted(fact);
      if (standing.knownFrom >= this.#knownFrom) return this.#change(standing.knownFrom, standing, true);
    }
    const before = this.rectangles();
    if (isRetraction(fact) && fact.event.data.kind === 'withdrawn' && fact.knownTime >= this.#knownFrom) this.#withdraw(fact.event.data.eventIds, fact.knownTime);
    else this.#layAnew();
    return difference(before, this.rectangles());
  }

  /** All that stands at the position of the last fact. */
  rectangles(): readonly Rectangle<W>[] {
    return [...this.#past, ...this.#ended, ...this.#open];
  }

  /** Of what is named, only what counts in the last band is touched: the rest was withdrawn before, and the earliest withdrawal holds. */
  #withdraw(eventIds: readonly string[], at: InstantBound): void {
    for (const { fact, last } of this.#entries.filter((entry) => eventIds.includes(entry.fact.eventId))) this.#change(at, { fact, validFrom: last }, false);
  }

  #layAnew(): void {
    [this.#knownFrom, this.#entries, this.#open, this.#ended, this.#past] = ['-infinity', [], [], [], []];
    const changes = standings(this.#facts).flatMap((standing) => [
      { at: standing.knownFrom, standing, counts: true },
      ...(standing.knownTo === 'infinity' ? [] : [{ at: standing.knownTo, standing, counts: false }]),
    ]);
    for (const { at, standing, counts } of changes.sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))) this.#change(at, standing, counts);
  }

  /** From the known instant `at` on, which is not before the last band, the fact counts, or no longer. */
  #change(at: InstantBound, { fact, validFrom }: Pick<Standing<F>, 'fact' | 'validFrom'>, counts: boolean): TimelineChange<W> {
    if (at > this.#knownFrom) {
      this.#past.push(...this.#ended);
      this.#ended = [];
      this.#knownFrom = at;
    }
    const place = this.#entries.findLastIndex((entry) => entry.last < validFrom || (entry.last === validFrom && entry.fact.streamVersion < fact.streamVersion)) + 1;
    // Its first day and its state come with the fold.
    const made: Entry<F, S>[] = counts ? [{ fact, last: validFrom, first: 'infinity', assertedUntil: '-infinity', state: this.#definition.initial }] : [];
    const [removed] = this.#entries.splice(place, counts ? 0 : 1, ...made);
    const changed = this.#foldFrom(place);
    return this.#showFrom(removed !== undefined && removed.first < changed ? removed.first : changed);
  }

  /** Folds the entries from a place on: the earliest day on which one of them begins that did not before, or no longer does. */
  #foldFrom(place: number): DayBound {
    const { initial } = this.#definition;
    let { assertedUntil, state } = this.#entries[place - 1] ?? { assertedUntil: '-infinity' as DayBound, state: initial };
    let changed: DayBound = 'infinity';
    for (let i = place, entry = this.#entries[i]; entry !== undefined; i += 1, entry = this.#entries[i]) {
      const { fact, last, first: before } = entry;
      let first: DayBound = fact.validTime?.first ?? '-infinity';
      if (this.#definition.isAssertion(fact.event.type)) {
        if (assertedUntil > first) first = assertedUntil;
        assertedUntil = last;
      }
      if (first !== before) changed = [changed, first, before].reduce((least, day) => (day < least ? day : least));
      state = this.#definition.evolve(state, fact);
      this.#entries[i] = { fact, last, first, assertedUntil, state };
    }
    return changed;
  }

  /** Shows the last band anew from a day on; what shows the same there as before stays as it is. */
  #showFrom(from: DayBound): TimelineChange<W> {
    const place = this.#open.findLastIndex((r) => r.validTo < from) + 1;
    const before = this.#open.splice(place);
    const closed: Rectangle<W>[] = [];
    const opened: Rectangle<W>[] = [];
    const gone: Rectangle<W>[] = [];
    let next = 0;
    for (const segment of this.#segmentsFrom(from, before[0])) {
      let old = before[next];
      for (; old !== undefined && old.validFrom <= segment.validFrom && !sameSegment(old, segment); old = before[++next]) gone.push(old);
      if (old !== undefined && old.validFrom === segment.validFrom) {
        this.#open.push(old);
        next += 1;
        continue;
      }
      const resumed = this.#resume(segment);
      closed.push(...resumed);
      const shown = rectangle(segment, resumed[0]?.knownFrom ?? this.#knownFrom, 'infinity');
      this.#open.push(shown);
      opened.push(shown);
    }
    for (const old of [...gone, ...before.slice(next)]) {
      closed.push(old);
      // What began with this band has never been shown.
      if (old.knownFrom === this.#knownFrom) continue;
      const ended = rectangle(old, old.knownFrom, this.#knownFrom);
      this.#ended.push(ended);
      opened.push(ended);
    }
    return { closed, opened };
  }

  /** What ended at the beginning of the band and does not after all. */
  #resume(segment: Segment<W>): readonly Rectangle<W>[] {
    const place = this.#ended.findIndex((r) => sameSegment(r, segment));
    return place === -1 ? [] : this.#ended.splice(place, 1);
  }

  /** The view on every day from `from` on, joined to what is shown before it where that reaches up to `from`. */
  #segmentsFrom(from: DayBound, before: Rectangle<W> | undefined): readonly Segment<W>[] {
    const definition = this.#definition;
    const place = this.#entries.findLastIndex((entry) => entry.last < from) + 1;
    const entries = this.#entries.slice(place);
    const days = ordered([from, ...entries.flatMap(({ first, last }) => (first > from ? [first, last] : [last]))]);
    const inexact = entries.filter(({ first, last }) => first < last);
    const segments: Segment<W>[] = before !== undefined && before.validFrom < from ? [{ ...before, validTo: from }] : [];
    let byLastDays = this.#entries[place - 1]?.state ?? definition.initial;
    let next = 0;
    for (const [index, day] of days.entries()) {
      for (let entry = entries[next]; entry !== undefined && entry.last <= day; entry = entries[++next]) byLastDays = entry.state;
      // Whatever is over by its last day is so by its first day too, and stands before the rest in the fold order.
      const begun = inexact.filter(({ first, last }) => first <= day && day < last);
      const byFirstDays = begun.reduce((state, { fact }) => definition.evolve(state, fact), byLastDays);
      appendSegment(segments, day, days[index + 1] ?? 'infinity', definition.view(byLastDays, byFirstDays));
    }
    return segments;
  }
}
