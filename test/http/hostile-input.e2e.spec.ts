import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json, Reply } from '../support/api.ts';
import { twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

// Goal: what an attacker sends is refused with a code and its place, is never a defect (500) and stores nothing. Method: bytes,
// paths, parameters, cursors and headers that no honest client sends; after each, the head of the log is where it was.
let world: TwoOrganisations;
beforeAll(async () => { world = await twoOrganisations(); });
afterAll(async () => { await world.server.close(); });

const expectRefused = async (send: () => Promise<Reply>, status: number, code: string, place?: Readonly<Record<string, unknown>>): Promise<void> => {
  const before = await world.head();
  const { status: got, body, headers } = await send();
  expect([got, body.code]).toEqual([status, code]);
  expect(headers.get('content-type')).toContain('application/problem+json');
  if (place !== undefined) expect(body.errors).toEqual(expect.arrayContaining([expect.objectContaining(place)]));
  expect(await world.head()).toBe(before);
};

const issueWith = (title: string): string => `{"inspectionId":"${world.inspection}","numberPath":["三、"],"title":${title}}`;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('bodies', () => {
  it.each([
    ['NUL in a text', () => issueWith('"a\\u0000b"'), 'validation-failed', '/title'],
    ['half a surrogate pair in a text', () => issueWith('"\\ud800"'), 'body-malformed', '/title'],
    ['half a surrogate pair in a key', () => '{"\\udc00":1}', 'body-malformed', ''],
    ['a number beyond all numbers', () => issueWith('1e400'), 'body-malformed', '/title'],
    ['the key __proto__', () => '{"inspectionId":{"__proto__":{"admin":true}}}', 'body-malformed', '/inspectionId'],
    ['the key constructor', () => '{"constructor":{"prototype":{}}}', 'validation-failed', '/constructor'],
    ['100,000 brackets', () => issueWith(nested(100_000)), 'body-malformed', undefined],
    ['65 brackets', () => issueWith(nested(65)), 'body-malformed', `/title${'/0'.repeat(63)}`],
    ['an impossible date', () => `{"inspectionId":"${world.inspection}","numberPath":["三、"],"title":"x","on":"2022-02-30"}`, 'validation-failed', '/on'],
  ])('%s', async (_name, body, code, pointer) => {
    await expectRefused(() => world.post(world.committee, '/issues', body()), 400, code, pointer === undefined ? undefined : { pointer });
    await expectRefused(() => world.post(world.committee, '/issues', body(), { 'idempotency-key': randomUUID() }), 400, code);
  });

  it('an integer beyond 2^53 is refused, not rounded', () =>
    expectRefused(() => world.post(world.bureau, `/issues/${world.issue}/sub-findings`, '{"found":9007199254740993,"unit":"个"}'), 400, 'validation-failed', { pointer: '/found' }));

  it('a plan id that is no id', () =>
    expectRefused(() => world.post(world.bureau, `/issues/${world.issue}/plan`, { planId: 'x\u0000' }), 400, 'validation-failed', { pointer: '/planId' }));

  it('a target of a batch that no path could hold', async () => {
    await expectRefused(() => world.post(world.bureau, '/commands', { commands: [{ name: 'AcceptIssue', target: `${world.issue}\u0000` }] }), 400, 'validation-failed');
    await expectRefused(() => world.post(world.bureau, '/commands', '{"commands":[{"name":"AcceptIssue","target":"\\ud800"}]}'), 400, 'body-malformed', { pointer: '/commands/0/target' });
    await expectRefused(() => world.post(world.bureau, '/commands', { commands: [{ name: '__proto__' }] }), 404, 'unknown-command', { pointer: '/commands/0' });
  });

  it('a telephone number in the reason of an undo', () =>
    expectRefused(() => world.post(world.bureau, `/imports/${world.issue}/undo`, { reason: '请联系13800138000' }), 422, 'personal-data-in-text', { pointer: '/reason' }));

  it('a name of a token with NUL or half a character', async () => {
    await expectRefused(() => world.server.call('POST', '/tokens', { body: { org: 'JT', role: 'x', subject: 'a\u0000' } }), 400, 'validation-failed', { pointer: '/subject' });
    await expectRefused(() => world.server.call('POST', '/tokens', { body: '{"org":"JT","role":"x","subject":"\\ud800"}' }), 400, 'body-malformed', { pointer: '/subject' });
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'application/x-ndjson', 'garbage'])('the media type %s', (type) =>
    expectRefused(() => world.post(world.committee, '/issues', '{}', { 'content-type': type }), 415, 'content-type-unsupported', { header: 'Content-Type' }));
});

describe('paths', () => {
  const ids = ['x', '%00', '%F0%9F%98%80', "'%3B%20drop%20table%20x", '__proto__', '0198F3D2-0000-8000-8000-000000000000'];
  it.each(ids)('the id %s names nothing, on every path that takes one', async (id) => {
    const [status, place] = id === '%00' ? [400, { parameter: 'id' }] as const : [404, undefined] as const;
    const code = (unknown: string): string => (id === '%00' ? 'request-malformed' : unknown);
    await expectRefused(() => world.post(world.committee, `/issues/${id}/accept`, {}), status, code('unknown-issue'), { parameter: 'id' });
    await expectRefused(() => world.server.call('GET', `/issues/${id}`), status, code('unknown-issue'), { parameter: 'id' });
    await expectRefused(() => world.server.call('GET', `/issues/${id}/history`), status, code('unknown-issue'), place);
    await expectRefused(() => world.server.call('GET', `/organisations/${id}`), status, code('unknown-organisation'), place);
    await expectRefused(() => world.server.call('GET', `/reports/${id}/discrepancies`), status, code('unknown-report'), place);
    await expectRefused(() => world.post(world.committee, `/imports/${id}/undo`, { reason: '误' }), status, code('unknown-import'), { parameter: 'id' });
    await expectRefused(() => world.server.call('DELETE', `/tokens/${id}`), status, code('unknown-token'), place);
  });

  it.each([
    ['%ff', 400, 'request-malformed'], ['%ed%a0%80', 400, 'request-malformed'], ['%', 400, 'request-malformed'],
    ['a'.repeat(201), 414, 'uri-too-long'], ['..%2f..%2fetc', 404, 'unknown-issue'],
  ] as const)('/issues/%s', (part, status, code) =>
    expectRefused(() => world.server.call('GET', `/issues/${part}`), status, code));

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is refused where another method would do', async (method) => {
    const reply = await world.server.call(method, '/issues');
    expect([reply.status, reply.body.code, reply.headers.get('allow')]).toEqual([405, 'method-not-allowed', 'GET, HEAD, POST']);
  });
});

describe('parameters', () => {
  it.each([
    'q=%00', 'org=', 'org=%00', 'inspection=%00', 'policy=%00', 'state=HAPPY', 'state=FED_BACK&state=PLANNED', 'validAt=2022-02-30', 'validAt=0000-01-01', 'validAt=-1', 'knownAt=yesterday',
    'knownAt=2022-01-01T00:00:00', 'knownAt=2022-01-01T25:00:00Z', 'atPosition=-1', 'atPosition=1.5', 'atPosition=1e3', 'atPosition=9999999999999999999', 'limit=many', 'pageSize=5', 'nope=1', '__proto__=1',
    'org%5Ba%5D=1', 'q='.concat('长'.repeat(201)),
  ])('%s', (query) => expectRefused(() => world.server.call('GET', `/issues?${query}`), 400, 'validation-failed', { parameter: decodeURIComponent(query.split('=')[0] ?? '') }));

  it.each(['/audit-trail?stream=%00', '/audit-trail?type=%00', '/audit-trail?actor=%00', '/measures?issue=%00', '/tokens?cursor=%00'])('%s', (path) =>
    expectRefused(() => world.server.call('GET', path), 400, 'validation-failed'));

  it('a position that the log has not reached, far or near', async () => {
    for (const name of ['atPosition', 'atLeast']) await expectRefused(() => world.server.call('GET', `/dashboard?${name}=999999999999999`), 422, 'position-unknown', { parameter: name });
  });

  it.each(['limit=0', 'limit=-5', 'limit=999999999', 'validAt=0001-01-01', 'validAt=9999-12-31', 'knownAt=0001-01-01', 'knownAt=9999-12-31', 'atPosition=0'])('%s is odd and answered', async (query) => {
    for (const path of ['/issues', '/measures', '/deadlines']) expect((await world.server.call('GET', `${path}?${query}`)).status).toBe(200);
    if (!query.startsWith('limit')) for (const path of ['/dashboard', '/dashboard/children', '/funds', '/organisations', '/inspections', '/reports']) expect((await world.server.call('GET', `${path}?${query}`)).status).toBe(200);
  });
});

describe('cursors', () => {
  const parts = async (): Promise<readonly unknown[]> => {
    await world.server.post('/issues', { inspectionId: world.inspection, numberPath: ['四、'], title: '另一问题' }, world.committee);
    const { nextCursor } = await world.server.get('/issues?limit=1');
    return JSON.parse(Buffer.from(nextCursor as string, 'base64url').toString('utf8'));
  };
  const send = (forged: readonly unknown[]): Promise<Reply> => world.server.call('GET', `/issues?limit=1&cursor=${Buffer.from(JSON.stringify(forged)).toString('base64url')}`);

  it('every part that is changed for what it cannot be is found out before the database sees it', async () => {
    const genuine = await parts();
    expect((await send(genuine)).status).toBe(200);
    const forgeries = [
      genuine.slice(0, 4), genuine.slice(0, -1), [...genuine, 'x'], [...genuine.slice(0, 4), 'x', ...genuine.slice(5)], [...genuine.slice(0, 4), 1.5, ...genuine.slice(5)],
      [...genuine.slice(0, 4), 1e30, ...genuine.slice(5)], [...genuine.slice(0, 5), '\u0000', ...genuine.slice(6)], [...genuine.slice(0, 5), '\ud800', ...genuine.slice(6)],
      [genuine[0], -1, ...genuine.slice(2)], [genuine[0], 'x', ...genuine.slice(2)], [genuine[0], genuine[1], 'x', ...genuine.slice(3)], [...genuine.slice(0, 3), 5, ...genuine.slice(4)],
    ];
    for (const forged of forgeries) await expectRefused(() => send(forged), 400, 'cursor-invalid', { parameter: 'cursor' });
  });
});

describe('headers', () => {
  const verify = (value: string): Promise<Reply> => world.post(world.committee, `/issues/${world.issue}/verify`, { record: '验收' }, { 'if-match': value });
  it.each(['W/"1"', '*', '"abc"', '1', '"1", "2"', '""', '"-1"', '"1e3"', '"99999999999999999999"', '\'1\''])('If-Match: %s', (value) =>
    expectRefused(() => verify(value), 400, 'validation-failed', { header: 'If-Match' }));

  it('If-Match of a version that will never be', () => expectRefused(() => verify('"999999999999999"'), 412, 'stream-version-conflict', { header: 'If-Match' }));

  it('If-Match where nothing would look at it', async () => {
    await expectRefused(() => world.post(world.committee, '/issues', {}, { 'if-match': '"1"' }), 400, 'validation-failed', { header: 'If-Match' });
    await expectRefused(() => world.post(world.committee, '/commands', { commands: [] }, { 'if-match': '"1"' }), 400, 'validation-failed', { header: 'If-Match' });
  });

  it.each([['empty', ''], ['201 characters', 'a'.repeat(201)]])('Idempotency-Key: %s', (_name, key) =>
    expectRefused(() => world.post(world.committee, '/issues', {}, { 'idempotency-key': key }), 400, 'validation-failed', { header: 'Idempotency-Key' }));

  it('a token in the wrong case, cut, prolonged, doubled or of another scheme', async () => {
    const token = world.committee;
    for (const value of [`Bearer ${token.toUpperCase()}`, `Bearer ${token.slice(0, -1)}`, `Bearer ${token}x`, `Bearer ${token}, Bearer ${token}`, 'Basic YTpi', 'Bearer']) {
      await expectRefused(() => world.server.call('GET', '/issues', { token: null, headers: { authorization: value } }), 401, 'token-invalid', { header: 'Authorization' });
    }
    expect((await world.server.call('GET', '/issues', { token: null, headers: { authorization: `bearer ${token}` } })).status).toBe(200);
    await expectRefused(() => world.server.call('GET', '/metrics', { token: null }), 401, 'token-missing', { header: 'Authorization' });
  });

  it('an expired token', async () => {
    const { token } = await world.server.post('/tokens', { org: 'JT', role: 'organisation', subject: '已到期', expiresAt: '2020-01-01T00:00:00Z' });
    await expectRefused(() => world.server.call('GET', '/issues', { token }), 401, 'token-invalid');
  });

  /** Past `fetch`, which sends no such request. */
  interface RawReply { readonly status: number | undefined; readonly type: string | undefined; readonly body: Json }
  const raw = (path: string, headers: Record<string, string>): Promise<RawReply> => new Promise((resolve, reject) => {
    const sent = httpRequest(`${world.server.url}${path}`, { headers }, (reply) => {
      let text = '';
      reply.on('data', (chunk: Buffer) => { text += chunk.toString(); });
      reply.on('end', () => { resolve({ status: reply.statusCode, type: reply.headers['content-type'], body: JSON.parse(text) }); });
    });
    sent.on('error', reject).end();
  });

  it('headers and paths larger than HTTP is read', async () => {
    expect(await raw('/api/v1/issues', { 'x-large': 'a'.repeat(40_000) })).toMatchObject({ status: 431, type: expect.stringContaining('application/problem+json'), body: { code: 'headers-too-large' } });
    expect(await raw(`/api/v1/${'a'.repeat(40_000)}`, {})).toMatchObject({ status: 431, body: { code: 'headers-too-large' } });
  });
});
