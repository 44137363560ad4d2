export * from './postgres-event-store.ts';
export type { ServerFacts } from './migrate.ts';
