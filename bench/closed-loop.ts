import { Samples } from './statistics.ts';

/** One call of a contestant for one caller; answers the number of events that are surely stored, or were read. */
export type Call = (caller: number) => Promise<number>;

export interface LoopOptions {
  readonly callers: number;
  /** Calls that end in the first `warmMs` are carried out and not measured. */
  readonly warmMs: number;
  readonly measureMs: number;
}

export interface LoopResult {
  /** Events of the calls that ended within the measured time. */
  readonly events: number;
  /** Of those calls, in milliseconds. */
  readonly latenciesMs: Float64Array;
  /** Events of all calls, warm-up and the last ones included: what must be in the table afterwards. */
  readonly acknowledged: number;
}

/** A closed loop: each caller calls again as soon as it is answered. */
export const closedLoop = async (call: Call, { callers, warmMs, measureMs }: LoopOptions): Promise<LoopResult> => {
  const from = performance.now() + warmMs;
  const to = from + measureMs;
  const latencies = new Samples();
  let events = 0;
  let acknowledged = 0;
  await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    for (let began = performance.now(); began < to;) {
      const done = await call(caller);
      const ended = performance.now();
      acknowledged += done;
      if (ended >= from && ended < to) {
        events += done;
        latencies.add(ended - began);
      }
      began = ended;
    }
  }));
  return { events, latenciesMs: latencies.taken(), acknowledged };
};
