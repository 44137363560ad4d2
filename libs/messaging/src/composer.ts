import { contentPurged, EventStoreError, hasCode, hashedUuid, isPurged, withContent, type EventCodec, type EventStore, type StoredEvent } from '@rectrail/event-store';
import { firstInstantOf, position, streamVersion, type Classification, type Day, type EventId, type Fact, type Instant, type Position, type StreamId } from '@rectrail/kernel';
import { isPurge, isRetraction } from '@rectrail/tracking-domain';
import { onTold } from './contracts/contract.ts';
import { verbOf } from './contracts/verbs.ts';
import { FoldCache } from './fold-cache.ts';
import { audiences, type Audience, type Message, type MessageSlice } from './message.ts';
import { typeOf } from './message-types.ts';
import type { Selection } from './selection.ts';
import { isFitFor, StreamFold, type Changed } from './subject-fold.ts';
import { subjectsOf, type StreamSubjects } from './subjects.ts';

/** What is kept folded for each audience. `severalFactsMax`: of streams that hold several subjects (trees, the calendar), apart from the others and on top of them. */
export interface FoldLimits { readonly streamsMax: number; readonly factsMax: number; readonly severalFactsMax: number }

/** A stretch of the log without gaps, but for streams that tell of nothing selected: `events` are those in (after, scannedTo]. */
export interface Stretch { readonly events: readonly StoredEvent[]; readonly after: Position; readonly scannedTo: Position }

export interface ComposeOptions {
  readonly audience: Audience;
  readonly selection: Selection;
  /** Events told at most; the stretch ends after the last of them. */
  readonly limit: number;
}

/** An event of the stretch, and whether it is to be told. */
interface Entry { readonly fact: Fact; readonly of: StreamSubjects; readonly candidate: boolean }

/** `after`: what the streams are read up to. */
interface Reading { readonly entries: readonly Entry[]; readonly audience: Audience; readonly after: Position }

/** Of what stands at a position no message can be made; what stands before it is told. */
class Unreadable extends Error {
  readonly position: Position;

  constructor(at: Position, cause: unknown) {
    const isNamed = cause instanceof Error && hasCode(cause, 'event-undecodable');
    super('unreadable', { cause: isNamed ? cause : new EventStoreError('event-undecodable', `no message can be made of the event at position ${at}`, { cause }) });
    this.position = at;
  }
}

/** @throws Unreadable instead of whatever is thrown, after `onFailure`. */
const readingAt = <T>(at: Position, read: () => T, onFailure?: () => void): T => {
  try {
    return read();
  } catch (cause) {
    onFailure?.();
    throw new Unreadable(at, cause);
  }
};

/** Days whose first instant is kept; some thirty years. */
const daysKeptMax = 10_000;

/** The first instant of a day in the zone, remembered: time zones are slow to ask. */
const firstInstants = (zone: string): ((day: Day) => Instant) => {
  const known = new Map<Day, Instant>();
  return (day) => {
    const kept = known.get(day);
    if (kept !== undefined) return kept;
    if (known.size >= daysKeptMax) known.clear();
    const first = firstInstantOf(zone, day);
    known.set(day, first);
    return first;
  };
};

/**
 * Makes messages of events. Nothing that a message holds depends on what has been read before: the folds kept only spare reading a stream
 * again, and one that has come further than the event at hand is not used.
 */
export class Composer {
  readonly #store: EventStore;
  readonly #codec: EventCodec;
  readonly #firstInstant: (day: Day) => Instant;
  readonly #single: Readonly<Record<Audience, FoldCache>>;
  /** A cache of their own: they are few, long and seldom written, so all the others would drive them out, and reading a tree again takes a tenth of a second. */
  readonly #several: Readonly<Record<Audience, FoldCache>>;
  readonly #purgesEveryMs: number;
  #purgesDueMs = 0;
  /** Up to where the log was looked through for purges; null while no fold is kept. */
  #purgesTo: Position | null = null;
  /** Grows with what is forgotten. */
  #forgotten = 0;

  constructor(options: { readonly store: EventStore; readonly codec: EventCodec; readonly zone: string; readonly limits: FoldLimits; readonly purgesEveryMs: number }) {
    this.#store = options.store;
    this.#codec = options.codec;
    this.#firstInstant = firstInstants(options.zone);
    this.#purgesEveryMs = options.purgesEveryMs;
    const { limits } = options;
    const ofSeveral = { ...limits, factsMax: limits.severalFactsMax };
    this.#single = { public: new FoldCache(limits), internal: new FoldCache(limits) };
    this.#several = { public: new FoldCache(ofSeveral), internal: new FoldCache(ofSeveral) };
  }

  /** Ends before an event that cannot be read. @throws EventStoreError `event-undecodable` where that is the first one of the stretch. */
  async compose(stretch: Stretch, options: ComposeOptions): Promise<MessageSlice> {
    try {
      return await this.#composeAll(stretch, options);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const scannedTo = position(error.position - 1);
      const events = stretch.events.filter(({ position: at }) => at <= scannedTo);
      if (scannedTo === stretch.after) throw error.cause;
      return this.compose({ ...stretch, events, scannedTo }, options);
    }
  }

  /** @throws Unreadable */
  async #composeAll({ events, after, scannedTo }: Stretch, { audience, selection, limit }: ComposeOptions): Promise<MessageSlice> {
    const forgotten = this.#forgotten;
    await this.#forgetPurged();
    const { entries, end } = this.#entriesOf(events, { audience, selection, limit });
    const firsts = firstsOf(entries, (streamId, of) => this.#cacheOf(of, audience).get(streamId));
    const reached = await this.#reached(firsts, { entries, audience, after });
    // From here on nothing waits, so that no other reader moves a fold while this one does.
    const folds = new Map([...firsts].map(([streamId, first]) => [streamId, foldBefore(first, reached.get(streamId), audience)]));
    const messages: Message[] = [];
    for (const { fact, of, candidate } of entries) {
      messages.push(...readingAt(fact.position, () => {
        const changes = folds.get(fact.streamId)?.apply(fact) ?? [];
        if (!candidate) return [];
        const told = changes.filter(({ fold }) => fold.existed && selection.owner(fold.owner));
        return told.map((change) => this.#message(fact, of, change, audience));
        // It may have taken the fact in by half: at once, before another reader meets it.
      }, () => { this.#forget(fact.streamId); }));
    }
    // One that was forgotten meanwhile must not come back.
    if (forgotten === this.#forgotten) for (const [streamId, fold] of folds) this.#cacheOf(fold.of, audience).keep(streamId, fold);
    return { messages, scannedTo: end ?? scannedTo };
  }

  /** A fold that stands before a purge holds what is gone, for whoever reads there again: it is forgotten, soon after the purge was recorded, though nobody has read that far. */
  async #forgetPurged(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.#purgesDueMs) return;
    this.#purgesDueMs = nowMs + this.#purgesEveryMs;
    if (this.#purgesTo === null) {
      this.#purgesTo = (await this.#store.head()).position;
      this.#forgotten += 1;
      return;
    }
    for (let after: Position; ;) {
      after = this.#purgesTo;
      const { events, scannedTo } = await this.#store.readAll({ after, filter: { types: [contentPurged] } });
      for (const { streamId } of events) this.#forget(streamId);
      this.#forgotten += events.length;
      this.#purgesTo = scannedTo;
      if (scannedTo === after) return;
    }
  }

  #forget(streamId: StreamId): void {
    for (const cache of [...Object.values(this.#single), ...Object.values(this.#several)]) cache.forget(streamId);
  }

  #cacheOf({ several }: StreamSubjects, audience: Audience): FoldCache {
    return (several ? this.#several : this.#single)[audience];
  }

  /** A whole stream up to a position; nothing of it is kept. */
  folded(events: readonly StoredEvent[], of: StreamSubjects, audience: Audience): StreamFold {
    const fold = new StreamFold(of, audience);
    for (const event of withContent(events)) fold.apply(this.#codec.decode(event));
    return fold;
  }

  /** The events of streams that tell of a selected noun; `end` is the position of the last one where more candidates follow than were asked for. */
  #entriesOf(events: readonly StoredEvent[], { audience, selection, limit }: ComposeOptions): { readonly entries: readonly Entry[]; readonly end: Position | null } {
    const entries: Entry[] = [];
    const known = new Map<StreamId, StreamSubjects | null>();
    let candidates = 0;
    for (const event of events) {
      let of = known.get(event.streamId);
      if (of === undefined) {
        of = subjectsOf(event.streamId);
        known.set(event.streamId, of);
      }
      if (of === null || isPurged(event) || !selection.noun(of.contract.noun)) continue;
      const { fact, candidate } = readingAt(event.position, () => {
        const decoded = this.#codec.decode(event);
        return { fact: decoded, candidate: isCandidate(decoded, of, audience, selection) };
      });
      if (candidate && candidates === limit) return { entries, end: entries.at(-1)?.fact.position ?? null };
      if (candidate) candidates += 1;
      entries.push({ fact, of, candidate });
    }
    return { entries, end: null };
  }

  /** The fold of each stream, come as far as its first event at hand or further: from the cache, else read; all reads are one. */
  async #reached(firsts: ReadonlyMap<StreamId, Entry>, { entries, audience, after }: Reading): Promise<ReadonlyMap<StreamId, StreamFold>> {
    const folds = new Map<StreamId, StreamFold>();
    const missing = new Map<StreamId, StreamSubjects>();
    for (const [streamId, { fact, of }] of firsts) {
      if (fact.streamVersion === 1) continue;
      const kept = this.#cacheOf(of, audience).get(streamId);
      if (kept !== undefined && kept.version >= fact.streamVersion - 1) folds.set(streamId, kept);
      else missing.set(streamId, of);
    }
    if (missing.size === 0) return folds;
    const slices = await this.#store.readStreams([...missing.keys()], after);
    for (const [streamId, of] of missing) {
      const told = entries.find(({ fact, candidate }) => candidate && fact.streamId === streamId)?.fact.position ?? position(after + 1);
      folds.set(streamId, readingAt(told, () => this.folded(slices.get(streamId)?.events ?? [], of, audience)));
    }
    return folds;
  }

  #message(fact: Fact, of: StreamSubjects, { fold, retracts }: Changed, audience: Audience): Message {
    const verb = verbOf(fact.event.type) ?? '';
    const isFit = isFitFor(audience, fact.classification);
    return {
      position: fact.position,
      id: idOf(fact, of, fold.subject),
      type: typeOf(of.contract, verb),
      noun: of.contract.noun,
      subject: fold.subject,
      time: fact.validTime === null ? null : this.#firstInstant(fact.validTime.last),
      recordedAt: fact.recordedAt,
      correlationId: fact.correlationId,
      causationId: fact.causationId ?? null,
      classification: isFit ? audienceOf(fact.classification) : audience,
      orgId: fold.owner,
      data: {
        change: { name: verb, on: onTold(fact.validTime), byOrgId: isFit ? fact.actor.orgId : null, retracts, ...(isPurge(fact) && { purges: fact.event.data.eventId }) },
        state: fold.state,
      },
    };
  }
}

/** The first event at hand of each stream of which something is told, or whose fold is kept and stands right before it; another stream is read when something is told of it. */
const firstsOf = (entries: readonly Entry[], kept: (streamId: StreamId, of: StreamSubjects) => StreamFold | undefined): ReadonlyMap<StreamId, Entry> => {
  const told = new Set(entries.flatMap(({ fact, candidate }) => (candidate ? [fact.streamId] : [])));
  const firsts = new Map<StreamId, Entry>();
  const seen = new Set<StreamId>();
  for (const entry of entries) {
    const { streamId, streamVersion: version } = entry.fact;
    if (seen.has(streamId)) continue;
    seen.add(streamId);
    if (told.has(streamId) || kept(streamId, entry.of)?.version === version - 1) firsts.set(streamId, entry);
  }
  return firsts;
};

/** The fold of a stream before its first event at hand; one that has come further, for another reader, is left as it is. */
const foldBefore = ({ fact, of }: Entry, reached: StreamFold | undefined, audience: Audience): StreamFold => {
  const before = streamVersion(fact.streamVersion - 1);
  const fold = reached ?? new StreamFold(of, audience);
  return fold.version === before ? fold : fold.asOf(before);
};

/** The classification of a fact that is fit for somebody. */
const audienceOf = (classification: Classification): Audience => audiences.find((audience) => audience === classification) ?? 'internal';

/** A retraction in a stream of several subjects makes a message for each that it changes, so the event's id alone would not tell them apart. */
const idOf = (fact: Fact, { several }: StreamSubjects, subject: string): EventId =>
  // A UUID like every event's id.
  several && isRetraction(fact) ? hashedUuid('rectrail.message/1', fact.eventId, subject) as EventId : fact.eventId;

/** Whether the event may make a message that is selected; what only a fold can tell is asked afterwards. */
const isCandidate = (fact: Fact, of: StreamSubjects, audience: Audience, selection: Selection): boolean => {
  const verb = verbOf(fact.event.type);
  if (verb === null || !selection.type(typeOf(of.contract, verb))) return false;
  if (isRetraction(fact)) return of.several || selection.owner(of.ownerOf(fact));
  return isFitFor(audience, fact.classification) && selection.owner(of.ownerOf(fact));
};
