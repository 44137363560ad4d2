import type { StreamId } from '@rectrail/kernel';
import type { StreamFold } from './subject-fold.ts';

/** Folds used last; bounded by streams and by the facts that they keep, which is what takes memory (some 1.5 KB each). */
export class FoldCache {
  readonly #folds = new Map<StreamId, { readonly fold: StreamFold; readonly facts: number }>();
  readonly #streamsMax: number;
  readonly #factsMax: number;
  #facts = 0;

  constructor(limits: { readonly streamsMax: number; readonly factsMax: number }) {
    this.#streamsMax = limits.streamsMax;
    this.#factsMax = limits.factsMax;
  }

  get(streamId: StreamId): StreamFold | undefined {
    return this.#folds.get(streamId)?.fold;
  }

  /** Puts it last in the order of eviction; of two folds of a stream the one that has come further stays. */
  keep(streamId: StreamId, fold: StreamFold): void {
    const known = this.#folds.get(streamId);
    const further = known !== undefined && known.fold.version > fold.version ? known.fold : fold;
    if (known !== undefined) this.#remove(streamId, known.facts);
    // One that is too large alone would drive out all others, and then itself.
    if (further.factsKept > this.#factsMax) return;
    this.#folds.set(streamId, { fold: further, facts: further.factsKept });
    this.#facts += further.factsKept;
    for (const [oldest, { facts }] of this.#folds) {
      if (this.#folds.size <= this.#streamsMax && this.#facts <= this.#factsMax) return;
      this.#remove(oldest, facts);
    }
  }

  forget(streamId: StreamId): void {
    const known = this.#folds.get(streamId);
    if (known !== undefined) this.#remove(streamId, known.facts);
  }

  #remove(streamId: StreamId, facts: number): void {
    this.#folds.delete(streamId);
    this.#facts -= facts;
  }
}
