import { deriveEventId, leafBytes, type EventCodec, type EventStore, type LogIdentity, type StoredEvent } from '@rectrail/event-store';
import { position, type Fact } from '@rectrail/kernel';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { randomHistory } from '@rectrail/tracking-domain/testing';
import { recordHistory } from '@rectrail/tracking-read/testing';
import { completeSubtrees, GrowingTree, leafHash, newNoteKey, noteSigner, signCheckpoint, treeHashBytes, type KeyPair } from '@rectrail/transparency';
import { entryOfStored } from '../entry.ts';
import { finding } from '../findings.ts';
import type { LogSource } from '../log-source.ts';

/** A random history of the domain as it is stored and sealed. */
export interface SampleLog {
  readonly facts: readonly Fact<TrackingEvent>[];
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly identity: LogIdentity;
  readonly events: readonly StoredEvent[];
  readonly key: KeyPair;
}

export const originOf = ({ logId, epoch }: LogIdentity): string => `rectrail/${logId}/${epoch}`;

export const allEvents = async (store: EventStore): Promise<readonly StoredEvent[]> => {
  const events: StoredEvent[] = [];
  for (let after = position(0); ;) {
    const slice = await store.readAll({ after });
    if (slice.events.length === 0) return events;
    events.push(...slice.events);
    after = slice.scannedTo;
  }
};

export const sampleLog = async (seed: number, size: number): Promise<SampleLog> => {
  const facts = randomHistory(seed, size, deriveEventId);
  const { store, codec } = await recordHistory(facts);
  const identity = await store.identity();
  return { facts, store, codec, identity, events: await allEvents(store), key: newNoteKey(originOf(identity)) };
};

export const treeOf = (events: readonly StoredEvent[], identity: LogIdentity): GrowingTree => {
  const tree = new GrowingTree();
  for (const event of events) tree.append(leafHash(leafBytes(event, identity)));
  return tree;
};

export const leafHashesOf = (events: readonly StoredEvent[], identity: LogIdentity): Buffer => Buffer.concat(events.map((event) => leafHash(leafBytes(event, identity))));

/** A checkpoint of the first `size` events. */
export const checkpointOf = (events: readonly StoredEvent[], identity: LogIdentity, size: number, key: KeyPair): string =>
  signCheckpoint({ origin: originOf(identity), size, root: treeOf(events.slice(0, size), identity).root }, [noteSigner(key.secret)]);

export interface Rows {
  readonly events: readonly StoredEvent[];
  readonly identity: LogIdentity;
  /** Those kept beside the events; null: none. */
  readonly hashes: Buffer | null;
  readonly notes: readonly { readonly size: number; readonly note: string }[];
}

/** A log in memory, read in stretches of positions as a database is. */
export const rowsSource = ({ events, identity, hashes, notes }: Rows, stretch = 7): LogSource => {
  const kept = hashes === null ? 0 : hashes.length / treeHashBytes;
  const last = events.at(-1)?.position ?? 0;
  return {
    logId: identity.logId, after: 0, last, mayTrail: true,
    frontier: (size) => {
      const tree = new GrowingTree();
      for (let i = 0; i < size; i += 1) tree.append(hashes!.subarray(i * treeHashBytes, (i + 1) * treeHashBytes));
      if (tree.frontier.hashes.length !== completeSubtrees({ from: 0, to: size }).length) throw new Error('no such tree');
      return Promise.resolve(tree.frontier);
    },
    async* batches(after) {
      const sorted = events.toSorted((a, b) => a.position - b.position);
      for (let from = after; from < Math.max(last, kept); from += stretch) {
        const entries = sorted.filter((event) => event.position > from && event.position <= from + stretch).map((event) => entryOfStored(event, identity));
        const isEmpty = entries.length === 0 && from >= kept;
        yield await Promise.resolve({
          entries, hashes: hashes?.subarray(from * treeHashBytes, (from + stretch) * treeHashBytes) ?? null, finding: isEmpty ? finding('event-missing', from + 1, 'nothing follows') : null,
          notes: notes.filter(({ size }) => size <= from + stretch && (size > from || from === after)).map(({ note }) => note),
        });
        if (isEmpty) return;
      }
      yield { entries: [], hashes: null, notes: notes.filter(({ size }) => size > Math.max(last, kept)).map(({ note }) => note) };
    },
    checkStretch: () => Promise.resolve([]),
    check: () => Promise.resolve([]),
  };
};
