import type { UnitOfWork } from '@rectrail/event-store';
import type { EventId, Fact, OrgId, PurgeId, StreamId } from '@rectrail/kernel';
import {
  decidePurgeConsent, decidePurgeDecline, decidePurgeRequest, evolvePurge, initialPurgeState, purgeGrounds, purgeTargetsMax, streams, wire,
  type PurgeEvent, type PurgeState, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted } from '../aggregate.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { checkVersion } from '../if-match.ts';
import { requireJurisdiction, treeToday } from '../organisations.ts';
import { countingOn, factsOf } from '../situation.ts';

const nothing = z.strictObject({});

/** The one stream in which all of these events stand. */
const streamOfAll = async (context: CommandContext, eventIds: readonly EventId[]): Promise<StreamId> => {
  const found = await context.lookups.streamsOf(eventIds);
  const unknown = eventIds.flatMap((id, i) => (found.has(id) ? [] : [{ pointer: `/eventIds/${i}`, code: 'unknown-event', detail: `there is no event ${id}` }]));
  if (unknown.length > 0) throw new CommandRejected('unknown-event', `${unknown.length} of the events named do not exist, or were purged before`, { errors: unknown });
  const [stream, ...others] = new Set(found.values());
  if (stream === undefined || others.length > 0) throw new CommandRejected('not-purgeable', 'the events stand in several streams: ask for one purge a stream').at('/eventIds');
  return stream;
};

interface Found { readonly stream: StreamId; readonly facts: readonly Fact<PurgeEvent>[]; readonly state: PurgeState; readonly owner: OrgId | null }

/** @throws CommandRejected `unknown-purge` */
const purgeOf = async (context: CommandContext, unit: UnitOfWork, id: string): Promise<Found> => {
  // A path only ever looks its id up.
  const stream = streams.purge(id as PurgeId);
  const facts = await factsOf<PurgeEvent>(unit, stream);
  const state = countingOn(unit, facts, context.today).reduce(evolvePurge, initialPurgeState);
  const [first] = facts;
  if (state.request === null || first === undefined) throw new CommandRejected('unknown-purge', `there is no purge ${id}`);
  return { stream, facts: facts as readonly Fact<PurgeEvent>[], state, owner: first.scope.orgId };
};

/** Cut by position alone, and of ids and codes. */
const stagedBy = ({ actor }: CommandContext, orgId: OrgId | null) => ({ actor, scope: { orgId }, validTime: null, knownTime: null, classification: 'internal' as const });

const resultOf = (id: string, stream: StreamId, created: boolean): CommandResult => ({ id, created, stream, location: null });

/**
 * A content goes for good, so two persons are needed: whoever acts for the owner asks, and an administrator, who owns none of the issues, agrees. Were the owner enough for both,
 * an inspected unit could take away what was found of it.
 */
export const purgeCommands: readonly CommandDefinition[] = [
  defineCommand({
    name: 'RequestPurge',
    path: '/purges',
    summary: 'Ask that the contents of events be purged by law, after they were corrected or retracted as entered-in-error; a second person consents',
    body: z.strictObject({ eventIds: z.array(wire.uuidOf<EventId>()).min(1).max(purgeTargetsMax).describe('Of one stream'), ...purgeGrounds }),
    ifMatch: 'none',
    stream: null,
    execute: async (context, unit, _target, { eventIds, reason, legalBasis }) => {
      context.requirePurges();
      const streamId = await streamOfAll(context, eventIds);
      const facts = await factsOf<TrackingEvent>(unit, streamId);
      const owners = new Set(facts.map(({ scope }) => scope.orgId));
      const tree = await treeToday(context, unit);
      for (const orgId of owners) requireJurisdiction(context, tree, orgId);
      const hashes = await context.contentHashes(streamId);
      const purgeId = context.newId('purge') as PurgeId;
      const contentSha256 = (fact: Fact): string => hashes.get(fact.position) ?? '';
      const events = accepted(decidePurgeRequest({ purgeId, streamId, facts, eventIds, contentSha256, reason, legalBasis }));
      const stream = streams.purge(purgeId);
      unit.stage(stream, events.map((event) => ({ event, ...stagedBy(context, [...owners][0] ?? null) })));
      return resultOf(purgeId, stream, true);
    },
  }),
  defineCommand({
    name: 'ConsentToPurge',
    path: '/purges/:id/consent',
    summary: 'Agree to a purge that another person asked for: the contents are gone for good, at every cut',
    body: nothing,
    ifMatch: 'required',
    stream: (id) => streams.purge(id as PurgeId),
    execute: async (context, unit, { id, ifMatch }) => {
      requireJurisdiction(context, await treeToday(context, unit), null);
      const { stream, facts, state, owner } = await purgeOf(context, unit, id ?? '');
      await checkVersion(unit, stream, ifMatch);
      const targetStream = state.request?.streamId ?? stream;
      const target = await factsOf<TrackingEvent>(unit, targetStream);
      const decision = decidePurgeConsent(state, context.actor.subject, target);
      const by = { ...stagedBy(context, owner), ...(facts[0] && { causationId: facts[0].eventId }) };
      unit.stage(stream, accepted(decision).map((event) => ({ event, ...by })));
      unit.stage(targetStream, (decision.purged ?? []).map((event) => {
        const told = target.find(({ eventId }) => eventId === event.data.eventId);
        // Whoever was told the content is told that it is gone.
        return { event, ...by, ...(told && { scope: told.scope, classification: told.classification }) };
      }));
      return resultOf(id ?? '', stream, false);
    },
  }),
  defineCommand({
    name: 'DeclinePurge',
    path: '/purges/:id/decline',
    summary: 'Decline a purge, or take back what one asked for: the contents stay',
    body: nothing,
    ifMatch: 'optional',
    stream: (id) => streams.purge(id as PurgeId),
    execute: async (context, unit, { id, ifMatch }) => {
      const { stream, state, owner } = await purgeOf(context, unit, id ?? '');
      requireJurisdiction(context, await treeToday(context, unit), owner);
      await checkVersion(unit, stream, ifMatch);
      unit.stage(stream, accepted(decidePurgeDecline(state)).map((event) => ({ event, ...stagedBy(context, owner) })));
      return resultOf(id ?? '', stream, false);
    },
  }),
];
