export * from './transaction.ts';
export * from './table.ts';
export * from './copy.ts';
export * from './projection.ts';
export * from './projection-runner.ts';
export type { BatchSizes } from './log-pages.ts';
export type { BuildProgress } from './projection-build.ts';
export { ProjectionError, type ProjectionErrorCode } from './errors.ts';
export { engineSql, nextSchema, type BuildPhase, type Failure, type Skip } from './checkpoint.ts';
