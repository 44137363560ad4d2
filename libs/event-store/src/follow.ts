import { position } from '@rectrail/kernel';
import type { AllSlice, ReadAllOptions, SubscribeOptions } from './event-store.ts';

/** Wakes those who wait for news; a wake between looking and waiting is not lost, since one waits from a `ticket` on. */
export class Wake {
  #ticket = 0;
  readonly #waiting = new Set<() => void>();

  get ticket(): number {
    return this.#ticket;
  }

  notify(): void {
    this.#ticket += 1;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Returns at the first notification after `ticket` was drawn, at the abort, or after the time, whichever is first. */
  wait(ticket: number, signal: AbortSignal, timeoutMs: number): Promise<void> {
    if (ticket !== this.#ticket || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }
}

export interface LogSource {
  readAll(options: ReadAllOptions): Promise<AllSlice>;
  readonly wake: Wake;
  /** Most events of a page. One without filter that has fewer than were asked for ends at the head. */
  readonly pageEventsMax: number;
  /** Longest sleep between two looks at the log, should a wake be lost on its way. */
  readonly pollMs: number;
}

/** The subscription that every adapter gives: pages of the past, then live, until the signal aborts. Empty slices tell that the filter passed over positions. */
export async function* follow(source: LogSource, options: SubscribeOptions): AsyncGenerator<AllSlice, void, void> {
  const { signal, filter, batchEventsMax } = options;
  let after = options.after ?? position(0);
  const full = Math.min(batchEventsMax ?? source.pageEventsMax, source.pageEventsMax);
  while (!signal.aborted) {
    const ticket = source.wake.ticket;
    const slice = await source.readAll({ after, ...(filter && { filter }), ...(batchEventsMax !== undefined && { limit: batchEventsMax }) });
    if (slice.scannedTo > after) {
      // An abort during the read: what was not yielded will be read again by the next subscriber.
      if (isAborted(signal)) return;
      yield slice;
      after = slice.scannedTo;
      // Another look would find nothing: what was appended since this one has woken who waits from its ticket on.
      if (filter !== undefined || slice.events.length >= full) continue;
    }
    await source.wake.wait(ticket, signal, source.pollMs);
  }
}

// A call, because the compiler takes the property for unchanged since the loop's condition.
const isAborted = (signal: AbortSignal): boolean => signal.aborted;
