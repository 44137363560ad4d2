export * from './ids.ts';
export * from './time.ts';
export * from './fuzzy-date.ts';
export * from './money.ts';
export * from './decider.ts';
export * from './event.ts';
export * from './cut.ts';
