import { Module, type DynamicModule, type LoggerService, type Type } from '@nestjs/common';
import type { Logger } from '@rectrail/platform';
import { TrackingAppModule, type TrackingCommandPorts } from '@rectrail/tracking-app';

/** The one Nest application: the write side, and controllers made from the tables. */
@Module({})
export class ApplicationModule {
  static register(ports: TrackingCommandPorts, controllers: readonly Type[]): DynamicModule {
    return { module: ApplicationModule, imports: [TrackingAppModule.register(ports)], controllers: [...controllers] };
  }
}

/** What Nest itself says, into the server's log. */
export const nestLogger = (logger: Logger): LoggerService => ({
  log: (message: unknown) => { logger.debug({ nest: message }, 'nest'); },
  error: (message: unknown) => { logger.error({ nest: message }, 'nest'); },
  warn: (message: unknown) => { logger.warn({ nest: message }, 'nest'); },
  debug: (message: unknown) => { logger.trace({ nest: message }, 'nest'); },
  verbose: (message: unknown) => { logger.trace({ nest: message }, 'nest'); },
});
