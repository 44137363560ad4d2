import { quantile } from '../statistics.ts';

const samplePauseMs = 100;
const mebibyte = 2 ** 20;

export interface Memory {
  /** The most that this process ever had. */
  readonly peakMiB: number;
  /** The median of the last quarter of the work over that of the second, when everything that stays has been made. */
  readonly growth: number;
  /** About a hundred, evenly over the work. */
  readonly samplesMiB: readonly number[];
}

/** @throws RangeError for fewer than four samples. */
export const growthOf = (samples: readonly number[]): number => {
  const quarter = Math.floor(samples.length / 4);
  const median = (from: number): number => quantile(samples.slice(from, from + quarter).toSorted((a, b) => a - b), 0.5);
  return median(samples.length - quarter) / median(quarter);
};

const samplesKept = 100;

/** The resident memory of this process while it works. */
export const whileSampling = async <T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number; readonly memory: Memory }> => {
  const samples: number[] = [];
  const sample = (): void => { samples.push(process.memoryUsage.rss() / mebibyte); };
  sample();
  const timer = setInterval(sample, samplePauseMs);
  const began = performance.now();
  try {
    const result = await work();
    const seconds = (performance.now() - began) / 1_000;
    while (samples.length < 4) sample();
    const step = Math.ceil(samples.length / samplesKept);
    // maxRSS is in KiB.
    const memory = { peakMiB: process.resourceUsage().maxRSS / 1_024, growth: growthOf(samples), samplesMiB: samples.filter((_, i) => i % step === 0).map(Math.round) };
    return { result, seconds, memory };
  } finally {
    clearInterval(timer);
  }
};
