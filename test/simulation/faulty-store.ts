import {
  EventStoreError, follow, MemoryEventStore, MemoryLog, Wake, type AllSlice, type AppendRequest, type AppendResult, type EventStore, type Head, type LogIdentity,
  type ReadAllOptions, type ReadStreamOptions, type StreamSlice, type SubscribeOptions,
} from '@rectrail/event-store';
import { instantOfMs, position, streamVersion, type CommandId, type Position, type StreamId } from '@rectrail/kernel';
import type { Bug } from './bugs.ts';
import type { SimulatedProcess, Timeline } from './virtual-time.ts';

const startMs = Date.UTC(2026, 0, 1);
/** Should the word of a new event be lost, ms. */
const pollMs = 500;

/** The one database of events that all processes share. */
export class SharedLog extends MemoryLog {
  override readonly identity: LogIdentity = { logId: '00000000-0000-8000-8000-000000000001', epoch: 1 };
  readonly wakes = new Set<() => void>();
}

const unavailable = (): Error => new EventStoreError('event-store-unavailable', 'no answer came');
const unknown = (): Error => new EventStoreError('append-outcome-unknown', 'no answer came to the append');

const unchecked = (request: AppendRequest): AppendRequest => ({ ...request, entries: request.entries.map((entry) => ({ ...entry, expectedVersion: 'any' })) });

/** The memory store behind a network, as one process has it. */
export class FaultyEventStore implements EventStore {
  readonly #process: SimulatedProcess;
  readonly #log: SharedLog;
  readonly #inner: MemoryEventStore;
  readonly #bug: Bug | null;
  readonly #wake = new Wake();

  constructor(process: SimulatedProcess, log: SharedLog, bug: Bug | null) {
    this.#process = process;
    this.#log = log;
    this.#bug = bug;
    const { timeline } = process;
    // A clock that is set back now and then; recordedAt must not follow it.
    this.#inner = new MemoryEventStore({ now: () => instantOfMs(startMs + timeline.now - (timeline.chance(0.1) ? timeline.random.int(1, 5_000) : 0)) }, log);
    log.wakes.add(() => { if (!timeline.chance(0.1)) process.after(timeline.delay(), () => { this.#wake.notify(); }); });
  }

  get capabilities(): EventStore['capabilities'] { return this.#inner.capabilities; }

  identity(): Promise<LogIdentity> { return this.#read('identity', () => this.#inner.identity()); }
  head(): Promise<Head> { return this.#read('head', () => this.#inner.head()); }
  findCommand(commandId: CommandId): Promise<AppendResult | null> { return this.#read('findCommand', () => this.#inner.findCommand(commandId)); }
  readStream(id: StreamId, options?: ReadStreamOptions): Promise<StreamSlice> { return this.#read(`readStream ${id}`, () => this.#inner.readStream(id, options)); }
  readAll(options?: ReadAllOptions): Promise<AllSlice> { return this.#read(`readAll ${options?.after ?? 0}`, () => this.#inner.readAll(options)); }

  readStreams(ids: readonly StreamId[], upTo?: Position): Promise<ReadonlyMap<StreamId, StreamSlice>> {
    return this.#read(`readStreams ${ids.join(' ')}`, () => this.#inner.readStreams(ids, upTo));
  }

  subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice> {
    return follow({ readAll: (o) => this.readAll(o), wake: this.#wake, pollMs, pageEventsMax: this.capabilities.pageEventsMax }, options);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    const asked = this.#bug === 'version check skipped' ? unchecked(request) : request;
    if (this.#bug === 'acknowledged before commit') return this.#promise(asked);
    return this.#process.call(`append ${request.commandId.slice(0, 8)}`, () => this.#commit(asked), { failure: unknown, mayRepeat: true });
  }

  close(): Promise<void> { return this.#inner.close(); }

  async #commit(request: AppendRequest): Promise<AppendResult> {
    const result = await this.#inner.append(request);
    for (const wake of this.#log.wakes) wake();
    return result;
  }

  /** What an append will come to if nothing comes between, told at once; it is carried out some time later, unless the process has been killed by then. */
  async #promise(request: AppendRequest): Promise<AppendResult> {
    const { position: head } = await this.head();
    const last = request.entries.reduce((sum, { events }) => sum + events.length, Number(head));
    this.#process.after(this.#process.timeline.delay(), () => { this.#commit(request).catch(() => undefined); });
    return {
      first: position(head + 1), last: position(last), recordedAt: instantOfMs(startMs + this.#process.timeline.now), repeated: false,
      fingerprint: request.fingerprint ?? null,
      // The runner always names the version that it read.
      versions: new Map(request.entries.map(({ streamId, expectedVersion, events }) => [streamId, streamVersion(Number(expectedVersion) + events.length)])),
    };
  }

  #read<T>(what: string, read: () => Promise<T>): Promise<T> {
    return this.#process.call(what, read, { failure: unavailable });
  }
}

/** Its first subscription leaves out the event behind the checkpoint. */
export class SkippingEventStore extends FaultyEventStore {
  #isFirst = true;

  override subscribeAll(options: SubscribeOptions): AsyncIterable<AllSlice> {
    const { after = position(0) } = options;
    const skips = this.#isFirst && after > 0;
    this.#isFirst = false;
    return super.subscribeAll({ ...options, after: skips ? position(after + 1) : after });
  }
}

export const clockOf = (timeline: Timeline): { now: () => ReturnType<typeof instantOfMs> } => ({ now: () => instantOfMs(startMs + timeline.now) });
