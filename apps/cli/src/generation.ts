import { setImmediate } from 'node:timers/promises';
import { HistoryRefused, PostgresEventStore } from '@rectrail/event-store-postgres';
import { eventsBesideMin, organisationsMin, provinceHistory, ProvinceRefused, spanOf, type ProvinceOptions, type RecordedEvent } from '@rectrail/generator';
import { knownCalendarYears, readConfiguration, startEmbeddedPostgres } from '@rectrail/platform';
import { UsageError } from './api-client.ts';

export type GenerationRequest = Pick<ProvinceOptions, 'events' | 'organisations' | 'growth' | 'seed' | 'until'>;

export interface GenerationProgress {
  readonly events: number;
  readonly of: number;
  readonly perSecond: number;
  /** On which the history has arrived. */
  readonly day: string;
}

export interface GenerationSurroundings {
  /** Says which database: DATABASE_URL, or the embedded one of RECTRAIL_DATA_DIR. */
  readonly env: NodeJS.ProcessEnv;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GenerationProgress) => void;
}

const countedThings = {
  organisations: 'OrgRegistered', inspections: 'FeedbackDelivered', issues: 'IssueRegistered', measures: 'MeasurePlanned', cases: 'IrregularFundsIdentified', reports: 'ReportPublished', imports: 'SourceIngested',
} as const;

export interface Generated {
  readonly dryRun: boolean;
  readonly events: number;
  readonly from: string;
  readonly until: string;
  readonly seconds: number;
  readonly things: Readonly<Record<keyof typeof countedThings, number>>;
  /** The most frequent first. */
  readonly types: readonly { readonly type: string; readonly count: number }[];
}

const progressMs = 200;

/** Counts what passes, and tells of it now and then. */
class Count {
  readonly types = new Map<string, number>();
  readonly #of: number;
  readonly #onProgress: GenerationSurroundings['onProgress'];
  readonly #since = performance.now();
  #events = 0;
  #told = 0;

  constructor(of: number, onProgress: GenerationSurroundings['onProgress']) {
    this.#of = of;
    this.#onProgress = onProgress;
  }

  get seconds(): number {
    return (performance.now() - this.#since) / 1_000;
  }

  add(batch: readonly RecordedEvent[]): void {
    for (const { type } of batch) this.types.set(type, (this.types.get(type) ?? 0) + 1);
    this.#events += batch.length;
    const last = batch.at(-1);
    if (last === undefined || performance.now() - this.#told < progressMs) return;
    this.#told = performance.now();
    this.#onProgress({ events: this.#events, of: this.#of, perSecond: this.#events / this.seconds, day: last.recordedAt.slice(0, 10) });
  }
}

/** As they are asked for, the load having its turns between them; ends where the signal says so. */
async function* countedBatches(request: GenerationRequest, jurisdiction: string, { signal }: GenerationSurroundings, count: Count): AsyncGenerator<readonly RecordedEvent[]> {
  for (const batch of provinceHistory({ ...request, calendar: knownCalendarYears(), jurisdiction })) {
    signal.throwIfAborted();
    count.add(batch);
    yield await Promise.resolve(batch);
  }
}

const notEmpty = (): UsageError => new UsageError(
  'the log has events already: a province is generated into an empty one. Potential solutions: another --data-dir, or another DATABASE_URL',
  '日志中已有事件：只能在空库中生成。请改用其他 --data-dir 或 DATABASE_URL',
);

/** The database that a server with this environment would open. */
const openStore = async (configuration: ReturnType<typeof readConfiguration>, opened: AsyncDisposableStack): Promise<PostgresEventStore> => {
  let url = configuration.databaseUrl;
  if (url === undefined) {
    const embedded = await startEmbeddedPostgres({ dataDir: configuration.dataDir });
    opened.defer(() => embedded.stop());
    ({ url } = embedded);
  }
  const store = await PostgresEventStore.open({ connectionString: url });
  opened.defer(() => store.close());
  return store;
};

/** In turns with whatever else waits: a signal is heard between two batches. */
const drain = async (batches: AsyncIterable<unknown>): Promise<void> => {
  const iterator = batches[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true) await setImmediate();
};

/** @throws UsageError where the log is not empty or the options make no province; what the signal gives as its reason */
export const generate = async (request: GenerationRequest, surroundings: GenerationSurroundings): Promise<Generated> => {
  const { dryRun, env, onProgress } = surroundings;
  const configuration = readConfiguration(env);
  const count = new Count(request.events, onProgress);
  const batches = countedBatches(request, configuration.jurisdiction, surroundings, count);
  try {
    if (dryRun) await drain(batches);
    else {
      await using opened = new AsyncDisposableStack();
      await (await openStore(configuration, opened)).loadHistory(batches);
    }
  } catch (error) {
    if (error instanceof HistoryRefused && error.code === 'log-not-empty') throw notEmpty();
    if (error instanceof ProvinceRefused) throw new UsageError(error.message, `单位不少于 ${organisationsMin} 个，事件数至少比单位数多 ${eventsBesideMin}`);
    throw error;
  }
  const { types, seconds } = count;
  return {
    dryRun, events: request.events, ...spanOf(request), seconds,
    things: Object.fromEntries(Object.entries(countedThings).map(([name, type]) => [name, types.get(type) ?? 0])) as Generated['things'],
    types: [...types].map(([type, number]) => ({ type, count: number })).sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1)),
  };
};
