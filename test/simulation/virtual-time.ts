import { AsyncLocalStorage } from 'node:async_hooks';
import type { Random } from '@rectrail/tracking-domain/testing';

/** Kept for the drain between two steps; what runs in a simulation gets virtual timers. */
const realImmediate = globalThis.setImmediate;
const realTimers = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, performance: globalThis.performance };

export interface Timer { cancel(): void }
interface Planned { readonly at: number; readonly action: () => void }

/** Longest that a caller waits for an answer, ms; a request may arrive after that. */
const answerMsMax = 2_000;
const linesKept = 60;

/** Virtual time, ms, and what is planned in it: one action at a time, in an order that the seed alone decides. */
export class Timeline {
  readonly random: Random;
  /** While true, calls fail, come late and come twice. */
  faulty = true;
  now = 0;
  steps = 0;
  /** Of everything that crossed the network, so that two runs can be compared. */
  trace = '';
  readonly #planned: Planned[] = [];
  #lines: string[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  /** The newest lines of what happened. */
  get lines(): readonly string[] { return this.#lines; }

  tell(line: string): void {
    this.trace = `${this.trace.length > 200 ? String(hashOf(this.trace)) : this.trace}${this.now} ${line};`;
    this.#lines = [...this.#lines.slice(1 - linesKept), `${String(this.now).padStart(7)} ms  ${line}`];
  }

  after(ms: number, action: () => void): Timer {
    const planned = { at: this.now + Math.max(0, ms), action };
    // Behind those of the same instant.
    this.#planned.splice(this.#planned.findLastIndex((other) => other.at <= planned.at) + 1, 0, planned);
    return {
      cancel: () => {
        const index = this.#planned.indexOf(planned);
        if (index >= 0) this.#planned.splice(index, 1);
      },
    };
  }

  /** The next action and everything that follows from it without waiting; false where nothing is planned. */
  async step(): Promise<boolean> {
    const next = this.#planned.shift();
    if (next === undefined) return false;
    this.now = next.at;
    this.steps += 1;
    next.action();
    await new Promise<void>((resolve) => { realImmediate(resolve); });
    return true;
  }

  /** Of one way over the network, ms. */
  delay(): number {
    if (!this.faulty || this.random.chance(0.8)) return this.random.int(0, 5);
    return this.random.chance(0.9) ? this.random.int(5, 200) : this.random.int(200, 3_000);
  }

  chance(probability: number): boolean {
    return this.faulty && this.random.chance(probability);
  }
}

const hashOf = (text: string): number => {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
};

const running = new AsyncLocalStorage<SimulatedProcess>();

/** A process of the installation: its timers and the answers to it come while it runs, wait while it is stopped (SIGSTOP), and are lost once it is killed. */
export class SimulatedProcess {
  readonly name: string;
  readonly timeline: Timeline;
  #state: 'running' | 'stopped' | 'killed' = 'running';
  #held: (() => void)[] = [];

  constructor(name: string, timeline: Timeline) {
    this.name = name;
    this.timeline = timeline;
  }

  get isRunning(): boolean { return this.#state === 'running'; }

  /** Runs `work` as this process: the timers that it sets are the process's. */
  enter<T>(work: () => T): T {
    return running.run(this, work);
  }

  kill(): void {
    this.timeline.tell(`${this.name} killed`);
    this.#state = 'killed';
    this.#held = [];
  }

  stop(): void {
    if (this.#state !== 'running') return;
    this.timeline.tell(`${this.name} stopped`);
    this.#state = 'stopped';
  }

  resume(): void {
    if (this.#state !== 'stopped') return;
    this.timeline.tell(`${this.name} resumed`);
    this.#state = 'running';
    for (const action of this.#held.splice(0)) this.after(0, action);
  }

  after(ms: number, action: () => void): Timer {
    let isCancelled = false;
    const act = (): void => { if (!isCancelled) action(); };
    const timer = this.timeline.after(ms, () => {
      if (this.#state === 'running') act();
      else if (this.#state === 'stopped') this.#held.push(act);
    });
    return { cancel: () => { isCancelled = true; timer.cancel(); } };
  }

  /**
   * A request over the network. `effect` takes place in one instant, whatever has become of the caller by then: once, not at all or, where it `mayRepeat`, twice;
   * its answer may be late or lost. @throws what `effect` throws; `failure` where no answer came in time.
   */
  call<T>(what: string, effect: () => T | Promise<T>, { failure, mayRepeat = false }: { readonly failure: () => Error; readonly mayRepeat?: boolean }): Promise<T> {
    const { timeline } = this;
    const isLost = timeline.chance(0.02);
    const isUnanswered = timeline.chance(0.03);
    const take = async (): Promise<T> => {
      timeline.tell(`${this.name} ${what}`);
      return effect();
    };
    return new Promise<T>((resolve, reject) => {
      const patience = this.after(answerMsMax, () => { reject(failure()); });
      const answer = (settle: () => void): void => {
        if (!isUnanswered) this.after(timeline.delay(), () => { patience.cancel(); settle(); });
      };
      if (isLost) return;
      timeline.after(timeline.delay(), () => {
        take().then(
          (value) => { answer(() => { resolve(value); }); },
          (error: unknown) => { answer(() => { reject(error instanceof Error ? error : new Error(String(error))); }); },
        );
      });
      if (mayRepeat && timeline.chance(0.1)) timeline.after(timeline.delay(), () => { take().catch(() => undefined); });
    });
  }
}

/** `setTimeout` of `node:timers/promises`, in the time of the process that calls it. */
export const virtualSleep = <T = undefined>(ms = 0, value?: T, { signal }: { readonly signal?: AbortSignal; readonly ref?: boolean } = {}): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    const process = running.getStore();
    if (process === undefined) throw new Error('a sleep outside of every simulated process');
    const abort = (): void => {
      timer.cancel();
      reject(new Error('aborted', { cause: signal?.reason }));
    };
    const timer = process.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });

/** Puts virtual timers in the place of the global ones for whatever runs in a simulated process, until the answer is called. */
export const installVirtualTimers = (): (() => void) => {
  const put = (globals: object): void => { Object.assign(globalThis, globals); };
  put({
    setTimeout: (action: () => void, ms: number) => running.getStore()?.after(ms, action) ?? realTimers.setTimeout(action, ms),
    clearTimeout: (timer: Timer | NodeJS.Timeout | undefined) => {
      if (timer !== undefined && 'cancel' in timer) timer.cancel();
      else realTimers.clearTimeout(timer);
    },
  });
  const clock = { now: () => running.getStore()?.timeline.now ?? realTimers.performance.now() };
  Object.defineProperty(globalThis, 'performance', { value: clock, configurable: true, writable: true });
  return () => {
    put({ setTimeout: realTimers.setTimeout, clearTimeout: realTimers.clearTimeout });
    Object.defineProperty(globalThis, 'performance', { value: realTimers.performance, configurable: true, writable: true });
  };
};
