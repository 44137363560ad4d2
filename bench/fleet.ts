import type { LoopOptions } from './closed-loop.ts';
import type { Task } from './contestants/contestant.ts';
import { BenchProcess } from './process.ts';
import { quantile } from './statistics.ts';
import type { WorkerMethods } from './worker.ts';

export interface Run {
  /** Events, or requests, a second, all processes together. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** What loops in several processes at the same time come to. */
export const runOf = (results: readonly { readonly events: number; readonly latenciesMs: Float64Array }[], measureMs: number): Run => {
  const latencies = Float64Array.from(results.flatMap((r) => [...r.latenciesMs])).sort();
  const events = results.reduce((sum, r) => sum + r.events, 0);
  return { rate: (events / measureMs) * 1_000, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), calls: latencies.length };
};

/** The processes of one contestant, ready from the first run of a row to its last. */
export class Fleet {
  readonly #processes: readonly BenchProcess<WorkerMethods>[];
  /** Events that must be in the tables, or were read. */
  acknowledged = 0;

  static async open(task: Omit<Task, 'processIndex'>): Promise<Fleet> {
    const fleet = new Fleet(task.processes);
    try {
      await fleet.#all((process, processIndex) => process.ask('open', { ...task, processIndex }));
    } catch (error) {
      fleet.kill();
      throw error;
    }
    return fleet;
  }

  private constructor(processes: number) {
    this.#processes = Array.from({ length: processes }, () => new BenchProcess('worker'));
  }

  async run(loop: LoopOptions): Promise<Run> {
    await this.#all((process) => process.ask('prepare'));
    const results = await this.#all((process) => process.ask('run', loop));
    this.acknowledged += results.reduce((sum, r) => sum + r.acknowledged, 0);
    return runOf(results, loop.measureMs);
  }

  async repeat(calls: number): Promise<void> {
    const events = await this.#all((process) => process.ask('repeat', calls));
    this.acknowledged += events.reduce((sum, n) => sum + n, 0);
  }

  async close(): Promise<void> {
    await this.#all((process) => process.ask('close'));
    this.kill();
  }

  kill(): void {
    for (const process of this.#processes) process.kill();
  }

  #all<T>(ask: (process: BenchProcess<WorkerMethods>, index: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#processes.map(ask));
  }
}
