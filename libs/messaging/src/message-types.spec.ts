// Goal: what left once is never told otherwise: each type of message has its contract, and a frozen message that may only gain fields.
// Method: every event fixture of the domain is recorded on a stream of its noun and read from the feed; the message is held against its file
// (UPDATE_DOCS=1 rewrites a file, but not where a field would go or change).
import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { contentSha256, createEventCodec, deriveEventId, MemoryEventStore, type EventCodec } from '@rectrail/event-store';
import { day, onDay, position, streamId, type CommandId, type EventId, type Instant, type NewFact, type OrgId, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, streams, trackingEventDefinitions, type TrackingEventType } from '@rectrail/tracking-domain';
import { cloudEvent, createMessageFeed, messageSchemas, messageTypes, type Message } from './index.ts';
import { verbs } from './contracts/verbs.ts';
import { messageReference } from './message-reference.ts';
import { contracts } from './subjects.ts';

const domain = new URL('../../tracking-domain/src/', import.meta.url);
const eventFixtures = new Map(
  readdirSync(domain, { recursive: true, encoding: 'utf8' }).filter((path) => /wire.fixtures.\w+\.v\d+\.json$/.test(path))
    .map((path) => [/(\w+\.v\d+)\.json$/.exec(path)?.[1], JSON.parse(readFileSync(new URL(path, domain), 'utf8')) as Record<string, unknown>]),
);
const fixtureOf = (type: string): Record<string, unknown> => {
  const version = trackingEventDefinitions.find((definition) => definition.type === type)?.schemaVersion;
  return { ...eventFixtures.get(`${type}.v${version}`) };
};

interface Founding { readonly type: TrackingEventType; readonly stream: string; readonly id?: string; readonly shared?: true }

/** The event that gives each noun's subject existence, the name of its stream, and the field of its id, which other events of it may share. */
const founding: Readonly<Record<string, Founding>> = {
  organisations: { type: 'OrgRegistered', stream: streams.organisationTree(administrativeTreeId), id: 'orgId', shared: true },
  inspections: { type: 'InspectionOpened', stream: 'inspection-', id: 'inspectionId' },
  plans: { type: 'PlanDrafted', stream: 'plan-', id: 'planId' },
  issues: { type: 'IssueRegistered', stream: 'issue-', id: 'issueId' },
  measures: { type: 'MeasurePlanned', stream: 'measure-', id: 'measureId' },
  funds: { type: 'IrregularFundsIdentified', stream: 'funds-case-', id: 'fundsCaseId', shared: true },
  policies: { type: 'PolicyAdopted', stream: streams.defaultPolicy },
  calendars: { type: 'CalendarYearSet', stream: streams.workingCalendar },
  reports: { type: 'ReportPublished', stream: 'report-', id: 'reportId' },
  metrics: { type: 'MetricDefined', stream: 'metric-', id: 'metricId' },
  reminders: { type: 'ReminderIssued', stream: 'reminders-', id: 'reminderId', shared: true },
};

const streamOf = (noun: string): StreamId => {
  const { type, stream, id } = founding[noun]!;
  return streamId(stream.endsWith('-') && id !== undefined ? `${stream}${String(fixtureOf(type)[id])}` : stream);
};

const undated: readonly string[] = ['OrgRegistered', 'CalendarYearSet', 'FactsRetracted', 'ContentPurged'];
const commandId = '019a0000-0000-7000-8000-000000000001' as CommandId;
const purgeCommandId = '019a0000-0000-7000-8000-000000000002' as CommandId;
const actingOrg = '00000009-0000-8000-8000-000000000009' as OrgId;

const factOf = (type: string, data: unknown, index: number, owner: OrgId | null): NewFact => ({
  event: { type, data }, eventId: deriveEventId(commandId, index), commandId, correlationId: 'correlation-1', causationId: 'cause-1',
  actor: { orgId: actingOrg, role: 'supervisor', subject: 'somebody', assurance: 'local-token' }, scope: { orgId: owner }, classification: 'public',
  validTime: undated.includes(type) ? null : onDay(day(`2022-03-${String(index + 10)}`)), knownTime: null,
});

/** The facts that end with one of the type: what founds the subject first, and for a retraction the fact that it retracts. */
const factsOf = (noun: string, eventType: string): readonly NewFact[] => {
  const { type, id, shared } = founding[noun]!;
  const founded = fixtureOf(type);
  const owner = typeof founded['orgId'] === 'string' ? founded['orgId'] as OrgId : null;
  if (eventType === type) return [factOf(type, founded, 0, owner)];
  const own = fixtureOf(eventType);
  if (eventType !== 'FactsRetracted') return [factOf(type, founded, 0, owner), factOf(eventType, shared && id !== undefined && id in own ? { ...own, [id]: founded[id] } : own, 1, owner)];
  const other = contracts.find((contract) => contract.noun === noun)?.eventTypes.findLast((each) => each !== type && verbs[each as TrackingEventType] !== null) ?? type;
  const before = other === type ? [factOf(type, founded, 0, owner)] : factsOf(noun, other);
  const eventIds: readonly EventId[] = before.slice(-1).map(({ eventId }) => eventId);
  return [...before, factOf(eventType, { eventIds, reason: '更正', kind: 'entered-in-error' }, before.length, owner)];
};

const messageOf = async (noun: string, eventType: string): Promise<Message> => {
  const codec = createEventCodec(trackingEventDefinitions);
  const store = new MemoryEventStore({ now: () => '2022-04-01T02:00:00.000Z' as Instant });
  const isPurge = eventType === 'ContentPurged';
  const facts = isPurge ? factsOf(noun, 'FactsRetracted') : factsOf(noun, eventType);
  const events = facts.map((fact) => codec.encode(fact));
  await store.append({ commandId, entries: [{ streamId: streamOf(noun), expectedVersion: 'none', events }] });
  if (isPurge) await purge(store, codec, facts.at(-2)!);
  const { messages } = await createMessageFeed({ store, codec, zone: 'Asia/Shanghai' }).read({ after: position(0), audience: 'public' });
  // What is purged makes no message, and neither does what retracted it; its purge does.
  expect(messages).toHaveLength(isPurge ? events.length - 1 : events.length);
  return messages.at(-1)!;
};

/** Of the event that the last one before it retracts. */
const purge = async (store: MemoryEventStore, codec: EventCodec, { eventId, scope }: NewFact): Promise<void> => {
  const { events } = await store.readAll();
  const target = events.at(-2)!;
  const data = { ...fixtureOf('ContentPurged'), eventId, position: target.position, contentSha256: contentSha256(target) };
  const fact = { ...factOf('ContentPurged', data, 0, scope.orgId), commandId: purgeCommandId, eventId: deriveEventId(purgeCommandId, 0) };
  await store.append({ commandId: purgeCommandId, entries: [{ streamId: target.streamId, expectedVersion: 'any', events: [codec.encode(fact)] }] });
};

const eventTypeOf = (noun: string, verb: string): string =>
  ['FactsRetracted', 'ContentPurged', ...contracts.find((contract) => contract.noun === noun)!.eventTypes].find((type) => verbs[type as TrackingEventType] === verb)!;

const fileOf = (singular: string): URL => new URL(`./contracts/fixtures/${singular}.json`, import.meta.url);
const frozenIn = (singular: string): Record<string, object> => (existsSync(fileOf(singular)) ? JSON.parse(readFileSync(fileOf(singular), 'utf8')) as Record<string, object> : {});

describe('the contracts', () => {
  it('tell every event once that has a verb, each by a type of its own', () => {
    const told = contracts.flatMap(({ eventTypes }) => eventTypes).filter((type) => verbs[type as TrackingEventType] !== null);
    const withVerb = Object.entries(verbs).flatMap(([type, verb]) => (verb === null || type === 'FactsRetracted' || type === 'ContentPurged' ? [] : [type]));
    expect(told.toSorted()).toEqual(withVerb.toSorted());
    expect(new Set(messageTypes.map(({ type }) => type)).size).toBe(messageTypes.length);
    for (const { type } of messageTypes) expect(type).toMatch(/^rectrail\.[a-z-]+\.[a-z-]+\.v1$/);
  });

  it('are published as JSON Schemas that leave room for more fields and let no field go', () => {
    const schemas = messageSchemas();
    expect(Object.keys(schemas)).toEqual(messageTypes.map(({ type }) => type));
    expect(JSON.stringify(schemas)).not.toContain('"additionalProperties":false');
    expect(schemas['rectrail.issue.accepted.v1']).toMatchObject({ type: 'object', required: ['change', 'state'], properties: { change: { properties: { name: { const: 'accepted' } } } } });
  });

  it('hold no field for persons, evidence, reasons or reports in free words', () => {
    const names = new Set(JSON.stringify(messageSchemas()).match(/"(\w+)":\{/g)?.map((name) => name.slice(1, -3)));
    const banned = ['leader', 'actor', 'subject', 'personRef', 'reason', 'text', 'result', 'record', 'evidence', 'note', 'finding', 'slip', 'endorsements', 'reporters', 'salt'];
    for (const name of banned) expect(names).not.toContain(name);
  });
});

describe.each(contracts.map((contract) => [contract.noun, contract] as const))('messages about %s', (noun, { singular }) => {
  it('are frozen: a field once told stays as it is', async () => {
    const types = messageTypes.filter((each) => each.noun === noun);
    const made: Record<string, object> = {};
    for (const { type, verb, data } of types) {
      const message = await messageOf(noun, eventTypeOf(noun, verb));
      expect(message.type).toBe(type);
      // What the schema does not know would be left out.
      expect(data.parse(message.data)).toEqual(message.data);
      made[type] = JSON.parse(JSON.stringify(cloudEvent(message, 'urn:rectrail:00000000-0000-8000-8000-000000000000:1'))) as object;
    }
    expect(made).toMatchObject(frozenIn(singular));
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(fileOf(singular), `${JSON.stringify(made, null, 2)}\n`);
    expect(frozenIn(singular)).toEqual(made);
  });
});

describe('docs/reference/messages.md', () => {
  it('is made of the contracts (UPDATE_DOCS=1 rewrites the page)', () => {
    const page = new URL('../../../docs/reference/messages.md', import.meta.url);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, messageReference());
    expect(readFileSync(page, 'utf8')).toBe(messageReference());
  });
});
