import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json, Reply } from '../support/api.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverEvents } from '../support/server-events.ts';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

// Goal: what the server answers is what its own OpenAPI document says. Method: the samples are imported and commands are run; every
// answer of every path is held against the schema served for its path, method and status.
let world: TwoOrganisations;
let document: Json;
let ajv: Ajv2020;
const seen = new Set<string>();

const templateOf = (path: string): string => {
  const called = `/api/v1${path.split('?')[0] ?? ''}`.split('/');
  const found = Object.keys(document.paths).find((template) => {
    const parts = template.split('/');
    return parts.length === called.length && parts.every((part, i) => part.startsWith('{') || part === called[i]);
  });
  return found ?? `no template for ${path}`;
};
const resolved = (node: Json): Json => (typeof node?.$ref === 'string' ? node.$ref.slice(2).split('/').reduce((at: Json, part: string) => at[part], document) : node);

/** The faults of an answer, none where it is as described. */
const faultsOf = (method: string, path: string, { status, body }: Reply): unknown => {
  const template = templateOf(path);
  seen.add(`${method} ${template}`);
  const { schema } = resolved(document.paths[template]?.[method.toLowerCase()]?.responses[status])?.content[status < 300 ? 'application/json' : 'application/problem+json'] ?? {};
  if (schema === undefined) return `${method} ${template} describes no ${status}`;
  // The document's own references start at its root, so a schema is read as a part of it.
  const validate = ajv.compile({ ...schema, components: document.components });
  return validate(body) ? null : validate.errors;
};
const call = async (method: string, path: string, options: Parameters<TwoOrganisations['server']['call']>[2] = {}): Promise<Reply> => {
  const reply = await world.server.call(method, path, options);
  expect([path, faultsOf(method, path, reply)]).toEqual([path, null]);
  return reply;
};

beforeAll(async () => {
  world = await twoOrganisations();
  ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  document = (await world.server.call('GET', '/openapi.json')).body;
  for (const name of ['ningbo-2022.ndjson', 'heshan-2025.ndjson', 'liuba-2020.ndjson']) await world.server.importLedger(name);
  // Proofs are asked for by tests in any order; sealing lags by less than a second.
  while ((await world.server.call('GET', '/log/tile/0/000')).status !== 200 || (await world.server.call('GET', '/log/checkpoint')).status !== 200) await sleep(50);
});
afterAll(async () => { await world.server.close(); });

describe('answers', () => {
  it.each(['/dashboard', '/dashboard?org=CN-330200-JT', '/dashboard/children', '/issues?limit=500', '/measures?limit=500', '/deadlines?limit=500', '/funds', '/organisations', '/trees', '/organisations/CN-330200-JT', '/inspections', '/reports', '/audit-trail?limit=500', '/lateness?minDays=0&limit=500', '/reminders/preview?limit=500', '/series?from=2021-12-01&to=2022-06-01&every=week&org=CN-330200-JT', '/compare?fromValidAt=2021-12-31&validAt=2022-04-29', '/imports', '/tokens', '/projections', '/feed?limit=1000', '/feed/snapshot?limit=1000', '/feed/digest', '/log/proof/inclusion/1', '/log/proof/consistency?from=1', '/log/epochs', '/log/clock'])(
    'GET %s is as described', async (path) => { expect((await call('GET', path)).status).toBe(200); });

  it('every issue, its history and every report are as described', async () => {
    for (const { issueId } of (await world.server.get('/issues?limit=500')).items) {
      await call('GET', `/issues/${issueId}`);
      await call('GET', `/issues/${issueId}/history`);
      await call('GET', `/issues/${issueId}/write-off-slip`);
    }
    for (const { reportId } of (await world.server.get('/reports')).items) await call('GET', `/reports/${reportId}/discrepancies`);
  });

  it('timelines are as described', async () => {
    const { server } = world;
    for (const { issueId } of (await server.get('/issues?limit=500')).items) await call('GET', `/issues/${issueId}/timeline`);
    for (const { measureId } of (await server.get('/measures?limit=20')).items) await call('GET', `/measures/${measureId}/timeline`);
    for (const { inspectionId } of (await server.get('/inspections')).items) await call('GET', `/inspections/${inspectionId}/timeline`);
    for (const { fundsCaseId } of (await server.get('/funds')).cases) await call('GET', `/funds-cases/${fundsCaseId}/timeline`);
    await call('GET', '/organisations/CN-330200-JT/timeline');
    expect((await call('GET', '/organisations/unknown/timeline')).status).toBe(404);
  });

  it('a replay is as described, event by event', async () => {
    seen.add('GET /api/v1/replay');
    const { body } = await world.server.call('GET', '/replay?from=2022-04-25&to=2022-05-02&org=CN-330200-JT&speed=366');
    const events = [...String(body).matchAll(/event: (start|frame)\ndata: (.+)\n/g)].map(([, , data = '']): Json => JSON.parse(data));
    expect(events.length).toBe(9);
    const { contentSchema } = document.paths['/api/v1/replay'].get.responses[200].content['text/event-stream'].schema;
    const validate = ajv.compile({ ...contentSchema, components: document.components });
    for (const event of events) expect([validate(event), validate.errors]).toEqual([true, null]);
  });

  it('a stream of the feed is as described, event by event', async () => {
    seen.add('GET /api/v1/feed/stream');
    const left = new AbortController();
    const events = serverEvents(await fetch(`${world.server.url}/api/v1/feed/stream`, { headers: { authorization: `Bearer ${world.server.token}` }, signal: left.signal }));
    const { contentSchema } = document.paths['/api/v1/feed/stream'].get.responses[200].content['text/event-stream'].schema;
    const validate = ajv.compile({ ...contentSchema, components: document.components });
    for (let n = 0; n < 20; n += 1) expect([validate((await events.next()).value.data), validate.errors]).toEqual([true, null]);
    left.abort();
  });

  it('commands, batches, retractions, imports, undos and tokens are as described', async () => {
    const body = { inspectionId: world.inspection, numberPath: ['五、'], title: '新问题' };
    expect((await call('POST', '/issues', { body, token: world.committee })).status).toBe(201);
    expect((await call('POST', `/issues/${world.issue}/progress`, { body: { text: '已部署' }, token: world.bureau })).status).toBe(200);
    expect((await call('POST', '/commands', { body: { commands: [{ name: 'ReportProgress', target: world.issue, body: { text: '再部署' } }] }, token: world.bureau })).status).toBe(200);
    const [last] = (await world.server.get(`/audit-trail?stream=issue-${world.issue}`)).items;
    expect((await call('POST', '/retractions', { body: { eventIds: [last.eventId], reason: '误' }, token: world.bureau })).status).toBe(200);
    const ledger = [
      { kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'described', title: '通报', publishedOn: ago(3) },
      { kind: 'issue', key: 'd-1', organisation: 'JT', inspection: world.inspection, numberPath: ['六、'], title: '台账问题' },
    ].map((record) => JSON.stringify(record)).join('\n');
    const { body: imported } = await call('POST', '/imports', { body: ledger, headers: { 'content-type': 'application/x-ndjson' } });
    expect((await call('POST', `/imports/${imported.importId}/undo`, { body: { reason: '误' } })).status).toBe(200);
    const { body: token } = await call('POST', '/tokens', { body: { org: 'JT', role: 'organisation', subject: '临时' } });
    expect((await call('DELETE', `/tokens/${token.id}`)).status).toBe(200);
  });

  it('what an operator does is as described', async () => {
    expect((await call('POST', '/projections/events/rebuild')).status).toBe(202);
    expect([200, 404]).toContain((await call('DELETE', '/projections/events/rebuild')).status);
    expect((await call('DELETE', '/projections/nonsense/rebuild?drop=true')).status).toBe(404);
    expect((await call('POST', '/projections/events/skip', { body: { position: 1, reason: '误' } })).status).toBe(409);
    expect((await call('POST', '/projections/events/rebuild', { token: world.bureau })).status).toBe(403);
  });

  it('refusals are as described', async () => {
    for (const [method, path, options] of [
      ['GET', '/issues?limit=many', {}], ['GET', '/issues/unknown', {}], ['GET', '/issues', { token: null }], ['GET', '/dashboard?org=JT', { token: world.stranger }], ['POST', '/issues', { body: '{' }],
      ['POST', `/issues/${world.issue}/verify`, { body: { record: '验收' }, token: world.committee }], ['POST', '/imports', { body: 'x', headers: { 'content-type': 'application/x-ndjson' } }],
    ] as const) expect((await call(method, path, options)).status).toBeGreaterThanOrEqual(400);
  });

  it('subscriptions are as described', async () => {
    // A name that nobody has: nothing is sent.
    const { body: { id } } = await call('POST', '/subscriptions', { body: { endpoint: 'https://receiver.invalid/hook', audience: 'internal' } });
    for (const verb of ['pause', 'rotate-secret', 'reveal-secret']) expect((await call('POST', `/subscriptions/${id}/${verb}`, { body: {} })).status).toBe(200);
    for (const path of ['/subscriptions', `/subscriptions/${id}`, `/subscriptions/${id}/deliveries`]) expect((await call('GET', path)).status).toBe(200);
    expect((await call('POST', `/subscriptions/${id}/replay`, { body: { from: 0 } })).status).toBe(200);
    for (const [verb, status, body] of [['reveal-secret', 409, {}], ['redeliver', 404, { position: 0 }], ['delete', 200, {}], ['ping', 404, {}]] as const) {
      expect((await call('POST', `/subscriptions/${id}/${verb}`, { body })).status).toBe(status);
    }
  });

  it('notices are as described', async () => {
    const { server } = world;
    // A start evaluates the day.
    await server.restart();
    let notices: Json[] = [];
    for (const until = Date.now() + 20_000; notices.length === 0 && Date.now() < until;) notices = (await call('GET', '/reminders?limit=500')).body.items;
    const [{ reminderId }] = notices;
    expect((await call('GET', `/reminders/${reminderId}`)).status).toBe(200);
    expect((await call('POST', `/reminders/${reminderId}/confirm-receipt`, { body: { recipient: 'organisation' } })).status).toBe(200);
    expect((await call('POST', `/reminders/${reminderId}/confirm-receipt`, { body: { recipient: 'nobody' } })).status).toBe(409);
  });

  it('dead letters are refused as described where there is no Kafka; commands.kafka.services.spec.ts reads some', async () => {
    for (const path of ['/dead-letters', '/dead-letters/0-0']) expect((await call('GET', path)).body).toMatchObject({ status: 409, code: 'kafka-off' });
  });

  it('what is text or bytes of the log has the media type that is described', async () => {
    for (const [path, template, mediaType] of [
      ['/log/checkpoint', '/log/checkpoint', 'text/plain'], ['/log/keys', '/log/keys', 'text/plain'], ['/log/key-announcements', '/log/key-announcements', 'text/plain'], ['/log/contents?limit=5', '/log/contents', 'application/x-ndjson'], ['/log/proof/inclusion/1.tlog-proof', '/log/proof/inclusion/{id}', 'text/plain'],
      ['/log/tile/0/000', '/log/tile/{path}', 'application/octet-stream'], ['/log/tile/entries/000', '/log/tile/{path}', 'application/octet-stream'],
    ] as const) {
      seen.add(`GET /api/v1${template}`);
      const { status, headers } = await world.server.call('GET', path);
      expect([path, status, headers.get('content-type')?.split(';')[0]]).toEqual([path, 200, mediaType]);
      expect(Object.keys(document.paths[`/api/v1${template}`].get.responses[200].content)).toContain(mediaType);
    }
    for (const path of ['/log/proof/inclusion/9999999', '/log/proof/inclusion/x', '/log/proof/consistency']) expect((await call('GET', path)).status).toBeGreaterThanOrEqual(400);
  });

  it('every read of the document was asked for', () => {
    const reads = Object.entries<Json>(document.paths).filter(([template, { get }]) => get !== undefined && template.startsWith('/api/')).map(([template]) => `GET ${template}`);
    expect(reads.filter((read) => !seen.has(read))).toEqual([]);
  });
});
