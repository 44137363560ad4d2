// Goal: an older copy of a log of which Kafka has heard more neither writes nor tells, and what it tells once it is of another epoch cannot be taken for what was told before.
// Method: servers on a database and on a copy of it as it was earlier, a real broker, and a client of its own that reads everything.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyTestDatabase, createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { RestartedServer } from '../support/restarted-server.ts';
import { readLog, sequenceOfRecord, withAdmin, type LogRecord } from './kafka-log.ts';

const given = process.env['RECTRAIL_TEST_KAFKA_BROKERS'];
if (given === undefined) throw new Error('RECTRAIL_TEST_KAFKA_BROKERS is not set: this spec belongs to the Jest project "services"');
const [address = ''] = given.split(',');
const prefix = `t${randomUUID()}`;

let original: TestDatabase;
let copy: TestDatabase | null = null;
let server: RestartedServer;

const told = (): Promise<readonly LogRecord[]> => readLog(address, prefix);
const messagesOf = (records: readonly LogRecord[], epoch: number): readonly number[] =>
  records.filter(({ topic, headers }) => !topic.endsWith('.checkpoints') && headers['ce_source']?.endsWith(`:${epoch}`) === true).map(sequenceOfRecord);
const toldUpTo = async (position: number, epoch: number): Promise<readonly LogRecord[]> => {
  for (;;) {
    const records = await told();
    if (messagesOf(records, epoch).includes(position)) return records;
    await sleep(100);
  }
};
/** The newest that was told; a message is told before the checkpoint that holds it. */
const checkpointOf = async (epoch: number): Promise<any> => {
  for (;;) {
    const checkpoints = (await told()).filter(({ headers }) => headers['ce_type'] === 'rectrail.log.checkpoint.v1').map(({ value }) => JSON.parse(value));
    const last = checkpoints.findLast(({ source }) => source.endsWith(`:${epoch}`));
    if (last !== undefined) return last;
    await sleep(100);
  }
};

beforeAll(async () => {
  server = await RestartedServer.open({ RECTRAIL_KAFKA_BROKERS: given, RECTRAIL_KAFKA_TOPIC_PREFIX: prefix, RECTRAIL_KAFKA_TOPIC_PARTITIONS: '2' });
  original = await createTestDatabase();
  await server.startOn(original);
  expect((await server.write()).status).toBe(201);
});
afterAll(async () => {
  await server.close();
  await withAdmin(address, async (admin) => { await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)) }); });
  await original.drop();
  await copy?.drop();
});

describe('an older copy of a log that was told to Kafka', () => {
  it('is read-only, and goes on in an epoch that consumers tell apart', async () => {
    const left = await server.head();
    await server.stop();
    copy = await copyTestDatabase(original);
    await server.startOn(original);
    for (let i = 0; i < 3; i++) expect((await server.write()).status).toBe(201);
    const before = await toldUpTo(left + 3, 1);
    expect(await checkpointOf(1)).toMatchObject({ continues: null });

    await server.startOn(copy);
    // The append waits for the answer of the brokers.
    expect(await server.write()).toMatchObject({ status: 503, body: { code: 'log-read-only' } });
    expect((await server.call('GET', '/log/epochs')).body.standing).toMatchObject({ state: 'behind', seen: [{ by: 'kafka', epoch: 1, size: left + 3, reason: 'shorter' }] });
    expect((await server.call('POST', '/log/epochs', { reason: '自备份恢复' })).status).toBe(201);
    await server.startOn(copy);
    expect((await server.write()).status).toBe(201);
    const position = await server.head();
    expect(position).toBe(left + 2);
    const after = await toldUpTo(position, 2);
    // What was told of the first epoch stands as it was; the second has its own word for each position, and says where it parted.
    expect(messagesOf(after, 1).toSorted((a, b) => a - b)).toEqual(messagesOf(before, 1).toSorted((a, b) => a - b));
    expect(Math.max(...messagesOf(after, 2))).toBe(position);
    expect(await checkpointOf(2)).toMatchObject({ continues: { source: expect.stringMatching(/:1$/), position: left }, checkpoint: expect.stringMatching(/^rectrail\/[0-9a-f-]{36}\/2\n/) });
  });
});
