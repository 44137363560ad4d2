// Goal: the checker of histories says yes to every history that has an explanation, and no to every other one. Method: a brute-force search as the oracle over random small
// histories, sound and spoilt; planted violations, each of which must be found at its place; long histories with many operations that were never answered.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findViolation, type Operation } from './linearisability.ts';
import { soundHistory, spoilt } from './random-histories.ts';
import { streamRegister, type StreamAppend } from './stream-register.ts';

type Append = Operation<StreamAppend>;

/** By the definition: some order of all answered and of any of the other operations that keeps the order of time and that the register explains. */
const isExplained = (history: readonly Append[], version: number): boolean => {
  if (history.every(({ returned }) => returned === null)) return true;
  return history.some((operation, index) => {
    const others = history.filter((_, other) => other !== index);
    if (others.some(({ returned }) => returned !== null && returned < operation.called)) return false;
    const next = streamRegister.step(version, operation.what);
    return next !== null && isExplained(others, next);
  });
};

const written = (called: number, returned: number, expects: number | null, version: number): Append => ({ called, returned, what: { expects, answer: { written: version } } });
const refused = (called: number, returned: number, expects: number, refusedAt: number): Append => ({ called, returned, what: { expects, answer: { refusedAt } } });
const unanswered = (called: number, expects: number | null): Append => ({ called, returned: null, what: { expects, answer: null } });
const violation = (...history: readonly Append[]) => findViolation(history, 0, streamRegister);

describe('the checker', () => {
  it('agrees with the definition on small histories, sound and spoilt', () => {
    let found = 0;
    fc.assert(fc.property(fc.integer(), fc.boolean(), (seed, isSpoilt) => {
      const sound = soundHistory({ seed, operations: 6, clients: 3 });
      const history = isSpoilt ? spoilt(sound, seed) : sound;
      const isSound = findViolation(history, 0, streamRegister) === null;
      expect(isSound).toBe(isExplained(history, 0));
      if (!isSpoilt) expect(isSound).toBe(true);
      if (!isSound) found += 1;
    }), { numRuns: 400 });
    expect(found).toBeGreaterThan(20);
  });

  it('goes through a long history in which every fourth operation was never answered', () => {
    const history = soundHistory({ seed: 7, operations: 600, clients: 8 });
    expect(history.filter(({ returned }) => returned === null).length).toBeGreaterThan(100);
    expect(findViolation(history, 0, streamRegister)).toBeNull();
  });

  it.each([
    ['an acknowledged append that is gone', [written(0, 1, 0, 1), written(2, 3, 0, 1)], 1],
    ['an append that was carried out twice', [written(0, 1, null, 1), written(2, 3, null, 3)], 1],
    ['the same version given to two', [written(0, 9, null, 1), written(1, 8, null, 1)], 1],
    ['a stale refusal after the answer of a newer one', [written(0, 1, 0, 1), written(2, 3, 1, 2), refused(4, 5, 0, 1)], 2],
    ['an append that was carried out before it was called', [written(4, 5, null, 1), written(0, 1, null, 2)], 1],
    ['a conditional append at another version', [written(0, 1, null, 1), written(2, 3, null, 2), written(4, 5, 1, 3)], 2],
    ['a refusal that names the version that was expected', [refused(0, 1, 0, 0)], 0],
    ['an unanswered append that explains two', [unanswered(0, 0), written(1, 2, null, 2), written(3, 4, null, 4)], 2],
    ['an unanswered append that took effect before its call', [written(0, 1, null, 2), unanswered(2, null)], 0],
    ['an unanswered append under a condition that no longer holds', [written(0, 1, null, 1), unanswered(2, 0), written(3, 4, null, 3)], 2],
  ] as const)('finds %s', (_, history, at) => {
    expect(violation(...history)?.operation).toEqual(history[at]);
  });

  it('lets an unanswered append take effect late, or never, and answers come in another order than effects', () => {
    expect(violation(unanswered(0, null), written(1, 2, null, 1), written(3, 4, null, 3))).toBeNull();
    expect(violation(unanswered(0, null), written(1, 2, null, 1), written(3, 4, null, 2))).toBeNull();
    expect(violation(written(0, 9, null, 2), written(1, 8, null, 1), refused(2, 7, 5, 1))).toBeNull();
  });
});
