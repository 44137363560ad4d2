import type { Day, EventId, Fact, Instant } from '@rectrail/kernel';
import { isOfSubject, isPurge, isRetraction, type FactsRetracted } from '@rectrail/tracking-domain';

/** Ends of ranges as PostgreSQL writes them; they compare as strings with days and instants ('-' < digits < 'i'). */
export type DayBound = Day | '-infinity' | 'infinity';
export type InstantBound = Instant | '-infinity' | 'infinity';

/** From which day the fact counts, for those whose knowledge ends in [knownFrom, knownTo); nothing of it counts where the range is empty. */
export interface Standing<F extends Fact = Fact> {
  readonly fact: F;
  readonly validFrom: DayBound;
  readonly knownFrom: InstantBound;
  readonly knownTo: InstantBound;
}

interface Retracted { readonly inError: ReadonlySet<EventId>; readonly withdrawnFrom: ReadonlyMap<EventId, Instant> }

/** What retractions do to what they name. They name what stands before them, so from the newest to the oldest each one is settled before its own turn comes. */
const retractedBy = (facts: readonly Fact[]): Retracted => {
  const inError = new Set<EventId>();
  const withdrawnFrom = new Map<EventId, Instant>();
  for (const fact of facts.filter(isRetraction).reverse()) {
    if (inError.has(fact.eventId)) continue;
    const { kind, eventIds } = fact.event.data;
    for (const id of eventIds) {
      const earliest = withdrawnFrom.get(id);
      if (kind === 'entered-in-error') inError.add(id);
      else if (earliest === undefined || fact.knownTime < earliest) withdrawnFrom.set(id, fact.knownTime);
    }
  }
  return { inError, withdrawnFrom };
};

/** What stands of a fact that no retraction names. */
export const unretracted = <F extends Fact>(fact: F): Standing<F> => {
  const byPositionAlone = fact.validTime === null;
  return { fact, validFrom: fact.validTime?.last ?? '-infinity', knownFrom: byPositionAlone ? '-infinity' : fact.knownTime, knownTo: 'infinity' };
};

/**
 * What stands of each fact of a stream (given in stream order) at the position of the last one, retractions and purges left
 * out: a closed form of rules.md section 2. Entered in error: nothing; withdrawn: up to the earliest withdrawal.
 */
export const standings = <F extends Fact>(facts: readonly F[]): readonly Standing<F>[] => {
  const { inError, withdrawnFrom } = retractedBy(facts);
  return facts.filter((fact) => isOfSubject(fact) && !inError.has(fact.eventId)).flatMap((fact) => {
    const standing = { ...unretracted(fact), knownTo: withdrawnFrom.get(fact.eventId) ?? 'infinity' as const };
    return standing.knownFrom < standing.knownTo ? [standing] : [];
  });
};

/** What a fact takes from what stands of its stream, and what it adds. */
export interface StandingChange<F extends Fact> { readonly closed: readonly Standing<F>[]; readonly opened: readonly Standing<F>[] }

/** `standings` of a stream fact by fact: each adds its own, and only a retraction touches those of others. */
export class StandingHistory<F extends Fact> {
  readonly #facts = new Map<EventId, F>();
  /** Retractions by what they name. */
  readonly #naming = new Map<EventId, Fact<FactsRetracted>[]>();
  readonly #standing = new Map<EventId, Standing<F>>();

  add(fact: F): StandingChange<F> {
    if (isPurge(fact)) return { closed: [], opened: [] };
    if (isRetraction(fact)) {
      for (const id of fact.event.data.eventIds) this.#naming.set(id, [...this.#naming.get(id) ?? [], fact]);
    }
    this.#facts.set(fact.eventId, fact);
    const closed: Standing<F>[] = [];
    const opened: Standing<F>[] = [];
    for (const concerned of new Set(this.#concernedBy(fact))) {
      const [before, after] = [this.#standing.get(concerned.eventId), this.#standingOf(concerned)];
      if (before?.knownTo === after?.knownTo) continue;
      if (before !== undefined) closed.push(before);
      this.#standing.delete(concerned.eventId);
      if (after === undefined) continue;
      opened.push(after);
      this.#standing.set(concerned.eventId, after);
    }
    return { closed, opened };
  }

  /** The fact itself; of a retraction what it names, and what is named by those retractions that it names. */
  #concernedBy(fact: F): readonly F[] {
    if (!isRetraction(fact)) return [fact];
    return fact.event.data.eventIds.flatMap((id) => {
      const named = this.#facts.get(id);
      return named === undefined || named.streamVersion >= fact.streamVersion ? [] : this.#concernedBy(named);
    });
  }

  #standingOf(fact: F): Standing<F> | undefined {
    const naming = this.#countingRetractionsOf(fact);
    if (naming.some(({ event }) => event.data.kind === 'entered-in-error')) return undefined;
    const standing = unretracted(fact);
    const knownTo = naming.reduce<InstantBound>((earliest, { knownTime }) => (knownTime < earliest ? knownTime : earliest), 'infinity');
    return standing.knownFrom < knownTo ? { ...standing, knownTo } : undefined;
  }

  /** A retraction counts by its position alone unless it was itself entered in error. */
  #countingRetractionsOf(fact: Fact): readonly Fact<FactsRetracted>[] {
    const naming = this.#naming.get(fact.eventId) ?? [];
    return naming.filter((r) => r.streamVersion > fact.streamVersion && !this.#countingRetractionsOf(r).some(({ event }) => event.data.kind === 'entered-in-error'));
  }
}

/** Those that count at (knownAt, validAt), in fold order; the stream's order decides among equal days. */
export const standingAt = <F extends Fact>(all: readonly Standing<F>[], at: { readonly knownAt: Instant; readonly validAt: Day }): readonly F[] =>
  inFoldOrder(all.filter((s) => s.knownFrom <= at.knownAt && at.knownAt < s.knownTo && s.validFrom <= at.validAt)).map((s) => s.fact);

export const inFoldOrder = <F extends Fact>(all: readonly Standing<F>[]): readonly Standing<F>[] =>
  all.toSorted((a, b) => (a.validFrom === b.validFrom ? a.fact.streamVersion - b.fact.streamVersion : a.validFrom < b.validFrom ? -1 : 1));
