// Goal: what is kept folded stays within its bounds and helps; what it holds is asked of the messages (message-feed.spec.ts). Method: folds that say how large they are.
import { describe, expect, it } from '@jest/globals';
import { streamId, streamVersion } from '@rectrail/kernel';
import { FoldCache } from './fold-cache.ts';
import type { StreamFold } from './subject-fold.ts';

/** As much of a fold as the cache looks at. */
const fold = (facts: number): StreamFold => ({ version: streamVersion(facts), factsKept: facts }) as Partial<StreamFold> as StreamFold;
const [a, b, c, large] = [streamId('issue-a'), streamId('issue-b'), streamId('issue-c'), streamId('issue-large')];

describe('the folds that are kept', () => {
  it('are those used last, of each stream the one that has come further', () => {
    const cache = new FoldCache({ streamsMax: 10, factsMax: 10 });
    cache.keep(a, fold(4));
    cache.keep(b, fold(4));
    cache.keep(a, fold(3));
    cache.keep(c, fold(5));
    expect([a, b, c].map((id) => cache.get(id)?.version)).toEqual([4, undefined, 5]);
  });

  it('are not lost to one stream that is larger than all that may be kept', () => {
    const cache = new FoldCache({ streamsMax: 10, factsMax: 10 });
    cache.keep(large, fold(8));
    cache.keep(a, fold(2));
    cache.keep(large, fold(11));
    expect([a, large].map((id) => cache.get(id)?.version)).toEqual([2, undefined]);
  });
});
