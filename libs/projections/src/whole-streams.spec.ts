// Goal: a passage gives every stream that begins in it once, whole and without what is skipped, in the order of the first events; what several go through at the
// same time is read once.
// Method: random logs in memory, read by several at their own pace; the streams are also cut out of the log by hand.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { position, type Position, type StreamId } from '@rectrail/kernel';
import type { EventStore } from '@rectrail/event-store';
import { appendCounted, decodeCounted, newCountedLog } from './testing/counted-log.ts';
import { BulkFailure, WholeStreams, type Passage } from './whole-streams.ts';

const never = new AbortController().signal;
const sizes = { batchEventsMax: 3, laggingEventsMax: 6, batchCharsMax: 1 << 20 };

/** The same store, which notes the streams that were read. */
const noting = (store: EventStore, read: StreamId[]): EventStore => Object.assign(Object.create(store) as EventStore, {
  readAll: store.readAll.bind(store),
  readStreams: (ids: readonly StreamId[], upTo?: Position) => {
    read.push(...ids);
    return store.readStreams(ids, upTo);
  },
});

interface Taken { readonly positions: ReadonlyMap<StreamId, readonly Position[]>; readonly work: number; readonly scannedTo: readonly Position[] }

const take = async (source: WholeStreams, passage: Passage, pauses: number): Promise<Taken> => {
  const positions = new Map<StreamId, readonly Position[]>();
  const scannedTo: Position[] = [];
  let work = 0;
  for await (const chunk of source.chunks(passage, never)) {
    for (const [id, facts] of chunk.streams) {
      expect(positions.has(id)).toBe(false);
      positions.set(id, facts.map((fact) => fact.position));
    }
    work += chunk.work;
    if (chunk.scannedTo !== null) scannedTo.push(chunk.scannedTo);
    for (let n = 0; n < pauses; n += 1) await setImmediate();
  }
  return { positions, work, scannedTo };
};

describe('whole streams', () => {
  it('come once each, in order, and are read once for all that go the same way', async () => {
    const log = newCountedLog();
    await appendCounted(log, Array.from({ length: 90 }, (_, n) => `${n % 4 === 0 ? 'odd' : 'even'}-${Math.floor(n / 6) + (n % 3)}`));
    const { events } = await log.readAll();
    const passages = fc.record({
      streamPrefix: fc.constantFrom('', 'odd-'), skips: fc.uniqueArray(fc.integer({ min: 1, max: 90 }), { maxLength: 3 }),
      ends: fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 90 })),
    }).map(({ streamPrefix, skips, ends: [one, other] }): Passage => ({
      projection: { streamPrefix }, skips: skips.map((at) => position(at)), from: position(Math.min(one, other)), target: position(Math.max(one, other)),
    }));
    await fc.assert(fc.asyncProperty(passages, passages, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }), async (passage, another, paces) => {
      const read: StreamId[] = [];
      const source = new WholeStreams({ store: noting(log, read), decode: decodeCounted, sizes });
      const all = await Promise.all(paces.map((pauses) => take(source, passage, pauses)));
      const { projection: { streamPrefix }, skips, from, target } = passage;
      const within = events.filter((event) => event.position <= target && event.streamId.startsWith(streamPrefix));
      const begun = within.filter((event) => event.streamVersion === 1 && event.position > from).map((event) => event.streamId);
      const whole = begun.map((id) => [id, within.filter((event) => event.streamId === id && !skips.includes(event.position)).map((event) => event.position)] as const);
      for (const { positions, scannedTo } of all) {
        expect([...positions]).toEqual(whole.filter(([, positionsOf]) => positionsOf.length > 0));
        expect(scannedTo.at(-1) ?? from).toBe(target);
      }
      expect(new Set(all.map(({ work }) => work)).size).toBe(1);
      expect(read).toEqual(begun);
      // What came before is no part of what comes after.
      expect(await take(source, another, 0)).toEqual(await take(new WholeStreams({ store: log, decode: decodeCounted, sizes }), another, 0));
    }), { numRuns: 50 });
  });

  it('end at an event that cannot be decoded, by its position, and pass it where it is skipped', async () => {
    const log = newCountedLog();
    await appendCounted(log, Array.from({ length: 30 }, (_, n) => `even-${n % 9}`));
    const decode: typeof decodeCounted = (stored) => {
      if (stored.position === 17) throw new Error('unreadable');
      return decodeCounted(stored);
    };
    const source = new WholeStreams({ store: log, decode, sizes });
    const passage: Passage = { projection: { streamPrefix: '' }, skips: [], from: position(0), target: position(30) };
    const failed = await Promise.allSettled([take(source, passage, 0), take(source, passage, 2)]);
    for (const one of failed) expect(one).toMatchObject({ status: 'rejected', reason: expect.any(BulkFailure) as unknown });
    for (const one of failed) expect(one).toMatchObject({ reason: { failure: { position: 17, reason: 'unreadable' } } });
    expect((await take(source, { ...passage, skips: [position(17)] }, 0)).positions.size).toBe(9);
  });
});
