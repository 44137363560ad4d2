import { isUuid } from '@rectrail/kernel';
import { deriveEventId } from './derived-ids.ts';
import { EventStoreError } from './errors.ts';
import type { AppendEntry, AppendRequest, EventStoreCapabilities, EventToAppend } from './event-store.ts';
import { contentPurged, purgeTargetOf } from './purge.ts';

/** 200 characters: a noun and an id fit many times; it bounds the index of stream names. */
const streamIdCharactersMax = 200;
const fingerprintCharactersMax = 100;

const invalid = (message: string): never => {
  throw new EventStoreError('append-invalid', message);
};

const checkEntry = (entry: AppendEntry): void => {
  const { streamId, expectedVersion } = entry;
  if (streamId === '' || streamId.length > streamIdCharactersMax || streamId.includes('\0')) invalid(`a stream id has 1 to ${streamIdCharactersMax} characters and no NUL: ${JSON.stringify(streamId)}`);
  if (typeof expectedVersion === 'number' && (!Number.isSafeInteger(expectedVersion) || expectedVersion < 0)) invalid(`expected version ${expectedVersion} of stream ${streamId} is no version`);
};

const checkEvent = ({ eventId, type, content }: EventToAppend, limits: EventStoreCapabilities): void => {
  if (content === '') invalid(`event ${eventId} says nothing: only a purge leaves an empty content`);
  if (type !== contentPurged) return;
  if (!limits.purges) throw new EventStoreError('purge-unsupported', 'this event store keeps every content for good. Potential solutions: keep events in PostgreSQL where the law may demand that a content goes');
  purgeTargetOf(content);
};

const checkIds = (request: AppendRequest, ids: readonly string[]): void => {
  const derived = new Set<string>(ids.map((_, index) => deriveEventId(request.commandId, index)));
  for (const id of ids) {
    if (!derived.delete(id)) throw new EventStoreError('event-id-mismatch', `event id ${id} is not one that command ${request.commandId} gives to an append of ${ids.length} events, or stands in it twice`);
  }
};

/**
 * What every adapter refuses before anything is written. The ids of the events must be `deriveEventId(commandId, i)` for
 * i from 0 to n − 1, each once, in whatever order: so no event id can come in under two commands.
 *
 * @returns the number of events, the bytes of their contents, and whether they drop others
 * @throws EventStoreError `append-invalid`, `append-too-large`, `event-id-mismatch` or `purge-unsupported`
 */
export const checkAppend = (request: AppendRequest, limits: EventStoreCapabilities): { readonly events: number; readonly bytes: number; readonly purges: boolean } => {
  if (!isUuid(request.commandId)) invalid(`command id ${JSON.stringify(request.commandId)} is no UUID in lower case`);
  if (request.fingerprint !== undefined && request.fingerprint.length > fingerprintCharactersMax) invalid(`a fingerprint has at most ${fingerprintCharactersMax} characters`);
  if (new Set(request.entries.map((e) => e.streamId)).size !== request.entries.length) invalid('a stream stands in more than one entry of the append');
  const ids: string[] = [];
  let bytes = 0;
  let purges = false;
  for (const entry of request.entries) {
    checkEntry(entry);
    for (const event of entry.events) {
      const size = Buffer.byteLength(event.content);
      if (size > limits.eventBytesMax) throw new EventStoreError('append-too-large', `event ${event.eventId} has ${size} bytes, the store takes ${limits.eventBytesMax}`);
      checkEvent(event, limits);
      purges ||= event.type === contentPurged;
      bytes += size;
      ids.push(event.eventId);
    }
  }
  if (ids.length > limits.appendEventsMax) throw new EventStoreError('append-too-large', `the append has ${ids.length} events, the store takes ${limits.appendEventsMax}`);
  if (bytes > limits.appendBytesMax) throw new EventStoreError('append-too-large', `the append has ${bytes} bytes, the store takes ${limits.appendBytesMax}`);
  checkIds(request, ids);
  return { events: ids.length, bytes, purges };
};
