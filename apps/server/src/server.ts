import { readFile } from 'node:fs/promises';
import { createAccessControl, keepAdministratorToken, openPostgresTokenStore, type AccessControl } from '@rectrail/access';
import { instantOfMs, type Clock, type SubscriptionId } from '@rectrail/kernel';
import { AddressGuard, createMessageFeed, sourceOf, type LogCheckpointData, type MessageFeed } from '@rectrail/messaging';
import { createLogger, createMetrics, knownCalendarYears, type Configuration, type Database, type Logger } from '@rectrail/platform';
import { bootstrap, CommandService, createImportService } from '@rectrail/tracking-app';
import { openTrackingRead, type TrackingRead } from '@rectrail/tracking-read';
import { createHttpApplication } from './http/http-application.ts';
import { openDeadLetterDesk, startKafkaCommands } from './kafka/commands.ts';
import { startKafkaRelay, type RelayOptions } from './kafka/relay.ts';
import { kafkaLog, readKafkaSettings } from './kafka/settings.ts';
import { CheckpointFolder } from './log/checkpoint-folder.ts';
import { openLogKeys, originOf } from './log/log-key.ts';
import { lookOutside } from './log/outside.ts';
import { startSealer } from './log/sealer.ts';
import { Rebuilds } from './rebuilds.ts';
import { logTime, startReminders } from './reminders.ts';
import { openStorage, type Storage } from './storage.ts';
import { configuredTracing } from './tracing.ts';
import { openServerWebhooks } from './webhooks.ts';

const systemClock: Clock = { now: () => instantOfMs(Date.now()) };

/** Of the application's package, which lies beside `src` as beside `dist`. */
const packageVersion = async (): Promise<string> => {
  const parsed: unknown = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string') return parsed.version;
  throw new Error('apps/server/package.json names no version');
};

export interface RunningServer {
  /** `http://host:port`, the port as taken. */
  readonly url: string;
  /** Null where this process serves no API. */
  readonly adminTokenFile: string | null;
  /** Resolves where another epoch of the log has begun: it is to be closed, and started again. */
  readonly superseded: Promise<void>;
  /** Takes no new requests, lets running ones end within the grace, then stops everything in the reverse order of its start. */
  close(): Promise<void>;
}

const openReadModels = async ({ database, store, codec }: Storage, configuration: Configuration, logger: Logger, opened: AsyncDisposableStack): Promise<TrackingRead> => {
  const read = await openTrackingRead({
    connectionString: database.url, store, codec, clock: systemClock, zone: configuration.zone, timeoutMs: configuration.databaseTimeoutMs,
    onFailure: (projection, at, error) => { logger.error({ err: error, projection, position: at }, at === null ? 'a projection could not work and tries again' : 'a projection stopped'); },
  });
  opened.defer(() => read.stop());
  if (configuration.roles.includes('projector')) read.start();
  return read;
};

/** Processes that start at the same time and share a data directory would else each make a token, and revoke the other's. */
const adminTokenLane = `select pg_advisory_xact_lock(hashtextextended('rectrail_admin_token', 0))`;

const keepAdminTokenAlone = (database: Database, access: AccessControl, dataDir: string): Promise<string> => database.transaction(async (query) => {
  await query(adminTokenLane);
  return keepAdministratorToken(access, dataDir);
});

/** Running requests get `graceMs`; then their connections are cut, so that a shutdown ends. */
const closeWithin = async (app: Awaited<ReturnType<typeof createHttpApplication>>, graceMs: number): Promise<void> => {
  const cut = setTimeout(() => { app.getHttpAdapter().getInstance().server.closeAllConnections(); }, graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
};

/** Of this epoch, with what it goes on from. */
const checkpointToTell = async ({ sealed, epochs, store }: Storage, feed: MessageFeed): Promise<LogCheckpointData | null> => {
  const [source, identity, newest] = [await feed.source(), await store.identity(), await sealed.checkpoint()];
  if (newest === null || !newest.note.startsWith(`${originOf(identity)}\n`)) return null;
  const begun = (await epochs.begun()).find(({ epoch }) => epoch === identity.epoch);
  const continues = begun === undefined ? null : { source: sourceOf({ ...identity, epoch: begun.previous.epoch }), position: begun.previous.size };
  return { source, position: newest.size, checkpoint: newest.note, continues };
};

/** What tells others, in a process of the role `relay`. */
const startRelays = async (configuration: Configuration, ports: Omit<RelayOptions, 'configuration' | 'settings'>, opened: AsyncDisposableStack): Promise<void> => {
  if (!configuration.roles.includes('relay')) return;
  const settings = await readKafkaSettings(configuration);
  if (settings === null) {
    ports.logger.info('no Kafka brokers are configured: the relay to Kafka is off');
    return;
  }
  const relay = startKafkaRelay({ configuration, settings, ...ports });
  opened.defer(() => relay.close());
};

interface SealingOptions {
  readonly storage: Storage;
  /** Null where no checkpoints are published as files. */
  readonly folder: CheckpointFolder | null;
  readonly configuration: Configuration;
  readonly logger: Logger;
}

/**
 * The role `projector`, which no installation lacks: a role of its own would be left out where roles are listed, and the log would stand unsealed without anybody's doing.
 */
const startSealing = async ({ storage, folder, configuration, logger }: SealingOptions, opened: AsyncDisposableStack): Promise<void> => {
  const { database, store, leadership, sealed, fence } = storage;
  if (!configuration.roles.includes('projector')) return;
  const signers = await openLogKeys({ database, configuration, identity: await store.identity() });
  if (signers.length === 0) {
    logger.error([
      'this process has no key of this epoch of the log: it seals nothing.',
      'Potential solutions: share the data directory; give the key by RECTRAIL_LOG_KEY_FILE; where the epoch is new, give none, and one is made in the data directory',
    ].join(' '));
    return;
  }
  const publish = async (note: string): Promise<void> => {
    try {
      const ahead = await folder?.publish(note, () => sealed.keys()) ?? null;
      if (ahead !== null) await fence.see([ahead]);
    } catch (error) {
      logger.error({ err: error }, 'a checkpoint of the log could not be published; the next one is tried');
    }
  };
  const sealer = startSealer({
    store, sealed, leadership, signers, publish, onFailure: (error) => { logger.error({ err: error }, 'the sealing of the log was broken off and begins again'); },
  });
  opened.defer(() => sealer.close());
};

/** Before anything is written: whether others have seen more of the log than this database holds. */
const lookAround = async ({ store, fence }: Storage, configuration: Configuration, logger: Logger, opened: AsyncDisposableStack): Promise<CheckpointFolder | null> => {
  const { logId } = await store.identity();
  const folder = configuration.logPublishDir === undefined ? null : new CheckpointFolder(configuration.logPublishDir, logId);
  const settings = await readKafkaSettings(configuration);
  await lookOutside({ logId, fence, folder, kafka: settings === null ? null : { settings, log: kafkaLog(logger) }, logger }, opened);
  return folder;
};

const start = async (configuration: Configuration, logger: Logger, opened: AsyncDisposableStack): Promise<Omit<RunningServer, 'close'>> => {
  const metrics = createMetrics();
  const version = await packageVersion();
  const tracing = configuredTracing(configuration, version, logger);
  opened.defer(() => tracing.close());
  const storage = await openStorage({ configuration, clock: systemClock, logger, metrics, tracing, opened });
  const { database, store, runner, leadership, sealed, fence } = storage;
  const folder = await lookAround(storage, configuration, logger, opened);
  const { zone } = await bootstrap({ runner, zone: configuration.zone, jurisdiction: configuration.jurisdiction, calendarYears: knownCalendarYears() });
  if (zone !== configuration.zone) logger.warn({ zone, configured: configuration.zone }, 'the zone was fixed by the first start; the configured one is ignored');
  await startSealing({ storage, folder, configuration, logger }, opened);
  const read = await openReadModels(storage, { ...configuration, zone }, logger, opened);
  const rebuilds = new Rebuilds({ read, logger, metrics });
  opened.defer(() => rebuilds.close());
  if (configuration.roles.includes('projector')) rebuilds.watch();
  const access = createAccessControl(await openPostgresTokenStore(database), systemClock);
  const adminTokenFile = configuration.roles.includes('api') ? await keepAdminTokenAlone(database, access, configuration.dataDir) : null;
  const feed = createMessageFeed({ store, codec: storage.codec, zone });
  const guard = new AddressGuard({ allowedNetworks: configuration.webhookAllowedNetworks });
  const { webhooks, ...delivery } = await openServerWebhooks({ configuration, storage, feed, guard, queries: read.queries, clock: systemClock, logger, metrics, tracing });
  opened.defer(() => delivery.close());
  const { webhookSubscriptionsMax } = configuration;
  const ports = {
    runner, store, lookups: read.lookups, zone, endpointFault: (url: string) => guard.endpointFault(url),
    subscriptionsFull: async (made: readonly SubscriptionId[]) => (await webhooks.count(made) + made.length > webhookSubscriptionsMax ? webhookSubscriptionsMax : null),
    alone: <T>(work: () => Promise<T>) => webhooks.alone(work),
  };
  const app = await createHttpApplication({
    configuration, version, logger, metrics, tracing, clock: systemClock, logClock: storage.logClock, database, store, leadership, access, read, rebuilds, sealed, fence,
    epochs: storage.epochs, feed, webhooks,
    imports: createImportService(ports), commandPorts: ports, deadLetters: await openDeadLetterDesk(configuration, database, logger),
  });
  if (configuration.roles.includes('scheduler')) {
    const reminders = startReminders({ ports: { runner, store, queries: read.queries, now: logTime(storage.logClock, systemClock), zone }, leadership, logger, metrics });
    opened.defer(() => reminders.close());
  }
  await startRelays(configuration, { feed, logCheckpoint: () => checkpointToTell(storage, feed), leadership, logger, metrics, tracing }, opened);
  opened.defer(() => closeWithin(app, configuration.shutdownGraceMs));
  const kafkaCommands = await startKafkaCommands({ configuration, database, access, clock: systemClock, commands: () => app.get(CommandService), metrics, tracing, logger });
  if (kafkaCommands !== null) opened.defer(() => kafkaCommands.close());
  await app.listen(configuration.port, configuration.host);
  const url = (await app.getUrl()).replace(/\/$/, '');
  return { url, adminTokenFile, superseded: fence.untilSuperseded() };
};

/**
 * Starts everything that this process is to do, in the order of dependence: database, event store, first events, read models,
 * tokens, HTTP. What was started is stopped again where a later step fails.
 */
export const startServer = async (configuration: Configuration, logger: Logger = createLogger({ level: configuration.logLevel })): Promise<RunningServer> => {
  const opened = new AsyncDisposableStack();
  try {
    return { ...await start(configuration, logger, opened), close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};
