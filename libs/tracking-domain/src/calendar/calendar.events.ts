import type { Day, DomainEvent } from '@rectrail/kernel';

/** Stream `working-calendar`. All working days of the year, in full and in order; cut by position alone, the newest of a year holds. */
export type WorkingCalendarEvent = DomainEvent<'CalendarYearSet', { readonly year: number; readonly workingDays: readonly Day[] }>;
