import { randomOf } from '@rectrail/tracking-domain/testing';
import type { Operation } from './linearisability.ts';
import type { StreamAppend } from './stream-register.ts';

export interface HistoryOptions { readonly seed: number; readonly operations: number; readonly clients: number }

/**
 * What clients saw of a stream that is as it should be: each append takes effect at one instant between call and answer; every fourth is never answered, and half of those are
 * carried out.
 */
export const soundHistory = ({ seed, operations, clients }: HistoryOptions): readonly Operation<StreamAppend>[] => {
  const random = randomOf(seed);
  const freeAt = Array.from({ length: clients }, () => 0);
  const planned = Array.from({ length: operations }, () => {
    const client = random.int(0, clients - 1);
    const called = freeAt[client]! + random.int(0, 20);
    const returned = called + random.int(31, 60);
    const isHeard = random.chance(0.75);
    freeAt[client] = returned;
    // One that is not heard of may take effect long after its client has left.
    return { called, effective: called + random.int(1, isHeard ? 30 : 300), returned, isHeard, arrives: isHeard || random.chance(0.5) };
  });
  let version = 0;
  return planned.toSorted((a, b) => a.effective - b.effective).map(({ called, returned, isHeard, arrives }): Operation<StreamAppend> => {
    const expects = random.chance(0.3) ? null : Math.max(0, version - random.int(0, 1));
    const isWritten = expects === null || expects === version;
    if (arrives && isWritten) version += 1;
    if (!isHeard) return { called, returned: null, what: { expects, answer: null } };
    return { called, returned, what: { expects, answer: isWritten ? { written: version } : { refusedAt: version } } };
  }).toSorted((a, b) => a.called - b.called);
};

/** One of its answers changed by one, or its times shifted. It may still have an explanation. */
export const spoilt = (history: readonly Operation<StreamAppend>[], seed: number): readonly Operation<StreamAppend>[] => {
  const random = randomOf(seed);
  const answered = history.flatMap(({ returned }, index) => (returned === null ? [] : [index]));
  if (answered.length === 0) return history;
  const at = random.pick(answered);
  const { called, returned, what } = history[at]!;
  const by = random.pick([-1, 1]);
  const shift = random.pick([-100, 100]);
  const { answer } = what;
  const changed = random.pick<Operation<StreamAppend>>([
    { called, returned, what: { ...what, answer: answer === null ? null : 'written' in answer ? { written: answer.written + by } : { refusedAt: answer.refusedAt + by } } },
    { called: called + shift, returned: returned! + shift, what },
  ]);
  return history.with(at, changed);
};
