// Goal: no receiver and no set of slow ones keeps the others from being sent to, and every slot comes back. Method: takers in virtual time.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { FairSlots } from './fair-slots.ts';

const never = new AbortController().signal;

beforeEach(() => { jest.useFakeTimers(); });
afterEach(() => { jest.useRealTimers(); });

/** One attempt, and what it meets: when it began and ended, ms from now on. */
const attempt = async (slots: FairSlots, receiver: string, takesMs: number): Promise<{ readonly began: number; readonly ended: number }> => {
  const asked = performance.now();
  const give = await slots.take(receiver, never);
  const began = performance.now() - asked;
  await new Promise((resolve) => { setTimeout(resolve, takesMs); });
  give();
  return { began, ended: performance.now() - asked };
};

const passed = async (ms: number): Promise<void> => { await jest.advanceTimersByTimeAsync(ms); };

describe('slots', () => {
  it('leave half to the others, however many a receiver wants', async () => {
    const slots = new FairSlots(4);
    const slow = Array.from({ length: 10 }, () => attempt(slots, 'slow', 20_000));
    const prompt = attempt(slots, 'prompt', 10);
    await passed(10);
    expect(await prompt).toEqual({ began: 0, ended: 10 });
    await passed(200_000);
    expect((await Promise.all(slow)).map(({ began }) => began / 20_000)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('leave half to those who answer promptly, however many are slow', async () => {
    const slots = new FairSlots(4);
    // Learnt from an attempt at each.
    const learnt = ['a', 'b', 'c', 'd'].map((receiver) => attempt(slots, receiver, 2_000));
    await passed(2_000);
    await Promise.all(learnt);
    const slow = ['a', 'b', 'c', 'd'].map((receiver) => attempt(slots, receiver, 20_000));
    const prompt = attempt(slots, 'prompt', 10);
    await passed(10);
    expect(await prompt).toEqual({ began: 0, ended: 10 });
    await passed(40_000);
    await Promise.all(slow);
  });

  it('take a receiver for prompt again that was', async () => {
    const slots = new FairSlots(2);
    for (const takesMs of [5_000, 1, 1]) {
      const made = attempt(slots, 'a', takesMs);
      await passed(takesMs);
      await made;
    }
    const others = attempt(slots, 'b', 20_000);
    const again = attempt(slots, 'a', 1);
    await passed(1);
    expect((await again).began).toBe(0);
    await passed(20_000);
    await others;
  });

  it('go around among receivers, however many wait for one of them', async () => {
    const slots = new FairSlots(1);
    const order: string[] = [];
    const all = ['a', 'a', 'a', 'b', 'b', 'c'].map((receiver) => attempt(slots, receiver, 10).then(() => { order.push(receiver); }));
    await passed(100);
    await Promise.all(all);
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('go to no one who has stopped waiting', async () => {
    const slots = new FairSlots(1);
    const stop = new AbortController();
    const first = attempt(slots, 'a', 10);
    const given = slots.take('b', stop.signal);
    const third = attempt(slots, 'c', 10);
    stop.abort(new Error('stopped'));
    await expect(given).rejects.toThrow('stopped');
    await passed(20);
    expect([(await first).began, (await third).began]).toEqual([0, 10]);
  });

  it('are never more than there are, and all come back', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(fc.record({ receiver: fc.constantFrom('a', 'b', 'c'), takesMs: fc.constantFrom(1, 100, 3_000) }), { maxLength: 30 }), async (count, wanted) => {
      const slots = new FairSlots(count);
      let [underWay, most] = [0, 0];
      const all = wanted.map(async ({ receiver, takesMs }) => {
        const give = await slots.take(receiver, never);
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => { setTimeout(resolve, takesMs); });
        underWay -= 1;
        give();
      });
      await passed(100_000);
      await Promise.all(all);
      expect(most).toBeLessThanOrEqual(count);
    }), { numRuns: 50 });
  });
});
