export * from './message.ts';
export { AddressGuard } from './webhooks/address-guard.ts';
