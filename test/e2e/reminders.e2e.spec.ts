// Goal: notices over HTTP from the deadline to the receipt, and a scheduler that is killed again and again in the midst of a day doubles and loses none.
// Method: an API server and schedulers as processes of their own on one database; issues due before, soon after and long after today; SIGKILL once some notices are out.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { addDays, dayIn, instantOfMs } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '../support/api.ts';
import { ServerProcess } from '../support/server-process.ts';

const orgs = 30;
const kills = 3;
const today = dayIn('Asia/Shanghai', instantOfMs(Date.now()));
/** Days from today to the deadlines of each organisation's issues, and the lights that are due. */
const ladder = [[15, 'green'], [5, 'yellow'], [-3, 'red'], [-200, 'red'], [60, null]] as const;

let database: TestDatabase;
let dataDir: string;
let api: ServerProcess;
let scheduler: ServerProcess;
let store: PostgresEventStore;
let url: string;
let admin: string;

const call = async (method: 'GET' | 'POST', path: string, { body, token = admin }: { readonly body?: unknown; readonly token?: string } = {}): Promise<Json> => {
  const reply = await fetch(`${url}/api/v1${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, ...await reply.json() as object };
};
const batch = async (commands: readonly object[]): Promise<readonly Json[]> => {
  const { status, results, detail } = await call('POST', '/commands', { body: { commands } });
  if (status !== 200) throw new Error(`${status} ${detail}`);
  return results;
};
const notices = async (query = ''): Promise<readonly Json[]> => {
  const items: Json[] = [];
  for (let cursor = ''; ;) {
    const page = await call('GET', `/reminders?limit=100${query}${cursor}`);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = `&cursor=${page.nextCursor}`;
  }
};
const issued = async (): Promise<number> => (await store.readAll({ filter: { streamPrefix: 'reminders-' }, limit: 5_000 })).events.length;
const eventually = async <T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> => {
  for (const until = Date.now() + 30_000; ;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > until) throw new Error(`it did not come about; the scheduler said\n${scheduler.log}`);
    await sleep(1);
  }
};

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-reminders-'));
  const settings = { DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_LEASE_MS: '1000' };
  api = new ServerProcess({ ...settings, RECTRAIL_ROLES: 'api,projector' }).start();
  scheduler = new ServerProcess({ ...settings, RECTRAIL_ROLES: 'scheduler' });
  url = await api.ready;
  store = await PostgresEventStore.open({ connectionString: database.url });
  admin = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
  await call('POST', '/organisations', { body: { code: 'CITY', name: '某市', level: 'city', parent: null } });
  await batch(Array.from({ length: orgs }, (_, n) => ({ name: 'RegisterOrganisation', body: { code: `ORG-${n}`, name: `第${n}局`, level: 'bureau', parent: 'CITY' } })));
  const { id: inspectionId } = await call('POST', '/inspections', { body: { org: 'CITY', kind: 'XUNCHA', title: '巡察', on: addDays(today, -300) } });
  await call('POST', `/inspections/${inspectionId}/deliver-feedback`, { body: { on: addDays(today, -290) } });
  const issues = await batch(Array.from({ length: orgs * ladder.length }, (_, n) => ({
    name: 'RegisterIssue', body: { inspectionId, org: `ORG-${Math.floor(n / ladder.length)}`, numberPath: [`${n % ladder.length + 1}.`], title: '专项资金管理不严' },
  })));
  await batch(issues.map(({ id }, n) => ({ name: 'SetDeadline', target: id, body: { planned: addDays(today, ladder[n % ladder.length]![0]), on: addDays(today, -280) } })));
}, 60_000);
afterAll(async () => {
  await Promise.all([scheduler.stop('SIGKILL'), api.stop('SIGKILL')]);
  await store.close();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('the notices of a day', () => {
  const dueToday = orgs * ladder.filter(([, colour]) => colour !== null).length;

  it('are foreseen without being issued', async () => {
    const { items, nextCursor } = await call('GET', '/reminders/preview?org=ORG-0');
    expect(nextCursor).toBeNull();
    expect(items.map(({ colour, daysLeft }: Json) => [daysLeft, colour])).toEqual(ladder.filter(([, colour]) => colour !== null));
    expect((await call('GET', `/reminders/preview?org=ORG-0&validAt=${addDays(today, 45)}`)).items.map(({ colour }: Json) => colour)).toEqual(['red', 'red', 'red', 'red', 'green']);
    expect(await notices()).toEqual([]);
  });

  it('are issued once each, whatever is killed, with numbers without gaps, and change no figure', async () => {
    const before = await call('GET', `/dashboard?validAt=${today}`);
    for (let kill = 1; kill <= kills; kill += 1) {
      const out = await issued();
      scheduler.start();
      await eventually(issued, (count) => count > out || count === dueToday);
      await scheduler.stop('SIGKILL');
    }
    scheduler.start();
    const all = await eventually(notices, ({ length }) => length >= dueToday);
    expect(all).toHaveLength(dueToday);
    for (const ofOrg of Map.groupBy(all, ({ orgId }) => orgId as string).values()) {
      expect(ofOrg.toReversed().map(({ number, daysLeft, colour }) => [number, daysLeft, colour])).toEqual([[1, 15, 'green'], [2, 5, 'yellow'], [3, -3, 'red'], [4, -200, 'red']]);
    }
    expect((await call('GET', '/reminders/preview')).items).toEqual([]);
    expect((await call('GET', `/dashboard?validAt=${today}`)).digest).toBe(before.digest);
  });

  it('are read, filtered, and confirmed by those to whom they go', async () => {
    const reds = await notices('&org=ORG-1&colour=red');
    expect(reds.map(({ letter, citation, recipients, received }) => [letter, citation, recipients, received]))
      .toEqual([4, 3].map((number) => ['整改督办函', `〔${today.slice(0, 4)}〕${number}号`, ['organisation'], false]));
    const [{ reminderId, issueId }] = reds as [Json];
    expect((await notices(`&issue=${issueId}`)).map((one) => one.reminderId)).toEqual([reminderId]);
    const detail = await call('GET', `/reminders/${reminderId}`);
    expect(detail.text).toContain('第1局：\n　　你单位“4.专项资金管理不严”问题的整改时限为');
    const [own, other] = await Promise.all(['ORG-1', 'ORG-2'].map(async (org) => (await call('POST', '/tokens', { body: { org, role: 'organisation', subject: org } })).token as string)) as [string, string];
    const confirm = `/reminders/${reminderId}/confirm-receipt`;
    expect((await call('POST', confirm, { body: {}, token: other })).code).toBe('outside-jurisdiction');
    expect((await call('GET', `/reminders/${reminderId}`, { token: other })).code).toBe('outside-jurisdiction');
    expect((await call('POST', confirm, { body: { recipient: 'head' }, token: own })).code).toBe('not-a-recipient');
    const { position } = await call('POST', confirm, { body: {}, token: own });
    expect((await notices(`&received=true&atLeast=${position}`)).map((one) => one.reminderId)).toEqual([reminderId]);
    expect((await call('GET', `/reminders/${reminderId}`)).reminder.receipts).toEqual([{ recipient: 'organisation', on: today }]);
    expect((await notices(`&received=false&org=ORG-1`))).toHaveLength(3);
    const { items: [receipt] } = await call('GET', '/audit-trail?type=ReminderReceiptConfirmed');
    expect(receipt.changes).toEqual([{ field: `${reminderId}.received.organisation`, before: null, after: true }]);
    expect((await call('GET', `/reminders/${reminderId}0`)).code).toBe('unknown-reminder');
  });

  it('follow another deadline, and end with the issue', async () => {
    const [{ issueId }] = (await notices('&org=ORG-3&colour=yellow')) as [Json];
    await call('POST', `/issues/${issueId}/extend-deadline`, { body: { planned: addDays(today, 8), reason: '汛期影响施工' } });
    expect((await call('GET', '/reminders/preview?org=ORG-3')).items.map(({ colour, daysLeft }: Json) => [colour, daysLeft])).toEqual([['yellow', 8]]);
    const { events } = await call('GET', `/issues/${issueId}/history`);
    const registered = { eventIds: [events[0].eventId], reason: '重复登记', kind: 'entered-in-error' };
    expect((await call('POST', '/retractions', { body: registered })).events.map(({ type }: Json) => type)).toContain('ReminderIssued');
    await call('POST', `/issues/${issueId}/transfer-out`, { body: { to: '某区', basis: '职责调整' } });
    expect((await call('GET', '/reminders/preview?org=ORG-3')).items).toEqual([]);
  });
});
