import { streamVersion, type CommandId, type StreamId, type StreamVersion } from '@rectrail/kernel';
import { ExpectedVersionConflict, type AppendEntry, type AppendRequest, type AppendResult } from '@rectrail/event-store';
import type { RecordToAppend, StreamCheck } from './kurrent-log.ts';
import { receiptRecord } from './receipts.ts';
import { receiptStreamOf, streamNameOf } from './stream-names.ts';

/** What is numbered of commands and streams. Versions may be older than commands, never newer: a command that is missing is in no version either. */
export interface NumberedState {
  readonly versions: ReadonlyMap<StreamId, StreamVersion>;
  readonly commands: ReadonlyMap<CommandId, AppendResult>;
}

export type PlannedOutcome =
  /** Its events are among the records. */
  | { readonly kind: 'sent' }
  /** The same command stands in the plan before it. */
  | { readonly kind: 'repeats-sent' }
  | { readonly kind: 'numbered'; readonly result: AppendResult }
  /** Without events; its versions hold. */
  | { readonly kind: 'holds' }
  | { readonly kind: 'conflict'; readonly conflict: ExpectedVersionConflict };

/** Several appends as one request to the server, each judged as if those before it had been carried out. */
export interface AppendPlan {
  readonly outcomes: readonly PlannedOutcome[];
  /** Empty where nothing has to be written. */
  readonly records: readonly RecordToAppend[];
  /** Every stream that a sent append writes or checks, at the version on which it was judged: if the plan is carried out, all outcomes are true. */
  readonly checks: readonly StreamCheck[];
}

const revisionOf = (version: number): StreamCheck['revision'] => (version === 0 ? 'none' : version - 1);

const conflictOf = (entries: readonly AppendEntry[], versionOf: (id: StreamId) => StreamVersion): ExpectedVersionConflict | null => {
  for (const { streamId, expectedVersion } of entries) {
    const actual = versionOf(streamId);
    if (expectedVersion !== 'any' && actual !== (expectedVersion === 'none' ? 0 : expectedVersion)) return new ExpectedVersionConflict(streamId, expectedVersion, actual);
  }
  return null;
};

const recordsOf = ({ commandId, fingerprint, entries }: AppendRequest): RecordToAppend[] => {
  const events = entries.flatMap(({ streamId, events: ofStream }) => {
    const stream = streamNameOf(streamId);
    return ofStream.map(({ eventId, type, content }): RecordToAppend => ({ stream, eventId, type, data: Buffer.from(content, 'utf8') }));
  });
  return [receiptRecord({ commandId, events: events.length, fingerprint: fingerprint ?? null }), ...events];
};

/**
 * `any` becomes the version at hand: the server's own `any` takes a repeated event for a new one once its cache has forgotten the first, a check never does.
 */
export const planAppends = (requests: readonly AppendRequest[], { versions, commands }: NumberedState): AppendPlan => {
  const reached = new Map(versions);
  const versionOf = (id: StreamId): StreamVersion => reached.get(id) ?? streamVersion(0);
  const sent = new Set<CommandId>();
  const checked = new Set<StreamId>();
  const records: RecordToAppend[] = [];
  const outcomes = requests.map((request): PlannedOutcome => {
    const result = commands.get(request.commandId);
    if (result !== undefined) return { kind: 'numbered', result };
    if (sent.has(request.commandId)) return { kind: 'repeats-sent' };
    const conflict = conflictOf(request.entries, versionOf);
    if (conflict !== null) return { kind: 'conflict', conflict };
    if (request.entries.every((entry) => entry.events.length === 0)) return { kind: 'holds' };
    for (const { streamId, expectedVersion, events } of request.entries) {
      if (events.length > 0 || expectedVersion !== 'any') checked.add(streamId);
      reached.set(streamId, streamVersion(versionOf(streamId) + events.length));
    }
    sent.add(request.commandId);
    records.push(...recordsOf(request));
    return { kind: 'sent' };
  });
  const checks = [
    ...[...sent].map((id): StreamCheck => ({ stream: receiptStreamOf(id), revision: 'none' })),
    ...[...checked].map((id): StreamCheck => ({ stream: streamNameOf(id), revision: revisionOf(versions.get(id) ?? 0) })),
  ];
  return { outcomes, records, checks };
};
