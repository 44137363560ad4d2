import 'reflect-metadata';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AccessControl } from '@rectrail/access';
import type { EventStore } from '@rectrail/event-store';
import type { MessageFeed, Webhooks } from '@rectrail/messaging';
import type { Configuration, Database, Leadership, Logger, Metrics, Tracing } from '@rectrail/platform';
import { commandDefinitions, CommandService, type ImportService, type TrackingCommandPorts } from '@rectrail/tracking-app';
import type { TrackingRead } from '@rectrail/tracking-read';
import type { Clock } from '@rectrail/kernel';
import { cosigner } from '@rectrail/transparency';
import type { FastifyInstance } from 'fastify';
import { ApplicationModule, nestLogger } from '../application.module.ts';
import type { Epochs } from '../log/epochs.ts';
import type { LogFence } from '../log/log-fence.ts';
import type { SealedLog } from '../log/sealed-log.ts';
import { asyncApiDocument } from '../openapi/asyncapi-document.ts';
import { openApiDocument } from '../openapi/openapi-document.ts';
import type { Rebuilds } from '../rebuilds.ts';
import { clockRoutes, type WatchedClock } from './clock.routes.ts';
import { commandRoutes } from './command.routes.ts';
import { contentsRoutes } from './contents.routes.ts';
import { deadLetterRoutes, type DeadLetterDesk } from './dead-letter.routes.ts';
import { OpenStreams } from './event-stream.ts';
import { createFastifyServer } from './fastify-server.ts';
import { openIdempotencyStore } from './idempotency-store.ts';
import { epochRoutes } from './epoch.routes.ts';
import { feedRoutes } from './feed.routes.ts';
import { importRoutes } from './import.routes.ts';
import { LogAnswers, logRoutes } from './log.routes.ts';
import { operationRoutes } from './operation.routes.ts';
import { ProblemFilter } from './problem.filter.ts';
import { projectionRoutes } from './projection.routes.ts';
import { readRoutes } from './read.routes.ts';
import { readDefinitions } from './read-table.ts';
import { replayRoutes } from './replay.routes.ts';
import { slipRoutes } from './slip.routes.ts';
import { subscriptionRoutes } from './subscription.routes.ts';
import { apiPath, tableController, type TableRoute } from './table-routes.ts';
import { tokenRoutes } from './token.routes.ts';
import { tracedRoutes } from './traced-routes.ts';
import { WriteRequests } from './write-request.ts';

export interface HttpApplicationOptions {
  readonly configuration: Configuration;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly clock: Clock;
  /** Null where the store stamps events itself. */
  readonly logClock: WatchedClock | null;
  readonly database: Database;
  readonly store: EventStore;
  readonly leadership: Pick<Leadership, 'followers'>;
  readonly access: AccessControl;
  readonly read: TrackingRead;
  readonly rebuilds: Rebuilds;
  readonly sealed: SealedLog;
  readonly fence: LogFence;
  readonly epochs: Epochs;
  readonly feed: MessageFeed;
  readonly webhooks: Webhooks;
  readonly imports: ImportService;
  /** Null where nothing comes from Kafka. */
  readonly deadLetters: DeadLetterDesk | null;
  readonly commandPorts: TrackingCommandPorts;
}

/** Answers that are held open, by their limits. */
interface Streams { readonly replays: OpenStreams; readonly readers: OpenStreams }

/** They end before the connections are closed, so that each tells its reader. */
const streamsOf = ({ replaysMax, feedReadersMax }: Configuration, metrics: Metrics, server: FastifyInstance): Streams => {
  const streams = {
    replays: new OpenStreams({ max: replaysMax, code: 'too-many-replays', what: 'replays' }),
    readers: new OpenStreams({
      max: feedReadersMax, each: Math.ceil(feedReadersMax / 2), code: 'too-many-readers', what: 'readers of the feed', onChange: (open) => { metrics.feedReaders.set(open); },
    }),
  };
  server.addHook('preClose', (done) => { streams.replays.shutDown(); streams.readers.shutDown(); done(); });
  return streams;
};

/** The interface proper; a process without the role `api` serves health and metrics alone. */
const apiRoutes = async (options: HttpApplicationOptions, commands: () => CommandService, { replays, readers }: Streams): Promise<readonly TableRoute[]> => {
  const { configuration, database, clock, metrics, tracing, access, store, read, rebuilds, sealed, fence, epochs, feed, webhooks, imports, deadLetters, logger } = options;
  if (!configuration.roles.includes('api')) return [];
  const log = { sealed, store, fence, witnesses: configuration.logWitnesses.map(cosigner) };
  const logAnswers = new LogAnswers(log);
  const writes = new WriteRequests(await openIdempotencyStore(database, configuration.idempotencyHours), clock);
  return [
    ...commandRoutes({ commands, writes, metrics, tracing, definitions: commandDefinitions }),
    ...readRoutes(read.queries, readDefinitions),
    ...replayRoutes({ queries: read.queries, running: replays, logger }),
    ...feedRoutes({ feed, queries: read.queries, access, readers, metrics, logger }),
    ...logRoutes(log, logAnswers),
    ...slipRoutes({ queries: read.queries, proofOf: (index) => logAnswers.inclusionFile(index, undefined) }),
    ...contentsRoutes({ store }),
    ...epochRoutes({ epochs, fence, store }),
    ...subscriptionRoutes({ webhooks, queries: read.queries }),
    ...importRoutes({ imports, writes, logger }),
    ...tokenRoutes({ access, queries: read.queries, store }),
    ...projectionRoutes({ read, store, rebuilds }),
    ...clockRoutes(options.logClock),
    ...deadLetterRoutes(deadLetters),
  ];
};

/** The Nest application, initialised but not yet listening. */
export const createHttpApplication = async (options: HttpApplicationOptions): Promise<NestFastifyApplication> => {
  const { configuration, version, logger, metrics, access, tracing } = options;
  const { server, routes } = createFastifyServer({ configuration, logger, metrics, access, tracing });
  const streams = streamsOf(configuration, metrics, server);
  const openApi = openApiDocument({ version, commands: commandDefinitions, reads: readDefinitions });
  let asyncApiMade: ReturnType<typeof asyncApiDocument> | undefined;
  const asyncApi = () => (asyncApiMade ??= asyncApiDocument({ version, topicPrefix: configuration.kafkaTopicPrefix }));
  // The routes are part of the module that also makes the service, so they ask for it when they are called.
  const commands = (): CommandService => app.get(CommandService);
  const controllers = [
    tableController('', operationRoutes({ ...options, needsReadModels: configuration.roles.some((role) => role === 'api' || role === 'projector'), readyLagSeconds: configuration.readyLagSeconds, openApi, asyncApi })),
    tableController(apiPath, tracedRoutes(tracing, apiPath, await apiRoutes(options, commands, streams))),
  ];
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class and takes any object of that shape
  const nestOptions: NestApplicationOptions = { bodyParser: false, logger: nestLogger(logger), abortOnError: false };
  const app = await NestFactory.create<NestFastifyApplication>(
    ApplicationModule.register(options.commandPorts, controllers),
    new FastifyAdapter(server),
    nestOptions,
  );
  app.useSecurityHeaders({ contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } } });
  app.useGlobalFilters(new ProblemFilter(logger, (path) => routes.methodsOf(path)));
  await app.init();
  return app;
};
