// Goal: what is generated is a log that the store would have taken and the domain would have decided, the same for the same seed, and shaped like a
// province's. Method: small histories looked at event by event, decoded, folded, their needs checked; a larger one in which every shape is counted.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalJson, checkAppend, createEventCodec, sha256Hex, type AppendEntry } from '@rectrail/event-store';
import { addDays, day, dayNumber, instantOfMs, lastDay, msOfInstant, position, weekday, type Day, type EventId, type Fact, type StreamId } from '@rectrail/kernel';
import {
  countingFacts, countingOnAnyDay, isRetraction, policyAt, streams, trackingEventDefinitions, treeAt, unmetFundsCaseNeeds, unmetInspectionNeeds, unmetIssueNeeds, unmetMeasureNeeds,
  unmetMetricNeeds, unmetOrganisationTreeNeeds, unmetPlanNeeds, unmetReportNeeds, type OrganisationTreeEvent, type PolicyEvent, type TrackingEvent, type TrackingEventType,
} from '@rectrail/tracking-domain';
import { organisationsMin, provinceHistory, ProvinceRefused, spanOf, type CalendarYear, type ProvinceOptions, type RecordedEvent } from './index.ts';
import { LiveTree } from './live-tree.ts';

/** Monday to Friday. */
const calendar = Array.from({ length: 12 }, (_, n): CalendarYear => {
  const year = 2015 + n;
  const days = Array.from({ length: 365 }, (__, d) => addDays(day(`${year}-01-01`), d));
  return { year, workingDays: days.filter((d) => weekday(d) % 6 !== 0) };
});
const until = day('2026-06-30');
const small: ProvinceOptions = { events: 2_000, organisations: 200, growth: 'years', seed: 1, until, calendar, jurisdiction: 'CN', checkEvery: 1 };
const generated = (options: Partial<ProvinceOptions> = {}): readonly RecordedEvent[] => [...provinceHistory({ ...small, ...options })].flat();

const codec = createEventCodec(trackingEventDefinitions);
type TrackingFact = Fact<TrackingEvent>;
const decoded = (events: readonly RecordedEvent[]): readonly TrackingFact[] => events.map((event) => codec.decode(event) as TrackingFact);
const limits = { eventBytesMax: 1 << 20, appendBytesMax: 1 << 26, appendEventsMax: 10_000, pageEventsMax: 1, purges: true };
const everything = { atPosition: position(Number.MAX_SAFE_INTEGER), knownAt: instantOfMs(8e12) };
const dayOf = (instant: string): Day => day(instantOfMs(msOfInstant(instant as Fact['knownTime']) + 8 * 3_600_000).slice(0, 10));

/** The rule by which retractions are refused: of what counts, nothing lacks what it builds on. */
const unmetBy: readonly (readonly [string, (facts: readonly Fact<never>[]) => readonly EventId[]])[] = [
  ['issue-', unmetIssueNeeds], ['measure-', unmetMeasureNeeds], ['funds-case-', unmetFundsCaseNeeds], ['inspection-', unmetInspectionNeeds], ['plan-', unmetPlanNeeds], ['report-', unmetReportNeeds],
  ['metric-', unmetMetricNeeds], ['org-tree-', unmetOrganisationTreeNeeds],
];
const unmet = (streamId: StreamId, facts: readonly TrackingFact[]): readonly EventId[] =>
  unmetBy.find(([prefix]) => streamId.startsWith(prefix))?.[1](countingFacts(facts, { ...everything, validAt: lastDay }) as readonly Fact<never>[]) ?? [];

describe.each([['years'], ['density']] as const)('a small history, growing by %s', (growth) => {
  const events = generated({ growth });
  const facts = decoded(events);

  it('is a log without gaps, in time, of exactly the size asked for', () => {
    expect(events.map((event) => event.position)).toEqual(Array.from({ length: small.events }, (_, n) => n + 1));
    const versions = new Map<string, number>();
    events.forEach((event, n) => {
      expect(event.streamVersion).toBe((versions.get(event.streamId) ?? 0) + 1);
      versions.set(event.streamId, event.streamVersion);
      expect(event.recordedAt >= (events[n - 1]?.recordedAt ?? '')).toBe(true);
    });
    const span = spanOf({ ...small, growth });
    expect([dayOf(events[0]!.recordedAt), dayOf(events.at(-1)!.recordedAt)]).toEqual([span.from, until]);
    expect(dayNumber(until) - dayNumber(span.from) + 1).toBe(growth === 'density' ? 3652 : 7);
  });

  it('is made of appends that the store takes', () => {
    const appends = [...Map.groupBy(events, (event) => event.commandId)];
    for (const [commandId, ofCommand] of appends) {
      expect(ofCommand.at(-1)!.position - ofCommand[0]!.position).toBe(ofCommand.length - 1);
      const entries = [...Map.groupBy(ofCommand, (event) => event.streamId)].map(([streamId, ofStream]): AppendEntry => ({
        streamId, expectedVersion: 'any', events: ofStream.map((event) => ({ eventId: codec.decode(event).eventId, type: event.type, content: event.content })),
      }));
      expect(checkAppend({ commandId, entries }, limits).events).toBe(ofCommand.length);
      expect(new Set(ofCommand.map((event) => event.recordedAt)).size).toBe(1);
    }
  });

  it('holds contents in their canonical form that every schema lets through', () => {
    const schemas = new Map(trackingEventDefinitions.map((definition) => [definition.type, definition.schema]));
    for (const { content, type } of events) {
      const parsed = JSON.parse(content) as { readonly data: unknown; readonly knownTime?: string; readonly salt: string };
      expect(canonicalJson(parsed)).toBe(content);
      expect([type, schemas.get(type)?.safeParse(parsed.data).error]).toEqual([type, undefined]);
      expect(Buffer.from(parsed.salt, 'base64url').toString('base64url')).toBe(parsed.salt);
    }
    expect(new Set(events.map(({ content }) => (JSON.parse(content) as { salt: string }).salt)).size).toBe(events.length);
  });

  it('tells nothing that had not happened, and knows nothing before it could', () => {
    for (const { event, validTime, knownTime, recordedAt } of facts) {
      expect(knownTime <= recordedAt).toBe(true);
      if (validTime !== null && event.type !== 'PolicyAdopted') expect(validTime.last <= dayOf(recordedAt)).toBe(true);
    }
  });

  it('leaves nothing without what it builds on, whatever has been retracted', () => {
    for (const [streamId, ofStream] of Map.groupBy(facts, (fact) => fact.streamId)) expect([streamId, unmet(streamId, ofStream)]).toEqual([streamId, []]);
  });
});

describe('options', () => {
  const digest = (events: readonly RecordedEvent[]): string => sha256Hex(events.map(({ content, recordedAt, streamId }) => `${recordedAt} ${streamId} ${content}`).join('\n'));

  it('the same give the same bytes, another seed others, and how many are checked does not matter', () => {
    const first = digest(generated());
    expect(digest(generated())).toBe(first);
    expect(digest(generated({ checkEvery: 7 }))).toBe(first);
    expect(digest(generated({ seed: 2 }))).not.toBe(first);
    expect(digest(generated({ seed: 1 + 2 ** 32 }))).not.toBe(first);
  });

  it('that make no province are refused', () => {
    expect(() => generated({ events: 600 })).toThrow('at least 700');
    expect(() => generated({ organisations: organisationsMin - 1 })).toThrow(ProvinceRefused);
    expect(generated({ organisations: organisationsMin, events: 600 })).toHaveLength(600);
  });

  it('a million events are a year, or a tenth of the density of ten', () => {
    expect(spanOf({ events: 1_000_000, growth: 'years', until })).toEqual({ from: '2025-07-01', until });
    expect(spanOf({ events: 10_000_000, growth: 'years', until }).from).toBe('2016-07-01');
    expect(spanOf({ events: 100_000, growth: 'years', until }).from).toBe('2026-05-26');
    expect(spanOf({ events: 1_000_000, growth: 'density', until }).from).toBe('2016-07-01');
  });
});

describe('the shapes of a history of 20,000 events over ten years', () => {
  let events: readonly RecordedEvent[];
  let facts: readonly TrackingFact[];
  beforeAll(() => {
    events = generated({ events: 20_000, organisations: 1_000, growth: 'density' });
    facts = decoded(events);
  });
  const number = (holds: (fact: TrackingFact) => boolean): number => facts.filter(holds).length;
  const ofType = <T extends TrackingEventType>(type: T): readonly (TrackingFact & { readonly event: Extract<TrackingEvent, { type: T }> })[] =>
    facts.filter((fact): fact is TrackingFact & { readonly event: Extract<TrackingEvent, { type: T }> } => fact.event.type === type);
  const shareOf = (some: number, all: number): number => Math.round((some / all) * 1_000) / 1_000;

  // Notices are issued by a server on its day, subscriptions are made by those who integrate, an epoch is begun over an older copy, and what is purged is purged in one
  // installation: none of it is the province's own doing.
  const isOfServers = (type: string): boolean => /^(Reminder|Subscription|Epoch|Purge|ContentPurged)/.test(type);

  it('every event that there is', () => {
    expect(trackingEventDefinitions.map(({ type }) => type).filter((type) => !isOfServers(type) && !facts.some((fact) => fact.event.type === type))).toEqual([]);
  });

  it('nothing without what it builds on', () => {
    for (const [streamId, ofStream] of Map.groupBy(facts, (fact) => fact.streamId)) expect([streamId, unmet(streamId, ofStream)]).toEqual([streamId, []]);
  });

  it('a quarter of the facts known later than true, some of them years', () => {
    const dated = facts.filter((fact) => fact.validTime !== null && fact.event.type !== 'PolicyAdopted');
    const late = dated.map((fact) => dayNumber(dayOf(fact.knownTime)) - dayNumber(fact.validTime!.last));
    expect(shareOf(late.filter((days) => days >= 1).length, dated.length)).toBeGreaterThan(0.2);
    expect(shareOf(late.filter((days) => days >= 1).length, dated.length)).toBeLessThan(0.32);
    expect(shareOf(late.filter((days) => days > 7).length, dated.length)).toBeGreaterThan(0.045);
    expect(shareOf(late.filter((days) => days > 7).length, dated.length)).toBeLessThan(0.11);
    expect(late.filter((days) => days > 180).length).toBeGreaterThan(0);
    expect(number((fact) => dayNumber(dayOf(fact.recordedAt)) - dayNumber(dayOf(fact.knownTime)) > 700)).toBeGreaterThan(100);
  });

  it('dates of every precision, deadlines planned and striven for', () => {
    for (const precision of ['day', 'tenDays', 'month', 'quarter', 'undated'] as const) {
      expect([precision, number(({ validTime }) => validTime?.precision === precision) > 0]).toEqual([precision, true]);
    }
    const deadlines = [...ofType('DeadlineSet'), ...ofType('DeadlineExtended'), ...ofType('RectificationResumed')].map(({ event }) => event.data.planned);
    expect(new Set(deadlines.map((planned) => planned?.commitment))).toEqual(new Set(['planned', 'striving']));
    expect(new Set(deadlines.map((planned) => planned?.precision))).toEqual(new Set(['day', 'month', 'quarter', 'year']));
  });

  it('three of a hundred facts corrected, in both ways, and retractions taken back', () => {
    const retractions = facts.filter(isRetraction);
    const ids = new Set(retractions.map((fact) => fact.eventId));
    const corrected = retractions.filter((fact) => facts[fact.position]?.commandId === fact.commandId && !isRetraction(facts[fact.position]!));
    expect(shareOf(corrected.length, facts.length)).toBeGreaterThan(0.018);
    expect(shareOf(corrected.length, facts.length)).toBeLessThan(0.045);
    expect(new Set(corrected.map((fact) => fact.event.data.kind))).toEqual(new Set(['withdrawn', 'entered-in-error']));
    expect(retractions.length - corrected.length).toBeGreaterThan(0);
    expect(retractions.filter((fact) => fact.event.data.eventIds.some((id) => ids.has(id))).length).toBeGreaterThan(0);
    expect(new Set(retractions.map(({ streamId }) => streamId.slice(0, streamId.indexOf('-'))))).toEqual(new Set(['issue', 'measure', 'funds', 'inspection', 'report', 'source', 'org', 'metric']));
  });

  it('an archive brought in, a part of it undone and brought in again', () => {
    const imports = [...Map.groupBy(ofType('SourceIngested'), (fact) => fact.streamId)];
    const retracted = new Set(facts.filter(isRetraction).flatMap((fact) => fact.event.data.eventIds));
    expect(imports.filter(([, ofSource]) => ofSource.some((fact) => retracted.has(fact.eventId))).length).toBeGreaterThan(0);
    expect(ofType('IssueStatusStated').filter((fact) => retracted.has(fact.eventId)).length).toBeGreaterThan(0);
    expect(number((fact) => fact.source !== undefined)).toBeGreaterThan(200);
  });

  it('money of every kind, residuals, relapses, returned claims, hidden statuses, plans sent back', () => {
    const money = [...ofType('FundsRecovered'), ...ofType('FundsReturned')].map(({ event }) => event.data.money.fen);
    expect(money.includes(null)).toBe(true);
    const known = money.flatMap((fen) => (fen === null ? [] : [Number(fen)])).sort((a, b) => a - b);
    expect(known.at(-1)! / known[Math.floor(known.length / 2)]!).toBeGreaterThan(20);
    expect(ofType('IssueBasicallyCompleted').filter(({ event }) => event.data.residuals.some((residual) => residual.planned !== undefined)).length).toBeGreaterThan(0);
    expect(new Set(ofType('IssueReopened').map(({ event }) => event.data.kind))).toEqual(new Set(['RELAPSE', 'SHAM']));
    expect(new Set(ofType('IssueStatusStated').map(({ event }) => event.data.disclosure))).toEqual(new Set(['STATED', 'NOT_DISCLOSED', 'WITHHELD']));
    expect(ofType('IssueRegistered').some(({ event }) => event.data.assistingOrgIds.length > 0)).toBe(true);
    expect(ofType('MeasurePlanned').some(({ event }) => event.data.planned !== null)).toBe(true);
  });

  it('declared figures beside found ones, in the policies of their reports', () => {
    expect(new Set(ofType('RollUpDeclared').map(({ event }) => event.data.basis))).toEqual(new Set(['issue', 'measure', 'money', 'institution', 'person']));
    const owned = [...Map.groupBy(ofType('PolicyAdopted'), (fact) => fact.streamId)].filter(([streamId]) => streamId !== streams.defaultPolicy);
    expect(owned.length).toBeGreaterThan(5);
    const inForce = owned.map(([, ofOrg]) => policyAt(countingFacts(ofOrg as readonly Fact<PolicyEvent>[], { ...everything, validAt: lastDay }))?.content);
    expect(inForce.some((content) => content !== undefined && content.approvers.length > 0)).toBe(true);
    expect(inForce.some((content) => content?.buckets.some((rule) => rule.when.openDatedResidual === false))).toBe(true);
    expect(ofType('PolicyAdopted').filter((fact) => fact.streamId === streams.defaultPolicy)).toHaveLength(2);
  });

  it('owners on all levels, a few of them large, with a long tail of issues an inspection', () => {
    const levels = new Map(ofType('OrgRegistered').map(({ event }) => [event.data.orgId, event.data.level]));
    const owners = [...Map.groupBy(ofType('IssueRegistered'), ({ event }) => event.data.orgId)];
    expect(new Set(owners.map(([orgId]) => levels.get(orgId)))).toEqual(new Set(['province', 'city', 'district', 'county', 'bureau', 'unit']));
    const sizes = [...Map.groupBy(ofType('IssueRegistered'), ({ event }) => event.data.inspectionId)].map(([, issues]) => issues.length).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(16);
    expect(sizes.at(-1)).toBeGreaterThan(35);
    const owned = owners.map(([, issues]) => issues.length).sort((a, b) => a - b);
    expect(owned.at(-1)! / owned[Math.floor(owned.length / 2)]!).toBeGreaterThan(8);
  });

  it('a rush at the ends of months, and little on days of rest', () => {
    const claims = [...ofType('IssueCompletionReported'), ...ofType('MeasureCompleted')];
    const inLastThird = claims.filter((fact) => Number(dayOf(fact.recordedAt).slice(8)) > 20).length;
    expect(shareOf(inLastThird, claims.length)).toBeGreaterThan(0.4);
    expect(shareOf(number((fact) => weekday(dayOf(fact.recordedAt)) % 6 === 0), facts.length)).toBeLessThan(0.05);
  });

  it('a tree of five levels of which 7 % move', () => {
    expect(ofType('OrgMoved').filter((fact) => fact.validTime !== null).length).toBeGreaterThanOrEqual(60);
    expect(ofType('OrgRegistered').filter((fact) => dayOf(fact.recordedAt) > addDays(spanOf({ ...small, growth: 'density' }).from, 30)).length).toBeGreaterThan(0);
  });

  it('the tree that the generator keeps is that of the domain', () => {
    const ofTree = facts.filter((fact) => fact.streamId.startsWith('org-tree-')) as readonly Fact<OrganisationTreeEvent>[];
    const live = new LiveTree();
    ofTree.forEach((fact, n) => {
      live.add(fact);
      if (n < 1_000 || n % 10 > 0) return;
      const folded = treeAt(countingOnAnyDay(ofTree.slice(0, n + 1), everything));
      expect([...live.orgs].sort()).toEqual([...folded.orgs].sort());
      expect([...live.roots].sort()).toEqual([...folded.roots].sort());
      for (const [orgId, { code }] of folded.orgs) {
        expect([...live.children(orgId)].sort()).toEqual([...folded.children(orgId)].sort());
        expect(live.byCode(code)).toEqual(folded.byCode(code));
      }
    });
    expect(live.facts).toHaveLength(ofTree.length);
  });
});
