// Goal: whatever is killed, stopped or away, a consumer that applies only the newest (source, sequence) of each subject ends with the server's digest; nothing is lost, the
// order of each partition is kept, what comes twice is the same, and memory does not grow with the backlog. Method: relays as processes of the built server, a broker of
// our own that is killed, the tail of a generated history appended at a steady pace; in the end every record is compared with the feed. RECTRAIL_TEST_SECONDS lengthens it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEventCodec } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { createMessageFeed, kafkaHeaders, kafkaRelayName, SyncDigest, type Message, type MessageData, type MessageFeed } from '@rectrail/messaging';
import { KafkaBroker } from '@rectrail/messaging/testing';
import { openDatabase, openLeadership, type Database, type Leadership } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { randomOf } from '@rectrail/tracking-read/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GeneratedLoad } from '../support/generated-load.ts';
import { tellCounts } from '../support/long-run.ts';
import { ServerProcess } from '../support/server-process.ts';
import { digestOf, messagesOf } from '../support/whole-feed.ts';
import { byPartition, readLog, sequenceOfRecord, type LogRecord } from './kafka-log.ts';

const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const faultMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 5) * 1_000;
/** How long the broker is away for good. */
const awayMs = Number(process.env['RECTRAIL_TEST_AWAY_SECONDS'] ?? faultMs / 1_000) * 1_000;
/** At most so long as fast as it goes, on top of it. */
const burstMsMax = 10_000;
const eventsPerSecond = 200;
const loaded = 2_000;
/** What the pace takes in all tests, twice over, and forty seconds more for a machine that is busy. */
const tail = Math.ceil(((faultMs * 4 + awayMs * 2) / 1_000) * eventsPerSecond) + 8_000;
/** Short where a killed leader is waited for; longer where none may lose its lease to a busy machine. */
const leaseMs = { killed: 1_500, stopped: 6_000 } as const;
const zone = 'Asia/Shanghai';
const prefix = 'rectrail';
/** Longest that anything may take that must come by itself. */
const byItselfMsMax = 90_000;
/** Of a relay over one that is idle. One that sends what has gathered keeps two slices of the feed, folds (60,000 facts at most) and garbage: as many as a short backlog fills. */
const growthMiBMax = { away: 100, sending: (backlog: number): number => Math.min(400, 120 + backlog / 50) } as const;

const random = randomOf(seed);
let broker: KafkaBroker;
let test: TestDatabase;
let database: Database;
let leadership: Leadership;
let store: PostgresEventStore;
let feed: MessageFeed;
let dataDir: string;
let load: GeneratedLoad;

beforeAll(async () => {
  broker = await KafkaBroker.open();
  test = await createTestDatabase();
  database = await openDatabase({ url: test.url, connectionsMax: 10, onError: () => undefined });
  leadership = await openLeadership(database);
  store = await PostgresEventStore.open({ connectionString: test.url });
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-relay-'));
  load = await GeneratedLoad.open({ store, loaded, tail });
  feed = createMessageFeed({ store, codec: createEventCodec(trackingEventDefinitions), zone });
}, 120_000);
afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.stop('SIGKILL')));
  await store.close();
  await database.close();
  await test.drop();
  await broker.close();
  await rm(dataDir, { recursive: true, force: true });
});

const relays: ServerProcess[] = [];
const startRelay = async (silence: keyof typeof leaseMs): Promise<ServerProcess> => {
  const relay = new ServerProcess({
    DATABASE_URL: test.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_ROLES: 'relay', RECTRAIL_KAFKA_BROKERS: broker.address, RECTRAIL_LEASE_MS: String(leaseMs[silence]),
  }).start();
  relays.push(relay);
  await relay.ready;
  return relay;
};

const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + byItselfMsMax;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} does not come by itself (seed ${seed}):\n${relays.map(({ log }) => log).join('\n')}`);
    await sleep(50);
  }
};
const standing = async () => (await leadership.followers()).find(({ name }) => name === kafkaRelayName);
const head = async (): Promise<number> => (await store.head()).position;
const caughtUp = (): Promise<void> => eventually('the end of the backlog', async () => (await standing())?.position === await head());

/** Applies only what is newer than what it has of the subject. */
const consumed = (records: readonly LogRecord[]): string => {
  const newest = new Map<string, { readonly noun: Message['noun']; readonly sequence: number; readonly state: MessageData['state'] }>();
  for (const record of records) {
    const sequence = sequenceOfRecord(record);
    if ((newest.get(record.key)?.sequence ?? 0) >= sequence) continue;
    newest.set(record.key, { noun: record.topic.slice(prefix.length + 1) as Message['noun'], sequence, state: (JSON.parse(record.value) as MessageData).state });
  }
  const digest = new SyncDigest();
  for (const [subject, { noun, state }] of newest) if (state !== null) digest.add({ noun, subject, state });
  return digest.digest();
};

/** Every record of every topic against the feed. */
const expectDelivered = async (): Promise<void> => {
  await caughtUp();
  const records = (await readLog(broker.address, prefix)).filter(({ topic }) => topic !== `${prefix}.checkpoints`);
  const messages = await messagesOf(feed);
  const source = await feed.source();
  const written = new Map(messages.map((message) => [message.id as string, { headers: kafkaHeaders(message, source), value: JSON.stringify(message.data), key: message.subject }]));
  const seen = new Set<string>();
  for (const { headers, value, key } of records) {
    const id = headers['ce_id'] ?? '';
    if (!seen.has(id)) expect({ headers, value, key }).toEqual(written.get(id));
    else if (value !== written.get(id)?.value) throw new Error(`${id} came twice, and not the same`);
    seen.add(id);
  }
  expect(seen.size).toBe(messages.length);
  for (const [partition, ofPartition] of byPartition(records)) {
    const firsts = [...new Set(ofPartition.map(sequenceOfRecord))];
    expect([partition, firsts]).toEqual([partition, firsts.toSorted((a, b) => a - b)]);
  }
  expect(consumed(records)).toBe(await digestOf(feed));
};

const memoryMiB = async (relay: ServerProcess): Promise<number> => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${relay.pid}/status`, 'utf8'))?.[1]) / 1_024;

describe('the relay of a server', () => {
  it(`delivers everything, in order, while broker and relay are killed at random (seed ${seed})`, async () => {
    const relay = await startRelay('killed');
    await load.during(eventsPerSecond, async () => {
      const until = performance.now() + faultMs;
      const killing = async (restart: () => Promise<unknown>): Promise<void> => {
        while (performance.now() < until) {
          await sleep(random.int(300, 2_500));
          await restart();
        }
      };
      await Promise.all([
        killing(async () => {
          await broker.kill();
          await broker.start();
        }),
        killing(async () => {
          await relay.stop(random.pick(['SIGKILL', 'SIGKILL', 'SIGTERM'] as const));
          await relay.start().ready;
        }),
      ]);
    });
    await expectDelivered();
    expect(await relay.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  }, faultMs + 240_000);

  it('lets writes go on while the broker is away, and then sends what has gathered without holding it all', async () => {
    const relay = await startRelay('killed');
    await caughtUp();
    const atRest = await memoryMiB(relay);
    await broker.stop();
    const before = await head();
    const written = await load.during(eventsPerSecond, () => sleep(awayMs));
    for (const until = performance.now() + Math.min(awayMs / 4, burstMsMax); performance.now() < until;) await load.appendNext();
    expect(written).toBeGreaterThan(0);
    expect((await standing())?.position).toBeLessThanOrEqual(before);
    const [whileAway, backlog] = [await memoryMiB(relay), await head() - before];
    await broker.start();
    const began = performance.now();
    await caughtUp();
    const afterwards = await memoryMiB(relay);
    process.stdout.write(`    backlog of ${backlog} events sent ${((performance.now() - began) / 1_000).toFixed(1)} s after the broker was back; ${atRest.toFixed(0)} → ${whileAway.toFixed(0)} → ${afterwards.toFixed(0)} MiB\n`);
    tellCounts({ 'events sent once the broker was back': backlog });
    await expectDelivered();
    expect(whileAway - atRest).toBeLessThan(growthMiBMax.away);
    expect(afterwards - atRest).toBeLessThan(growthMiBMax.sending(backlog));
    await relay.stop('SIGTERM');
  }, awayMs * 2 + 240_000);

  it('that is stopped and wakes up writes nothing more once another leads', async () => {
    const epoch = ((await standing())?.epoch ?? 0) + 1;
    const first = await startRelay('stopped');
    await eventually('the first leader', async () => (await standing())?.epoch === epoch);
    await caughtUp();
    const second = await startRelay('stopped');
    await load.during(eventsPerSecond, async () => {
      await sleep(500);
      first.signal('SIGSTOP');
      await eventually('another leader', async () => (await standing())?.epoch === epoch + 1);
      await caughtUpBeyond(await head());
      const before = byPartition(await readLog(broker.address, prefix));
      first.signal('SIGCONT');
      await sleep(leaseMs.killed);
      for (const [partition, records] of byPartition(await readLog(broker.address, prefix))) {
        if (partition.startsWith(`${prefix}.checkpoints`)) continue;
        const earlier = before.get(partition) ?? [];
        const since = [Math.max(0, ...earlier.map(sequenceOfRecord)), ...records.slice(earlier.length).map(sequenceOfRecord)];
        expect([partition, since]).toEqual([partition, [...new Set(since)].toSorted((x, y) => x - y)]);
      }
    });
    expect((await standing())?.epoch).toBe(epoch + 1);
    await expectDelivered();
    await Promise.all([first.stop('SIGTERM'), second.stop('SIGTERM')]);
  }, 240_000);
});

const caughtUpBeyond = (past: number): Promise<void> => eventually('what was written', async () => ((await standing())?.position ?? 0) >= past);
