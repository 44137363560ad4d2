import type { UnitOfWork } from '@rectrail/event-store';
import { maxInstant, type EventId, type Fact, type StreamId } from '@rectrail/kernel';
import { decideRetraction, wire, type RetractionKind, type TrackingEvent } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted } from '../aggregate.ts';
import { targetId } from '../body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { checkVersion } from '../if-match.ts';
import { requireJurisdiction, treeToday } from '../organisations.ts';
import { decideTakingBack, withNothingLeftHanging } from '../retraction.ts';
import { factsOf } from '../situation.ts';

const kinds = ['withdrawn', 'entered-in-error'] as const satisfies readonly RetractionKind[];
const eventIds = z.array(wire.uuidOf<EventId>()).min(1).max(wire.listItemsMax);
const kind = z.enum(kinds).default('withdrawn').describe('withdrawn: the world changed its word, what was known before stays; entered-in-error: a slip of ours, it was never so');

interface Named { readonly eventIds: readonly EventId[]; readonly kind: RetractionKind; readonly reason: string }
type FactsByStream = ReadonlyMap<StreamId, readonly Fact<TrackingEvent>[]>;

/**
 * It would count again beside those that were made since, however many there may be, and without its keys: what ends a subscription is not taken back.
 * @throws CommandRejected `subscription-deleted`
 */
const requireNoSubscriptionBack = (retracted: readonly Fact<TrackingEvent>[], facts: readonly Fact<TrackingEvent>[]): void => {
  const created = facts.find(({ event }) => event.type === 'SubscriptionCreated')?.eventId;
  const ends = ({ event }: Fact<TrackingEvent>): boolean =>
    event.type === 'SubscriptionDeleted' || (event.type === 'FactsRetracted' && created !== undefined && event.data.eventIds.includes(created));
  if (retracted.some(ends)) throw new CommandRejected('subscription-deleted', 'a subscription that is gone does not come back; make a new one');
};

/** The facts that are named and not yet retracted in this way, by stream. */
const namedFacts = async (context: CommandContext, unit: UnitOfWork, named: Named, pointer: string): Promise<FactsByStream> => {
  const streamOf = await context.lookups.streamsOf(named.eventIds);
  const unknown = named.eventIds.flatMap((id, i) => (streamOf.has(id) ? [] : [{ pointer: `${pointer}/${i}`, code: 'unknown-event', detail: `there is no event ${id}` }]));
  if (unknown.length > 0) throw new CommandRejected('unknown-event', `${unknown.length} of the events named do not exist`, { errors: unknown });
  const found = new Map<StreamId, readonly Fact<TrackingEvent>[]>();
  const tree = await treeToday(context, unit);
  for (const [streamId, ids] of Map.groupBy(named.eventIds, (id) => streamOf.get(id))) {
    if (streamId === undefined) continue;
    const facts = await factsOf<TrackingEvent>(unit, streamId);
    // Before anything is said of them, also of those that are retracted already.
    for (const orgId of new Set(facts.filter((fact) => ids.includes(fact.eventId)).map((fact) => fact.scope.orgId))) requireJurisdiction(context, tree, orgId);
    // What a stream itself needs is looked at together with the other streams, in retraction.ts.
    const events = accepted(decideRetraction({ ...named, facts, eventIds: ids, now: unit.now }));
    const toRetract = new Set(events.flatMap(({ data }) => data.eventIds));
    const ofStream = facts.filter((fact) => toRetract.has(fact.eventId));
    requireNoSubscriptionBack(ofStream, facts);
    if (ofStream.length > 0) found.set(streamId, ofStream);
  }
  return found;
};

const idsByStream = (facts: FactsByStream): ReadonlyMap<StreamId, readonly EventId[]> =>
  new Map([...facts].map(([streamId, ofStream]) => [streamId, ofStream.map((fact) => fact.eventId)]));

const firstStream = async (context: CommandContext, named: readonly EventId[]): Promise<StreamId> => {
  const [stream] = (await context.lookups.streamsOf(named.slice(0, 1))).values();
  if (stream === undefined) throw new CommandRejected('unknown-event', `there is no event ${named[0]}`);
  return stream;
};

const retract = defineCommand({
  name: 'RetractFacts',
  path: '/retractions',
  summary: 'Retract facts; If-Match is the version of the stream of the first',
  body: z.strictObject({ eventIds, kind, reason: wire.freeText, withDependents: z.boolean().default(false).describe('Take along what builds on them') }),
  ifMatch: 'optional',
  stream: null,
  execute: async (context, unit, target, body): Promise<CommandResult> => {
    const named = await namedFacts(context, unit, body, '/eventIds');
    const stream = await firstStream(context, body.eventIds);
    await checkVersion(unit, stream, target.ifMatch);
    const { reason, withDependents } = body;
    const { actor, lookups } = context;
    const takingBack = await decideTakingBack(unit, {
      named: idsByStream(named), stated: new Map(), kind: body.kind, reason, withDependents, actor, lookups,
    });
    const tree = await treeToday(context, unit);
    for (const [streamId, retractions] of takingBack) {
      for (const { scope } of retractions) requireJurisdiction(context, tree, scope.orgId);
      unit.stage(streamId, retractions);
    }
    const retracted = [...takingBack].flatMap(([of, staged]) => staged.map(({ event }) => ({ stream: of, eventIds: event.data.eventIds })));
    return { id: unit.commandId, created: false, stream, location: null, extra: { retracted } };
  },
});

/** What begins a stream, and how the command that makes it calls the id (`newId`), which is also the beginning of the stream's name. */
const beginnings: ReadonlyMap<string, string> = new Map([
  ['InspectionOpened', 'inspection'], ['PlanDrafted', 'plan'], ['IssueRegistered', 'issue'], ['MeasurePlanned', 'measure'], ['IrregularFundsIdentified', 'funds-case'], ['MetricDefined', 'metric'],
]);

/** Ids of what these facts began: the right fact is about the same thing. */
const idsBegun = (facts: readonly Fact<TrackingEvent>[]): ReadonlyMap<string, string> => new Map(facts.flatMap(({ event, streamId }): readonly (readonly [string, string])[] => {
  if (event.type === 'OrgRegistered') return [['organisation', event.data.orgId]];
  const purpose = beginnings.get(event.type);
  return purpose === undefined ? [] : [[purpose, streamId.slice(purpose.length + 1)]];
}));

/** The context of the command that states the right fact in place of `replaced`. */
const correcting = (context: CommandContext, replaced: readonly Fact<TrackingEvent>[], kindOfIt: RetractionKind): CommandContext => {
  const begun = idsBegun(replaced);
  const [first] = replaced;
  const knownTime = replaced.map((fact) => fact.knownTime).reduce<Fact['knownTime'] | null>((latest, at) => (latest === null ? at : maxInstant(latest, at)), null);
  return {
    ...context,
    correction: { on: first?.validTime ?? null, knownTime: kindOfIt === 'entered-in-error' ? knownTime : null },
    newId: (purpose) => begun.get(purpose) ?? context.newId(purpose),
  };
};

/** The rows that act on recorded facts; a correction may carry any command of the table that `named` finds. */
export const retractionCommands = (named: (name: string) => CommandDefinition | null): readonly CommandDefinition[] => [retract, defineCommand({
  name: 'CorrectFacts',
  path: '/corrections',
  summary: 'Retract facts and state the right one in the same append; If-Match is the version of the stream of the first',
  body: z.strictObject({
    retract: eventIds,
    kind,
    reason: wire.freeText,
    command: z.strictObject({ name: z.string(), target: targetId, body: z.record(z.string(), z.unknown()).default({}) })
      .describe('States the right fact; without `on` it takes effect as the first fact retracted did'),
  }),
  ifMatch: 'required',
  stream: null,
  execute: async (context, unit, target, body) => {
    const definition = named(body.command.name);
    if (definition === null || (definition.stream !== null) !== (body.command.target !== undefined)) {
      throw new CommandRejected('unknown-command', 'no command has this name and needs this target', { errors: [{ pointer: '/command', code: 'unknown-command', detail: `no such command: ${body.command.name}` }] });
    }
    const facts = await namedFacts(context, unit, { ...body, eventIds: body.retract }, '/retract');
    const first = await firstStream(context, body.retract);
    if (definition.ifMatch === 'required' && definition.stream?.(body.command.target ?? '') !== first) {
      throw new CommandRejected('precondition-required', `${definition.name} judges a resource of which If-Match says nothing: the first fact retracted must be one of its own`, {
        errors: [{ pointer: '/retract/0', code: 'precondition-required', detail: 'If-Match speaks of the stream of this fact' }],
      });
    }
    await checkVersion(unit, first, target.ifMatch);
    if (facts.size === 0) throw new CommandRejected('already-retracted', 'the facts named are retracted already: state the right one by itself');
    const replaced = body.retract.flatMap((id) => [...facts.values()].flat().filter((fact) => fact.eventId === id));
    return withNothingLeftHanging(unit, [...facts.keys()], context.lookups, async () => {
      for (const [streamId, ofStream] of facts) {
        const data = { eventIds: ofStream.map((fact) => fact.eventId), reason: body.reason, kind: body.kind };
        const scope = ofStream[0]?.scope ?? { orgId: context.actor.orgId };
        unit.stage(streamId, [{ event: { type: 'FactsRetracted', data }, actor: context.actor, scope, validTime: null, knownTime: null, classification: 'internal' }]);
      }
      try {
        return await definition.execute(correcting(context, replaced, body.kind), unit, { id: body.command.target ?? null, ifMatch: null }, body.command.body);
      } catch (error) {
        throw error instanceof CommandRejected ? error.inside('/command') : error;
      }
    });
  },
})];
