import { createEventCodec, deriveEventId, type EventCodec, type EventDefinition, type StoredEvent } from '@rectrail/event-store';
import {
  instantOfMs, position, streamVersion,
  type Actor, type Classification, type CommandId, type Day, type Fact, type FuzzyDate, type Instant, type NewFact, type Scope, type Source, type StreamId,
} from '@rectrail/kernel';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { dayAt, dayOfMs } from './dates.ts';
import { drawnSalt, drawnUuid, type Random } from './random.ts';

/** An event as the store would have it, with the command that appended it. */
export interface RecordedEvent extends StoredEvent { readonly commandId: CommandId }

/** Where a stream ends. Whoever writes on it holds this; a stream that is done is forgotten with it. */
export class StreamEnd {
  readonly id: StreamId;
  version = 0;

  constructor(id: StreamId) {
    this.id = id;
  }
}

/** An event about to be recorded; `knownTime` is the instant of recording where none is given. */
export interface Entry<E extends TrackingEvent = TrackingEvent> {
  readonly event: E;
  readonly actor: Actor;
  readonly scope: Scope;
  readonly validTime: FuzzyDate | null;
  readonly knownTime?: Instant;
  readonly source?: Source;
  readonly classification?: Classification;
}

/** The schemas see one event of so many: checking each takes a tenth of all the time, and a spec has all of a small history checked. */
const sampled = (definition: EventDefinition, every: number): EventDefinition => {
  let count = 0;
  return { ...definition, schema: { safeParse: (data) => (count++ % every === 0 ? definition.schema.safeParse(data) : { success: true }) } };
};

export interface JournalOptions {
  readonly random: Random;
  /** One event of so many of each type is checked by its schema. */
  readonly checkEvery: number;
  readonly fromMs: number;
}

/** The log that is being made: numbers, ids, times and contents, as the runner and the store would give them. */
export class Journal {
  readonly #random: Random;
  readonly #codec: EventCodec;
  #batch: RecordedEvent[] = [];
  #position = 0;
  #nowMs: number;
  #now: Instant;
  #commandId: CommandId;
  #index = 0;

  constructor({ random, checkEvery, fromMs }: JournalOptions) {
    this.#random = random;
    this.#codec = createEventCodec(trackingEventDefinitions.map((definition) => sampled(definition, checkEvery)), () => drawnSalt(random));
    this.#nowMs = fromMs;
    this.#now = instantOfMs(fromMs);
    this.#commandId = drawnUuid(random, fromMs) as CommandId;
  }

  get count(): number {
    return this.#position;
  }

  get now(): Instant {
    return this.#now;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Days since 1970-01-01 in the province. */
  get todayNumber(): number {
    return dayOfMs(this.#nowMs);
  }

  get today(): Day {
    return dayAt(this.todayNumber);
  }

  /** Of the command under way. */
  get commandId(): CommandId {
    return this.#commandId;
  }

  /** A clock that never goes back. */
  setClock(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, Math.floor(ms));
    this.#now = instantOfMs(this.#nowMs);
  }

  beginCommand(commandId = drawnUuid(this.#random, this.#nowMs) as CommandId): void {
    this.#commandId = commandId;
    this.#index = 0;
  }

  record<E extends TrackingEvent>(end: StreamEnd, { event, actor, scope, validTime, knownTime, source, classification = 'internal' }: Entry<E>): Fact<E> {
    const commandId = this.#commandId;
    const eventId = deriveEventId(commandId, this.#index);
    const fact: NewFact<E> = {
      actor, classification, commandId, correlationId: commandId, eventId, event, knownTime: knownTime ?? null, scope, validTime, ...(source && { source }),
    };
    const { content, type } = this.#codec.encode(fact);
    this.#index += 1;
    this.#position += 1;
    end.version += 1;
    const stored = { position: position(this.#position), recordedAt: this.#now, streamId: end.id, streamVersion: streamVersion(end.version) };
    this.#batch.push({ ...stored, type, content, commandId });
    return { ...fact, knownTime: knownTime ?? this.#now, ...stored };
  }

  /** Recorded and not yet taken. */
  get pending(): number {
    return this.#batch.length;
  }

  /** What has been recorded since the last time. */
  take(): readonly RecordedEvent[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}
