import type { FuzzyDate, Day } from '@rectrail/kernel';
import type { Agenda } from './agenda.ts';
import { drawnLag, numberOf, told } from './dates.ts';
import type { Journal } from './journal.ts';
import type { Organisations } from './organisations.ts';
import type { Pace } from './pace.ts';
import type { Policies } from './policies.ts';
import { drawnUuid, type Random } from './random.ts';

/** Something that can be reported on at any time. */
export interface Noteworthy {
  /** Records one event, or nothing where there is nothing to say. */
  note(): void;
}

/** What is under way, for a draw: taking one out puts the last in its place. */
export class Roster {
  readonly #items: Noteworthy[] = [];
  readonly #places = new Map<Noteworthy, number>();

  get size(): number {
    return this.#items.length;
  }

  add(item: Noteworthy): void {
    if (!this.#places.has(item)) this.#places.set(item, this.#items.push(item) - 1);
  }

  remove(item: Noteworthy): void {
    const place = this.#places.get(item);
    const last = this.#items.at(-1);
    if (place === undefined || last === undefined) return;
    this.#items[place] = last;
    this.#places.set(last, place);
    this.#items.pop();
    this.#places.delete(item);
  }

  draw(random: Random): Noteworthy {
    return random.pick(this.#items);
  }
}

/** Everything that goes on in the province, and the log that is made of it. */
export interface World {
  readonly random: Random;
  readonly journal: Journal;
  readonly agenda: Agenda;
  readonly pace: Pace;
  readonly organisations: Organisations;
  readonly policies: Policies;
  readonly underWay: Roster;
  /** Commands that the domain refused, by code: the makers of this world give few that it must. */
  readonly refused: Map<string, number>;
}

/** When it happened, told today: as late as facts are told, and not before what it builds on. */
export const happened = ({ random, journal }: World, notBefore: Day | null): FuzzyDate => {
  const today = journal.todayNumber;
  const day = today - drawnLag(random);
  return told(random, Math.min(Math.max(day, notBefore === null ? day : numberOf(notBefore)), today), today);
};

/** Of a thing that comes into being now; the brand says of what. */
export const newId = <Id extends string>({ random, journal }: World): Id => drawnUuid(random, journal.nowMs) as Id;

/** On a working day so many days from today, tomorrow at the earliest: what today brings has been set down already. */
export const inDays = ({ journal, pace }: World, days: number): number => pace.workingDay(journal.todayNumber + Math.max(1, days));
