// Goal: whatever holds at a cut lies where the cut reaches, and little else does.
// Method: random boxes and cuts, near one another and far away, bounded and not.
import { describe, expect, it } from '@jest/globals';
import { addDays, instantOfMs, msOfInstant, position, type Cut, type Day, type Instant } from '@rectrail/kernel';
import fc from 'fast-check';
import { stillStands } from '../database/rows.ts';
import type { DayBound, InstantBound } from '../timeline/standing.ts';
import { laneOf, reachesAt, reachesAtOnce } from './lanes.ts';

const middle = '2020-02-28' as Day;
const noon = msOfInstant('2020-02-28T12:00:00.000Z' as Instant);
const dayMs = 86_400_000;

/** Lengths of all orders. */
const length = fc.integer({ min: 0, max: 14 }).chain((bits) => fc.integer({ min: 2 ** bits, max: 2 ** (bits + 1) }));
const dayRange = fc.tuple(fc.integer({ min: -9_000, max: 200 }), length, fc.constantFrom('both', 'from', 'to', 'none'))
  .map(([from, long, ends]): readonly [DayBound, DayBound] => [
    ends === 'to' || ends === 'none' ? '-infinity' : addDays(middle, from), ends === 'from' || ends === 'none' ? 'infinity' : addDays(middle, from + long),
  ]);
const instantRange = fc.tuple(fc.integer({ min: -9_000, max: 200 }), length, fc.integer({ min: -dayMs / 2, max: dayMs / 2 }), fc.integer({ min: -dayMs + 1, max: 0 }), fc.boolean())
  .map(([from, long, offset, shorter, isOpen]): readonly [InstantBound, InstantBound] => {
    const begin = noon + from * dayMs + offset;
    return [instantOfMs(begin), isOpen ? 'infinity' : instantOfMs(begin + long * dayMs + shorter)];
  });
const positionRange = fc.tuple(fc.integer({ min: 1, max: 40_000_000 }), length, fc.integer({ min: 1, max: 5_000 }), fc.boolean())
  .map(([from, long, unit, isOpen]): readonly [number, number] => [from, isOpen ? stillStands : from + long * unit]);
const box = fc.record({ valid: dayRange, known: instantRange, positions: positionRange });
const cut: fc.Arbitrary<Cut> = fc.record({
  validAt: fc.integer({ min: -300, max: 300 }).map((days) => addDays(middle, days)),
  knownAt: fc.integer({ min: -300, max: 300 }).chain((days) => fc.integer({ min: 0, max: dayMs }).map((ms) => instantOfMs(noon + days * dayMs + ms))),
  atPosition: fc.integer({ min: 1, max: 50_000_000 }).map(position),
});

const laneOfBox = ({ valid, known, positions }: { valid: readonly [DayBound, DayBound]; known: readonly [InstantBound, InstantBound]; positions: readonly [number, number] }) =>
  laneOf({ validFrom: valid[0], validTo: valid[1], knownFrom: known[0], knownTo: known[1] }, ...positions);
const isReached = (at: Cut, { lane, start }: { readonly lane: number; readonly start: number }): boolean =>
  reachesAt(at).some((reach) => reach.lane === lane && reach.from <= start && start <= reach.to);

describe('lanes', () => {
  it('reach all that holds at a cut', () => {
    let holding = 0;
    fc.assert(fc.property(box, cut, (one, at) => {
      const holds = one.valid[0] <= at.validAt && at.validAt < one.valid[1] && one.known[0] <= at.knownAt && at.knownAt < one.known[1]
        && one.positions[0] <= at.atPosition && at.atPosition < one.positions[1];
      holding += holds ? 1 : 0;
      return !holds || isReached(at, laneOfBox(one));
    }), { numRuns: 40_000 });
    expect(holding).toBeGreaterThan(400);
  });

  it('reach the first and the last day, instant and position of a box, and neither side of it by more than its length', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), (days) => {
      const valid = [middle, addDays(middle, days)] as const;
      const lane = laneOfBox({ valid, known: [instantOfMs(noon), 'infinity'], positions: [1, stillStands] });
      const on = (day: Day): boolean => isReached({ validAt: day, knownAt: instantOfMs(noon), atPosition: position(1) }, lane);
      return on(middle) && on(addDays(middle, days - 1)) && !on(addDays(middle, -1)) && !on(addDays(middle, 2 * days));
    }));
  });

  it('are the same for every cut, and as many as they say', () => {
    fc.assert(fc.property(cut, (at) => reachesAt(at).length === reachesAtOnce && new Set(reachesAt(at).map(({ lane }) => lane)).size === reachesAtOnce));
  });
});
