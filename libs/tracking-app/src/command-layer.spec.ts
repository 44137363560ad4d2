import { newCommandId } from '@rectrail/event-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Actor } from '@rectrail/kernel';
import { actorOf, issueStream, openPlace, openWriteSide, registerIssue, type Place, type WriteSide } from './testing/write-side.ts';

// Goal: what the command layer itself guards, whoever calls: form, jurisdiction, existence, If-Match, batches, repeats, dry runs.
// Method: refused calls over one place in a memory store; every refusal is checked to have written nothing.
let side: WriteSide;
let place: Place;
let clerk: Actor;

beforeAll(async () => {
  side = await openWriteSide();
  place = await openPlace(side);
  clerk = actorOf('clerk', place.bureau);
});
afterAll(() => side.close());

const head = async (): Promise<number> => (await side.store.head()).position;
const refusedWith = async (...call: Parameters<WriteSide['refused']>): Promise<{ code: string; pointers: readonly (string | undefined)[] }> => {
  const before = await head();
  const { code, errors } = await side.refused(...call);
  expect(await head()).toBe(before);
  return { code, pointers: [...new Set(errors.map(({ pointer }) => pointer))] };
};
const unknownId = '00000000-0000-8000-8000-000000000000';

describe('the form of a body', () => {
  const issue = (more: object): object => ({ inspectionId: place.inspection, numberPath: ['1.'], title: '问题', ...more });

  it.each([
    ['an unknown field, at the field', { colour: 'red' }, 'validation-failed', '/colour'],
    ['a wrong type', { annex: 'yes' }, 'validation-failed', '/annex'],
    ['an impossible date', { on: '2026-02-30' }, 'validation-failed', '/on'],
    ['a telephone number in a title', { title: '联系 13800001111' }, 'personal-data-in-text', '/title'],
    ['a title beyond its limit', { title: '长'.repeat(201) }, 'validation-failed', '/title'],
    ['an id that is none', { inspectionId: '1' }, 'validation-failed', '/inspectionId'],
  ])('%s', async (_what, more, code, pointer) => {
    expect(await refusedWith('/issues', issue(more))).toEqual({ code, pointers: [pointer] });
  });

  it('names every fault', async () => {
    expect((await refusedWith('/issues', issue({ annex: 1, numberPath: [] }))).pointers).toEqual(['/numberPath', '/annex']);
  });

  it('negative money', async () => {
    expect(await refusedWith('/funds-cases', { org: 'CN-1-JT', money: { fen: '-100' }, kind: 'OTHER' })).toEqual({ code: 'validation-failed', pointers: ['/money/fen'] });
  });

  it('takes a date of the ledger grammar and keeps what was printed', async () => {
    const id = await registerIssue(side, place, '90.');
    await side.post(`/issues/${id}/accept`, { on: { value: '2026-02', printed: '2月', edge: 'on' } });
    expect((await side.facts()).at(-1)).toMatchObject({ event: { type: 'IssueAccepted' }, validTime: { printed: '2月', precision: 'month', first: '2026-02-01', last: '2026-02-28' }, classification: 'internal' });
  });

  it('takes effect today, in the zone of the installation, where no day is named', async () => {
    const id = await registerIssue(side, place, '91.');
    side.now = '2026-03-02T16:30:00.000Z' as typeof side.now;
    await side.post(`/issues/${id}/accept`);
    expect((await side.facts()).at(-1)?.validTime?.last).toBe('2026-03-03');
  });
});

describe('existence', () => {
  it.each([
    ['/issues/:id/accept', {}, 'unknown-issue'],
    ['/measures/:id/complete', {}, 'unknown-measure'],
    ['/funds-cases/:id/recover', { money: { fen: '1' } }, 'unknown-funds-case'],
    ['/plans/:id/submit', {}, 'unknown-plan'],
    ['/inspections/:id/assign-team', { team: '一组' }, 'unknown-inspection'],
    ['/reports/:id/explain-discrepancy', { discrepancyKey: 'issues.total', explanation: '未公开' }, 'unknown-report'],
    ['/metrics/:id/observe', { quantity: { value: '1', unit: '次' } }, 'unknown-metric'],
    ['/organisations/:id/dissolve', {}, 'unknown-organisation'],
  ])('%s of an id that nothing has', async (path, body, code) => {
    expect((await refusedWith(path.replace(':id', unknownId), body)).code).toBe(code);
  });

  it.each([
    ['/inspections', { org: 'NOBODY', kind: 'XUNCHA', title: '巡察' }, 'unknown-organisation', '/org'],
    ['/measures', { issueIds: [unknownId], title: '措施' }, 'unknown-issue', '/issueIds/0'],
    ['/issues', { inspectionId: unknownId, numberPath: ['1.'], title: '问题' }, 'unknown-inspection', '/inspectionId'],
  ])('%s that names something unknown says where', async (path, body, code, pointer) => {
    expect(await refusedWith(path, body)).toEqual({ code, pointers: [pointer] });
  });
});

describe('jurisdiction', () => {
  it('ends at the subtree of the token', async () => {
    const stranger = actorOf('stranger', place.other);
    const id = await registerIssue(side, place, '80.');
    for (const [path, body] of [
      [`/issues/${id}/accept`, {}],
      ['/inspections', { org: 'CN-1-JT', kind: 'XUNCHA', title: '巡察' }],
      [`/organisations/${place.bureau}/rename`, { name: '某局', code: 'X' }],
      ['/measures', { issueIds: [id], title: '措施' }],
    ] as const) expect((await refusedWith(path, body, { by: stranger })).code).toBe('outside-jurisdiction');
    await side.post(`/issues/${id}/accept`, {}, { by: actorOf('above', place.region) });
  });

  it('roots, the default policy and the calendar are the administrator\'s', async () => {
    const above = actorOf('above', place.region);
    const policy = { name: '默认', buckets: [{ when: {}, bucket: 'open' }], dueSoon: { days: 10, unit: 'calendar' }, lights: [], approvers: [] };
    for (const [path, body] of [
      ['/organisations', { code: 'ROOT', name: '某省', level: 'province', parent: null }],
      ['/policies/default', policy],
      ['/calendar-years', { year: 2026, workingDays: ['2026-01-05'] }],
    ] as const) expect((await refusedWith(path, body, { by: above })).code).toBe('administrator-only');
  });

  it('an issue of another organisation goes into no plan and no funds case', async () => {
    const elsewhere = (await side.post('/inspections', { org: 'CN-1-SW', kind: 'XUNCHA', title: '巡察' })).id;
    const foreign = (await side.post('/issues', { inspectionId: elsewhere, numberPath: ['1.'], title: '问题' })).id;
    expect(await refusedWith('/plans', { inspectionId: place.inspection, title: '方案', issueIds: [foreign] })).toEqual({ code: 'owned-by-another', pointers: ['/issueIds/0'] });
    expect(await refusedWith('/funds-cases', { org: 'CN-1-JT', issueIds: [foreign], money: { fen: '1' }, kind: 'OTHER' })).toEqual({ code: 'owned-by-another', pointers: ['/issueIds/0'] });
  });
});

describe('If-Match', () => {
  it('is asked for where a person judges what they saw', async () => {
    const id = await registerIssue(side, place, '70.');
    for (const [verb, body] of [['verify', { record: '记录' }], ['return', { reason: '效果不好' }], ['write-off', { slip: '单', endorsements: [] }], ['revoke-write-off', { reason: '纸上销号' }]] as const) {
      expect((await refusedWith(`/issues/${id}/${verb}`, body)).code).toBe('precondition-required');
    }
    expect((await refusedWith('/corrections', { retract: [unknownId], reason: '误', command: { name: 'AcceptIssue' } })).code).toBe('precondition-required');
  });

  it('refuses a stale version, with the present one', async () => {
    const id = await registerIssue(side, place, '71.');
    const { streamVersion } = await side.post(`/issues/${id}/accept`);
    expect(streamVersion).toBe((await side.store.readStream(issueStream(id))).version);
    const refused = await side.refused(`/issues/${id}/key-and-hard`, {}, { ifMatch: streamVersion - 1 });
    expect([refused.code, refused.extensions['currentVersion'], refused.errors[0]?.header]).toEqual(['stream-version-conflict', streamVersion, 'If-Match']);
    expect((await side.post(`/issues/${id}/key-and-hard`, {}, { ifMatch: streamVersion })).streamVersion).toBe(streamVersion + 1);
  });

  it('of two who saw the same version one is refused; without it both are carried out', async () => {
    const id = await registerIssue(side, place, '72.');
    const [a, b] = await Promise.allSettled([1, 2].map((n) => side.post(`/issues/${id}/progress`, { text: `进展${n}` }, { ifMatch: 1 })));
    expect([a?.status, b?.status].toSorted()).toEqual(['fulfilled', 'rejected']);
    expect([a, b].find((result) => result?.status === 'rejected')).toMatchObject({ reason: { code: 'stream-version-conflict' } });
    await Promise.all([3, 4].map((n) => side.post(`/issues/${id}/progress`, { text: `进展${n}` })));
    expect((await side.store.readStream(issueStream(id))).version).toBe(4);
  });
});

describe('many commands at once', () => {
  it('are one append: 照单全收', async () => {
    const ids = [await registerIssue(side, place, '60.'), await registerIssue(side, place, '61.')];
    const before = await head();
    const outcome = await side.batch({ commands: [{ name: 'AcceptIssue', target: ids[0], body: {} }, { path: `/issues/${ids[1]}/accept` }] }, { by: clerk });
    expect(outcome.results.map((result) => [result.id, result.streamVersion])).toEqual(ids.map((id) => [id, 2]));
    expect(outcome.position).toBe(before + 2);
    expect(new Set((await side.facts()).slice(-2).map((fact) => fact.commandId)).size).toBe(1);
  });

  it('each sees what those before it staged', async () => {
    const id = await registerIssue(side, place, '62.');
    const outcome = await side.batch({ commands: [{ path: `/issues/${id}/accept` }, { path: `/issues/${id}/mark-immediate` }, { path: `/issues/${id}/completion` }] });
    expect(outcome.results.at(-1)?.streamVersion).toBe(4);
  });

  it.each([
    ['a fault in a body', { nonsense: 1 }, 'validation-failed', '/commands/1/body/nonsense'],
    ['a refusal of the domain', { on: '2031-01-01' }, 'effective-in-future', '/commands/1/body/on'],
  ])('all or nothing: %s names its place', async (_what, body, code, pointer) => {
    const ids = [await registerIssue(side, place, '63.'), await registerIssue(side, place, '64.')];
    const before = await head();
    await expect(side.batch({ commands: ids.map((target, i) => ({ name: 'AcceptIssue', target, body: i === 1 ? body : {} })) })).rejects.toMatchObject({ code, errors: [{ pointer }] });
    expect(await head()).toBe(before);
  });

  it('holds each to its own version', async () => {
    const id = await registerIssue(side, place, '65.');
    await expect(side.batch({ commands: [{ path: `/issues/${id}/accept`, ifMatch: 7 }] })).rejects.toMatchObject({ code: 'stream-version-conflict', errors: [{ pointer: '/commands/0' }] });
  });

  it.each([[{ name: 'NoSuchCommand' }], [{ name: 'AcceptIssue' }], [{ name: 'RegisterIssue', target: unknownId }], [{ path: '/nowhere' }]])('refuses what is no command: %j', async (command) => {
    await expect(side.batch({ commands: [command] })).rejects.toMatchObject({ code: 'unknown-command', errors: [{ pointer: '/commands/0' }] });
  });

  it('takes at most 500', async () => {
    await expect(side.batch({ commands: Array.from({ length: 501 }, () => ({ path: '/nowhere' })) })).rejects.toMatchObject({ code: 'too-many-commands', errors: [{ pointer: '/commands' }] });
  });
});

describe('a repeated command', () => {
  it('writes nothing and answers with the same ids, also where it could not be carried out again', async () => {
    const commandId = newCommandId(side.now);
    const body = { code: 'CN-1-GA', name: '某市公安局', level: 'bureau', parent: 'CN-1' };
    const first = await side.post('/organisations', body, { commandId });
    const before = await head();
    const again = await side.post('/organisations', body, { commandId });
    expect([again.id, again.created, again.outcome.position, again.outcome.repeated]).toEqual([first.id, true, first.outcome.position, true]);
    expect([again.streamVersion, await head()]).toEqual([first.streamVersion, before]);
    expect((await refusedWith('/organisations', body)).code).toBe('org-code-taken');
  });

  it('with another content is refused', async () => {
    const commandId = newCommandId(side.now);
    const id = await registerIssue(side, place, '50.');
    await side.post(`/issues/${id}/accept`, { leader: 'p-1' }, { commandId });
    await expect(side.post(`/issues/${id}/accept`, { leader: 'p-2' }, { commandId })).rejects.toMatchObject({ code: 'command-reused' });
  });
});

describe('a dry run', () => {
  it('checks everything and writes nothing', async () => {
    const before = await head();
    const made = await side.post('/inspections', { org: 'CN-1-JT', kind: 'AUDIT', title: '审计' }, { dryRun: true });
    expect([made.outcome.position, made.outcome.dryRun, await head()]).toEqual([null, true, before]);
    expect((await refusedWith(`/inspections/${made.id}/assign-team`, { team: '一组' }, { dryRun: true })).code).toBe('unknown-inspection');
  });
});
