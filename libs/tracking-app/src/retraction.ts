import type { StagedFact, UnitOfWork } from '@rectrail/event-store';
import { lastDay, maxInstant, position, streamVersion, type Actor, type EventId, type Fact, type IssueId, type StreamId } from '@rectrail/kernel';
import {
  evolvePlan, foldMeasure, initialPlanState, retractedEventsMax, settledMeasureStates, streams,
  type FactsRetracted, type IssueEvent, type MeasureEvent, type MeasureState, type PlanEvent, type PlanState, type RetractionKind, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { setImmediate } from 'node:timers/promises';
import type { TrackingLookups } from '@rectrail/tracking-read';
import { CommandRejected } from './command-rejected.ts';
import { unmetNeedsOf } from './needs.ts';
import { countingOn, factsOf, type StreamFacts } from './situation.ts';

/** As many as a person goes through. */
const dependentsShown = 100;
/** Streams looked at between two turns of others. */
const streamsPerTurn = 200;

type StagedRetraction = StagedFact & { readonly event: FactsRetracted };

/** The retractions of each stream, ready to be staged. */
export type TakingBack = ReadonlyMap<StreamId, readonly StagedRetraction[]>;

/** They wait for the read models first: what was recorded a moment ago may lean on what is taken back. */
type RetractionLookups = Pick<TrackingLookups, 'dependents' | 'trees'>;

interface Asked {
  readonly named: ReadonlyMap<StreamId, readonly EventId[]>;
  /** What the same append states in place of it. */
  readonly stated: ReadonlyMap<StreamId, readonly StagedFact[]>;
  readonly kind: RetractionKind;
  readonly reason: string;
  readonly withDependents: boolean;
  readonly actor: Actor;
  readonly lookups: RetractionLookups;
}

interface Leaning { readonly from: StreamId; readonly eventId: EventId; readonly type: string }

const retractionOf = (eventIds: readonly EventId[], { reason, kind }: Pick<Asked, 'reason' | 'kind'>): FactsRetracted => ({ type: 'FactsRetracted', data: { eventIds, reason, kind } });

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
  const { commandId, correlationId, recordedAt, scope } = last;
  const retraction: StagedRetraction = { event: retractionOf(eventIds, asked), actor: asked.actor, scope, validTime: null, knownTime: null, classification: 'internal' };
  const drafts: readonly StagedFact[] = [retraction, ...(asked.stated.get(streamId) ?? [])];
  return [...facts, ...drafts.map((draft, i) => ({
    ...draft, event: draft.event as TrackingEvent, eventId: `draft-${i}` as EventId, commandId, correlationId, streamId, recordedAt, knownTime,
    position: position(last.position + 1 + i), streamVersion: streamVersion(last.streamVersion + 1 + i),
  }))];
};

/** What of a stream counts on any day: which of it lacks its need there, and what it brings into being. */
interface Standing { readonly unmet: ReadonlySet<EventId>; readonly beings: ReadonlySet<string> }

const standingOf = (unit: UnitOfWork, streamId: StreamId, facts: Facts): Standing => {
  const counting = countingOn(unit, facts, lastDay);
  return { unmet: new Set(unmetNeedsOf(streamId, counting)), beings: new Set(counting.map(broughtIntoBeing).filter((id) => id !== null)) };
};

interface Consequences { readonly unmet: readonly Leaning[]; readonly lost: readonly string[] }

/** What newly lacks its need in the stream, and what ceases to be. What lacked its need before is not held against the command. */
const consequencesOf = (streamId: StreamId, facts: Facts, before: Standing, after: Standing): Consequences => ({
  unmet: facts.filter(({ eventId }) => after.unmet.has(eventId) && !before.unmet.has(eventId)).map((fact) => ({ from: streamId, eventId: fact.eventId, type: fact.event.type })),
  lost: [...before.beings].filter((id) => !after.beings.has(id)),
});

/** Of what ceases to be in its stream: an organisation may stand in several trees, and ceases to be with the last of them. */
const lostEverywhere = async (
  unit: UnitOfWork, lost: readonly string[], lookups: RetractionLookups, afterOf: (streamId: StreamId) => Promise<Facts>,
): Promise<readonly string[]> => {
  if (!lost.some((ref) => ref.startsWith('organisation-'))) return lost;
  const standing = new Set<string>();
  for (const streamId of (await lookups.trees()).map(streams.organisationTree)) {
    for (const being of standingOf(unit, streamId, await afterOf(streamId)).beings) standing.add(being);
  }
  return lost.filter((ref) => !standing.has(ref));
};

const isOpen = ({ identity, state }: MeasureState): boolean => identity !== null && !settledMeasureStates.has(state);

/** Live facts of these issues that lean on a fact of another stream. */
const ofIssues = async (unit: UnitOfWork, issueIds: readonly IssueId[], leans: (event: IssueEvent | FactsRetracted) => boolean): Promise<readonly Leaning[]> => {
  const leaning: Leaning[] = [];
  for (const issueId of issueIds) {
    const issue = countingOn(unit, await factsOf<IssueEvent>(unit, streams.issue(issueId)), lastDay);
    const found = issue.filter(({ event, source }) => source === undefined && leans(event));
    leaning.push(...found.map((fact) => ({ from: fact.streamId, eventId: fact.eventId, type: fact.event.type })));
  }
  return leaning;
};

/** A completion found the measures of its issue settled: it leans on what settled them. */
const completionsLeaningOn = (unit: UnitOfWork, facts: Facts, after: Facts): Promise<readonly Leaning[]> => {
  // The stream's name says which events it holds, hence the cast; likewise below.
  const measureOf = (of: Facts): MeasureState => foldMeasure(countingOn(unit, of as StreamFacts<MeasureEvent>, lastDay));
  const [was, would] = [measureOf(facts), measureOf(after)];
  return ofIssues(unit, isOpen(was) || !isOpen(would) ? [] : was.issueIds, ({ type }) => type === 'IssueCompletionReported');
};

/** An issue was planned under the plan as issued: it leans on the issuing. */
const planningsLeaningOn = (unit: UnitOfWork, facts: Facts, after: Facts): Promise<readonly Leaning[]> => {
  const planOf = (of: Facts): PlanState => countingOn(unit, of as StreamFacts<PlanEvent>, lastDay).reduce(evolvePlan, initialPlanState);
  const [was, would] = [planOf(facts), planOf(after)];
  const planId = was.identity?.planId;
  return ofIssues(unit, was.issuedFor.filter((id) => !would.issuedFor.includes(id)), ({ type, data }) => type === 'IssuePlanned' && data.planId === planId);
};

const leaningElsewhere = async (unit: UnitOfWork, streamId: StreamId, facts: Facts, after: Facts): Promise<readonly Leaning[]> => {
  if (streamId.startsWith('measure-')) return completionsLeaningOn(unit, facts, after);
  return streamId.startsWith('plan-') ? planningsLeaningOn(unit, facts, after) : [];
};

const builtUpon = (dependents: readonly Leaning[]): CommandRejected =>
  new CommandRejected('built-upon', `${dependents.length} fact(s) build on what is to be retracted; retract them too (withDependents) or first`, {
    extensions: { events: dependents.slice(0, dependentsShown).map(({ from, eventId, type }) => ({ stream: from, eventId, type })) },
  });

/**
 * Retracts what is named, one event a stream (more only beyond what one event holds). Every event of an undone import is named, also one that a later import retracted
 * already: should that retraction fall, the event must not count again.
 *
 * @throws CommandRejected `built-upon` with the facts that need what is named, unless `withDependents` takes them along.
 */
export const decideTakingBack = async (unit: UnitOfWork, asked: Asked): Promise<TakingBack> => {
  const named = new Map<StreamId, Set<EventId>>([...asked.named].map(([streamId, eventIds]) => [streamId, new Set(eventIds)]));
  const afterOf = async (streamId: StreamId): Promise<Facts> =>
    afterwards(await factsOf<TrackingEvent>(unit, streamId), [...(named.get(streamId) ?? [])], asked, streamId);
  const dependents: Leaning[] = [];
  for (let waiting = new Set(named.keys()); waiting.size > 0;) {
    const found: Leaning[] = [];
    const lost: string[] = [];
    let looked = 0;
    for (const streamId of waiting) {
      looked += 1;
      if (looked % streamsPerTurn === 0) await setImmediate();
      const facts = await factsOf<TrackingEvent>(unit, streamId);
      const after = await afterOf(streamId);
      const result = consequencesOf(streamId, facts, standingOf(unit, streamId, facts), standingOf(unit, streamId, after));
      found.push(...result.unmet, ...(await leaningElsewhere(unit, streamId, facts, after)));
      lost.push(...result.lost);
    }
    const gone = await lostEverywhere(unit, lost, asked.lookups, afterOf);
    if (gone.length > 0) found.push(...(await asked.lookups.dependents(gone)));
    waiting = new Set();
    for (const dependent of found) {
      const ofStream = named.get(dependent.from) ?? new Set<EventId>();
      if (ofStream.has(dependent.eventId)) continue;
      named.set(dependent.from, ofStream.add(dependent.eventId));
      waiting.add(dependent.from);
      dependents.push({ from: dependent.from, eventId: dependent.eventId, type: dependent.type });
    }
    if (dependents.length > 0 && !asked.withDependents) throw builtUpon(dependents);
  }
  const retractions = new Map<StreamId, readonly StagedRetraction[]>();
  for (const [streamId, eventIds] of named) {
    const of = (await factsOf<TrackingEvent>(unit, streamId)).find((fact) => eventIds.has(fact.eventId));
    const parts = Array.from({ length: Math.ceil(eventIds.size / retractedEventsMax) }, (_, i) => [...eventIds].slice(i * retractedEventsMax, (i + 1) * retractedEventsMax));
    retractions.set(streamId, parts.map((part) => ({
      event: retractionOf(part, asked), actor: asked.actor, scope: of?.scope ?? { orgId: asked.actor.orgId }, validTime: null, knownTime: null, classification: 'internal',
    })));
  }
  return retractions;
};

/**
 * Runs `replace`, which takes facts of these streams back and states others, and refuses the whole where it leaves something without
 * what it needs.
 *
 * @throws CommandRejected `built-upon`
 */
export const withNothingLeftHanging = async <R>(unit: UnitOfWork, streamIds: readonly StreamId[], lookups: RetractionLookups, replace: () => Promise<R>): Promise<R> => {
  const before = new Map<StreamId, Facts>();
  for (const streamId of streamIds) before.set(streamId, await factsOf<TrackingEvent>(unit, streamId));
  const result = await replace();
  const left: Leaning[] = [];
  const lost: string[] = [];
  for (const [streamId, facts] of before) {
    const after = await factsOf<TrackingEvent>(unit, streamId);
    const consequences = consequencesOf(streamId, after, standingOf(unit, streamId, facts), standingOf(unit, streamId, after));
    left.push(...consequences.unmet, ...(await leaningElsewhere(unit, streamId, facts, after)));
    lost.push(...consequences.lost);
  }
  const gone = await lostEverywhere(unit, lost, lookups, (streamId) => factsOf<TrackingEvent>(unit, streamId));
  if (gone.length > 0) left.push(...(await lookups.dependents(gone)));
  if (left.length > 0) throw builtUpon(left);
  return result;
};
