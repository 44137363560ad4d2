// Goal: trees, policies and calendars kept in memory are at every cut what the domain folds from the facts that count there.
// Method: random streams full of clashes (few organisations, out of order, both retractions, of registrations too), handed over in parts; cuts in all three times.
import { describe, expect, it } from '@jest/globals';
import { addDays, day, instantOfMs, position, type Cut, type Fact, type OrgId, type Position } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import {
  administrativeTreeId, calendarAt, countingFacts, policyAt, streams, treeAt,
  type FactsRetracted, type OrganisationTreeEvent, type OrgTree, type PolicyEvent, type TrackingEvent, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import fc from 'fast-check';
import { anyCut, anyTreeFacts, orgNames } from '../testing/random-trees.ts';
import { ReferenceData } from './reference-data.ts';
import { among } from './tree-at-cut.ts';

type TrackingFact = Fact<TrackingEvent>;
type FactOf<E extends TrackingEvent> = Fact<E | FactsRetracted>;

/** Hands over what a read of the events would find. */
const readingFrom = (facts: readonly TrackingFact[]): Transaction => {
  const query = (_sql: string, [after, upTo]: [number, number]): Promise<unknown> =>
    Promise.resolve(facts.filter((f) => f.position > after && f.position <= upTo).map((fact) => ({ fact })));
  // Only what a refresh asks of a transaction.
  return { query } as unknown as Transaction;
};

const described = (tree: OrgTree, ids: readonly OrgId[]): unknown => ({
  tree: tree.tree, orgs: [...tree.orgs], size: tree.orgs.size, roots: tree.roots, leftOut: tree.leftOut,
  children: ids.map((id) => tree.children(id)), subtrees: ids.map((id) => tree.subtree(id)), nodes: ids.map((id) => [tree.orgs.has(id), tree.orgs.get(id)]),
  within: ids.map((id) => ids.map((ancestor) => tree.isWithin(id, ancestor))), codes: ['A', 'B', 'C', 'D', 'none'].map((code) => tree.byCode(code)),
});

describe('a tree kept in memory', () => {
  it('is at every cut the tree of the facts that count there, also after more has come', async () => {
    let leftOut = 0;
    await fc.assert(fc.asyncProperty(anyTreeFacts, fc.array(anyCut, { minLength: 1, maxLength: 6 }), fc.nat(40), async (facts, cuts, first) => {
      const reference = new ReferenceData();
      for (const upTo of [first, first + 20, 1_000]) {
        await reference.refresh(readingFrom(facts), position(upTo));
        const known = facts.filter((fact) => fact.position <= upTo);
        for (const cut of cuts) {
          const expected = treeAt(countingFacts(known, cut));
          leftOut += expected.leftOut.length;
          expect(described(reference.administrativeTree(cut), orgNames)).toEqual(described(expected, orgNames));
        }
      }
    }), { numRuns: 400 });
    expect(leftOut).toBeGreaterThan(100);
  });

  it('is not mistaken for another when what comes later was known in between', async () => {
    await fc.assert(fc.asyncProperty(anyTreeFacts, fc.nat(30), fc.array(anyCut, { minLength: 4, maxLength: 8, size: 'max' }), async (facts, at, cuts) => {
      const reference = new ReferenceData();
      for (const upTo of [2 * at, 1_000]) {
        await reference.refresh(readingFrom(facts), position(upTo));
        for (const cut of cuts.map((drawn) => ({ ...drawn, atPosition: position(2 * at) }))) {
          expect([...reference.administrativeTree(cut).orgs]).toEqual([...treeAt(countingFacts(facts, cut)).orgs]);
        }
      }
    }), { numRuns: 300 });
  });

  it('has along a row of cuts the members that it has at each, the same set where they stay', async () => {
    let [changed, stayed] = [0, 0];
    const days = fc.uniqueArray(fc.integer({ min: -1, max: 10 }), { minLength: 1, maxLength: 12, size: 'max' }).map((all) => all.toSorted((a, b) => a - b));
    await fc.assert(fc.asyncProperty(anyTreeFacts, days, fc.integer({ min: 0, max: 62 }), fc.constantFrom('both', 'valid', 'known'), async (facts, along, at, moving) => {
      const reference = new ReferenceData();
      await reference.refresh(readingFrom(facts), position(1_000));
      const cuts = along.map((n): Cut => ({
        atPosition: position(at), knownAt: instantOfMs(1_700_000_000_000 + (moving === 'valid' ? 5 : n)), validAt: addDays(day('2024-01-01'), moving === 'known' ? 5 : n),
      })) as [Cut, ...Cut[]];
      for (const org of orgNames) {
        const members = reference.membersAlong(administrativeTreeId, org, cuts);
        const expected = cuts.map((cut) => [...reference.administrativeTree(cut).members(org)].sort());
        expect(members.map((set) => [...set].sort())).toEqual(expected);
        for (let i = 1; i < cuts.length; i += 1) {
          const isSame = JSON.stringify(expected[i]) === JSON.stringify(expected[i - 1]);
          expect(members[i] === members[i - 1]).toBe(isSame);
          if (isSame) stayed += 1; else changed += 1;
        }
      }
    }), { numRuns: 500 });
    expect(Math.min(changed, stayed)).toBeGreaterThan(30);
  });

  it('keeps its meaning while the stream goes on', async () => {
    await fc.assert(fc.asyncProperty(anyTreeFacts, anyCut, async (facts, cut) => {
      const reference = new ReferenceData();
      await reference.refresh(readingFrom(facts), position(20));
      const tree = reference.administrativeTree(cut);
      const before = described(tree, orgNames);
      await reference.refresh(readingFrom(facts), position(1_000));
      reference.administrativeTree(cut);
      expect(described(tree, orgNames)).toEqual(before);
    }));
  });

  it('is kept from the second time on that it is asked for: what is let go at once costs the collector nothing', async () => {
    const reference = new ReferenceData();
    const history = randomHistory(15, 200);
    await reference.refresh(readingFrom(history), position(history.length));
    const cut = { ...randomCut(1, history), atPosition: position(history.length) };
    const [first, second, third] = [1, 2, 3].map(() => reference.administrativeTree(cut));
    expect([second === first, third === second]).toEqual([false, true]);
  });

  it('gives an organisation and all below it as a set', async () => {
    await fc.assert(fc.asyncProperty(anyTreeFacts, anyCut, anyCut, async (facts, cut, other) => {
      const reference = new ReferenceData();
      await reference.refresh(readingFrom(facts), position(1_000));
      const [tree, otherTree] = [reference.administrativeTree(cut), reference.administrativeTree(other)];
      for (const orgId of orgNames) {
        const members = tree.members(orgId);
        const expected = new Set([orgId, ...tree.subtree(orgId)]);
        expect([[...members], [...members.keys()], members.size, orgNames.filter((id) => members.has(id))]).toEqual(
          [[...expected], [...expected], expected.size, orgNames.filter((id) => expected.has(id))]);
        for (const others of [otherTree.members('a' as OrgId), new Set<OrgId>(['b' as OrgId, 'c' as OrgId, 'nowhere' as OrgId])]) {
          expect([...among(members, others)]).toEqual([...expected].filter((id) => others.has(id)));
        }
      }
    }), { numRuns: 300 });
  });

  it('has everything recorded, known and on the last of days where roll-ups are kept', async () => {
    await fc.assert(fc.asyncProperty(anyTreeFacts, fc.nat(60), async (facts, at) => {
      const reference = new ReferenceData();
      await reference.refresh(readingFrom(facts), position(1_000));
      const last: Cut = { atPosition: position(at), knownAt: instantOfMs(Date.UTC(9999, 0)), validAt: day('9999-12-31') };
      expect(described(reference.referenceTree(position(at)), orgNames)).toEqual(described(treeAt(countingFacts(facts, last)), orgNames));
    }), { numRuns: 200 });
  });

  it('is empty where nothing was recorded', () => {
    const tree = new ReferenceData().referenceTree(position(0));
    expect([tree.tree, tree.orgs.size, tree.roots, tree.subtree('a' as OrgId)]).toEqual([null, 0, [], []]);
  });
});

describe('reference data of random histories', () => {
  it('are at every cut what the domain folds, whatever was asked for before', async () => {
    for (const seed of [11, 12, 13]) {
      const history = randomHistory(seed, 500);
      const reference = new ReferenceData();
      await reference.refresh(readingFrom(history), position(history.length));
      // The name of a stream says what events it holds.
      const at = <E extends TrackingEvent>(streamId: string, cut: Cut): readonly FactOf<E>[] =>
        countingFacts(history.filter((f) => f.streamId === streamId), cut) as unknown as readonly FactOf<E>[];
      const orgIds = [...new Set(history.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])))];
      for (let n = 0; n < 60; n += 1) {
        const cut = randomCut(seed * 1_000 + n, history);
        for (const { treeId } of reference.trees(cut.atPosition)) {
          expect(described(reference.tree(treeId, cut), orgIds)).toEqual(described(treeAt(at<OrganisationTreeEvent>(streams.organisationTree(treeId), cut)), orgIds));
        }
        for (const orgId of orgIds) expect(reference.ownPolicy(orgId, cut)).toEqual(policyAt(at<PolicyEvent>(streams.policy(orgId), cut))?.content ?? null);
        const policy = policyAt(at<PolicyEvent>(streams.defaultPolicy, cut))?.content;
        if (policy !== undefined) expect(reference.defaultPolicy(cut)).toEqual(policy);
        expect(reference.calendar(cut)).toEqual(calendarAt(at<WorkingCalendarEvent>(streams.workingCalendar, cut)));
      }
    }
  });

  it('names the versions of the trees, and the facts of a stream, at a position', async () => {
    const history = randomHistory(14, 200);
    const reference = new ReferenceData();
    await reference.refresh(readingFrom(history), position(history.length));
    for (const at of [0, 1, 5, 20, 100, 200] as Position[]) {
      const facts = history.filter((f) => f.streamId === streams.organisationTree(administrativeTreeId) && f.position <= at);
      expect(reference.trees(at).find(({ treeId }) => treeId === administrativeTreeId)?.version ?? 0).toBe(facts.length);
      expect(reference.facts(streams.organisationTree(administrativeTreeId), at)).toEqual(facts);
    }
  });
});
