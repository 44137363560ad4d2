export * from './event-store-contract.ts';
export * from './event-store-model.ts';
export * from './requests.ts';
