import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noteVerifier, openProof } from '@rectrail/transparency';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addDays, dayIn, instantOfMs, type Day } from '@rectrail/kernel';
import { startTestServer, type Json, type Reply, type TestServer } from '../support/api.ts';

// Goal: a live round over HTTP, each step by its own actor, is visible at once; corrections of both kinds do what rules.md section 2 says.
// Method: one story from the organisation's registration to the reopening, then corrections read back at several cuts.
const today: Day = dayIn('Asia/Shanghai', instantOfMs(Date.now()));
const ago = (days: number): Day => addDays(today, -days);

let server: TestServer;
let unit: string;
let committee: string;
let inspected: string;
let checker: string;
const ids: Record<string, string> = {};

const act = async (token: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> => {
  const reply = await server.call('POST', path, { body, token, headers });
  if (reply.status >= 300) throw new Error(`POST ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply;
};
const version = async (id: string): Promise<string> => `"${(await server.get(`/issues/${id}`)).issue.streamVersion}"`;
const judged = async (token: string, path: string, body: unknown): Promise<Reply> => act(token, path, body, { 'if-match': await version(String(path.split('/')[2])) });
const dashboard = (more = ''): Promise<Json> => server.get(`/dashboard?org=JT-01${more}`);
const stateOf = async (id: string, more = ''): Promise<string> => String((await server.get(`/issues/${id}?${more}`)).issue.state);

beforeAll(async () => {
  server = await startTestServer();
  await server.post('/organisations', { code: 'WEI', name: '某市委', level: 'city', parent: null });
  await server.post('/organisations', { code: 'JT-01', name: '某市交通运输局', level: 'bureau', parent: 'WEI' });
  unit = await server.makeToken('JT-01', 'organisation', '单位经办人');
  inspected = await server.makeToken('JT-01', 'organisation', '单位负责人');
  committee = await server.makeToken('WEI', 'supervisor', '巡察组组长');
  checker = await server.makeToken('WEI', 'supervisor', '验收人');
});
afterAll(async () => { await server.close(); });

describe('a round, each step by its own actor', () => {
  it('opens the inspection, delivers the feedback, registers an issue', async () => {
    ids['inspection'] = (await act(committee, '/inspections', { org: 'JT-01', kind: 'XUNCHA', types: ['REGULAR'], title: '第五轮巡察', on: ago(60) })).body.id;
    await act(committee, `/inspections/${ids['inspection']}/deliver-feedback`, { on: ago(40) });
    const registered = await act(committee, '/issues', { inspectionId: ids['inspection'], numberPath: ['二、', '(一)', '1.'], title: '资金管理不严' });
    expect(registered.status).toBe(201);
    expect(registered.headers.get('etag')).toBe('"1"');
    expect(Number(registered.headers.get('rectrail-position'))).toBeGreaterThan(0);
    ids['issue'] = registered.body.id;
    expect(registered.headers.get('location')).toBe(`/api/v1/issues/${ids['issue']}`);
  });

  it('accept, plan a measure and the issue, start, complete the measure, recover funds, report: at once visible with atLeast', async () => {
    const id = ids['issue']!;
    await act(inspected, `/issues/${id}/accept`, { on: ago(35) });
    ids['measure'] = (await act(unit, '/measures', { issueIds: [id], title: '清退违规发放款项', on: ago(33) })).body.id;
    await act(unit, `/issues/${id}/deadline`, { planned: ago(5), on: ago(33) });
    await act(unit, `/issues/${id}/plan`, { leader: 'p-9', department: 'JT-01', on: ago(32) });
    await act(unit, `/issues/${id}/start`, { on: ago(30) });
    const openMeasure = await server.call('POST', `/issues/${id}/completion`, { body: { on: ago(20) }, token: unit });
    expect([openMeasure.status, openMeasure.body.code]).toEqual([409, 'measures-open']);
    await act(unit, `/measures/${ids['measure']}/complete`, { on: ago(21), result: '已全部清退' });
    ids['case'] = (await act(unit, '/funds-cases', { org: 'JT-01', issueIds: [id], money: { fen: '5441000', printed: '54410元' }, kind: 'ALLOWANCE', on: ago(30) })).body.id;
    await act(unit, `/funds-cases/${ids['case']}/recover`, { money: { fen: '5441000', printed: '54410元' }, kind: 'ALLOWANCE', on: ago(22) });
    const reported = await act(unit, `/issues/${id}/completion`, { on: ago(20), result: '已整改' });
    const answer = await dashboard(`&atLeast=${reported.headers.get('rectrail-position')}`);
    expect(answer.figures.issues.byState.DONE_REPORTED.count).toBe(1);
    expect(answer.figures.issues.byDeadline.DONE_IN_TIME.count).toBe(1);
    expect(answer.figures.measures).toMatchObject({ total: 1, shared: 0 });
    expect(answer.figures.funds.recovered).toEqual({ fen: '5441000', unknownAmounts: 0 });
    expect((await dashboard(`&validAt=${ago(25)}`)).figures.issues.byState.IN_PROGRESS.count).toBe(1);
    expect((await dashboard(`&validAt=${ago(41)}`)).figures.issues.total).toBe(0);
  });

  it('nobody verifies what they reported; someone else does; write-off needs the version that was seen', async () => {
    const id = ids['issue']!;
    const own = await server.call('POST', `/issues/${id}/verify`, { body: { record: '验收记录1号', on: ago(10) }, token: unit, headers: { 'if-match': await version(id) } });
    expect(own.status).toBeGreaterThanOrEqual(400);
    expect(own.body.code).toMatch(/verif/);
    const without = await server.call('POST', `/issues/${id}/verify`, { body: { record: '验收记录1号', on: ago(10) }, token: checker });
    expect([without.status, without.body.code]).toEqual([428, 'precondition-required']);
    await judged(checker, `/issues/${id}/verify`, { record: '验收记录1号', on: ago(10) });
    const stale = await server.call('POST', `/issues/${id}/write-off`, { body: { slip: '销号单1号', endorsements: [], on: ago(8) }, token: committee, headers: { 'if-match': '"1"' } });
    expect(stale.status).toBeGreaterThanOrEqual(400);
    const endorsements = [['MAIN', 'p-1'], ['SUPERVISING', 'p-2'], ['EXECUTING', 'p-3']].map(([kind, by]) => ({ kind, by }));
    const staleAgain = await server.call('POST', `/issues/${id}/write-off`, { body: { slip: '销号单1号', endorsements, on: ago(8) }, token: committee, headers: { 'if-match': '"1"' } });
    expect([staleAgain.status, staleAgain.body.code]).toEqual([412, 'stream-version-conflict']);
    await judged(committee, `/issues/${id}/write-off`, { slip: '销号单1号', endorsements, on: ago(8) });
    expect(await stateOf(id)).toBe('WRITTEN_OFF');
    await provenSlip(id);
    await act(committee, `/issues/${id}/reopen`, { kind: 'RELAPSE', finding: '回头看发现反弹', on: ago(2) });
    expect(await stateOf(id)).toBe('REOPENED');
    expect(await stateOf(id, `validAt=${ago(3)}`)).toBe('WRITTEN_OFF');
  });
});

/** The slip says who did what, and its proof holds by the log's key alone. */
const provenSlip = async (id: string): Promise<void> => {
  let reply = await server.call('GET', `/issues/${id}/write-off-slip`);
  for (; reply.status === 409 && reply.body.code === 'log-not-sealed'; reply = await server.call('GET', `/issues/${id}/write-off-slip`)) await sleep(50);
  const { writtenOff, verified, endorsements, slip, measures, proof } = reply.body;
  expect({ slip, endorsements: endorsements.length, measures: measures.length, record: verified.record }).toEqual({ slip: '销号单1号', endorsements: 3, measures: 1, record: '验收记录1号' });
  expect(verified.by.subject).not.toBe(writtenOff.by.subject);
  const { leaf } = await server.get(`/log/proof/inclusion/${writtenOff.position}`);
  const log = String((await server.call('GET', '/log/keys')).body).trim().split('\n').map(noteVerifier);
  expect(openProof(proof.file, Buffer.from(leaf), { origin: log[0]!.name, log }).size).toBeGreaterThanOrEqual(writtenOff.position);
  const { body } = await server.call('GET', `/issues/${id}/write-off-slip?format=text`);
  for (const words of ['整改问题销号单', '销号单号：销号单1号', '验收意见：验收记录1号', 'c2sp.org/tlog-proof']) expect(String(body)).toContain(words);
  const dir = await mkdtemp(join(tmpdir(), 'rectrail-slip-'));
  const rectrail = (...args: readonly string[]): Promise<string> => new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token };
    execFile(process.execPath, [join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs'), 'slip', id, ...args], { cwd: dir, env }, (_, out, err) => { resolve(out + err); });
  });
  expect(await rectrail('--lang', 'zh')).toMatch(/销号单 销号单1号[^]*验收通过：.*[^]*主体责任：p-1[^]*日志收录证明/);
  expect(await rectrail('--text', '--to', 'slip.txt')).toBe('');
  expect(await readFile(join(dir, 'slip.txt'), 'utf8')).toMatch(/^整改问题销号单[^]*c2sp\.org\/tlog-proof/);
  expect(await rectrail('--lang', 'zh', '--to', 'slip.txt')).toContain('无法写入');
  await rm(dir, { recursive: true, force: true });
};

describe('corrections', () => {
  const completionOf = async (): Promise<Json> => (await server.get(`/issues/${ids['second']}/history`)).events.findLast((event: Json) => event.type === 'IssueCompletionReported' && event.counts);

  it('prepares a second issue, reported done', async () => {
    ids['second'] = (await act(committee, '/issues', { inspectionId: ids['inspection'], numberPath: ['二、', '(一)', '2.'], title: '会议制度不落实' })).body.id;
    await act(inspected, `/issues/${ids['second']}/accept`, { on: ago(35) });
    await act(inspected, `/issues/${ids['second']}/mark-immediate`, { on: ago(34) });
    await act(unit, `/issues/${ids['second']}/completion`, { on: ago(30) });
    expect(await stateOf(ids['second']!, `validAt=${ago(29)}`)).toBe('DONE_REPORTED');
  });

  it('withdrawn (the default): what is known today about last month changes, what was known before does not', async () => {
    const seen = await completionOf();
    const reply = await server.call('POST', '/corrections', {
      token: unit, headers: { 'if-match': await version(ids['second']!) },
      body: { retract: [seen.eventId], reason: '日期有误', command: { name: 'ReportCompletion', target: ids['second'], body: { on: ago(15) } } },
    });
    expect([reply.status, reply.body.code]).toEqual([200, undefined]);
    const before = seen.recordedAt;
    expect(await stateOf(ids['second']!, `validAt=${ago(29)}`)).toBe('IN_PROGRESS');
    expect(await stateOf(ids['second']!, `validAt=${ago(15)}`)).toBe('DONE_REPORTED');
    expect(await stateOf(ids['second']!, `validAt=${ago(29)}&knownAt=${before}`)).toBe('DONE_REPORTED');
  });

  it('entered in error: it was never so, at any knownAt; the old position still shows the slip', async () => {
    const seen = await completionOf();
    const position = (await dashboard()).cut.atPosition;
    const reply = await server.call('POST', '/corrections', {
      token: unit, headers: { 'if-match': await version(ids['second']!) },
      body: { retract: [seen.eventId], kind: 'entered-in-error', reason: '录入错误', command: { name: 'ReportCompletion', target: ids['second'], body: { on: ago(12) } } },
    });
    expect([reply.status, reply.body.code]).toEqual([200, undefined]);
    for (const known of [seen.recordedAt, '']) {
      const cut = known === '' ? '' : `&knownAt=${known}`;
      expect(await stateOf(ids['second']!, `validAt=${ago(14)}${cut}`)).toBe('IN_PROGRESS');
      expect(await stateOf(ids['second']!, `validAt=${ago(12)}${cut}`)).toBe('DONE_REPORTED');
      expect(await stateOf(ids['second']!, `validAt=${ago(14)}&atPosition=${position}${cut}`)).toBe('DONE_REPORTED');
    }
  });

  it('a retraction that others build upon is refused with the list; withDependents takes them along', async () => {
    const history = (await server.get(`/issues/${ids['second']}/history`)).events as Json[];
    const registration = history.find((event) => event.type === 'IssueRegistered');
    const refused = await server.call('POST', '/retractions', { token: committee, body: { eventIds: [registration.eventId], reason: '重复登记', kind: 'entered-in-error' }, headers: { 'if-match': await version(ids['second']!) } });
    expect([refused.status, refused.body.code]).toEqual([409, 'built-upon']);
    await act(committee, '/retractions', { eventIds: [registration.eventId], reason: '重复登记', kind: 'entered-in-error', withDependents: true }, { 'if-match': await version(ids['second']!) });
    expect((await dashboard()).figures.issues.total).toBe(1);
  });
});

describe('many commands at once', () => {
  it('照单全收: all or nothing, and a failing one names its place', async () => {
    const made = [];
    for (const n of ['3.', '4.']) made.push((await act(committee, '/issues', { inspectionId: ids['inspection'], numberPath: ['二、', '(一)', n], title: `问题${n}` })).body.id);
    const head = (await dashboard()).cut.atPosition;
    const bad = await server.call('POST', '/commands', { token: inspected, body: { commands: [{ name: 'AcceptIssue', target: made[0], body: {} }, { name: 'AcceptIssue', target: made[1], body: { nonsense: 1 } }] } });
    expect(bad.status).toBe(400);
    expect(bad.body.errors[0].pointer).toBe('/commands/1/body/nonsense');
    expect((await dashboard()).cut.atPosition).toBe(head);
    await act(inspected, '/commands', { commands: made.map((target) => ({ name: 'AcceptIssue', target, body: {} })) });
    expect((await dashboard()).figures.issues.byState.REGISTERED.count).toBe(2);
  });
});
