import { position, streamVersion, type Clock, type CommandId, type Fact, type Instant, type NewFact, type Position, type StreamId, type StreamVersion } from '@rectrail/kernel';
import type { EventCodec } from './codec.ts';
import { deriveEventId } from './derived-ids.ts';
import { EventStoreError, hasCode } from './errors.ts';
import type { AppendEntry, AppendRequest, AppendResult, EventStore, EventToAppend } from './event-store.ts';
import { StreamLoader } from './stream-loader.ts';
import type { LoadedStream, StagedFact, UnitOfWork, UnitOutcome } from './unit-of-work.ts';

export interface CommandRunnerOptions {
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly clock: Clock;
  /** Streams without a natural end, which are kept decoded and read on from where they were; a whole name or its beginning. */
  readonly cachedStreamPrefixes: readonly string[];
}

export interface RunRequest {
  readonly commandId: CommandId;
  readonly correlationId: string;
  /** Default: the clock. */
  readonly now?: Instant;
  /** A hash of what was asked. Where the command is known to have been carried out with another one, the run is refused with `command-reused`. */
  readonly fingerprint?: string;
}

/** How often a unit is worked anew when another writer was first. */
const conflictRetriesDefault = 3;

/**
 * Load, fold, decide, append: runs a piece of work on streams and appends what it staged, checking that no stream that it
 * read has moved; when one has, the work is done again. `work` may therefore run several times and must do nothing else.
 *
 * @remarks A command carried out before is worked again on the streams as they were before it, at its own instant, so that
 * the caller gets the same answer, and nothing is appended. An If-Match belongs into `work`, which sees each stream's version.
 */
export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #loader: StreamLoader;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
    this.#loader = new StreamLoader(options);
  }

  /** @throws what `work` throws; EventStoreErrors of the store, `stream-version-conflict` after the last retry; `command-reused`. */
  async run<R>(request: RunRequest, work: (unit: UnitOfWork) => Promise<R>, options: { readonly retries?: number } = {}): Promise<UnitOutcome<R>> {
    const retries = options.retries ?? conflictRetriesDefault;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(request, work);
      } catch (error) {
        if (attempt >= retries || !hasCode(error, 'stream-version-conflict')) throw error;
      }
    }
  }

  /** A dry run: everything but the append. `staged` is the number of events that would be written. */
  async preview<R>(request: RunRequest, work: (unit: UnitOfWork) => Promise<R>): Promise<{ readonly result: R; readonly staged: number }> {
    const unit = this.#open(request, request.now ?? this.#options.clock.now(), undefined);
    const result = await work(unit);
    return { result, staged: unit.stagedCount };
  }

  async #attempt<R>(request: RunRequest, work: (unit: UnitOfWork) => Promise<R>): Promise<UnitOutcome<R>> {
    const unit = this.#open(request, request.now ?? this.#options.clock.now(), undefined);
    let result: R;
    try {
      result = await work(unit);
    } catch (refusal) {
      // A repeated command may be refused by the very state that it made; looking only now saves the ordinary command a round trip.
      const earlier = await this.#options.store.findCommand(request.commandId);
      if (earlier === null) throw refusal;
      return this.#repeat(request, work, earlier);
    }
    if (unit.stagedCount === 0) {
      const earlier = await this.#options.store.findCommand(request.commandId);
      return earlier === null ? { result, position: null, versions: await unit.versions(), repeated: false } : this.#repeat(request, work, earlier);
    }
    const appended = await this.#options.store.append(await unit.appendRequest());
    if (appended.repeated) return this.#repeat(request, work, appended);
    return { result, position: appended.last, versions: new Map([...(await unit.versions()), ...appended.versions]), repeated: false };
  }

  async #repeat<R>(request: RunRequest, work: (unit: UnitOfWork) => Promise<R>, earlier: AppendResult): Promise<UnitOutcome<R>> {
    // None is known where a content of it was purged, or the log was restored from a bundle: its id alone tells that it is the same then.
    if (earlier.fingerprint !== null && request.fingerprint !== earlier.fingerprint) {
      throw new EventStoreError('command-reused', `command ${request.commandId} was carried out before with another content. Potential solutions: use a new idempotency key for a new command`);
    }
    const unit = this.#open(request, earlier.recordedAt, position(earlier.first - 1));
    const result = await work(unit);
    return { result, position: earlier.last, versions: new Map([...(await unit.versions()), ...earlier.versions]), repeated: true };
  }

  #open(request: RunRequest, now: Instant, upTo: Position | undefined): RunningUnit {
    return new RunningUnit(request, now, { ...this.#options, load: (ids) => this.#loader.load(ids, upTo) });
  }
}

interface UnitPorts {
  readonly store: EventStore;
  readonly codec: EventCodec;
  load(streamIds: readonly StreamId[]): Promise<ReadonlyMap<StreamId, LoadedStream>>;
}

const noStream: LoadedStream = { facts: [], version: streamVersion(0) };

class RunningUnit implements UnitOfWork {
  readonly commandId: CommandId;
  readonly now: Instant;
  readonly #request: RunRequest;
  readonly #ports: UnitPorts;
  /** By stream, the read that it came with: one promise a round trip, so that a failure is seen by whoever awaits it. */
  readonly #loaded = new Map<StreamId, Promise<ReadonlyMap<StreamId, LoadedStream>>>();
  /** Contents alone: an import stages tens of thousands. */
  readonly #staged = new Map<StreamId, EventToAppend[]>();
  #stagedCount = 0;
  #head: Promise<Position> | undefined;

  constructor(request: RunRequest, now: Instant, ports: UnitPorts) {
    this.commandId = request.commandId;
    this.now = now;
    this.#request = request;
    this.#ports = ports;
  }

  get stagedCount(): number {
    return this.#stagedCount;
  }

  async load(id: StreamId): Promise<LoadedStream> {
    const loaded = (await this.loadMany([id])).get(id);
    if (loaded === undefined) throw new Error(`stream ${id} was asked for and is missing from the answer`);
    return loaded;
  }

  async loadMany(ids: readonly StreamId[]): Promise<ReadonlyMap<StreamId, LoadedStream>> {
    const missing = [...new Set(ids)].filter((id) => !this.#loaded.has(id));
    if (missing.length > 0) {
      const reading = this.#ports.load(missing);
      for (const id of missing) this.#loaded.set(id, reading);
    }
    const result = new Map<StreamId, LoadedStream>();
    for (const id of ids) {
      const { facts, version } = (await this.#loaded.get(id))?.get(id) ?? noStream;
      result.set(id, { facts: this.#staged.has(id) ? [...facts, ...(await this.#provisional(id, version))] : facts, version });
    }
    return result;
  }

  stage(id: StreamId, facts: readonly StagedFact[]): void {
    const staged = this.#staged.get(id) ?? [];
    for (const stagedFact of facts) {
      const fact: NewFact = {
        ...stagedFact, eventId: deriveEventId(this.commandId, this.#stagedCount), commandId: this.commandId, correlationId: this.#request.correlationId,
      };
      staged.push(this.#ports.codec.encode(fact));
      this.#stagedCount += 1;
    }
    if (staged.length > 0) this.#staged.set(id, staged);
  }

  /** Of the store, for every stream that was loaded. */
  async versions(): Promise<Map<StreamId, StreamVersion>> {
    const versions = new Map<StreamId, StreamVersion>();
    for (const [id, reading] of this.#loaded) versions.set(id, (await reading).get(id)?.version ?? streamVersion(0));
    return versions;
  }

  async appendRequest(): Promise<AppendRequest> {
    const versions = await this.versions();
    const written: AppendEntry[] = [...this.#staged].map(([streamId, staged]) => ({ streamId, expectedVersion: versions.get(streamId) ?? 'any', events: staged }));
    const checked: AppendEntry[] = [...versions].filter(([id]) => !this.#staged.has(id)).map(([streamId, expectedVersion]) => ({ streamId, expectedVersion, events: [] }));
    const { fingerprint } = this.#request;
    return { commandId: this.commandId, ...(fingerprint !== undefined && { fingerprint }), entries: [...written, ...checked] };
  }

  async #provisional(id: StreamId, version: number): Promise<Fact[]> {
    this.#head ??= this.#ports.store.head().then((head) => head.position);
    const head = await this.#head;
    return (this.#staged.get(id) ?? []).map(({ type, content }, i) => this.#ports.codec.decode({
      type, content, recordedAt: this.now, streamId: id, streamVersion: streamVersion(version + i + 1), position: position(head + i + 1),
    }));
  }
}
