import { weekday, type Day } from '@rectrail/kernel';
import { dayAt, monthEnd, msOfDay, numberOf } from './dates.ts';

export interface CalendarYear { readonly year: number; readonly workingDays: readonly Day[] }

const officeOpensMs = 8.5 * 3_600_000;
const officeHoursMs = 9.5 * 3_600_000;
/** Beside a working day's work: somebody is always there. */
const restDayShare = 0.03;
const lastDaysOfMonth = 5;
/** What is due by the end of a month, and more so of June, November and the year, is reported in its last days. */
const monthEndShare = 1.5;
const busyMonths: ReadonlySet<string> = new Set(['06', '11', '12']);
const busyMonthShare = 1.25;

/** How much is recorded on which day: office hours, working days, rushes. The days from `from` to `until` share what is to be recorded. */
export class Pace {
  readonly from: number;
  readonly until: number;
  /** Of each day and all that follow it. */
  readonly #remainingShare: Float64Array;
  readonly #working: ReadonlySet<number>;
  readonly #years: ReadonlySet<number>;

  constructor(from: number, until: number, calendar: readonly CalendarYear[]) {
    this.from = from;
    this.until = until;
    this.#working = new Set(calendar.flatMap(({ workingDays }) => workingDays.map(numberOf)));
    this.#years = new Set(calendar.map(({ year }) => year));
    this.#remainingShare = new Float64Array(until - from + 2);
    for (let day = until; day >= from; day--) this.#remainingShare[day - from] = (this.#remainingShare[day - from + 1] ?? 0) + this.#share(day);
  }

  /** A year that the calendar does not hold is Monday to Friday, as in every count of working days. */
  isWorking(day: number): boolean {
    const date = dayAt(day);
    if (this.#years.has(Number(date.slice(0, 4)))) return this.#working.has(day);
    return weekday(date) % 6 !== 0;
  }

  /** The first working day that is not before. */
  workingDay(day: number): number {
    let at = day;
    while (!this.isWorking(at)) at += 1;
    return at;
  }

  /** How many of the `left` events are recorded on this day; all of them on the last. */
  quota(day: number, left: number): number {
    const share = this.#share(day) / (this.#remainingShare[day - this.from] ?? 1);
    return day === this.until ? left : Math.floor(left * share);
  }

  /** The same for a working day like any other. */
  ordinaryQuota(day: number, left: number): number {
    return left / Math.max(this.#remainingShare[day - this.from] ?? 1, 1);
  }

  /** When the `n`th of so many events of the day is recorded. */
  instantMs(day: number, n: number, ofDay: number): number {
    return msOfDay(day) + officeOpensMs + (officeHoursMs * n) / Math.max(ofDay, 1);
  }

  #share(day: number): number {
    if (!this.isWorking(day)) return restDayShare;
    return (monthEnd(day) - day < lastDaysOfMonth ? monthEndShare : 1) * (busyMonths.has(dayAt(day).slice(5, 7)) ? busyMonthShare : 1);
  }
}
