// Goal: what an evaluation would issue is what the events and the rules say, day after day, and notices are listed as they stand at every cut.
// Method: random histories recorded piece by piece on a real PostgreSQL; between the pieces each issue is folded and decided naively, compared with the read, and issued; in the
// end lists and letters beside a naive fold of the registers at random cuts.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEventCodec, deriveEventId, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { addDays, dayIn, onDay, position, type Cut, type Day, type EventId, type Fact, type Instant, type OrgId, type ReminderId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import {
  countingFacts, decideReminders, foldIssue, foldReminders, isReceived, ladderOf, lightColours, policyAt, streams, trackingEventDefinitions,
  type FactsRetracted, type IssueEvent, type IssueReminders, type PolicyEvent, type Reminder, type ReminderEvent, type ReminderIssued, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { asNewFacts, randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openTrackingRead } from './open-tracking-read.ts';
import type { DueReminder, ReminderItem, RemindersRequest } from './queries/reminders.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { clockAt, randomOf } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;
type RegisterFact = Fact<ReminderEvent | FactsRetracted>;

const zone = 'Asia/Shanghai';
const everywhere = { within: null } as const;
const pieces = 10;
const actor = { orgId: null, role: 'system', subject: 'reminders', assurance: 'system' } as const;
const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'answered', (error: unknown) => (error as { code: string }).code);

// The name of a stream says which events it holds.
const streamIn = <E extends TrackingEvent>(byStream: ReadonlyMap<string, readonly TrackingFact[]>, streamId: string) =>
  (byStream.get(streamId) ?? []) as unknown as readonly Fact<E | FactsRetracted>[];

/** Every notice due, by folding everything. */
const dueNaively = (facts: readonly TrackingFact[], cut: Cut): readonly ReminderIssued[] => {
  const byStream = Map.groupBy(facts, ({ streamId }) => streamId);
  const issues = [...byStream.keys()].filter((id) => id.startsWith('issue-')).flatMap((streamId) => {
    const issue = foldIssue(countingFacts(streamIn<IssueEvent>(byStream, streamId), cut));
    const ladder = ladderOf(issue);
    return ladder === null || issue.registration === null ? [] : [{ orgId: issue.registration.orgId, issueId: issue.registration.issueId, ...ladder }];
  });
  const policyOf = (streamId: string) => policyAt(countingFacts(streamIn<PolicyEvent>(byStream, streamId), cut));
  return [...Map.groupBy(issues, ({ orgId }) => orgId)].flatMap(([orgId, ofOrg]) => {
    const policy = policyOf(streams.policy(orgId)) ?? policyOf(streams.defaultPolicy)!;
    const command: IssueReminders = {
      type: 'IssueReminders', on: onDay(cut.validAt), by: actor,
      data: { orgId, policyEventId: policy.eventId, lights: policy.content.lights, issues: ofOrg.map(({ issueId, deadline, reopenings }) => ({ issueId, deadline, reopenings })) },
    };
    return decideReminders(command, streamIn<ReminderEvent>(byStream, streams.reminders(orgId)).filter((fact) => fact.position <= cut.atPosition));
  });
};

const keyOfIssued = ({ data: { orgId, issueId, colour, deadline, daysLeft } }: ReminderIssued): string => [orgId, issueId, colour, deadline, daysLeft].join(' ');
const keyOfDue = ({ orgId, issueId, colour, deadline, daysLeft }: DueReminder): string => [orgId, issueId, colour, deadline, daysLeft].join(' ');

describe.each([21, 22])('notices over the history of seed %d', (seed) => {
  const random = randomOf(seed);
  const clock = clockAt('1970-01-01T00:00:00.000Z' as Instant);
  const store = new MemoryEventStore(clock);
  const codec = createEventCodec(trackingEventDefinitions);
  let database: TestDatabase;
  let read: TrackingRead;
  let evaluations = 0;
  let facts: readonly TrackingFact[] = [];

  /** Policies of a history all have the same lights. */
  const lit = (event: TrackingEvent): TrackingEvent => {
    if (event.type !== 'PolicyAdopted' || random.int(0, 2) === 0) return event;
    const days = [random.int(15, 60), random.int(1, 14), random.int(-30, 0)].slice(random.int(0, 2));
    return { ...event, data: { ...event.data, lights: days.map((atDaysLeft) => ({ colour: random.pick(lightColours), atDaysLeft, recipients: random.pick([['handler'], ['handler', 'head'], []]) })) } };
  };

  const recorded = async (): Promise<readonly TrackingFact[]> => (await store.readAll()).events.map((stored) => codec.decode(stored) as TrackingFact);
  const record = async (orgId: OrgId, events: readonly (ReminderEvent | FactsRetracted)[], on: Day | null): Promise<void> => {
    const commandId = newCommandId(clock.at);
    const of = { commandId, correlationId: commandId, actor, scope: { orgId }, classification: 'internal', validTime: on === null ? null : onDay(on), knownTime: null } as const;
    await store.append({ commandId, entries: [{ streamId: streams.reminders(orgId), expectedVersion: 'any', events: events.map((event, i) => codec.encode({ ...of, event, eventId: deriveEventId(commandId, i) })) }] });
  };
  const dueRead = async (validAt: Day): Promise<readonly DueReminder[]> => {
    const found: DueReminder[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await read.queries.remindersDue({ ...everywhere, limit: 4, ...(cursor === undefined ? { validAt } : { cursor }) });
      found.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    }
    return found;
  };

  /** What a person does to some of the notices afterwards. */
  const answerSome = async (orgId: OrgId, issued: readonly ReminderIssued[], on: Day): Promise<void> => {
    const confirmed = issued.flatMap(({ data: { reminderId, recipients } }) => recipients.filter(() => random.int(0, 2) > 0).map((recipient): ReminderEvent => ({ type: 'ReminderReceiptConfirmed', data: { reminderId, recipient } })));
    if (confirmed.length > 0) await record(orgId, confirmed, addDays(on, random.int(0, 9)));
    if (random.int(0, 3) > 0) return;
    const own = (await recorded()).filter(({ streamId }) => streamId === streams.reminders(orgId));
    await record(orgId, [{ type: 'FactsRetracted', data: { eventIds: [random.pick(own).eventId], reason: '误发', kind: random.pick(['withdrawn', 'entered-in-error'] as const) } }], null);
  };

  const evaluate = async (on: Day): Promise<void> => {
    await read.project();
    facts = await recorded();
    const due = dueNaively(facts, { validAt: on, knownAt: clock.at, atPosition: position(facts.length) });
    expect((await dueRead(on)).map(keyOfDue).toSorted()).toEqual(due.map(keyOfIssued).toSorted());
    evaluations += due.length;
    for (const [orgId, issued] of Map.groupBy(due, ({ data }) => data.orgId)) {
      await record(orgId, issued, on);
      await answerSome(orgId, issued, on);
    }
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    read = await openTrackingRead({ connectionString: database.url, store, codec, clock, zone });
    const history = randomHistory(seed, 500, deriveEventId);
    const recordedAt = new Map(history.map((fact) => [fact.commandId, fact.recordedAt]));
    const appends = asNewFacts(history);
    for (let piece = 0; piece < pieces; piece += 1) {
      for (const { commandId, entries } of appends.slice(Math.floor(appends.length * piece / pieces), Math.floor(appends.length * (piece + 1) / pieces))) {
        clock.at = recordedAt.get(commandId) ?? clock.at;
        await store.append({ commandId, entries: entries.map((entry) => ({ streamId: entry.streamId, expectedVersion: 'any', events: entry.facts.map((fact) => codec.encode({ ...fact, event: lit(fact.event) })) })) });
      }
      const today = dayIn(zone, clock.at);
      for (const on of [today, today, addDays(today, random.int(1, 400))]) await evaluate(on);
    }
    await read.project();
    facts = await recorded();
  }, 60_000);
  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  it('are due as the rules say on every day that was evaluated, each once', async () => {
    expect(facts).toHaveLength((await store.head()).position);
    expect(evaluations).toBeGreaterThan(20);
    const rungs = facts.flatMap(({ event }) => (event.type === 'ReminderIssued' ? [[event.data.issueId, event.data.deadline, event.data.reopenings, event.data.colour].join(' ')] : []));
    expect(new Set(rungs).size).toBe(rungs.length);
  });

  const standing = (cut: Cut): readonly (Reminder & { readonly at: number })[] => {
    const places = new Map<EventId, number>(facts.map((fact) => [fact.eventId, fact.position]));
    const registers = [...Map.groupBy(facts, ({ streamId }) => streamId)].filter(([streamId]) => streamId.startsWith('reminders-'));
    return registers.flatMap(([, register]) => [...foldReminders(countingFacts(register as unknown as readonly RegisterFact[], cut)).values()])
      .map((reminder) => ({ ...reminder, at: places.get(reminder.eventId) ?? 0 })).toSorted((a, b) => b.at - a.at);
  };
  const listed = async (request: Omit<RemindersRequest, 'within'>, within: OrgId | null = null): Promise<readonly ReminderItem[]> => {
    const found: ReminderItem[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await read.queries.reminders({ ...request, cursor, within, limit: 7 });
      found.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    }
    return found;
  };

  it('are listed as they stand at any cut, by each filter, the newest first', async () => {
    for (let i = 0; i < 8; i += 1) {
      const cut = i === 0 ? { validAt: addDays(dayIn(zone, clock.at), 500), knownAt: clock.at, atPosition: position(facts.length) } : randomCut(seed * 100 + i, facts);
      const all = standing(cut);
      const ids = (of: readonly { readonly reminderId: ReminderId }[]): readonly ReminderId[] => of.map(({ reminderId }) => reminderId);
      const shown = await listed(cut);
      expect(ids(shown)).toEqual(ids(all));
      expect(shown.map(({ receipts, received, evaluatedOn, daysLeft }) => ({ receipts, received, evaluatedOn, daysLeft })))
        .toEqual(all.map((one) => ({ receipts: one.receipts, received: isReceived(one), evaluatedOn: one.evaluatedOn, daysLeft: one.daysLeft })));
      for (const colour of lightColours) expect(ids(await listed({ ...cut, colour }))).toEqual(ids(all.filter((one) => one.colour === colour)));
      for (const received of [true, false]) expect(ids(await listed({ ...cut, received }))).toEqual(ids(all.filter((one) => isReceived(one) === received)));
      const [some] = all;
      if (some === undefined) continue;
      expect(ids(await listed({ ...cut, issue: some.issueId }))).toEqual(ids(all.filter(({ issueId }) => issueId === some.issueId)));
      const { reminder, text, streamVersion } = await read.queries.reminder(some.reminderId, { ...cut, ...everywhere });
      expect(reminder).toEqual(shown[0]);
      expect(text).toContain(reminder.citation);
      expect(streamVersion).toBe(facts.filter(({ streamId, position: at }) => streamId === streams.reminders(some.orgId) && at <= cut.atPosition).length);
    }
  });

  it('are shown to those alone within whose part of the tree they lie', async () => {
    const all = await listed({});
    const [some] = all;
    const { orgId } = some!;
    const own = await listed({}, orgId);
    expect(own.length).toBeGreaterThan(0);
    expect(await listed({ org: orgId })).toEqual(own);
    const other = all.find((one) => !own.some(({ reminderId }) => reminderId === one.reminderId));
    if (other !== undefined) expect(await rejection(read.queries.reminder(other.reminderId, { within: orgId }))).toBe('outside-jurisdiction');
  });

  it('are unknown by any other id', async () => {
    for (const id of ['x', streams.defaultPolicy, `${facts[0]!.eventId}-2026-1`, '']) expect(await rejection(read.queries.reminder(id, everywhere))).toBe('unknown-reminder');
  });

  it('stand in the audit trail with what each event changed', async () => {
    const { items } = await read.queries.auditTrail({ ...everywhere, type: 'ReminderReceiptConfirmed', limit: 5 });
    const data = items[0]!.data as { readonly reminderId: string; readonly recipient: string };
    const earlier = facts.some(({ event, position: at }) => at < items[0]!.position && event.type === 'ReminderReceiptConfirmed' && event.data.reminderId === data.reminderId && event.data.recipient === data.recipient);
    expect(items[0]!.changes).toEqual(earlier ? [] : [{ field: `${data.reminderId}.received.${data.recipient}`, before: null, after: true }]);
  });
});
