import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { position, type Actor, type Day } from '@rectrail/kernel';
import { countingFacts, foldIssue, foldMeasure, fundsTotals, evolveFundsCase, initialFundsCaseState, type FundsCaseEvent, type IssueEvent, type MeasureEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import type { StreamFacts } from './situation.ts';
import { actorOf, issueStream, openPlace, openWriteSide, registerIssue, type Place, type WriteSide } from './testing/write-side.ts';

// Goal: a live round from registration to reopening, each step by its own actor, comes to the states of domain.md 3.2.
// Method: one story through the command bus and the runner on a store in memory; states are folded from what was stored.
let side: WriteSide;
let place: Place;
let issue: string;
let measure: string;
let funds: string;
let leader: Actor;
let clerk: Actor;
let checker: Actor;

beforeAll(async () => {
  side = await openWriteSide();
  place = await openPlace(side);
  leader = actorOf('leader', place.bureau, 'leader');
  clerk = actorOf('clerk', place.bureau);
  checker = actorOf('checker', place.region, 'supervisor');
});
afterAll(() => side.close());

const streamAt = async <E extends TrackingEvent>(stream: string, validAt: string): Promise<StreamFacts<E>> => {
  const facts = (await side.facts()).filter((fact) => fact.streamId === stream);
  return countingFacts(facts, { atPosition: position(1_000), knownAt: side.now, validAt: validAt as Day }) as StreamFacts<E>;
};
const issueAt = async (validAt = '2026-03-01') => foldIssue(await streamAt<IssueEvent>(`issue-${issue}`, validAt));
const measureAt = async (validAt = '2026-03-01') => foldMeasure(await streamAt<MeasureEvent>(`measure-${measure}`, validAt));
const version = async (): Promise<number> => (await side.store.readStream(issueStream(issue))).version;

describe('a round, each step by its own actor', () => {
  it('registers the issue from the day of the feedback', async () => {
    issue = await registerIssue(side, place);
    expect((await issueAt('2026-01-09')).registration).toBeNull();
    expect(await issueAt('2026-01-10')).toMatchObject({ registration: { orgId: place.bureau, numberKey: '0002.0001.0001' }, state: 'FED_BACK' });
  });

  it('accepts, assigns and measures it; without them a plan is refused', async () => {
    await side.post(`/issues/${issue}/accept`, { on: '2026-01-12', leader: 'p-9' }, { by: leader });
    expect((await side.refused(`/issues/${issue}/plan`, {}, { by: leader })).extensions['missing']).toEqual(['measure', 'department', 'deadline']);
    measure = (await side.post('/measures', { issueIds: [issue], title: '清退违规发放款项', marker: '①', on: '2026-01-14' }, { by: clerk })).id;
    expect((await measureAt()).issueIds).toEqual([issue]);
    expect((await issueAt()).measureIds).toEqual([measure]);
  });

  it('plans it with department and deadline, and starts', async () => {
    await side.post(`/issues/${issue}/plan`, { department: 'CN-1-JT', planned: { value: '2026-02', edge: 'byEndOf', printed: '2月底前' }, on: '2026-01-20' }, { by: leader });
    expect(await issueAt('2026-01-20')).toMatchObject({ state: 'PLANNED', planned: { printed: '2月底前', last: '2026-02-28' } });
    await side.post(`/issues/${issue}/start`, { on: '2026-01-21' }, { by: clerk });
    expect((await issueAt()).state).toBe('IN_PROGRESS');
  });

  it('is not completed before its measures', async () => {
    const refused = await side.refused(`/issues/${issue}/completion`, { on: '2026-02-20' }, { by: clerk });
    expect([refused.code, refused.extensions['measures']]).toEqual(['measures-open', [{ measureId: measure, state: 'PLANNED' }]]);
  });

  it('a residual that names a measure ends with it', async () => {
    await side.post(`/issues/${issue}/basic-completion`, { residuals: [{ key: '①', printed: '①计划3月底前完成', planned: '2026-03', measureId: measure }], on: '2026-02-10' }, { by: clerk });
    await side.post(`/measures/${measure}/complete`, { result: '已全部清退', evidence: ['收据'], on: '2026-02-15' }, { by: clerk });
    expect((await measureAt()).state).toBe('DONE');
    expect((await issueAt('2026-02-14')).residuals).toMatchObject([{ key: '①', open: true }]);
    expect((await issueAt('2026-02-15')).residuals).toMatchObject([{ key: '①', open: false }]);
  });

  it('recovers money, first of unknown amount', async () => {
    funds = (await side.post('/funds-cases', { issueIds: [issue], money: { fen: '5441000', printed: '54410元' }, kind: 'ALLOWANCE', on: '2026-01-25' }, { by: clerk })).id;
    await side.post(`/funds-cases/${funds}/recover`, { money: { fen: null, printed: '全额' }, on: '2026-02-01' }, { by: clerk });
    const recovered = (await side.facts()).find((fact) => fact.event.type === 'FundsRecovered')!;
    await side.post(`/funds-cases/${funds}/specify-amount`, { of: recovered.eventId, money: { fen: '5441000' }, on: '2026-02-02' }, { by: clerk });
    const totalsAt = async (on: string) => fundsTotals((await streamAt<FundsCaseEvent>(`funds-case-${funds}`, on)).reduce(evolveFundsCase, initialFundsCaseState));
    expect((await totalsAt('2026-02-01')).recovered).toEqual({ fen: 0n, unknownAmounts: 1 });
    expect((await totalsAt('2026-02-02')).recovered).toEqual({ fen: 5441000n, unknownAmounts: 0 });
    expect((await side.facts()).filter((fact) => fact.streamId === `funds-case-${funds}`).map((fact) => fact.scope.orgId)).toEqual([place.bureau, place.bureau, place.bureau]);
  });

  it('is reported, and verified by someone else', async () => {
    await side.post(`/issues/${issue}/completion`, { result: '已整改', on: '2026-02-20' }, { by: clerk });
    expect((await side.refused(`/issues/${issue}/verify`, { record: '验收记录1号' }, { by: clerk, ifMatch: await version() })).code).toBe('verifier-is-reporter');
    await side.post(`/issues/${issue}/verify`, { record: '验收记录1号', on: '2026-02-22' }, { by: checker, ifMatch: await version() });
    expect(await issueAt()).toMatchObject({ state: 'VERIFIED', closedOn: '2026-02-20' });
  });

  it('is written off by three endorsements, and reopened', async () => {
    const endorsed = (persons: readonly string[]) => ({ slip: '销号单1号', endorsements: ['MAIN', 'SUPERVISING', 'EXECUTING'].map((kind, i) => ({ kind, by: persons[i] })), on: '2026-02-24' });
    expect((await side.refused(`/issues/${issue}/write-off`, endorsed(['p-1', 'p-1', 'p-2']), { by: checker, ifMatch: await version() })).code).toBe('endorsers-not-distinct');
    await side.post(`/issues/${issue}/write-off`, endorsed(['p-1', 'p-2', 'p-3']), { by: checker, ifMatch: await version() });
    expect((await issueAt()).state).toBe('WRITTEN_OFF');
    await side.post(`/issues/${issue}/look-back`, { result: 'RELAPSED', finding: '回头看发现反弹', on: '2026-02-28' }, { by: checker });
    expect(await issueAt()).toMatchObject({ state: 'REOPENED', relapseCount: 1 });
    await side.post(`/issues/${issue}/resume`, { planned: '2026-06', on: '2026-03-01' }, { by: leader });
    expect(await issueAt()).toMatchObject({ state: 'IN_PROGRESS', planned: { last: '2026-06-30' } });
  });

  it('says of every fact who acted and whose it is', async () => {
    const facts = (await side.facts()).filter((fact) => fact.streamId === `issue-${issue}`);
    expect(new Set(facts.map((fact) => fact.scope.orgId))).toEqual(new Set([place.bureau]));
    expect(new Set(facts.map((fact) => fact.scope.inspectionId))).toEqual(new Set([place.inspection]));
    expect(facts.find((fact) => fact.event.type === 'IssueVerified')?.actor).toEqual(checker);
  });
});

describe('the plan of a region whose policy names approvers', () => {
  const policy = { name: '某市', buckets: [{ when: {}, bucket: 'open' }], dueSoon: { days: 10, unit: 'working' }, lights: [], approvers: ['inspection-team', 'discipline'] };

  it('is issued only after every consent, and is then asked for when an issue is planned', async () => {
    const second = await registerIssue(side, place, '2.');
    await side.post(`/organisations/${place.bureau}/policy`, { ...policy, on: '2026-01-01' });
    const plan = (await side.post('/plans', { inspectionId: place.inspection, title: '整改方案', issueIds: [second], on: '2026-01-15' }, { by: leader })).id;
    await side.post(`/plans/${plan}/submit`, { on: '2026-01-16' }, { by: leader });
    await side.post(`/plans/${plan}/consent`, { on: '2026-01-17' }, { by: actorOf('team', place.region, 'inspection-team') });
    expect((await side.refused(`/plans/${plan}/issue`, {}, { by: leader })).extensions['missing']).toEqual(['discipline']);
    await side.post(`/issues/${second}/accept`, { leader: 'p-9', on: '2026-01-12' }, { by: leader });
    await side.post('/measures', { issueIds: [second], title: '建章立制' }, { by: clerk });
    const planned = { department: 'CN-1-JT', planned: '2026-06' };
    expect((await side.refused(`/issues/${second}/plan`, planned, { by: leader })).code).toBe('plan-required');
    expect((await side.refused(`/issues/${second}/plan`, { ...planned, planId: plan }, { by: leader })).code).toBe('plan-not-issued');
    await side.post(`/plans/${plan}/consent`, { on: '2026-01-18' }, { by: actorOf('office', place.region, 'discipline') });
    await side.post(`/plans/${plan}/issue`, { on: '2026-01-19' }, { by: leader });
    expect((await side.refused(`/issues/${issue}/plan`, { ...planned, planId: plan }, { by: leader })).code).toBe('issue-not-in-plan');
    await side.post(`/plans/${plan}/revise`, { title: '整改方案（修订稿）', issueIds: [second, issue], on: '2026-01-20' }, { by: leader });
    expect((await side.refused(`/issues/${issue}/plan`, { ...planned, planId: plan }, { by: leader })).code).toBe('issue-not-in-plan');
    await side.post(`/issues/${second}/plan`, { ...planned, planId: plan }, { by: leader });
    const lastOf = async (type: string) => (await side.facts()).findLast((fact) => fact.event.type === type);
    const planning = await lastOf('IssuePlanned');
    expect(planning?.event.data).toEqual({ planId: plan });
    const refused = await side.refused('/retractions', { eventIds: [(await lastOf('PlanIssued'))?.eventId, (await lastOf('PlanRevised'))?.eventId], reason: '误' });
    expect([refused.code, refused.extensions['events']]).toEqual(['built-upon', [{ stream: `issue-${second}`, eventId: planning?.eventId, type: 'IssuePlanned' }]]);
  });
});
