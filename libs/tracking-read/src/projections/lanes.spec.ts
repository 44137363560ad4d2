// Goal: whatever holds at a cut lies where the cut reaches, and little else does.
// Method: random boxes and cuts, near one another and far away, bounded and not.
import { describe, expect, it } from '@jest/globals';
import { addDays, instantOfMs, msOfInstant, position, type Cut, type Day, type Instant, type Position } from '@rectrail/kernel';
import fc from 'fast-check';
import { stillStands } from '../database/rows.ts';
import type { DayBound, InstantBound } from '../timeline/standing.ts';
import { laneOf, reachesAt, reachesAtOnce, type Lane } from './lanes.ts';

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
/** As facts mostly are: known some days after the first day or after the last one, or some days before. */
const soonAfter = fc.tuple(dayRange, instantRange, fc.constantFrom(0, 1), fc.integer({ min: -3, max: 40 })).map(([valid, known, end, lag]) => {
  const [bound, from] = [valid[end], known[0]];
  if (bound.endsWith('infinity')) return { valid, known };
  const shift = msOfInstant(`${addDays(bound as Day, lag)}T12:00:00.000Z` as Instant) - msOfInstant(from as Instant);
  const shifted = (at: InstantBound): InstantBound => (at === 'infinity' ? at : instantOfMs(msOfInstant(at as Instant) + shift));
  return { valid, known: [shifted(known[0]), shifted(known[1])] as const };
});
const box = fc.tuple(fc.oneof(fc.record({ valid: dayRange, known: instantRange }), soonAfter), positionRange).map(([bounds, positions]) => ({ ...bounds, positions }));
const cut: fc.Arbitrary<Cut> = fc.record({
  validAt: fc.integer({ min: -300, max: 300 }).map((days) => addDays(middle, days)),
  knownAt: fc.integer({ min: -300, max: 300 }).chain((days) => fc.integer({ min: 0, max: dayMs }).map((ms) => instantOfMs(noon + days * dayMs + ms))),
  atPosition: fc.integer({ min: 1, max: 50_000_000 }).map(position),
});

const laneOfBox = ({ valid, known, positions }: { valid: readonly [DayBound, DayBound]; known: readonly [InstantBound, InstantBound]; positions: readonly [number, number] }) =>
  laneOf({ validFrom: valid[0], validTo: valid[1], knownFrom: known[0], knownTo: known[1] }, ...positions);
const isReached = (at: Cut, { lane, anchor }: Lane, upTo: Position): boolean =>
  reachesAt(at, upTo).some((reach) => reach.lane === lane && reach.from <= anchor && anchor <= reach.to);

describe('lanes', () => {
  it('reach all that holds at a cut', () => {
    let holding = 0;
    fc.assert(fc.property(box, cut, (one, at) => {
      const holds = one.valid[0] <= at.validAt && at.validAt < one.valid[1] && one.known[0] <= at.knownAt && at.knownAt < one.known[1]
        && one.positions[0] <= at.atPosition && at.atPosition < one.positions[1];
      holding += holds ? 1 : 0;
      // The least that the rectangles can rest on.
      const upTo = one.positions[1] === stillStands ? at.atPosition : position(Math.max(at.atPosition, one.positions[1]));
      return !holds || isReached(at, laneOfBox(one), upTo);
    }), { numRuns: 80_000 });
    expect(holding).toBeGreaterThan(400);
  });

  it('reach the first and the last day of a box, no day after it, and none before it by more than its length', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), (days) => {
      const valid = [middle, addDays(middle, days)] as const;
      const lane = laneOfBox({ valid, known: [instantOfMs(noon), 'infinity'], positions: [1, stillStands] });
      const on = (day: Day): boolean => isReached({ validAt: day, knownAt: instantOfMs(noon), atPosition: position(1) }, lane, position(1));
      return on(middle) && on(addDays(middle, days - 1)) && !on(addDays(middle, days)) && !on(addDays(middle, -days));
    }));
  });

  it('leave out what was known too late or too early for the other day of the cut', () => {
    const onDay = (days: number): Instant => instantOfMs(noon + days * dayMs);
    const at = position(9);
    const reached = (valid: readonly [DayBound, DayBound], known: readonly [InstantBound, InstantBound], [validAt, knownAt]: readonly [number, number]): boolean =>
      isReached({ validAt: addDays(middle, validAt), knownAt: onDay(knownAt), atPosition: at }, laneOfBox({ valid, known, positions: [1, stillStands] }), at);
    const ended = [middle, addDays(middle, 10)] as const;
    expect(reached(ended, [onDay(12), 'infinity'], [5, 12])).toBe(true);
    expect(reached(ended, [onDay(12), 'infinity'], [5, 9])).toBe(false);
    expect(reached([middle, 'infinity'], [onDay(2), onDay(90)], [200, 60])).toBe(true);
    expect(reached([middle, 'infinity'], [onDay(2), onDay(90)], [-30, 60])).toBe(false);
    expect(reached([middle, 'infinity'], [onDay(2), 'infinity'], [200, 60])).toBe(true);
    expect(reached([middle, 'infinity'], [onDay(2), 'infinity'], [200, -1])).toBe(false);
  });

  it('are each reached once, and those of what was recorded again only before the latest position', () => {
    fc.assert(fc.property(cut, (at) => {
      const [earlier, latest] = [reachesAt(at, position(at.atPosition + 1)), reachesAt(at, at.atPosition)];
      return new Set(earlier.map(({ lane }) => lane)).size === earlier.length && latest.length <= reachesAtOnce && latest.length < earlier.length;
    }));
  });
});
