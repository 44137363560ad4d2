import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CommandService } from './command-service.ts';
import { TrackingCommandHandler, trackingCommandPorts, type TrackingCommandPorts } from './tracking-command.ts';

/** The write side: `CommandService` is what controllers ask for. */
@Module({})
export class TrackingAppModule {
  static register(ports: TrackingCommandPorts): DynamicModule {
    return {
      module: TrackingAppModule,
      imports: [CqrsModule],
      providers: [{ provide: trackingCommandPorts, useValue: ports }, TrackingCommandHandler, CommandService],
      exports: [CommandService],
    };
  }
}
