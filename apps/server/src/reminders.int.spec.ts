// Goal: however many servers evaluate a day, and wherever one is killed, each notice is issued once and numbers have no gaps; days begin at midnight of the zone.
// Method: a real PostgreSQL with store, leases and read models; two evaluators on one day, one that breaks off after some appends, and schedulers on a clock that is put forward.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandRunner, createEventCodec, newCommandId, type EventCodec, type EventStore } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { addDays, day, onDay, type Actor, type Classification, type Day, type InspectionId, type Instant, type IssueId, type OrgId, type Scope, type StreamId } from '@rectrail/kernel';
import { createLogger, createMetrics, openDatabase, openLeadership, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { bootstrap, evaluateReminders, type RemindersPorts } from '@rectrail/tracking-app';
import { administrativeTreeId, defaultPolicy, streams, trackingEventDefinitions, type LightColour, type ReminderIssued, type TrackingEvent } from '@rectrail/tracking-domain';
import { openTrackingRead, type TrackingRead } from '@rectrail/tracking-read';
import { clockAt } from '@rectrail/tracking-read/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { logTime, startReminders } from './reminders.ts';

const zone = 'Asia/Shanghai';
const actor: Actor = { orgId: null, role: 'administrator', subject: 'spec', assurance: 'system' };
const inspectionId = 'a0000000-0000-8000-8000-000000000001' as InspectionId;
const orgs = [1, 2, 3].map((n) => `b0000000-0000-8000-8000-00000000000${n}` as OrgId);
const issuesEach = 30;
const deadline = day('2026-06-30');

/** 23:50 in Shanghai on 10 June. */
const clock = clockAt('2026-06-10T15:50:00.000Z' as Instant);
let testDatabase: TestDatabase;
let database: Database;
let store: EventStore;
let codec: EventCodec;
let read: TrackingRead;
const closing: (() => Promise<void>)[] = [];

const issueIdOf = (org: number, n: number): IssueId => `c0000000-0000-8000-8000-${String(org * 1_000 + n).padStart(12, '0')}` as IssueId;

/** A runner of its own for each evaluator, as each server has one. */
const newRunner = (): CommandRunner => new CommandRunner({ store, codec, clock, cachedStreamPrefixes: ['policy-', 'reminders-'] });
const portsOf = (): RemindersPorts => ({ runner: newRunner(), store, queries: read.queries, now: () => Promise.resolve(clock.at), zone });

interface Row { readonly stream: StreamId; readonly scope: Scope; readonly on: Day | null; readonly event: TrackingEvent; readonly classification?: Classification }

const record = async (...rows: readonly Row[]): Promise<void> => {
  await newRunner().run({ commandId: newCommandId(clock.at), correlationId: 'spec' }, (unit) => {
    for (const { stream, scope, on, event, classification = 'internal' } of rows) unit.stage(stream, [{ event, actor, scope, validTime: on === null ? null : onDay(on), knownTime: null, classification }]);
    return Promise.resolve();
  });
};

const issueRows = (orgId: OrgId, issueId: IssueId, number: number, planned: Day): readonly Row[] => {
  const place = { stream: streams.issue(issueId), scope: { orgId }, on: day('2026-01-10') };
  const registration: TrackingEvent = {
    type: 'IssueRegistered',
    data: {
      issueId, orgId, inspectionId, numberPath: [`${number}.`], numberKey: String(number).padStart(3, '0'), aspect: null, heading: null, title: `问题${number}`, strand: null, annex: false,
      track: 'TIMED', assistingOrgIds: [],
    },
  };
  return [{ ...place, event: registration }, { ...place, event: { type: 'DeadlineSet', data: { planned: onDay(planned) } } }];
};

const notices = async (): Promise<readonly ReminderIssued['data'][]> => {
  const { events } = await store.readAll({ filter: { streamPrefix: 'reminders-' }, limit: 5_000 });
  return events.map((stored) => (codec.decode(stored).event as ReminderIssued).data);
};
const countBy = (issued: readonly ReminderIssued['data'][]): Readonly<Partial<Record<LightColour, number>>> =>
  Object.fromEntries([...Map.groupBy(issued, ({ colour }) => colour)].map(([colour, of]) => [colour, of.length]));

const expectNumbered = (issued: readonly ReminderIssued['data'][]): void => {
  for (const [orgId, ofOrg] of Map.groupBy(issued, (notice) => notice.orgId)) expect([orgId, ofOrg.map(({ number }) => number)]).toEqual([orgId, ofOrg.map((_, i) => i + 1)]);
  const rungs = issued.map(({ issueId, colour, deadline: towards }) => [issueId, towards, colour].join(' '));
  expect(new Set(rungs).size).toBe(rungs.length);
};

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({ url: testDatabase.url, connectionsMax: 10, onError: () => undefined });
  const postgres = await PostgresEventStore.open({ connectionString: testDatabase.url });
  store = postgres;
  codec = createEventCodec(trackingEventDefinitions);
  await bootstrap({ runner: newRunner(), zone, jurisdiction: '某市', calendarYears: [] });
  read = await openTrackingRead({ connectionString: testDatabase.url, store, codec, clock, zone });
  closing.push(() => read.stop(), () => postgres.close(), () => database.close(), () => testDatabase.drop());
  read.start();
  const tree = streams.organisationTree(administrativeTreeId);
  await record(...orgs.map((orgId, i): Row => ({ stream: tree, scope: { orgId }, on: null, event: { type: 'OrgRegistered', data: { orgId, code: `ORG-${i}`, name: `第${i}局`, level: 'bureau', parentId: null } } })));
  await record(...orgs.flatMap((orgId, org) => Array.from({ length: issuesEach }, (_, n) => issueRows(orgId, issueIdOf(org, n), n, deadline)).flat()));
}, 60_000);
afterAll(async () => { for (const close of closing) await close(); });

describe('an evaluation', () => {
  it('that breaks off is done again without doubling, by two at once, with numbers without gaps', async () => {
    const today = addDays(deadline, -20);
    const broken = new AbortController();
    await expect(evaluateReminders(portsOf(), today, { signal: broken.signal, onIssued: () => { broken.abort(new Error('killed')); } })).rejects.toThrow('killed');
    const before = (await notices()).length;
    expect(before).toBe(issuesEach);
    const results = await Promise.all([evaluateReminders(portsOf(), today), evaluateReminders(portsOf(), today)]);
    expect(results.reduce((sum, { issued }) => sum + issued.green, before)).toBe(orgs.length * issuesEach);
    expect(countBy(await notices())).toEqual({ green: orgs.length * issuesEach });
    expectNumbered(await notices());
    expect((await evaluateReminders(portsOf(), today)).issued).toEqual({ green: 0, yellow: 0, red: 0 });
  });

  it('meets writers of the same issues, who set another deadline, without issuing what is no longer due', async () => {
    const today = addDays(deadline, -10);
    const [orgId] = orgs as [OrgId];
    const moved = Array.from({ length: 5 }, (_, n) => issueIdOf(0, n));
    await read.catchUp((await store.head()).position);
    const queries: RemindersPorts['queries'] = {
      // The deadline moves after the read models were asked and before the streams are.
      remindersDue: async (request) => {
        const page = await read.queries.remindersDue(request);
        if (request.cursor === undefined) await record(...moved.map((issueId): Row => ({ stream: streams.issue(issueId), scope: { orgId }, on: today, event: { type: 'DeadlineExtended', data: { planned: onDay(day('2026-12-31')), reason: '疫情影响', askedBy: null } } })));
        return page;
      },
    };
    await evaluateReminders({ ...portsOf(), queries }, today);
    expect(countBy(await notices())).toEqual({ green: orgs.length * issuesEach, yellow: orgs.length * issuesEach - moved.length });
    expectNumbered(await notices());
  });

  it('goes by the policy of the day: one adopted from a day on changes nothing before', async () => {
    const [, orgId] = orgs as [OrgId, OrgId];
    const lights = [{ colour: 'red', atDaysLeft: 5, recipients: ['head'] }] as const;
    await record({ stream: streams.policy(orgId), scope: { orgId }, on: addDays(deadline, -4), event: { type: 'PolicyAdopted', data: { ...defaultPolicy, lights, orgId } } });
    expect((await evaluateReminders(portsOf(), addDays(deadline, -5))).issued.red).toBe(0);
    expect((await evaluateReminders(portsOf(), addDays(deadline, -4))).issued).toEqual({ green: 0, yellow: 0, red: issuesEach });
    expect((await notices()).filter(({ colour }) => colour === 'red').every(({ recipients, daysLeft }) => recipients[0] === 'head' && daysLeft === 4)).toBe(true);
  });
});

describe('the time of the log', () => {
  const standing = (state: 'steady' | 'jumped') => ({ clock: () => Promise.resolve({ state, now: '2026-06-12T00:00:00.000Z' as Instant, aheadSeconds: 0 }) });

  it('is that of the store, where it tells one, and none while its clock has leapt', async () => {
    expect(await logTime(standing('steady'), clock)()).toBe('2026-06-12T00:00:00.000Z');
    expect(await logTime(null, clock)()).toBe(clock.at);
    await expect(logTime(standing('jumped'), clock)()).rejects.toMatchObject({ code: 'clock-jumped' });
  });
});

describe('the scheduler', () => {
  const eventually = async (holds: () => Promise<boolean>): Promise<void> => {
    for (const until = Date.now() + 20_000; !(await holds());) {
      if (Date.now() > until) throw new Error('it did not come about');
      await sleep(20);
    }
  };
  const dayStarts = (metrics: ReturnType<typeof createMetrics>): Promise<number> => metrics.remindersEvaluatedDay.get().then(({ values }) => values[0]?.value ?? 0);

  it('evaluates at its start and at midnight of the zone, in one process at a time, and another goes on', async () => {
    const leadership = await openLeadership(database);
    const logger = createLogger({ level: 'silent' });
    const servers = [0, 1].map(() => {
      const metrics = createMetrics();
      return { metrics, running: startReminders({ ports: portsOf(), leadership, logger, metrics, lookMs: 20 }) };
    });
    const midnights = async (): Promise<readonly number[]> => (await Promise.all(servers.map(({ metrics }) => dayStarts(metrics)))).toSorted((a, b) => b - a);
    const startOf = (text: string): number => Date.parse(text) / 1_000;
    clock.at = '2026-06-30T15:59:59.000Z' as Instant;
    await eventually(async () => (await midnights())[0] === startOf('2026-06-29T16:00:00.000Z'));
    expect(countBy(await notices()).red).toBe(issuesEach);
    clock.at = '2026-06-30T16:00:00.000Z' as Instant;
    await eventually(async () => (await midnights())[0] === startOf('2026-06-30T16:00:00.000Z'));
    expect((await midnights())[1]).toBe(0);
    const reds = (orgs.length * issuesEach) - 5;
    await eventually(async () => countBy(await notices()).red === reds);
    const leader = servers[(await dayStarts(servers[0]!.metrics)) > 0 ? 0 : 1]!;
    await leader.running.close();
    // Away for half a year: one notice each for what came due meanwhile.
    clock.at = '2027-01-05T00:00:00.000Z' as Instant;
    await eventually(async () => countBy(await notices()).red === reds + 5);
    await Promise.all(servers.map(({ running }) => running.close()));
    const last = (await notices()).slice(-5);
    expect(last.map(({ year, number, daysLeft }) => [year, number, daysLeft])).toEqual([1, 2, 3, 4, 5].map((n) => [2027, n, -5]));
    expectNumbered((await notices()).filter(({ year }) => year === 2026));
  });
});

describe('a notice', () => {
  it('is as restricted as the dates that it tells', async () => {
    const [orgId] = orgs as [OrgId];
    const [open, closed, half] = [1, 2, 3].map((n) => issueIdOf(9, n)) as [IssueId, IssueId, IssueId];
    const planned = day('2027-01-04');
    const classified = (rows: readonly Row[], classification: Classification): readonly Row[] => rows.map((row) => ({ ...row, classification }));
    await record(
      ...classified(issueRows(orgId, open, 901, planned), 'public'), ...classified(issueRows(orgId, closed, 902, planned), 'restricted'), ...issueRows(orgId, half, 903, day('2027-06-30')),
      { stream: streams.issue(half), scope: { orgId }, on: day('2026-02-01'), event: { type: 'DeadlineSet', data: { planned: onDay(planned) } }, classification: 'restricted' },
    );
    await evaluateReminders(portsOf(), addDays(planned, 1));
    const { events } = await store.readAll({ filter: { streamPrefix: 'reminders-' }, limit: 5_000 });
    const told = new Map(events.map((stored) => codec.decode(stored)).map((fact) => [(fact.event as ReminderIssued).data.issueId, fact.classification]));
    expect([open, closed, half].map((issueId) => told.get(issueId))).toEqual(['internal', 'restricted', 'restricted']);
  });
});
