export * from './dump-digest.ts';
export * from './pool-database.ts';
