/** Values that the fastest reader may be ahead of the slowest, and how many there may have been for another to begin with the first; as many are in memory. */
const aheadMax = 3;

/** What one source gives, for several readers that begin at the same time: each value is made once, and nobody runs far ahead of the others. */
export class SharedValues<T> {
  readonly #source: AsyncGenerator<T, void, void>;
  /** By their number, from the `#gone`th on, as far as they were asked for. */
  readonly #asked = new Map<number, Promise<IteratorResult<T, void>>>();
  #gone = 0;
  /** Where each reader stands. */
  readonly #readers = new Set<{ at: number }>();
  #moved = Promise.withResolvers<undefined>();
  #hasBegun = false;

  constructor(source: AsyncGenerator<T, void, void>) {
    this.#source = source;
  }

  /** Whether a reader that begins now is given the first value. */
  get hasBeginning(): boolean {
    return this.#gone === 0 && !this.isUnused;
  }

  /** All readers have gone, and the source with them. */
  get isUnused(): boolean {
    return this.#hasBegun && this.#readers.size === 0;
  }

  /** From the first value that is left. @throws the reason of the signal, what the source throws. */
  async* values(signal: AbortSignal): AsyncGenerator<T, void, void> {
    const reader = { at: this.#gone };
    const notify = (): void => { this.#notify(); };
    this.#readers.add(reader);
    this.#hasBegun = true;
    signal.addEventListener('abort', notify);
    try {
      for (;;) {
        while (!signal.aborted && reader.at - this.#slowest() >= aheadMax) await this.#moved.promise;
        signal.throwIfAborted();
        const { value, done } = await this.#valueAt(reader.at);
        if (done === true) return;
        reader.at += 1;
        this.#notify();
        yield value;
      }
    } finally {
      signal.removeEventListener('abort', notify);
      this.#readers.delete(reader);
      this.#notify();
      if (this.isUnused) await this.#source.return();
    }
  }

  #slowest(): number {
    return Math.min(...[...this.#readers].map(({ at }) => at));
  }

  #valueAt(at: number): Promise<IteratorResult<T, void>> {
    const asked = this.#asked.get(at) ?? this.#source.next();
    this.#asked.set(at, asked);
    return asked;
  }

  /** What all have had goes, once nobody else may begin. */
  #notify(): void {
    const furthest = Math.max(...[...this.#readers].map(({ at }) => at));
    const needed = furthest <= aheadMax ? 0 : this.#slowest();
    while (this.#gone < needed) {
      this.#asked.delete(this.#gone);
      this.#gone += 1;
    }
    const moved = this.#moved;
    this.#moved = Promise.withResolvers<undefined>();
    moved.resolve(undefined);
  }
}
