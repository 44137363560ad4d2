import type { Day } from '@rectrail/kernel';
import { defaultPolicy } from '@rectrail/tracking-domain';
import { Agenda } from './agenda.ts';
import { dayAt, msOfDay, numberOf } from './dates.ts';
import { Calendar, firstStart, registerProvince } from './first-start.ts';
import { Journal, type RecordedEvent } from './journal.ts';
import { planOldReports } from './old-reports.ts';
import { administrator, Organisations } from './organisations.ts';
import { Pace, type CalendarYear } from './pace.ts';
import { Policies } from './policies.ts';
import { organisationsMin } from './province.ts';
import { Random } from './random.ts';
import { Rounds } from './rounds.ts';
import { planTreeChanges } from './tree-changes.ts';
import { Roster, type World } from './world.ts';

export const growths = ['years', 'density'] as const;
/** `years`: a million events a year, the years grow; `density`: always ten years, what happens in them grows. */
export type Growth = (typeof growths)[number];

export interface ProvinceOptions {
  /** Of the whole log, first start and organisations included. */
  readonly events: number;
  readonly organisations: number;
  readonly growth: Growth;
  readonly seed: number;
  /** Day of the last event. */
  readonly until: Day;
  /** Every year known in full, as a first start would be given them. */
  readonly calendar: readonly CalendarYear[];
  readonly jurisdiction: string;
  /** One event of so many of each type is checked by its schema; default 1,000. */
  readonly checkEvery?: number;
}

const daysPerYear = 365.25;
const eventsPerYear = 1_000_000;
const yearsOfDensity = 10;
const daysMin = 7;
/** Beside the organisations, for anything to happen at all. */
export const eventsBesideMin = 500;
/** Nobody takes more in before handing it on. */
const batchEvents = 1_000;
/** So few events that no command may bring more than one. */
const lastEvents = 60;
const registrationMs = 9 * 3_600_000;

/** Options that make no province. */
export class ProvinceRefused extends RangeError {}

/** First and last day of the history. */
export const spanOf = ({ events, growth, until }: Pick<ProvinceOptions, 'events' | 'growth' | 'until'>): { readonly from: Day; readonly until: Day } => {
  const years = growth === 'density' ? yearsOfDensity : events / eventsPerYear;
  return { from: dayAt(numberOf(until) - Math.max(daysMin, Math.floor(years * daysPerYear)) + 1), until };
};

/**
 * The history of an invented province in the order of its recording, by the rules of the domain: each command is decided on the state that it
 * finds. The same options give the same bytes.
 *
 * @throws ProvinceRefused for fewer than 20 organisations, or fewer than 500 events beside them
 */
export function* provinceHistory(options: ProvinceOptions): Generator<readonly RecordedEvent[], void, void> {
  const history = new ProvinceHistory(options);
  yield* history.run();
}

class ProvinceHistory {
  readonly #options: ProvinceOptions;
  readonly #world: World;
  readonly #rounds: Rounds;
  readonly #calendar: Calendar;

  constructor(options: ProvinceOptions) {
    const { events, organisations, seed, calendar, checkEvery = 1_000 } = options;
    if (organisations < organisationsMin) throw new ProvinceRefused(`${organisations} organisations make no province: at least ${organisationsMin}`);
    if (events < organisations + eventsBesideMin) throw new ProvinceRefused(`${events} events are too few for ${organisations} organisations: at least ${organisations + eventsBesideMin}`);
    const span = spanOf(options);
    const random = new Random(seed);
    const pace = new Pace(numberOf(span.from), numberOf(span.until), calendar);
    const journal = new Journal({ random, checkEvery, fromMs: msOfDay(pace.from) });
    this.#options = options;
    this.#world = {
      random, journal, agenda: new Agenda(pace.until), pace, organisations: new Organisations(), policies: new Policies(journal), underWay: new Roster(), refused: new Map(),
    };
    this.#rounds = new Rounds(this.#world);
    this.#calendar = new Calendar(this.#world);
  }

  *run(): Generator<readonly RecordedEvent[], void, void> {
    const { journal, pace } = this.#world;
    const { organisations, jurisdiction, calendar, events } = this.#options;
    journal.setClock(msOfDay(pace.from) + 1);
    firstStart(this.#world, jurisdiction, this.#calendar, calendar);
    registerProvince(this.#world, organisations, (n, of) => { journal.setClock(msOfDay(pace.from) + (registrationMs * n) / of); });
    planTreeChanges(this.#world);
    planOldReports(this.#world, events);
    this.#planNotices();
    for (let day = pace.from; day <= pace.until; day++) yield* this.#day(day);
    // One event each: the last words of the last day.
    while (journal.count < events) {
      journal.setClock(journal.nowMs + 1_000);
      this.#world.underWay.draw(this.#world.random).note();
    }
    yield journal.take();
  }

  *#day(day: number): Generator<readonly RecordedEvent[], void, void> {
    const { journal, pace, agenda } = this.#world;
    const before = journal.count;
    const quota = pace.quota(day, this.#options.events - before);
    const ordinary = pace.ordinaryQuota(day, this.#options.events - before);
    const tick = (): void => { journal.setClock(pace.instantMs(day, journal.count - before, quota)); };
    const isFull = (): boolean => journal.count - before >= quota || this.#options.events - journal.count <= lastEvents;
    tick();
    const tasks = agenda.take(day);
    for (const [n, task] of tasks.entries()) {
      if (isFull()) {
        agenda.postpone(day + 1, tasks.slice(n));
        break;
      }
      tick();
      task.run();
      if (journal.pending >= batchEvents) yield journal.take();
    }
    for (let idle = 0; !isFull() && idle < 1_000;) {
      tick();
      const count = journal.count;
      this.#rounds.more(ordinary);
      idle = journal.count === count ? idle + 1 : 0;
      if (journal.pending >= batchEvents) yield journal.take();
    }
  }

  /** What the province's office gives notice of: a holiday moved, another default policy from the next month on. */
  #planNotices(): void {
    const { agenda, pace, policies, journal } = this.#world;
    const middle = pace.workingDay(Math.floor((pace.from + pace.until) / 2));
    const year = this.#options.calendar.find((known) => known.year === Number(dayAt(middle).slice(0, 4)));
    agenda.put(middle, {
      run: () => {
        journal.beginCommand();
        if (year !== undefined) this.#calendar.set({ ...year, workingDays: year.workingDays.filter((day) => !day.endsWith('-12-31')) }, administrator, 'internal');
        journal.beginCommand();
        policies.adopt(null, { ...defaultPolicy, name: 'default/2', dueSoon: { days: 10, unit: 'working' } }, dayAt(middle + 30), { actor: administrator });
      },
    });
  }
}
