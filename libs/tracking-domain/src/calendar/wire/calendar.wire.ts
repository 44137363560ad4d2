import { z } from 'zod';
import { day, definitionsOf, listOf, type EventSchemas } from '../../wire/primitives.ts';
import type { WorkingCalendarEvent } from '../calendar.events.ts';
import { yearOf } from '../calendar.state.ts';

/** The newest version of the event of the working calendar. */
export const calendarEventSchemas = {
  // Counting searches the days in halves, so their order is part of the schema.
  CalendarYearSet: z.strictObject({ year: z.int().min(1).max(9_999), workingDays: listOf(day) }).refine(
    ({ year, workingDays }) => workingDays.every((d, at) => yearOf(d) === year && (at === 0 || d > (workingDays[at - 1] ?? d))),
    { error: 'holds a day outside the year or out of order', path: ['workingDays'] },
  ),
} satisfies EventSchemas<WorkingCalendarEvent>;

export const calendarEventDefinitions = definitionsOf(calendarEventSchemas);
