export * from './postgres-event-store.ts';
export { HistoryRefused, type HistoryEvent, type LoadedHistory } from './load-history.ts';
export type { ServerFacts } from './migrate.ts';
export type { ClockStanding, ProcessClocks } from './log-clock.ts';
