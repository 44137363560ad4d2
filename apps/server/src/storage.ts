import { CommandRunner, createEventCodec, type EventCodec, type EventStore } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import type { Clock } from '@rectrail/kernel';
import { openDatabase, openLeadership, startEmbeddedPostgres, type Configuration, type Database, type Leadership, type Logger, type Metrics, type Tracing } from '@rectrail/platform';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { meteredEventStore } from './metered-event-store.ts';

/** Streams without a natural end (design.md section 6): the runner keeps them decoded. */
const cachedStreamPrefixes = ['installation', 'org-tree-', 'policy-', 'working-calendar', 'reminders-'];

/** What every role works with. */
export interface Storage {
  readonly database: Database;
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly runner: CommandRunner;
  /** Followers of which one process at a time does the work (relay, webhooks, reminders). */
  readonly leadership: Leadership;
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

/** The embedded PostgreSQL, or that of DATABASE_URL, with the event store on it. */
export const openStorage = async ({ configuration, clock, logger, metrics, tracing, opened }: StorageOptions): Promise<Storage> => {
  let url = configuration.databaseUrl;
  if (url === undefined) {
    const embedded = await startEmbeddedPostgres({ dataDir: configuration.dataDir, onLog: (line) => { logger.debug({ postgres: line.trim() }, 'postgres'); } });
    opened.defer(() => embedded.stop());
    ({ url } = embedded);
  }
  const database = await openDatabase({ url, connectionsMax: configuration.databaseConnectionsMax, onError: (error) => { logger.warn({ err: error }, 'an idle database connection was lost'); } });
  opened.defer(() => database.close());
  const postgres = await PostgresEventStore.open({ connectionString: url });
  opened.defer(() => postgres.close());
  const store = meteredEventStore(postgres, metrics, tracing);
  const codec = createEventCodec(trackingEventDefinitions);
  const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes });
  return { database, store, codec, runner, leadership: await openLeadership(database, { ttlMs: configuration.leaseMs }) };
};
