import { position, type Position } from '@rectrail/kernel';
import { withContent, type AllSlice, type EventFilter, type EventStore, type StoredEvent } from '@rectrail/event-store';
import type { Projection } from './projection.ts';

export interface BatchSizes {
  /** Most events of one transaction that follows the log live. */
  readonly batchEventsMax: number;
  /** The same while the projection is further behind than that: larger batches write less an event. */
  readonly laggingEventsMax: number;
  /** Most characters of content in one transaction, but for a single event that has more. */
  readonly batchCharsMax: number;
}

export const filterOf = ({ streamPrefix }: Pick<Projection, 'streamPrefix'>): EventFilter => (streamPrefix === '' ? {} : { streamPrefix });

/** Those that rows are made of: neither skipped nor purged. */
export const toApply = (events: readonly StoredEvent[], skips: readonly Position[]): readonly StoredEvent[] =>
  withContent(skips.length === 0 ? events : events.filter((event) => !skips.includes(event.position)));

const charsOf = (events: readonly StoredEvent[]): number => events.reduce((sum, { content }) => sum + content.length, 0);

/** The same positions in slices of no more than `charsMax`. */
export function* withinChars({ events, scannedTo }: AllSlice, charsMax: number): Generator<AllSlice, void, void> {
  let from = 0;
  let chars = 0;
  for (const [index, event] of events.entries()) {
    if (index > from && chars + event.content.length > charsMax) {
      yield { events: events.slice(from, index), scannedTo: position(event.position - 1) };
      from = index;
      chars = 0;
    }
    chars += event.content.length;
  }
  yield { events: events.slice(from), scannedTo };
}

const upTo = ({ events, scannedTo }: AllSlice, last: Position): AllSlice =>
  (scannedTo <= last ? { events, scannedTo } : { events: events.filter((event) => event.position <= last), scannedTo: last });

/** The log from `after` to `last` in slices that begin small and grow as long as their contents do not. */
export async function* logPages(
  store: EventStore, filter: EventFilter, { after, last }: { readonly after: Position; readonly last: Position }, sizes: BatchSizes,
): AsyncGenerator<AllSlice, void, void> {
  let limit = sizes.batchEventsMax;
  for (let at = after; at < last;) {
    const slice = upTo(await store.readAll({ after: at, filter, limit }), last);
    if (slice.scannedTo === at) throw new Error(`the log ends at position ${at}, which is before ${last}`);
    yield* withinChars(slice, sizes.batchCharsMax);
    at = slice.scannedTo;
    const fitting = Math.floor(slice.events.length * (sizes.batchCharsMax / Math.max(1, charsOf(slice.events))));
    if (slice.events.length > 0) limit = Math.max(1, Math.min(limit * 2, fitting, sizes.laggingEventsMax));
  }
}

/** The same values, each asked for while the one before is being worked on. */
export async function* readAhead<T>(source: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  const ask = (): Promise<IteratorResult<T, void>> => {
    const next = source.next();
    // Whoever asks for it sees the rejection; until then it is nobody's.
    next.catch(() => undefined);
    return next;
  };
  let next = ask();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = ask();
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return();
  }
}
