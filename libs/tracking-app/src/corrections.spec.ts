import { newCommandId } from '@rectrail/event-store';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { lastInstantOf, position, type Actor, type Day, type EventId, type Instant, type StreamId } from '@rectrail/kernel';
import { countingFacts, foldIssue, type IssueEvent, type IssueState } from '@rectrail/tracking-domain';
import type { StreamFacts } from './situation.ts';
import { actorOf, issueStream, openPlace, openWriteSide, registerIssue, zone, type Place, type WriteSide } from './testing/write-side.ts';

// Goal: retraction and correction as rules.md section 2 says: of both kinds, with what builds on the retracted facts, here and elsewhere.
// Method: a place with one issue reported done, corrected, then folded at cuts on either side of each instant and position.
let side: WriteSide;
let place: Place;
let issue: string;

beforeEach(async () => {
  await (side as WriteSide | undefined)?.close();
  side = await openWriteSide();
  place = await openPlace(side);
  issue = await registerIssue(side, place);
  await side.post(`/issues/${issue}/accept`, { on: '2026-01-12' });
  await side.post(`/issues/${issue}/mark-immediate`, { on: '2026-01-13' });
  await side.post(`/issues/${issue}/completion`, { on: '2026-01-20' });
});
afterAll(() => side.close());

const head = async (): Promise<number> => (await side.store.head()).position;
const version = async (): Promise<number> => (await side.store.readStream(issueStream(issue))).version;
const eventOf = async (type: string): Promise<EventId> => (await side.facts()).findLast((fact) => fact.event.type === type && fact.streamId === issueStream(issue))!.eventId;
const at = async (cut: { validAt: string; knownAt?: Instant; atPosition?: number }): Promise<IssueState> => {
  const facts = (await side.facts()).filter((fact) => fact.streamId === issueStream(issue)) as unknown as StreamFacts<IssueEvent>;
  return foldIssue(countingFacts(facts, { atPosition: position(cut.atPosition ?? 10_000), knownAt: cut.knownAt ?? side.now, validAt: cut.validAt as Day }));
};
const correct = async (body: object, by?: Actor) => side.post('/corrections', { reason: '日期有误', ...body }, { ifMatch: await version(), ...(by === undefined ? {} : { by }) });
const completion = (on: string) => ({ name: 'ReportCompletion', target: issue, body: { on } });

describe('a correction', () => {
  it('withdrawn, the default, changes what is known from now on, not what was known before', async () => {
    const before = side.now;
    await correct({ retract: [await eventOf('IssueCompletionReported')], command: completion('2026-02-05') });
    expect((await at({ validAt: '2026-01-31' })).state).toBe('IN_PROGRESS');
    expect((await at({ validAt: '2026-02-05' })).state).toBe('DONE_REPORTED');
    expect((await at({ validAt: '2026-01-31', knownAt: before })).state).toBe('DONE_REPORTED');
  });

  it('entered in error was never so at any knownAt, while the old position still shows the slip', async () => {
    const [before, positionBefore] = [side.now, await head()];
    side.now = lastInstantOf(zone, '2026-03-20' as Day);
    await correct({ retract: [await eventOf('IssueCompletionReported')], kind: 'entered-in-error', command: completion('2026-02-05') });
    for (const knownAt of [before, side.now]) {
      expect((await at({ validAt: '2026-01-31', knownAt })).state).toBe('IN_PROGRESS');
      expect((await at({ validAt: '2026-02-05', knownAt })).state).toBe('DONE_REPORTED');
    }
    expect((await at({ validAt: '2026-01-31', knownAt: before, atPosition: positionBefore })).state).toBe('DONE_REPORTED');
  });

  it('may be effective before later assertions, and takes the day of the fact replaced where it names none', async () => {
    await correct({ retract: [await eventOf('IssueAccepted')], command: { name: 'AcceptIssue', target: issue, body: { leader: 'p-7' } } });
    expect(await at({ validAt: '2026-01-12' })).toMatchObject({ state: 'REGISTERED', leader: 'p-7' });
    expect((await at({ validAt: '2026-03-01' })).state).toBe('DONE_REPORTED');
    expect((await side.refused(`/issues/${issue}/reopen`, { kind: 'SHAM', finding: '虚假整改', on: '2026-01-15' })).code).toBe('effective-before-basis');
  });

  it('of a registration is about the same issue', async () => {
    const reply = await correct({
      retract: [await eventOf('IssueRegistered')],
      command: { name: 'RegisterIssue', body: { inspectionId: place.inspection, numberPath: ['二、', '(一)', '7.'], title: '资金管理不到位' } },
    });
    expect(reply.id).toBe(issue);
    expect(await at({ validAt: '2026-03-01' })).toMatchObject({ registration: { title: '资金管理不到位' }, state: 'DONE_REPORTED' });
    expect((await at({ validAt: '2026-01-10' })).registration?.numberPath.at(-1)).toBe('7.');
  });

  it('is refused as a whole where later facts would lose what they build on', async () => {
    const before = await head();
    const refused = await side.refused('/corrections', { retract: [await eventOf('IssueMarkedImmediate')], reason: '误', command: { name: 'AssignIssue', target: issue, body: { leader: 'p-1' } } }, { ifMatch: await version() });
    expect([refused.code, refused.extensions['events']]).toEqual(['built-upon', [{ stream: issueStream(issue), eventId: await eventOf('IssueCompletionReported'), type: 'IssueCompletionReported' }]]);
    expect(await head()).toBe(before);
  });

  it('of a claim is never its judge\'s own', async () => {
    const [clerk, judge, other] = ['clerk', 'judge', 'other'].map((subject) => actorOf(subject, place.bureau));
    await correct({ retract: [await eventOf('IssueCompletionReported')], command: completion('2026-01-21') }, clerk);
    await side.post(`/issues/${issue}/verify`, { record: '验收', on: '2026-02-01' }, { by: judge!, ifMatch: await version() });
    const body = async () => ({ retract: [await eventOf('IssueCompletionReported')], reason: '日期有误', command: completion('2026-01-22') });
    const refused = await side.refused('/corrections', await body(), { by: judge!, ifMatch: await version() });
    expect([refused.code, refused.extensions['events']]).toMatchObject(['built-upon', [{ type: 'IssueVerified' }]]);
    await side.post('/corrections', await body(), { by: other!, ifMatch: await version() });
    expect((await at({ validAt: '2026-02-01' })).state).toBe('VERIFIED');
  });

  it('says where its command is at fault', async () => {
    const retract = [await eventOf('IssueCompletionReported')];
    const [ifMatch, reason] = [await version(), '误'];
    const errorsOf = async (command: object) => (await side.refused('/corrections', { retract, reason, command }, { ifMatch })).errors;
    expect(await errorsOf({ ...completion('2026-02-05'), body: { nonsense: 1 } })).toMatchObject([{ pointer: '/command/body/nonsense' }]);
    expect(await errorsOf(completion('2031-01-01'))).toMatchObject([{ pointer: '/command/body/on', code: 'effective-in-future' }]);
    expect(await errorsOf({ name: 'RetractFacts', body: {} })).toMatchObject([{ pointer: '/command', code: 'unknown-command' }]);
  });

  it('judges what was seen: a stale version is refused, a second correction of the same fact too', async () => {
    const retract = [await eventOf('IssueCompletionReported')];
    const seen = await version();
    await correct({ retract, command: completion('2026-02-05') });
    expect((await side.refused('/corrections', { retract, reason: '误', command: completion('2026-02-06') }, { ifMatch: seen })).code).toBe('stream-version-conflict');
    expect((await side.refused('/corrections', { retract, reason: '误', command: completion('2026-02-06') }, { ifMatch: await version() })).code).toBe('already-retracted');
  });
});

describe('a retraction', () => {
  it('is never of what the first start laid down', async () => {
    const laid = (await side.facts()).filter(({ event }) => ['InstallationInitialised', 'TreeOpened', 'PolicyAdopted'].includes(event.type));
    expect(laid).toHaveLength(3);
    for (const { eventId } of laid) expect((await side.refused('/retractions', { eventIds: [eventId], kind: 'entered-in-error', reason: '误' })).code).toBe('laid-at-first-start');
  });

  const retract = (eventIds: readonly EventId[], more: object = {}) => side.post('/retractions', { eventIds, kind: 'entered-in-error', reason: '误录', ...more });

  it('of what nothing builds on leaves the fold, and one that is named again changes nothing', async () => {
    const eventIds = [await eventOf('IssueCompletionReported')];
    await retract(eventIds);
    expect((await at({ validAt: '2026-03-01' })).state).toBe('IN_PROGRESS');
    const before = await head();
    expect((await retract(eventIds)).outcome.position).toBeNull();
    expect(await head()).toBe(before);
  });

  it('retracted in turn, its victims count again; only entered-in-error may do that', async () => {
    await retract([await eventOf('IssueCompletionReported')]);
    const retraction = await eventOf('FactsRetracted');
    expect((await side.refused('/retractions', { eventIds: [retraction], kind: 'withdrawn', reason: '误' })).code).toBe('retraction-of-retraction');
    await retract([retraction]);
    expect((await at({ validAt: '2026-03-01' })).state).toBe('DONE_REPORTED');
  });

  it('of an issue that others build upon is refused with the list, in its own stream and in others', async () => {
    const measure = (await side.post('/measures', { issueIds: [await openIssue()], title: '措施', on: '2026-01-15' })).id;
    const registered = (await side.facts()).findLast((fact) => fact.event.type === 'IssueRegistered')!;
    const before = await head();
    const refused = await side.refused('/retractions', { eventIds: [registered.eventId], kind: 'entered-in-error', reason: '误' });
    const events = refused.extensions['events'] as readonly { stream: string; type: string }[];
    expect(refused.code).toBe('built-upon');
    expect(events.map(({ stream, type }) => [stream, type])).toEqual(expect.arrayContaining([[`measure-${measure}`, 'MeasurePlanned'], [registered.streamId, 'IssueMeasuresAdded']]));
    expect(await head()).toBe(before);

    const reply = await retract([registered.eventId], { withDependents: true });
    expect((reply.extra?.['retracted'] as readonly { stream: string }[]).map(({ stream }) => stream).toSorted()).toEqual([registered.streamId, `measure-${measure}`].toSorted());
    expect((await side.refused(`/measures/${measure}/complete`)).code).toBe('unknown-measure');
  });

  it('of what settled a measure is refused while a completion found it settled, and takes that completion along', async () => {
    const second = await openIssue();
    await side.post(`/issues/${second}/accept`, { on: '2026-01-12' });
    await side.post(`/issues/${second}/mark-immediate`, { on: '2026-01-13' });
    const measure = (await side.post('/measures', { issueIds: [second], title: '措施', on: '2026-01-15' })).id;
    await side.post(`/measures/${measure}/complete`, { on: '2026-01-20' });
    await side.post(`/issues/${second}/completion`, { on: '2026-01-21' });
    const [done, completed] = ['MeasureCompleted', 'IssueCompletionReported'].map(async (type) => (await side.facts()).findLast((fact) => fact.event.type === type)!.eventId);
    const eventIds = [(await done)!];
    const refused = await side.refused('/retractions', { eventIds, reason: '误' });
    expect([refused.code, refused.extensions['events']]).toEqual(['built-upon', [{ stream: `issue-${second}`, eventId: await completed, type: 'IssueCompletionReported' }]]);
    const ifMatch = (await side.store.readStream(`measure-${measure}` as StreamId)).version;
    await side.post('/corrections', { retract: eventIds, reason: '日期有误', command: { name: 'CompleteMeasure', target: measure, body: { on: '2026-01-19' } } }, { ifMatch });
    const restated = (await side.facts()).findLast((fact) => fact.event.type === 'MeasureCompleted')!.eventId;
    const reply = await retract([restated], { withDependents: true });
    expect(reply.extra?.['retracted']).toEqual([{ stream: `measure-${measure}`, eventIds: [restated] }, { stream: `issue-${second}`, eventIds: [await completed] }]);
  });

  it('of an organisation takes what it owns along, or is refused', async () => {
    const registered = (await side.facts()).find((fact) => fact.event.type === 'OrgRegistered' && fact.event.data.orgId === place.bureau)!;
    expect((await side.refused('/retractions', { eventIds: [registered.eventId], reason: '误' })).code).toBe('built-upon');
    await retract([registered.eventId], { withDependents: true });
    expect((await side.refused(`/issues/${issue}/accept`)).code).toBe('unknown-issue');
    expect((await side.refused('/inspections', { org: 'CN-1-JT', kind: 'XUNCHA', title: '巡察' })).code).toBe('unknown-organisation');
  });

  it('names events that exist, of organisations within the jurisdiction', async () => {
    const unknown = '00000000-0000-8000-8000-000000000000';
    const known = await eventOf('IssueCompletionReported');
    expect((await side.refused('/retractions', { eventIds: [known, unknown], reason: '误' })).errors).toMatchObject([{ pointer: '/eventIds/1', code: 'unknown-event' }]);
    expect((await side.refused('/retractions', { eventIds: [known], reason: '误' }, { by: actorOf('stranger', place.other) })).code).toBe('outside-jurisdiction');
  });

  it('repeated answers as before', async () => {
    const commandId = newCommandId(side.now);
    const body = { eventIds: [await eventOf('IssueCompletionReported')], reason: '误' };
    const first = await side.post('/retractions', body, { commandId });
    const again = await side.post('/retractions', body, { commandId });
    expect([again.outcome.repeated, again.extra, again.streamVersion]).toEqual([true, first.extra, first.streamVersion]);
  });

  const openIssue = (): Promise<string> => registerIssue(side, place, '2.');
});
