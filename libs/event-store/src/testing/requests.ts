import { streamId, type CommandId, type Instant, type StreamId } from '@rectrail/kernel';
import { canonicalJson } from '../canonical-json.ts';
import { deriveEventId, newCommandId } from '../derived-ids.ts';
import { contentSha256 } from '../leaf.ts';
import { contentPurged } from '../purge.ts';
import type { AppendEntry, AppendRequest, EventStore, EventToAppend, ExpectedVersion, StoredEvent } from '../event-store.ts';

/** A stream that no other test has. */
export const freshStream = (noun = 'issue'): StreamId => streamId(`${noun}-${crypto.randomUUID()}`);
// An instant by construction; the contract does not depend on the clock.
export const freshCommand = (): CommandId => newCommandId(new Date().toISOString() as Instant);

export interface EntryOf {
  readonly stream: StreamId;
  readonly expected?: ExpectedVersion;
  /** What the events say, one each; `type` before a colon. */
  readonly says?: readonly string[];
}

const typeOf = (text: string): string => (/^\w+(?=:)/.exec(text) ?? ['Said'])[0];

/** An append as a runner would make it. */
export const requestOf = (entries: readonly EntryOf[], commandId: CommandId = freshCommand()): AppendRequest => {
  let index = 0;
  const eventOf = (text: string): EventToAppend => {
    const eventId = deriveEventId(commandId, index++);
    return { eventId, type: typeOf(text), content: canonicalJson({ commandId, eventId, data: { text }, type: typeOf(text) }) };
  };
  return { commandId, entries: entries.map(({ stream, expected = 'any', says = [] }): AppendEntry => ({ streamId: stream, expectedVersion: expected, events: says.map(eventOf) })) };
};

/** An append that drops the content of an event of the stream. */
export const purgeOf = (event: StoredEvent, expected: ExpectedVersion = 'any', hash = contentSha256(event)): AppendRequest => {
  const commandId = freshCommand();
  const eventId = deriveEventId(commandId, 0);
  const content = canonicalJson({ commandId, data: { position: event.position, contentSha256: hash }, eventId, type: contentPurged });
  return { commandId, entries: [{ streamId: event.streamId, expectedVersion: expected, events: [{ eventId, type: contentPurged, content }] }] };
};

export const saidBy = (events: readonly StoredEvent[]): string[] => events.map((e) => (JSON.parse(e.content) as { data: { text: string } }).data.text);

/** Every event of the log after a position, page by page. */
export const readToEnd = async (store: EventStore, after = 0, limit?: number): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  // Positions come from the store or are 0.
  let at = after as StoredEvent['position'];
  for (;;) {
    const slice = await store.readAll({ after: at, ...(limit !== undefined && { limit }) });
    events.push(...slice.events);
    if (slice.scannedTo === at) return events;
    at = slice.scannedTo;
  }
};
