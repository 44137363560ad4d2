import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays, day, dayIn, dayNumber, dayOfNumber, firstInstantOf, instant, instantOfMs, isDay, lastInstantOf, msOfInstant, weekday } from './time.ts';

// Goal: days and instants are the calendar's and the zone's. Method: known dates by hand, round trips as properties.
const zones = ['Asia/Shanghai', 'UTC', 'America/New_York', 'Asia/Urumqi', 'Australia/Lord_Howe'];

describe('days', () => {
  it.each(['2022-02-30', '2023-02-29', '2022-13-01', '2022-1-1', '0000-01-01', 'x', '2022-02-28 '])('%j is no day', (text) => {
    expect(isDay(text)).toBe(false);
    expect(() => day(text)).toThrow(RangeError);
  });

  it('2000-02-29 and 0001-01-01 are days', () => {
    expect(isDay('2000-02-29')).toBe(true);
    expect(isDay('0001-01-01')).toBe(true);
  });

  it('counts over month and year ends', () => {
    expect(addDays(day('2021-12-31'), 1)).toBe('2022-01-01');
    expect(dayNumber(day('1970-01-02'))).toBe(1);
    expect(dayOfNumber(-1)).toBe('1969-12-31');
  });

  it('knows the weekday: 2026-11-22 is a Sunday, 2022-04-29 a Friday', () => {
    expect(weekday(day('2026-11-22'))).toBe(0);
    expect(weekday(day('2022-04-29'))).toBe(5);
    expect(weekday(day('1969-12-31'))).toBe(3);
  });
});

describe('instants', () => {
  it('normalises to UTC milliseconds', () => { expect(instant('2022-04-29T00:00:00+08:00')).toBe('2022-04-28T16:00:00.000Z'); });

  it.each(['2022-04-29', '2022-04-29T00:00:00', '2022-02-30x', 'now', '2022-13-01T00:00:00Z'])('refuses %j', (text) => { expect(() => instant(text)).toThrow(RangeError); });

  it.each(['2022-02-30T00:00:00Z', '2022-02-28T24:00:00Z', '2022-02-28T23:60:00Z', '0000-12-31T00:00:00Z', '0001-01-01T00:00:00+08:00', '9999-12-31T23:59:59-05:00'])(
    'refuses %s, which is no time of the calendar or beyond it', (text) => { expect(() => instant(text)).toThrow(RangeError); });

  it('reach as far as the days do, so that they compare as strings', () => {
    for (const zone of zones) {
      for (const text of ['0001-01-01', '0001-01-02', '0050-06-01', '9999-12-30', '9999-12-31']) {
        const [first, last] = [firstInstantOf(zone, day(text)), lastInstantOf(zone, day(text))];
        expect([first, last].every((at) => /^\d{4}-/.test(at) && at >= '0001-01-01T00:00:00.000Z')).toBe(true);
        expect([dayIn(zone, last), first < last]).toEqual([text, true]);
      }
    }
  });

  it('a date as knownAt means its last instant in the zone', () => {
    expect(lastInstantOf('Asia/Shanghai', day('2022-04-28'))).toBe('2022-04-28T15:59:59.999Z');
    expect(firstInstantOf('Asia/Shanghai', day('2022-04-29'))).toBe('2022-04-28T16:00:00.000Z');
  });

  it('first and last instant of a day fall on it, and the next millisecond does not', () => {
    fc.assert(fc.property(fc.constantFrom(...zones), fc.integer({ min: 3650, max: 25_000 }), (zone, n) => {
      const d = dayOfNumber(n);
      expect(dayIn(zone, firstInstantOf(zone, d))).toBe(d);
      expect(dayIn(zone, lastInstantOf(zone, d))).toBe(d);
      expect(dayIn(zone, instantOfMs(msOfInstant(lastInstantOf(zone, d)) + 1))).toBe(addDays(d, 1));
      expect(dayIn(zone, instantOfMs(msOfInstant(firstInstantOf(zone, d)) - 1))).toBe(addDays(d, -1));
    }));
  });
});
