import { setTimeout as sleep } from 'node:timers/promises';
import { BenchProcess } from '../process.ts';
import { withClient } from '../server.ts';
import { quantile } from '../statistics.ts';
import { labelOf, type DatasetPlan } from './datasets.ts';
import type { Figure, FigureRow } from '../results.ts';
import type { ServerProcess } from './server-process.ts';
import { writtenPlans, type Stage } from './stage.ts';
import type { WriterMethods } from './writer-worker.ts';

/** Caches fill and plans are made before anything is measured beside the writer. */
const settleMs = 3_000;
/** A writer that falls so far short of its pace is no writer of that pace. */
const paceShareMin = 0.97;
const lagSampleMs = 50;
const lagMsMax = 1_000;
const drainMsMax = 120_000;
/** A server that has just begun compiles, and reads what it will keep: what it holds then is no pace of its own. */
const warmingMs = 10_000;
const warmingPace = 300;
const firstPace = 1_000;
const paceStep = 1.4;
const halvings = 2;

type Writer = BenchProcess<WriterMethods>;

interface OnWritten { readonly server: ServerProcess; readonly writer: Writer }

/** The server of a history, and a writer of what comes next in it. The history has grown by that afterwards. */
const onWritten = async <T>({ datasets, servers }: Stage, plan: DatasetPlan, use: (on: OnWritten) => Promise<T>): Promise<T> => {
  await datasets.sealed(plan);
  const dataset = await datasets.readable(plan);
  const { url, tailFile, tailFrom } = dataset;
  const [server] = await servers.only([dataset], 'api,projector');
  if (server === undefined) throw new Error('no server runs');
  const writer: Writer = new BenchProcess('scale/writer-worker');
  try {
    await writer.ask('open', { url, tailFile, tailFrom });
    try {
      return await use({ server, writer });
    } finally {
      // Where the writer is gone the log has more than is noted of it, and is made anew the next time.
      await datasets.written(dataset, (await writer.ask('close')).tailFrom);
    }
  } finally {
    writer.kill();
    await servers.only([]);
  }
};

/** @throws Error where the writer could not hold its pace. */
export const besideWriter = <T>(stage: Stage, plan: DatasetPlan, eventsPerSecond: number, use: (server: ServerProcess) => Promise<T>): Promise<T> =>
  onWritten(stage, plan, async ({ server, writer }) => {
    await writer.ask('pace', eventsPerSecond);
    await sleep(settleMs);
    const began = performance.now();
    const before = await writer.ask('written');
    const result = await use(server);
    const { acknowledged, exhausted } = await writer.ask('written');
    const pace = (acknowledged - before.acknowledged) / ((performance.now() - began) / 1_000);
    if (exhausted) throw new Error(`${labelOf(plan)}: the writer came to the end of its ${plan.tailEvents} events`);
    if (pace < eventsPerSecond * paceShareMin) throw new Error(`${labelOf(plan)}: the writer came to ${pace.toFixed(0)} events/s`);
    return result;
  });

/** Age of the oldest event that some projection has not taken in, milliseconds by the clock of PostgreSQL; 0 where there is none. */
const lagSql = `
  select coalesce((select extract(epoch from clock_timestamp()) * 1000 - e.recorded_ms from rectrail_events.events e
    where e.position = (select min(c.position) + 1 from rectrail_read.projection_checkpoint c where c.generation = 'live')), 0)::float8 as ms`;

interface Pace { readonly eventsPerSecond: number; readonly reached: number; readonly lagMsMax: number; readonly lagMsMedian: number; readonly held: boolean }

/** Looks for the greatest pace of appends at which the lag of all projections together stays under a second. */
class PaceSearch {
  readonly #writer: Writer;
  readonly #lagMs: () => Promise<number>;
  readonly paces: Pace[] = [];
  exhausted = false;

  constructor(writer: Writer, lagMs: () => Promise<number>) {
    this.#writer = writer;
    this.#lagMs = lagMs;
  }

  /** Rises by steps until one is too many, halves the gap, and holds what was found for a while; less where that was luck. 0 where none was held. */
  async greatest(paceMs: number, lastPaceMs: number): Promise<number> {
    await this.#writer.ask('pace', warmingPace);
    await sleep(warmingMs);
    await this.#writer.ask('pace', 0);
    let [held, tooMany] = [0, Number.POSITIVE_INFINITY];
    const attempt = async (pace: number): Promise<void> => {
      if (await this.#hold(pace, paceMs)) held = pace;
      else tooMany = pace;
    };
    for (let pace = firstPace; tooMany === Number.POSITIVE_INFINITY && !this.exhausted; pace *= paceStep) await attempt(Math.round(pace));
    for (let n = 0; n < halvings && tooMany !== Number.POSITIVE_INFINITY && !this.exhausted; n++) await attempt(Math.round((held + tooMany) / 2));
    while (held > 0 && !this.exhausted && !(await this.#hold(held, lastPaceMs))) held = Math.round(held / Math.sqrt(paceStep));
    return held;
  }

  async #hold(eventsPerSecond: number, forMs: number): Promise<boolean> {
    await this.#drain();
    const before = await this.#writer.ask('written');
    await this.#writer.ask('pace', eventsPerSecond);
    const began = performance.now();
    const lags: number[] = [];
    while (performance.now() - began < forMs) {
      lags.push(await this.#lagMs());
      await sleep(lagSampleMs);
    }
    const { acknowledged, exhausted } = await this.#writer.ask('written');
    await this.#writer.ask('pace', 0);
    this.exhausted = exhausted;
    const reached = (acknowledged - before.acknowledged) / ((performance.now() - began) / 1_000);
    const greatest = Math.max(...lags);
    const held = !exhausted && greatest < lagMsMax && reached >= eventsPerSecond * paceShareMin;
    const lagMsMedian = Math.round(quantile(lags.toSorted((a, b) => a - b), 0.5));
    this.paces.push({ eventsPerSecond, reached: Math.round(reached), lagMsMax: Math.round(greatest), lagMsMedian, held });
    return held;
  }

  /** @throws Error where the projections do not come to the end in good time. */
  async #drain(): Promise<void> {
    const deadline = performance.now() + drainMsMax;
    while (await this.#lagMs() > 0) {
      if (performance.now() > deadline) throw new Error('the projections do not catch up with a log at rest');
      await sleep(lagSampleMs);
    }
  }
}

const livePaceMin = 1_500;

/** All projections of one server together, on the history that is written on. */
export const measureLiveProjection = async (stage: Stage): Promise<FigureRow> => {
  const [plan] = writtenPlans(stage.options);
  const { url } = await stage.datasets.log(plan);
  const { pace, paces, exhausted } = await onWritten(stage, plan, ({ writer }) => withClient(url, async (client) => {
    const search = new PaceSearch(writer, async () => (await client.query<{ ms: number }>(lagSql)).rows[0]?.ms ?? 0);
    return { pace: await search.greatest(stage.options.paceMs, stage.options.lastPaceMs), paces: search.paces, exhausted: search.exhausted };
  }));
  const last = paces.findLast((one) => one.held && one.eventsPerSecond === pace);
  const figures: Figure[] = [
    { label: `greatest pace at which the lag of all projections stays under a second${exhausted ? ' (the history ended before it was too much)' : ''}`, value: pace, unit: 'events/s', aim: { atLeast: livePaceMin } },
    { label: 'greatest lag at that pace', value: last?.lagMsMax ?? 0, unit: 'ms', aim: null },
    { label: 'median lag at that pace', value: last?.lagMsMedian ?? 0, unit: 'ms', aim: null },
  ];
  return { kind: 'figures', key: 'live', title: `live projection, ${labelOf(plan)}`, figures, raw: paces };
};
