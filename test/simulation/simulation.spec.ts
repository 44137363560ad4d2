// Goal: whatever fails, comes late or twice, is killed or stopped, nothing acknowledged is lost, nothing is there twice, and followers equal the log. Method: the runner, the
// memory store, the subscription, the leadership and the relay as they are, in virtual time under a seed; invariants after every step; six planted bugs that
// must be found. RECTRAIL_TEST_SEED=n replays one seed, RECTRAIL_TEST_SEEDS=n runs so many (200).
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Bug } from './bugs.ts';
import type { Met, Run } from './simulation.ts';
import { installVirtualTimers, virtualSleep } from './virtual-time.ts';

const timers = await import('node:timers/promises');
jest.unstable_mockModule('node:timers/promises', () => ({ ...timers, setTimeout: virtualSleep }));
const { simulate } = await import('./simulation.ts');

const only = process.env['RECTRAIL_TEST_SEED'];
const ordinarySeeds = 200;
const seeds = only === undefined ? Array.from({ length: Number(process.env['RECTRAIL_TEST_SEEDS'] ?? ordinarySeeds) }, (_, n) => n + 1) : [Number(only)];
const perSeedMs = 200;

/** Each by the invariant that it breaks. */
const findings: Readonly<Record<Bug, RegExp>> = {
  'version check skipped': /rests on \d+, the stream stands at/,
  'acknowledged before commit': /was acknowledged at \d+ and is at/,
  'checkpoint before rows': /^the rows at checkpoint/,
  'follower skips on restart': /^the rows at checkpoint/,
  'event doubled on unknown outcome': /is there twice/,
  'stale leader writes': /^the holder of term \d+ moved the checkpoint to \d+ in term/,
};

const told = ({ seed, violation, lines }: Run): string => `seed ${seed}: ${violation ?? 'nothing'}\n${lines.join('\n')}\nreplay: RECTRAIL_TEST_SEED=${seed}`;

describe('the simulation', () => {
  let removeTimers: () => void;
  beforeAll(() => { removeTimers = installVirtualTimers(); });
  afterAll(() => { removeTimers(); });

  it('finds nothing in what is delivered, and met what it is for', async () => {
    const sums: Partial<Met> = {};
    for (const seed of seeds) {
      const run = await simulate(seed);
      if (run.violation !== null) throw new Error(told(run));
      for (const [name, count] of Object.entries(run.met) as [keyof Met, number][]) sums[name] = (sums[name] ?? 0) + count;
    }
    if (only === undefined) expect(Object.entries(sums).filter(([, count]) => count < seeds.length / 4)).toEqual([]);
  }, 30_000 + seeds.length * perSeedMs);

  it('runs the same for the same seed', async () => {
    const [first, second] = [await simulate(seeds[0]!), await simulate(seeds[0]!)];
    expect(second).toEqual(first);
  });

  it.each(Object.entries(findings) as [Bug, RegExp][])('finds the planted bug: %s', async (bug, finding) => {
    let violation: string | null = null;
    for (let seed = 1; seed <= ordinarySeeds && violation === null; seed++) ({ violation } = await simulate(seed, bug));
    expect(violation).toMatch(finding);
  }, 30_000);
});
