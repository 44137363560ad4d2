export * from './kurrent-event-store.ts';
export { KurrentStoreRefused, serverVersionMin } from './start-checks.ts';
export { LogDamaged } from './receipts.ts';
export type { Database, Leadership, SequencerLease } from './database.ts';
export { KurrentLogError, type KurrentLog } from './kurrent-log.ts';
