import { dayIn, dayNumber, firstDay, lastInstantOf, type Day, type Instant } from '@rectrail/kernel';
import type { DayBound, InstantBound } from '../timeline/standing.ts';

/** Days as integers since 1970-01-01, as the roll-ups keep them; what has no beginning lies before the first of days. */
export const beforeAllDays = dayNumber(firstDay) - 1;

const keptMax = 100_000;

/** Few days and hours occur very often: what was worked out once is looked up, and all is forgotten when there are too many. */
const remembered = <K, V>(of: (key: K) => V): ((key: K) => V) => {
  const known = new Map<K, V>();
  return (key) => {
    const hit = known.get(key);
    if (hit !== undefined) return hit;
    const value = of(key);
    if (known.size >= keptMax) known.clear();
    known.set(key, value);
    return value;
  };
};

const numberOf = remembered((d: Day) => dayNumber(d));

/** @throws RangeError for 'infinity', at which nothing begins. */
export const dayNumberOf = (bound: DayBound): number => {
  if (bound === 'infinity') throw new RangeError('no fact begins at the end of time');
  return bound === '-infinity' ? beforeAllDays : numberOf(bound);
};

/** Before, zones went by local times of their own, minutes and seconds apart. */
const wholeQuartersFrom = '1972';

/** The day of an instant in a zone. Offsets are whole quarters of an hour, so all instants of one share a day. */
export const dayNumbersIn: (zone: string) => (bound: InstantBound) => number = remembered((zone) => {
  const ofQuarter = remembered((at: string) => dayNumber(dayIn(zone, at as Instant)));
  return (bound) => {
    if (bound === 'infinity') throw new RangeError('nothing becomes known at the end of time');
    if (bound === '-infinity') return beforeAllDays;
    if (bound < wholeQuartersFrom) return ofQuarter(bound);
    const quarter = String(Math.floor(Number(bound.slice(14, 16)) / 15) * 15).padStart(2, '0');
    return ofQuarter(`${bound.slice(0, 14)}${quarter}:00.000Z`);
  };
});

/** `lastInstantOf`, worked out once for a day: a zone tells it in microseconds, and a series asks for hundreds. */
export const endOfDayIn: (zone: string) => (d: Day) => Instant = remembered((zone) => remembered((d) => lastInstantOf(zone, d)));
