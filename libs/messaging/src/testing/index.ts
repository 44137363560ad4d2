export * from './kafka-broker.ts';
export * from './scripted-feed.ts';
export * from './webhook-receiver.ts';
