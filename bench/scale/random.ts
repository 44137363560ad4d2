/** The same numbers for the same seed, in every process. */
export interface SeededRandom {
  /** 0 ≤ n < `bound`. */
  below(bound: number): number;
  chance(share: number): boolean;
  /** @throws RangeError for an empty list. */
  pick<T>(items: readonly T[]): T;
}

/** A linear congruential generator by Numerical Recipes; its high bits are what is used. */
export const seeded = (seed: number): SeededRandom => {
  let state = (seed * 2_654_435_761) % 2 ** 32;
  const next = (): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    below,
    chance: (share) => next() < share,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
};
