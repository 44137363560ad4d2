import { isUuid } from '@rectrail/kernel';
import { deriveEventId } from './derived-ids.ts';
import { EventStoreError } from './errors.ts';
import type { AppendEntry, AppendRequest, EventStoreCapabilities } from './event-store.ts';

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
 * @returns the number of events and the bytes of their contents
 * @throws EventStoreError `append-invalid`, `append-too-large` or `event-id-mismatch`
 */
export const checkAppend = (request: AppendRequest, limits: EventStoreCapabilities): { readonly events: number; readonly bytes: number } => {
  if (!isUuid(request.commandId)) invalid(`command id ${JSON.stringify(request.commandId)} is no UUID in lower case`);
  if (request.fingerprint !== undefined && request.fingerprint.length > fingerprintCharactersMax) invalid(`a fingerprint has at most ${fingerprintCharactersMax} characters`);
  if (new Set(request.entries.map((e) => e.streamId)).size !== request.entries.length) invalid('a stream stands in more than one entry of the append');
  const ids: string[] = [];
  let bytes = 0;
  for (const entry of request.entries) {
    checkEntry(entry);
    for (const event of entry.events) {
      const size = Buffer.byteLength(event.content);
      if (size > limits.eventBytesMax) throw new EventStoreError('append-too-large', `event ${event.eventId} has ${size} bytes, the store takes ${limits.eventBytesMax}`);
      bytes += size;
      ids.push(event.eventId);
    }
  }
  if (ids.length > limits.appendEventsMax) throw new EventStoreError('append-too-large', `the append has ${ids.length} events, the store takes ${limits.appendEventsMax}`);
  if (bytes > limits.appendBytesMax) throw new EventStoreError('append-too-large', `the append has ${bytes} bytes, the store takes ${limits.appendBytesMax}`);
  checkIds(request, ids);
  return { events: ids.length, bytes };
};
