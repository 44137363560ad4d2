// Goal: the work of a day is done once, from its first instant in the zone on, whatever the clock does. Method: a clock that is put; days of 23, 24 and 25 hours.
import { describe, expect, it } from '@jest/globals';
import { instant, type Day } from '@rectrail/kernel';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { eachDay, msToNextDay } from './daily.ts';

const hourMs = 3_600_000;

describe('the time to midnight', () => {
  it.each([
    ['Asia/Shanghai', '2026-06-10T15:59:59.000Z', 1_000], ['Asia/Shanghai', '2026-06-10T16:00:00.000Z', 24 * hourMs],
    ['America/New_York', '2026-03-08T05:00:00.000Z', 23 * hourMs], ['America/New_York', '2026-11-01T04:00:00.000Z', 25 * hourMs],
  ])('in %s at %s', (zone, now, ms) => {
    expect(msToNextDay(zone, instant(now))).toBe(ms);
  });
});

describe('the work of each day', () => {
  const running = (from: string) => {
    const clock = { at: instant(from) };
    const stop = new AbortController();
    const days: Day[] = [];
    const ended = eachDay({ now: () => Promise.resolve(clock.at), zone: 'Asia/Shanghai' }, stop.signal, (day) => { days.push(day); return Promise.resolve(); }, 1);
    const until = async (text: string, count: number): Promise<readonly Day[]> => {
      clock.at = instant(text);
      while (days.length < count) await turn();
      // Long enough to look at the clock again.
      await sleep(10);
      return days;
    };
    return { until, close: () => { stop.abort(); return ended; } };
  };

  it('is done at the start, at each midnight, and once for days that were slept through', async () => {
    const { until, close } = running('2026-06-10T15:00:00.000Z');
    expect(await until('2026-06-10T15:59:59.999Z', 1)).toEqual(['2026-06-10']);
    expect(await until('2026-06-10T16:00:00.000Z', 2)).toEqual(['2026-06-10', '2026-06-11']);
    expect(await until('2026-07-01T00:00:00.000Z', 3)).toEqual(['2026-06-10', '2026-06-11', '2026-07-01']);
    await close();
  });

  it('is not done by a clock that is known to be wrong', async () => {
    const days: Day[] = [];
    const wrong = new Error('clock-jumped');
    await expect(eachDay({ now: () => Promise.reject(wrong), zone: 'Asia/Shanghai' }, new AbortController().signal, (day) => { days.push(day); return Promise.resolve(); }, 1)).rejects.toBe(wrong);
    expect(days).toEqual([]);
  });

  it('is not done again where the clock is put back', async () => {
    const { until, close } = running('2026-06-10T15:00:00.000Z');
    await until('2026-06-10T16:00:00.000Z', 2);
    expect(await until('2026-06-09T16:00:00.000Z', 2)).toEqual(['2026-06-10', '2026-06-11']);
    expect(await until('2026-06-10T17:00:00.000Z', 2)).toHaveLength(2);
    await close();
  });
});
