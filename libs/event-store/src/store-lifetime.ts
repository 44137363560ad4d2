import { EventStoreError } from './errors.ts';

/** What a store does between its opening and its closing: once closed it begins nothing more, and what has begun is finished first. */
export class StoreLifetime {
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  /** Aborts when the store closes. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** @throws EventStoreError `event-store-unavailable` once the store is closed. */
  assertOpen(): void {
    if (this.signal.aborted) throw new EventStoreError('event-store-unavailable', 'the event store is closed');
  }

  /** Rejects as `assertOpen` throws. */
  async run<T>(begin: () => Promise<T>): Promise<T> {
    this.assertOpen();
    const running = begin();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Resolves once nothing is under way any more; false where it was closed before. */
  async close(): Promise<boolean> {
    if (this.signal.aborted) return false;
    this.#closing.abort();
    await Promise.allSettled(this.#underWay);
    return true;
  }
}
