import { streamVersion, type Actor, type EventId, type Fact, type FuzzyDate, type Instant } from '@rectrail/kernel';
import { decideRetraction, effectiveDay, type FactsRetracted, type RetractionKind, type TrackingEvent } from '@rectrail/tracking-domain';
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

type Facts<E extends TrackingEvent> = readonly Fact<E | FactsRetracted>[];

/** Events as the steward's next facts of the aggregate, `skipped` others before them: to see what they would come to. */
const drafts = <E extends TrackingEvent>({ facts }: { readonly facts: Facts<E> }, events: readonly (E | FactsRetracted)[], validTime: FuzzyDate | null, skipped = 0): Facts<E> => {
  const [first] = facts;
  if (first === undefined) return [];
  const next = facts.length + skipped + 1;
  return events.map((event, i) => ({ ...first, actor: steward, event, validTime, eventId: `draft-${next + i}` as EventId, streamVersion: streamVersion(next + i) }));
};

/** None where it cannot be: the aggregate is settled, and with its facts it has forgotten what builds upon what. */
const retractionOf = <S, C extends AnyCommand, E extends TrackingEvent>(
  { random, journal }: World, { facts, settledUntil }: LiveAggregate<S, C, E>, eventIds: readonly EventId[], kind: RetractionKind,
): readonly FactsRetracted[] => {
  if (settledUntil !== '') return [];
  const decision = decideRetraction({ facts, eventIds, kind, reason: reason(random), now: journal.now });
  return decision.ok ? decision.events : [];
};

/** Whether something would lack its need that has it now: it was built upon what is retracted, or upon the retraction. */
const leavesHanging = <S, C extends AnyCommand, E extends TrackingEvent>(aggregate: LiveAggregate<S, C, E>, more: Facts<E>): boolean => {
  const before = new Set(aggregate.kind.unmet(aggregate.counting()));
  return aggregate.kind.unmet(aggregate.counting(more)).some((eventId) => !before.has(eventId));
};

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
    const kind: RetractionKind = random.chance(inErrorShare) ? 'entered-in-error' : 'withdrawn';
    const retractions = retractionOf(this.#world, aggregate, this.#eventIds, kind);
    const stated = retractions.length > 0 ? this.#stated(retractions) : null;
    if (stated === null) return;
    journal.beginCommand();
    const knownTime = kind === 'entered-in-error' ? this.#knownTime() : null;
    const [retractionId] = aggregate.record(journal, retractions, { actor: steward, validTime: null });
    aggregate.record(journal, stated, { actor: steward, validTime: this.#right?.on ?? null, ...(knownTime !== null && { knownTime }) });
    if (this.#right === null && retractionId !== undefined && random.chance(takenBackAgainShare)) this.#takeBackLater(retractionId);
  }

  /** What is right instead, possibly nothing; null where it cannot be. */
  #stated(retractions: readonly FactsRetracted[]): readonly E[] | null {
    const aggregate = this.#aggregate;
    const right = this.#right;
    const retracted = drafts(aggregate, retractions, null);
    if (right === null) return leavesHanging(aggregate, retracted) ? null : [];
    const rest = aggregate.counting(retracted);
    const then = aggregate.foldOf(rest.filter((fact) => effectiveDay(fact) <= right.on.last));
    const decision = aggregate.kind.decide(right, { then, now: aggregate.foldOf(rest), today: this.#world.journal.today, correction: true });
    if (!decision.ok || decision.events.length === 0) return null;
    return leavesHanging(aggregate, [...retracted, ...drafts(aggregate, decision.events, right.on, retracted.length)]) ? null : decision.events;
  }

  /** Of what is replaced: a slip of ours was never known otherwise. */
  #knownTime(): Instant | null {
    const replaced = this.#aggregate.facts.filter((fact) => this.#eventIds.includes(fact.eventId));
    return replaced.reduce<Instant | null>((latest, { knownTime }) => (latest === null || knownTime > latest ? knownTime : latest), null);
  }

  #takeBackLater(retractionId: EventId): void {
    const [world, aggregate] = [this.#world, this.#aggregate];
    world.agenda.put(inDays(world, world.random.int(2, 20)), {
      run: () => {
        const retractions = retractionOf(world, aggregate, [retractionId], 'entered-in-error');
        if (retractions.length === 0 || leavesHanging(aggregate, drafts(aggregate, retractions, null))) return;
        world.journal.beginCommand();
        aggregate.record(world.journal, retractions, { actor: steward, validTime: null });
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
