// Goal: working days are counted from the calendar of each year, Monday to Friday where there is none, and the answer says so.
// Method: counts compared with counting day by day, by hand and by property; decide on hand-made years.
import { describe, expect, it } from '@jest/globals';
import { addDays, day, dayNumber, weekday, type Day, type Decision } from '@rectrail/kernel';
import fc from 'fast-check';
import { fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { decideCalendar } from './calendar.decide.ts';
import type { WorkingCalendarEvent } from './calendar.events.ts';
import { calendarAt, calendarYears, emptyCalendar, workingDaysBetween, type WorkingCalendar } from './calendar.state.ts';

const yearSet = (year: number, ...days: readonly string[]): GivenFact<WorkingCalendarEvent> =>
  fact<WorkingCalendarEvent>(null, { type: 'CalendarYearSet', data: { year, workingDays: days.map(day) } });

/** Around the Spring Festival of 2022: 31 January to 6 February off, Saturday 29 and Sunday 30 January worked. */
const festival = calendarAt(streamOf(yearSet(2022, '2022-01-28', '2022-01-29', '2022-01-30', '2022-02-07', '2022-02-08')));

describe('counting working days', () => {
  it('follows the calendar of the year, the first day excluded and the last included', () => {
    expect(workingDaysBetween(festival, day('2022-01-28'), day('2022-02-07'))).toEqual({ days: 3, yearsWithoutCalendar: [] });
    expect(workingDaysBetween(festival, day('2022-01-30'), day('2022-02-06'))).toEqual({ days: 0, yearsWithoutCalendar: [] });
    expect(workingDaysBetween(festival, day('2022-02-06'), day('2022-02-07'))).toEqual({ days: 1, yearsWithoutCalendar: [] });
  });

  it('takes Monday to Friday for a year without a calendar, and says so', () => {
    expect(workingDaysBetween(emptyCalendar, day('2026-06-05'), day('2026-06-08'))).toEqual({ days: 1, yearsWithoutCalendar: [2026] });
    expect(workingDaysBetween(festival, day('2022-02-07'), day('2023-01-03'))).toEqual({ days: 3, yearsWithoutCalendar: [2023] });
  });

  it('is none where the last day is not later', () => {
    expect(workingDaysBetween(festival, day('2022-02-08'), day('2022-02-08'))).toEqual({ days: 0, yearsWithoutCalendar: [] });
    expect(workingDaysBetween(emptyCalendar, day('2026-06-08'), day('2026-06-05'))).toEqual({ days: 0, yearsWithoutCalendar: [] });
    expect(workingDaysBetween(emptyCalendar, day('9999-12-30'), day('9999-12-31')).days).toBe(1);
  });

  it('looks at no year behind the day by which there are more than were asked for', () => {
    const anyDay = fc.integer({ min: dayNumber(day('2021-11-01')), max: dayNumber(day('2023-02-01')) }).map((n) => addDays(day('1970-01-01'), n));
    fc.assert(fc.property(anyDay, fc.nat(800), fc.nat(60), (after, span, most) => {
      const upTo = addDays(after, span);
      const passed = Array.from({ length: span }, (_, at) => addDays(after, at + 1)).find((d) => workingDaysBetween(festival, after, d).days > most);
      const { days, yearsWithoutCalendar } = workingDaysBetween(festival, after, upTo, most);
      expect(days > most).toBe(passed !== undefined);
      expect(yearsWithoutCalendar).toEqual(workingDaysBetween(festival, after, passed ?? upTo).yearsWithoutCalendar);
    }));
  });

  it('equals counting day by day', () => {
    const calendar: WorkingCalendar = { years: new Map(calendarYears(Array.from({ length: 365 }, (_, at) => addDays(day('2023-01-01'), at)).filter((_, at) => at % 3 > 0)).map((y) => [y.year, y.workingDays])) };
    const works = (d: Day): boolean => calendar.years.get(Number(d.slice(0, 4)))?.includes(d) ?? (weekday(d) >= 1 && weekday(d) <= 5);
    const anyDay = fc.integer({ min: dayNumber(day('2021-12-01')), max: dayNumber(day('2025-02-01')) }).map((n) => addDays(day('1970-01-01'), n));
    fc.assert(fc.property(anyDay, fc.nat(900), (after, span) => {
      const each = Array.from({ length: span }, (_, at) => addDays(after, at + 1)).filter(works);
      expect(workingDaysBetween(calendar, after, addDays(after, span)).days).toBe(each.length);
    }));
  });
});

describe('the calendar', () => {
  it('holds the newest of each year', () => {
    const calendar = calendarAt(streamOf(yearSet(2022, '2022-01-04'), yearSet(2023, '2023-01-03'), yearSet(2022, '2022-01-05')));
    expect(calendar.years).toEqual(new Map([[2022, ['2022-01-05']], [2023, ['2023-01-03']]]));
  });

  it('is made from a plain list of days', () => {
    expect(calendarYears(['2023-01-03', '2022-12-30', '2022-01-04', '2022-01-04'].map(day))).toEqual([
      { year: 2022, workingDays: ['2022-01-04', '2022-12-30'] }, { year: 2023, workingDays: ['2023-01-03'] },
    ]);
  });
});

describe('setting a year', () => {
  const decide = (year: number, ...days: readonly string[]): Decision<WorkingCalendarEvent> =>
    decideCalendar({ type: 'SetCalendarYear', data: { year, workingDays: days.map(day) } }, calendarAt(streamOf(yearSet(2022, '2022-01-04'))));
  const rejected = (code: string): unknown => expect.objectContaining({ ok: false, rejection: expect.objectContaining({ code }) as unknown });

  it('is accepted, again where the official calendar changes, and nothing where it stays', () => {
    expect(decide(2023, '2023-01-03')).toEqual({ ok: true, events: [{ type: 'CalendarYearSet', data: { year: 2023, workingDays: ['2023-01-03'] } }] });
    expect(decide(2022, '2022-01-04', '2022-01-05')).toMatchObject({ ok: true, events: [{ type: 'CalendarYearSet' }] });
    expect(decide(2022, '2022-01-04')).toEqual({ ok: true, events: [] });
  });

  it('is refused empty, with a day of another year, or out of order', () => {
    expect(decide(2023)).toEqual(rejected('calendar-year-empty'));
    expect(decide(2023, '2023-01-03', '2024-01-02')).toEqual(rejected('calendar-day-outside-year'));
    expect(decide(2023, '2023-01-04', '2023-01-03')).toEqual(rejected('calendar-days-disordered'));
    expect(decide(2023, '2023-01-03', '2023-01-03')).toEqual(rejected('calendar-days-disordered'));
  });
});
