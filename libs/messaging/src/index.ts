export * from './message.ts';
export { createMessageFeed, type MessageFeedOptions } from './message-feed.ts';
export { SnapshotRejected } from './snapshot.ts';
export { SyncDigest, syncDigestDefinition, type SyncSums } from './sync-digest.ts';
export { cloudEvent, kafkaHeaders, schemaPathOf, sequenceOf, type CloudEvent } from './cloud-event.ts';
export { AddressGuard } from './webhooks/address-guard.ts';
