export * from './transaction.ts';
export * from './table.ts';
export * from './copy.ts';
export * from './projection.ts';
export * from './projection-runner.ts';
export { checkpointTableSql, readCheckpoints, type Checkpoint, type Failure } from './checkpoint.ts';
