import { accept, nothing, reject, type Day, type Decision, type Rejection } from '@rectrail/kernel';
import type { RejectionText } from '../time/live-command.ts';
import type { WorkingCalendarEvent } from './calendar.events.ts';
import { yearOf, type WorkingCalendar } from './calendar.state.ts';

/** A year is set as a whole, and again where the official calendar changes; cut by position alone, so it has no day of its own. */
export interface SetCalendarYear {
  readonly type: 'SetCalendarYear';
  readonly data: { readonly year: number; readonly workingDays: readonly Day[] };
}

export const calendarRejections = {
  'calendar-year-empty': { en: 'A year has working days.', zh: '全年工作日不能为空。' },
  'calendar-day-outside-year': { en: 'A working day lies outside the year.', zh: '工作日不在该年度内。' },
  'calendar-days-disordered': { en: 'The working days must be in order, each once.', zh: '工作日须按日期先后排列，且不得重复。' },
} as const satisfies Record<string, RejectionText>;

export type CalendarRejection = Rejection & { readonly code: keyof typeof calendarRejections };

const fault = ({ year, workingDays }: SetCalendarYear['data']): CalendarRejection | null => {
  if (workingDays.length === 0) return { code: 'calendar-year-empty', detail: `no working day in ${year}`, pointer: '/workingDays' };
  const outside = workingDays.findIndex((d) => yearOf(d) !== year);
  if (outside >= 0) return { code: 'calendar-day-outside-year', detail: `${workingDays[outside]} is not in ${year}`, pointer: `/workingDays/${outside}` };
  const disordered = workingDays.findIndex((d, at) => at > 0 && d <= (workingDays[at - 1] ?? ''));
  return disordered < 0 ? null : { code: 'calendar-days-disordered', detail: `${workingDays[disordered]} is out of order`, pointer: `/workingDays/${disordered}` };
};

export const decideCalendar = ({ data }: SetCalendarYear, calendar: WorkingCalendar): Decision<WorkingCalendarEvent, CalendarRejection> => {
  const found = fault(data);
  if (found !== null) return reject(found);
  return calendar.years.get(data.year)?.join() === data.workingDays.join() ? nothing() : accept({ type: 'CalendarYearSet', data });
};
