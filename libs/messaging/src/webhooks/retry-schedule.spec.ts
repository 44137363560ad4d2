// Goal: retries come as the specification's schedule says, never sooner than the receiver asked, and end after three days.
// Method: the schedule as a pure function; random draws and requests of receivers.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { delayAfter, retryAfterOf, standardSchedule } from './retry-schedule.ts';

const hour = 3_600_000;

describe('the schedule', () => {
  it('is that of Standard Webhooks: ten attempts, the last 75:35:05 after the first', () => {
    const delays = standardSchedule.delaysMs.map((_, at) => delayAfter(at + 1, null, standardSchedule, 0) ?? 0);
    expect(delays.map((ms) => ms / 1_000)).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(delays.reduce((sum, ms) => sum + ms, 0) / 1_000).toBe(75 * 3_600 + 35 * 60 + 5);
    expect(delayAfter(10, 1_000, standardSchedule, 0)).toBeNull();
  });

  it('spreads each wait over a tenth of it, and keeps what a receiver asks for up to a day', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.option(fc.nat({ max: 200 * hour })), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, asked, random) => {
      const planned = standardSchedule.delaysMs[failures - 1]!;
      const delay = delayAfter(failures, asked, standardSchedule, random)!;
      expect(delay).toBeGreaterThanOrEqual(Math.max(planned, Math.min(asked ?? 0, 24 * hour)));
      expect(delay).toBeLessThanOrEqual(Math.max(planned * 1.1 + 1, Math.min(asked ?? 0, 24 * hour)));
    }));
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);

  it('is seconds or a date of HTTP, and nothing else', () => {
    expect(retryAfterOf('120', now)).toBe(120_000);
    expect(retryAfterOf(new Date(now + 90_000).toUTCString(), now)).toBe(90_000);
    expect(retryAfterOf(new Date(now - 90_000).toUTCString(), now)).toBe(0);
    for (const header of [undefined, '', 'soon', '-5', '9'.repeat(30)]) expect(retryAfterOf(header, now) ?? 0).toBe(0);
  });
});
