import 'reflect-metadata';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AccessControl } from '@rectrail/access';
import type { EventStore } from '@rectrail/event-store';
import type { Configuration, Database, Leadership, Logger, Metrics } from '@rectrail/platform';
import { commandDefinitions, CommandService, type ImportService, type TrackingCommandPorts } from '@rectrail/tracking-app';
import type { TrackingRead } from '@rectrail/tracking-read';
import type { Clock } from '@rectrail/kernel';
import { ApplicationModule, nestLogger } from '../application.module.ts';
import { openApiDocument } from '../openapi/openapi-document.ts';
import type { Rebuilds } from '../rebuilds.ts';
import { commandRoutes } from './command.routes.ts';
import { OpenStreams } from './event-stream.ts';
import { createFastifyServer } from './fastify-server.ts';
import { openIdempotencyStore } from './idempotency-store.ts';
import { importRoutes } from './import.routes.ts';
import { operationRoutes } from './operation.routes.ts';
import { ProblemFilter } from './problem.filter.ts';
import { projectionRoutes } from './projection.routes.ts';
import { readRoutes } from './read.routes.ts';
import { readDefinitions } from './read-table.ts';
import { replayRoutes } from './replay.routes.ts';
import { apiPath, tableController, type TableRoute } from './table-routes.ts';
import { tokenRoutes } from './token.routes.ts';
import { WriteRequests } from './write-request.ts';

export interface HttpApplicationOptions {
  readonly configuration: Configuration;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly database: Database;
  readonly store: EventStore;
  readonly leadership: Pick<Leadership, 'followers'>;
  readonly access: AccessControl;
  readonly read: TrackingRead;
  readonly rebuilds: Rebuilds;
  readonly imports: ImportService;
  readonly commandPorts: TrackingCommandPorts;
}

/** The interface proper; a process without the role `api` serves health and metrics alone. */
const apiRoutes = async (options: HttpApplicationOptions, commands: () => CommandService, running: OpenStreams): Promise<readonly TableRoute[]> => {
  const { configuration, database, clock, metrics, access, store, read, rebuilds, imports, logger } = options;
  if (!configuration.roles.includes('api')) return [];
  const writes = new WriteRequests(await openIdempotencyStore(database, configuration.idempotencyHours), clock);
  return [
    ...commandRoutes({ commands, writes, metrics, definitions: commandDefinitions }),
    ...readRoutes(read.queries, readDefinitions),
    ...replayRoutes({ queries: read.queries, running, logger }),
    ...importRoutes({ imports, writes, logger }),
    ...tokenRoutes({ access, queries: read.queries, store }),
    ...projectionRoutes({ read, store, rebuilds }),
  ];
};

/** The Nest application, initialised but not yet listening. */
export const createHttpApplication = async (options: HttpApplicationOptions): Promise<NestFastifyApplication> => {
  const { configuration, version, logger, metrics, access } = options;
  const { server, routes } = createFastifyServer({ configuration, logger, metrics, access });
  const replays = new OpenStreams({ max: configuration.replaysMax, code: 'too-many-replays', what: 'replays' });
  server.addHook('preClose', (done) => { replays.shutDown(); done(); });
  const openApi = openApiDocument({ version, commands: commandDefinitions, reads: readDefinitions });
  // The routes are part of the module that also makes the service, so they ask for it when they are called.
  const commands = (): CommandService => app.get(CommandService);
  const controllers = [
    tableController('', operationRoutes({ ...options, needsReadModels: configuration.roles.some((role) => role === 'api' || role === 'projector'), readyLagSeconds: configuration.readyLagSeconds, openApi })),
    tableController(apiPath, await apiRoutes(options, commands, replays)),
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
