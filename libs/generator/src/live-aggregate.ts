import { position, type Day, type Decision, type EventId, type Fact, type FuzzyDate, type Instant, type Scope } from '@rectrail/kernel';
import { countingOnAnyDay, effectiveDay, isRetraction, type CommandActor, type FactsRetracted, type LiveSituation, type TrackingEvent } from '@rectrail/tracking-domain';
import type { Entry, Journal, StreamEnd } from './journal.ts';
import type { Random } from './random.ts';

type Facts<E extends TrackingEvent> = readonly Fact<E | FactsRetracted>[];
const everyPosition = position(Number.MAX_SAFE_INTEGER);

/** How a kind of aggregate folds and decides, and how one of its commands might have been given wrongly. */
export interface AggregateKind<S, C, E extends TrackingEvent> {
  readonly initial: S;
  evolve(state: S, fact: Fact<E | FactsRetracted>): S;
  decide(command: C, situation: LiveSituation<S>): Decision<E>;
  /** Of counting facts in fold order, those that lack what they build on. */
  unmet(facts: Facts<E>): readonly EventId[];
  /** The same command with other data; null where it is not one that is corrected. */
  vary(random: Random, command: C): C | null;
}

export interface AnyCommand { readonly on: FuzzyDate; readonly by: CommandActor }

/** An aggregate that something may still happen to: its facts, and what they fold to. */
export class LiveAggregate<S, C extends AnyCommand, E extends TrackingEvent> {
  readonly kind: AggregateKind<S, C, E>;
  readonly end: StreamEnd;
  readonly scope: Scope;
  #facts: Fact<E | FactsRetracted>[] = [];
  /** What the facts that are forgotten fold to. */
  #before: S;
  #now: S;
  #lastDay: Day | '' = '';
  #settledUntil: Day | '' = '';

  constructor(kind: AggregateKind<S, C, E>, end: StreamEnd, scope: Scope) {
    this.kind = kind;
    this.end = end;
    this.scope = scope;
    this.#before = kind.initial;
    this.#now = kind.initial;
  }

  get facts(): Facts<E> {
    return this.#facts;
  }

  /** No fact that comes may take effect before it. */
  get settledUntil(): Day | '' {
    return this.#settledUntil;
  }

  /** Keeps the state and forgets the facts: nothing of it is corrected any more. */
  settle(): void {
    this.#before = this.#now;
    this.#settledUntil = this.#lastDay;
    this.#facts = [];
  }

  /** The state today: nothing recorded takes effect later. */
  get now(): S {
    return this.#now;
  }

  /** The states on which a command is decided (time/live-command.ts). */
  situation(on: FuzzyDate, today: Day): LiveSituation<S> {
    return { then: this.stateOn(on.last), now: this.#now, today };
  }

  /** The state on a day that is not before `settledUntil`. */
  stateOn(day: Day): S {
    return day >= this.#lastDay ? this.#now : this.foldOf(this.counting().filter((fact) => effectiveDay(fact) <= day));
  }

  /** In fold order, the retractions and what they name left out; as it would be with some facts more. */
  counting(more: Facts<E> = []): Facts<E> {
    const facts = more.length === 0 ? this.#facts : [...this.#facts, ...more];
    const knownAt = facts.reduce<Instant | ''>((latest, { recordedAt }) => (recordedAt > latest ? recordedAt : latest), '') as Instant;
    return countingOnAnyDay(facts, { atPosition: everyPosition, knownAt });
  }

  foldOf(facts: Facts<E>): S {
    return facts.reduce((state, fact) => this.kind.evolve(state, fact), this.#before);
  }

  add(fact: Fact<E | FactsRetracted>): void {
    this.#facts.push(fact);
    const day = effectiveDay(fact);
    if (isRetraction(fact) || day < this.#lastDay) {
      const counting = this.counting();
      this.#now = this.foldOf(counting);
      this.#lastDay = counting.reduce<Day | ''>((last, one) => (effectiveDay(one) > last ? effectiveDay(one) : last), this.#settledUntil);
    } else {
      this.#lastDay = day;
      this.#now = this.kind.evolve(this.#now, fact);
    }
  }

  /** Records events of this aggregate within the command under way. */
  record(journal: Journal, events: readonly (E | FactsRetracted)[], entry: Omit<Entry, 'event' | 'scope'>): readonly EventId[] {
    return events.map((event) => {
      const fact = journal.record<E | FactsRetracted>(this.end, { ...entry, event, scope: this.scope });
      this.add(fact);
      return fact.eventId;
    });
  }
}
