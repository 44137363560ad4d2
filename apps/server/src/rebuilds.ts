import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, Metrics } from '@rectrail/platform';
import { ProjectionError, type BuildProgress } from '@rectrail/projections';
import type { TrackingRead } from '@rectrail/tracking-read';

/** A speed is told once it was measured for so long, in ms. */
const paceMsMin = 500;

/** How far the phase at hand has come since this process is at it. */
interface Pace { readonly phase: BuildProgress['phase']; readonly from: number; readonly fromMs: number; readonly to: number; readonly toMs: number }

const paceAfter = (pace: Pace | undefined, { phase, position }: BuildProgress, nowMs: number): Pace =>
  (pace?.phase === phase ? { ...pace, to: position, toMs: nowMs } : { phase, from: position, fromMs: nowMs, to: position, toMs: nowMs });

export interface RebuildsOptions {
  readonly read: Pick<TrackingRead, 'rebuild' | 'projectionStatus'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Before a rebuild goes on that lost the database; default 5,000 ms. */
  readonly retryDelayMs?: number;
  /** Between two looks for rebuilds whose process was lost; default 5,000 ms. */
  readonly watchMs?: number;
}

type Outcome = 'swapped' | 'stopped' | 'failed';

const outcomeOf = (error: unknown): Outcome =>
  (error instanceof ProjectionError && (error.code === 'rebuild-failed' || error.code === 'projection-other-version') ? 'failed' : 'stopped');

/** Rebuilds in the background of this process. What has begun stands in the database: it is not lost with the process, and any process can tell of it. */
export class Rebuilds {
  readonly #read: RebuildsOptions['read'];
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #retryDelayMs: number;
  readonly #closing = new AbortController();
  /** What is under way, by projection. */
  readonly #running = new Map<Promise<void>, string | null>();
  readonly #watchMs: number;
  readonly #paces = new Map<string, Pace>();

  constructor({ read, logger, metrics, retryDelayMs = 5_000, watchMs = 5_000 }: RebuildsOptions) {
    this.#read = read;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#retryDelayMs = retryDelayMs;
    this.#watchMs = watchMs;
  }

  /**
   * Resolves once a rebuild of the projection is under way, begun now or gone on with.
   * @throws ProjectionError `unknown-projection`, `rebuild-running`, `projection-other-version`.
   */
  begin(name: string): Promise<void> {
    return this.#launch(name, false);
  }

  /** Goes on with every rebuild that ended with its process, now and whenever one is lost; one that an operator has stopped, or that failed, waits to be asked for. */
  watch(): void {
    const watching = this.#watch().finally(() => this.#running.delete(watching));
    this.#running.set(watching, null);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#resumeInterrupted().catch((error: unknown) => { this.#logger.warn({ err: error }, 'interrupted rebuilds could not be looked for'); });
      await sleep(this.#watchMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #resumeInterrupted(): Promise<void> {
    const own = new Set(this.#running.values());
    for (const { name, state, build } of await this.#read.projectionStatus()) {
      // Without rows that may be read, following the log begins with the rebuild.
      if (own.has(name) || state === 'rebuilding' || build === null || build.running || build.paused || build.failure !== null) continue;
      this.#launch(name, true).catch((error: unknown) => { this.#logger.warn({ err: error, projection: name }, 'an interrupted rebuild does not go on'); });
    }
  }

  /** Speed of the phase at hand; null where it is none of events, and where this process is not at it. */
  eventsPerSecond(name: string): number | null {
    const pace = this.#paces.get(name);
    if (pace === undefined || pace.toMs - pace.fromMs < paceMsMin || (pace.phase !== 'bulk' && pace.phase !== 'catching-up')) return null;
    return Math.round((pace.to - pace.from) / ((pace.toMs - pace.fromMs) / 1_000));
  }

  /** Ends after the work at hand; what is done is kept. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running.keys());
  }

  #launch(name: string, onlyInterrupted: boolean): Promise<void> {
    return new Promise((begun, refused) => {
      const work = this.#work(name, onlyInterrupted, begun).catch(refused).finally(() => this.#running.delete(work));
      this.#running.set(work, name);
    });
  }

  /** Rejects only before it has begun. */
  async #work(name: string, onlyInterrupted: boolean, begun: () => void): Promise<void> {
    const startedMs = performance.now();
    const run = { hasBegun: false };
    const onProgress = (progress: BuildProgress): void => {
      run.hasBegun = true;
      this.#paces.set(name, paceAfter(this.#paces.get(name), progress, performance.now()));
      begun();
    };
    const end = (outcome: Outcome, error?: unknown): void => {
      const seconds = (performance.now() - startedMs) / 1_000;
      this.#metrics.projectionRebuildSeconds.observe({ projection: name, outcome }, seconds);
      this.#logger[outcome === 'failed' ? 'error' : 'info']({ projection: name, outcome, seconds, err: error }, 'a rebuild ended');
    };
    try {
      await this.#untilSwapped(name, () => onlyInterrupted || run.hasBegun, onProgress);
      end('swapped');
    } catch (error) {
      if (!run.hasBegun) throw error;
      end(outcomeOf(error), error);
    } finally {
      if (run.hasBegun) this.#paces.delete(name);
    }
  }

  /** Where the database is lost on the way, it goes on once that is back. */
  async #untilSwapped(name: string, onlyInterrupted: () => boolean, onProgress: (progress: BuildProgress) => void): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      try {
        await this.#read.rebuild(name, { signal, onProgress, onlyInterrupted: onlyInterrupted() });
        return;
      } catch (error) {
        if (!onlyInterrupted() || error instanceof ProjectionError || signal.aborted) throw error;
        this.#logger.warn({ err: error, projection: name }, 'a rebuild could not work and goes on in a moment');
      }
      await sleep(this.#retryDelayMs, undefined, { signal });
    }
  }
}
