import { effectiveDay, isPurge, isRetraction, countingOnAnyDay, type ContentPurged } from '@rectrail/tracking-domain';
import { lastInstant, position, streamVersion, type Classification, type Day, type EventId, type Fact, type OrgId, type Position, type StreamVersion } from '@rectrail/kernel';
import type { Contract, Folded, State } from './contracts/contract.ts';
import type { Audience } from './message.ts';
import type { StreamSubjects } from './subjects.ts';

/** Everything recorded, known by then or not: messages are cut by position alone, and a fold is never given what comes after. */
export const noCut = { atPosition: position(Number.MAX_SAFE_INTEGER), knownAt: lastInstant };

export const isFitFor = (audience: Audience, classification: Classification): boolean =>
  classification === 'public' || (classification === 'internal' && audience === 'internal');

/** One subject, folded as far as it has been given facts. */
export class SubjectFold {
  readonly subject: string;
  readonly owner: OrgId | null;
  /** In stream order, retractions with them; only what the audience may hear of. */
  facts: Fact[] = [];
  readonly #contract: Contract;
  #folded: Folded;
  #lastDay: Day | null = null;
  /** A fact came before the end of the fold order, or took some away: the fold is made anew when it is asked for. */
  #stale = false;
  #existed = false;
  #told: { readonly state: State | null } | null = null;

  constructor(contract: Contract, subject: string, owner: OrgId | null) {
    this.#contract = contract;
    this.subject = subject;
    this.owner = owner;
    this.#folded = contract.initial;
  }

  /** Whether it exists or ever did: before, there is nothing to tell. */
  get existed(): boolean {
    return this.#existed;
  }

  /** Of its last message. */
  get position(): Position {
    return this.facts.at(-1)?.position ?? position(0);
  }

  get state(): State | null {
    if (this.#stale) this.#foldAnew();
    this.#told ??= { state: this.#contract.tell(this.#folded) };
    return this.#told.state;
  }

  apply(fact: Fact): void {
    this.facts.push(fact);
    this.#told = null;
    if (isRetraction(fact) || isPurge(fact)) {
      this.#stale = true;
      if (isPurge(fact)) this.#purge(fact);
      return;
    }
    // What has just been recorded counts, so a subject exists from its first fact that gives existence alone.
    this.#existed ||= this.#contract.tell(this.#contract.fold(this.#contract.initial, fact)) !== null;
    if (this.#stale) return;
    const day = effectiveDay(fact);
    if (this.#lastDay !== null && day < this.#lastDay) this.#stale = true;
    else this.#take(fact, day);
  }

  /** How many of its facts have one of these ids. */
  holds(eventIds: ReadonlySet<EventId>): number {
    return this.facts.reduce((held, { eventId }) => (eventIds.has(eventId) ? held + 1 : held), 0);
  }

  /** Whoever was told of what is gone is told so, though nothing that is left says that the subject ever existed. */
  #purge({ event: { data } }: Fact<ContentPurged>): void {
    this.facts = this.facts.filter(({ eventId }) => eventId !== data.eventId);
    this.#existed = true;
  }

  #take(fact: Fact, day: Day): void {
    this.#folded = this.#contract.fold(this.#folded, fact);
    this.#lastDay = day;
  }

  #foldAnew(): void {
    this.#folded = this.#contract.initial;
    this.#lastDay = null;
    for (const fact of countingOnAnyDay(this.facts, noCut)) this.#take(fact, effectiveDay(fact));
    this.#stale = false;
  }
}

/** A subject that a fact changed; `retracts` counts the facts of it that a retraction names. */
export interface Changed { readonly fold: SubjectFold; readonly retracts: number }

const nothing: readonly Changed[] = [];

/**
 * All subjects of one stream for one audience, fed with the stream's facts in order. A retraction counts for an audience that has heard of
 * something it names, whatever its own classification: who was told a fact is told that it no longer counts.
 */
export class StreamFold {
  readonly of: StreamSubjects;
  readonly #audience: Audience;
  readonly #subjects = new Map<string, SubjectFold>();
  #version = streamVersion(0);
  #kept = 0;

  constructor(of: StreamSubjects, audience: Audience) {
    this.of = of;
    this.#audience = audience;
  }

  /** Of the last fact seen, fit or not. */
  get version(): StreamVersion {
    return this.#version;
  }

  get factsKept(): number {
    return this.#kept;
  }

  get subjects(): Iterable<SubjectFold> {
    return this.#subjects.values();
  }

  apply(fact: Fact): readonly Changed[] {
    this.#version = fact.streamVersion;
    if (isRetraction(fact)) return this.#retract(fact, new Set(fact.event.data.eventIds));
    const subject = isFitFor(this.#audience, fact.classification) ? this.of.subjectOf(fact) : null;
    if (subject === null) return nothing;
    let fold = this.#subjects.get(subject);
    if (fold === undefined) {
      fold = new SubjectFold(this.of.contract, subject, this.of.ownerOf(fact));
      this.#subjects.set(subject, fold);
    }
    this.#give(fold, fact);
    return [{ fold, retracts: 0 }];
  }

  /** The same stream up to an earlier version, from the facts kept. */
  asOf(version: StreamVersion): StreamFold {
    const earlier = new StreamFold(this.of, this.#audience);
    const facts = [...new Set([...this.#subjects.values()].flatMap((subject) => subject.facts))].sort((a, b) => a.streamVersion - b.streamVersion);
    for (const fact of facts) if (fact.streamVersion <= version) earlier.apply(fact);
    earlier.#version = version;
    return earlier;
  }

  #retract(fact: Fact, named: ReadonlySet<EventId>): readonly Changed[] {
    const changed: Changed[] = [];
    for (const fold of this.#subjects.values()) {
      const retracts = fold.holds(named);
      if (retracts === 0) continue;
      this.#give(fold, fact);
      changed.push({ fold, retracts });
    }
    return changed;
  }

  #give(fold: SubjectFold, fact: Fact): void {
    fold.apply(fact);
    this.#kept += 1;
  }
}
