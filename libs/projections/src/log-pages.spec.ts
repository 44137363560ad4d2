// Goal: however the log is paged, every position comes once and in order, in slices within bounds; reading ahead changes neither values nor errors.
// Method: random logs in memory, read with random bounds.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { position } from '@rectrail/kernel';
import { logPages, readAhead, withinChars } from './log-pages.ts';
import { appendCounted, newCountedLog } from './testing/counted-log.ts';

const collected = async <T>(source: AsyncIterable<T>): Promise<readonly T[]> => {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
};

describe('pages of the log', () => {
  it('hold each wanted event between the ends once, in order, within the bounds', async () => {
    const store = newCountedLog();
    await appendCounted(store, Array.from({ length: 120 }, (_, n) => `${n % 4 === 0 ? 'odd' : 'even'}-${n % 7}`));
    const { events } = await store.readAll();
    const length = events[0]!.content.length;
    const ends = fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 120 }));
    const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
    const bounds = fc.record({ batchEventsMax: upTo(20), laggingMore: upTo(50), batchCharsMax: upTo(30 * length) });
    await fc.assert(fc.asyncProperty(
      ends, bounds, fc.boolean(),
      async ([one, other], { batchEventsMax, laggingMore, batchCharsMax }, filtered) => {
        const [after, last] = [position(Math.min(one, other)), position(Math.max(one, other))];
        const sizes = { batchEventsMax, laggingEventsMax: batchEventsMax + laggingMore, batchCharsMax };
        const filter = filtered ? { streamPrefix: 'odd-' } : {};
        const slices = await collected(readAhead(logPages(store, filter, { after, last }, sizes)));
        const wanted = events.filter((event) => event.position > after && event.position <= last && (!filtered || event.streamId.startsWith('odd-')));
        expect(slices.flatMap((slice) => slice.events)).toEqual(wanted);
        expect(slices.at(-1)?.scannedTo ?? after).toBe(last);
        let at: number = after;
        for (const slice of slices) {
          expect(slice.scannedTo).toBeGreaterThanOrEqual(at);
          for (const event of slice.events) expect([event.position > at, event.position <= slice.scannedTo]).toEqual([true, true]);
          at = slice.scannedTo;
          const chars = slice.events.reduce((sum, event) => sum + event.content.length, 0);
          if (slice.events.length > 1) expect(chars).toBeLessThanOrEqual(batchCharsMax);
          expect(slice.events.length).toBeLessThanOrEqual(batchEventsMax + laggingMore);
        }
      },
    ), { numRuns: 200 });
  });

  it('grow while there is much to read, and are cut where contents are large', async () => {
    const store = newCountedLog();
    await appendCounted(store, Array.from({ length: 200 }, () => 'a'));
    const sizes = { batchEventsMax: 5, laggingEventsMax: 40, batchCharsMax: 1 << 20 };
    const counts = (await collected(logPages(store, {}, { after: position(0), last: position(200) }, sizes))).map((slice) => slice.events.length);
    expect(counts.slice(0, 5)).toEqual([5, 10, 20, 40, 40]);
    const [slice] = await collected(logPages(store, {}, { after: position(0), last: position(5) }, sizes));
    expect([...withinChars(slice!, 1)].map(({ events, scannedTo }) => [events.length, scannedTo])).toEqual([[1, 1], [1, 2], [1, 3], [1, 4], [1, 5]]);
  });

  it('refuse to go beyond the log', async () => {
    const sizes = { batchEventsMax: 1, laggingEventsMax: 1, batchCharsMax: 1 };
    await expect(collected(logPages(newCountedLog(), {}, { after: position(0), last: position(1) }, sizes))).rejects.toThrow('the log ends at position 0');
  });
});

describe('reading ahead', () => {
  it('asks for one value more than is being worked on, and passes errors on in their place', async () => {
    const asked: number[] = [];
    let ended = false;
    async function* source(): AsyncGenerator<number, void, void> {
      try {
        for (let n = 0; ; n += 1) {
          asked.push(n);
          await Promise.resolve();
          if (n === 4) throw new Error('no fourth');
          yield n;
        }
      } finally {
        ended = true;
      }
    }
    const seen: number[] = [];
    await expect((async () => {
      for await (const value of readAhead(source())) {
        expect(asked).toHaveLength(value + 2);
        seen.push(value);
      }
    })()).rejects.toThrow('no fourth');
    expect([seen, ended]).toEqual([[0, 1, 2, 3], true]);
  });

  it('ends its source where it is left early', async () => {
    let ended = false;
    async function* source(): AsyncGenerator<number, void, void> {
      try {
        for (let n = 0; ; n += 1) {
          await Promise.resolve();
          yield n;
        }
      } finally {
        ended = true;
      }
    }
    for await (const value of readAhead(source())) if (value === 2) break;
    expect(ended).toBe(true);
  });
});
