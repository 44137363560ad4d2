import { dayNumber, msOfInstant, type Cut, type Day, type Instant, type Position } from '@rectrail/kernel';
import { stillStands } from '../database/rows.ts';
import type { Rectangle } from '../timeline/timeline.ts';

/**
 * How the rectangles that hold at a cut are found without reading those that do not. With its positions a rectangle is a box: valid days, known instants, positions. Nearly every
 * box is short on one of these sides: what was superseded, in what was known; what was recorded again, in positions; what the world changed, in valid days. So each lies in a
 * lane of its shortest side and of the power of two that the length of this side reaches, sorted by where it begins or ends: of a lane, only what lies within that length of the
 * cut can reach the cut. What ends on no side lies in lanes of its own, sorted by its first valid day.
 *
 * The days of a cut may lie far apart, and most facts become known soon after they are true. Boxes of which this is so lie in lanes apart (docs/adr/0024): what was known only when
 * its last day had passed has begun and ended by the known day of the cut, and what was known within days of its first day was known soon after the valid day.
 * `anchor`: the day or unit of positions by which a lane is sorted.
 */
export interface Lane { readonly lane: number; readonly anchor: number }

/** Longest sides that are told apart; longer ones never end. */
const levels = 15;
const lengthMax = 2 ** (levels - 1);
const lengths = Array.from({ length: levels }, (_, level) => 2 ** level);
/** The first of the lanes of each kind, one for each length; those of what never ends have one each. */
const lanes = { endless: -1, endlessForetold: -2, valid: 0, validForetold: levels, knownSoon: 2 * levels, knownLate: 3 * levels, positions: 4 * levels } as const;
/** Known within so many days of its first valid day, which goes for 97 of a hundred; how many matters for speed alone. */
const soonDays = 16;
/** Positions are counted in so many, which about a day brings where much is recorded; how many matters for speed alone. */
const positionsOfUnit = 4_096;
/** Before every day. */
const beginning = -(2 ** 31);

const dayMs = 86_400_000;
const knownDay = (at: Instant): number => Math.floor(msOfInstant(at) / dayMs);
const positionUnit = (position: number): number => Math.floor(position / positionsOfUnit);

const isBound = (bound: string): boolean => !bound.endsWith('infinity');
// Bounds that are no infinity are days or instants.
const dayOf = (bound: string): number => (isBound(bound) ? dayNumber(bound as Day) : bound.startsWith('-') ? -Infinity : Infinity);
const knownDayOf = (bound: string): number => (isBound(bound) ? knownDay(bound as Instant) : bound.startsWith('-') ? -Infinity : Infinity);

type Bounds = Pick<Rectangle<unknown>, 'validFrom' | 'validTo' | 'knownFrom' | 'knownTo'>;

/** Of so many units, the end included. */
const levelOf = (units: number): number => Math.ceil(Math.log2(units));

export const laneOf = ({ validFrom, validTo, knownFrom, knownTo }: Bounds, posFrom: number, posTo: number): Lane => {
  const [from, to, known] = [dayOf(validFrom), dayOf(validTo), knownDayOf(knownFrom)];
  const validUnits = to - from;
  const knownUnits = knownDayOf(knownTo) - known + 1;
  const positionUnits = posTo === stillStands ? Infinity : positionUnit(posTo) - positionUnit(posFrom) + 1;
  const shortest = Math.min(validUnits, knownUnits, positionUnits);
  if (shortest > lengthMax) return { lane: known >= from ? lanes.endless : lanes.endlessForetold, anchor: Math.max(beginning, from) };
  const level = levelOf(shortest);
  if (shortest === validUnits) return { lane: (known >= to ? lanes.valid : lanes.validForetold) + level, anchor: to };
  if (shortest === knownUnits) return { lane: (known - from < soonDays ? lanes.knownSoon : lanes.knownLate) + level, anchor: known };
  return { lane: lanes.positions + level, anchor: positionUnit(posFrom) };
};

/** A part of a lane, both ends included, in which everything lies that may hold at a cut. */
export interface Reach { readonly lane: number; readonly from: number; readonly to: number }

/** How many reaches a cut of the latest position has, at most. */
export const reachesAtOnce = 2 + 4 * levels;

/** Whether what begins earlier in the lane shows what it shows from an earlier day on. */
export const isSortedByFirstDay = ({ lane }: Reach): boolean => lane < 0;

/** `upTo`: the position that the rectangles rest on. What it has ended by then holds at no later one. */
export const reachesAt = ({ validAt, knownAt, atPosition }: Cut, upTo: Position): readonly Reach[] => {
  const [valid, known, unit] = [dayNumber(validAt), knownDay(knownAt), positionUnit(atPosition)];
  const reachesOf = (first: number, reach: (length: number) => readonly [from: number, to: number]): readonly Reach[] => lengths.map((length, level) => {
    const [from, to] = reach(length);
    return { lane: first + level, from, to };
  });
  return [
    { lane: lanes.endless, from: beginning, to: Math.min(valid, known) },
    { lane: lanes.endlessForetold, from: beginning, to: valid },
    ...reachesOf(lanes.valid, (length) => [valid + 1, Math.min(valid + length, known)]),
    ...reachesOf(lanes.validForetold, (length) => [valid + 1, valid + length]),
    ...reachesOf(lanes.knownSoon, (length) => [known - length + 1, Math.min(known, valid + soonDays - 1)]),
    ...reachesOf(lanes.knownLate, (length) => [known - length + 1, known]),
    ...(atPosition >= upTo ? [] : reachesOf(lanes.positions, (length) => [unit - length + 1, unit])),
  ].filter(({ from, to }) => from <= to);
};
