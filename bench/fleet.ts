import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoopOptions, LoopResult } from './closed-loop.ts';
import type { Task } from './contestants/contestant.ts';
import { quantile } from './statistics.ts';
import type { Answer, Order } from './worker.ts';

export interface Run {
  /** Events a second, all processes together. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** Compiled beside this file, or run as TypeScript with it. */
const workerFile = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));

const running = new Set<ChildProcess>();

/** Ends the processes of all contestants: the row under way fails, and what it began is tidied up. */
export const killFleets = (): void => { for (const child of running) child.kill('SIGKILL'); };

/** The processes of one contestant, ready from the first run of a row to its last. */
export class Fleet {
  readonly #children: readonly ChildProcess[];
  /** Events that must be in the tables, or were read. */
  acknowledged = 0;

  static async open(task: Omit<Task, 'processIndex'>): Promise<Fleet> {
    const fleet = new Fleet(task.processes);
    try {
      await Promise.all(fleet.#children.map((child, processIndex) => ask(child, { order: 'open', task: { ...task, processIndex } })));
    } catch (error) {
      fleet.kill();
      throw error;
    }
    return fleet;
  }

  private constructor(processes: number) {
    this.#children = Array.from({ length: processes }, () => {
      const child = fork(workerFile, { serialization: 'advanced' });
      running.add(child);
      return child.once('exit', () => { running.delete(child); });
    });
  }

  async run(loop: LoopOptions): Promise<Run> {
    await this.#all({ order: 'prepare' });
    const results = await this.#all({ order: 'run', loop });
    const latencies = Float64Array.from(results.flatMap((r) => [...r.latenciesMs])).sort();
    const events = results.reduce((sum, r) => sum + r.events, 0);
    return { rate: (events / loop.measureMs) * 1_000, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), calls: latencies.length };
  }

  async repeat(calls: number): Promise<void> {
    await this.#all({ order: 'repeat', calls });
  }

  async close(): Promise<void> {
    await this.#all({ order: 'close' });
    this.kill();
  }

  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  async #all(order: Order): Promise<LoopResult[]> {
    const results = (await Promise.all(this.#children.map((child) => ask(child, order)))).filter((result) => result !== null);
    for (const { acknowledged } of results) this.acknowledged += acknowledged;
    return results;
  }
}

const ask = (child: ChildProcess, order: Order): Promise<LoopResult | null> => new Promise((resolve, reject) => {
  const gone = (): void => { reject(new Error(`a process of the bench ended before it answered "${order.order}"`)); };
  if (!child.connected) { gone(); return; }
  child.once('exit', gone);
  child.once('message', (answer: Answer) => {
    child.off('exit', gone);
    if (answer.ok) resolve(answer.result);
    else reject(new Error(answer.error));
  });
  child.send(order);
});
