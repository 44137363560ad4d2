import { instantOfMs, position, streamVersion } from '@rectrail/kernel';
import type { AppendEntry, AppendRequest, AppendResult, EventToAppend } from '@rectrail/event-store';
import { expectedNumber, type KnownStreams } from './append-batch.ts';
import { int4Array, textArray, uuidArray } from './binary-arrays.ts';

/** An append that is one event into one stream. */
export interface Single { readonly request: AppendRequest; readonly entry: AppendEntry; readonly event: EventToAppend }

export const singleOf = (request: AppendRequest): Single | null => {
  const [entry, ...others] = request.entries;
  const event = entry?.events[0];
  return entry === undefined || event === undefined || others.length > 0 || entry.events.length > 1 ? null : { request, entry, event };
};

type NumberedSingle = Single & { readonly no: number; readonly expected: number; readonly reached: number };

/** What `append_singles` takes: appends of one event each with an exact version, into streams that are known and differ. Null for any other group. */
export const numberedSingles = (requests: readonly AppendRequest[], known: KnownStreams): readonly NumberedSingle[] | null => {
  const singles = new Map<number, NumberedSingle>();
  for (const request of requests) {
    const single = singleOf(request);
    const stream = single === null ? null : known.get(single.entry.streamId);
    if (single === null || stream === null || single.entry.expectedVersion === 'any' || singles.has(stream.no)) return null;
    singles.set(stream.no, { ...single, no: stream.no, expected: expectedNumber(single.entry.expectedVersion), reached: stream.version });
  }
  return [...singles.values()];
};

export const singlesParams = (singles: readonly NumberedSingle[]): unknown[] => {
  const fingerprints = singles.map((s) => s.request.fingerprint ?? null);
  return [
    int4Array(singles.map((s) => s.no)), int4Array(singles.map((s) => s.expected)), textArray(singles.map((s) => s.event.type)), textArray(singles.map((s) => s.event.content)),
    uuidArray(singles.map((s) => s.request.commandId)), fingerprints.every((f) => f === null) ? null : textArray(fingerprints),
    // No stream goes back: one that has reached the expected version either has it still, or the unique index refuses the next.
    singles.every((s) => s.reached >= s.expected),
  ];
};

export const singlesResults = (singles: readonly NumberedSingle[], headBefore: number, recordedMs: number): AppendResult[] => {
  const recordedAt = instantOfMs(recordedMs);
  return singles.map(({ request, entry, expected }, i) => {
    const at = position(headBefore + i + 1);
    return { first: at, last: at, recordedAt, versions: new Map([[entry.streamId, streamVersion(expected + 1)]]), repeated: false, fingerprint: request.fingerprint ?? null };
  });
};
