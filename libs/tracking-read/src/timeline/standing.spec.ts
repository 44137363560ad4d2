// Goal: what stands of a stream, kept fact by fact, is what the closed form says of the whole stream.
// Method: random histories with retractions of both kinds and of retractions, compared after every fact.
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@rectrail/kernel';
import { randomHistory } from '@rectrail/tracking-domain/testing';
import { StandingHistory, standings, type Standing } from './standing.ts';

const keyOf = ({ fact, validFrom, knownFrom, knownTo }: Standing): string => `${fact.streamVersion} ${validFrom} ${knownFrom} ${knownTo}`;

describe('StandingHistory', () => {
  it('closes and opens what the closed form of the stream differs by', () => {
    let [retractions, reopened] = [0, 0];
    for (const facts of [1, 2, 3, 4, 5, 6].flatMap((seed) => [...Map.groupBy<string, Fact>(randomHistory(seed, 300), (fact) => fact.streamId).values()])) {
      const history = new StandingHistory<Fact>();
      const standing = new Set<string>();
      for (const [index, fact] of facts.entries()) {
        const { closed, opened } = history.add(fact);
        expect(closed.every((one) => standing.delete(keyOf(one)))).toBe(true);
        opened.forEach((one) => standing.add(keyOf(one)));
        expect([...standing].sort()).toEqual(standings(facts.slice(0, index + 1)).map(keyOf).sort());
        const retracts = fact.event.type === 'FactsRetracted';
        retractions += retracts ? 1 : 0;
        reopened += retracts && opened.some((one) => one.knownTo === 'infinity') ? 1 : 0;
      }
    }
    expect(Math.min(retractions, reopened)).toBeGreaterThan(5);
  });
});
