import { position, streamVersion, type CommandId, type Position, type StreamId } from '@rectrail/kernel';
import {
  checkAppend, EventStoreError, follow, hashedContent, StoreLifetime, Wake, type AllSlice, type AppendRequest, type AppendResult, type EventStore,
  type EventStoreCapabilities, type Head, type LogIdentity, type ReadAllOptions, type ReadStreamOptions, type StoredEvent, type StreamSlice, type SubscribeOptions,
} from '@rectrail/event-store';
import { AppendQueue } from './append-queue.ts';
import { migrate, numberingSchema, type Database, type Leadership } from './database.ts';
import { KurrentClientLog } from './kurrent-client-log.ts';
import type { KurrentLog } from './kurrent-log.ts';
import { LogContents } from './log-contents.ts';
import { Numbering } from './numbering.ts';
import { sequence } from './sequencer.ts';
import { checkEnds, checkServer, checkTruncation, openIdentity } from './start-checks.ts';
import { commandOfReceiptStream, onlyReceipts, streamIdOf, streamNameOf } from './stream-names.ts';

export interface KurrentEventStoreOptions {
  /** `kurrentdb://…` or `kurrentdb+discover://…`; or the log itself. */
  readonly log: string | KurrentLog;
  /** Holds the numbering. */
  readonly database: Database;
  /** Over the same database. */
  readonly leadership: Leadership;
  /** Why numbering or following does not go on; it is tried again. */
  readonly onFailure: (error: unknown) => void;
  /** The server's MaxAppendSize, bytes; default 1 MiB, as the server's. */
  readonly appendBytesMax?: number;
  /** How long an append that is written waits for its number, ms; default 30,000. */
  readonly numberingTimeoutMs?: number;
  /** Longest sleep of a follower when no notification arrives, ms; default 1,000. */
  readonly pollMs?: number;
}

const mebibyte = 1 << 20;
const numberingTimeoutMsDefault = 30_000;
/** What the server counts of a record besides its data and type: the property that tells the format. Its form may grow. */
const recordOverheadBytes = 100;
/** Data of a receipt, its name and type. */
const receiptBytes = 300;

const bytesOf = (request: AppendRequest, contents: number): number =>
  request.entries.reduce((sum, { events }) => events.reduce((ofEntry, { type }) => ofEntry + type.length + recordOverheadBytes, sum), contents + receiptBytes);

/** The server takes these and no others as names of types. */
const typeForm = /^[a-zA-Z0-9_.-]+$/;

/** Refuses what the server cannot hold as it is, before it is sent. */
const checkNames = ({ entries }: AppendRequest): void => {
  for (const { streamId, events } of entries) {
    if (streamIdOf(streamNameOf(streamId)) !== streamId) throw new EventStoreError('append-invalid', `${JSON.stringify(streamId)} is no name for a stream: it is not well-formed Unicode`);
    for (const { type } of events) if (!typeForm.test(type)) throw new EventStoreError('append-invalid', `${JSON.stringify(type)} is no name for a type of events in KurrentDB`);
  }
};

const capabilitiesOf = (requestBytesMax: number): EventStoreCapabilities => {
  const contents = requestBytesMax - receiptBytes - recordOverheadBytes - 200;
  return { eventBytesMax: contents, appendBytesMax: contents, appendEventsMax: Math.floor(requestBytesMax / 256), pageEventsMax: 2_000, purges: false };
};

/**
 * The event store on a KurrentDB cluster: the server keeps the contents, checks versions and commands, and orders; one sequencer among all processes numbers
 * its log without gaps in PostgreSQL. What is not numbered is not seen by any reader (docs/adr/0017-kurrentdb.md).
 */
export class KurrentEventStore implements EventStore {
  readonly capabilities: EventStoreCapabilities;
  /** As the server described itself at the start. */
  readonly serverVersion: string;
  readonly #log: KurrentLog;
  readonly #identity: LogIdentity;
  readonly #numbering: Numbering;
  readonly #contents: LogContents;
  readonly #queue: AppendQueue;
  readonly #wake = new Wake();
  readonly #listener: ReturnType<Database['listen']>;
  readonly #sequencing: Promise<void>;
  readonly #lifetime = new StoreLifetime();
  /** Later than closing: what is under way waits to be numbered. */
  readonly #sequencerStop = new AbortController();
  readonly #requestBytesMax: number;
  readonly #pollMs: number;

  /**
   * Connects, checks the server and what it still holds, brings the schema of the numbering to its newest version, and waits until all is numbered that the
   * log holds by now: a numbering that is made anew takes its time.
   *
   * @throws KurrentStoreRefused for a server that is too old, another log than the numbering's, or streams that were deleted or truncated; EventStoreError
   *   `event-store-unavailable` where numbering does not go on
   */
  static async open(options: KurrentEventStoreOptions): Promise<KurrentEventStore> {
    const log = typeof options.log === 'string' ? KurrentClientLog.connect(options.log) : options.log;
    const { database } = options;
    let store: KurrentEventStore | undefined;
    try {
      const serverVersion = await checkServer(log);
      await migrate(database);
      const identity = await openIdentity(log, database);
      const numbering = new Numbering(database);
      await checkEnds(log, numbering);
      await checkTruncation(log, database, numbering);
      store = new KurrentEventStore(options, { log, numbering, identity, serverVersion });
      await store.#caughtUp(options.numberingTimeoutMs ?? numberingTimeoutMsDefault);
      return store;
    } catch (error) {
      await (store ?? log).close();
      throw error;
    }
  }

  private constructor(options: KurrentEventStoreOptions, opened: { log: KurrentLog; numbering: Numbering; identity: LogIdentity; serverVersion: string }) {
    const { database, leadership, onFailure, appendBytesMax = mebibyte, numberingTimeoutMs = numberingTimeoutMsDefault, pollMs = 1_000 } = options;
    const { log, numbering } = opened;
    this.serverVersion = opened.serverVersion;
    this.capabilities = capabilitiesOf(appendBytesMax);
    this.#requestBytesMax = appendBytesMax;
    this.#pollMs = pollMs;
    this.#log = log;
    this.#identity = opened.identity;
    this.#numbering = numbering;
    this.#contents = new LogContents(log);
    this.#queue = new AppendQueue({ log, numbering, wake: this.#wake, requestBytesMax: appendBytesMax, numberingTimeoutMs });
    this.#listener = database.listen(numberingSchema, () => { this.#wake.notify(); });
    this.#sequencing = sequence({ log, numbering, leadership, wake: this.#wake, onFailure }, this.#sequencerStop.signal);
  }

  identity(): Promise<LogIdentity> {
    return Promise.resolve(this.#identity);
  }

  head(): Promise<Head> {
    return this.#lifetime.run(() => this.#numbering.head());
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#lifetime.run(() => {
      const size = checkAppend(request, this.capabilities);
      checkNames(request);
      const bytes = bytesOf(request, size.bytes);
      if (bytes > this.#requestBytesMax) throw new EventStoreError('append-too-large', `the append has ${bytes} bytes as KurrentDB counts them, the server takes ${this.#requestBytesMax}`);
      return this.#queue.append(request, { events: size.events, bytes });
    });
  }

  findCommand(commandId: CommandId): Promise<AppendResult | null> {
    return this.#lifetime.run(async () => (await this.#numbering.commands([commandId])).get(commandId) ?? null);
  }

  readStream(streamId: StreamId, options: ReadStreamOptions = {}): Promise<StreamSlice> {
    return this.#lifetime.run(async () => {
      const { events, version } = await this.#numbering.stream(streamId, options);
      return { events: await this.#contents.read(events), version };
    });
  }

  readStreams(streamIds: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, StreamSlice>> {
    return this.#lifetime.run(async () => {
      const slices = new Map<StreamId, StoredEvent[]>(streamIds.map((id) => [id, []]));
      for (const event of await this.#contents.read(await this.#numbering.streams(streamIds, upTo))) slices.get(event.streamId)?.push(event);
      return new Map([...slices].map(([id, events]) => [id, { events, version: events.at(-1)?.streamVersion ?? streamVersion(0) }]));
    });
  }

  readAll(options: ReadAllOptions = {}): Promise<AllSlice> {
    const { pageEventsMax } = this.capabilities;
    const limit = Math.min(Math.max(options.limit ?? pageEventsMax, 1), pageEventsMax);
    return this.#lifetime.run(async () => {
      const { events, scannedTo } = await this.#numbering.page(options.after ?? position(0), limit, options.filter);
      const read = await this.#contents.read(events);
      return { events: options.contents === 'hashed' ? read.map(hashedContent) : read, scannedTo };
    });
  }

  subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice> {
    this.#lifetime.assertOpen();
    const source = { readAll: (o: ReadAllOptions) => this.readAll(o), wake: this.#wake, pollMs: this.#pollMs, pageEventsMax: this.capabilities.pageEventsMax };
    return follow(source, { ...options, signal: AbortSignal.any([options.signal, this.#lifetime.signal]) });
  }

  /** What has begun is finished first. */
  async close(): Promise<void> {
    if (!(await this.#lifetime.close())) return;
    this.#sequencerStop.abort();
    await Promise.all([this.#listener.close(), this.#sequencing]);
    await this.#log.close();
  }

  /** Gives up once nothing was numbered for so long. */
  async #caughtUp(silenceMsMax: number): Promise<void> {
    const receipt = await this.#log.last({ streamPattern: onlyReceipts });
    const command = receipt === null ? null : commandOfReceiptStream(receipt.stream);
    if (command === null) return;
    for (let reached = -1, movedAt = performance.now(); ;) {
      const { ticket } = this.#wake;
      if ((await this.#numbering.commands([command])).has(command)) return;
      const { position: head } = await this.#numbering.head();
      if (head > reached) [reached, movedAt] = [head, performance.now()];
      if (performance.now() - movedAt > silenceMsMax) {
        throw new EventStoreError('event-store-unavailable', `the log of KurrentDB is numbered up to position ${head} and no further. Potential solutions: see what was logged before; docs/how-to/kurrentdb.md`);
      }
      await this.#wake.wait(ticket, this.#lifetime.signal, this.#pollMs);
    }
  }
}
