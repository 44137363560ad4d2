// Goal: the relay's records are where any other client looks for them; one relay leads at a time, and another goes on behind its checkpoint. Method: relays in this
// process on a real broker and a real PostgreSQL, scripted messages; what stands in the topics is read by a client of its own.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageTopicPlans, openKafkaPublisher, runKafkaRelay, topicNames, type KafkaSettings } from '@rectrail/messaging';
import { ScriptedFeed } from '@rectrail/messaging/testing';
import { openDatabase, openLeadership, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { byPartition, readLog, sequenceOfRecord, withAdmin } from './kafka-log.ts';

const ttlMs = 900;
const given = process.env['RECTRAIL_TEST_KAFKA_BROKERS'];
if (given === undefined) throw new Error('RECTRAIL_TEST_KAFKA_BROKERS is not set: this spec belongs to the Jest project "services"');
const brokers = given.split(',');
const [address = ''] = brokers;

/** A relay like that of a server, in a process of its own as far as the lease is concerned. */
interface Relay { sent: number; readonly failures: unknown[]; stop(): Promise<void> }

let test: TestDatabase;
let database: Database;
let settings: KafkaSettings;
let feed: ScriptedFeed;
let relays: Relay[];

beforeEach(async () => {
  test = await createTestDatabase();
  database = await openDatabase({ url: test.url, connectionsMax: 10, onError: () => undefined });
  settings = { brokers, clientId: 'relay-test', topicPrefix: `t${randomUUID()}`, partitions: 5, replicationFactor: -1, tls: null, sasl: null };
  feed = new ScriptedFeed(20);
  relays = [];
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await withAdmin(address, async (admin) => { await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(settings.topicPrefix)) }); });
  await database.close();
  await test.drop();
});

const startRelay = async (): Promise<Relay> => {
  const stop = new AbortController();
  const running = runKafkaRelay({
    feed, leadership: await openLeadership(database, { ttlMs }), audience: 'internal', topics: topicNames(settings.topicPrefix),
    openPublisher: (mayWrite) => openKafkaPublisher({ settings, log: () => undefined, topics: messageTopicPlans(settings), mayWrite }),
    observer: { onSent: (messages) => { relay.sent += messages; }, onFailure: (error) => { relay.failures.push(error); }, onRecovery: () => undefined },
  }, stop.signal);
  const relay: Relay = {
    sent: 0, failures: [],
    stop: async () => {
      stop.abort();
      await running;
    },
  };
  relays.push(relay);
  return relay;
};

const until = async (holds: () => boolean): Promise<void> => { while (!holds()) await sleep(5); };
const sentByAll = (): number => relays.reduce((sum, { sent }) => sum + sent, 0);

describe('records', () => {
  it('lie in the partitions of the Java client, in order, and are those of the feed', async () => {
    // toPositive(murmur2(key)) % 5 by the values that the tests of the Java client have for these keys.
    const javaPartitions = new Map([['21', 0], ['foobar', 1], ['a-little-bit-long-string', 2]]);
    const keys = [...javaPartitions.keys()];
    await openKafkaPublisher({ settings, log: () => undefined, topics: messageTopicPlans(settings) }).then(async (publisher) => {
      // Larger than a broker takes unless it is told otherwise.
      const value = JSON.stringify({ change: 'x'.repeat(2 << 20) });
      await publisher.send(keys.map((key) => ({ topic: topicNames(settings.topicPrefix).messages.reports, key, value, headers: {} })));
      await publisher.close();
    });
    for (let i = 0; i < 200; i++) feed.add(`${i % 13}`);
    const relay = await startRelay();
    await until(() => relay.sent === 200);
    const records = await readLog(address, settings.topicPrefix);
    expect(new Map(records.filter(({ topic }) => topic.endsWith('.reports')).map(({ key, partition }) => [key, partition]))).toEqual(javaPartitions);
    const messages = records.filter(({ topic }) => topic.endsWith('.issues'));
    expect(messages.map(({ value }) => value).toSorted()).toEqual(feed.messages.map(({ data }) => JSON.stringify(data)).toSorted());
    for (const [, partition] of byPartition(messages)) expect(partition.map(sequenceOfRecord)).toEqual(partition.map(sequenceOfRecord).toSorted((a, b) => a - b));
    expect(relay.failures).toEqual([]);
  });
});

describe('two relays', () => {
  it('send each message once while both live, and the other goes on where one was stopped in order', async () => {
    const [a, b] = [await startRelay(), await startRelay()];
    for (let i = 0; i < 100; i++) feed.add(`${i % 7}`);
    await until(() => sentByAll() === 100);
    const [leader, other] = a.sent > 0 ? [a, b] : [b, a];
    expect(other.sent).toBe(0);
    await leader.stop();
    for (let i = 0; i < 100; i++) feed.add(`${i % 7}`);
    await until(() => other.sent === 100);
    const sequences = (await readLog(address, settings.topicPrefix)).filter(({ topic }) => topic.endsWith('.issues')).map(sequenceOfRecord);
    expect(sequences.toSorted((x, y) => x - y)).toEqual(feed.messages.map(({ position }) => position));
  });
});
