import { leafBytes, type EventStore } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { completeSubtrees, GrowingTree, leafHash, type TreeHash } from '@rectrail/transparency';
import type { SealedLog } from './sealed-log.ts';

/** The leaf hashes of the log behind the first `after`, in pages, up to its head. */
export type LeavesOf = (after: number) => AsyncIterable<readonly TreeHash[]>;

export const leavesOfStore = (store: Pick<EventStore, 'identity' | 'readAll'>): LeavesOf => async function* (after) {
  const identity = await store.identity();
  for (let at = after; ;) {
    const { events } = await store.readAll({ after: position(at), contents: 'hashed' });
    if (events.length === 0) return;
    yield events.map((event) => leafHash(leafBytes(event, identity)));
    at += events.length;
  }
};

/** The tree as far as it is sealed, as it is kept. */
export const keptTree = async (sealed: SealedLog): Promise<GrowingTree> => {
  const size = await sealed.size();
  return new GrowingTree({ size, hashes: await sealed.hashes(size).read(completeSubtrees({ from: 0, to: size })) });
};

/** The tree of the first `size` leaves, of which more than are sealed: the rest comes from the log itself. @throws Error where the log ends before. */
export const keptTreeUpTo = async (size: number, sealed: SealedLog, leavesOf: LeavesOf): Promise<GrowingTree> => {
  const tree = await keptTree(sealed);
  for await (const leaves of leavesOf(tree.size)) {
    for (const leaf of leaves) if (tree.size < size) tree.append(leaf);
    if (tree.size >= size) break;
  }
  if (tree.size !== size) throw new Error(`the log has ${tree.size} events, expected ${size}`);
  return tree;
};
