import { CommandRunner, createEventCodec, type EventCodec, type EventStore } from '@rectrail/event-store';
import { KurrentEventStore } from '@rectrail/event-store-kurrentdb';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import type { Clock } from '@rectrail/kernel';
import { answerMsMax, openDatabase, openLeadership, startEmbeddedPostgres, withoutValues, type Configuration, type Database, type Leadership, type Logger, type Metrics, type Tracing } from '@rectrail/platform';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { Epochs } from './log/epochs.ts';
import { leavesOfStore } from './log/kept-tree.ts';
import { LogFence } from './log/log-fence.ts';
import { SealedLog } from './log/sealed-log.ts';
import type { OwnLog } from './log/sightings.ts';
import type { WatchedClock } from './http/clock.routes.ts';
import { meteredEventStore } from './metered-event-store.ts';

/** Streams without a natural end (design.md section 6): the runner keeps them decoded. */
const cachedStreamPrefixes = ['installation', 'org-tree-', 'policy-', 'working-calendar', 'reminders-'];

/** What every role works with. */
export interface Storage {
  readonly database: Database;
  /** Refuses appends where the log is an older copy. */
  readonly store: EventStore;
  /** Null where the store stamps events itself. */
  readonly logClock: WatchedClock | null;
  readonly codec: EventCodec;
  readonly runner: CommandRunner;
  /** Followers of which one process at a time does the work (relay, webhooks, reminders), none where the log is an older copy. */
  readonly leadership: Leadership;
  readonly sealed: SealedLog;
  readonly fence: LogFence;
  readonly epochs: Epochs;
}

export interface StorageOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Takes what is to be closed again. */
  readonly opened: AsyncDisposableStack;
}

/** Each engine leaves its own trace in the database: a log is begun once, and a start with the other engine would go on with an empty one. */
const checkEngine = async (database: Database, isKurrent: boolean): Promise<void> => {
  const other = isKurrent ? 'rectrail_events.events' : 'rectrail_kurrentdb.epochs';
  const { rows: [there] } = await database.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [other]);
  if (there?.exists !== true || (await database.query(`select from ${other} limit 1`)).rows.length === 0) return;
  throw new Error(isKurrent
    ? 'this database keeps events itself, and EVENT_STORE_URL is set. Potential solutions: unset it; use another DATABASE_URL to begin an installation on KurrentDB (events are not moved)'
    : 'the events of this database are in KurrentDB, and EVENT_STORE_URL is not set. Potential solutions: set it; use another DATABASE_URL to begin an installation of its own');
};

interface Engine {
  readonly store: EventStore;
  readonly logClock: WatchedClock | null;
  readonly newestEpoch: () => Promise<number>;
  /** Null where epochs cannot be begun: KurrentDB keeps the events, and a database put back beside it numbers them anew as they are. */
  readonly beginEpoch: ((epoch: number) => Promise<void>) | null;
}

interface EngineOptions extends Pick<StorageOptions, 'configuration' | 'logger'> { readonly database: Database; readonly leadership: Leadership }

/** The log of the installation: PostgreSQL's, or that of EVENT_STORE_URL. */
const openEngine = async ({ configuration, logger, database, leadership }: EngineOptions): Promise<Engine> => {
  const { eventStoreUrl, databaseTimeoutMs } = configuration;
  await checkEngine(database, eventStoreUrl !== undefined);
  if (eventStoreUrl === undefined) {
    const store = await PostgresEventStore.open({ connectionString: database.url, connectTimeoutMs: databaseTimeoutMs, appendTimeoutMs: answerMsMax(databaseTimeoutMs) });
    const { fsync, fullPageWrites } = store.server;
    if (fsync !== 'on' || fullPageWrites !== 'on') logger.warn({ fsync, fullPageWrites }, 'PostgreSQL does not flush what it says it has stored: a power loss may take acknowledged events');
    return { store, logClock: store, newestEpoch: () => store.newestEpoch(), beginEpoch: (epoch) => store.beginEpoch(epoch) };
  }
  const store = await KurrentEventStore.open({
    log: eventStoreUrl, database, leadership, appendBytesMax: configuration.eventStoreAppendBytesMax,
    onFailure: (error) => { logger.error({ err: error }, 'the log of KurrentDB is not numbered and is tried again'); },
  });
  logger.info({ version: store.serverVersion }, 'events are kept in KurrentDB');
  return { store, logClock: null, newestEpoch: async () => (await store.identity()).epoch, beginEpoch: null };
};

/** The embedded PostgreSQL, or that of DATABASE_URL, with the event store on it or beside it. */
export const openStorage = async ({ configuration, clock, logger, metrics, tracing, opened }: StorageOptions): Promise<Storage> => {
  let url = configuration.databaseUrl;
  if (url === undefined) {
    const embedded = await startEmbeddedPostgres({
      dataDir: configuration.dataDir,
      onLog: (line) => { logger.debug({ postgres: withoutValues(line.trim()) }, 'postgres'); },
      onEnded: (lastWords) => { logger.error({ postgres: withoutValues(lastWords) }, 'the embedded PostgreSQL ended by itself and is started again'); },
    });
    opened.defer(() => embedded.stop());
    ({ url } = embedded);
  }
  const database = await openDatabase({
    url, connectionsMax: configuration.databaseConnectionsMax, timeoutMs: configuration.databaseTimeoutMs,
    onError: (error) => { logger.warn({ err: error }, 'an idle database connection was lost'); },
  });
  opened.defer(() => database.close());
  const leadership = await openLeadership(database, { ttlMs: configuration.leaseMs });
  const { store: engine, logClock, newestEpoch, beginEpoch } = await openEngine({ configuration, logger, database, leadership });
  opened.defer(() => engine.close());
  const sealed = await SealedLog.open(database);
  const log: OwnLog = { identity: await engine.identity(), sealed, leavesOf: leavesOfStore(engine), head: async () => (await engine.head()).position };
  const fence = await LogFence.open({ database, log, newestEpoch, logger });
  opened.defer(() => fence.close());
  const store = meteredEventStore(engine, metrics, tracing, () => fence.assertOpen());
  const codec = createEventCodec(trackingEventDefinitions);
  const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes });
  const epochs = new Epochs({ engine, codec, clock, log, fence, newestEpoch, beginEpoch });
  return { database, store, logClock, codec, runner, leadership: fence.guardedLeadership(leadership), sealed, fence, epochs };
};
