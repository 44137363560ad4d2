export * from './command-definition.ts';
export * from './command-rejected.ts';
export * from './import/import-service.ts';
