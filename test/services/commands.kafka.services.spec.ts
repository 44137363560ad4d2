// Goal: commands over Kafka are what they are over HTTP; each record comes to a reply or a dead letter; one trace reaches from the request to the record. Method: a whole
// server on a real broker and a real PostgreSQL; a client of its own writes the commands and reads the topics; a collector of its own takes the traces.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { isUuid } from '@rectrail/kernel';
import { openDatabase, parseTraceparent } from '@rectrail/platform';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CompressionCodecs, CompressionTypes, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';
import { startTraceCollector, type TraceCollector } from '../support/trace-collector.ts';
import { foreignClient, readLog, withAdmin, type LogRecord } from './kafka-log.ts';

const given = process.env['RECTRAIL_TEST_KAFKA_BROKERS'];
if (given === undefined) throw new Error('RECTRAIL_TEST_KAFKA_BROKERS is not set: this spec belongs to the Jest project "services"');
const [address = ''] = given.split(',');
const binary = join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs');
const prefix = `commands-${randomUUID()}`;
const deadlineMs = 30_000;

const marked = '标记王小明';
const organisation = (code: string): object => ({ code, name: `某局${marked}`, level: 'bureau', parent: null });

describe('commands over Kafka', () => {
  let server: TestServer;
  let producer: Producer;
  let collector: TraceCollector;
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

  beforeAll(async () => {
    collector = await startTraceCollector();
    server = await startTestServer({
      RECTRAIL_KAFKA_BROKERS: given, RECTRAIL_KAFKA_TOPIC_PREFIX: prefix, RECTRAIL_KAFKA_COMMANDS: 'on', RECTRAIL_KAFKA_TOPIC_PARTITIONS: '2',
      RECTRAIL_COMMAND_BODY_BYTES_MAX: '2048',
      RECTRAIL_TRACES_URL: collector.url,
    });
    producer = foreignClient(address).producer({ allowAutoTopicCreation: false });
    await producer.connect();
  });
  afterAll(async () => {
    await producer.disconnect();
    await server.close();
    collector.close();
    await withAdmin(address, async (admin) => { await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`)) }); });
  });

  interface Sent { readonly key?: string | null; readonly headers?: Record<string, string | undefined>; readonly value: unknown }
  /** Undefined takes one away that every record has. */
  const headersOf = (own: Record<string, string | undefined>): Record<string, string> => Object.fromEntries(
    Object.entries<string | undefined>({ 'authorization': `Bearer ${server.token}`, 'idempotency-key': randomUUID(), ...own }).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
  const send = async (...records: readonly Sent[]): Promise<void> => {
    await producer.send({
      topic: `${prefix}.commands`, acks: -1,
      messages: records.map(({ key = null, headers = {}, value }) => ({
        key, value: typeof value === 'string' || value === null ? value : JSON.stringify(value),
        headers: headersOf(headers),
      })),
    });
  };
  /** The records of a topic once there are so many that a test looks for. */
  const awaited = async (topic: string, isOurs: (record: LogRecord) => boolean, count = 1): Promise<readonly LogRecord[]> => {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const found = (await readLog(address, prefix)).filter((record) => record.topic === `${prefix}.${topic}` && isOurs(record));
      if (found.length >= count) return found;
      if (performance.now() > deadline) throw new Error(`${found.length} of ${count} records in ${topic} after ${deadlineMs} ms`);
      await sleep(100);
    }
  };
  const reply = async (key: string, count = 1): Promise<Json> => (await awaited('replies', ({ headers }) => headers['idempotency-key'] === key, count)).map(({ value }) => JSON.parse(value)).at(-1);

  it('are answered as over HTTP, once, however often and by whichever way they come', async () => {
    const key = randomUUID();
    const record = { key: 'a', headers: { 'idempotency-key': key, 'correlation-id': 'spec-1' }, value: { name: 'RegisterOrganisation', body: organisation('KA-1') } };
    await send(record, record);
    const replies = await awaited('replies', ({ headers }) => headers['idempotency-key'] === key, 2);
    expect(replies.map(({ key: own, headers }) => [own, headers['correlation-id']])).toEqual([['a', 'spec-1'], ['a', 'spec-1']]);
    const [first, second] = replies.map(({ value }) => JSON.parse(value));
    expect(first).toMatchObject({ status: 201, outcome: { created: true, streamVersion: expect.any(Number), position: expect.any(Number), dryRun: false } });
    expect(second).toEqual(first);
    const overHttp = await server.call('POST', '/organisations', { body: organisation('KA-1'), headers: { 'idempotency-key': key } });
    expect(overHttp.body).toEqual(first.outcome);
    const another = await server.call('POST', '/organisations', { body: organisation('KA-2'), headers: { 'idempotency-key': key } });
    expect(another.body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });

  it('may be batches, and paths as over HTTP', async () => {
    const [batch, path] = [randomUUID(), randomUUID()];
    const commands = ['KB-1', 'KB-2'].map((code) => ({ name: 'RegisterOrganisation', body: organisation(code) }));
    await send({ headers: { 'idempotency-key': batch }, value: { commands } }, { headers: { 'idempotency-key': path }, value: { path: '/organisations', body: organisation('KB-3') } });
    expect(await reply(batch)).toMatchObject({ status: 200, outcome: { results: [{ created: true }, { created: true }] } });
    expect(await reply(path)).toMatchObject({ status: 201 });
  });

  it('that are refused are answered with the problem of HTTP', async () => {
    const cases: readonly [string, Sent, number, string][] = [
      [randomUUID(), { value: { name: 'RegisterOrganisation', body: organisation('KA-1') } }, 409, 'org-code-taken'],
      [randomUUID(), { value: { name: 'RegisterOrganisation', body: { code: 'KC-1' } } }, 400, 'validation-failed'],
      [randomUUID(), { value: { name: 'NoSuchCommand', body: {} } }, 404, 'unknown-command'],
      [randomUUID(), { value: { path: '/organisations', body: {} }, headers: { authorization: 'Bearer rct_x' } }, 401, 'token-invalid'],
      [randomUUID(), { value: { path: '/organisations', body: {} }, headers: { authorization: `Replay ${'x'.repeat(43)}` } }, 401, 'token-invalid'],
    ];
    await send(...cases.map(([key, sent]) => ({ ...sent, headers: { ...sent.headers, 'idempotency-key': key } })));
    for (const [key, , status, code] of cases) {
      expect(await reply(key)).toMatchObject({ status, problem: { status, code, correlationId: expect.any(String), titleZh: expect.any(String) } });
    }
    expect((await reply(cases[1]![0])).problem.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer: '/body/name' })]));
    expect((await reply(cases[3]![0])).problem.errors).toEqual([expect.objectContaining({ header: 'authorization' })]);
  });

  it('may come compressed in whatever way, also such as the server could not unpack, but unpack to no more than a broker takes', async () => {
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: ({ buffer }: { readonly buffer: Buffer }) => Promise.resolve(zstdCompressSync(buffer)), decompress: () => Promise.reject(new Error('no such codec')) });
    const key = randomUUID();
    const sendAs = (compression: CompressionTypes, value: string) => producer.send({ topic: `${prefix}.commands`, acks: -1, compression, messages: [{ value, headers: headersOf({ 'idempotency-key': key }) }] });
    await sendAs(CompressionTypes.ZSTD, JSON.stringify({ path: '/organisations', body: organisation('ZSTD') }));
    expect(await reply(key)).toMatchObject({ status: 201 });
    await expect(sendAs(CompressionTypes.GZIP, ' '.repeat(8_000_000))).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' });
  });

  it('that are none become dead letters, which an administrator reads, and replays once their cause is gone', async () => {
    const good = { name: 'RegisterOrganisation', body: organisation('KD-1') };
    const secretInValue = JSON.stringify({ ...good, token: server.token });
    const poison: readonly Sent[] = [
      { value: '{"name":' }, { value: null }, { value: { nothing: 'known' } }, { value: secretInValue }, { value: 'x'.repeat(3_000) },
      { value: good, headers: { 'authorization': undefined, 'x-token': server.token } },
      { key: 'kd', value: good, headers: { 'idempotency-key': undefined, 'correlation-id': 'kd-1' } },
    ];
    await send(...poison);
    const letters = await awaited('dead-letters', () => true, poison.length);
    expect(letters.map(({ headers }) => headers['rectrail-dead-letter-reason']).sort())
      .toEqual(['body-malformed', 'body-malformed', 'body-too-large', 'token-missing', 'validation-failed', 'validation-failed', 'validation-failed']);
    expect(JSON.stringify(letters)).not.toContain(server.token.split('_').slice(2).join('_'));

    const first = await server.get('/dead-letters?limit=4');
    const second = await server.get(`/dead-letters?limit=4&cursor=${String(first.nextCursor)}`);
    const items: Json[] = [...first.items, ...second.items];
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([4, 3, null]);
    expect(items.map(({ id }) => String(id))).toEqual([6, 5, 4, 3, 2, 1, 0].map((offset) => `0-${offset}`));
    const keyless: Json = items.find(({ key }) => key === 'kd');
    expect(keyless).toMatchObject({ reason: 'validation-failed', topic: `${prefix}.commands`, canReplay: true, replayedAt: null });
    const shown = await server.get(`/dead-letters/${String(keyless.id)}`);
    expect(shown).toMatchObject({ ...keyless, value: JSON.stringify(good), headers: { 'correlation-id': 'kd-1' } });

    const replays = [await server.call('POST', `/dead-letters/${String(keyless.id)}/replay`, { body: {} }), await server.call('POST', `/dead-letters/${String(keyless.id)}/replay`, { body: {} })];
    expect(replays.map(({ status }) => status)).toEqual([202, 202]);
    expect(replays[0]?.body.replayedAt).not.toBeNull();
    const answers = (await awaited('replies', ({ key }) => key === 'kd', 2)).map(({ value }) => JSON.parse(value));
    expect(answers[0]).toMatchObject({ status: 201, outcome: { created: true } });
    expect(answers[1]).toEqual(answers[0]);
    expect((await server.get('/dead-letters')).items.find(({ id }: Json) => id === keyless.id).replayedAt).not.toBeNull();

    const { paths, components } = (await server.call('GET', '/openapi.json')).body;
    const described: readonly [string, string, string, unknown][] = [
      ['/dead-letters', 'get', '200', first], ['/dead-letters/{id}', 'get', '200', shown], ['/dead-letters/{id}/replay', 'post', '202', replays[0]?.body],
    ];
    for (const [path, method, status, answer] of described) {
      const { schema } = paths[`/api/v1${path}`][method].responses[status].content['application/json'];
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile({ ...schema, components });
      expect([path, validate(answer), validate.errors]).toEqual([path, true, null]);
    }

    const env = { PATH: process.env['PATH'], RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token };
    const rectrail = async (...args: readonly string[]): Promise<string> =>
      (await promisify(execFile)(process.execPath, [binary, '--lang', 'en', 'dead-letters', ...args], { env })).stdout;
    expect(await rectrail('list', '--limit', '2')).toContain('there is more: --cursor 0-5');
    expect(await rectrail('show', String(keyless.id))).toContain(JSON.stringify(good));
    expect(await rectrail('replay', String(keyless.id), '--yes')).toContain('is put back');

    const tooLarge = items.find(({ reason }) => reason === 'body-too-large');
    expect(tooLarge).toMatchObject({ canReplay: false, bytes: 3_000 });
    expect((await server.call('POST', `/dead-letters/${String(tooLarge.id)}/replay`, { body: {} })).body).toMatchObject({ status: 409, code: 'dead-letter-not-kept' });
    expect((await server.call('GET', '/dead-letters/0-4711')).body).toMatchObject({ status: 404, code: 'unknown-dead-letter' });
    expect((await server.call('GET', '/dead-letters?cursor=x')).status).toBe(400);
    const inspector = await server.makeToken('KA-1', 'leader', '某人');
    for (const path of ['/dead-letters', `/dead-letters/${String(keyless.id)}`]) expect((await server.call('GET', path, { token: inspector })).body.code).toBe('administrator-only');
    expect((await server.call('POST', `/dead-letters/${String(keyless.id)}/replay`, { body: {}, token: inspector })).body.code).toBe('administrator-only');
  });

  it('are all answered, each once, though the server is restarted among them, in the order of each key', async () => {
    const keys = Array.from({ length: 120 }, (_, i) => `restart-${i}`);
    const records = keys.map((key, i) => ({ key: `lane-${i % 3}`, headers: { 'idempotency-key': key }, value: { path: '/organisations', body: organisation(`KR-${i}`) } }));
    await send(...records.slice(0, 60));
    const restarting = server.restart();
    await send(...records.slice(60));
    await restarting;
    const wanted = new Set(keys);
    let replies: readonly LogRecord[] = [];
    for (const deadline = performance.now() + deadlineMs; performance.now() < deadline;) {
      replies = (await readLog(address, prefix)).filter(({ topic, headers }) => topic === `${prefix}.replies` && wanted.has(headers['idempotency-key'] ?? ''));
      if (new Set(replies.map(({ headers }) => headers['idempotency-key'])).size === keys.length) break;
      await sleep(200);
    }
    const byKey = Map.groupBy(replies, ({ headers }) => headers['idempotency-key']);
    expect(byKey.size).toBe(keys.length);
    expect(replies.map(({ value }) => JSON.parse(value)).filter(({ status }) => status !== 201)).toEqual([]);
    // A record that was answered, but not yet committed, is answered again: the same.
    for (const same of byKey.values()) expect(new Set(same.map(({ value }) => value)).size).toBe(1);
    const positions = new Map([...byKey].map(([key, [first]]) => [key, (JSON.parse(first!.value)).outcome.position as number]));
    for (const lane of [0, 1, 2]) {
      const own = keys.filter((_, i) => i % 3 === lane).map((key) => positions.get(key));
      expect(own).toEqual(own.toSorted((a, b) => a! - b!));
    }
  });

  it('wait while the database is away; none becomes a dead letter', async () => {
    const url = new URL(server.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    const postgres = await openDatabase({ url: url.href, connectionsMax: 1, onError: () => undefined });
    await postgres.query(`alter database "${name}" allow_connections false`);
    await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    const keys = Array.from({ length: 20 }, (_, i) => `away-${i}`);
    await send(...keys.map((key, i) => ({ headers: { 'idempotency-key': key }, value: { path: '/organisations', body: organisation(`KW-${i}`) } })));
    // Longer than a defect is tried again.
    await sleep(9_000);
    await postgres.query(`alter database "${name}" allow_connections true`);
    await postgres.close();
    for (const key of keys) expect(await reply(key)).toMatchObject({ status: 201 });
    expect((await readLog(address, prefix)).filter(({ topic, headers }) => topic === `${prefix}.dead-letters` && headers['idempotency-key']?.startsWith('away-') === true)).toEqual([]);
  });

  it('carry their trace through the event to the record; a request over HTTP begins one', async () => {
    await send({ headers: { 'idempotency-key': 'traced', 'traceparent': `00-${traceId}-00f067aa0ba902b7-01` }, value: { path: '/organisations', body: organisation('KT-1') } });
    expect(await reply('traced')).toMatchObject({ status: 201 });
    const begun = await server.call('POST', '/organisations', { body: organisation('KT-2') });
    const begunId = begun.headers.get('x-correlation-id') ?? '';
    expect(isUuid(begunId)).toBe(false);
    for (const id of [traceId, begunId]) {
      const [record] = await awaited('organisations', ({ headers }) => headers['ce_correlationid'] === id);
      expect(parseTraceparent(record?.headers['traceparent'])).toMatchObject({ traceId: id, sampled: true });
    }
    // Spans leave in batches; a stop sends what is left.
    await server.restart();
    expect(collector.chainOf(traceId, `send ${prefix}.organisations`)).toEqual([`send ${prefix}.organisations`, 'RegisterOrganisation', `process ${prefix}.commands`]);
    expect(collector.chainOf(begunId, `send ${prefix}.organisations`)).toEqual([`send ${prefix}.organisations`, 'RegisterOrganisation', 'POST /api/v1/organisations']);
    expect(collector.chainOf(begunId, 'append')).toEqual(['append', 'RegisterOrganisation', 'POST /api/v1/organisations']);
    for (const secret of [marked, 'KT-1', server.token]) expect(collector.text()).not.toContain(secret);
  });
});
