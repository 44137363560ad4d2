export * from './event-store.ts';
export * from './errors.ts';
export * from './event-definition.ts';
export * from './unit-of-work.ts';
