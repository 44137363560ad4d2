import { setTimeout as sleep } from 'node:timers/promises';
import { leafBytes, type EventStore, type LogIdentity, type StoredEvent } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { moveCheckpoint, type HeldLease, type Leadership } from '@rectrail/platform';
import { leafHash, rootOf, signCheckpoint, type GrowingTree, type NoteSigner } from '@rectrail/transparency';
import { keptTree } from './kept-tree.ts';
import { originOf } from './log-key.ts';
import { keepCheckpoint, keptSize, TileGrowth, type SealedLog } from './sealed-log.ts';

export const sealerName = 'transparency';

export interface SealerOptions {
  readonly store: Pick<EventStore, 'identity' | 'head' | 'readAll'>;
  readonly sealed: SealedLog;
  readonly leadership: Pick<Leadership, 'lead'>;
  /** Keys of the log: two while one follows the other. */
  readonly signers: readonly NoteSigner[];
  readonly onFailure: (error: unknown) => void;
  /** Tells others of a signed head that is kept; it does not reject. Default: nobody is told. */
  readonly publish?: (note: string) => Promise<void>;
  /** Between two seals while few events come, and between two signatures however many come, ms; half as long passes between two looks at a log that stands still. Default 500. */
  readonly sealEveryMs?: number;
  /** Of the lease, ms; default that of `Leadership`. */
  readonly ttlMs?: number;
}

const leavesOfPage = 1_000;
/** Gathered before they are written, at most: a third of a megabyte of hashes, read anew after a crash. */
const leavesOfSealMax = 10_000;

const resting = async (ms: number, signal: AbortSignal): Promise<void> => {
  // All that it rejects with is the abort.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/** The tree as it is kept, checked against what was signed of it last. @throws Error where it is not what was signed. */
const checkedTree = async (sealed: SealedLog): Promise<GrowingTree> => {
  const size = await sealed.size();
  const signed = await sealed.checkpoint();
  if (signed !== null && (signed.size > size || !(await rootOf(signed.size, sealed.hashes(size))).equals(signed.root))) {
    throw new Error(`the stored tree of the log is not the one of ${signed.size} leaves that was signed: nothing more is sealed. Potential solutions: docs/how-to/check-the-log.md`);
  }
  return keptTree(sealed);
};

/** The work of one term: pages of events are gathered into a transaction of tiles, checkpoint of the follower and, when it is due, a signed head. */
class Sealing {
  readonly #lease: HeldLease;
  readonly #identity: LogIdentity;
  readonly #signers: readonly NoteSigner[];
  readonly #tree: GrowingTree;
  readonly #publish: NonNullable<SealerOptions['publish']>;
  readonly #everyMs: number;
  /** Behind the tiles that are written. */
  #growth = new TileGrowth();
  #signedAt = -Infinity;

  constructor(lease: HeldLease, identity: LogIdentity, tree: GrowingTree, { signers, publish = () => Promise.resolve(), sealEveryMs = 500 }: SealerOptions) {
    [this.#lease, this.#identity, this.#tree, this.#signers, this.#publish, this.#everyMs] = [lease, identity, tree, signers, publish, sealEveryMs];
  }

  /** The head as it stands, which a crash or a new epoch may have left unsigned. */
  async begin(): Promise<void> {
    if (this.#tree.size > 0) await this.#seal(true);
  }

  /** By the clock: a process that seals alone need not be woken by appends, of which there are thousands a second under load. */
  async follow(store: SealerOptions['store']): Promise<void> {
    const { signal } = this.#lease;
    while (!signal.aborted) {
      const { events } = await store.readAll({ after: position(this.#tree.size), limit: leavesOfPage, contents: 'hashed' });
      for (const event of events) this.#append(event);
      // Behind: no pause, and few transactions. What is not written or not signed then is followed by something that will be.
      const isBehind = events.length >= leavesOfPage / 2 && (await store.head()).position > this.#tree.size;
      const isDue = !isBehind || performance.now() - this.#signedAt >= this.#everyMs;
      if (events.length > 0 && (isDue || this.#growth.leaves >= leavesOfSealMax)) await this.#seal(isDue);
      if (!isBehind) await resting(events.length === 0 ? this.#everyMs / 2 : this.#everyMs, signal);
    }
  }

  #append(event: StoredEvent): void {
    if (event.position !== this.#tree.size + 1) throw new Error(`the event at ${event.position} cannot be leaf ${this.#tree.size}: the log has a gap`);
    this.#growth.add(this.#tree.append(leafHash(leafBytes(event, this.#identity))));
  }

  async #seal(isDue: boolean): Promise<void> {
    const growth = this.#growth;
    this.#growth = new TileGrowth();
    const { size, root } = this.#tree;
    const note = isDue ? signCheckpoint({ origin: originOf(this.#identity), size, root }, this.#signers) : null;
    const before = size - growth.leaves;
    await this.#lease.transaction(async (query) => {
      // A failover in a pause may have led to an older copy, and no connection that broke has told.
      const kept = await keptSize({ query });
      if (kept !== before) throw new Error(`the stored tree of the log has ${kept} leaves, expected ${before}: the database may be another copy, and the tree is read anew`);
      if (growth.leaves > 0) await growth.write(query);
      if (note !== null) await keepCheckpoint(query, this.#identity.epoch, size, note);
      await moveCheckpoint({ query }, this.#lease, position(size));
    });
    if (note === null) return;
    this.#signedAt = performance.now();
    // Only what is kept is told: whoever has seen it will ask for it again.
    await this.#publish(note);
  }
}

/** Seals the log while this process leads. `close`: the seal on its way is finished. */
export const startSealer = (options: SealerOptions): { close(): Promise<void> } => {
  const { store, sealed, leadership, onFailure, ttlMs } = options;
  const stop = new AbortController();
  const leading = leadership.lead({
    name: sealerName, signal: stop.signal, ...(ttlMs !== undefined && { ttlMs }),
    work: async (lease) => {
      // Read anew by each term: another process may have sealed meanwhile, and a failed transaction may have been carried out.
      const sealing = new Sealing(lease, await store.identity(), await checkedTree(sealed), options);
      await sealing.begin();
      await sealing.follow(store);
    },
    onFailure: (error) => { if (!stop.signal.aborted) onFailure(error); },
  });
  return {
    close: () => {
      stop.abort();
      return leading;
    },
  };
};
