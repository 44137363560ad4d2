import { addDays, day, type Day } from '@rectrail/kernel';
import chineseDays from 'chinese-days';

export interface CalendarYear { readonly year: number; readonly workingDays: readonly Day[] }

/** The first year of the package's data; the last grows with its releases. */
const firstYear = 2004;
const lastYearMax = 2099;

/**
 * The State Council fixes a year's holidays in one notice. 1 to 3 October are always among them and never all on a weekend, so
 * a year in which they are ordinary days is one that the package does not know.
 */
const isKnown = (year: number): boolean => ['01', '02', '03'].every((d) => !chineseDays.isWorkday(`${year}-10-${d}`));

const workingDaysOf = (year: number): readonly Day[] => {
  const days: Day[] = [];
  for (let d = day(`${year}-01-01`); d < `${year + 1}`; d = addDays(d, 1)) if (chineseDays.isWorkday(d)) days.push(d);
  return days;
};

/** Every year that the package knows in full. They become events at the first start; from then on the events are what holds. */
export const knownCalendarYears = (): readonly CalendarYear[] => {
  const years: CalendarYear[] = [];
  for (let year = firstYear; year <= lastYearMax && isKnown(year); year++) years.push({ year, workingDays: workingDaysOf(year) });
  return years;
};
