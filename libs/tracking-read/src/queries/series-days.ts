import type { SeriesStep } from './requests.ts';
import { addDays, day, lastDay, lastDayOfMonth, minDay, weekday, type Day } from '@rectrail/kernel';
import { ReadRejected } from './tracking-read.ts';


/** More points than a screen has columns; ten years day by day. */
export const seriesPointsMax = 4_000;

const endOfMonth = (d: Day): Day => {
  const [year = '', month = ''] = d.split('-');
  return day(`${year}-${month}-${String(lastDayOfMonth(Number(year), Number(month))).padStart(2, '0')}`);
};

/** The end of the step that a day lies in. */
const endOf: Readonly<Record<SeriesStep, (d: Day) => Day>> = {
  day: (d) => d,
  week: (d) => (d > addDays(lastDay, -7) ? lastDay : addDays(d, (7 - weekday(d)) % 7)),
  month: endOfMonth,
};

/** The points of a series, in order, each once: `from`, the end of every step after it, `to`. @throws ReadRejected `range-invalid`. */
export const seriesDays = (from: Day, to: Day, every: SeriesStep): readonly [Day, ...Day[]] => {
  if (from > to) throw new ReadRejected('range-invalid', `the series would end on ${to}, before it begins on ${from}`, { from, to });
  const days: [Day, ...Day[]] = [from];
  for (let last = from; last < to;) {
    last = minDay(endOf[every](addDays(last, 1)), to);
    days.push(last);
    if (days.length > seriesPointsMax) {
      throw new ReadRejected('range-invalid', `from ${from} to ${to} there are more than ${seriesPointsMax} points. Potential solutions: a longer step (every=week, every=month), or a shorter range`, { from, to });
    }
  }
  return days;
};
