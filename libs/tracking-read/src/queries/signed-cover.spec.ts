// Goal: a signed cover adds up to its owners, each once, whatever tree they come from.
// Method: random trees; the owners of one cut covered in the reference tree of a position; counting any weights below each organisation comes to the owners' own.
import { describe, expect, it } from '@jest/globals';
import { position, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { anyCut, anyTreeFacts, orgNames } from '../testing/random-trees.ts';
import { signedCover } from './signed-cover.ts';
import { TreeStream } from './tree-stream.ts';

const weights = new Map([...orgNames, 'nowhere' as OrgId].map((orgId, index) => [orgId, 2 ** index]));
const sumOf = (orgs: Iterable<OrgId>): number => [...orgs].reduce((sum, orgId) => sum + (weights.get(orgId) ?? 0), 0);

describe('signedCover', () => {
  it('counts every owner once', () => {
    let negative = 0;
    fc.assert(fc.property(anyTreeFacts, anyCut, anyCut, fc.subarray([...weights.keys()]), (facts, cut, now, some) => {
      const stream = new TreeStream();
      facts.forEach((fact) => { stream.add(fact); });
      const reference = stream.treeAt({ ...now, atPosition: position(1_000) });
      for (const owners of [new Set(some), ...orgNames.map((orgId) => stream.treeAt(cut).members(orgId))]) {
        const cover = signedCover(reference, owners);
        const counted = cover.reduce((sum, { orgId, sign }) => sum + sign * sumOf(reference.members(orgId)), 0);
        expect(counted).toBe(sumOf(owners));
        expect(new Set(cover.map(({ orgId }) => orgId)).size).toBe(cover.length);
        negative += cover.filter(({ sign }) => sign < 0).length;
      }
    }), { numRuns: 1_000 });
    expect(negative).toBeGreaterThan(100);
  });

  it('is the organisation alone where its part of the tree has not changed', () => {
    fc.assert(fc.property(anyTreeFacts, anyCut, (facts, cut) => {
      const stream = new TreeStream();
      facts.forEach((fact) => { stream.add(fact); });
      const tree = stream.treeAt(cut);
      for (const orgId of tree.orgs.keys()) expect(signedCover(tree, tree.members(orgId))).toEqual([{ orgId, sign: 1 }]);
    }));
  });
});
