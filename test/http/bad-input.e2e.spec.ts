import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addDays, dayIn, instantOfMs, type Day } from '@rectrail/kernel';
import { startTestServer, type Reply, type TestServer } from '../support/api.ts';

// Goal: bad input gets its problem with a code and the place, and nothing is stored. Method: a small world, then every kind of
// bad request; after each, the head of the log is where it was.
const today: Day = dayIn('Asia/Shanghai', instantOfMs(Date.now()));
const ago = (days: number): Day => addDays(today, -days);
const unknownId = '0198f3d2-0000-8000-8000-000000000000';

let server: TestServer;
let unit: string;
let committee: string;
let stranger: string;
let revoked: string;
let inspectionId: string;
let issueId: string;

interface Problem { readonly type: string; readonly code: string; readonly errors: unknown }
/** Answers are read as a foreign client reads them: untyped JSON, of which a spec names what it looks at. */
const bodyOf = <T>(reply: Reply): T => reply.body as T;
const problemOf = (reply: Reply): Problem => bodyOf<Problem>(reply);
const made = async (token: string, path: string, body: unknown): Promise<string> => ((await server.post(path, body, token)) as { id: string }).id;
const headPosition = async (): Promise<number> => {
  const { headPosition: head } = bodyOf<{ headPosition: unknown }>(await server.call('GET', '/health/ready'));
  if (typeof head !== 'number' || head === 0) throw new Error(`the head of the log is ${String(head)}`);
  return head;
};

beforeAll(async () => {
  server = await startTestServer();
  await server.post('/organisations', { code: 'WEI', name: '某市委', level: 'city', parent: null });
  await server.post('/organisations', { code: 'JT-01', name: '某市交通运输局', level: 'bureau', parent: 'WEI' });
  await server.post('/organisations', { code: 'XX', name: '另一市委', level: 'city', parent: null });
  unit = await server.makeToken('JT-01', 'organisation', '单位经办人');
  committee = await server.makeToken('WEI', 'supervisor', '巡察组组长');
  stranger = await server.makeToken('XX', 'supervisor', '外单位');
  revoked = await server.makeToken('WEI', 'supervisor', '已离任');
  const { items } = (await server.get('/tokens?limit=500')) as { items: { id: string; subject: string }[] };
  await server.call('DELETE', `/tokens/${String(items.find(({ subject }) => subject === '已离任')?.id)}`);
  inspectionId = await made(committee, '/inspections', { org: 'JT-01', kind: 'XUNCHA', types: ['REGULAR'], title: '第五轮巡察', on: ago(60) });
  await server.post(`/inspections/${inspectionId}/deliver-feedback`, { on: ago(40) }, committee);
  issueId = await made(committee, '/issues', { inspectionId, numberPath: ['二、', '(一)', '1.'], title: '资金管理不严' });
  await server.post(`/issues/${issueId}/accept`, { on: ago(35) }, unit);
  await server.post(`/issues/${issueId}/mark-immediate`, { on: ago(34) }, unit);
  await server.post(`/issues/${issueId}/completion`, { on: ago(20), result: '已整改' }, unit);
});
afterAll(async () => { await server.close(); });

interface Bad {
  readonly name: string;
  readonly send: () => Promise<Reply>;
  readonly status: number;
  readonly code: string;
  /** What one of `errors` must hold. */
  readonly place?: Readonly<Record<string, unknown>>;
}

const issue = (over: Readonly<Record<string, unknown>>): unknown => ({ inspectionId, numberPath: ['二、', '(二)', '2.'], title: '会议制度不落实', ...over });
const post = (path: string, body: unknown, options: { token?: string | null; headers?: Record<string, string> } = {}): Promise<Reply> => server.call('POST', path, { body, token: committee, ...options });
const ndjson = { 'content-type': 'application/x-ndjson' };
const ledger = (header: Readonly<Record<string, unknown>>, ...records: readonly string[]): string => [
  JSON.stringify({ kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'bad', title: '某市整改进展情况通报', publishedOn: ago(3), ...header }),
  JSON.stringify({ kind: 'inspection', key: 'round', organisation: 'JT-01', inspectionKind: 'XUNCHA', title: '第六轮巡察', feedback: { on: ago(30) } }),
  ...records,
].join('\n');
const row = (n: number, over: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ kind: 'issue', key: `issue-${n}`, organisation: 'JT-01', inspection: 'round', numberPath: [`${n}.`], title: `第${n}个问题`, ...over });
const importing = (text: string, token?: string): Promise<Reply> => server.call('POST', '/imports', { body: text, headers: ndjson, ...(token === undefined ? {} : { token }) });

const bad: readonly Bad[] = [
  { name: 'malformed JSON', send: () => post('/issues', '{"title": "会议制度不落实",}'), status: 400, code: 'body-malformed', place: { pointer: '', detail: expect.stringContaining('line 1, column 21') } },
  { name: 'a wrong type', send: () => post('/issues', issue({ title: 7 })), status: 400, code: 'validation-failed', place: { pointer: '/title' } },
  { name: 'an array as body', send: () => post('/issues', []), status: 400, code: 'validation-failed', place: { pointer: '' } },
  { name: 'an unknown field', send: () => post('/issues', issue({ colour: '红' })), status: 400, code: 'validation-failed', place: { pointer: '/colour' } },
  { name: 'an unknown issue', send: () => post(`/issues/${unknownId}/accept`, {}), status: 404, code: 'unknown-issue', place: { parameter: 'id' } },
  { name: 'an unknown inspection', send: () => post('/issues', issue({ inspectionId: unknownId })), status: 404, code: 'unknown-inspection', place: { pointer: '/inspectionId' } },
  { name: 'an unknown organisation', send: () => post('/inspections', { org: 'NOBODY', kind: 'XUNCHA', types: [], title: '巡察' }), status: 404, code: 'unknown-organisation', place: { pointer: '/org' } },
  { name: 'an impossible date', send: () => post('/issues', issue({ on: '2026-02-30' })), status: 400, code: 'validation-failed', place: { pointer: '/on' } },
  { name: 'a date in the future', send: () => post(`/issues/${issueId}/progress`, { text: '已部署', on: addDays(today, 1) }, { token: unit }), status: 422, code: 'effective-in-future', place: { pointer: '/on' } },
  {
    name: 'negative money', send: () => post('/funds-cases', { org: 'JT-01', issueIds: [issueId], money: { fen: '-100' }, kind: 'ALLOWANCE' }, { token: unit }),
    status: 400, code: 'validation-failed', place: { pointer: '/money/fen' },
  },
  { name: 'a body of 5 MiB', send: () => post('/issues', issue({ title: '长'.repeat(5 * 1024 * 1024 / 3) })), status: 413, code: 'body-too-large', place: { pointer: '' } },
  { name: 'a telephone number in a title', send: () => post('/issues', issue({ title: '联系电话13800138000' })), status: 422, code: 'personal-data-in-text', place: { pointer: '/title' } },
  { name: 'an identity card in a text', send: () => post(`/issues/${issueId}/progress`, { text: '身份证11010519491231002X' }, { token: unit }), status: 422, code: 'personal-data-in-text', place: { pointer: '/text' } },
  { name: 'no token', send: () => post('/issues', issue({}), { token: null }), status: 401, code: 'token-missing', place: { header: 'Authorization' } },
  { name: 'a token that never was', send: () => post('/issues', issue({}), { token: `rct_${'0'.repeat(24)}_${'A'.repeat(43)}` }), status: 401, code: 'token-invalid', place: { header: 'Authorization' } },
  { name: 'a revoked token', send: () => post('/issues', issue({}), { token: revoked }), status: 401, code: 'token-invalid', place: { header: 'Authorization' } },
  { name: 'a foreign token', send: () => post(`/issues/${issueId}/progress`, { text: '已部署' }, { token: stranger }), status: 403, code: 'outside-jurisdiction', place: { parameter: 'id' } },
  { name: 'a foreign token that reads', send: () => server.call('GET', '/dashboard?org=JT-01', { token: stranger }), status: 403, code: 'outside-jurisdiction', place: { parameter: 'org' } },
  { name: 'no If-Match where one is needed', send: () => post(`/issues/${issueId}/verify`, { record: '验收记录' }), status: 428, code: 'precondition-required', place: { header: 'If-Match' } },
  { name: 'a stale If-Match', send: () => post(`/issues/${issueId}/verify`, { record: '验收记录' }, { headers: { 'if-match': '"1"' } }), status: 412, code: 'stream-version-conflict', place: { header: 'If-Match' } },
  {
    name: 'verifying one\'s own claim', status: 409, code: 'verifier-is-reporter', place: { header: 'Authorization' },
    send: async () => post(`/issues/${issueId}/verify`, { record: '验收记录' }, { token: unit, headers: { 'if-match': String((await server.call('GET', `/issues/${issueId}?atLeast=${await headPosition()}`)).headers.get('etag')) } }),
  },
  { name: 'a future source date', send: () => importing(ledger({ publishedOn: addDays(today, 2) }, row(1))), status: 422, code: 'ledger-invalid', place: { line: 1, pointer: '/publishedOn' } },
  { name: 'a ledger broken in its last row', send: () => importing(ledger({}, ...Array.from({ length: 50 }, (_, n) => row(n + 1)), '{"kind": "issue", "key": ')), status: 422, code: 'ledger-invalid', place: { line: 53 } },
  { name: 'a ledger whose last row points at nothing', send: () => importing(ledger({}, row(1), row(2, { inspection: 'nowhere' }))), status: 422, code: 'ledger-invalid', place: { line: 4, pointer: '/inspection' } },
  { name: 'a ledger with a telephone number', send: () => importing(ledger({}, row(1, { title: '电话0574-87654321' }))), status: 422, code: 'ledger-invalid', place: { line: 3, pointer: '/title', code: 'personal-data-in-text' } },
  { name: 'a ledger of another organisation', send: () => importing(ledger({}, row(1)), stranger), status: 403, code: 'outside-jurisdiction' },
  { name: 'an unknown parameter', send: () => server.call('GET', '/dashboard?organisation=WEI'), status: 400, code: 'validation-failed', place: { parameter: 'organisation' } },
  { name: 'a position that is yet to come', send: async () => server.call('GET', `/dashboard?atPosition=${await headPosition() + 1000}`), status: 422, code: 'position-unknown', place: { parameter: 'atPosition' } },
  { name: 'a cursor of our own making', send: () => server.call('GET', '/issues?cursor=nonsense'), status: 400, code: 'cursor-invalid', place: { parameter: 'cursor' } },
  {
    name: 'a batch whose last command is wrong', status: 400, code: 'validation-failed', place: { pointer: '/commands/1/body/title' },
    send: () => post('/commands', { commands: [{ name: 'RegisterIssue', body: issue({}) }, { name: 'RegisterIssue', body: issue({ title: null }) }] }),
  },
];

describe('bad input', () => {
  it.each(bad)('$name is refused with its code and place, and nothing is stored', async ({ send, status, code, place }) => {
    const before = await headPosition();
    const reply = await send();
    expect([reply.status, problemOf(reply).code]).toEqual([status, code]);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(reply.body).toMatchObject({ type: `/problems/${code}`, status, title: expect.any(String), titleZh: expect.any(String), correlationId: reply.headers.get('x-correlation-id') });
    if (place !== undefined) expect(problemOf(reply).errors).toEqual(expect.arrayContaining([expect.objectContaining(place)]));
    expect(await headPosition()).toBe(before);
    expect((await server.call('GET', problemOf(reply).type)).status).toBe(200);
  });

  it('a reused Idempotency-Key with another body is refused; with the same it answers the same and stores once', async () => {
    const headers = { 'idempotency-key': 'round-5-issue-2' };
    const first = await post('/issues', issue({}), { headers });
    const after = await headPosition();
    const again = await post('/issues', issue({}), { headers });
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([first.status, first.body, first.headers.get('etag')]);
    const other = await post('/issues', issue({ title: '另一个问题' }), { headers });
    expect([other.status, problemOf(other).code]).toEqual([422, 'idempotency-key-reused']);
    expect(problemOf(other).errors).toEqual([expect.objectContaining({ header: 'Idempotency-Key' })]);
    expect(await headPosition()).toBe(after);
  });

  it('is not hidden from operators: requests and refusals are counted', async () => {
    const { body } = await server.call('GET', '/metrics');
    expect(body).toMatch(/rectrail_command_duration_seconds_count\{command="VerifyIssue",outcome="precondition-required"\} 1/);
    expect(body).toMatch(/rectrail_append_duration_seconds_count\{outcome="appended"\} [1-9]/);
  });
});
