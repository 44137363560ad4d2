export * from './event-store-contract.ts';
export * from './requests.ts';
