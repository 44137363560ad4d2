import type { AppendRequest } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import type { StreamId } from '@rectrail/kernel';
import { serve } from '../process.ts';
import { readTail, tailRequests, type TailRequest } from './tail.ts';

const tickMs = 5;
/** Appends under way; beyond them the store is slower than the pace, and the writer waits. */
const underWayMax = 256;

export interface Written {
  readonly acknowledged: number;
  /** The tail has come to its end. */
  readonly exhausted: boolean;
  /** Where in its text the next append begins. */
  readonly tailFrom: number;
}

/** Appends what a history tells next at a steady pace, each stream's in order. */
class Writer {
  readonly #store: PostgresEventStore;
  readonly #requests: Generator<TailRequest, void, void>;
  readonly #lastOf = new Map<StreamId, Promise<unknown>>();
  #eventsPerMs = 0;
  #due = 0;
  #underWay = 0;
  #tickedAt = performance.now();
  #failure: unknown = null;
  acknowledged = 0;
  exhausted = false;
  tailFrom: number;

  constructor(store: PostgresEventStore, text: string, from: number) {
    this.#store = store;
    this.#requests = tailRequests(text, from);
    this.tailFrom = from;
    setInterval(() => { this.#tick(); }, tickMs);
  }

  /** From now on; 0 pauses. @throws what an append threw, ever. */
  pace(eventsPerSecond: number): void {
    if (this.#failure !== null) throw this.#failure as Error;
    this.#eventsPerMs = eventsPerSecond / 1_000;
    this.#due = 0;
    this.#tickedAt = performance.now();
  }

  async atRest(): Promise<void> {
    await Promise.allSettled(this.#lastOf.values());
  }

  #tick(): void {
    const now = performance.now();
    this.#due += (now - this.#tickedAt) * this.#eventsPerMs;
    this.#tickedAt = now;
    while (this.#due >= 1 && this.#underWay < underWayMax && this.#failure === null) {
      const { value: next, done } = this.#requests.next();
      if (done === true) {
        this.exhausted = true;
        return;
      }
      const { request, end } = next;
      this.tailFrom = end;
      this.#due -= request.entries.reduce((sum, { events }) => sum + events.length, 0);
      void this.#append(request);
    }
  }

  async #append(request: AppendRequest): Promise<void> {
    this.#underWay += 1;
    const ids = request.entries.map((entry) => entry.streamId);
    const appending = Promise.all(ids.flatMap((id) => this.#lastOf.get(id) ?? [])).then(() => this.#store.append(request));
    for (const id of ids) this.#lastOf.set(id, appending);
    try {
      const { first, last } = await appending;
      this.acknowledged += last - first + 1;
    } catch (error) {
      this.#failure ??= error;
    } finally {
      for (const id of ids) if (this.#lastOf.get(id) === appending) this.#lastOf.delete(id);
      this.#underWay -= 1;
    }
  }
}

let writer: Writer | undefined;
const opened = (): Writer => {
  if (writer === undefined) throw new Error('nothing is open');
  return writer;
};

const written = (): Written => {
  const { acknowledged, exhausted, tailFrom } = opened();
  return { acknowledged, exhausted, tailFrom };
};

const methods = {
  open: async ({ url, tailFile, tailFrom }: { url: string; tailFile: string; tailFrom: number }): Promise<void> => {
    writer = new Writer(await PostgresEventStore.open({ connectionString: url }), await readTail(tailFile), tailFrom);
  },
  /** Events a second from now on, 0 for none. */
  pace: (eventsPerSecond: number): void => { opened().pace(eventsPerSecond); },
  written,
  /** Ends the pace, and answers once every append has been. */
  close: async (): Promise<Written> => {
    opened().pace(0);
    await opened().atRest();
    return written();
  },
};

export type WriterMethods = typeof methods;

serve(methods);
