export * from './message.ts';
export { createMessageFeed, type MessageFeedOptions } from './message-feed.ts';
export { AddressGuard } from './webhooks/address-guard.ts';
