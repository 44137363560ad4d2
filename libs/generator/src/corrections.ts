import { streamVersion, type Actor, type EventId, type Fact, type FuzzyDate, type Instant } from '@rectrail/kernel';
import { decideRetraction, effectiveDay, inFoldOrder, type FactsRetracted, type RetractionKind, type TrackingEvent } from '@rectrail/tracking-domain';
import type { Task } from './agenda.ts';
import { numberOf, onDayAt } from './dates.ts';
import type { AnyCommand, LiveAggregate } from './live-aggregate.ts';
import { reason } from './texts.ts';
import { inDays, type World } from './world.ts';

/** Of the facts that can be wrong, about two of three: so 3 % of all are corrected. */
const correctedShare = 0.1;
/** Taken back with nothing in their place. */
const withdrawnShare = 0.012;
/** A slip of ours; the others are words that the world changed. */
const inErrorShare = 0.4;
/** Keeps the data of the province in order; judges nobody. */
const steward: Actor = { orgId: null, role: 'administrator', subject: 'data-steward', assurance: 'local-token' };
/** A retraction that was itself wrong. */
const takenBackAgainShare = 0.2;

/** A retraction, with the right fact or without: decided when its day comes, on the streams as they are then, and left where something has been built upon what it names. */
class Correction<S, C extends AnyCommand, E extends TrackingEvent> implements Task {
  readonly #world: World;
  readonly #aggregate: LiveAggregate<S, C, E>;
  readonly #eventIds: readonly EventId[];
  readonly #right: C | null;

  constructor(world: World, aggregate: LiveAggregate<S, C, E>, eventIds: readonly EventId[], right: C | null) {
    this.#world = world;
    this.#aggregate = aggregate;
    this.#eventIds = eventIds;
    this.#right = right;
  }

  run(): void {
    const { random, journal } = this.#world;
    const aggregate = this.#aggregate;
    // An aggregate that is settled has forgotten what was to be corrected.
    if (this.#right !== null && this.#right.on.last < aggregate.settledUntil) return;
    const kind: RetractionKind = random.chance(inErrorShare) ? 'entered-in-error' : 'withdrawn';
    const retraction = decideRetraction({ facts: aggregate.facts, eventIds: this.#eventIds, kind, reason: reason(random), now: journal.now });
    const stated = this.#stated();
    if (!retraction.ok || retraction.events.length === 0 || stated === null) return;
    journal.beginCommand();
    const knownTime = kind === 'entered-in-error' ? this.#knownTime() : null;
    const [retractionId] = aggregate.record(journal, retraction.events, { actor: steward, validTime: null });
    aggregate.record(journal, stated, { actor: steward, validTime: this.#right?.on ?? null, ...(knownTime !== null && { knownTime }) });
    if (this.#right === null && retractionId !== undefined && random.chance(takenBackAgainShare)) this.#takeBackLater(retractionId);
  }

  /** What is right instead, possibly nothing; null where it cannot be, or where something was built upon what is retracted. */
  #stated(): readonly E[] | null {
    const aggregate = this.#aggregate;
    const rest = aggregate.counting().filter((fact) => !this.#eventIds.includes(fact.eventId));
    const right = this.#right;
    if (right === null) return this.#leavesHanging(rest) ? null : [];
    const then = aggregate.foldOf(rest.filter((fact) => effectiveDay(fact) <= right.on.last));
    const decision = aggregate.kind.decide(right, { then, now: aggregate.foldOf(rest), today: this.#world.journal.today, correction: true });
    if (!decision.ok || decision.events.length === 0) return null;
    const [last] = aggregate.facts.slice(-1);
    if (last === undefined) return null;
    const drafts = decision.events.map((event, i): Fact<E> => ({ ...last, event, validTime: right.on, eventId: `draft-${i}` as EventId, streamVersion: streamVersion(last.streamVersion + 1 + i) }));
    return this.#leavesHanging(inFoldOrder([...rest, ...drafts])) ? null : decision.events;
  }

  /** Whether something lacks its need among these facts that has it now. */
  #leavesHanging(facts: readonly Fact<E | FactsRetracted>[]): boolean {
    const { kind } = this.#aggregate;
    const before = new Set(kind.unmet(this.#aggregate.counting()));
    return kind.unmet(facts).some((eventId) => !before.has(eventId));
  }

  /** Of what is replaced: a slip of ours was never known otherwise. */
  #knownTime(): Instant | null {
    const replaced = this.#aggregate.facts.filter((fact) => this.#eventIds.includes(fact.eventId));
    return replaced.reduce<Instant | null>((latest, { knownTime }) => (latest === null || knownTime > latest ? knownTime : latest), null);
  }

  #takeBackLater(retractionId: EventId): void {
    const [world, aggregate] = [this.#world, this.#aggregate];
    const day = inDays(world, world.random.int(2, 20));
    world.agenda.put(day, {
      run: () => {
        const { random, journal } = world;
        const decision = decideRetraction({ facts: aggregate.facts, eventIds: [retractionId], kind: 'entered-in-error', reason: reason(random), now: journal.now });
        if (!decision.ok) return;
        journal.beginCommand();
        aggregate.record(journal, decision.events, { actor: steward, validTime: null });
      },
    });
  }
}

/** Another day, a little before the one told first; or the same. */
const otherDay = ({ random }: World, on: FuzzyDate): FuzzyDate =>
  (random.chance(0.4) ? onDayAt(numberOf(on.last) - random.int(1, 12)) : on);

/** Some commands were given wrongly, and are corrected days or months later; some should not have been given at all. */
export const mayBeWrong = <S, C extends AnyCommand, E extends TrackingEvent>(world: World, aggregate: LiveAggregate<S, C, E>, command: C, eventIds: readonly EventId[]): void => {
  const { random, agenda } = world;
  const kind = random.unit();
  if (kind >= correctedShare + withdrawnShare) return;
  const varied = aggregate.kind.vary(random, command);
  if (varied === null) return;
  // What begins a stream is corrected, not withdrawn: others may lean on it.
  if (kind >= correctedShare && aggregate.facts.length === eventIds.length) return;
  const right = kind < correctedShare ? { ...varied, on: otherDay(world, command.on), by: steward } : null;
  agenda.put(inDays(world, random.longTail(1, 12, 1)), new Correction(world, aggregate, eventIds, right));
};
