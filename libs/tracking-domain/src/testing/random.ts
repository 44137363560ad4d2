import { addDays, day, fuzzyDate, onDay, undatedBetween, type Day, type FuzzyDate } from '@rectrail/kernel';

/** Draws that a seed repeats (mulberry32): a failing case is told by its seed and size alone. */
export interface Random {
  /** A whole number in [from, to]. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  uuid(): string;
}

export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  const hex = (digits: number): string => Array.from({ length: digits }, () => int(0, 15).toString(16)).join('');
  return {
    int,
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    uuid: () => `${hex(8)}-${hex(4)}-8${hex(3)}-a${hex(3)}-${hex(12)}`,
  };
};

/** Any of the forms in which sources print dates, around `near`; some lie after it. */
export const randomDate = (random: Random, near: Day): FuzzyDate => {
  const base = addDays(near, random.int(-250, 20));
  const month = base.slice(0, 7);
  switch (random.int(0, 7)) {
    case 0: return dateOf(month);
    case 1: return dateOf(`${month}-${random.pick(['E', 'M', 'L', 'H1', 'H2'])}`);
    case 2: return dateOf(`${base.slice(0, 4)}-${random.pick(['Q1', 'Q2', 'Q3', 'Q4', 'H1', 'H2'])}`);
    case 3: return undatedBetween(addDays(base, -random.int(0, 150)), base);
    default: return onDay(base);
  }
};

/** A deadline: mostly ahead of `near`, planned or striven for. */
export const randomDeadline = (random: Random, near: Day): FuzzyDate => {
  const base = addDays(near, random.int(-60, 200));
  const value = random.chance(0.5) ? base : base.slice(0, 7);
  return { ...dateOf(value), commitment: random.pick(['planned', 'striving']) };
};

const dateOf = (value: string): FuzzyDate => {
  const date = fuzzyDate({ value });
  if (date === null) throw new RangeError(`not in the grammar: ${value}`);
  return date;
};

/** Every day of the year but Saturdays, Sundays and a few more, with a few Sundays made up for, as the State Council sets them. */
export const randomWorkingDays = (random: Random, year: number): readonly Day[] =>
  Array.from({ length: 365 }, (_, n) => addDays(day(`${year}-01-01`), n)).filter((d) => {
    const weekend = [0, 6].includes(new Date(`${d}T00:00:00Z`).getUTCDay());
    return weekend ? random.chance(0.05) : random.chance(0.95);
  });
