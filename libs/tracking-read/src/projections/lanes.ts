import { dayNumber, msOfInstant, type Cut, type Day, type Instant } from '@rectrail/kernel';
import { stillStands } from '../database/rows.ts';
import type { Rectangle } from '../timeline/timeline.ts';

/**
 * How the rectangles that hold at a cut are found without reading those that do not. With its positions a rectangle is a box: valid days, known instants, positions. Nearly every
 * box is short on one of these sides: what was superseded, in what was known; what was recorded again, in positions; what the world changed, in valid days. So each lies in the
 * lane of its shortest side and of the power of two that the length of this side reaches, sorted by where it starts: in a lane, only what starts within that length before the
 * cut can reach the cut. What ends on no side lies in a lane of its own, sorted by its first valid day.
 */
export interface Lane { readonly lane: number; readonly start: number }

/** Longest sides that are told apart; longer ones never end. */
const levels = 15;
const lengthMax = 2 ** (levels - 1);
const endless = -1;
/** Positions are counted in so many, which about a day brings where much is recorded; how many matters for speed alone. */
const positionsOfUnit = 4_096;
/** Before every day. */
const beginning = -(2 ** 31);

const dayMs = 86_400_000;
const knownDay = (at: Instant): number => Math.floor(msOfInstant(at) / dayMs);
const positionUnit = (position: number): number => Math.floor(position / positionsOfUnit);

/** A side in whole units: `units` of them are touched from `start` on. */
interface Side { readonly start: number; readonly units: number }

const unbounded: Side = { start: beginning, units: Infinity };
const isBound = (bound: string): boolean => !bound.endsWith('infinity');

// Bounds that are no infinity are days or instants.
const validSide = (from: string, to: string): Side =>
  (isBound(from) && isBound(to) ? { start: dayNumber(from as Day), units: dayNumber(to as Day) - dayNumber(from as Day) } : unbounded);
const knownSide = (from: string, to: string): Side =>
  (isBound(from) && isBound(to) ? { start: knownDay(from as Instant), units: knownDay(to as Instant) - knownDay(from as Instant) + 1 } : unbounded);
const positionSide = (from: number, to: number): Side =>
  (to === stillStands ? unbounded : { start: positionUnit(from), units: positionUnit(to) - positionUnit(from) + 1 });

type Bounds = Pick<Rectangle<unknown>, 'validFrom' | 'validTo' | 'knownFrom' | 'knownTo'>;

export const laneOf = ({ validFrom, validTo, knownFrom, knownTo }: Bounds, posFrom: number, posTo: number): Lane => {
  const sides = [validSide(validFrom, validTo), knownSide(knownFrom, knownTo), positionSide(posFrom, posTo)];
  const shortest = sides.reduce((least, side, at) => (side.units < (sides[least]?.units ?? Infinity) ? at : least), 0);
  const { start, units } = sides[shortest] ?? unbounded;
  if (units > lengthMax) return { lane: endless, start: isBound(validFrom) ? dayNumber(validFrom as Day) : beginning };
  return { lane: shortest * levels + Math.ceil(Math.log2(units)), start };
};

/** A part of a lane, both ends included, in which everything lies that may hold at a cut. */
export interface Reach { readonly lane: number; readonly from: number; readonly to: number }

/** How many reaches a cut has. */
export const reachesAtOnce = 1 + 3 * levels;

/** Whether what begins earlier in the lane shows what it shows from an earlier day on. */
export const isSortedByValidDay = ({ lane }: Reach): boolean => lane < levels;

export const reachesAt = ({ validAt, knownAt, atPosition }: Cut): readonly Reach[] => {
  const valid = dayNumber(validAt);
  const inLanes = [valid, knownDay(knownAt), positionUnit(atPosition)].flatMap((at, side) =>
    Array.from({ length: levels }, (_, level): Reach => ({ lane: side * levels + level, from: at - 2 ** level + 1, to: at })));
  return [{ lane: endless, from: beginning, to: valid }, ...inLanes];
};
