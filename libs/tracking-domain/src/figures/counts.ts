import type { Count } from './definitions.ts';

/** A thing by last days and by first days; null where it does not exist. */
export interface BothFolds<V> { readonly last: V | null; readonly first: V | null }

/**
 * How many things are in each class, and how many are not in it by last days but are in it by first days (rules.md section 4).
 * Every class is present, zero included; each existing thing is in exactly one.
 */
export const countsBy = <X extends string, V>(classes: readonly X[], things: readonly BothFolds<V>[], classOf: (view: V) => X): Readonly<Record<X, Count>> => {
  const inClass = (view: V | null, x: X): boolean => view !== null && classOf(view) === x;
  const count = (x: X): Count => ({
    count: things.filter(({ last }) => inClass(last, x)).length,
    undetermined: things.filter(({ last, first }) => !inClass(last, x) && inClass(first, x)).length,
  });
  return recordOf(classes, count);
};

const recordOf = <X extends string, T>(keys: readonly X[], value: (key: X) => T): Readonly<Record<X, T>> => {
  const record: Partial<Record<X, T>> = {};
  for (const key of keys) record[key] = value(key);
  // Every key of X has just been set; Partial is only how it was built up.
  return record as Record<X, T>;
};
