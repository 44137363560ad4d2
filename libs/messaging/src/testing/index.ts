export * from './kafka-broker.ts';
export * from './scripted-feed.ts';
