// Goal: commands that lie in Kafka are all carried out, once, in the order of their key, and answered, though a broker or a process is killed among them. Method: servers on a
// broker of our own, which is killed and started again while commands come in; in the end every command has its reply and its one event.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBroker } from '@rectrail/messaging/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';
import { ServerProcess } from '../support/server-process.ts';
import { foreignClient, readLog, type LogRecord } from './kafka-log.ts';

/** A round takes some seconds, which are the broker's start. */
const kills = Math.ceil(Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 5) / 5);
const commandsARound = 60;
const perKillMs = 30_000;
/** Between two replies, however many commands there are: all of them are written to one stream, the tree. */
const silentMsMax = 60_000;
const perCommandMs = 500;
const lanes = 4;

describe('commands over Kafka', () => {
  let broker: KafkaBroker;
  let server: TestServer;
  let dataDir: string;
  let token: string;

  /** By a client of its own each time: one that met a broker's death need not know what became of its records. */
  const send = async (sent: string[], count: number, codes = 'KF'): Promise<void> => {
    const producer = foreignClient(broker.address).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = Array.from({ length: count }, () => {
      const n = sent.push(`${codes}-${sent.length}`) - 1;
      const command = { path: '/organisations', body: { code: `${codes}-${n}`, name: '某局', level: 'bureau', parent: null } };
      return { key: `lane-${n % lanes}`, value: JSON.stringify(command), headers: { 'authorization': `Bearer ${token}`, 'idempotency-key': `${codes}-${n}` } };
    });
    await producer.send({ topic: 'rectrail.commands', acks: -1, messages });
    await producer.disconnect();
  };

  beforeAll(async () => {
    broker = await KafkaBroker.open();
    dataDir = await mkdtemp(join(tmpdir(), 'rectrail-commands-'));
    server = await startTestServer({ RECTRAIL_KAFKA_BROKERS: broker.address, RECTRAIL_KAFKA_COMMANDS: 'on', RECTRAIL_KAFKA_TOPIC_PARTITIONS: '2' });
    // The other process has a data directory of its own, and so makes the `admin-token` anew.
    token = await server.makeToken(null, 'administrator', 'sender');
  }, 120_000);
  afterAll(async () => {
    await server.close();
    await broker.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Each command has its reply, always the same, and an event of its own; those of one key in their order. */
  const expectAnsweredOnce = async (sent: readonly string[]): Promise<void> => {
    const ours = new Set(sent);
    let replies: readonly LogRecord[] = [];
    for (let [answered, heardMs] = [0, performance.now()]; answered < sent.length && performance.now() - heardMs < silentMsMax;) {
      await sleep(500);
      replies = (await readLog(broker.address, 'rectrail')).filter(({ topic, headers }) => topic === 'rectrail.replies' && ours.has(headers['idempotency-key'] ?? ''));
      const { size } = new Set(replies.map(({ headers }) => headers['idempotency-key']));
      if (size > answered) [answered, heardMs] = [size, performance.now()];
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
  };

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
    await expectAnsweredOnce(sent);
  }, 2 * silentMsMax + kills * (perKillMs + commandsARound * perCommandMs));

  it('are shared among processes that come and are killed', async () => {
    const sent: string[] = [];
    await send(sent, commandsARound, 'KP');
    const other = new ServerProcess({
      DATABASE_URL: server.databaseUrl, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_ROLES: 'api', RECTRAIL_KAFKA_BROKERS: broker.address, RECTRAIL_KAFKA_COMMANDS: 'on',
    }).start();
    await other.ready;
    await send(sent, 4 * commandsARound, 'KP');
    await sleep(Math.random() * 300);
    await other.stop('SIGKILL');
    await send(sent, commandsARound, 'KP');
    await expectAnsweredOnce(sent);
  }, 2 * silentMsMax);
});
