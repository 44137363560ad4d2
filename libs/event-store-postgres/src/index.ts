export * from './postgres-event-store.ts';
export { HistoryRefused, type HistoryEvent, type LoadedHistory } from './load-history.ts';
export type { ServerFacts } from './migrate.ts';
