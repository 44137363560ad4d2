import { msOfInstant, type StreamId, type StreamVersion } from '@rectrail/kernel';
import type { AppendEntry, AppendRequest, AppendResult } from '@rectrail/event-store';
import { Batch, KnownStreams } from './append-batch.ts';
import type { AppendConnection } from './append-connection.ts';
import { sendBatch } from './append-queue.ts';

/** Larger appends go alone, in parts of this many events within one transaction, so that no message grows with the append. */
export const partEventsMax = 1_000;
export const partBytesMax = 4 << 20;

/** The entries cut into parts; what an entry expects, and the entries that only check, stand in the first part in which they occur. */
function* partsOf(entries: readonly AppendEntry[]): Generator<AppendEntry[], void, void> {
  let part: AppendEntry[] = [];
  let events = 0;
  let bytes = 0;
  for (const entry of entries) {
    let from = 0;
    for (let i = 0; i < entry.events.length; i++) {
      const size = Buffer.byteLength(entry.events[i]?.content ?? '');
      if (events > 0 && (events >= partEventsMax || bytes + size > partBytesMax)) {
        yield [...part, ...slice(entry, from, i)];
        part = [];
        from = i;
        events = 0;
        bytes = 0;
      }
      events += 1;
      bytes += size;
    }
    part.push(...slice(entry, from, entry.events.length));
  }
  yield part;
}

const slice = (entry: AppendEntry, from: number, to: number): AppendEntry[] =>
  from === to && entry.events.length > 0 ? [] : [{ ...entry, expectedVersion: from === 0 ? entry.expectedVersion : 'any', events: entry.events.slice(from, to) }];

/** Null where a version differs or the command is repeated: nothing was written then. `purges`: contents that the events name go in the same transaction. */
export const appendLarge = async (
  connection: AppendConnection, request: AppendRequest, { events, purges }: { readonly events: number; readonly purges: boolean },
): Promise<AppendResult | null> =>
  connection.transaction(async () => {
    // Numbers of its own: those that it makes are void when it is rolled back.
    const known = new KnownStreams();
    const fingerprint = request.fingerprint ?? null;
    const versions = new Map<StreamId, StreamVersion>();
    const results: AppendResult[] = [];
    let eventsBefore = 0;
    for (const entries of partsOf(request.entries)) {
      const size = entries.reduce((sum, e) => sum + e.events.length, 0);
      const command = eventsBefore + size === events ? { commandId: request.commandId, fingerprint, eventsBefore } : null;
      const batch = Batch.of([{ entries, command }]);
      const recordedMs = results[0] === undefined ? null : msOfInstant(results[0].recordedAt);
      const result = batch === null ? undefined : (await sendBatch(connection, batch, known, recordedMs))?.[0];
      if (result === undefined) return null;
      for (const [id, version] of result.versions) versions.set(id, version);
      results.push(result);
      eventsBefore += size;
    }
    const [first, last] = [results[0], results.at(-1)];
    if (first === undefined || last === undefined) return null;
    if (purges) await connection.call('purge_contents', [first.first, last.last]);
    return { ...first, last: last.last, versions, fingerprint };
  });
