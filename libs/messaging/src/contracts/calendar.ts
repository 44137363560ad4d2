import type { Fact } from '@rectrail/kernel';
import { calendarEventDefinitions, wire, type DataByType, type FactsRetracted, type WorkingCalendarEvent } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf } from './contract.ts';

export const calendarYearState = z.object({
  year: z.int().min(1).max(9_999),
  workingDays: listOf(wire.day).describe('every working day of the year, in order'),
});

type CalendarYear = DataByType<WorkingCalendarEvent>['CalendarYearSet'];

/** Of one year, the newest holds. */
const fold = (s: CalendarYear | null, { event }: Fact<WorkingCalendarEvent | FactsRetracted>): CalendarYear | null => (event.type === 'FactsRetracted' ? s : event.data);

export const calendarContract = contractOf<WorkingCalendarEvent, CalendarYear | null, typeof calendarYearState>({
  noun: 'calendars', singular: 'calendar-year', events: calendarEventDefinitions, state: calendarYearState, initial: null, fold, tell: (s) => s,
});
