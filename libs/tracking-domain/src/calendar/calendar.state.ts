import { addDays, day, dayNumber, maxDay, minDay, weekday, type Day, type Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { WorkingCalendarEvent } from './calendar.events.ts';

/** The working days of each year that is known in full, in order. */
export interface WorkingCalendar { readonly years: ReadonlyMap<number, readonly Day[]> }

export const emptyCalendar: WorkingCalendar = { years: new Map() };

/** The newest of a year holds. */
export const evolveCalendar = (state: WorkingCalendar, fact: Fact<WorkingCalendarEvent | FactsRetracted>): WorkingCalendar =>
  fact.event.type === 'FactsRetracted' ? state : { years: new Map(state.years).set(fact.event.data.year, fact.event.data.workingDays) };

/** The calendar from the facts of its stream that count, in fold order (calendar years have no valid time, so that is stream order). */
export const calendarAt = (countingFacts: readonly Fact<WorkingCalendarEvent | FactsRetracted>[]): WorkingCalendar => countingFacts.reduce(evolveCalendar, emptyCalendar);

/** A plain list of working days, in any order, as the years of `CalendarYearSet`. */
export const calendarYears = (workingDays: readonly Day[]): readonly { readonly year: number; readonly workingDays: readonly Day[] }[] =>
  [...Map.groupBy([...new Set(workingDays)].toSorted(), yearOf)].map(([year, days]) => ({ year, workingDays: days }));

export interface WorkingDayCount {
  readonly days: number;
  /** Years counted Monday to Friday for want of a calendar; an answer that uses the count says so. */
  readonly yearsWithoutCalendar: readonly number[];
}

export const yearOf = (d: Day): number => Number(d.slice(0, 4));
const dayOfYear = (year: number, monthAndDay: string): Day => day(`${String(year).padStart(4, '0')}-${monthAndDay}`);

/** Number of days in an ordered list up to and including `d`. */
const countUpTo = (days: readonly Day[], d: Day): number => {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle] ?? d) <= d) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Mondays to Fridays from a fixed Sunday (1969-12-28) up to and including `d`, negative before: only differences have a meaning. */
const weekdaysUpTo = (d: Day): number => Math.floor((dayNumber(d) + 4) / 7) * 5 + Math.min(weekday(d), 5);

/**
 * Working days d with after < d ≤ upTo; 0 where `upTo` is not later. A year without a calendar is Monday to Friday (rules.md section 5). `most`: years behind the one in which the
 * count exceeds it are not looked at, since whoever asks whether there are more than so many knows by then.
 */
export const workingDaysBetween = (calendar: WorkingCalendar, after: Day, upTo: Day, most = Infinity): WorkingDayCount => {
  const yearsWithoutCalendar: number[] = [];
  if (upTo <= after) return { days: 0, yearsWithoutCalendar };
  const first = addDays(after, 1);
  let days = 0;
  for (let year = yearOf(first); year <= yearOf(upTo) && days <= most; year += 1) {
    const from = maxDay(after, addDays(dayOfYear(year, '01-01'), -1));
    const to = minDay(upTo, dayOfYear(year, '12-31'));
    const known = calendar.years.get(year);
    if (known === undefined) yearsWithoutCalendar.push(year);
    days += known === undefined ? weekdaysUpTo(to) - weekdaysUpTo(from) : countUpTo(known, to) - countUpTo(known, from);
  }
  return { days, yearsWithoutCalendar };
};
