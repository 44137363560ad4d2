// Goal: whichever is killed, the receiver of webhooks or the process that sends them, the receiver that applies only the newest (source, sequence) of each subject ends with the
// server's digest; nothing is lost, the order is kept, what comes twice is the same. Method: the built server as an API and a relay, a receiver in a process of its own that
// keeps what comes in a file, the tail of a generated history appended at a steady pace; in the end every delivery is compared with the feed. RECTRAIL_TEST_SECONDS lengthens it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEventCodec } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { createMessageFeed, SyncDigest, type CloudEvent, type MessageFeed } from '@rectrail/messaging';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { randomOf } from '@rectrail/tracking-read/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GeneratedLoad } from '../support/generated-load.ts';
import { tellCounts } from '../support/long-run.ts';
import { freePort, ServerProcess } from '../support/server-process.ts';
import { digestOf, messagesOf } from '../support/whole-feed.ts';

const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const faultMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 5) * 1_000;
const eventsPerSecond = 100;
const random = randomOf(seed);
/** Longest that anything may take that must come by itself: the second attempt of a message is made after five seconds. */
const byItselfMsMax = 90_000;

let test: TestDatabase;
let store: PostgresEventStore;
let feed: MessageFeed;
let load: GeneratedLoad;
let dir: string;
let [receiverPort, api, token] = [0, '', ''];
let receiver: ChildProcess;
const processes: ServerProcess[] = [];

const startReceiver = async (): Promise<void> => {
  receiver = spawn(process.execPath, [join(import.meta.dirname, '../support/webhook-receiver.mjs'), String(receiverPort), join(dir, 'received')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(receiver.stdout!, 'data');
};
const killReceiver = async (): Promise<void> => {
  const ended = once(receiver, 'exit');
  receiver.kill('SIGKILL');
  await ended;
};
const startProcess = async (roles: string): Promise<ServerProcess> => {
  const server = new ServerProcess({
    DATABASE_URL: test.url, RECTRAIL_DATA_DIR: dir, RECTRAIL_PORT: '0', RECTRAIL_ROLES: roles, RECTRAIL_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8', RECTRAIL_LEASE_MS: '1500',
  }).start();
  processes.push(server);
  await server.ready;
  return server;
};
const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
  const reply = await fetch(`${api}/api/v1${path}`, {
    method, headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await reply.json();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(answer)}`);
  return answer;
};

interface Standing { readonly position: number; readonly failures: number }
const standing = async (id: string): Promise<Standing> => (await ask('GET', `/subscriptions/${id}`) as { readonly delivery: Standing }).delivery;

interface Delivery { readonly id: string; readonly body: string }
const deliveries = async (): Promise<readonly Delivery[]> => (await readFile(join(dir, 'received'), 'utf8')).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Delivery);

const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + byItselfMsMax;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} does not come by itself (seed ${seed}):\n${processes.map(({ log }) => log).join('\n')}`);
    await sleep(50);
  }
};

beforeAll(async () => {
  [test, dir, receiverPort] = [await createTestDatabase(), await mkdtemp(join(tmpdir(), 'rectrail-receiver-')), await freePort()];
  store = await PostgresEventStore.open({ connectionString: test.url });
  load = await GeneratedLoad.open({ store, loaded: 200, tail: Math.ceil((faultMs / 1_000) * eventsPerSecond * 8) + 2_000 });
  feed = createMessageFeed({ store, codec: createEventCodec(trackingEventDefinitions), zone: 'Asia/Shanghai' });
  await startReceiver();
  api = await (await startProcess('api,projector')).ready;
  token = (await readFile(join(dir, 'admin-token'), 'utf8')).trim();
}, 120_000);
afterAll(async () => {
  await Promise.all(processes.map((server) => server.stop('SIGKILL')));
  await killReceiver();
  await store.close();
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

it(`a receiver ends with the server's digest though it and the relay are killed at random (seed ${seed})`, async () => {
  const relay = await startProcess('relay');
  const { id } = await ask('POST', '/subscriptions', { audience: 'internal', endpoint: `http://127.0.0.1:${receiverPort}/all`, after: 0 }) as { readonly id: string };
  await eventually('the first delivery', async () => (await deliveries()).length > 0);
  let kills = 0;
  await load.during(eventsPerSecond, async () => {
    const until = performance.now() + faultMs;
    const killing = async (kill: () => Promise<unknown>): Promise<void> => {
      while (performance.now() < until) {
        await sleep(random.int(300, 2_000));
        await kill();
        kills += 1;
      }
    };
    await Promise.all([
      killing(async () => {
        await killReceiver();
        await sleep(random.int(0, 1_000));
        const { length } = await deliveries();
        await startReceiver();
        // After a second failure in a row the next attempt would be minutes away.
        await eventually('another delivery', async () => (await deliveries()).length > length && (await standing(id)).failures === 0);
      }),
      killing(async () => {
        await relay.stop(random.pick(['SIGKILL', 'SIGKILL', 'SIGTERM'] as const));
        await relay.start().ready;
      }),
    ]);
  });
  expect(kills).toBeGreaterThan(1);
  const head = await feed.head();
  await eventually('the end of the backlog', async () => (await standing(id)).position >= head);
  const source = await feed.source();
  const messages = new Map((await messagesOf(feed)).map((message) => [message.id as string, message]));
  const seen = new Map<string, string>();
  let last = 0;
  for (const delivery of await deliveries()) {
    if (seen.has(delivery.id)) {
      expect(delivery.body).toBe(seen.get(delivery.id));
      continue;
    }
    const [event, message] = [JSON.parse(delivery.body) as CloudEvent, messages.get(delivery.id)];
    expect({ id: event.id, source: event.source, subject: event.subject, sequence: Number(event.sequence), data: event.data })
      .toEqual({ id: delivery.id, source, subject: message?.subject, sequence: message?.position, data: message?.data });
    expect(Number(event.sequence)).toBeGreaterThanOrEqual(last);
    last = Number(event.sequence);
    seen.set(delivery.id, delivery.body);
  }
  expect(seen.size).toBe(messages.size);
  tellCounts({ 'kills of receiver or relay': kills, 'webhooks compared': messages.size });
  const newest = new Map([...seen.values()].map((body) => JSON.parse(body) as CloudEvent).map((event) => [event.subject, event]));
  const digest = new SyncDigest();
  for (const [subject, { id: messageId, data: { state } }] of newest) if (state !== null) digest.add({ noun: messages.get(messageId)!.noun, subject, state });
  expect(digest.digest()).toBe(await digestOf(feed));
  expect(await relay.stop('SIGTERM')).toEqual({ code: 0, signal: null });
}, faultMs + 240_000);
