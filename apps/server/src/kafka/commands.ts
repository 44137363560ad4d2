import type { Clock } from '@rectrail/kernel';
import { DeadLetters, startCommandConsumer, type CommandConsumer } from '@rectrail/messaging';
import type { Configuration, Database, Logger } from '@rectrail/platform';
import type { CommandService } from '@rectrail/tracking-app';
import type { DeadLetterDesk } from '../http/dead-letter.routes.ts';
import { openIdempotencyStore } from '../http/idempotency-store.ts';
import { WriteRequests } from '../http/write-request.ts';
import { createCommandGateway, type CommandGatewayOptions } from './command-gateway.ts';
import { openReplayTickets } from './replay-tickets.ts';
import { kafkaLog, readKafkaSettings } from './settings.ts';

export interface KafkaCommandsOptions extends Omit<CommandGatewayOptions, 'commands' | 'writes' | 'tickets' | 'database'> {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly clock: Clock;
  /** Of the application that also serves HTTP. */
  readonly commands: () => CommandService;
}

/** Null where this process serves no API, and where no brokers are configured. */
export const openDeadLetterDesk = async (configuration: Configuration, database: Database, logger: Logger): Promise<DeadLetterDesk | null> => {
  const settings = configuration.roles.includes('api') ? await readKafkaSettings(configuration) : null;
  return settings === null ? null : { letters: new DeadLetters(settings, kafkaLog(logger)), tickets: await openReplayTickets(database) };
};

/** Commands that come from Kafka, where that is on and this process serves the API; else null. Bodies have the limit of HTTP. */
export const startKafkaCommands = async (options: KafkaCommandsOptions): Promise<CommandConsumer | null> => {
  const { configuration, database, clock, commands, logger, metrics } = options;
  const settings = configuration.kafkaCommands && configuration.roles.includes('api') ? await readKafkaSettings(configuration) : null;
  if (settings === null) return null;
  const writes = new WriteRequests(await openIdempotencyStore(database, configuration.idempotencyHours), clock);
  return startCommandConsumer({
    settings, log: kafkaLog(logger), bytesMax: configuration.commandBodyBytesMax,
    gateway: createCommandGateway({ ...options, commands: commands(), writes, tickets: await openReplayTickets(database) }),
    onOutcome: (outcome) => { metrics.kafkaCommands.inc({ outcome }); },
    onFailure: (error, place, willRetry) => {
      metrics.kafkaCommandFailures.inc();
      if (place === null) logger.warn({ err: error }, 'commands cannot be read from Kafka; it is tried again');
      else if (willRetry) logger.warn({ err: error, ...place }, 'a command from Kafka failed and is tried again');
      else logger.error({ err: error, ...place }, 'a command from Kafka failed again and again and became a dead letter');
    },
  });
};
