import { createAccessControl, openPostgresTokenStore, type AccessControl } from '@rectrail/access';
import { CommandRunner, createEventCodec, deriveEventId, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { instantOfMs, position, type Clock, type OrgId } from '@rectrail/kernel';
import { AddressGuard, createMessageFeed, Webhooks } from '@rectrail/messaging';
import { createLogger, createMetrics, noTracing, openDatabase, readConfiguration, type Database, type FollowerStatus } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { administrativeTreeId, streams, trackingEventDefinitions } from '@rectrail/tracking-domain';
import { ProjectionError } from '@rectrail/projections';
import { ReadRejected, type ProjectionStatus, type TrackingQueries, type TrackingRead } from '@rectrail/tracking-read';
import type { ImportService } from '@rectrail/tracking-app';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import SwaggerParser from '@apidevtools/swagger-parser';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Rebuilds } from '../rebuilds.ts';
import { Epochs } from '../log/epochs.ts';
import { leavesOfStore } from '../log/kept-tree.ts';
import { LogFence } from '../log/log-fence.ts';
import { SealedLog } from '../log/sealed-log.ts';
import { createHttpApplication } from './http-application.ts';

// Goal: the HTTP layer alone: routes, tokens, parsers, problems, idempotency keys, OpenAPI. Method: requests injected into the
// application over a memory event store and a read side that only answers what it was asked.
type Answer = { status: number; headers: Readonly<Record<string, unknown>>; body: Record<string, unknown>; text: string };

const clock: Clock = { now: () => instantOfMs(Date.now()) };
const asked: unknown[] = [];
const echo = (name: string) => (...request: unknown[]): Promise<unknown> => { asked.push([name, ...request]); return Promise.resolve({ name, cut: {} }); };
const queries = new Proxy({}, {
  get: (_target, name) => (name === 'issue'
    ? (id: string) => (id === 'known' ? Promise.resolve({ issue: { streamVersion: 7 } }) : Promise.reject(new ReadRejected('unknown-issue', `no issue ${id}`)))
    : echo(String(name))),
}) as TrackingQueries;
const running: ProjectionStatus = { name: 'issues', version: 1, position: position(0), state: 'running', failure: null, lagEvents: 1, lagSeconds: 0.5, build: null, swappedAt: null, skips: [] };
const underWay: NonNullable<ProjectionStatus['build']> = {
  name: 'issues', version: 1, phase: 'bulk', position: position(3), target: position(9), startedAt: instantOfMs(0), failure: null, paused: false, running: true,
};
let status = running;
let followers: readonly FollowerStatus[] = [];
const known = (name: string): void => { if (name !== 'issues') throw new ProjectionError('unknown-projection', `no projection is called ${name}`); };
let stopRebuild: ((reason: unknown) => void) | null = null;
const read = {
  queries,
  projectionStatus: () => Promise.resolve([status]),
  rebuild: async (name, { onProgress, signal } = {}) => {
    known(name);
    if (status.build !== null) throw new ProjectionError('rebuild-running', 'it runs');
    status = { ...status, build: underWay };
    onProgress?.(underWay);
    await new Promise((_resolve, reject) => {
      stopRebuild = reject;
      signal?.addEventListener('abort', () => { reject(new Error('the server stops')); });
    });
  },
  pauseRebuild: async (name) => {
    known(name);
    stopRebuild?.(new ProjectionError('rebuild-stopped', 'stopped'));
    return Promise.resolve(status.build !== null);
  },
  cancelRebuild: async (name) => { known(name); return Promise.resolve(status.build !== null); },
  skip: (...skipped) => { asked.push(['skip', ...skipped]); return Promise.resolve(); },
} satisfies Partial<TrackingRead> as unknown as TrackingRead;

describe('the HTTP application', () => {
  let scratch: TestDatabase;
  let database: Database;
  let access: AccessControl;
  let app: NestFastifyApplication;
  let admin: string;
  let store: MemoryEventStore;
  let rebuilds: Rebuilds;
  let fence: LogFence;
  const imports: ImportService = {
    run: ({ ledger, onProgress }) => {
      onProgress?.({ phase: 'reading', done: 1, total: null });
      return [...(ledger as Iterable<Uint8Array>)].join('').includes('broken')
        ? Promise.reject(Object.assign(new Error('broken'), { code: 'ledger-invalid', detail: '1 fault', errors: [{ line: 3, key: 'x', pointer: '/title', code: 'validation-failed', detail: 'too long' }] }))
        : Promise.resolve({ importId: null, documentId: 'd', dryRun: false, position: position(9), events: 1, rows: { total: 1, new: 1, changed: 0, unchanged: 0, removed: 0 }, results: [] });
    },
    undo: () => Promise.reject(new Error('not asked here')),
    list: () => Promise.resolve([]),
  };

  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = await openDatabase({ url: scratch.url, connectionsMax: 10, onError: () => undefined });
    access = createAccessControl(await openPostgresTokenStore(database), clock);
    admin = (await access.issue({ orgId: null, role: 'administrator', subjectName: 'admin', expiresAt: null })).token;
    store = new MemoryEventStore(clock);
    const codec = createEventCodec(trackingEventDefinitions);
    const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: [] });
    const zone = 'Asia/Shanghai';
    await runner.run({ commandId: newCommandId(clock.now()), correlationId: 'spec' }, (unit) => {
      unit.stage(streams.organisationTree(administrativeTreeId), [{
        event: { type: 'TreeOpened', data: { treeId: administrativeTreeId, jurisdiction: 'CN', kind: 'administrative' } },
        actor: { orgId: null, role: 'system', subject: 'spec', assurance: 'system' }, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'public',
      }]);
      return Promise.resolve(null);
    });
    const feed = createMessageFeed({ store, codec, zone });
    const [logger, metrics] = [createLogger({ level: 'silent' }), createMetrics()];
    rebuilds = new Rebuilds({ read, logger, metrics });
    const sealed = await SealedLog.open(database);
    const log = { identity: await store.identity(), sealed, leavesOf: leavesOfStore(store), head: async () => (await store.head()).position };
    fence = await LogFence.open({ database, log, newestEpoch: () => Promise.resolve(1), logger });
    app = await createHttpApplication({
      configuration: readConfiguration({ RECTRAIL_COMMAND_BODY_BYTES_MAX: '2000', RECTRAIL_IMPORT_BODY_BYTES_MAX: '4000' }), version: '0.0.0', logger, metrics, tracing: noTracing, deadLetters: null, rebuilds, clock, logClock: null, database, store, access, read, imports,
      feed, sealed, fence, epochs: new Epochs({ engine: store, codec, clock, log, fence, newestEpoch: () => Promise.resolve(1), beginEpoch: null }),
      webhooks: await Webhooks.open({
        database, store, codec, runner, feed, clock, tracing: noTracing, guard: new AddressGuard({ allowedNetworks: [] }), requestsMax: 1,
        isWithin: () => Promise.resolve(true), onAttempt: () => undefined, onFailure: () => undefined, onStopped: () => undefined,
      }),
      leadership: { followers: () => Promise.resolve(followers) },
      commandPorts: {
        runner, store, zone,
        lookups: { catchUp: () => Promise.resolve(), streamsOf: () => Promise.resolve(new Map()), dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]) },
        endpointFault: () => Promise.resolve(null),
        subscriptionsFull: () => Promise.resolve(null),
        alone: (work) => work(),
      },
    });
  });
  afterAll(async () => {
    await app.close();
    await rebuilds.close();
    await fence.close();
    await database.close();
    await scratch.drop();
  });

  const call = async (method: 'GET' | 'POST' | 'DELETE' | 'PUT', url: string, options: { body?: unknown; headers?: Record<string, string>; token?: string | null } = {}): Promise<Answer> => {
    const { body, headers = {}, token = admin } = options;
    const reply = await app.inject({
      method, url,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
    });
    const json = String(reply.headers['content-type']).includes('json') && !String(reply.headers['content-type']).includes('ndjson');
    return { status: reply.statusCode, headers: reply.headers, body: json ? reply.json<Record<string, unknown>>() : {}, text: reply.payload };
  };
  const ledger = { 'content-type': 'application/x-ndjson' };
  const organisation = (code: string): unknown => ({ code, name: '某局', level: 'bureau', parent: null });

  describe('tokens', () => {
    it.each(['/api/v1/dashboard', '/api/v1/imports', '/metrics', '/api/v1/tokens', '/api/v1/projections'])('are needed for %s', async (url) => {
      expect(await call('GET', url, { token: null })).toMatchObject({ status: 401, body: { code: 'token-missing' }, headers: { 'www-authenticate': 'Bearer realm="rectrail"' } });
      expect(await call('GET', url, { token: 'rct_nonsense' })).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    });

    it('are asked for before the body is read', async () => {
      expect(await call('POST', '/api/v1/imports', { token: null, headers: ledger, body: 'x'.repeat(9000) })).toMatchObject({ status: 401 });
    });

    it.each(['/health', '/health/live', '/health/ready', '/openapi.json', '/asyncapi.json', '/problems/unknown-issue'])('are not needed for %s', async (url) => {
      expect((await call('GET', url, { token: null })).status).toBe(200);
    });

    it('are made, listed and revoked by administrators only; the secret is shown once', async () => {
      const made = await call('POST', '/api/v1/tokens', { body: { role: 'administrator', subject: '王某' } });
      expect(made).toMatchObject({ status: 201, body: { subject: '王某', orgId: null, token: expect.stringMatching(/^rct_/) } });
      const listed = await call('GET', '/api/v1/tokens');
      expect(listed.text).toContain(String(made.body['id']));
      expect(listed.text).not.toContain('rct_');
      expect((await call('DELETE', `/api/v1/tokens/${String(made.body['id'])}`)).status).toBe(200);
      expect(await call('GET', '/api/v1/tokens', { token: String(made.body['token']) })).toMatchObject({ status: 401 });
      const leader = (await access.issue({ orgId: 'org-1' as OrgId, role: 'leader', subjectName: '李某', expiresAt: null })).token;
      expect(await call('POST', '/api/v1/tokens', { token: leader, body: { role: 'administrator', subject: '李某' } })).toMatchObject({ status: 403, body: { code: 'administrator-only' } });
    });

    it('give the jurisdiction of reads', async () => {
      const leader = (await access.issue({ orgId: 'org-1' as OrgId, role: 'leader', subjectName: '李某', expiresAt: null })).token;
      await call('GET', '/api/v1/dashboard?org=org-2', { token: leader });
      expect(asked.at(-1)).toEqual(['dashboard', { org: 'org-2', within: 'org-1' }]);
    });
  });

  describe('requests that are refused before any rule', () => {
    it.each([
      { name: 'an unknown path', method: 'GET', url: '/api/v1/nonsense', options: {}, status: 404, code: 'route-not-found' },
      { name: 'another method', method: 'PUT', url: '/api/v1/issues', options: {}, status: 405, code: 'method-not-allowed' },
      { name: 'malformed JSON', method: 'POST', url: '/api/v1/organisations', options: { body: '{"code": ' }, status: 400, code: 'body-malformed' },
      { name: 'a body that is too large', method: 'POST', url: '/api/v1/organisations', options: { body: { code: 'x'.repeat(3000) } }, status: 413, code: 'body-too-large' },
      { name: 'a ledger that is too large', method: 'POST', url: '/api/v1/imports', options: { headers: ledger, body: 'x'.repeat(5000) }, status: 413, code: 'body-too-large' },
      { name: 'another media type', method: 'POST', url: '/api/v1/organisations', options: { headers: { 'content-type': 'text/plain' }, body: 'x' }, status: 415, code: 'content-type-unsupported' },
      { name: 'a ledger as a command', method: 'POST', url: '/api/v1/organisations', options: { headers: ledger, body: 'x' }, status: 415, code: 'content-type-unsupported' },
      { name: 'a command as a ledger', method: 'POST', url: '/api/v1/imports', options: { body: {} }, status: 415, code: 'content-type-unsupported' },
      { name: 'a path that is not percent-encoded', method: 'GET', url: '/api/v1/issues/%zz', options: {}, status: 400, code: 'request-malformed' },
      { name: 'a very long id', method: 'GET', url: `/api/v1/issues/${'x'.repeat(300)}`, options: {}, status: 414, code: 'uri-too-long' },
      { name: 'an unknown id', method: 'GET', url: '/api/v1/issues/nobody', options: {}, status: 404, code: 'unknown-issue' },
      { name: 'an unknown problem', method: 'GET', url: '/problems/nonsense', options: {}, status: 404, code: 'route-not-found' },
      { name: 'an empty batch', method: 'POST', url: '/api/v1/commands', options: { body: { commands: [] } }, status: 400, code: 'validation-failed' },
    ] as const)('$name', async ({ method, url, options, status, code }) => {
      const answer = await call(method, url, options);
      expect(answer).toMatchObject({ status, body: { status, code, type: `/problems/${code}`, title: expect.any(String), titleZh: expect.any(String), correlationId: answer.headers['x-correlation-id'] } });
      expect(answer.headers['content-type']).toContain('application/problem+json');
    });

    it('name the methods that the path takes', async () => {
      expect((await call('PUT', '/api/v1/tokens/abc')).headers['allow']).toBe('DELETE');
    });

    it.each([
      ['colour=red', 'colour'], ['validAt=2022-02-30', 'validAt'], ['knownAt=yesterday', 'knownAt'], ['atPosition=-1', 'atPosition'], ['state=HAPPY', 'state'], ['limit=many', 'limit'],
      ['org=a&org=b', 'org'],
    ])('name the parameter: %s', async (query, parameter) => {
      expect(await call('GET', `/api/v1/issues?${query}`)).toMatchObject({ status: 400, body: { code: 'validation-failed', errors: [expect.objectContaining({ parameter })] } });
    });

    it.each(['7', 'W/"7"', '*', '"a"', '"1", "2"'])('name If-Match where it is %s', async (value) => {
      expect(await call('POST', '/api/v1/organisations', { body: {}, headers: { 'if-match': value } })).toMatchObject({ status: 400, body: { code: 'validation-failed', errors: [expect.objectContaining({ header: 'If-Match' })] } });
    });
  });

  describe('a command', () => {
    it('answers 201 with Location, ETag and position', async () => {
      const made = await call('POST', '/api/v1/organisations', { body: organisation('made') });
      const { id } = made.body;
      const head = (await store.head()).position;
      expect(made).toMatchObject({
        status: 201, body: { id, created: true, position: head, streamVersion: head, location: `/api/v1/organisations/${String(id)}` },
        headers: { location: `/api/v1/organisations/${String(id)}`, etag: `"${head}"`, 'rectrail-position': String(head) },
      });
    });

    it('of a dry run makes nothing', async () => {
      const before = await store.head();
      expect(await call('POST', '/api/v1/organisations?dryRun=true', { body: organisation('dry') })).toMatchObject({ status: 200, body: { dryRun: true, position: null } });
      expect(await store.head()).toEqual(before);
    });

    it('is a row that exists, also in a batch', async () => {
      const made = await call('POST', '/api/v1/commands', { body: { commands: [{ name: 'Nonsense', body: {} }] } });
      expect(made).toMatchObject({ status: 404, body: { code: 'unknown-command', errors: [expect.objectContaining({ pointer: '/commands/0' })] } });
    });

    it('in a batch stands or falls with its neighbours', async () => {
      const before = await store.head();
      const commands = [{ path: '/organisations', body: organisation('first') }, { path: '/organisations', body: organisation('first') }];
      expect(await call('POST', '/api/v1/commands', { body: { commands } })).toMatchObject({ status: 409, body: { code: 'org-code-taken', errors: [expect.objectContaining({ pointer: '/commands/1' })] } });
      expect(await store.head()).toEqual(before);
      const good = await call('POST', '/api/v1/commands', { body: { commands: commands.slice(0, 1) } });
      expect(good).toMatchObject({ status: 200, body: { position: before.position + 1, results: [{ created: true }] } });
    });

    it('names every fault of its body', async () => {
      const answer = await call('POST', '/api/v1/organisations', { body: { ...(organisation('A') as object), level: 'planet', colour: 'red' } });
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
      expect((answer.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual(expect.arrayContaining(['/level', '/colour']));
    });
  });

  describe('an Idempotency-Key', () => {
    const register = (key: string, code: string, token = admin): Promise<Answer> => call('POST', '/api/v1/organisations', { token, body: organisation(code), headers: { 'idempotency-key': key } });

    it('makes a retry answer as the first request did, and stores once', async () => {
      const first = await register('key-1', 'once');
      const after = await store.head();
      await register('key-other', 'between');
      const second = await register('key-1', 'once');
      expect(second).toMatchObject({ status: 201, body: first.body, headers: { etag: first.headers['etag'], 'rectrail-position': String(after.position) } });
      expect((await store.head()).position).toBe(after.position + 1);
    });

    it('is one of its token: another caller may use the same', async () => {
      const other = (await access.issue({ orgId: null, role: 'administrator', subjectName: '另一人', expiresAt: null })).token;
      const first = await register('key-2', 'mine');
      const second = await register('key-2', 'theirs', other);
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.body['id']).not.toBe(first.body['id']);
    });

    it('is refused with another body, and stores nothing', async () => {
      await register('key-3', 'this');
      const before = await store.head();
      expect(await register('key-3', 'that')).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused', errors: [expect.objectContaining({ header: 'Idempotency-Key' })] } });
      expect(await store.head()).toEqual(before);
    });

    it('of eight requests at once lets one run and stores once', async () => {
      const before = (await store.head()).position;
      const answers = await Promise.all(Array.from({ length: 8 }, () => register('key-4', 'crowd')));
      expect((await store.head()).position).toBe(before + 1);
      expect(new Set(answers.map(({ status, body }) => `${status} ${String(body['code'] ?? body['id'])}`)).size).toBeLessThanOrEqual(2);
      for (const { status, body, headers } of answers) {
        if (status === 201) continue;
        expect([status, body['code'], headers['retry-after']]).toEqual([409, 'idempotency-key-in-use', '1']);
      }
    });

    it('of a refused command may be tried again', async () => {
      const taken = await register('key-5', 'made');
      expect(taken).toMatchObject({ status: 409, body: { code: 'org-code-taken' } });
      expect(await register('key-5', 'made')).toMatchObject({ status: 409, body: { code: 'org-code-taken' } });
    });

    it('has at least one character and at most 200', async () => {
      expect(await register('x'.repeat(201), 'long')).toMatchObject({ status: 400, body: { code: 'validation-failed', errors: [expect.objectContaining({ header: 'Idempotency-Key' })] } });
    });
  });

  describe('reads', () => {
    it('are not stored by caches unless all three cuts are given', async () => {
      expect((await call('GET', '/api/v1/dashboard?validAt=2022-01-01&knownAt=2022-01-01')).headers['cache-control']).toBe('no-store');
      expect((await call('GET', '/api/v1/dashboard?validAt=2022-01-01&knownAt=2022-01-01&atPosition=3')).headers['cache-control']).toBe('private, max-age=300');
    });

    it('of one resource have its version as ETag', async () => {
      expect((await call('GET', '/api/v1/issues/known')).headers['etag']).toBe('"7"');
    });

    it('hand on the cuts as they were given', async () => {
      await call('GET', '/api/v1/deadlines?validAt=2022-07-01&knownAt=2022-06-30T10:00:00%2B08:00&atPosition=12&atLeast=10');
      expect(asked.at(-1)).toEqual(['deadlines', { validAt: '2022-07-01', knownAt: '2022-06-30T02:00:00.000Z', atPosition: 12, atLeast: 10, within: null }]);
    });
  });

  describe('imports', () => {
    it.each(['application/x-ndjson; charset=utf-8', 'application/ndjson', 'application/jsonl'])('take lines of JSON under the name %s', async (type) => {
      expect(await call('POST', '/api/v1/imports', { headers: { 'content-type': type }, body: '{}' })).toMatchObject({ status: 200 });
    });

    it('answer with the result', async () => {
      expect(await call('POST', '/api/v1/imports?dryRun=false', { headers: ledger, body: '{}' })).toMatchObject({ status: 200, body: { documentId: 'd' }, headers: { 'rectrail-position': '9' } });
    });

    it('name the line of a fault', async () => {
      expect(await call('POST', '/api/v1/imports', { headers: ledger, body: 'broken' })).toMatchObject({ status: 422, body: { code: 'ledger-invalid', errors: [{ line: 3, key: 'x', pointer: '/title' }] } });
    });

    it('report progress in lines where asked, and the problem in the last', async () => {
      const headers = { ...ledger, accept: 'application/x-ndjson' };
      const good = await call('POST', '/api/v1/imports', { headers, body: '{}' });
      expect(good.text.trim().split('\n').map((line) => Object.keys(JSON.parse(line) as object))).toEqual([['progress'], ['result']]);
      const bad = await call('POST', '/api/v1/imports', { headers, body: 'broken' });
      expect(JSON.parse(bad.text.trim().split('\n').at(-1) ?? '')).toMatchObject({ problem: { code: 'ledger-invalid', status: 422 } });
    });
  });

  describe('projections', () => {
    const path = '/api/v1/projections';

    it('are for administrators', async () => {
      const leader = (await access.issue({ orgId: 'org-1' as OrgId, role: 'leader', subjectName: '李某', expiresAt: null })).token;
      for (const [method, url] of [['GET', path], ['POST', `${path}/issues/rebuild`], ['DELETE', `${path}/issues/rebuild`], ['POST', `${path}/issues/skip`]] as const) {
        expect(await call(method, url, { token: leader })).toMatchObject({ status: 403, body: { code: 'administrator-only' } });
      }
    });

    it('are listed with where they stand', async () => {
      expect(await call('GET', path)).toMatchObject({ status: 200, body: { headPosition: expect.any(Number), items: [{ ...running }] }, headers: { 'cache-control': 'no-store' } });
    });

    it.each([['POST', 'rebuild'], ['DELETE', 'rebuild'], ['DELETE', 'rebuild?drop=true']] as const)('that do not exist are not found: %s %s', async (method, what) => {
      expect(await call(method, `${path}/nonsense/${what}`)).toMatchObject({ status: 404, body: { code: 'unknown-projection' } });
    });

    it('are rebuilt in the background, one at a time, until they are stopped', async () => {
      expect(await call('DELETE', `${path}/issues/rebuild`)).toMatchObject({ status: 404, body: { code: 'unknown-rebuild' } });
      expect(await call('POST', `${path}/issues/rebuild`)).toMatchObject({ status: 202, body: { name: 'issues', build: { phase: 'bulk', position: 3, target: 9, eventsPerSecond: null } } });
      expect(await call('POST', `${path}/issues/rebuild`, { body: {} })).toMatchObject({ status: 409, body: { code: 'rebuild-running' } });
      expect((await call('DELETE', `${path}/issues/rebuild?drop=true`)).status).toBe(200);
      expect((await call('DELETE', `${path}/issues/rebuild`)).status).toBe(200);
      expect((await call('GET', '/metrics')).text).toContain('rectrail_projection_rebuild_duration_seconds_count{projection="issues",outcome="stopped"} 1');
      status = running;
    });

    it('leave out an event in the name of the token', async () => {
      expect((await call('POST', `${path}/issues/skip`, { body: { position: 4, reason: '旧系统误写' } })).status).toBe(200);
      expect(asked.at(-1)).toEqual(['skip', 'issues', 4, { by: (await access.authenticate(`Bearer ${admin}`)).actor.subject, reason: '旧系统误写' }]);
      for (const body of [{ position: 0, reason: 'x' }, { position: 4 }, { position: 4, reason: '' }, { position: '4', reason: 'x' }]) {
        expect(await call('POST', `${path}/issues/skip`, { body })).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
      }
    });
  });

  describe('operation', () => {
    it('tells what is ready', async () => {
      expect((await call('GET', '/health/ready')).body).toEqual({ status: 'ready', database: 'up', headPosition: expect.any(Number), behind: [], readOnly: null });
      expect((await call('GET', '/health')).body).toMatchObject({ status: 'ready', behind: [], projections: [{ name: 'issues', state: 'running', position: 0, lagEvents: 1, lagSeconds: 0.5, failure: null, build: null }] });
    });

    it.each<[string, Partial<ProjectionStatus>, number]>([
      ['stopped', { state: 'stopped', failure: { position: position(1), reason: 'no such day: 秘密' } }, 503], ['without rows', { state: 'rebuilding' }, 503],
      ['lagging for too long', { lagSeconds: 31 }, 503], ['lagging a little', { lagSeconds: 30, lagEvents: 100_000 }, 200],
      ['rebuilt beside its rows', { build: { ...underWay, failure: { position: position(4), reason: '秘密' } } }, 200],
    ])('of a projection that is %s', async (_name, change, expected) => {
      status = { ...running, ...change };
      try {
        const ready = await call('GET', '/health/ready', { token: null });
        expect(ready).toMatchObject({ status: expected, body: { behind: expected === 200 ? [] : ['issues'] } });
        expect((await call('GET', '/health/live', { token: null })).status).toBe(200);
        const leader = (await access.issue({ orgId: 'org-1' as OrgId, role: 'leader', subjectName: '李某', expiresAt: null })).token;
        for (const token of [null, leader]) expect((await call('GET', '/health', { token })).text).not.toMatch(/reason|秘密/);
        const told = await call('GET', '/health');
        expect(told).toMatchObject({ status: expected, body: { projections: [{ failure: status.failure }] } });
        expect((await call('GET', '/health', { token: 'rct_nonsense' })).status).toBe(401);
        const { text } = await call('GET', '/metrics');
        expect(text).toContain(`rectrail_projection_stopped{projection="issues"} ${status.failure === null ? 0 : 1}`);
        expect(text).toContain(`rectrail_projection_lag_seconds{projection="issues"} ${status.lagSeconds}`);
        expect(text.includes('rectrail_projection_failure_position{')).toBe(status.failure !== null);
        expect(text.includes('rectrail_projection_build_target{projection="issues"} 9')).toBe(status.build !== null);
        expect(text).not.toContain('秘密');
      } finally {
        status = running;
      }
    });

    it('shows metrics of what was asked', async () => {
      const { text } = await call('GET', '/metrics');
      expect(text).toMatch(/rectrail_http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/issues\/:id",status="404"\} [1-9]/);
      expect(text).toContain('rectrail_projection_lag_events{projection="issues"} 1');
      expect(text).toContain(`rectrail_head_position ${(await store.head()).position}`);
    });

    it('names the subscriptions to webhooks that stand before an event that cannot be read, to administrators with the reason', async () => {
      const ids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000003'];
      try {
        for (const [n, id] of ids.entries()) {
          await database.query(`
            insert into rectrail_webhooks.subscription (id, terms, status, keys, stream_version, created_at, position, stopped)
            values ($1, '{"endpoint":"https://hook.example/"}', $2, '[]', 1, now(), $3, $4)`, [id, n === 2 ? 'PAUSED' : 'ACTIVE', 9 - n, n === 0 ? null : 'unreadable: 秘密']);
        }
        const { body, text } = await call('GET', '/health', { token: null });
        expect(body['stoppedSubscriptions']).toEqual([{ subscriptionId: ids[1], position: 8 }]);
        expect(text).not.toMatch(/秘密|hook\.example/);
        expect((await call('GET', '/health')).body['stoppedSubscriptions']).toEqual([{ subscriptionId: ids[1], position: 8, reason: 'unreadable: 秘密' }]);
      } finally {
        await database.query('delete from rectrail_webhooks.subscription');
      }
      expect((await call('GET', '/health')).body['stoppedSubscriptions']).toEqual([]);
    });

    it('tells how far each follower of the log is, also of a projection, and whether anybody works as it', async () => {
      const { position: head } = await store.head();
      followers = [
        { name: 'relay', position: position(head - 1), epoch: 3, held: true, stopped: 'unreadable: 秘密' }, { name: 'idle', position: head, epoch: 1, held: false, stopped: null },
        { name: 'none', position: null, epoch: 1, held: true, stopped: null },
      ];
      const { text } = await call('GET', '/metrics');
      for (const line of [
        `rectrail_follower_position{follower="relay"} ${head - 1}`, 'rectrail_follower_lag_events{follower="relay"} 1', 'rectrail_follower_led{follower="relay"} 1', 'rectrail_follower_epoch{follower="relay"} 3',
        'rectrail_follower_lag_seconds{follower="idle"} 0', 'rectrail_follower_led{follower="idle"} 0', 'rectrail_follower_lag_seconds{follower="projection-issues"} 0.5',
      ]) expect(text).toContain(line);
      expect(text).toContain('rectrail_follower_led{follower="none"} 1');
      expect(text).not.toMatch(/_(position|lag_events|lag_seconds)\{follower="none"/);
      expect((await call('GET', '/health')).body['followers']).toEqual([
        { name: 'relay', position: head - 1, epoch: 3, held: true, lagEvents: 1, lagSeconds: expect.any(Number), stopped: { position: head - 1, reason: 'unreadable: 秘密' } },
        { name: 'idle', position: head, epoch: 1, held: false, lagEvents: 0, lagSeconds: 0, stopped: null },
        { name: 'none', position: null, epoch: 1, held: true, lagEvents: null, lagSeconds: null, stopped: null },
      ]);
      const { body, text: forAnybody } = await call('GET', '/health', { token: null });
      expect(body['followers']).toContainEqual(expect.objectContaining({ name: 'relay', stopped: { position: head - 1 } }));
      expect(forAnybody).not.toContain('秘密');
      followers = [];
      expect((await call('GET', '/metrics')).text).not.toContain('follower="relay"');
    });

    it('keeps the correlation id of the caller and sends security headers', async () => {
      const { headers } = await call('GET', '/health/live', { headers: { 'x-correlation-id': 'abc-1' } });
      expect((await call('GET', '/health/live', { headers: { 'x-correlation-id': '13800138000' } })).headers['x-correlation-id']).not.toBe('13800138000');
      expect(headers).toMatchObject({ 'x-correlation-id': 'abc-1', 'x-content-type-options': 'nosniff', 'content-security-policy': expect.stringContaining("default-src 'none'") });
    });

    it('describes itself in valid OpenAPI 3.1 with every route', async () => {
      const { body } = await call('GET', '/openapi.json');
      const paths = Object.keys(body['paths'] as object);
      expect(paths).toEqual(expect.arrayContaining(['/api/v1/issues/{id}/history', '/api/v1/imports', '/api/v1/commands', '/api/v1/organisations']));
      await expect(SwaggerParser.validate(structuredClone(body) as never)).resolves.toBeDefined();
    });
  });

  // The last one: the log cannot be read to its end from here on.
  it('tells the named problem where the next event of a feed cannot be read, also to a page that waits, and what stands before it', async () => {
    const { position: head } = await store.head();
    const commandId = newCommandId(clock.now());
    const unreadable = { eventId: deriveEventId(commandId, 0), type: 'Unheard', content: '{}' };
    await store.append({ commandId, entries: [{ streamId: streams.organisationTree(administrativeTreeId), expectedVersion: 'any', events: [unreadable] }] });
    for (const wait of [0, 5]) {
      expect(await call('GET', `/api/v1/feed?after=${head}&wait=${wait}`)).toMatchObject({ status: 500, body: { code: 'event-undecodable' } });
      expect(await call('GET', `/api/v1/feed?after=0&wait=${wait}`)).toMatchObject({ status: 200, body: { scannedTo: head } });
    }
  });
});
