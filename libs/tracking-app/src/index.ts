export * from './command-definition.ts';
export * from './command-rejected.ts';
export { parseBody } from './validation.ts';
export { commandDefinitions, definitionNamed, definitionOfPath } from './command-table.ts';
export { batchBody, batchCommandsMax, CommandService } from './command-service.ts';
export { TrackingAppModule } from './tracking-app.module.ts';
export type { CommandCall, CommandIdentity, CommandOutcome, CommandReply, TrackingCommandPorts } from './tracking-command.ts';
export * from './import/import-service.ts';
