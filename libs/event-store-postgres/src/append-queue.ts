import { instantOfMs, position, streamVersion, type CommandId } from '@rectrail/kernel';
import { EventStoreError, type AppendRequest, type AppendResult } from '@rectrail/event-store';
import { Batch, eachOutcome, eachParams, expectedNumber, type BatchPart, type EachRow, type KnownStreams } from './append-batch.ts';
import type { AppendConnection } from './append-connection.ts';
import { numberedSingles, singleOf, singlesParams, singlesResults } from './append-singles.ts';
import { isStale } from './postgres-errors.ts';

export interface AppendQueueOptions {
  readonly connections: readonly AppendConnection[];
  readonly known: KnownStreams;
  readonly findCommand: (commandId: CommandId) => Promise<AppendResult | null>;
  readonly onAppended: () => void;
}

interface Pending {
  readonly request: AppendRequest;
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Caps of one merged call: they bound what neighbours wait for each other, and the memory of one message. */
const batchEventsMax = 500;
const batchBytesMax = 4 << 20;
/** Appends waiting in this process; beyond them the store is refused rather than memory filled. */
const waitingMax = 20_000;

const partOf = (request: AppendRequest): BatchPart => ({
  entries: request.entries, command: { commandId: request.commandId, fingerprint: request.fingerprint ?? null, eventsBefore: 0 },
});

/** Group commit: appends that wait at the same time go in one call, so that they share the lane and its one flush; a stale one does not harm its neighbours. */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #free: AppendConnection[];
  #waiting: Pending[] = [];
  #scheduled = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
    this.#free = [...options.connections];
  }

  append(request: AppendRequest, size: { readonly events: number; readonly bytes: number }): Promise<AppendResult> {
    if (this.#waiting.length >= waitingMax) return Promise.reject(new EventStoreError('event-store-unavailable', `${waitingMax} appends are waiting already. Potential solutions: try again later`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, ...size, resolve, reject });
      this.#schedule();
    });
  }

  /** Looked at once the callers of this turn have all come, so that they go together. */
  #schedule(): void {
    if (this.#scheduled || this.#free.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const connection = this.#waiting.length > 0 ? this.#free.pop() : undefined;
      if (connection === undefined) return;
      void this.#send(connection, this.#take()).finally(() => {
        this.#free.push(connection);
        if (this.#waiting.length > 0) this.#schedule();
      });
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #take(): readonly Pending[] {
    let count = 0;
    let events = 0;
    let bytes = 0;
    for (const pending of this.#waiting) {
      events += pending.events;
      bytes += pending.bytes;
      if (count > 0 && (events > batchEventsMax || bytes > batchBytesMax)) break;
      count += 1;
    }
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }

  async #send(connection: AppendConnection, group: readonly Pending[]): Promise<void> {
    try {
      const agreed = (await this.#one(connection, group)) ?? (await this.#singles(connection, group)) ?? (await this.#merged(connection, group));
      const outcomes = agreed ?? (await this.#each(connection, group));
      this.#options.onAppended();
      group.forEach(({ request, resolve, reject }, i) => {
        const outcome = outcomes[i] ?? null;
        if (outcome === null) this.#repeated(request.commandId).then(resolve, reject);
        else if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async #repeated(commandId: CommandId): Promise<AppendResult> {
    const earlier = await this.#options.findCommand(commandId);
    if (earlier === null) throw new Error(`command ${commandId} is known to the log and cannot be read back`);
    return earlier;
  }

  async #one(connection: AppendConnection, [first, ...others]: readonly Pending[]): Promise<AppendResult[] | null> {
    const single = first === undefined || others.length > 0 ? null : singleOf(first.request);
    if (single === null) return null;
    const { request, entry, event } = single;
    const { commandId, fingerprint = null } = request;
    const { known } = this.#options;
    const no = known.get(entry.streamId)?.no ?? null;
    const rows = await unlessStale(() =>
      connection.call('append_one', [commandId, fingerprint, no, no === null ? entry.streamId : null, expectedNumber(entry.expectedVersion), event.type, event.content]));
    const [at, recordedMs, streamNo, version] = (rows?.[0] ?? [null]) as [number | null, number, number, number];
    if (at === null) return null;
    known.set(entry.streamId, { no: streamNo, version });
    const where = position(at);
    return [{ first: where, last: where, recordedAt: instantOfMs(recordedMs), versions: new Map([[entry.streamId, streamVersion(version)]]), repeated: false, fingerprint }];
  }

  async #singles(connection: AppendConnection, group: readonly Pending[]): Promise<AppendResult[] | null> {
    const singles = numberedSingles(group.map((p) => p.request), this.#options.known);
    const rows = singles === null ? null : await unlessStale(() => connection.call('append_singles', singlesParams(singles)));
    if (singles === null || rows === null) return null;
    const [headBefore, recordedMs] = rows[0] as [number, number];
    for (const { entry, no, expected } of singles) this.#options.known.set(entry.streamId, { no, version: expected + 1 });
    return singlesResults(singles, headBefore, recordedMs);
  }

  async #merged(connection: AppendConnection, group: readonly Pending[]): Promise<AppendResult[] | null> {
    const batch = Batch.of(group.map((p) => partOf(p.request)));
    return batch === null ? null : sendBatch(connection, batch, this.#options.known, null);
  }

  async #each(connection: AppendConnection, group: readonly Pending[]): Promise<ReturnType<typeof eachOutcome>[]> {
    const rows = await connection.call('append_each', eachParams(group.map((p) => p.request)));
    return group.map(({ request }, i) => {
      const row = rows[i];
      if (row === undefined) throw new Error(`append_each answered ${rows.length} rows for ${group.length} appends`);
      return eachOutcome(request, row as unknown as EachRow);
    });
  }
}

const unlessStale = async <T>(call: () => Promise<T>): Promise<T | null> => {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && isStale(error.cause)) return null;
    throw error;
  }
};

/** Null where a version differs or a command is repeated: nothing was written then. */
export const sendBatch = async (connection: AppendConnection, batch: Batch, known: KnownStreams, recordedMs: number | null): Promise<AppendResult[] | null> => {
  const rows = await unlessStale(() => connection.call('append_batch', batch.params(known, recordedMs)));
  if (rows === null) return null;
  const [headBefore, ms, streamNos, versions] = rows[0] as [number | null, number, number[], number[]];
  if (headBefore === null) return null;
  batch.streams.forEach((stream, i) => {
    const no = streamNos[i];
    if (no !== undefined) known.set(stream.id, { no, version: (versions[i] ?? 0) + stream.events });
  });
  return batch.results(headBefore, ms, versions);
};
