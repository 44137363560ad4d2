/** Of many figures: the middle one, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which a share of `sorted` lies (nearest rank). @throws RangeError for an empty list. */
export const quantile = (sorted: ArrayLike<number>, share: number): number => {
  // 200 × 0.55 is a little more than 110.
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share - 1e-9) - 1)];
  if (value === undefined) throw new RangeError('nothing was measured');
  return value;
};

/** The mean of the two middle ones where their number is even. @throws RangeError for an empty list. */
export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const middle = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return { median: middle.reduce((sum, v) => sum + v, 0) / middle.length, min: quantile(sorted, 0), max: quantile(sorted, 1) };
};

/** Of the calls of one kind, in milliseconds. */
export interface Latencies {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the least to the greatest, by steps of a twentieth. */
  readonly distributionMs: readonly number[];
}

const distributionSteps = 20;

/** To a thousandth. @throws RangeError for an empty list. */
export const latenciesOf = (samplesMs: ArrayLike<number>): Latencies => {
  const sorted = Float64Array.from(samplesMs).sort();
  const at = (share: number): number => Number(quantile(sorted, share).toFixed(3));
  const distributionMs = Array.from({ length: distributionSteps + 1 }, (_, step) => at(step / distributionSteps));
  return { calls: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), distributionMs };
};

/** Grows as needed; a run records more than a hundred thousand latencies. */
export class Samples {
  #values = new Float64Array(16_384);
  #length = 0;

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  taken(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}
