import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreError } from '@rectrail/event-store';
import type { Database, LeadOptions, Leadership, Logger } from '@rectrail/platform';
import { contradictionOf, contradictionsSince, keepContradiction, type Contradiction, type OwnLog, type Sighting } from './sightings.ts';

/**
 * `open`: the log may be written to, and spoken for. `behind`: somebody outside has seen it otherwise, so that positions of it are known for other events: an older copy.
 * `superseded`: another process has begun a later epoch; this one is to start again.
 */
export type LogState = 'open' | 'behind' | 'superseded';

export interface LogStanding {
  readonly state: LogState;
  /** What was seen, the farthest first; empty unless `behind`. */
  readonly contradictions: readonly Contradiction[];
}

const channel = 'rectrail_log_standing';
const open: LogStanding = { state: 'open', contradictions: [] };

const seenBy = { folder: 'the folder of checkpoints', kafka: 'Kafka', witness: 'a witness', operator: 'an operator' } as const;

/** For whoever reads the log of the server, or is refused. */
export const standingText = ({ state, contradictions: [farthest] }: LogStanding): string => {
  if (state === 'open') return 'the log may be written to';
  if (state === 'superseded') return 'another epoch of the log has begun: this process is to start again';
  const { sighting: { by, size, epoch } = { by: 'operator', size: 0, epoch: 0 } as const, reason = 'shorter' } = farthest ?? {};
  const what = reason === 'other' ? `has seen other events than these among the first ${size}` : reason === 'shorter' ? `has seen ${size} events, more than there are here` : `has seen the later epoch ${epoch}`;
  return `${seenBy[by]} ${what}: this is an older copy of the log, and read-only. Potential solutions: put the newest copy in its place; begin a new epoch (rectrail epoch new, docs/how-to/back-up-and-restore.md)`;
};

export interface LogFenceOptions {
  readonly database: Database;
  readonly log: OwnLog;
  /** Of the database, which may have gone on to another than that of `log`. */
  readonly newestEpoch: () => Promise<number>;
  readonly logger: Logger;
  /** Between two looks where the database is away, ms; default 1,000. */
  readonly retryMs?: number;
}

/** Keeps an older copy of the log from writing and from speaking, in every process on its database. */
export class LogFence {
  readonly #options: LogFenceOptions;
  #standing: LogStanding = open;
  /** Until those outside who can be asked have been: nothing is written meanwhile. */
  #asking: Promise<void> = Promise.resolve();
  /** Aborts where the log is open no longer. */
  #opened = new AbortController();
  #changed = Promise.withResolvers<undefined>();
  #looking: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  readonly #listener: { close(): Promise<void> };

  /** Knows what was found by any process before. */
  static async open(options: LogFenceOptions): Promise<LogFence> {
    const fence = new LogFence(options);
    await fence.refresh();
    return fence;
  }

  private constructor(options: LogFenceOptions) {
    this.#options = options;
    this.#listener = options.database.listen(channel, () => {
      // A lost connection may be followed by one to another copy of the database.
      options.log.sealed.forget();
      void this.#lookUntilSeen();
    });
  }

  get standing(): LogStanding {
    return this.#standing;
  }

  /** Resolves once another epoch has begun. */
  async untilSuperseded(): Promise<void> {
    while (this.#standing.state !== 'superseded') await this.#changed.promise;
  }

  /** One look after another: what was read before the log was closed must not open it. */
  refresh(): Promise<void> {
    const look = (): Promise<void> => this.#look();
    this.#looking = this.#looking.then(look, look);
    return this.#looking;
  }

  /** Holds what was seen against the log. What contradicts it closes it, for every process on the database. */
  async see(sightings: readonly Sighting[]): Promise<LogStanding> {
    const { database, log } = this.#options;
    for (const sighting of sightings) {
      const contradiction = await contradictionOf(sighting, log);
      if (contradiction !== null) await keepContradiction(database, contradiction);
    }
    await this.refresh();
    if (this.#standing.state !== 'open') await database.query('select pg_notify($1, $2)', [channel, '']);
    return this.#standing;
  }

  /** Everybody on the database looks anew. */
  async announce(): Promise<void> {
    await this.#options.database.query('select pg_notify($1, $2)', [channel, '']);
  }

  /** Nothing is written before `asking` has ended, in one way or the other. */
  waitFor(asking: Promise<unknown>): void {
    this.#asking = Promise.all([this.#asking, asking.catch(() => undefined)]).then(() => undefined);
  }

  /** @throws EventStoreError `log-read-only` */
  async assertOpen(): Promise<void> {
    await this.#asking;
    if (this.#standing.state !== 'open') throw new EventStoreError('log-read-only', standingText(this.#standing));
  }

  /** Leads only while the log is open: whoever tells others, signs or issues notices does so as a leader. */
  guardedLeadership(leadership: Leadership): Leadership {
    const lead = async (options: LeadOptions): Promise<void> => {
      while (!options.signal.aborted) {
        const opened = await this.#whileOpen(options.signal);
        if (opened !== null) await leadership.lead({ ...options, signal: AbortSignal.any([options.signal, opened]) });
      }
    };
    return { lead, followers: () => leadership.followers() };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#listener.close();
  }

  async #look(): Promise<void> {
    const { database, log: { identity }, newestEpoch } = this.#options;
    if (await newestEpoch() > identity.epoch) {
      this.#become({ state: 'superseded', contradictions: [] });
      return;
    }
    const contradictions = await contradictionsSince(database, identity.epoch);
    this.#become(contradictions.length === 0 ? open : { state: 'behind', contradictions });
  }

  /** Word of another process comes once: it is not missed where the database is away just then. */
  async #lookUntilSeen(): Promise<void> {
    const { logger, retryMs = 1_000 } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      try {
        await this.refresh();
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'whether the log may be written to could not be read, and is looked for again');
      }
      // All that it rejects with is the abort.
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A signal that aborts once the log is open no longer; null where `signal` has aborted meanwhile. */
  async #whileOpen(signal: AbortSignal): Promise<AbortSignal | null> {
    const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve(); }, { once: true }); });
    await Promise.race([this.#asking, aborted]);
    while (!signal.aborted && this.#standing.state !== 'open') await Promise.race([this.#changed.promise, aborted]);
    return signal.aborted ? null : this.#opened.signal;
  }

  #become(standing: LogStanding): void {
    const before = this.#standing;
    this.#standing = standing;
    if (before.state === standing.state) return;
    if (standing.state === 'open') this.#opened = new AbortController();
    else {
      this.#opened.abort();
      this.#options.logger.error({ state: standing.state }, standingText(standing));
    }
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }
}
