// Goal: commands that lie in Kafka are all carried out, once, in the order of their key, and answered, though the broker is killed among them. Method: a server on a broker of
// our own, which is killed and started again while commands come in; in the end every command has its reply and its one event.
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBroker } from '@rectrail/messaging/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';
import { foreignClient, readLog, type LogRecord } from './kafka-log.ts';

/** A round takes some seconds, which are the broker's start. */
const kills = Math.ceil(Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 5) / 5);
const commandsARound = 60;
const byItselfMsMax = 60_000;
const lanes = 4;

describe('commands over Kafka', () => {
  let broker: KafkaBroker;
  let server: TestServer;

  /** By a client of its own each time: one that met a broker's death need not know what became of its records. */
  const send = async (sent: string[], count: number): Promise<void> => {
    const producer = foreignClient(broker.address).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = Array.from({ length: count }, () => {
      const n = sent.push(`key-${sent.length}`) - 1;
      const command = { path: '/organisations', body: { code: `KF-${n}`, name: '某局', level: 'bureau', parent: null } };
      return { key: `lane-${n % lanes}`, value: JSON.stringify(command), headers: { 'authorization': `Bearer ${server.token}`, 'idempotency-key': `key-${n}` } };
    });
    await producer.send({ topic: 'rectrail.commands', acks: -1, messages });
    await producer.disconnect();
  };

  beforeAll(async () => {
    broker = await KafkaBroker.open();
    server = await startTestServer({ RECTRAIL_KAFKA_BROKERS: broker.address, RECTRAIL_KAFKA_COMMANDS: 'on', RECTRAIL_KAFKA_TOPIC_PARTITIONS: '2' });
  }, 120_000);
  afterAll(async () => {
    await server.close();
    await broker.close();
  });

  it('outlast a broker that is killed', async () => {
    const sent: string[] = [];
    for (let round = 0; round < kills; round++) {
      await send(sent, commandsARound);
      // Somewhere among them, acknowledged or not.
      await sleep(Math.random() * 300);
      await broker.kill();
      await broker.start();
    }
    await send(sent, commandsARound);

    let replies: readonly LogRecord[] = [];
    for (const until = performance.now() + byItselfMsMax; performance.now() < until;) {
      await sleep(200);
      replies = (await readLog(broker.address, 'rectrail')).filter(({ topic }) => topic === 'rectrail.replies');
      if (new Set(replies.map(({ headers }) => headers['idempotency-key'])).size === sent.length) break;
    }
    const byKey = Map.groupBy(replies, ({ headers }) => headers['idempotency-key'] ?? '');
    expect([...byKey.keys()].toSorted()).toEqual(sent.toSorted());
    expect(replies.map(({ value }): Json => JSON.parse(value)).filter(({ status }) => status !== 201)).toEqual([]);
    for (const same of byKey.values()) expect(new Set(same.map(({ value }) => value)).size).toBe(1);
    const positions = sent.map((key): number => JSON.parse(byKey.get(key)?.[0]?.value ?? '{}').outcome.position);
    expect(new Set(positions).size).toBe(sent.length);
    for (let lane = 0; lane < lanes; lane++) {
      const own = positions.filter((_, i) => i % lanes === lane);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });
});
