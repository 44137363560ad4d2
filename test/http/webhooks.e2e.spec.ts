import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SyncDigest } from '@rectrail/messaging';
import { isValidV1, startWebhookReceiver, validV1a, type ReceivedWebhook, type WebhookReceiver } from '@rectrail/messaging/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestServer, type Json, type Reply, type TestServer } from '../support/api.ts';

// Goal: whoever subscribes over HTTP gets what happens in its part of the tree, signed, and nobody gets anything else. Method: a server, two organisations, a
// receiver over real HTTP, and the receiver of docs/how-to/webhooks.md as it is printed there.
let server: TestServer;
let receiver: WebhookReceiver;
let [bureau, stranger] = ['', ''];

beforeAll(async () => {
  server = await startTestServer({ RECTRAIL_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  receiver = await startWebhookReceiver();
  await server.post('/organisations', { code: 'JT', name: '某市交通运输局', level: 'bureau', parent: null });
  await server.post('/organisations', { code: 'XX', name: '另一市委', level: 'city', parent: null });
  [bureau, stranger] = [await server.makeToken('JT', 'organisation', '单位经办人'), await server.makeToken('XX', 'supervisor', '外单位')];
});
afterAll(async () => {
  await server.close();
  await receiver.close();
});

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => { while (!(await holds())) await sleep(20); };
const subscribe = async (body: object, token = bureau): Promise<string> => (await server.post('/subscriptions', { audience: 'internal', endpoint: `${receiver.url}/jt`, ...body }, token)).id;
const openInspection = (token: string, org: string): Promise<Json> => server.post('/inspections', { org, kind: 'XUNCHA', title: '第五轮巡察' }, token);
const codeOf = ({ status, body }: Reply): unknown => [status, body.code];

describe('a subscription', () => {
  it('gets what happens in its part of the tree, signed with the secret that was shown once', async () => {
    const id = await subscribe({});
    const { secret, publicKey } = await server.post(`/subscriptions/${id}/reveal-secret`, {}, bureau);
    expect(codeOf(await server.call('POST', `/subscriptions/${id}/reveal-secret`, { token: bureau }))).toEqual([409, 'secret-already-shown']);
    await openInspection(stranger, 'XX');
    const { id: inspection } = await openInspection(bureau, 'JT');
    await until(() => receiver.received.length > 0);
    const [first] = receiver.received;
    expect(first?.event).toMatchObject({ type: 'rectrail.inspection.opened.v1', subject: `inspections/${inspection}`, data: { change: { name: 'opened' } } });
    expect([isValidV1(first!, secret), validV1a(first!, publicKey)]).toEqual([true, 1]);
    const { headers, body } = await server.call('GET', `/subscriptions/${id}`, { token: bureau });
    expect(headers.get('etag')).toBe('"1"');
    expect(body).toMatchObject({ subscriptionId: id, status: 'ACTIVE', keys: [{ publicKey, shown: true }], delivery: { failures: 0 } });
    await until(async () => (await server.get(`/subscriptions/${id}/deliveries`, bureau)).items.length === 1);
    expect(receiver.received).toHaveLength(1);
    const redelivered = await server.post(`/subscriptions/${id}/redeliver`, { position: Number(first?.event.sequence) }, bureau);
    expect(redelivered).toMatchObject({ items: [{ kind: 'redelivery', messageId: first?.id, status: 204 }] });
    expect(await server.post(`/subscriptions/${id}/ping`, {}, bureau)).toMatchObject({ kind: 'ping', outcome: 'delivered' });
    expect(await server.post(`/subscriptions/${id}/replay`, { from: 0 }, bureau)).toMatchObject({ subscriptionId: id });
    await until(() => receiver.received.filter((one) => one.id === first?.id).length === 3);
    await server.post(`/subscriptions/${id}/delete`, {}, bureau);
    const trail = await server.get(`/audit-trail?stream=subscription-${id}`, bureau);
    expect(trail.items.map(({ type }: Json) => type)).toEqual(['SubscriptionDeleted', 'SubscriptionCreated']);
    expect(JSON.stringify(trail)).not.toMatch(/whsec_|whsk_/);
    expect((await server.call('GET', '/metrics')).body).toMatch(/rectrail_webhook_deliveries_total\{outcome="delivered"\} \d/);
  });

  it('is seen and touched by nobody to whom it does not belong', async () => {
    const [id, everything] = [await subscribe({}), await subscribe({ audience: 'public' }, server.token)];
    for (const path of [`/subscriptions/${id}`, `/subscriptions/${id}/deliveries`]) expect(codeOf(await server.call('GET', path, { token: stranger }))).toEqual([404, 'unknown-subscription']);
    for (const [verb, body] of [['reveal-secret', {}], ['redeliver', { position: 1 }], ['replay', { from: 0 }], ['ping', {}]] as const) {
      for (const one of [id, everything]) expect(codeOf(await server.call('POST', `/subscriptions/${one}/${verb}`, { token: stranger, body }))).toEqual([404, 'unknown-subscription']);
    }
    for (const verb of ['pause', 'resume', 'rotate-secret', 'delete']) {
      expect(codeOf(await server.call('POST', `/subscriptions/${id}/${verb}`, { token: stranger, body: {} }))).toEqual([403, 'outside-jurisdiction']);
      expect(codeOf(await server.call('POST', `/subscriptions/${everything}/${verb}`, { token: stranger, body: {} }))).toEqual([403, 'administrator-only']);
    }
    const listed = async (token: string): Promise<unknown> => (await server.get('/subscriptions', token)).items.map(({ subscriptionId }: Json) => subscriptionId);
    expect([await listed(stranger), await listed(bureau), await listed(server.token)]).toEqual([[], [id], [id, everything]]);
    const { nextCursor } = await server.get('/subscriptions?limit=1');
    expect((await server.get(`/subscriptions?limit=1&cursor=${nextCursor}`)).items).toMatchObject([{ subscriptionId: everything }]);
  });

  it('goes to no inner address and to no endpoint with a secret in it', async () => {
    const refused = async (endpoint: string): Promise<unknown> => codeOf(await server.call('POST', '/subscriptions', { body: { endpoint, audience: 'public' } }));
    const inner = ['https://10.0.0.1/x', 'https://169.254.169.254/latest', 'https://[fd00::1]/', 'https://[::ffff:10.0.0.1]/x'];
    for (const endpoint of inner) expect([endpoint, await refused(endpoint)]).toEqual([endpoint, [422, 'endpoint-refused']]);
    const illShaped = ['http://example.org/', 'https://u:p@example.org/', 'https://example.org/?token=1', 'ftp://127.0.0.1/', 'x'];
    for (const endpoint of illShaped) expect([endpoint, await refused(endpoint)]).toEqual([endpoint, [400, 'validation-failed']]);
  });

  it('is refused wrong input: an id that is none, a position that is ahead or was not delivered', async () => {
    const id = await subscribe({ nouns: ['plans'] });
    expect(codeOf(await server.call('GET', '/subscriptions/none'))).toEqual([404, 'unknown-subscription']);
    expect(codeOf(await server.call('POST', `/subscriptions/${id}/replay`, { body: { from: 1e9 } }))).toEqual([422, 'position-unknown']);
    expect(codeOf(await server.call('POST', `/subscriptions/${id}/redeliver`, { body: { position: 1e9 } }))).toEqual([409, 'message-outstanding']);
    expect(codeOf(await server.call('POST', `/subscriptions/${id}/redeliver`, { body: { position: 1 } }))).toEqual([404, 'unknown-message']);
    for (const body of [{}, { position: -1 }, { position: '1' }, { position: 1, more: 1 }]) {
      expect(codeOf(await server.call('POST', `/subscriptions/${id}/redeliver`, { body }))).toEqual([400, 'validation-failed']);
    }
    expect(codeOf(await server.call('GET', '/subscriptions?cursor=x'))).toEqual([400, 'validation-failed']);
  });
});

it('a receiver that keeps the newest of each subject ends with the server\'s digest, though the server is stopped and started in between', async () => {
  const id = await subscribe({ endpoint: `${receiver.url}/all`, after: 0 }, server.token);
  await server.importLedger('liuba-2020.ndjson');
  const ofAll = (): readonly ReceivedWebhook[] => receiver.received.filter(({ path }) => path === '/all');
  await until(() => ofAll().length > 20);
  await server.restart();
  await until(async () => (await server.get(`/subscriptions/${id}`)).delivery.lagEvents === 0);
  const newest = new Map<string, ReceivedWebhook['event']>();
  for (const { event } of ofAll()) if (event.sequence > (newest.get(event.subject)?.sequence ?? '')) newest.set(event.subject, event);
  const { subjects, digest } = await server.get('/feed/snapshot?limit=1000');
  const held = new SyncDigest();
  for (const { noun, subject } of subjects) held.add({ noun, subject, state: newest.get(subject)?.data.state ?? {} });
  expect([subjects.length, held.digest()]).toEqual([[...newest.values()].filter(({ data }) => data.state !== null).length, digest]);
});

const freePort = (): Promise<number> => new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0); });
  });
});

/** The program of the page, as it is printed there. */
const startPrinted = async (secret: string, port: number): Promise<{ readonly process: ChildProcess; readonly lines: () => readonly string[] }> => {
  const page = await readFile(new URL('../../docs/how-to/webhooks.md', import.meta.url), 'utf8');
  const [, program = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: new URL('../..', import.meta.url), env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString('utf8'); });
  return { process: child, lines: () => text.split('\n').filter((line) => line !== '') };
};

it('docs/how-to/webhooks.md: its receiver takes what is signed, and nothing else', async () => {
  const port = await freePort();
  const id = await subscribe({ endpoint: `http://127.0.0.1:${port}/`, after: 0, nouns: ['organisations'] });
  const { secret } = await server.post(`/subscriptions/${id}/reveal-secret`, {}, bureau);
  const printed = await startPrinted(secret, port);
  try {
    await until(async () => (await server.post(`/subscriptions/${id}/ping`, {}, bureau)).outcome === 'delivered');
    await until(() => printed.lines().length === 1);
    expect(printed.lines()[0]).toMatch(/^organisations\/\S+ registered \{.*"某市交通运输局"/);
    const headers = { 'webhook-id': 'x', 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)), 'webhook-signature': 'v1,AAAA' };
    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}', headers });
    expect(forged.status).toBe(401);
  } finally {
    printed.process.kill();
  }
});
