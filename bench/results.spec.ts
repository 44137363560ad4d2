import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Turns, type Task } from './contestants/contestant.ts';
import { ratioTo, summary, type FigureRow, type LatencyRow, type RateRow } from './results.ts';
import { latenciesOf, quantile, Samples, spreadOf } from './statistics.ts';
import { tableLines } from './tables.ts';

/**
 * Goal: the figures of the bench say what was measured, and its writers never meet where they must not.
 * Method: results made by hand; statistics against their definitions; nothing here is timed.
 */
const runsOf = (...rates: readonly number[]) => rates.map((rate) => ({ rate, p50Ms: 1, p99Ms: 2, calls: 1 }));

const row = (subject: readonly number[], peer: readonly number[], toReach: number | null, roundsOfRatio = subject.length): RateRow => ({
  kind: 'rate', unit: 'events/s', key: 'k', title: 'a row', callers: 1, processes: 1, payload: 'real', meanBytes: 850, measureMs: 1, roundsOfRatio, counts: [],
  subject: { label: 'store', contestant: 'store', connections: 1, runs: runsOf(...subject) }, peers: [{ label: 'peer', contestant: 'raw', connections: 1, runs: runsOf(...peer), toReach }],
});
const ratioOf = (result: RateRow) => ratioTo(result, result.peers[0]!);

describe('a ratio', () => {
  it('is the median of the ratios within a round, not the ratio of medians', () => {
    expect(ratioOf(row([10, 100, 300], [10, 50, 100], null))).toEqual({ median: 2, min: 1, max: 3, toReach: null, met: null });
  });

  it('beside a snapshot is that of the last rounds', () => {
    expect(ratioOf(row([10, 10, 5], [10, 10, 10], 0.8, 1))).toMatchObject({ median: 0.5, met: false });
  });

  it('is met where it reaches what is asked for, and said to be missed below', () => {
    expect(ratioOf(row([8], [10], 0.8)).met).toBe(true);
    expect(ratioOf(row([7.9], [10], 0.8)).met).toBe(false);
    const rows = [row([8], [10], 0.8), row([7], [10], 0.8), row([1], [10], null)];
    expect(summary(rows)).toBe('1 of 2 aims are met.\nNot met: a row: 0.70 × peer, to reach 0.8 ×');
    expect(tableLines(rows[1]!).at(-1)?.at(-1)).toBe('≥ 0.8 × NOT MET');
  });
});

describe('latencies and figures', () => {
  const latencies = (p99Ms: number, growths: LatencyRow['lines'][number]['growths']): LatencyRow => ({
    kind: 'latency', key: 'k', title: 'a read', lines: [{ label: 'all', ...latenciesOf([1, 2, 3]), p99Ms, slowest: [], p99MsAtMost: 15, growths }],
  });
  const figures: FigureRow = {
    kind: 'figures', key: 'k', title: 'a replay', raw: null,
    figures: [{ label: 'memory', value: 300, unit: 'MiB', aim: { atMost: 256 } }, { label: 'ratio', value: 0.5, unit: '×', aim: { atLeast: 0.5 } }, { label: 'rows', value: 7, unit: '', aim: null }],
  };

  it('are each held against their own aims, and none of those without', () => {
    const growth = { over: '1 M', p50: 1, p99: 1.3, p99AtMost: 1.25 };
    expect(summary([latencies(14, [growth, { ...growth, p99AtMost: null }]), latencies(15.1, []), figures])).toBe([
      '2 of 5 aims are met.', 'Not met: a read, all: p99 1.30 × that at 1 M, at most 1.25 ×', 'Not met: a read, all: p99 15 ms, at most 15 ms', 'Not met: a replay, memory: 300 MiB, at most 256',
    ].join('\n'));
    expect(tableLines(figures).map((cells) => cells.at(-1))).toEqual(['at most 256 NOT MET', 'at least 0.5 met', '']);
    expect(tableLines(latencies(14, [growth]))[0]?.at(-1)).toBe('p99 ≤ 15 ms met, ≤ 1.25 × NOT MET');
  });
});

describe('statistics', () => {
  it('of latencies are those of all samples, in whatever order', () => {
    const samples = Array.from({ length: 200 }, (_, i) => ((i * 77) % 200) + 1);
    expect(latenciesOf(samples)).toMatchObject({ calls: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 });
    expect(latenciesOf(samples).distributionMs).toEqual([1, ...Array.from({ length: 20 }, (_, i) => (i + 1) * 10)]);
  });

  it('take the mean of the two middle values where their number is even', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf([3])).toEqual({ median: 3, min: 3, max: 3 });
    expect(() => spreadOf([])).toThrow(RangeError);
  });

  it('give quantiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([50, 99, 100]);
  });

  it('keep every sample', () => {
    const samples = new Samples();
    for (let i = 0; i < 40_000; i++) samples.add(i);
    expect(samples.taken()).toHaveLength(40_000);
    expect(samples.taken().at(-1)).toBe(39_999);
  });
});

describe('turns', () => {
  const versionBefore = 3;
  const streams = Array.from({ length: 12 }, (_, n) => ({ id: `issue-${n}`, version: versionBefore }));
  const task = (callers: number, processIndex: number, processes: number, appendEvents: number): Task =>
    ({ contestant: 'store', url: '', payload: 'small', callers, connections: callers, processIndex, processes, streams, appendEvents });

  it('give each stream to one caller alone, and its true version', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.constantFrom(1, 25), (callers, processes, appendEvents) => {
      const owners = new Map<number, string>();
      const versions = new Map<number, number>();
      for (let processIndex = 0; processIndex < processes; processIndex++) {
        const turns = new Turns(task(callers, processIndex, processes, appendEvents));
        for (let call = 0; call < callers * 30; call++) {
          const caller = call % callers;
          let events = 0;
          for (const turn of turns.of(caller)) {
            expect(owners.get(turn.stream) ?? `${processIndex}/${caller}`).toBe(`${processIndex}/${caller}`);
            owners.set(turn.stream, `${processIndex}/${caller}`);
            expect(turn.version).toBe(versions.get(turn.stream) ?? versionBefore);
            versions.set(turn.stream, (turn.version ?? 0) + turn.events);
            events += turn.events;
          }
          expect(events).toBe(appendEvents);
        }
      }
      expect(owners.size).toBe(12);
    }), { numRuns: 20 });
  });
});
