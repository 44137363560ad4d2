import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { completeSubtrees, emptyRoot, GrowingTree, leafHash, nodeHash, nodesAbove, type HashedNode, type TreeHash } from './merkle-tree.ts';
import { consistencyProof, inclusionProof, rootOf, verifiesConsistency, verifiesInclusion, type TreeHashes } from './proofs.ts';

// Goal: tree and proofs are those of RFC 6962, at any size. Method: the published vectors of Certificate Transparency's reference tree; RFC 6962's own recursion, written out, as
// the oracle for random trees; every proof is broken in every way that a wrong one could differ.
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** RFC 6962, 2.1, word for word. */
const mth = (leaves: readonly Buffer[]): TreeHash => {
  if (leaves.length === 0) return emptyRoot;
  if (leaves.length === 1) return leafHash(leaves[0]!);
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
};
const pathOf = (m: number, leaves: readonly Buffer[]): readonly TreeHash[] => {
  if (leaves.length <= 1) return [];
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return m < k ? [...pathOf(m, leaves.slice(0, k)), mth(leaves.slice(k))] : [...pathOf(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
};
const subproof = (m: number, leaves: readonly Buffer[], isWhole: boolean): readonly TreeHash[] => {
  if (m === leaves.length) return isWhole ? [] : [mth(leaves)];
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return m <= k ? [...subproof(m, leaves.slice(0, k), isWhole), mth(leaves.slice(k))] : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
};

class KeptNodes implements TreeHashes {
  readonly #kept = new Map<string, TreeHash>();
  reads = 0;

  keep(nodes: readonly HashedNode[]): void {
    for (const { level, index, hash } of nodes) {
      const key = `${level} ${index}`;
      if (this.#kept.has(key)) throw new Error(`the node ${key} was completed twice`);
      this.#kept.set(key, hash);
    }
  }

  get size(): number {
    return this.#kept.size;
  }

  read(nodes: readonly { readonly level: number; readonly index: number }[]): Promise<readonly TreeHash[]> {
    this.reads += nodes.length;
    return Promise.resolve(nodes.map(({ level, index }) => {
      const hash = this.#kept.get(`${level} ${index}`);
      if (hash === undefined) throw new Error(`there is no node ${level} ${index}`);
      return hash;
    }));
  }
}

const grown = (leaves: readonly Buffer[]): { readonly tree: GrowingTree; readonly kept: KeptNodes } => {
  const [tree, kept] = [new GrowingTree(), new KeptNodes()];
  for (const leaf of leaves) kept.keep(tree.append(leafHash(leaf)));
  return { tree, kept };
};
const numbered = (count: number): readonly Buffer[] => Array.from({ length: count }, (_, n) => Buffer.from(`leaf ${n}`));

describe('the nodes above adjacent ones', () => {
  it('are those of the pairs; a last one without a neighbour has none', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 9 }), (hashes) => {
      const nodes = hashes.map((hash) => Buffer.from(hash));
      const pairs = nodes.flatMap((left, i) => (i % 2 === 0 && i + 1 < nodes.length ? [nodeHash(left, nodes[i + 1]!)] : []));
      expect(nodesAbove(Buffer.concat(nodes))).toEqual(Buffer.concat(pairs));
    }));
  });
});

describe('the reference tree of Certificate Transparency', () => {
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(hex);
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const [left, pair, half, fourth, right] = [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4', 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  ] as const;

  it('has the published roots', () => {
    expect(roots.map((_, size) => grown(leaves.slice(0, size)).tree.root.toString('hex'))).toEqual(roots);
  });

  it.each([
    [0, 1, []], [0, 8, [left, pair, half]], [5, 8, [fourth, right, roots[4]]], [2, 3, [roots[2]]], [1, 5, [roots[1], pair, fourth]],
  ])('has the published proof of leaf %d in %d', async (index, size, proof) => {
    expect((await inclusionProof({ index, size }, grown(leaves).kept)).map((hash) => hash.toString('hex'))).toEqual(proof);
  });

  it.each([
    [1, 1, []], [1, 8, [left, pair, half]], [6, 8, ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', right, roots[4]]], [2, 5, [pair, fourth]],
  ])('has the published proof that %d goes on in %d', async (first, second, proof) => {
    expect((await consistencyProof({ first, second }, grown(leaves).kept)).map((hash) => hash.toString('hex'))).toEqual(proof);
  });
});

const other = leafHash(Buffer.from('another'));
/** Cut at either end, and with another hash, or none, in one place. */
const spoilt = (proof: readonly TreeHash[], at: number): readonly (readonly TreeHash[])[] =>
  (proof.length === 0 ? [] : [proof.slice(1), proof.slice(0, -1), proof.with(at % proof.length, other), proof.with(at % proof.length, Buffer.alloc(33))]);

describe('a tree', () => {
  const sizes = fc.integer({ min: 0, max: 130 });

  it('grows to the root of RFC 6962, keeps each complete subtree once, and goes on from its edge', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 80 }), fc.nat(80), (bytes, at) => {
      const leaves = bytes.map((one) => Buffer.from(one));
      const { tree, kept } = grown(leaves);
      expect(tree.root).toEqual(mth(leaves));
      expect(kept.size).toBe(leaves.map((_, n) => completeSubtrees({ from: 0, to: n + 1 }).at(-1)!.level + 1).reduce((sum, n) => sum + n, 0));
      const before = new GrowingTree(grown(leaves.slice(0, at)).tree.frontier);
      for (const leaf of leaves.slice(at)) before.append(leafHash(leaf));
      expect(before.frontier).toEqual(tree.frontier);
    }));
  });

  it('proves every leaf as RFC 6962 does, with few reads, and nothing else passes', async () => {
    await fc.assert(fc.asyncProperty(sizes.filter((size) => size > 0), fc.nat(), fc.nat(), async (size, seed, at) => {
      const leaves = numbered(size);
      const { tree, kept } = grown(leaves);
      const index = seed % size;
      const proof = await inclusionProof({ index, size }, kept);
      expect(kept.reads).toBeLessThanOrEqual((Math.log2(size) + 1) ** 2);
      expect(proof).toEqual(pathOf(index, leaves));
      const claim = { leafHash: leafHash(leaves[index]!), index, size, root: tree.root, proof };
      expect(verifiesInclusion(claim)).toBe(true);
      for (const wrong of [
        { ...claim, leafHash: other }, { ...claim, root: other }, { ...claim, proof: [...proof, other] }, { ...claim, leafHash: Buffer.of() },
        { ...claim, index: size }, { ...claim, index: -1 }, { ...claim, index: index + 0.5 },
        ...spoilt(proof, at).map((changed) => ({ ...claim, proof: changed })),
        ...(size > 1 ? [{ ...claim, index: (index + 1) % size }] : []),
      ]) expect(verifiesInclusion(wrong)).toBe(false);
    }));
  });

  it('proves that it goes on from each earlier one as RFC 6962 does, and nothing else passes', async () => {
    await fc.assert(fc.asyncProperty(sizes, sizes, fc.nat(), async (a, b, at) => {
      const [first, second] = a <= b ? [a, b] : [b, a];
      const leaves = numbered(second);
      const { kept } = grown(leaves);
      const proof = await consistencyProof({ first, second }, kept);
      expect(proof).toEqual(first === 0 ? [] : subproof(first, leaves, true));
      const claim = { first, second, firstRoot: await rootOf(first, kept), secondRoot: await rootOf(second, kept), proof };
      expect(claim.firstRoot).toEqual(mth(leaves.slice(0, first)));
      expect(verifiesConsistency(claim)).toBe(true);
      for (const wrong of [
        { ...claim, firstRoot: other }, { ...claim, proof: [...proof, other] }, { ...claim, first: second + 1 }, { ...claim, first: -1 },
        // Every tree goes on from the empty one: that says nothing of the second root.
        ...(first > 0 || second === 0 ? [{ ...claim, secondRoot: other }] : []),
        ...spoilt(proof, at).map((changed) => ({ ...claim, proof: changed })),
      ]) expect(verifiesConsistency(wrong)).toBe(false);
    }));
  });

  it('splits trees of any size that a log can have', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (size) => {
      const nodes = completeSubtrees({ from: 0, to: size });
      expect(nodes.reduce((sum, { level }) => sum + 2n ** BigInt(level), 0n)).toBe(BigInt(size));
      expect(nodes.length).toBeLessThanOrEqual(53);
      const leavesBefore = (n: number): bigint => nodes.slice(0, n).reduce((sum, { level }) => sum + 2n ** BigInt(level), 0n);
      expect(nodes.map(({ level, index }) => BigInt(index) * 2n ** BigInt(level))).toEqual(nodes.map((_, n) => leavesBefore(n)));
    }));
  });

  it('refuses an edge that is not its own, and leaves that it has not', async () => {
    expect(() => new GrowingTree({ size: 3, hashes: [leafHash(hex(''))] })).toThrow(RangeError);
    expect(() => new GrowingTree({ size: 1, hashes: [Buffer.alloc(31)] })).toThrow(RangeError);
    expect(() => new GrowingTree({ size: -1, hashes: [] })).toThrow(RangeError);
    await expect(inclusionProof({ index: 3, size: 3 }, new KeptNodes())).rejects.toThrow(RangeError);
    await expect(consistencyProof({ first: 4, second: 3 }, new KeptNodes())).rejects.toThrow(RangeError);
  });
});
