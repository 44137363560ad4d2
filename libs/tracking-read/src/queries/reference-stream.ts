import { dayNumber, msOfInstant, type Cut, type Fact, type Position } from '@rectrail/kernel';
import { StandingHistory, type DayBound, type InstantBound, type Standing } from '../timeline/standing.ts';

/**
 * Where a fact counts, in numbers: from version `since` of its stream to before `until`, known from `knownFrom` to before `knownTo` (ms), from `validFrom` on (days
 * since 1970). `index` is its place in the stream, from 0.
 */
interface Span {
  readonly index: number;
  readonly since: number;
  until: number;
  readonly knownFrom: number;
  readonly knownTo: number;
  readonly validFrom: number;
}

const msOf = (bound: InstantBound): number => (bound === '-infinity' ? -Infinity : bound === 'infinity' ? Infinity : msOfInstant(bound));
const daysOf = (bound: DayBound): number => (bound === '-infinity' ? -Infinity : bound === 'infinity' ? Infinity : dayNumber(bound));

/** How many have been passed, of values in order. */
const passed = (length: number, isPassed: (place: number) => boolean): number => {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isPassed(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
};

const passedBounds = (bounds: Float64Array, at: number): number => passed(bounds.length, (place) => (bounds[place] ?? at) <= at);
/** Spans column by column, in fold order: so the columns of a province are passed over in a fraction of a millisecond. */
interface Columns {
  readonly index: Int32Array;
  readonly since: Int32Array;
  readonly until: Float64Array;
  readonly knownFrom: Float64Array;
  readonly knownTo: Float64Array;
  readonly validFrom: Float64Array;
  /** Every instant at which one begins or ceases to count, in order. */
  readonly knownBounds: Float64Array;
}

/** One stream, whole, and where each of its facts counts; prepared fact by fact, so that a read at any cut is a pass over the spans. */
export class ReferenceStream<F extends Fact> {
  readonly facts: F[] = [];
  readonly #history = new StandingHistory<F>();
  readonly #spans: Span[] = [];
  readonly #places = new Map<Fact, number>();
  /** Of what stands at the head. */
  readonly #standing = new Map<Fact, Span>();
  #columns: Columns | null = null;

  add(fact: F): void {
    this.facts.push(fact);
    const version = this.facts.length;
    this.#places.set(fact, version - 1);
    const { closed, opened } = this.#history.add(fact);
    for (const standing of closed) this.#close(standing, version);
    for (const standing of opened) this.#open(standing, version);
    this.#columns = null;
  }

  /** The number of facts up to a position. */
  versionAt(position: Position): number {
    return passed(this.facts.length, (place) => (this.facts[place]?.position ?? position) <= position);
  }

  /** The last fact in fold order that counts: of streams with few facts, of which there are thousands. */
  lastAt({ atPosition, knownAt, validAt }: Cut): F | undefined {
    const [known, valid] = [msOfInstant(knownAt), dayNumber(validAt)];
    const isRecorded = (version: number): boolean => version <= this.facts.length && (this.facts[version - 1]?.position ?? atPosition) <= atPosition;
    const last = this.#spans.findLast((s) => s.validFrom <= valid && s.knownFrom <= known && known < s.knownTo && isRecorded(s.since) && !isRecorded(s.until));
    return last === undefined ? undefined : this.facts[last.index];
  }

  /** The facts that count, in fold order. */
  at(cut: Cut): readonly F[] {
    return [...this.countingAt(cut)].flatMap((index) => this.facts[index] ?? []);
  }

  /** Their places in the stream, in fold order. */
  countingAt({ atPosition, knownAt, validAt }: Cut): Int32Array {
    const { index, since, until, knownFrom, knownTo, validFrom } = this.#columnsNow();
    const [version, known] = [this.versionAt(atPosition), msOfInstant(knownAt)];
    const begun = passedBounds(validFrom, dayNumber(validAt));
    const counting = new Int32Array(begun);
    let count = 0;
    // Written before it is known to count, so that there is one branch less to foresee.
    for (let i = 0; i < begun; i += 1) {
      counting[count] = index[i] ?? -1;
      if ((since[i] ?? 0) <= version && version < (until[i] ?? 0) && (knownFrom[i] ?? 0) <= known && known < (knownTo[i] ?? 0)) count += 1;
    }
    return counting.subarray(0, count);
  }

  /** `countingAt` of chosen facts alone, for cuts one after the other. */
  countingAmong(isChosen: (place: number) => boolean): (cut: Cut) => readonly number[] {
    const chosen = this.#spans.filter(({ index }) => isChosen(index));
    return ({ atPosition, knownAt, validAt }) => {
      const [version, known, valid] = [this.versionAt(atPosition), msOfInstant(knownAt), dayNumber(validAt)];
      return chosen.filter((s) => s.since <= version && version < s.until && s.knownFrom <= known && known < s.knownTo && s.validFrom <= valid).map(({ index }) => index);
    };
  }

  /** For each cut the places of the facts that count there and not at the cut before, or the other way round. All cuts are of one position, and go forwards in both times. */
  changesAlong(cuts: readonly [Cut, ...Cut[]]): readonly (readonly number[])[] {
    const version = this.versionAt(cuts[0].atPosition);
    const known = cuts.map(({ knownAt }) => msOfInstant(knownAt));
    const valid = cuts.map(({ validAt }) => dayNumber(validAt));
    const firstFrom = (bounds: readonly number[], bound: number) => (bound <= (bounds[0] ?? bound) ? 0 : passed(bounds.length, (place) => (bounds[place] ?? bound) < bound));
    const changes: number[][] = cuts.map(() => []);
    for (const { index, since, until, knownFrom, knownTo, validFrom } of this.#spans) {
      if (since > version || version >= until) continue;
      const begins = Math.max(firstFrom(known, knownFrom), firstFrom(valid, validFrom));
      const ends = knownTo === Infinity ? cuts.length : firstFrom(known, knownTo);
      if (begins >= ends) continue;
      if (begins > 0) changes[begins]?.push(index);
      changes[ends]?.push(index);
    }
    return changes;
  }

  /** The same for cuts between which nothing of the stream begins or ceases to count, until the next fact is added. */
  keyAt(cut: Cut): string {
    const { knownBounds, validFrom } = this.#columnsNow();
    return `${this.facts.length} ${this.versionAt(cut.atPosition)} ${passedBounds(knownBounds, msOfInstant(cut.knownAt))} ${passedBounds(validFrom, dayNumber(cut.validAt))}`;
  }

  #columnsNow(): Columns {
    return this.#columns ??= {
      index: Int32Array.from(this.#spans, (span) => span.index),
      since: Int32Array.from(this.#spans, (span) => span.since),
      until: Float64Array.from(this.#spans, (span) => span.until),
      knownFrom: Float64Array.from(this.#spans, (span) => span.knownFrom),
      knownTo: Float64Array.from(this.#spans, (span) => span.knownTo),
      validFrom: Float64Array.from(this.#spans, (span) => span.validFrom),
      knownBounds: Float64Array.from(new Set(this.#spans.flatMap((span) => [span.knownFrom, span.knownTo]))).sort(),
    };
  }

  #open({ fact, validFrom, knownFrom, knownTo }: Standing, since: number): void {
    const span: Span = { index: this.#places.get(fact) ?? -1, since, until: Infinity, knownFrom: msOf(knownFrom), knownTo: msOf(knownTo), validFrom: daysOf(validFrom) };
    const place = this.#spans.findLastIndex((s) => s.validFrom < span.validFrom || (s.validFrom === span.validFrom && s.index <= span.index));
    this.#spans.splice(place + 1, 0, span);
    this.#standing.set(fact, span);
  }

  #close({ fact }: Standing, until: number): void {
    const span = this.#standing.get(fact);
    if (span !== undefined) span.until = until;
    this.#standing.delete(fact);
  }
}
