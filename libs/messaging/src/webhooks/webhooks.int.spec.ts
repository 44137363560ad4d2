// Goal: every message that a subscription selects arrives, in order, signed, once in effect, whatever stops or fails on the way; and goes nowhere else.
// RECTRAIL_TEST_SECONDS lengthens it. Method: a receiver over real HTTP, the delivery under a real lease on a real database, a log in memory to which random histories are written.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CommandRunner, createEventCodec, deriveEventId, EventStoreError, MemoryEventStore, newCommandId, type EventCodec } from '@rectrail/event-store';
import { instantOfMs, position, type Actor, type OrgId, type SubscriptionId } from '@rectrail/kernel';
import { LeaseLost, noTracing, openDatabase, openLeadership, type Database, type Leadership } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { streams, trackingEventDefinitions, type SubscriptionEvent, type SubscriptionTerms } from '@rectrail/tracking-domain';
import { asNewFacts, randomHistory } from '@rectrail/tracking-domain/testing';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageFeed, SyncDigest, type Message, type MessageFeed } from '../index.ts';
import { isValidV1, startWebhookReceiver, validV1a, type ReceivedWebhook, type WebhookReceiver } from '../testing/webhook-receiver.ts';
import { AddressGuard } from './address-guard.ts';
import { Webhooks, type WebhooksOptions } from './webhooks.ts';

const clock = { now: () => instantOfMs(Date.now()) };
const zone = 'Asia/Shanghai';
const actor: Actor = { orgId: null, role: 'administrator', subject: 'spec', assurance: 'local-token' };
const loopback = new AddressGuard({ allowedNetworks: ['127.0.0.0/8'] });
const orgA = '00000000-0000-4000-8000-00000000000a' as OrgId;
const orgB = '00000000-0000-4000-8000-00000000000b' as OrgId;
/** How long beyond one history receivers and processes are killed. */
const underFireMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 0) * 1_000;
const quick = { delaysMs: [5, 5, 5, 5, 5, 5, 5, 5, 5, 5], jitter: 0.1 };

let test: TestDatabase;
let database: Database;
let leadership: Leadership;
let store: MemoryEventStore;
let codec: EventCodec;
let runner: CommandRunner;
let feed: MessageFeed;
let receiver: WebhookReceiver;
let stop: AbortController;
let running: Promise<void>[];
let opened: Webhooks[];
let failures: unknown[];
let standing: number;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await openDatabase({ url: test.url, connectionsMax: 8, onError: () => undefined });
  leadership = await openLeadership(database);
  store = new MemoryEventStore(clock);
  codec = createEventCodec(trackingEventDefinitions);
  runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: [] });
  feed = createMessageFeed({ store, codec, zone });
  receiver = await startWebhookReceiver();
  stop = new AbortController();
  [running, opened, failures, standing] = [[], [], [], 0];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  for (const webhooks of opened) webhooks.close();
  await receiver.close();
  await store.close();
  await database.close();
  await test.drop();
  expect(failures).toEqual([]);
});

const open = async (more: Partial<WebhooksOptions> = {}): Promise<Webhooks> => {
  const webhooks = await Webhooks.open({
    database, store, codec, runner, feed, clock, guard: loopback, requestsMax: 16, tracing: noTracing,
    isWithin: () => Promise.resolve(true), onAttempt: () => undefined, onFailure: (error) => { failures.push(error); }, onStopped: (subscriptions) => { standing = subscriptions; },
    schedule: quick, pollMs: 10, timeoutMs: 2_000, ...more,
  });
  opened.push(webhooks);
  return webhooks;
};

/** Delivers until `signal`, or `kill` as a process that is gone at once: no answer is waited for, nothing more is written. */
const lead = (webhooks: Webhooks, signal = stop.signal, kill = new AbortController().signal): void => {
  running.push(leadership.lead({
    name: 'webhooks', signal, ttlMs: 600, retryMs: 10, onFailure: (error) => { failures.push(error); },
    work: (lease) => webhooks.work({
      ...lease,
      signal: AbortSignal.any([lease.signal, kill]),
      transaction: (work) => (kill.aborted ? Promise.reject(new LeaseLost('webhooks')) : lease.transaction(work)),
    }),
  }));
};

const record = async (id: SubscriptionId, event: SubscriptionEvent): Promise<void> => {
  await runner.run({ commandId: newCommandId(clock.now()), correlationId: 'spec' }, (unit) => {
    unit.stage(streams.subscription(id), [{ event, actor, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal' }]);
    return Promise.resolve();
  });
};
const subscribe = async (terms: Partial<SubscriptionTerms> = {}): Promise<SubscriptionId> => {
  const subscriptionId = randomUUID() as SubscriptionId;
  await record(subscriptionId, {
    type: 'SubscriptionCreated',
    data: { subscriptionId, orgId: null, endpoint: `${receiver.url}/hook`, audience: 'internal', nouns: null, types: null, subtreeOf: null, levels: null, after: null, ...terms },
  });
  return subscriptionId;
};

/** The commands of a random history, each to be written when it is asked for. */
const history = (seed: number, size: number): (() => Promise<boolean>) => {
  const commands = [...asNewFacts(randomHistory(seed, size, deriveEventId))];
  return async () => {
    const next = commands.shift();
    if (next === undefined) return false;
    await store.append({
      commandId: next.commandId, entries: next.entries.map(({ streamId, facts }) => ({ streamId, expectedVersion: 'any', events: facts.map((fact) => codec.encode(fact)) })),
    });
    return true;
  };
};
const writeAll = async (seed: number, size: number): Promise<void> => {
  for (const write = history(seed, size); await write(););
};

const allMessages = async (): Promise<readonly Message[]> => {
  const messages: Message[] = [];
  const head = await feed.head();
  for (let after = position(0); after < head;) {
    const slice = await feed.read({ after, audience: 'internal' });
    messages.push(...slice.messages);
    after = slice.scannedTo;
  }
  return messages;
};
const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => { while (!(await holds())) await sleep(5); };
const firstArrivals = (): readonly ReceivedWebhook[] => [...new Map(receiver.received.toReversed().map((one) => [one.id, one])).values()].reverse();

/** What a consumer holds that applies each subject's newest sequence alone. */
const digestOfReceived = (received: readonly ReceivedWebhook[], messages: readonly Message[]): string => {
  const newest = new Map<string, ReceivedWebhook['event']>();
  for (const { event } of received) if ((newest.get(event.subject)?.sequence ?? '') < event.sequence) newest.set(event.subject, event);
  const digest = new SyncDigest();
  const nounOf = new Map(messages.map(({ subject, noun }) => [subject, noun]));
  for (const [subject, { data }] of newest) if (data.state !== null) digest.add({ noun: nounOf.get(subject)!, subject, state: data.state });
  return digest.digest();
};
const digestOfServer = async (): Promise<string> => {
  const at = await feed.head();
  let page = await feed.snapshot({ at, audience: 'internal', cursor: null });
  while (page.digest === null) page = await feed.snapshot({ at, audience: 'internal', cursor: page.next });
  return page.digest;
};

describe('delivery', () => {
  it('brings everything in order, signed with both schemes, as a structured CloudEvent', async () => {
    const webhooks = await open();
    await writeAll(1, 120);
    const id = await subscribe({ after: 0 });
    const { secret, publicKey } = await webhooks.revealSecret(id);
    lead(webhooks);
    const expected = await allMessages();
    await until(() => receiver.received.length >= expected.length);
    expect(receiver.received.map(({ id: messageId }) => messageId)).toEqual(expected.map((message) => message.id));
    expect(receiver.received.every((one) => isValidV1(one, secret) && validV1a(one, publicKey) === 1)).toBe(true);
    const [first] = receiver.received;
    expect(first?.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    const sequence = String(expected[0]?.position).padStart(16, '0');
    expect(first?.event).toMatchObject({ specversion: '1.0', id: first?.id, source: await feed.source(), type: expected[0]?.type, sequence });
    expect(digestOfReceived(receiver.received, expected)).toBe(await digestOfServer());
    await until(async () => (await webhooks.find(id)).delivery.lagEvents === 0);
    await until(async () => (await leadership.followers())[0]?.position === (await feed.head()));
    expect((await webhooks.deliveries(id, { before: null, limit: 1 }))[0]).toMatchObject({ kind: 'delivery', outcome: 'delivered', status: 204, attempt: 1, messageId: expected.at(-1)?.id });
  });

  it.each(['by a ping', 'under the next process'])('brings what stands before an event that cannot be read, stands there and says why; goes on %s', async (how) => {
    const [unread, reason] = [12, 'no schema for IssueRegistered version 9 at position 12'];
    let [readable, tries] = [false, 0];
    const older = createMessageFeed({
      store, zone,
      codec: {
        ...codec,
        decode: (stored) => {
          if (stored.position === unread && !readable) throw new EventStoreError('event-undecodable', reason);
          return codec.decode(stored);
        },
      },
    });
    const halting: MessageFeed = { ...older, follow: (options) => { tries += 1; return older.follow(options); } };
    const webhooks = await open({ feed: halting });
    await writeAll(1, 20);
    const id = await subscribe({ after: 0 });
    const first = new AbortController();
    lead(webhooks, first.signal);
    await until(() => standing === 1);
    await sleep(50);
    expect(tries).toBe(1);
    expect((await webhooks.find(id)).delivery).toMatchObject({ position: unread - 1, failures: 0, stopped: reason });
    expect(receiver.received.map((one) => one.id)).toEqual((await allMessages()).filter((message) => message.position < unread).map((message) => message.id));
    expect(receiver.received.length).toBeGreaterThan(5);
    expect(failures.splice(0)).toEqual([expect.objectContaining({ code: 'event-undecodable' })]);
    readable = true;
    if (how === 'by a ping') {
      await webhooks.ping(id);
    } else {
      first.abort();
      await Promise.all(running);
      lead(await open({ feed: halting }));
    }
    await until(async () => (await webhooks.find(id)).delivery.lagEvents === 0);
    expect([standing, (await webhooks.find(id)).delivery.stopped]).toEqual([0, null]);
    expect(receiver.received.length).toBeGreaterThanOrEqual((await allMessages()).length);
    first.abort();
  });

  it('ends with the server\'s digest though receiver and process are killed at random under load', async () => {
    let calm = false;
    let turn = 0;
    receiver.answer = async () => {
      turn += 1;
      if (!calm && turn % 7 === 0) return 'cut';
      if (!calm && turn % 11 === 0) return 500;
      if (!calm && turn % 13 === 0) await sleep(20);
      return 200;
    };
    const patient = { schedule: { delaysMs: Array.from({ length: 200 }, () => 3), jitter: 0.1 } };
    await subscribe({ after: 0 });
    const end = performance.now() + underFireMs;
    // A boolean that the loop below sees change.
    let writing = true as boolean;
    const load = (async () => {
      for (let seed = 5; seed === 5 || performance.now() < end; seed += 1) for (const write = history(seed, 260); await write();) await sleep(seed === 5 ? 2 : 20);
      writing = false;
    })();
    while (writing) {
      const [ends, killed] = [new AbortController(), new AbortController()];
      lead(await open(patient), ends.signal, killed.signal);
      await sleep(30 + Math.random() * 60);
      // A kill, or a stop that waits for what is under way.
      if (Math.random() < 0.7) killed.abort(new LeaseLost('webhooks'));
      ends.abort();
    }
    await load;
    calm = true;
    const last = await open(patient);
    lead(last);
    const expected = await allMessages();
    await until(async () => (await last.list({ owners: null, after: null, limit: 1 })).every(({ delivery }) => delivery.lagEvents === 0));
    const arrivals = firstArrivals();
    expect(arrivals.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(new Set(receiver.received.map(({ id, body }) => `${id} ${body}`)).size).toBe(expected.length);
    expect(digestOfReceived(receiver.received, expected)).toBe(await digestOfServer());
  }, 60_000 + 3 * underFireMs);

  it('holds nobody else up where one receiver is slow, and nothing of a stranger is sent', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => { release = resolve; });
    receiver.answer = async ({ path }) => { if (path === '/slow') await held; return 204; };
    await subscribe({ after: 0, endpoint: `${receiver.url}/slow` });
    await subscribe({ after: 0, endpoint: `${receiver.url}/swift` });
    await subscribe({ after: 0, endpoint: `${receiver.url}/moved`, orgId: orgA, subtreeOf: orgB });
    await writeAll(2, 60);
    lead(await open({ isWithin: () => Promise.resolve(false), timeoutMs: 30_000 }));
    const expected = (await allMessages()).length;
    await until(() => receiver.received.filter(({ path }) => path === '/swift').length === expected);
    expect(receiver.received.filter(({ path }) => path === '/slow')).toHaveLength(1);
    release();
    await until(() => receiver.received.filter(({ path }) => path === '/slow').length === expected);
    expect(receiver.received.filter(({ path }) => path === '/moved')).toEqual([]);
  });

  it('moves nothing once another process leads: the message is sent again, as the same one', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => { release = resolve; });
    receiver.answer = async () => { await held; return 204; };
    const webhooks = await open({ timeoutMs: 30_000 });
    const id = await subscribe({ after: 0 });
    await writeAll(4, 30);
    lead(webhooks);
    await until(() => receiver.received.length === 1);
    await database.query(`update rectrail_followers.lease set epoch = epoch + 1, holder = gen_random_uuid(), expires_at = now() + interval '1 hour' where name = 'webhooks'`);
    release();
    await sleep(100);
    expect([(await webhooks.find(id)).delivery.position, await webhooks.deliveries(id, { before: null, limit: 10 })]).toEqual([0, []]);
    await database.query(`update rectrail_followers.lease set expires_at = '-infinity' where name = 'webhooks'`);
    const expected = await allMessages();
    await until(() => receiver.received.length === expected.length + 1);
    expect(receiver.received.map((one) => one.id)).toEqual([expected[0]?.id, ...expected.map((message) => message.id)]);
  });

  it('is for active subscriptions alone: paused, resumed, deleted', async () => {
    const webhooks = await open();
    const id = await subscribe({ after: 0 });
    await record(id, { type: 'SubscriptionPaused', data: {} });
    const other = await subscribe({ after: 0, endpoint: `${receiver.url}/other` });
    await writeAll(3, 30);
    lead(webhooks);
    const expected = (await allMessages()).length;
    await until(async () => (await webhooks.find(other)).delivery.position >= expected && receiver.received.length === expected);
    expect(new Set(receiver.received.map(({ path }) => path))).toEqual(new Set(['/other']));
    await record(id, { type: 'SubscriptionResumed', data: {} });
    await until(() => receiver.received.filter(({ path }) => path === '/hook').length === expected);
    await record(id, { type: 'SubscriptionDeleted', data: {} });
    await expect(webhooks.find(id)).rejects.toMatchObject({ code: 'unknown-subscription' });
    expect((await database.query('select from rectrail_webhooks.key where subscription_id = $1', [id])).rowCount).toBe(0);
  });
});

describe('what a subscription hears of', () => {
  it('goes on in the trace in which its event was made', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await runner.run({ commandId: newCommandId(clock.now()), correlationId: traceId }, (unit) => {
      const event = { type: 'CalendarYearSet', data: { year: 2026, workingDays: ['2026-01-05'] } };
      unit.stage(streams.workingCalendar, [{ event, actor, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal' }]);
      return Promise.resolve();
    });
    await subscribe({ after: 0, nouns: ['calendars'] });
    lead(await open());
    await until(() => receiver.received.length === 1);
    expect(receiver.received[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  });


  it('is its own subtree, also where the tree comes to allow it while it is followed', async () => {
    let isAllowed = false;
    const id = await subscribe({ after: 0, orgId: orgA, subtreeOf: orgB });
    await writeAll(2, 60);
    const webhooks = await open({ isWithin: () => Promise.resolve(isAllowed) });
    lead(webhooks);
    await until(async () => (await webhooks.find(id)).delivery.lagEvents === 0);
    expect(receiver.received).toEqual([]);
    isAllowed = true;
    const before = await feed.head();
    await writeAll(3, 60);
    await until(async () => (await webhooks.find(id)).delivery.lagEvents === 0);
    const { messages } = await feed.read({ after: before, audience: 'internal', filter: { subtreeOf: orgB }, limit: 5_000 });
    expect(messages.length).toBeLessThan((await allMessages()).filter((message) => message.position > before).length);
    expect(receiver.received.map((one) => one.id)).toEqual(messages.map((message) => message.id));
  });
});

describe('a receiver', () => {
  const statusOf = async (webhooks: Webhooks, id: SubscriptionId): Promise<string> => { const { status, cause } = await webhooks.find(id); return `${status} ${cause}`; };

  it('that is gone (410) is sent nothing more, until it is resumed', async () => {
    const webhooks = await open();
    receiver.answer = () => 410;
    const id = await subscribe({ after: 0 });
    await writeAll(4, 30);
    lead(webhooks);
    await until(async () => (await statusOf(webhooks, id)) === 'DISABLED GONE');
    await sleep(50);
    expect(receiver.received).toHaveLength(1);
    receiver.answer = () => 204;
    await record(id, { type: 'SubscriptionResumed', data: {} });
    const expected = await allMessages();
    await until(() => receiver.received.length === expected.length + 1);
    expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id);
  });

  it('that fails to the end of the schedule is disabled: redirects are not followed, every attempt is logged with what it answered', async () => {
    const webhooks = await open({ schedule: { delaysMs: [3, 3], jitter: 0 } });
    receiver.answer = () => ({ status: 302, headers: { location: `${receiver.url}/elsewhere` }, body: `moved\u0000${'长'.repeat(2_000)}` });
    const id = await subscribe({ after: 0 });
    await writeAll(4, 30);
    lead(webhooks);
    await until(async () => (await statusOf(webhooks, id)) === 'DISABLED FAILING');
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook', '/hook']);
    expect(new Set(receiver.received.map((one) => one.id)).size).toBe(1);
    const logged = await webhooks.deliveries(id, { before: null, limit: 10 });
    expect(logged.map(({ attempt, outcome, status }) => [attempt, outcome, status])).toEqual([[3, 'failed', 302], [2, 'failed', 302], [1, 'failed', 302]]);
    expect(Buffer.byteLength(logged[0]?.excerpt ?? '')).toBeLessThanOrEqual(1_030);
    expect(logged[0]?.excerpt).toMatch(/^moved 长长/);
    expect((await webhooks.deliveries(id, { before: logged[0]?.deliveryId ?? 0, limit: 1 }))[0]?.attempt).toBe(2);
  });

  it('that is busy is left alone for as long as it asks', async () => {
    const webhooks = await open();
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '60' } });
    const id = await subscribe({ after: 0 });
    await writeAll(4, 30);
    lead(webhooks);
    await until(async () => (await webhooks.find(id)).delivery.failures === 1);
    const { delivery: { nextAttemptAt } } = await webhooks.find(id);
    const [logged] = await webhooks.deliveries(id, { before: null, limit: 1 });
    expect(Date.parse(nextAttemptAt ?? '') - Date.parse(logged?.at ?? '')).toBeGreaterThanOrEqual(60_000);
    // A test that arrives lets it go on at once.
    receiver.answer = () => 200;
    expect(await webhooks.ping(id)).toMatchObject({ kind: 'ping', outcome: 'delivered', type: 'rectrail.webhook.ping.v1', position: null });
    await until(async () => (await webhooks.find(id)).delivery.failures === 0);
  });

  it('that says nothing in time, or lies at an inner address, has failed', async () => {
    const webhooks = await open({ timeoutMs: 50, schedule: { delaysMs: [60_000], jitter: 0 } });
    receiver.answer = async () => { await sleep(400); return 200; };
    const id = await subscribe({ after: 0 });
    await writeAll(4, 30);
    lead(webhooks);
    await until(async () => (await webhooks.find(id)).delivery.failures === 1);
    expect((await webhooks.deliveries(id, { before: null, limit: 1 }))[0]).toMatchObject({ outcome: 'timeout', status: null, error: 'no answer in time' });
    const guarded = await open({ guard: new AddressGuard({ allowedNetworks: [] }) });
    expect(await guarded.ping(id)).toMatchObject({ outcome: 'refused', status: null });
    const inner = new AddressGuard({ allowedNetworks: [], resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) });
    const named = await subscribe({ endpoint: `https://rebinding.example.org:${new URL(receiver.url).port}/x` });
    expect(await (await open({ guard: inner })).ping(named)).toMatchObject({ outcome: 'refused' });
    expect(receiver.received).toHaveLength(1);
  });

  it('is connected to where its name was looked at, at no other of its addresses', async () => {
    const ask = (allowedNetworks: readonly string[]): Promise<unknown> => new Promise((resolve) => {
      const guard = new AddressGuard({ allowedNetworks, resolve: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }, { address: '127.0.0.1', family: 4 }]) });
      request(`http://rebinding.example.org:${new URL(receiver.url).port}/`, { method: 'POST', lookup: guard.lookup }, (response) => { response.resume(); resolve(response.statusCode); })
        .on('error', (error: NodeJS.ErrnoException) => { resolve(error.code); }).end('{}');
    });
    expect(await ask([])).toBe('address-refused');
    expect(await ask(['127.0.0.0/8'])).toBe(204);
  });
});

describe('a person', () => {
  it('sees a secret once, and after a rotation another; both sign', async () => {
    const webhooks = await open();
    const id = await subscribe();
    const former = await webhooks.revealSecret(id);
    await expect(webhooks.revealSecret(id)).rejects.toMatchObject({ code: 'secret-already-shown' });
    await record(id, { type: 'SubscriptionSecretRotated', data: {} });
    const newest = await webhooks.revealSecret(id);
    expect(newest.secret).not.toBe(former.secret);
    await webhooks.ping(id);
    const [ping] = receiver.received;
    expect([former, newest].map(({ secret, publicKey }) => [isValidV1(ping!, secret), validV1a(ping!, publicKey)])).toEqual([[true, 1], [true, 1]]);
    const view = await webhooks.find(id);
    expect(view.keys).toMatchObject([{ publicKey: former.publicKey, shown: true }, { publicKey: newest.publicKey, shown: true }]);
    expect(JSON.stringify([view, (await store.readAll()).events])).not.toMatch(/whsec_|whsk_/);
    await expect((await open()).revealSecret(randomUUID() as SubscriptionId)).rejects.toMatchObject({ code: 'unknown-subscription' });
  });

  it('has what was delivered sent again, one message or all behind a position', async () => {
    const webhooks = await open();
    const id = await subscribe({ after: 0, nouns: ['issues'] });
    await writeAll(6, 60);
    const expected = (await allMessages()).filter(({ noun }) => noun === 'issues');
    const [first] = expected;
    await expect(webhooks.redeliver(id, first!.position)).rejects.toMatchObject({ code: 'message-outstanding' });
    lead(webhooks);
    await until(async () => receiver.received.length === expected.length && (await webhooks.find(id)).delivery.lagEvents === 0);
    expect(await webhooks.redeliver(id, first!.position)).toMatchObject([{ kind: 'redelivery', outcome: 'delivered', messageId: first!.id, position: first!.position }]);
    expect(receiver.received.at(-1)?.body).toBe(receiver.received[0]?.body);
    await expect(webhooks.redeliver(id, position(1))).rejects.toMatchObject({ code: 'unknown-message' });
    await webhooks.replay(id, position(0));
    await until(() => receiver.received.length === 2 * expected.length + 1);
    expect(receiver.received.slice(expected.length + 1).map((one) => one.id)).toEqual(expected.map((message) => message.id));
    await expect(webhooks.replay(id, position(1_000_000))).rejects.toMatchObject({ code: 'position-unknown' });
  });

  it('finds subscriptions in pages, by whose they are', async () => {
    const webhooks = await open();
    const ids = [await subscribe({ orgId: orgA }), await subscribe({ orgId: orgB }), await subscribe()].toSorted();
    expect((await webhooks.owners()).toSorted()).toEqual([orgA, orgB, null]);
    const [first] = await webhooks.list({ owners: null, after: null, limit: 1 });
    const rest = await webhooks.list({ owners: null, after: first!.subscriptionId, limit: 10 });
    expect([first!, ...rest].map(({ subscriptionId }) => subscriptionId)).toEqual(ids);
    expect((await webhooks.list({ owners: [orgB], after: null, limit: 10 })).map(({ orgId }) => orgId)).toEqual([orgB]);
  });
});

describe('attempts', () => {
  it('are forgotten after 30 days, however many there are by then, a part in each statement', async () => {
    const webhooks = await open();
    await database.query(`
      insert into rectrail_webhooks.delivery (subscription_id, kind, message_id, type, attempt, at, outcome, duration_ms, excerpt)
      select gen_random_uuid(), 'ping', 'x', 'x', 1, now() - case when n % 5 = 0 then 29 else 31 end * interval '1 day', 'delivered', 1, '' from generate_series(1, 25000) n`);
    // Stands for the time that one statement may take.
    await database.query(`
      create function too_many() returns trigger language plpgsql as $$ begin if (select count(*) from gone) > 10000 then raise exception 'Query read timeout'; end if; return null; end $$;
      create trigger too_many after delete on rectrail_webhooks.delivery referencing old table as gone for each statement execute function too_many()`);
    lead(webhooks);
    const kept = async (): Promise<number | undefined> => (await database.query<{ n: number }>('select count(*)::int as n from rectrail_webhooks.delivery')).rows[0]?.n;
    while (await kept() !== 5_000 && failures.length === 0) await sleep(10);
    expect(await kept()).toBe(5_000);
  });
});

describe('creations', () => {
  it('of several processes at once each count those before them, with two connections a process', async () => {
    const processes = await Promise.all([1, 2].map(() => openDatabase({ url: test.url, connectionsMax: 2, onError: () => undefined })));
    const stores = await Promise.all(processes.map((one) => open({ database: one })));
    const create = (at: number): Promise<boolean> => stores[at % 2]!.alone(async () => {
      if (await stores[at % 2]!.count([]) >= 3) return false;
      await sleep(5);
      await subscribe();
      return true;
    });
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, at) => create(at)));
    expect(outcomes.filter((made) => made)).toHaveLength(3);
    await expect(stores[0]!.alone(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    const ids = (await stores[0]!.list({ owners: null, after: null, limit: 10 })).map(({ subscriptionId }) => subscriptionId);
    expect(await stores[1]!.alone(() => stores[1]!.count(ids.slice(0, 1)))).toBe(2);
    await Promise.all(processes.map((one) => one.close()));
  });

  it('keep others out for longer than a transaction may otherwise be idle', async () => {
    const impatient = await openDatabase({ url: test.url, connectionsMax: 2, idleInTransactionMsMax: 50, onError: () => undefined });
    const [slow, other] = [await open({ database: impatient }), await open()];
    const ended: string[] = [];
    let turn = Promise.resolve();
    await slow.alone(async () => {
      turn = other.alone(async () => { ended.push('other'); return Promise.resolve(); });
      await sleep(250);
      ended.push('slow');
    });
    await turn;
    expect(ended).toEqual(['slow', 'other']);
    await impatient.close();
  });

  it('wait for those of another process so long only, and say whom they waited for', async () => {
    const [slow, waiting] = [await open(), await open({ creationWaitMs: 20 })];
    await slow.alone(async () => {
      await expect(waiting.alone(() => Promise.reject(new Error('begun')))).rejects.toMatchObject({ code: 'creations-under-way' });
    });
    expect(await waiting.alone(() => Promise.resolve('in turn'))).toBe('in turn');
  });

  it('that were carried out are told so, though the connection that kept others out was lost', async () => {
    const webhooks = await open();
    const lock = `from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`;
    expect(await webhooks.alone(async () => (await database.query<{ gone: boolean }>(`select pg_terminate_backend(pid) as gone ${lock}`)).rows)).toEqual([{ gone: true }]);
  });
});

describe('who asks for subscriptions', () => {
  it('is answered also where many ask at once and the log is numbered over the same connections', async () => {
    const few = await openDatabase({ url: test.url, connectionsMax: 2, idleInTransactionMsMax: 500, onError: () => undefined });
    // As the store on KurrentDB reads.
    class Numbered extends MemoryEventStore {
      override async readAll(...options: Parameters<MemoryEventStore['readAll']>): ReturnType<MemoryEventStore['readAll']> {
        await few.query('select 1');
        return store.readAll(...options);
      }

      override readStreams(...options: Parameters<MemoryEventStore['readStreams']>): ReturnType<MemoryEventStore['readStreams']> {
        return store.readStreams(...options);
      }

      override head(): ReturnType<MemoryEventStore['head']> {
        return store.head();
      }
    }
    const webhooks = await open({ database: few, store: new Numbered(clock) });
    const ids = await Promise.all(Array.from({ length: 3 }, () => subscribe()));
    const lists = await Promise.all(Array.from({ length: 6 }, () => webhooks.list({ owners: null, after: null, limit: 10 })));
    for (const list of lists) expect(list.map(({ subscriptionId }) => subscriptionId).toSorted()).toEqual(ids.toSorted());
    await few.close();
  });
});
