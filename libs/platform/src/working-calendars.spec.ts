import { describe, expect, it } from '@jest/globals';
import { knownCalendarYears } from './working-calendars.ts';

// Goal: the calendars that the first start stores are whole and right. Method: years and days that the State Council published.
describe('the known calendar years', () => {
  const years = knownCalendarYears();
  const workingDays = (year: number): readonly string[] => years.find((known) => known.year === year)?.workingDays ?? [];

  it('run from 2004 without a gap and hold the years of the sample reports', () => {
    expect(years.map(({ year }) => year)).toEqual(Array.from({ length: years.length }, (_, n) => 2004 + n));
    expect(years.map(({ year }) => year)).toEqual(expect.arrayContaining([2020, 2021, 2022, 2023, 2024, 2025]));
  });

  it('have a plausible number of working days, in order', () => {
    for (const { workingDays: days } of years) {
      expect(days.length).toBeGreaterThan(243);
      expect(days.length).toBeLessThan(256);
      expect([...days].sort()).toEqual([...days]);
    }
  });

  it('know the holidays and the weekends worked instead', () => {
    expect(workingDays(2022)).not.toContain('2022-10-05');
    expect(workingDays(2022)).toContain('2022-10-08');
    expect(workingDays(2022)).toContain('2022-10-09');
    expect(workingDays(2025)).toContain('2025-09-28');
    expect(workingDays(2025)).not.toContain('2025-10-08');
  });
});
