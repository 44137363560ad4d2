// Goal: a timeline shows at every (knownAt, validAt) what the counting facts there come to, and nothing else.
// Method: hand-made streams of "said" facts whose fold lists what counts; properties against a fold at each point, written from rules.md section 2.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addDays, day, instantOfMs, position, streamId, streamVersion, undatedBetween,
  type CommandId, type Day, type DomainEvent, type EventId, type Fact, type Instant,
} from '@rectrail/kernel';
import { evolveIssue, initialIssueState, isIssueStatusAssertion, type FactsRetracted, type IssueEvent, type IssueState } from '@rectrail/tracking-domain';
import { randomHistory } from '@rectrail/tracking-domain/testing';
import { standings } from './standing.ts';
import { StreamTimeline, timeline, type Rectangle, type TimelineDefinition } from './timeline.ts';

type Said = DomainEvent<'Said', { readonly word: string }> | DomainEvent<'Asserted', { readonly word: string }> | FactsRetracted;
type SaidFact = Fact<Said>;
interface View { readonly last: string; readonly first: string }

const definition: TimelineDefinition<SaidFact, string, View> = {
  initial: '',
  evolve: (state, { event }) => (event.type === 'FactsRetracted' ? state : state + event.data.word),
  isAssertion: (type) => type === 'Asserted',
  view: (last, first) => (last === '' && first === '' ? null : { last, first }),
};

const start = day('2024-01-01');
const on = (n: number): Day => addDays(start, n);
const at = (n: number): Instant => instantOfMs(1_700_000_000_000 + n);
const idOf = (version: number): EventId => `event-${version}` as EventId;

interface Draft { readonly event: Said; readonly known: number; readonly days: readonly [number, number] | null }

const factsOf = (drafts: readonly Draft[]): readonly SaidFact[] => drafts.map(({ event, known, days }, index) => ({
  event, knownTime: at(known), validTime: days === null ? null : undatedBetween(on(days[0]), on(days[1])), eventId: idOf(index + 1),
  commandId: 'command' as CommandId, correlationId: 'spec', classification: 'internal', scope: { orgId: null },
  actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' },
  streamId: streamId('said-1'), streamVersion: streamVersion(index + 1), position: position(index + 1), recordedAt: at(1_000 + index),
}));

const said = (word: string, known: number, first: number, last = first): Draft => ({ event: { type: 'Said', data: { word } }, known, days: [first, last] });
const asserted = (word: string, known: number, first: number, last = first): Draft => ({ event: { type: 'Asserted', data: { word } }, known, days: [first, last] });
const retracted = (kind: 'withdrawn' | 'entered-in-error', known: number, ...versions: readonly number[]): Draft =>
  ({ event: { type: 'FactsRetracted', data: { eventIds: versions.map(idOf), reason: 'spec', kind } }, known, days: null });

const viewAt = (rectangles: readonly Rectangle<View>[], known: number, d: number): View | null => {
  const found = rectangles.filter((r) => r.knownFrom <= at(known) && at(known) < r.knownTo && r.validFrom <= on(d) && on(d) < r.validTo);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0]?.view ?? null;
};
const lastAt = (drafts: readonly Draft[], known: number, d: number): string | undefined => viewAt(timeline(factsOf(drafts), definition), known, d)?.last;

describe('timeline', () => {
  it('shows a fact from its last day, to those who know of it', () => {
    const drafts = [said('a', 10, 3, 5)];
    expect([lastAt(drafts, 9, 5), viewAt(timeline(factsOf(drafts), definition), 10, 2), lastAt(drafts, 10, 5)]).toEqual([undefined, null, 'a']);
    expect(viewAt(timeline(factsOf(drafts), definition), 10, 3)).toEqual({ last: '', first: 'a' });
  });

  it('folds by last day, then by the order of the stream, whatever came first', () => {
    expect(lastAt([said('b', 10, 2), said('a', 20, 1), said('c', 30, 2)], 30, 2)).toBe('abc');
  });

  it('never lets an assertion begin before the last day of the one before it', () => {
    const rectangles = timeline(factsOf([asserted('a', 10, 1, 4), asserted('b', 10, 2, 6)]), definition);
    expect(viewAt(rectangles, 10, 3)).toEqual({ last: '', first: 'a' });
    expect(viewAt(rectangles, 10, 4)).toEqual({ last: 'a', first: 'ab' });
  });

  it('keeps what was believed before a withdrawal, and forgets what was entered in error', () => {
    expect([lastAt([said('a', 10, 1), retracted('withdrawn', 20, 1)], 19, 1), lastAt([said('a', 10, 1), retracted('withdrawn', 20, 1)], 20, 1)]).toEqual(['a', undefined]);
    expect(lastAt([said('a', 10, 1), retracted('entered-in-error', 20, 1)], 15, 1)).toBeUndefined();
  });

  it('lets the victims count again when their retraction was entered in error', () => {
    expect(lastAt([said('a', 10, 1), retracted('withdrawn', 20, 1), retracted('entered-in-error', 30, 2)], 25, 1)).toBe('a');
    expect(lastAt([said('a', 10, 1), retracted('entered-in-error', 20, 1), retracted('entered-in-error', 30, 2), retracted('entered-in-error', 40, 3)], 50, 1)).toBeUndefined();
  });

  it('counts what has no valid time at every day and instant', () => {
    expect(lastAt([{ event: { type: 'Said', data: { word: 'a' } }, known: 50, days: null }], 1, -400)).toBe('a');
  });

  it('is one rectangle where nothing differs', () => {
    const again = timeline(factsOf([said('a', 10, 1), { event: { type: 'Said', data: { word: '' } }, known: 20, days: [4, 4] }]), definition);
    expect(again.map(({ validFrom, validTo, knownFrom, knownTo }) => [validFrom, validTo, knownFrom, knownTo])).toEqual([[on(1), 'infinity', at(10), 'infinity']]);
  });
});

const draft = fc.oneof(
  { weight: 5, arbitrary: fc.record({
    asserts: fc.boolean(), known: fc.integer({ min: 0, max: 12 }), first: fc.integer({ min: 0, max: 8 }), length: fc.integer({ min: 0, max: 5 }),
  }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('withdrawn' as const, 'entered-in-error' as const), known: fc.integer({ min: 0, max: 12 }), victim: fc.nat(30) }) },
);
/** Retractions name something before them; only entered-in-error names a retraction. */
const streamOf = fc.array(draft, { minLength: 1, maxLength: 9 }).map((drawn) => drawn.reduce<readonly Draft[]>((stream, d, index) => {
  if ('asserts' in d) return [...stream, (d.asserts ? asserted : said)(String.fromCodePoint(97 + index), d.known, d.first, d.first + d.length)];
  const victim = index === 0 ? null : stream[d.victim % index]!;
  if (victim === null) return [...stream, said('a', d.known, 1)];
  return [...stream, retracted(victim.event.type === 'FactsRetracted' ? 'entered-in-error' : d.kind, d.known, (d.victim % index) + 1)];
}, []));

/** rules.md section 2, one point at a time. */
const oracle = (facts: readonly SaidFact[], known: number, d: number): View => {
  const countsRetraction = (fact: SaidFact): boolean =>
    fact.event.type === 'FactsRetracted' && (fact.event.data.kind === 'entered-in-error' || fact.knownTime <= at(known)) && !isNamed(fact);
  const isNamed = (fact: SaidFact): boolean => facts.some((r) => r.event.type === 'FactsRetracted' && r.event.data.eventIds.includes(fact.eventId) && countsRetraction(r));
  const counting = facts.filter((fact) => fact.event.type !== 'FactsRetracted' && fact.knownTime <= at(known) && !isNamed(fact))
    .toSorted((a, b) => a.validTime!.last.localeCompare(b.validTime!.last) || a.streamVersion - b.streamVersion);
  const fold = (some: readonly SaidFact[]): string => some.reduce((state, fact) => definition.evolve(state, fact), '');
  const firstDays = counting.map((fact, index) => {
    const before = counting.slice(0, index).filter((f) => f.event.type === 'Asserted').at(-1)?.validTime?.last;
    return fact.event.type === 'Asserted' && before !== undefined && before > fact.validTime!.first ? before : fact.validTime!.first;
  });
  return { last: fold(counting.filter((fact) => fact.validTime!.last <= on(d))), first: fold(counting.filter((_, index) => firstDays[index]! <= on(d))) };
};

describe('timeline properties', () => {
  it('agrees with the rules at every point', () => {
    fc.assert(fc.property(streamOf, (drafts) => {
      const facts = factsOf(drafts);
      const rectangles = timeline(facts, definition);
      for (let known = -1; known <= 13; known += 1) {
        for (let d = -1; d <= 14; d += 1) expect(viewAt(rectangles, known, d) ?? { last: '', first: '' }).toEqual(oracle(facts, known, d));
      }
    }), { numRuns: 150 });
  });
});

/** Adds the facts one by one and compares with the two whole timelines before and after each. */
const expectExactChanges = <F extends Fact, S, W>(facts: readonly F[], of: TimelineDefinition<F, S, W>): void => {
  const stream = new StreamTimeline(of);
  let before: readonly string[] = [];
  for (const [index, fact] of facts.entries()) {
    const { closed, opened } = stream.add(fact);
    const after = timeline(facts.slice(0, index + 1), of).map((r) => r.key).sort();
    expect(closed.map((r) => r.key).sort()).toEqual(before.filter((key) => !after.includes(key)));
    expect(opened.map((r) => r.key).sort()).toEqual(after.filter((key) => !before.includes(key)));
    expect(stream.rectangles().map((r) => r.key).sort()).toEqual(after);
    before = after;
  }
};

/** Whether a fact is known before another that stands already, or was entered in error: then all bands are laid anew. */
const isLong = (facts: readonly Fact[]): boolean => {
  const known = standings(facts.slice(0, -1)).flatMap((s) => [s.knownFrom, s.knownTo]).filter((bound) => bound !== 'infinity');
  const { event, knownTime } = facts.at(-1) as SaidFact;
  return (event.type === 'FactsRetracted' && event.data.kind === 'entered-in-error') || known.some((bound) => bound > knownTime);
};

describe('StreamTimeline', () => {
  it('closes and opens at every fact what the whole timelines before and after it differ by', () => {
    const ways = { short: 0, long: 0 };
    fc.assert(fc.property(streamOf, (drafts) => {
      const facts = factsOf(drafts);
      facts.forEach((_, index) => { ways[isLong(facts.slice(0, index + 1)) ? 'long' : 'short'] += 1; });
      expectExactChanges(facts, definition);
    }), { numRuns: 500 });
    expect(Math.min(ways.short, ways.long)).toBeGreaterThan(200);
  });

  it('does so where most facts come in the order of knowledge', () => {
    fc.assert(fc.property(fc.array(fc.record({ draft: streamOf, late: fc.boolean() }), { maxLength: 8 }), fc.integer({ min: 0, max: 3 }), (drawn, step) => {
      // Streams one after the other, each known later than the one before: bands of one instant, bands that follow, some of the past.
      const drafts = drawn.flatMap(({ draft, late }, index) => draft.slice(0, 3).filter((d) => d.event.type !== 'FactsRetracted')
        .map((d, n): Draft => ({ ...d, known: index * step + (late && n === 2 ? -4 : 0) })));
      const withdrawals = drafts.flatMap((_, n): readonly Draft[] => (n % 5 === 3 ? [retracted(n % 2 === 0 ? 'entered-in-error' : 'withdrawn', drawn.length * step + n, n, n - 1)] : []));
      expectExactChanges(factsOf([...drafts, ...withdrawals, ...drafts.slice(0, 2)]), definition);
    }), { numRuns: 300 });
  });

  it('does so over issues of random histories', () => {
    const issues: TimelineDefinition<Fact<IssueEvent | FactsRetracted>, IssueState, unknown> = {
      initial: initialIssueState, evolve: evolveIssue, isAssertion: isIssueStatusAssertion,
      view: (last, first) => ((last.registration ?? first.registration) === null ? null : { last: [last.state, last.planned, last.closedOn], first: [first.state, first.planned] }),
    };
    for (const seed of [1, 2, 3, 4]) {
      const byStream = Map.groupBy(randomHistory(seed, 250), (fact) => fact.streamId);
      // The name of a stream says what events it holds.
      for (const [id, facts] of byStream) if (id.startsWith('issue-')) expectExactChanges(facts as unknown as readonly Fact<IssueEvent | FactsRetracted>[], issues);
    }
  });

  it('folds an ordinary fact alone, however long the stream', () => {
    let calls = 0;
    const counting: TimelineDefinition<SaidFact, string, View> = {
      ...definition,
      evolve: (state, fact) => { calls += 1; return definition.evolve(state, fact).slice(-5); },
      view: (last, first) => { calls += 1; return definition.view(last, first); },
    };
    const stream = new StreamTimeline(counting);
    const facts = factsOf(Array.from({ length: 1_000 }, (_, n) => (n % 4 === 0 ? said('a', n, n - 3, n) : asserted('b', n, n))));
    for (const fact of facts) {
      calls = 0;
      stream.add(fact);
      expect(calls).toBeLessThanOrEqual(10);
    }
    // Three days back: what follows is folded again, no more.
    calls = 0;
    stream.add(factsOf([...facts.map((): Draft => said('a', 0, 0)), said('c', 2_000, 996)]).at(-1)!);
    expect(calls).toBeLessThanOrEqual(30);
  });
});
