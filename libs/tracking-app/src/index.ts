export * from './command-definition.ts';
export * from './command-rejected.ts';
