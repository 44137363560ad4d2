import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendRequest, EventToAppend } from '@rectrail/event-store';
import type { PostgresEventStore } from '@rectrail/event-store-postgres';
import { provinceHistory, type RecordedEvent } from '@rectrail/generator';
import { day, streamVersion, type EventId } from '@rectrail/kernel';
import { knownCalendarYears } from '@rectrail/platform';

/** As the commands of the history made them. */
function* requestsOf(batches: Iterable<readonly RecordedEvent[]>): Generator<AppendRequest> {
  for (const batch of batches) {
    for (const [commandId, events] of Map.groupBy(batch, (event) => event.commandId)) {
      const entries = [...Map.groupBy(events, ({ streamId }) => streamId)].map(([streamId, ofStream]) => ({
        streamId, expectedVersion: streamVersion(ofStream[0]!.streamVersion - 1),
        events: ofStream.map(({ type, content }): EventToAppend => ({ eventId: (JSON.parse(content) as { eventId: EventId }).eventId, type, content })),
      }));
      yield { commandId, entries };
    }
  }
}

export interface GeneratedLoadOptions {
  readonly store: PostgresEventStore;
  /** Events that are there from the start, at least. */
  readonly loaded: number;
  /** Events that may be appended behind them. */
  readonly tail: number;
}

/** A generated history: its beginning is loaded, what follows is appended command by command. */
export class GeneratedLoad {
  readonly #store: PostgresEventStore;
  readonly #requests: Iterator<AppendRequest, undefined>;

  private constructor(store: PostgresEventStore, requests: Iterator<AppendRequest, undefined>) {
    [this.#store, this.#requests] = [store, requests];
  }

  static async open({ store, loaded, tail }: GeneratedLoadOptions): Promise<GeneratedLoad> {
    const history = provinceHistory({ events: loaded + tail, organisations: 100, growth: 'density', seed: 5, until: day('2026-06-30'), calendar: knownCalendarYears(), jurisdiction: 'CN', checkEvery: 1_000 });
    const iterator = history[Symbol.iterator]();
    const beginning = function* (): Generator<readonly RecordedEvent[]> {
      for (let events = 0; events < loaded;) {
        const next = iterator.next();
        if (next.done === true) return;
        const batch = [...next.value];
        events += batch.length;
        yield batch;
      }
    };
    await store.loadHistory((async function* () { for (const batch of beginning()) yield await Promise.resolve(batch); })());
    return new GeneratedLoad(store, requestsOf({ [Symbol.iterator]: () => iterator }));
  }

  /** One command of the history. @throws Error once it is told to its end */
  async appendNext(): Promise<void> {
    const next = this.#requests.next();
    if (next.done === true) throw new Error('the history is told to its end: raise the tail');
    await this.#store.append(next.value);
  }

  /** Appends while the work goes on, at `perSecond` as far as the machine lets it; answers how many commands were written. */
  async during(perSecond: number, work: () => Promise<void>): Promise<number> {
    const over = new AbortController();
    let written = 0;
    const writing = (async () => {
      for (const began = performance.now(); !over.signal.aborted; written += 1) {
        await this.appendNext();
        await sleep(Math.max(0, began + (written * 1_000) / perSecond - performance.now()));
      }
    })();
    try {
      await work();
    } finally {
      over.abort();
      await writing;
    }
    return written;
  }
}
