import { hash as digest } from 'node:crypto';

/** SHA-256, 32 bytes. */
export type TreeHash = Buffer;
export const treeHashBytes = 32;

/**
 * SHA-256 of a leaf or a node with its prefix before it. In one call: an object that is updated takes half as long again (measured over leaves of 230 bytes and over nodes). By
 * way of a text: the buffer that OpenSSL would fill has memory of its own, whose making and collection take twice as long as the hash.
 */
export const prefixedHash = (bytes: Uint8Array): TreeHash => Buffer.from(digest('sha256', bytes, 'binary'), 'latin1');

/** RFC 6962, 2.1: SHA-256(0x00 ‖ leaf). */
export const leafHash = (leaf: Uint8Array): TreeHash => {
  const bytes = Buffer.allocUnsafe(leaf.length + 1);
  bytes[0] = 0;
  bytes.set(leaf, 1);
  return prefixedHash(bytes);
};

/** Whether each has the length of one. */
export const areHashes = (hashes: readonly Uint8Array[]): boolean => hashes.every(({ length }) => length === treeHashBytes);

/** Filled and hashed in one go: a log has as many nodes as leaves. */
const node = Buffer.alloc(1 + 2 * treeHashBytes, 1);

/** RFC 6962, 2.1: SHA-256(0x01 ‖ left ‖ right). @throws RangeError unless both are hashes. */
export const nodeHash = (left: TreeHash, right: TreeHash): TreeHash => {
  if (left.length !== treeHashBytes || right.length !== treeHashBytes) throw new RangeError(`a hash of a tree has ${treeHashBytes} bytes`);
  node.set(left, 1);
  node.set(right, 1 + treeHashBytes);
  return prefixedHash(node);
};

/**
 * Of adjacent nodes, one after the other, the nodes above them; a last one without a neighbour is left out. Byte by byte and by way of a text: a tile has 255 such nodes, and
 * views and buffers made for each are garbage of which a server collects so much that one proof in twenty waits for it.
 */
export const nodesAbove = (hashes: Buffer): Buffer => {
  const above = Buffer.allocUnsafe(Math.floor(hashes.length / (2 * treeHashBytes)) * treeHashBytes);
  for (let at = 0; at < above.length; at += treeHashBytes) {
    for (let byte = 0; byte < 2 * treeHashBytes; byte += 1) node[1 + byte] = hashes[2 * at + byte] ?? 0;
    above.write(digest('sha256', node, 'binary'), at, 'latin1');
  }
  return above;
};

/** Of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot: TreeHash = prefixedHash(Buffer.of());

/** A complete subtree: that of the leaves [index · 2^level, (index + 1) · 2^level). These are kept; everything else of a tree follows from them. */
export interface TreeNode { readonly level: number; readonly index: number }
export interface HashedNode extends TreeNode { readonly hash: TreeHash }

/** Consecutive leaves, `from` included, `to` not. */
export interface LeafRange { readonly from: number; readonly to: number }

/** @throws RangeError unless it is an integer from 0 to 2^53 − 1. */
export const assertSize = (size: number, what = 'the size of a tree'): void => {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${what} must be an integer from 0 to 2^53 − 1, got ${size}`);
};

interface Power { readonly level: number; readonly count: number }

/** The largest count = 2^level that is at most `limit`, which is at least 1. Shifts would end at 2^31, logarithms are not exact. */
const powerWithin = (limit: number): Power => {
  let [level, count] = [0, 1];
  while (count * 2 <= limit) [level, count] = [level + 1, count * 2];
  return { level, count };
};

/** The largest power of two below `count`, which is at least 2: where RFC 6962 splits a tree. */
export const splitOf = (count: number): number => powerWithin(count - 1).count;

/** Whether a tree of so many leaves, at least 1, is a complete one. */
export const isComplete = (size: number): boolean => powerWithin(size).count === size;

/**
 * The complete subtrees whose hashes, folded from the right, make the hash of a range; from left to right, larger before smaller. The range begins where a
 * subtree of at least its length does, as those of trees and proofs do.
 */
export const completeSubtrees = ({ from, to }: LeafRange): readonly TreeNode[] => {
  const nodes: TreeNode[] = [];
  for (let at = from; at < to;) {
    const { level, count } = powerWithin(to - at);
    nodes.push({ level, index: at / count });
    at += count;
  }
  return nodes;
};

/** Of adjacent subtrees from left to right, each smaller than the one before it; there is at least one. */
export const foldFromRight = (hashes: readonly TreeHash[]): TreeHash => {
  const last = hashes.at(-1);
  if (last === undefined) throw new RangeError('no hashes to fold');
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
};

/** What must be kept of a tree to append to it and to tell its root: the hashes of `completeSubtrees` over all its leaves. At most 53. */
export interface Frontier { readonly size: number; readonly hashes: readonly TreeHash[] }

/** A tree that grows, of which only the right edge is kept. An append hashes once on average. */
export class GrowingTree {
  #size: number;
  readonly #edge: TreeHash[];

  /** @throws RangeError where the hashes are not as many as the size needs. */
  constructor({ size, hashes }: Frontier = { size: 0, hashes: [] }) {
    assertSize(size);
    const wanted = completeSubtrees({ from: 0, to: size }).length;
    if (hashes.length !== wanted || !areHashes(hashes)) throw new RangeError(`the edge of a tree of ${size} leaves has ${wanted} hashes of ${treeHashBytes} bytes`);
    this.#size = size;
    this.#edge = [...hashes];
  }

  get size(): number {
    return this.#size;
  }

  get frontier(): Frontier {
    return { size: this.#size, hashes: [...this.#edge] };
  }

  get root(): TreeHash {
    return this.#edge.length === 0 ? emptyRoot : foldFromRight(this.#edge);
  }

  /** Appends one leaf by its hash. Answers the subtrees that it completes, the leaf itself first, the largest last. */
  append(hash: TreeHash): readonly HashedNode[] {
    const completed: HashedNode[] = [{ level: 0, index: this.#size, hash }];
    let [level, index] = [0, this.#size];
    // Each trailing one of the size is a subtree on the edge that now gets its right half.
    while (index % 2 === 1) {
      const left = this.#edge.pop();
      const right = completed.at(-1)?.hash;
      if (left === undefined || right === undefined) throw new Error('the edge of the tree does not fit its size');
      [level, index] = [level + 1, (index - 1) / 2];
      completed.push({ level, index, hash: nodeHash(left, right) });
    }
    this.#edge.push(completed.at(-1)?.hash ?? hash);
    this.#size += 1;
    return completed;
  }
}
