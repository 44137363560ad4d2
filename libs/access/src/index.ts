export * from './access-control.ts';
export * from './administrator-token.ts';
export * from './jurisdiction.ts';
export * from './postgres-token-store.ts';
export * from './token-store.ts';
export * from './token.ts';
