import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fuzzyDate, onDay, periodOf, undatedBetween } from './fuzzy-date.ts';
import { addDays, day, dayOfNumber, isDay } from './time.ts';

// Goal: a printed date means exactly the days that rules.md section 1 says.
// Method: each form of the grammar by hand, and properties over random days.
describe('periodOf', () => {
  it.each([
    ['2022-02-28', 'day', '2022-02-28', '2022-02-28'],
    ['2022-02', 'month', '2022-02-01', '2022-02-28'],
    ['2024-02', 'month', '2024-02-01', '2024-02-29'],
    ['2022-02-E', 'tenDays', '2022-02-01', '2022-02-10'],
    ['2022-02-M', 'tenDays', '2022-02-11', '2022-02-20'],
    ['2022-02-L', 'tenDays', '2022-02-21', '2022-02-28'],
    ['2022-02-H1', 'halfMonth', '2022-02-01', '2022-02-15'],
    ['2022-02-H2', 'halfMonth', '2022-02-16', '2022-02-28'],
    ['2025-Q2', 'quarter', '2025-04-01', '2025-06-30'],
    ['2025-H2', 'halfYear', '2025-07-01', '2025-12-31'],
    ['2025', 'year', '2025-01-01', '2025-12-31'],
    ['2022-01..2022-03', 'range', '2022-01-01', '2022-03-31'],
    ['2025-Q1..2025-Q2', 'range', '2025-01-01', '2025-06-30'],
  ])('%s is a %s from %s to %s', (value, precision, first, last) => {
    expect(periodOf(value)).toEqual({ precision, first, last });
  });

  it.each(['', '2022-13', '2022-00', '2022-02-30', '2023-02-29', '2022-Q5', '2022-H3', '22-01', '2022-1', '2022-02-X', '2022-03..2022-01', '2022..2023..2024', '0000', '2022-02-01T00:00:00Z'])('refuses %j', (value) => {
    expect(periodOf(value)).toBeNull();
  });

  it('never ends before it begins, and lies within real days', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9999 }), fc.constantFrom('', '-Q1', '-Q4', '-H1', '-H2', '-02', '-12', '-02-E', '-02-L', '-02-H2'), (year, suffix) => {
      const period = periodOf(String(year).padStart(4, '0') + suffix);
      expect(period).not.toBeNull();
      expect(isDay(period!.first) && isDay(period!.last) && period!.first <= period!.last).toBe(true);
    }));
  });
});

describe('fuzzyDate', () => {
  it('"6月底前" reaches to 30 June and keeps what was printed', () => {
    expect(fuzzyDate({ value: '2022-06', printed: '6月底前', edge: 'byEndOf', commitment: 'planned', yearInferred: true })).toEqual({
      printed: '6月底前', precision: 'month', edge: 'byEndOf', first: '2022-06-01', last: '2022-06-30', commitment: 'planned', inferred: ['year'],
    });
  });

  it('"since X" takes effect on the last day of X', () => {
    expect(fuzzyDate({ value: '2022-H2', printed: '2022年下半年以来', edge: 'since' })).toMatchObject({ first: '2022-12-31', last: '2022-12-31' });
  });

  it('gives null for what is no date', () => { expect(fuzzyDate({ value: '2022-02-30' })).toBeNull(); });
});

describe('undated and exact facts', () => {
  it('an undated fact lies between the feedback and the as-of date', () => {
    expect(undatedBetween(day('2021-12-28'), day('2022-04-29'))).toMatchObject({ first: '2021-12-28', last: '2022-04-29', precision: 'undated', inferred: ['date'] });
  });

  it('refuses an end before the beginning', () => { expect(() => undatedBetween(day('2022-01-02'), day('2022-01-01'))).toThrow(RangeError); });

  it('a day is itself', () => {
    fc.assert(fc.property(fc.integer({ min: -200_000, max: 200_000 }), (n) => {
      const d = dayOfNumber(n);
      expect(onDay(d)).toMatchObject({ first: d, last: d });
      expect(addDays(addDays(d, 40), -40)).toBe(d);
    }));
  });
});
