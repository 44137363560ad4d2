// Goal: random histories are what they promise, so that properties over them mean something.
// Method: many seeds; gap-free positions, times in order, retractions only of earlier facts of the same stream, the same again for the same seed.
import { describe, expect, it } from '@jest/globals';
import { trackingEventDefinitions } from '../wire/tracking-definitions.ts';
import { asNewFacts, randomCut, randomHistory } from './index.ts';

const seeds = Array.from({ length: 30 }, (_, n) => n);

describe('random histories', () => {
  it('are the same for the same seed, and differ between seeds', () => {
    expect(randomHistory(7, 120)).toEqual(randomHistory(7, 120));
    expect(randomHistory(7, 120)).not.toEqual(randomHistory(8, 120));
  });

  it('have positions and versions without gaps, and times in order', () => {
    for (const seed of seeds) {
      const history = randomHistory(seed, 150);
      expect(history.length).toBeGreaterThanOrEqual(150);
      expect(history.map((f) => f.position)).toEqual(history.map((_, n) => n + 1));
      for (const [n, f] of history.entries()) {
        expect(f.recordedAt >= history[Math.max(0, n - 1)]!.recordedAt).toBe(true);
        expect(f.knownTime <= f.recordedAt).toBe(true);
        expect(f.streamVersion).toBe(history.slice(0, n + 1).filter((g) => g.streamId === f.streamId).length);
      }
    }
  });

  it('retract only earlier facts of the same stream, and retractions only as entered in error', () => {
    let ofRetractions = 0;
    for (const seed of seeds) {
      const history = randomHistory(seed, 200);
      const byId = new Map(history.map((f) => [f.eventId, f]));
      const named = history.flatMap((by) => {
        if (by.event.type !== 'FactsRetracted') return [];
        const { kind, eventIds } = by.event.data;
        return eventIds.map((id) => ({ by, kind, victim: byId.get(id)! }));
      });
      for (const { by, kind, victim } of named) {
        expect(victim.streamId).toBe(by.streamId);
        expect(victim.position).toBeLessThan(by.position);
        if (victim.event.type === 'FactsRetracted') expect(kind).toBe('entered-in-error');
      }
      ofRetractions += named.filter(({ victim }) => victim.event.type === 'FactsRetracted').length;
    }
    expect(ofRetractions).toBeGreaterThan(0);
  });

  it('come out of a store in the same places when appended again', () => {
    const history = randomHistory(3, 200);
    const again = asNewFacts(history).flatMap((append) => append.entries.flatMap((entry) => entry.facts));
    expect(again.map((f) => f.eventId)).toEqual(history.map((f) => f.eventId));
  });

  it('obey the schemas of the wire, so that a real store takes them', () => {
    const schemas = new Map(trackingEventDefinitions.map(({ type, schema }) => [type, schema]));
    for (const { event } of seeds.flatMap((seed) => randomHistory(seed, 150))) {
      expect([event.type, schemas.get(event.type)?.safeParse(event.data)]).toEqual([event.type, expect.objectContaining({ success: true })]);
    }
  });

  it('have cuts on both sides of everything', () => {
    const history = randomHistory(1, 200);
    const cuts = seeds.map((seed) => randomCut(seed, history));
    expect(cuts.some((cut) => cut.atPosition < history.length)).toBe(true);
    expect(cuts.some((cut) => cut.validAt > cut.knownAt.slice(0, 10))).toBe(true);
    expect(cuts.some((cut) => cut.validAt < cut.knownAt.slice(0, 10))).toBe(true);
  });
});
