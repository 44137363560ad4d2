export * from './dashboard.ts';
export * from './deadlines.ts';
export * from './funds.ts';
export * from './discrepancies.ts';
