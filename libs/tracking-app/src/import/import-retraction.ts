import type { StagedFact, UnitOfWork } from '@rectrail/event-store';
import { lastDay, maxInstant, position, streamVersion, type Actor, type EventId, type Fact, type StreamId } from '@rectrail/kernel';
import type { FactsRetracted, TrackingEvent } from '@rectrail/tracking-domain';
import { setImmediate } from 'node:timers/promises';
import type { TrackingLookups } from '@rectrail/tracking-read';
import { CommandRejected } from '../command-rejected.ts';
import { unmetNeedsOf } from '../needs.ts';
import { countingOn, factsOf, type StreamFacts } from '../situation.ts';

/** As many as a person goes through. */
const dependentsShown = 100;
/** Streams looked at between two turns of others. */
const streamsPerTurn = 200;

/** The retraction of each stream, ready to be staged. */
export type TakingBack = ReadonlyMap<StreamId, readonly StagedFact[]>;

interface Asked {
  readonly named: ReadonlyMap<StreamId, readonly EventId[]>;
  /** What the same append states in place of it. */
  readonly stated: ReadonlyMap<StreamId, readonly StagedFact[]>;
  readonly reason: string;
  readonly withDependents: boolean;
  readonly actor: Actor;
  /** Waits for the read models first: what was recorded a moment ago may lean on what is taken back. */
  dependents(refs: readonly string[]): ReturnType<TrackingLookups['dependents']>;
}

interface Leaning { readonly from: StreamId; readonly eventId: EventId; readonly type: string }

const retractionOf = (eventIds: readonly EventId[], reason: string): FactsRetracted => ({ type: 'FactsRetracted', data: { eventIds, reason, kind: 'entered-in-error' } });

const beginnings: ReadonlySet<TrackingEvent['type']> = new Set<TrackingEvent['type']>([
  'InspectionOpened', 'PlanDrafted', 'IssueRegistered', 'MeasurePlanned', 'MeasureStated', 'IrregularFundsIdentified', 'FundsRecovered', 'FundsReturned', 'ReportPublished', 'MetricDefined',
]);

/** What a fact brings into being, so that other streams may lean on it: its stream, or the organisation. */
const broughtIntoBeing = ({ event, streamId }: Fact<TrackingEvent>): string | null => {
  if (event.type === 'OrgRegistered') return `organisation-${event.data.orgId}`;
  return beginnings.has(event.type) ? streamId : null;
};

/** Facts of one stream. */
type Facts = StreamFacts<TrackingEvent>;

/** The stream as it would be after the append. */
const afterwards = (facts: Facts, eventIds: readonly EventId[], asked: Asked, streamId: StreamId): Facts => {
  const last = facts.at(-1);
  if (last === undefined) return facts;
  const knownTime = facts.reduce((latest, fact) => maxInstant(latest, fact.recordedAt), last.recordedAt);
  const drafts = [{ event: retractionOf(eventIds, asked.reason), validTime: null, source: undefined }, ...(asked.stated.get(streamId) ?? [])];
  return [...facts, ...drafts.map((draft, i) => ({
    ...last, event: draft.event as TrackingEvent, validTime: draft.validTime, eventId: `draft-${i}` as EventId, knownTime,
    position: position(last.position + 1 + i), streamVersion: streamVersion(last.streamVersion + 1 + i),
  }))];
};

const beings = (facts: Facts): ReadonlySet<string> => new Set(facts.map(broughtIntoBeing).filter((id) => id !== null));

interface Consequences { readonly unmet: readonly Leaning[]; readonly lost: readonly string[] }

/** What one stream's retraction leaves without its need in that stream, and what ceases to be. */
const consequences = async (unit: UnitOfWork, streamId: StreamId, eventIds: readonly EventId[], asked: Asked): Promise<Consequences> => {
  const facts = await factsOf<TrackingEvent>(unit, streamId);
  const before = countingOn(unit, facts, lastDay);
  const after = countingOn(unit, afterwards(facts, eventIds, asked, streamId), lastDay);
  const unmetBefore = new Set(unmetNeedsOf(streamId, before));
  const unmet = unmetNeedsOf(streamId, after).filter((id) => !unmetBefore.has(id));
  const beingAfter = beings(after);
  return {
    unmet: facts.filter((fact: Fact) => unmet.includes(fact.eventId)).map((fact) => ({ from: streamId, eventId: fact.eventId, type: fact.event.type })),
    lost: [...beings(before)].filter((id) => !beingAfter.has(id)),
  };
};

/**
 * Retracts what is named, one event a stream, kind `entered-in-error`. Every event of an undone import is named, also one that a
 * later import retracted already: should that retraction fall, the event must not count again.
 *
 * @throws CommandRejected `built-upon` with the facts that need what is named, unless `withDependents` takes them along.
 */
export const decideTakingBack = async (unit: UnitOfWork, asked: Asked): Promise<TakingBack> => {
  const named = new Map<StreamId, Set<EventId>>([...asked.named].map(([streamId, eventIds]) => [streamId, new Set(eventIds)]));
  const dependents: Leaning[] = [];
  for (let waiting = new Set(named.keys()); waiting.size > 0;) {
    const found: Leaning[] = [];
    const lost: string[] = [];
    let looked = 0;
    for (const streamId of waiting) {
      looked += 1;
      if (looked % streamsPerTurn === 0) await setImmediate();
      const result = await consequences(unit, streamId, [...(named.get(streamId) ?? [])], asked);
      found.push(...result.unmet);
      lost.push(...result.lost);
    }
    if (lost.length > 0) found.push(...(await asked.dependents(lost)));
    waiting = new Set();
    for (const dependent of found) {
      const ofStream = named.get(dependent.from) ?? new Set<EventId>();
      if (ofStream.has(dependent.eventId)) continue;
      named.set(dependent.from, ofStream.add(dependent.eventId));
      waiting.add(dependent.from);
      dependents.push({ from: dependent.from, eventId: dependent.eventId, type: dependent.type });
    }
    if (dependents.length > 0 && !asked.withDependents) {
      throw new CommandRejected('built-upon', `${dependents.length} fact(s) build on what is to be retracted; retract them too (withDependents) or first`, {
        extensions: { events: dependents.slice(0, dependentsShown) },
      });
    }
  }
  const retractions = new Map<StreamId, readonly StagedFact[]>();
  for (const [streamId, eventIds] of named) {
    const [of] = await factsOf<TrackingEvent>(unit, streamId);
    retractions.set(streamId, [{
      event: retractionOf([...eventIds], asked.reason), actor: asked.actor, scope: of?.scope ?? { orgId: asked.actor.orgId }, validTime: null, knownTime: null, classification: 'internal',
    }]);
  }
  return retractions;
};

