export * from './embedded-postgres.ts';
export * from './configuration.ts';
export * from './database.ts';
export * from './leadership.ts';
export * from './logging.ts';
export * from './metrics.ts';
export * from './problem.ts';
export * from './working-calendars.ts';
