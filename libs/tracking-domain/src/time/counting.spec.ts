import { describe, expect, it } from '@jest/globals';
import { day, lastInstantOf, position, streamVersion, undatedBetween, type Cut, type DomainEvent, type EventId, type Fact } from '@rectrail/kernel';
import fc from 'fast-check';
import type { FactsRetracted, RetractionKind } from '../retraction/retraction.events.ts';
import { eventIdOf, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { countingFacts, countingFactsByFirstDays, countingRetractions } from './counting.ts';

/**
 * Goal: what counts at a cut and in which order is what rules.md sections 2 and 4 say.
 * Method: hand-made streams for each rule; random ones for order, totality and retraction of retractions.
 */
type Marked = DomainEvent<'Marked' | 'Noted', { readonly n: number }> | FactsRetracted;

const marked = (n: number): Marked => ({ type: 'Marked', data: { n } });
const retracted = (kind: RetractionKind, ...numbers: readonly number[]): Marked =>
  ({ type: 'FactsRetracted', data: { eventIds: numbers.map(eventIdOf), reason: '更正', kind } });
const cut = (validAt: string, more: { readonly knownAt?: string; readonly atPosition?: number } = {}): Cut => ({
  validAt: day(validAt), knownAt: lastInstantOf('Asia/Shanghai', day(more.knownAt ?? '2030-01-01')), atPosition: position(more.atPosition ?? 1_000),
});
const ids = (facts: readonly Fact[]): readonly EventId[] => facts.map((f) => f.eventId);
const versions = (facts: readonly Fact[]): readonly number[] => facts.map((f) => f.streamVersion);
const isAssertion = (type: string): boolean => type === 'Marked';

describe('countingFacts', () => {
  it('counts a fact from its last day, its known time and its position on', () => {
    const facts = streamOf(fact('2026-02', marked(1), { known: '2026-03-05' }));
    expect(versions(countingFacts(facts, cut('2026-02-28')))).toEqual([1]);
    expect(countingFacts(facts, cut('2026-02-27'))).toEqual([]);
    expect(countingFacts(facts, cut('2026-02-28', { knownAt: '2026-03-04' }))).toEqual([]);
    expect(countingFacts(facts, cut('2026-02-28', { atPosition: 0 }))).toEqual([]);
  });

  it('cuts a fact without valid time by position alone and folds it first', () => {
    const facts = streamOf(fact('2026-01-01', marked(1)), fact(null, marked(2), { known: '2029-01-01' }));
    expect(versions(countingFacts(facts, cut('2026-01-01', { knownAt: '2026-01-01' })))).toEqual([2, 1]);
    expect(versions(countingFacts(facts, cut('0001-01-01')))).toEqual([2]);
    expect(versions(countingFacts(facts, cut('2026-01-01', { atPosition: 1 })))).toEqual([1]);
  });

  it('folds in the order of last days, and of the stream within a day', () => {
    const facts = streamOf(fact('2026-03', marked(1)), fact('2026-03-31', marked(2)), fact('2026-02-10', marked(3)), fact('2026-03-30', marked(4)));
    expect(versions(countingFacts(facts, cut('2026-12-31')))).toEqual([3, 4, 1, 2]);
  });

  it('leaves out what a retraction names: withdrawn from its known time, entered-in-error at any known time', () => {
    for (const kind of ['withdrawn', 'entered-in-error'] as const) {
      const facts = streamOf(fact('2026-01-10', marked(1)), fact(null, retracted(kind, 1), { known: '2026-05-01' }));
      expect(countingFacts(facts, cut('2026-06-01'))).toEqual([]);
      expect(countingFacts(facts, cut('2026-06-01', { knownAt: '2026-04-30' }))).toHaveLength(kind === 'withdrawn' ? 1 : 0);
      expect(countingFacts(facts, cut('2026-06-01', { atPosition: 1 }))).toHaveLength(1);
    }
  });

  it('lets the victims of a retraction that is itself retracted count again, and once more not', () => {
    const facts = streamOf(
      fact('2026-01-10', marked(1)),
      fact(null, retracted('entered-in-error', 1)),
      fact(null, retracted('entered-in-error', 2)),
      fact(null, retracted('entered-in-error', 3)),
    );
    const counting = [0, 1, 2, 3, 4].map((atPosition) => ids(countingFacts(facts, cut('2026-06-01', { atPosition }))).length);
    expect(counting).toEqual([0, 1, 0, 1, 0]);
  });

  it('names the retractions that count', () => {
    const facts = streamOf(fact('2026-01-10', marked(1)), fact(null, retracted('withdrawn', 1), { known: '2026-02-01' }), fact(null, retracted('entered-in-error', 2)));
    expect(versions(countingRetractions(facts, cut('2026-06-01')))).toEqual([3]);
    expect(versions(countingRetractions(facts, cut('2026-06-01', { atPosition: 2 })))).toEqual([2]);
    expect(versions(countingRetractions(facts, cut('2026-06-01', { atPosition: 2, knownAt: '2026-01-31' })))).toEqual([]);
  });
});

describe('countingFactsByFirstDays', () => {
  const undated = (n: number, first: string, last: string): GivenFact<Marked> => ({ ...fact<Marked>('2026-01-01', marked(n)), on: undatedBetween(day(first), day(last)) });

  it('takes a fact from its first day on', () => {
    const facts = streamOf(undated(1, '2026-01-01', '2026-04-29'));
    expect(versions(countingFactsByFirstDays(facts, cut('2026-01-01'), isAssertion))).toEqual([1]);
    expect(countingFactsByFirstDays(facts, cut('2025-12-31'), isAssertion)).toEqual([]);
  });

  it('never puts an assertion before the last day of the one before it, even where that lies after the cut', () => {
    const facts = streamOf(fact('2026-02-28', marked(1)), undated(2, '2026-01-01', '2026-04-29'), undated(3, '2026-01-01', '2026-04-29'));
    expect(versions(countingFactsByFirstDays(facts, cut('2026-02-27'), isAssertion))).toEqual([]);
    expect(versions(countingFactsByFirstDays(facts, cut('2026-02-28'), isAssertion))).toEqual([1, 2]);
    expect(versions(countingFactsByFirstDays(facts, cut('2026-04-29'), isAssertion))).toEqual([1, 2, 3]);
  });

  it('does not hold other events back, nor by them', () => {
    const noted: Marked = { type: 'Noted', data: { n: 0 } };
    const facts = streamOf(fact('2026-02-28', noted), undated(2, '2026-01-01', '2026-04-29'), { ...undated(3, '2026-01-01', '2026-05-01'), event: noted });
    expect(versions(countingFactsByFirstDays(facts, cut('2026-01-01'), isAssertion))).toEqual([2, 3]);
  });
});

describe('properties of counting', () => {
  const someDay = fc.integer({ min: 1, max: 28 }).map((n) => `2026-02-${String(n).padStart(2, '0')}`);
  const kinds = fc.constantFrom<RetractionKind>('withdrawn', 'entered-in-error');
  const names = fc.option(fc.record({ picks: fc.array(fc.nat(), { minLength: 1 }), kind: kinds }));
  const rows = fc.array(fc.record({ on: fc.option(someDay), known: someDay, names }), { maxLength: 20 });
  // A retraction names only what stands before it.
  const stream = rows.map((drawn) => streamOf(...drawn.map(({ on, known, names: named }, i) => (named === null || i === 0
    ? fact<Marked>(on, marked(i), { known })
    : fact<Marked>(null, retracted(named.kind, ...named.picks.map((pick) => 1 + (pick % i))), { known })))));
  const cuts = fc.record({ validAt: someDay, knownAt: someDay, atPosition: fc.integer({ min: 0, max: 20 }) }).map((c) => cut(c.validAt, c));

  it('does not depend on the order in which the facts are handed over', () => {
    fc.assert(fc.property(stream, cuts, (facts, at) => {
      expect(ids(countingFacts(facts.toReversed(), at))).toEqual(ids(countingFacts(facts, at)));
    }));
  });

  it('counts by last days only what counts by first days, where no assertion is held back', () => {
    fc.assert(fc.property(stream, cuts, (facts, at) => {
      const byFirst = new Set(ids(countingFactsByFirstDays(facts, at, () => false)));
      expect(ids(countingFacts(facts, at)).every((id) => byFirst.has(id))).toBe(true);
    }));
  });

  it('counts again exactly what counted before, once a retraction is itself retracted as an error', () => {
    fc.assert(fc.property(stream, cuts, fc.array(fc.nat(), { minLength: 1 }), (facts, at, picks) => {
      fc.pre(facts.length > 0);
      const next = facts.length + 1;
      const appended = streamOf(
        fact<Marked>(null, retracted('entered-in-error', ...picks.map((pick) => 1 + (pick % facts.length)))),
        fact<Marked>(null, retracted('entered-in-error', next)),
      ).map((f, i) => ({ ...f, eventId: eventIdOf(next + i), streamVersion: streamVersion(next + i), position: position(next + i) }));
      const atHead = { ...at, atPosition: position(next + 1) };
      expect(ids(countingFacts([...facts, ...appended], atHead))).toEqual(ids(countingFacts(facts, atHead)));
    }));
  });
});
