// Goal: however many read at whatever pace, each reader that begins in time has every value in order, each is made once, and no more are kept than the distance allowed.
// Method: random readers over a counting source; ends, errors and aborts.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SharedValues } from './shared-values.ts';

const never = new AbortController().signal;

/** Counts what it was asked for, and whether it was ended. */
const counting = (last: number): { readonly source: AsyncGenerator<number, void, void>; readonly state: { made: number; ended: boolean } } => {
  const state = { made: 0, ended: false };
  const source = async function* (): AsyncGenerator<number, void, void> {
    try {
      for (let n = 1; n <= last; n += 1) {
        state.made = n;
        yield await Promise.resolve(n);
      }
    } finally {
      state.ended = true;
    }
  };
  return { source: source(), state };
};

const read = async (shared: SharedValues<number>, pauses: number, count: number, seen: (n: number) => void = () => undefined): Promise<readonly number[]> => {
  const values: number[] = [];
  if (count === 0) return values;
  for await (const value of shared.values(never)) {
    values.push(value);
    seen(value);
    for (let n = 0; n < pauses; n += 1) await setImmediate();
    if (values.length === count) break;
  }
  return values;
};

describe('shared values', () => {
  it('are each made once, and come to every reader in order, none of them far ahead of another', async () => {
    const reader = fc.record({ pauses: fc.integer({ min: 0, max: 3 }), count: fc.integer({ min: 1, max: 25 }) });
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 20 }), fc.array(reader, { minLength: 1, maxLength: 4 }), async (last, readers) => {
      const { source, state } = counting(last);
      const shared = new SharedValues(source);
      const at = new Map(readers.map((_, index) => [index, 0]));
      const all = await Promise.all(readers.map(async ({ pauses, count }, index) => {
        const values = await read(shared, pauses, count, (n) => {
          at.set(index, n);
          expect(n - Math.min(...at.values())).toBeLessThanOrEqual(3);
        });
        at.delete(index);
        return values;
      }));
      all.forEach((values, index) => { expect(values).toEqual(Array.from({ length: Math.min(last, readers[index]!.count) }, (_, n) => n + 1)); });
      expect(state).toEqual({ made: Math.min(last, Math.max(...readers.map(({ count }) => count))), ended: true });
      expect(shared.isUnused).toBe(true);
    }), { numRuns: 100 });
  });

  it('have their beginning for whoever comes before it has gone, and say so', async () => {
    for (const had of [1, 2, 3, 4, 5]) {
      const { source, state } = counting(9);
      const shared = new SharedValues(source);
      const first = shared.values(never);
      for (let n = 0; n < had; n += 1) await first.next();
      expect(shared.hasBeginning).toBe(had <= 3);
      expect((await shared.values(never).next()).value).toBe(had <= 3 ? 1 : had + 1);
      expect(state.made).toBe(Math.max(had, had <= 3 ? 1 : had + 1));
    }
  });

  it('end for each with the error of the source, and for one alone with its signal, also while it waits for another', async () => {
    const failing = async function* (): AsyncGenerator<number, void, void> { yield await Promise.resolve(1); throw new Error('the source'); };
    const shared = new SharedValues(failing());
    const both = await Promise.allSettled([read(shared, 0, 9), read(shared, 2, 9)]);
    expect(both.map((one) => (one.status === 'rejected' ? (one.reason as Error).message : null))).toEqual(['the source', 'the source']);

    const { source } = counting(9);
    const other = new SharedValues(source);
    const slow = other.values(never);
    await slow.next();
    const stop = new AbortController();
    const ahead = other.values(stop.signal);
    for (let n = 0; n < 4; n += 1) await ahead.next();
    const waiting = ahead.next();
    await setImmediate();
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    const rest: number[] = [];
    for await (const value of slow) rest.push(value);
    expect(rest).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
