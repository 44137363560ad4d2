// Goal: what roll-ups hold of an issue is the verdict of the policies and calendars in force, and owners of whom that is not so at a cut are told apart.
// Method: random streams of policies and calendar years with retractions of both kinds; at random cuts the verdict is folded naively and compared with the sum of quadrants.
import { describe, expect, it } from '@jest/globals';
import {
  addDays, day, daysBetween, firstInstant, instantOfMs, lastInstantOf, onDay, position, streamVersion,
  type CommandId, type Cut, type Day, type EventId, type Fact, type OrgId, type StreamId,
} from '@rectrail/kernel';
import {
  bucketOf, buckets, calendarAt, countingFacts, defaultPolicy, policyAt, streams, workingDaysBetween,
  type FactsRetracted, type PolicyContent, type PolicyEvent, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import fc from 'fast-check';
import { pairText, parsePair } from '../figures/cell-texts.ts';
import { dayNumberOf, dayNumbersIn } from '../figures/day-numbers.ts';
import { figureColumns } from '../figures/figure-columns.ts';
import { FigureExpansion, Judges, type CellPoint } from '../figures/figure-points.ts';
import { policyTerms } from '../figures/policy-terms.ts';
import { figureCutOf, ownersJudgedOtherwise, ownersJudgedOtherwiseAt } from './figures.ts';
import { ReferenceData } from './reference-data.ts';
import type { ReadSession } from './read-session.ts';

const zone = 'Asia/Shanghai';
const owner = '5f1d0c11-0000-8000-a000-000000000001' as OrgId;
/** Days around the end of a year, so that either calendar may decide. */
const firstDay = day('2024-12-20');
const due = '2025-01-08' as Day;
const issueCell = { state: 'IN_PROGRESS', track: 'IMMEDIATE', disclosure: 'STATED', basis: null, openDatedResidual: false, deadline: due } as const;
const cell = pairText({ last: issueCell, first: issueCell });
const begin = Date.parse(`${firstDay}T00:00:00.000Z`);
const hourMs = 3_600_000;

type ReferenceEvent = PolicyEvent | WorkingCalendarEvent | FactsRetracted;
type ReferenceFact = Fact<ReferenceEvent>;

const streamIds = [streams.defaultPolicy, streams.policy(owner), streams.workingCalendar] as const;

const policy = (n: number, unit: 'calendar' | 'working'): PolicyContent =>
  ({ ...defaultPolicy, buckets: [{ when: {}, bucket: buckets[n % buckets.length] ?? 'open' }], dueSoon: { days: n, unit } });

/** `known`: hours before it was recorded; `on`: days since 1 March. */
interface Drawn {
  readonly stream: StreamId;
  readonly n: number;
  readonly unit: 'calendar' | 'working';
  readonly on: number;
  readonly known: number;
  readonly retracts: number | null;
  readonly withdrawn: boolean;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  stream: fc.constantFrom(...streamIds), n: fc.integer({ min: 0, max: 12 }), unit: fc.constantFrom('calendar', 'working'), on: fc.integer({ min: 0, max: 20 }),
  known: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })), retracts: fc.option(fc.nat(20), { freq: 2 }), withdrawn: fc.boolean(),
});

const eventOf = ({ stream, n, unit, retracts, withdrawn }: Drawn, earlier: readonly ReferenceFact[]): ReferenceEvent => {
  // What the first start laid down is never retracted.
  const ofStream = earlier.filter(({ streamId, position: at }) => streamId === stream && at > 1);
  const victim = retracts === null ? undefined : ofStream[retracts % Math.max(1, ofStream.length)];
  if (victim !== undefined) {
    const kind = victim.event.type === 'FactsRetracted' || !withdrawn ? 'entered-in-error' : 'withdrawn';
    return { type: 'FactsRetracted', data: { eventIds: [victim.eventId], reason: 'spec', kind } };
  }
  if (stream !== streams.workingCalendar) return { type: 'PolicyAdopted', data: { ...policy(n, unit), orgId: stream === streams.defaultPolicy ? null : owner } };
  const year = 2024 + (n % 2);
  const workingDays = Array.from({ length: 40 }, (_, i) => addDays(firstDay, i)).filter((one, i) => one.startsWith(String(year)) && (i * 7 + n) % 5 < n % 5);
  return { type: 'CalendarYearSet', data: { year, workingDays } };
};

const factOf = (d: Drawn, earlier: readonly ReferenceFact[]): ReferenceFact => {
  const event = eventOf(d, earlier);
  const at = earlier.length + 1;
  const recordedMs = begin + at * 7 * hourMs;
  return {
    event, validTime: event.type === 'PolicyAdopted' && at > 1 ? onDay(addDays(firstDay, d.on)) : null, knownTime: instantOfMs(recordedMs - d.known * hourMs), recordedAt: instantOfMs(recordedMs),
    eventId: `event-${at}` as EventId, commandId: 'command' as CommandId, correlationId: 'spec', classification: 'internal', scope: { orgId: null },
    actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' }, streamId: d.stream, position: position(at),
    streamVersion: streamVersion(earlier.filter(({ streamId }) => streamId === d.stream).length + 1),
  };
};

const installed: Drawn = { stream: streams.defaultPolicy, n: 2, unit: 'calendar', on: 0, known: 0, retracts: null, withdrawn: false };

const histories = fc.array(drawn, { maxLength: 14, size: 'max' })
  .map((all) => [installed, ...all].reduce<readonly ReferenceFact[]>((facts, d) => [...facts, factOf(d, facts)], []));

const cuts = fc.record({ position: fc.nat(20), known: fc.integer({ min: 0, max: 130 }), on: fc.integer({ min: -3, max: 25 }) });

// The name of a stream says which events it holds.
const ofStream = <E extends ReferenceEvent>(facts: readonly ReferenceFact[], streamId: StreamId): readonly Fact<E>[] =>
  facts.filter((fact) => fact.streamId === streamId) as unknown as readonly Fact<E>[];

/** Bucket and condition of the issue, by folding what counts (rules.md sections 4 and 5). */
const verdictAt = (facts: readonly ReferenceFact[], cut: Cut): readonly string[] => {
  const inForce = (id: StreamId): PolicyContent | null => policyAt(countingFacts(ofStream<PolicyEvent | FactsRetracted>(facts, id), cut))?.content ?? null;
  const judging = inForce(streams.policy(owner)) ?? inForce(streams.defaultPolicy);
  const { last } = parsePair(cell);
  if (judging === null || last === null) throw new Error('the first default policy always counts');
  const calendar = calendarAt(countingFacts(ofStream<WorkingCalendarEvent | FactsRetracted>(facts, streams.workingCalendar), cut));
  const { unit, days } = judging.dueSoon;
  const left = unit === 'calendar' ? daysBetween(cut.validAt, due) : workingDaysBetween(calendar, cut.validAt, due).days;
  const condition = due < cut.validAt ? 'OVERDUE' : left <= days ? 'DUE_SOON' : 'ON_TRACK';
  return ['issues.total', 'issues.byState.IN_PROGRESS.count', `issues.byBucket.${bucketOf(judging, last)}.count`, `issues.byDeadline.${condition}.count`];
};

const point: CellPoint = { kind: 'issue', orgId: owner, cell, validFrom: '-infinity', knownFrom: '-infinity', n: 1, fen: 0n };

const rolledUpAt = (facts: readonly ReferenceFact[], validAt: Day, knownDay: number): readonly string[] => {
  const whole = new Map<StreamId, readonly Fact[]>(streamIds.map((id) => [id, ofStream(facts, id)]));
  const sums = new FigureExpansion(policyTerms(whole), new Judges(dayNumbersIn(zone))).sumsAt(point, dayNumberOf(validAt), knownDay);
  return figureColumns.filter((_, column) => sums[column] !== 0n).map(({ path }) => path.join('.'));
};

const sessionAt = async (facts: readonly ReferenceFact[], cut: Cut): Promise<ReadSession> => {
  const head = position(facts.length);
  const reference = new ReferenceData();
  await reference.refresh({ query: () => Promise.resolve(facts.map((fact) => ({ fact }))) } as never, head);
  const recordedAt = facts[cut.atPosition - 1]?.recordedAt ?? firstInstant;
  const standing = { registers: head, reference: head, referencePosition: head, roots: [] };
  // What the judgement of owners looks at.
  return { cut, recordedAt, zone, reference, standing } as Partial<ReadSession> as ReadSession;
};

describe('owners judged otherwise than the roll-ups have it', () => {
  it('is nobody at the end of a day with everything recorded: the sum of quadrants is the verdict', () => {
    fc.assert(fc.property(histories, cuts, (facts, { known, on }) => {
      const validAt = addDays(firstDay, on);
      const knownDay = dayNumbersIn(zone)(instantOfMs(begin + known * hourMs));
      const knownAt = lastInstantOf(zone, addDays(day('1970-01-01'), knownDay));
      expect(rolledUpAt(facts, validAt, knownDay).toSorted()).toEqual(verdictAt(facts, { atPosition: position(facts.length), knownAt, validAt }).toSorted());
    }), { numRuns: 1_000 });
  });

  it('are all of whom the cut says otherwise, and not simply all', async () => {
    let [alike, onlyOtherDays] = [0, 0];
    await fc.assert(fc.asyncProperty(histories, cuts, async (facts, { position: at, known, on }) => {
      const atPosition = position(1 + at % facts.length);
      const cut: Cut = { atPosition, knownAt: instantOfMs(begin + known * hourMs), validAt: addDays(firstDay, on) };
      const session = await sessionAt(facts, cut);
      const figureCut = figureCutOf(session);
      const [onAnyDay, otherwise] = [ownersJudgedOtherwise(session, figureCut, undefined), ownersJudgedOtherwiseAt(session, figureCut, undefined)];
      const isApart = (owners: typeof otherwise): boolean => owners === null || owners.has(owner);
      if (isApart(otherwise)) return;
      if (isApart(onAnyDay)) onlyOtherDays += 1;
      alike += 1;
      expect(rolledUpAt(facts, cut.validAt, figureCut.knownDay).toSorted()).toEqual(verdictAt(facts, cut).toSorted());
    }), { numRuns: 2_000 });
    expect(alike).toBeGreaterThan(300);
    expect(onlyOtherDays).toBeGreaterThan(30);
  });
});
