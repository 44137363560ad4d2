import { areHashes, assertSize, completeSubtrees, emptyRoot, foldFromRight, isComplete, nodeHash, splitOf, type LeafRange, type TreeHash, type TreeNode } from './merkle-tree.ts';

/** Where the hashes of complete subtrees are kept. */
export interface TreeHashes {
  /** In the order asked. @throws where one is not there. */
  read(nodes: readonly TreeNode[]): Promise<readonly TreeHash[]>;
}

/** The ranges of RFC 6962's PATH(index, D[size]), from the leaf's sibling up. */
const inclusionRanges = (index: number, size: number): readonly LeafRange[] => {
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  return ranges;
};

/** The ranges of RFC 6962's PROOF(first, D[second]), 0 < first < second. */
const consistencyRanges = (first: number, second: number): readonly LeafRange[] => {
  const ranges: LeafRange[] = [];
  let [from, to] = [0, second];
  while (to !== first) {
    const middle = from + splitOf(to - from);
    if (first <= middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  // The whole of the first tree is known to whoever checks.
  return from === 0 ? ranges : [{ from, to }, ...ranges];
};

/** One read for all: at most some hundred nodes, O(log² size). */
const hashesOf = async (ranges: readonly LeafRange[], hashes: TreeHashes): Promise<readonly TreeHash[]> => {
  const parts = ranges.map(completeSubtrees);
  const read = await hashes.read(parts.flat());
  let at = 0;
  return parts.map(({ length }) => foldFromRight(read.slice(at, at += length)));
};

/** Of the first `size` leaves. */
export const rootOf = async (size: number, hashes: TreeHashes): Promise<TreeHash> => {
  assertSize(size);
  if (size === 0) return emptyRoot;
  const [root = emptyRoot] = await hashesOf([{ from: 0, to: size }], hashes);
  return root;
};

/** RFC 6962, 2.1.1. @throws RangeError unless 0 ≤ index < size. */
export const inclusionProof = async ({ index, size }: { readonly index: number; readonly size: number }, hashes: TreeHashes): Promise<readonly TreeHash[]> => {
  assertSize(size);
  assertSize(index, 'the index of a leaf');
  if (index >= size) throw new RangeError(`a tree of ${size} leaves has none with index ${index}`);
  return hashesOf(inclusionRanges(index, size), hashes);
};

/** RFC 6962, 2.1.2; empty where one of the trees is empty or both are the same. @throws RangeError unless first ≤ second. */
export const consistencyProof = async ({ first, second }: { readonly first: number; readonly second: number }, hashes: TreeHashes): Promise<readonly TreeHash[]> => {
  assertSize(first);
  assertSize(second);
  if (first > second) throw new RangeError(`a tree of ${second} leaves does not go on from one of ${first}`);
  return first === 0 || first === second ? [] : hashesOf(consistencyRanges(first, second), hashes);
};

export interface InclusionClaim {
  readonly leafHash: TreeHash;
  readonly index: number;
  readonly size: number;
  readonly root: TreeHash;
  readonly proof: readonly TreeHash[];
}

/** What comes from outside may be anything. */
const isRange = (from: number, to: number): boolean => Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to;

const half = (n: number): number => Math.floor(n / 2);

/** RFC 9162, 2.1.3.2. */
export const verifiesInclusion = ({ leafHash, index, size, root, proof }: InclusionClaim): boolean => {
  if (!isRange(index, size) || index === size || !areHashes([leafHash, root, ...proof])) return false;
  let [node, last, hash] = [index, size - 1, leafHash];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
};

export interface ConsistencyClaim {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: TreeHash;
  readonly secondRoot: TreeHash;
  readonly proof: readonly TreeHash[];
}

/** The roots of both trees as a proof makes them. */
const rootsOf = ({ first, second, proof: [start, ...rest] }: ConsistencyClaim): readonly [TreeHash, TreeHash] | null => {
  if (start === undefined) return null;
  let [node, last, firstHash, secondHash] = [first - 1, second - 1, start, start];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  for (const sibling of rest) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      [firstHash, secondHash] = [nodeHash(sibling, firstHash), nodeHash(sibling, secondHash)];
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else secondHash = nodeHash(secondHash, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? [firstHash, secondHash] : null;
};

/** RFC 9162, 2.1.4.2. An empty first tree goes on in every other one. */
export const verifiesConsistency = (claim: ConsistencyClaim): boolean => {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!isRange(first, second) || !areHashes([firstRoot, secondRoot, ...proof])) return false;
  if (first === 0 && !firstRoot.equals(emptyRoot)) return false;
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0 || proof.length === 0) return first === 0 && proof.length === 0;
  const roots = rootsOf(isComplete(first) ? { ...claim, proof: [firstRoot, ...proof] } : claim);
  return roots !== null && roots[0].equals(firstRoot) && roots[1].equals(secondRoot);
};
