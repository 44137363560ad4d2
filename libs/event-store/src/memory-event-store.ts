import { maxInstant, position, streamVersion, type Clock, type CommandId, type Instant, type Position, type StreamId, type StreamVersion } from '@rectrail/kernel';
import { randomUUID } from 'node:crypto';
import { checkAppend } from './append-check.ts';
import { EventStoreError, ExpectedVersionConflict } from './errors.ts';
import type {
  AllSlice, AppendEntry, AppendRequest, AppendResult, EventFilter, EventStore, EventStoreCapabilities, Head, LogIdentity, ReadAllOptions, ReadStreamOptions, StoredEvent,
  StreamSlice, SubscribeOptions,
} from './event-store.ts';
import { follow, Wake } from './follow.ts';
import { contentSha256, hashedContent } from './leaf.ts';
import { contentPurged, isPurged, purgeTargetOf, type PurgeTarget } from './purge.ts';

const matches = (event: StoredEvent, filter: EventFilter | undefined): boolean =>
  (filter?.types === undefined || filter.types.includes(event.type))
  && (filter?.streamPrefix === undefined || event.streamId.startsWith(filter.streamPrefix))
  && (filter?.first !== true || event.streamVersion === 1);

const versionAt = (events: readonly StoredEvent[], upTo: Position | undefined): StreamVersion =>
  streamVersion(upTo === undefined ? events.length : events.findLastIndex((e) => e.position <= upTo) + 1);

/** What a memory store keeps; given to a second one, it is as a database that two processes share. */
export class MemoryLog {
  readonly identity: LogIdentity = { logId: randomUUID(), epoch: 1 };
  readonly events: StoredEvent[] = [];
  readonly streams = new Map<StreamId, StoredEvent[]>();
  readonly commands = new Map<CommandId, AppendResult>();
  readonly wake = new Wake();
}

/** The store without a database: the model that adapters are held against, and the store of specs. One process, gone with it. */
export class MemoryEventStore implements EventStore {
  readonly capabilities: EventStoreCapabilities = { eventBytesMax: 4 << 20, appendBytesMax: 512 << 20, appendEventsMax: 200_000, pageEventsMax: 5_000, purges: true };
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  readonly #closing = new AbortController();

  constructor(clock: Clock, log: MemoryLog = new MemoryLog()) {
    this.#clock = clock;
    this.#log = log;
  }

  // The methods are async so that what they throw arrives as a rejection, as with every other adapter.
  /* eslint-disable @typescript-eslint/require-await */
  async identity(): Promise<LogIdentity> {
    return this.#log.identity;
  }

  async head(): Promise<Head> {
    this.#assertOpen();
    return { position: position(this.#log.events.length), recordedAt: this.#log.events.at(-1)?.recordedAt ?? null };
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    this.#assertOpen();
    checkAppend(request, this.capabilities);
    const earlier = this.#log.commands.get(request.commandId);
    if (earlier !== undefined) return { ...earlier, repeated: true };
    this.#checkVersions(request);
    const targets = request.entries.flatMap((entry) => this.#purgeTargets(entry));
    const result = this.#write(request);
    for (const target of targets) this.#drop(target);
    return result;
  }

  async findCommand(commandId: CommandId): Promise<AppendResult | null> {
    this.#assertOpen();
    const earlier = this.#log.commands.get(commandId);
    return earlier === undefined ? null : { ...earlier, repeated: true };
  }

  async readStream(streamId: StreamId, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    this.#assertOpen();
    const whole = this.#log.streams.get(streamId) ?? [];
    const version = versionAt(whole, options.upTo);
    const known = whole.slice(0, version);
    const { from, limit } = options;
    const events = options.direction === 'backwards' ? known.slice(0, from ?? version).reverse() : known.slice(Math.max(0, (from ?? 1) - 1));
    return { events: events.slice(0, limit), version };
  }

  async readStreams(streamIds: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, StreamSlice>> {
    const slices = await Promise.all(streamIds.map(async (id) => [id, await this.readStream(id, upTo === undefined ? {} : { upTo })] as const));
    return new Map(slices);
  }

  async readAll(options: ReadAllOptions = {}): Promise<AllSlice> {
    this.#assertOpen();
    const after = options.after ?? position(0);
    const limit = Math.min(Math.max(options.limit ?? this.capabilities.pageEventsMax, 1), this.capabilities.pageEventsMax);
    const events: StoredEvent[] = [];
    let scanned = after;
    for (let i = after; i < this.#log.events.length && events.length < limit; i++) {
      const event = this.#log.events[i];
      if (event === undefined) break;
      if (matches(event, options.filter)) events.push(event);
      scanned = event.position;
    }
    return { events: options.contents === 'hashed' ? events.map(hashedContent) : events, scannedTo: scanned };
  }

  subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice> {
    this.#assertOpen();
    const source = { readAll: (o: ReadAllOptions) => this.readAll(o), wake: this.#log.wake, pollMs: 60_000, pageEventsMax: this.capabilities.pageEventsMax };
    return follow(source, { ...options, signal: AbortSignal.any([options.signal, this.#closing.signal]) });
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
  /* eslint-enable @typescript-eslint/require-await */

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new EventStoreError('event-store-unavailable', 'the event store is closed');
  }

  #checkVersions(request: AppendRequest): void {
    for (const { streamId, expectedVersion } of request.entries) {
      const actual = streamVersion(this.#log.streams.get(streamId)?.length ?? 0);
      if (expectedVersion !== 'any' && actual !== (expectedVersion === 'none' ? 0 : expectedVersion)) throw new ExpectedVersionConflict(streamId, expectedVersion, actual);
    }
  }

  #purgeTargets({ streamId, events }: AppendEntry): readonly PurgeTarget[] {
    return events.filter(({ type }) => type === contentPurged).map(({ content }) => {
      const target = purgeTargetOf(content);
      const found = this.#log.events[target.position - 1];
      const fits = found?.streamId === streamId && found.type !== contentPurged && !isPurged(found) && contentSha256(found) === target.contentSha256;
      if (!fits) throw new EventStoreError('append-invalid', `position ${target.position} holds no content of stream ${streamId} with the hash ${target.contentSha256}`);
      return target;
    });
  }

  #drop({ position: at, contentSha256: hash }: PurgeTarget): void {
    const event = this.#log.events[at - 1];
    if (event === undefined) return;
    const purged: StoredEvent = { ...event, content: '', contentSha256: hash };
    this.#log.events[at - 1] = purged;
    this.#log.streams.get(event.streamId)?.splice(event.streamVersion - 1, 1, purged);
    for (const [commandId, command] of this.#log.commands) if (command.first <= at && at <= command.last) this.#log.commands.set(commandId, { ...command, fingerprint: null });
  }

  #write(request: AppendRequest): AppendResult {
    const recordedAt = this.#nextInstant();
    const first = position(this.#log.events.length + 1);
    const versions = new Map<StreamId, StreamVersion>();
    for (const { streamId, events } of request.entries) {
      if (events.length === 0) continue;
      const stream = this.#log.streams.get(streamId) ?? [];
      this.#log.streams.set(streamId, stream);
      for (const { type, content } of events) {
        const stored: StoredEvent = { position: position(this.#log.events.length + 1), recordedAt, streamId, streamVersion: streamVersion(stream.length + 1), type, content };
        stream.push(stored);
        this.#log.events.push(stored);
      }
      versions.set(streamId, streamVersion(stream.length));
    }
    const result: AppendResult = { first, last: position(this.#log.events.length), recordedAt, versions, repeated: false, fingerprint: request.fingerprint ?? null };
    if (versions.size > 0) {
      this.#log.commands.set(request.commandId, result);
      this.#log.wake.notify();
    }
    return result;
  }

  #nextInstant(): Instant {
    const now = this.#clock.now();
    const last = this.#log.events.at(-1)?.recordedAt;
    return last === undefined ? now : maxInstant(last, now);
  }
}
