import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Reply } from '../support/api.ts';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

// Goal: a token of one organisation neither reads nor writes what is another's, by no route. Method: two organisations on one
// server; the stranger tries every path at the other's things, and no answer may hold a word of them.
let world: TwoOrganisations;
let eventIds: readonly string[];
beforeAll(async () => {
  world = await twoOrganisations();
  const { items } = await world.server.get(`/audit-trail?stream=issue-${world.issue}`, world.bureau);
  eventIds = items.map(({ eventId }: { eventId: string }) => eventId);
});
afterAll(async () => { await world.server.close(); });

const asStranger = (path: string): Promise<Reply> => world.server.call('GET', path, { token: world.stranger });

describe('reading', () => {
  it.each([
    '/issues/{issue}', '/issues/{issue}/history', '/organisations/JT', '/issues?org=JT', '/dashboard?org=JT', '/dashboard/children?org=WEI', '/funds?org=WEI', '/measures?org=JT',
    '/deadlines?org=JT', '/audit-trail?org=JT', '/organisations?org=WEI', '/inspections?org=JT', '/reports?org=JT',
  ])('GET %s is outside the jurisdiction and says which parameter names it', async (path) => {
    const reply = await asStranger(path.replace('{issue}', world.issue));
    expect([reply.status, reply.body.code]).toEqual([403, 'outside-jurisdiction']);
    expect(reply.body.errors).toEqual([expect.objectContaining({ parameter: path.includes('?') ? 'org' : 'id' })]);
  });

  it.each([
    '/issues', '/issues?inspection={inspection}', '/dashboard', '/dashboard/children', '/funds', '/measures', '/measures?issue={issue}', '/deadlines', '/organisations', '/inspections', '/reports',
    '/audit-trail?limit=500', '/audit-trail?stream=issue-{issue}', '/imports',
  ])('GET %s holds nothing of the other organisation', async (path) => {
    const reply = await asStranger(path.replace('{issue}', world.issue).replace('{inspection}', world.inspection));
    expect(reply.status).toBe(200);
    const text = JSON.stringify(reply.body);
    for (const word of [world.issue, world.inspection, world.measure, world.fundsCase, '"JT"', '某市']) expect(text).not.toContain(word);
  });

  it('a bureau\'s own dashboard has itself as its only part, not the committee above it', async () => {
    const { children, total } = await world.server.get('/dashboard/children', world.bureau);
    expect(children.map(({ code }: { code: string }) => code)).toEqual(['JT']);
    expect(children[0].figures.issues).toEqual(total.issues);
  });

  it('tokens are the administrator\'s', async () => {
    for (const reply of [await asStranger('/tokens'), await world.post(world.stranger, '/tokens', { org: 'XX', role: 'x', subject: 'y' }), await world.server.call('DELETE', '/tokens/any', { token: world.stranger })]) {
      expect([reply.status, reply.body.code]).toEqual([403, 'administrator-only']);
    }
  });
});

interface Attempt {
  readonly name: string;
  readonly path: (w: TwoOrganisations) => string;
  readonly body: (w: TwoOrganisations) => unknown;
  readonly headers?: Record<string, string>;
  readonly pointer?: string;
  readonly code?: string;
}
const ifMatch = { 'if-match': '"1"' };
const attempts: readonly Attempt[] = [
  { name: 'acts on an issue', path: (w) => `/issues/${w.issue}/progress`, body: () => ({ text: '已部署' }) },
  { name: 'guesses the version of an issue', path: (w) => `/issues/${w.issue}/verify`, body: () => ({ record: '验收' }), headers: ifMatch },
  { name: 'acts on a measure', path: (w) => `/measures/${w.measure}/complete`, body: () => ({}) },
  { name: 'recovers money', path: (w) => `/funds-cases/${w.fundsCase}/recover`, body: () => ({ money: { fen: '1' } }) },
  { name: 'submits a plan', path: (w) => `/plans/${w.plan}/submit`, body: () => ({}) },
  { name: 'observes a metric', path: (w) => `/metrics/${w.metric}/observe`, body: () => ({ quantity: { value: '1', unit: '次' } }) },
  { name: 'names a team', path: (w) => `/inspections/${w.inspection}/assign-team`, body: () => ({ team: '第一组' }) },
  { name: 'renames an organisation', path: () => '/organisations/JT/rename', body: () => ({ name: '新名', code: 'JT' }) },
  { name: 'dissolves an organisation', path: () => '/organisations/JT/dissolve', body: () => ({}), headers: ifMatch },
  { name: 'hangs itself below another organisation', path: () => '/organisations/XX/move', body: () => ({ parent: 'WEI' }) },
  { name: 'merges into another organisation', path: () => '/organisations/XX/merge', body: () => ({ successor: 'JT' }) },
  { name: 'registers an organisation below another', path: () => '/organisations', body: () => ({ code: 'NEU', name: '新局', level: 'bureau', parent: 'WEI' }) },
  { name: 'registers an issue of another organisation', path: () => '/issues', body: (w) => ({ inspectionId: w.strange.inspection, org: 'JT', numberPath: ['九、'], title: '无' }) },
  { name: 'registers an issue under another\'s inspection', path: () => '/issues', body: (w) => ({ inspectionId: w.inspection, org: 'XX', numberPath: ['九、'], title: '无' }), pointer: '/inspectionId' },
  { name: 'drafts a plan under another\'s inspection', path: () => '/plans', body: (w) => ({ inspectionId: w.inspection, org: 'XX', title: '方案', issueIds: [] }), pointer: '/inspectionId' },
  { name: 'lets its plan name another\'s issue', path: () => '/plans', body: (w) => ({ inspectionId: w.strange.inspection, org: 'XX', title: '方案', issueIds: [w.issue] }), pointer: '/issueIds/0', code: 'owned-by-another' },
  { name: 'plans a measure for another\'s issue', path: () => '/measures', body: (w) => ({ issueIds: [w.strange.issue, w.issue], title: '措施' }) },
  { name: 'links its measure to another\'s issue', path: (w) => `/measures/${w.strange.measure}/link`, body: (w) => ({ issueId: w.issue }) },
  { name: 'states another\'s issue as a duplicate', path: (w) => `/issues/${w.strange.issue}/link-duplicate`, body: (w) => ({ issueId: w.issue }), pointer: '/issueId' },
  { name: 'states another\'s issue as its recurrence', path: (w) => `/issues/${w.strange.issue}/link-recurrence`, body: (w) => ({ previousIssueId: w.issue }), pointer: '/previousIssueId' },
  { name: 'links another\'s inspection as the previous round', path: (w) => `/inspections/${w.strange.inspection}/link-previous-round`, body: (w) => ({ inspectionId: w.inspection }), pointer: '/inspectionId' },
  { name: 'opens a funds case under another\'s inspection', path: () => '/funds-cases', body: (w) => ({ org: 'XX', inspectionId: w.inspection, money: { fen: '1' }, kind: 'ALLOWANCE' }), pointer: '/inspectionId' },
  { name: 'states another\'s funds case as a duplicate', path: (w) => `/funds-cases/${w.strange.fundsCase}/link-duplicate`, body: (w) => ({ otherCaseId: w.fundsCase, note: '重复' }), pointer: '/otherCaseId' },
  { name: 'defines a metric of another\'s issue', path: () => '/metrics', body: (w) => ({ org: 'XX', issueId: w.issue, code: 'c', name: '指标', unit: '个' }), pointer: '/issueId' },
  { name: 'acts in a batch', path: () => '/commands', body: (w) => ({ commands: [{ name: 'ReportProgress', target: w.issue, body: { text: '已部署' } }] }), pointer: '/commands/0' },
  { name: 'retracts a fact', path: () => '/retractions', body: () => ({ eventIds: [eventIds[0]], reason: '误' }) },
  { name: 'corrects a fact', path: () => '/corrections', body: (w) => ({ retract: [eventIds[0]], reason: '误', command: { name: 'ReportProgress', target: w.strange.issue, body: { text: '已部署' } } }), headers: ifMatch },
  { name: 'adopts a policy', path: () => '/organisations/JT/policy', headers: ifMatch, body: () => ({ name: '口径', buckets: [{ when: {}, bucket: 'open' }], dueSoon: { days: 1, unit: 'calendar' }, lights: [], approvers: [] }) },
];

describe('writing', () => {
  it.each(attempts)('a stranger who $name is refused and nothing is stored', async ({ path, body, headers = {}, pointer, code = 'outside-jurisdiction' }) => {
    const before = await world.head();
    const reply = await world.post(world.stranger, path(world), body(world), headers);
    expect(reply.body.code).toBe(code);
    if (pointer !== undefined) expect(reply.body.errors).toEqual([expect.objectContaining({ pointer })]);
    expect(await world.head()).toBe(before);
  });

  it('a unit may lean on what stands above it', async () => {
    const sub = await world.server.post('/organisations', { code: 'SUB', name: '所属事业单位', level: 'unit', parent: 'JT' });
    const token = await world.server.makeToken('SUB', 'organisation', '下属经办人');
    const issue = await world.server.post('/issues', { inspectionId: world.inspection, org: 'SUB', numberPath: ['二、'], title: '所属单位问题' }, token);
    const detail = await world.server.get(`/issues/${issue.id}`, token);
    expect(detail.issue.orgId).toBe(sub.id);
  });

  it('a correction does not get past the If-Match of what it states', async () => {
    const [own] = (await world.server.get(`/audit-trail?stream=measure-${world.measure}`, world.bureau)).items;
    const reply = await world.post(world.committee, '/corrections', {
      retract: [own.eventId], reason: '误', command: { name: 'RejectCompletion', target: world.issue, body: { reason: '不实' } },
    }, { 'if-match': `"${own.streamVersion}"` });
    expect([reply.status, reply.body.code]).toEqual([428, 'precondition-required']);
  });
});

const ndjson = (records: readonly unknown[]): { body: string; headers: Record<string, string> } => ({
  body: [{ kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'strange', title: '通报', publishedOn: ago(3) }, ...records].map((record) => JSON.stringify(record)).join('\n'),
  headers: { 'content-type': 'application/x-ndjson' },
});

describe('importing', () => {
  it.each([
    ['states the status of another\'s issue', () => ({ kind: 'status', key: 's', issue: world.issue, state: 'DONE_REPORTED' }), 'outside-jurisdiction'],
    ['states an issue under another\'s inspection', () => ({ kind: 'issue', key: 'i', organisation: 'XX', inspection: world.inspection, numberPath: ['1'], title: '问题' }), 'outside-jurisdiction'],
    ['takes another\'s issue for its own', () => ({ kind: 'issue', key: world.issue, organisation: 'XX', inspection: world.strange.inspection, numberPath: ['1'], title: '问题' }), 'ledger-invalid'],
    ['counts money under another\'s issue', () => ({ kind: 'funds', key: 'f', event: 'RECOVERED', organisation: 'XX', issues: [world.issue], money: { fen: '100' }, fundsKind: 'ALLOWANCE' }), 'outside-jurisdiction'],
  ] as const)('a stranger whose ledger %s is refused', async (_name, record, code) => {
    const before = await world.head();
    const reply = await world.server.call('POST', '/imports', { token: world.stranger, ...ndjson([record()]) });
    expect(reply.body).toMatchObject({ code });
    expect(await world.head()).toBe(before);
  });

  it('an import can be read at once, and no stranger undoes it', async () => {
    const record = { kind: 'issue', key: 'jt-8', organisation: 'JT', inspection: world.inspection, numberPath: ['八、'], title: '台账问题' };
    const { importId, position } = (await world.server.call('POST', '/imports', { token: world.bureau, ...ndjson([record]) })).body;
    const read = await world.server.get(`/issues?q=${encodeURIComponent('台账问题')}`, world.bureau);
    expect(read.total).toBe(1);
    expect(read.cut.atPosition).toBeGreaterThanOrEqual(position);
    const refused = await world.post(world.stranger, `/imports/${importId}/undo`, { reason: '误' });
    expect([refused.status, refused.body.code]).toEqual([403, 'outside-jurisdiction']);
    const undone = await world.post(world.bureau, `/imports/${importId}/undo`, { reason: '误' });
    expect(undone.headers.get('rectrail-position')).toBe(String(undone.body.position));
    expect((await world.server.get(`/issues?q=${encodeURIComponent('台账问题')}`, world.bureau)).total).toBe(0);
  });
});

describe('idempotency keys', () => {
  it('belong to their token: another\'s key is a new one', async () => {
    const headers = { 'idempotency-key': 'one-key' };
    const path = `/issues/${world.issue}/key-and-hard`;
    const [first, other] = [await world.post(world.bureau, `/issues/${world.issue}/next-step`, { text: '下一步' }, headers), await world.post(world.committee, path, {}, headers)];
    expect([first.status, other.status]).toEqual([200, 200]);
    expect(other.body.commandId).not.toBe(first.body.commandId);
  });
});
