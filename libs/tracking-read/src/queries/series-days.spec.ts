// Goal: a series has its first and last day and the end of every step between, each once. Method: properties over random ranges, examples at the ends of weeks, months and of time.
import { addDays, day, daysBetween, weekday, type Day } from '@rectrail/kernel';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seriesSteps, type SeriesStep } from './requests.ts';
import { seriesDays } from './series-days.ts';

const anyDay = fc.integer({ min: 0, max: 20_000 }).map((n) => addDays(day('1990-01-01'), n));
const isEnd: Readonly<Record<SeriesStep, (d: Day) => boolean>> = { day: () => true, week: (d) => weekday(d) === 0, month: (d) => addDays(d, 1).endsWith('-01') };

describe('the points of a series', () => {
  it('are the first day, every end of a step between, and the last day', () => {
    fc.assert(fc.property(anyDay, fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(...seriesSteps), (from, length, every) => {
      const to = addDays(from, length);
      const wanted = Array.from({ length: length + 1 }, (_, n) => addDays(from, n)).filter((d) => d === from || d === to || isEnd[every](d));
      expect(seriesDays(from, to, every)).toEqual(wanted);
    }));
  });

  it.each([
    ['2022-01-01', '2022-01-01', 'day', ['2022-01-01']],
    ['2022-01-31', '2022-03-01', 'month', ['2022-01-31', '2022-02-28', '2022-03-01']],
    ['2024-02-25', '2024-03-04', 'week', ['2024-02-25', '2024-03-03', '2024-03-04']],
    ['9999-12-27', '9999-12-31', 'week', ['9999-12-27', '9999-12-31']],
    ['9999-11-30', '9999-12-31', 'month', ['9999-11-30', '9999-12-31']],
  ] as const)('from %s to %s by %s', (from, to, every, days) => {
    expect(seriesDays(day(from), day(to), every)).toEqual(days);
  });

  it('are refused where the range runs backwards or is too long', () => {
    expect(() => seriesDays(day('2022-01-02'), day('2022-01-01'), 'day')).toThrow(expect.objectContaining({ code: 'range-invalid' }));
    expect(() => seriesDays(day('0001-01-01'), day('9999-12-31'), 'month')).toThrow(expect.objectContaining({ code: 'range-invalid' }));
    const ten = seriesDays(day('2015-01-01'), addDays(day('2015-01-01'), 3_999), 'day');
    expect([ten.length, daysBetween(ten[0], ten.at(-1)!)]).toEqual([4_000, 3_999]);
  });
});
