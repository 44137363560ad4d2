// Goal: who may hear what, example by example; the properties over random histories are in message-feed.spec.ts.
// Method: a stream of one issue, each fact with its classification, recorded in a memory store and read for both audiences.
import { describe, expect, it } from '@jest/globals';
import { createEventCodec, deriveEventId, MemoryEventStore } from '@rectrail/event-store';
import { day, onDay, position, type Classification, type CommandId, type EventId, type InspectionId, type Instant, type IssueId, type NewFact, type OrgId } from '@rectrail/kernel';
import { streams, trackingEventDefinitions, type IssueEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { createMessageFeed, type Audience, type Message } from './index.ts';

const acting = '00000009-0000-8000-8000-000000000009' as OrgId;
const orgId = '00000001-0000-8000-8000-000000000001' as OrgId;
const inspectionId = '00000003-0000-8000-8000-000000000003' as InspectionId;
const issueId = '00000005-0000-8000-8000-000000000005' as IssueId;
const commandId = '019a0000-0000-7000-8000-000000000001' as CommandId;
const idOf = (index: number): EventId => deriveEventId(commandId, index);

const registered: IssueEvent = { type: 'IssueRegistered', data: {
  issueId, orgId, inspectionId, numberPath: ['1'], numberKey: '001', aspect: null, heading: null, title: '问题1', strand: null, annex: false, track: 'TIMED', assistingOrgIds: [],
} };
const stated = (state: 'PHASED' | 'VERIFIED'): IssueEvent => ({ type: 'IssueStatusStated', data: {
  state, track: null, printedStatus: null, disclosure: 'STATED', continuation: 'NONE', continuationPrinted: null, residuals: [], completionBasis: null,
} });
/** Of the fact at an index of the stream. */
const retracted = (index: number, kind: 'withdrawn' | 'entered-in-error' = 'entered-in-error'): TrackingEvent =>
  ({ type: 'FactsRetracted', data: { eventIds: [idOf(index)], reason: '更正', kind } });

/** The messages that an audience reads of an issue's facts. */
const told = async (facts: readonly (readonly [TrackingEvent, Classification])[], audience: Audience): Promise<readonly Message[]> => {
  const codec = createEventCodec(trackingEventDefinitions);
  const store = new MemoryEventStore({ now: () => '2026-02-01T00:00:00.000Z' as Instant });
  const events = facts.map(([event, classification], index) => codec.encode({
    event, eventId: idOf(index), commandId, correlationId: 'spec', actor: { orgId: acting, role: 'supervisor', subject: 'somebody', assurance: 'local-token' }, classification,
    scope: { orgId, inspectionId }, validTime: event.type === 'FactsRetracted' ? null : onDay(day(`2022-03-${10 + index}`)), knownTime: null,
  } satisfies NewFact));
  await store.append({ commandId, entries: [{ streamId: streams.issue(issueId), expectedVersion: 'none', events }] });
  return (await createMessageFeed({ store, codec, zone: 'Asia/Shanghai' }).read({ after: position(0), audience })).messages;
};

const verbs = (messages: readonly Message[]): readonly string[] => messages.map(({ data }) => data.change.name);

describe('an audience', () => {
  it('hears of no fact that is stricter than it may know, and the state does not show it either', async () => {
    const facts = [
      [registered, 'public'], [{ type: 'RectificationStarted', data: {} }, 'internal'], [{ type: 'IssueMarkedKeyAndHard', data: {} }, 'restricted'], [stated('PHASED'), 'public'],
    ] as const;
    expect((await told(facts, 'public')).map(({ data: { change, state } }) => [change.name, state?.['state'], state?.['keyAndHard']]))
      .toEqual([['registered', 'FED_BACK', false], ['status-stated', 'PHASED', false]]);
    expect((await told(facts, 'internal')).map(({ classification, data: { change, state } }) => [change.name, classification, state?.['state'], state?.['keyAndHard']]))
      .toEqual([['registered', 'public', 'FED_BACK', false], ['rectification-started', 'internal', 'IN_PROGRESS', false], ['status-stated', 'public', 'PHASED', false]]);
  });

  it('hears nothing of a subject that does not exist for it', async () => {
    expect(await told([[registered, 'internal'], [stated('PHASED'), 'public']], 'public')).toEqual([]);
    expect(verbs(await told([[registered, 'internal'], [stated('PHASED'), 'public']], 'internal'))).toEqual(['registered', 'status-stated']);
  });

  it('hears of a subject from the first fact that founds it, with what it could know before', async () => {
    const messages = await told([[stated('PHASED'), 'public'], [registered, 'public']], 'public');
    expect(messages.map(({ data: { change, state } }) => [change.name, state?.['state']])).toEqual([['registered', 'PHASED']]);
  });

  it('is told that what it heard no longer counts, even where it may not know by whom', async () => {
    for (const stricter of ['internal', 'restricted'] as const) {
      const facts = [[registered, 'public'], [stated('VERIFIED'), 'public'], [retracted(1), stricter]] as const;
      expect((await told(facts, 'public')).at(-1))
        .toMatchObject({ classification: 'public', time: null, data: { change: { name: 'retracted', on: null, byOrgId: null, retracts: 1 }, state: { state: 'FED_BACK' } } });
      expect((await told(facts, 'internal')).at(-1)?.data.change.byOrgId).toBe(stricter === 'internal' ? acting : null);
    }
  });

  it('hears nothing of a retraction of what it never heard', async () => {
    expect(verbs(await told([[registered, 'public'], [stated('VERIFIED'), 'internal'], [retracted(1, 'withdrawn'), 'public']], 'public'))).toEqual(['registered']);
  });

  it('is told of the end of a subject, and of its return', async () => {
    const messages = await told([[registered, 'public'], [retracted(0), 'public'], [retracted(1), 'public']], 'public');
    expect(messages.map(({ data: { change, state } }) => [change.name, change.retracts, state?.['title'] ?? null])).toEqual([['registered', 0, '问题1'], ['retracted', 1, null], ['retracted', 1, '问题1']]);
  });
});
