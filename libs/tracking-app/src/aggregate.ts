import type { UnitOfWork } from '@rectrail/event-store';
import { onDay, type Decision, type FuzzyDate, type Scope, type StreamId } from '@rectrail/kernel';
import type { CommandActor, LiveSituation, TrackingEvent, TrackingEventType } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { onField } from './body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult, type IfMatchRule } from './command-definition.ts';
import { CommandRejected, type AppRejectionCode } from './command-rejected.ts';
import { checkVersion } from './if-match.ts';
import { requireInLine, requireJurisdiction, treeToday } from './organisations.ts';
import { countingOn, factsOf, type StreamFacts } from './situation.ts';

/** What the command layer needs to know of an aggregate: where it lives, how it folds and decides, whose it is. */
export interface Aggregate<S, C, E extends TrackingEvent> {
  /** `issues` in `/issues/:id/accept`. */
  readonly resource: string;
  readonly unknown: AppRejectionCode;
  /** Whether it can be read at `/{resource}/{id}`. */
  readonly readable: boolean;
  stream(id: string): StreamId;
  /** Facts that count, in fold order. */
  fold(facts: StreamFacts<E>): S;
  decide(command: C, situation: LiveSituation<S>): Decision<E>;
  /** To whom it belongs; null where it does not exist. */
  scope(state: S): Scope | null;
}

/** What every domain command carries beside its own data. */
export interface Frame { readonly on: FuzzyDate; readonly by: CommandActor }

/** Cut by position alone (rules.md section 2); the installation's first policy is one too, but no command adopts it. */
const withoutValidTime: ReadonlySet<TrackingEventType> = new Set<TrackingEventType>([
  'InstallationInitialised', 'EpochBegun', 'TreeOpened', 'OrgRegistered', 'CalendarYearSet', 'SubscriptionCreated', 'SubscriptionPaused', 'SubscriptionResumed', 'SubscriptionDisabled',
  'SubscriptionSecretRotated', 'SubscriptionDeleted',
]);

/** Takes effect as the body says, else as the fact that it corrects did, else on `usual`, else today. */
export const frameOf = (context: CommandContext, on: FuzzyDate | undefined, usual?: FuzzyDate | null): Frame => {
  const { subject, orgId, role } = context.actor;
  return { on: on ?? context.correction?.on ?? usual ?? onDay(context.today), by: { subject, orgId, role } };
};

/** The accepted events. @throws CommandRejected with the domain's code, place and extensions. */
export const accepted = <E>(decision: Decision<E>): readonly E[] => {
  if (decision.ok) return decision.events;
  const { code, detail, pointer, ...extensions } = decision.rejection;
  // Of its day a rule does not know where it came from: it is the same field in every body.
  const place = code.startsWith('effective-') ? '/on' : pointer;
  throw new CommandRejected(code, detail, { errors: typeof place === 'string' ? [{ pointer: place, code, detail }] : [], extensions });
};

/** Stages what was decided, with who, whose and when. */
export const stageEvents = (
  context: CommandContext, unit: UnitOfWork, place: { readonly stream: StreamId; readonly scope: Scope; readonly on: FuzzyDate }, events: readonly TrackingEvent[],
): void => {
  unit.stage(place.stream, events.map((event) => ({
    event,
    actor: context.actor,
    scope: place.scope,
    validTime: withoutValidTime.has(event.type) ? null : place.on,
    knownTime: context.correction?.knownTime ?? null,
    classification: 'internal',
  })));
};

/** The state on the command's day and today. */
export const situationOf = async <S, C, E extends TrackingEvent>(
  aggregate: Aggregate<S, C, E>, context: CommandContext, unit: UnitOfWork, at: { readonly id: string; readonly on: FuzzyDate },
): Promise<LiveSituation<S>> => {
  const facts = await factsOf<E>(unit, aggregate.stream(at.id));
  return {
    then: aggregate.fold(countingOn(unit, facts, at.on.last)),
    now: aggregate.fold(countingOn(unit, facts, context.today)),
    today: context.today,
    correction: context.correction !== null,
  };
};

/** Its state and scope today. @throws CommandRejected `unknown-…` where it does not exist; `pointer` is where the body names it. */
export const requireAggregate = async <S, C, E extends TrackingEvent>(
  aggregate: Aggregate<S, C, E>, context: CommandContext, unit: UnitOfWork, at: { readonly id: string; readonly pointer?: string },
): Promise<{ readonly state: S; readonly scope: Scope }> => {
  const state = aggregate.fold(countingOn(unit, await factsOf<E>(unit, aggregate.stream(at.id)), context.today));
  const scope = aggregate.scope(state);
  if (scope !== null) return { state, scope };
  const detail = `nothing under /${aggregate.resource} has the id ${at.id}`;
  throw new CommandRejected(aggregate.unknown, detail, { errors: at.pointer === undefined ? [] : [{ pointer: at.pointer, code: aggregate.unknown, detail }] });
};

/** The same for what a command names beside its target, which must lie in the actor's line (`requireInLine`). */
export const requireNamed = async <S, C, E extends TrackingEvent>(
  aggregate: Aggregate<S, C, E>, context: CommandContext, unit: UnitOfWork, at: { readonly id: string; readonly pointer: string },
): Promise<{ readonly state: S; readonly scope: Scope }> => {
  const named = await requireAggregate(aggregate, context, unit, at);
  try {
    requireInLine(context, await treeToday(context, unit), named.scope.orgId);
  } catch (error) {
    throw error instanceof CommandRejected ? error.at(at.pointer) : error;
  }
  return named;
};

export const resultOf = <S, C, E extends TrackingEvent>(aggregate: Aggregate<S, C, E>, id: string, created: boolean): CommandResult =>
  ({ id, created, stream: aggregate.stream(id), location: aggregate.readable ? `/${aggregate.resource}/${id}` : null });

/** The body of a live command: its own fields and its day. */
export const live = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject({ ...shape, ...onField });

type LiveBody = { readonly on?: FuzzyDate | undefined };

/** What a row may look at while it makes its domain command. */
export interface Acting<S> {
  readonly context: CommandContext;
  readonly unit: UnitOfWork;
  readonly id: string;
  readonly scope: Scope;
  readonly situation: LiveSituation<S>;
  readonly frame: Frame;
}

interface ActRow<S, C, E, B extends LiveBody> {
  readonly name: string;
  /** The last part of the path. */
  readonly verb: string;
  readonly summary: string;
  readonly body: z.ZodType<B>;
  readonly ifMatch?: IfMatchRule;
  command(body: B, acting: Acting<S>): C | Promise<C>;
  /** What the rule sees beside the aggregate's own states. */
  situation?(body: B, acting: Acting<S>): Promise<LiveSituation<S>>;
  /** What goes into other streams with it, in the same append; `events` are those just staged. */
  also?(body: B, acting: Acting<S>, events: readonly E[]): Promise<void>;
}

/** Makes rows that act on an existing aggregate: `POST /{resource}/:id/{verb}`. */
export const actingOn = <S, C, E extends TrackingEvent>(aggregate: Aggregate<S, C, E>) => <B extends LiveBody>(row: ActRow<S, C, E, B>): CommandDefinition => defineCommand({
  name: row.name,
  path: `/${aggregate.resource}/:id/${row.verb}`,
  summary: row.summary,
  body: row.body,
  ifMatch: row.ifMatch ?? 'optional',
  stream: (id) => aggregate.stream(id),
  execute: async (context, unit, target, body) => {
    const id = target.id ?? '';
    const frame = frameOf(context, body.on);
    const { scope } = await requireAggregate(aggregate, context, unit, { id });
    requireJurisdiction(context, await treeToday(context, unit), scope.orgId);
    await checkVersion(unit, aggregate.stream(id), target.ifMatch);
    const acting: Acting<S> = { context, unit, id, scope, frame, situation: await situationOf(aggregate, context, unit, { id, on: frame.on }) };
    const command = await row.command(body, acting);
    const events = accepted(aggregate.decide(command, (await row.situation?.(body, acting)) ?? acting.situation));
    stageEvents(context, unit, { stream: aggregate.stream(id), scope, on: frame.on }, events);
    await row.also?.(body, acting, events);
    return resultOf(aggregate, id, false);
  },
});

interface Making<C> { readonly id: string; readonly scope: Scope; readonly frame: Frame; readonly command: C }

/** Decides and stages the command that makes a new aggregate; its owner has been checked before. */
export const make = async <S, C, E extends TrackingEvent>(
  aggregate: Aggregate<S, C, E>, context: CommandContext, unit: UnitOfWork, { id, scope, frame, command }: Making<C>,
): Promise<CommandResult> => {
  const situation = await situationOf(aggregate, context, unit, { id, on: frame.on });
  stageEvents(context, unit, { stream: aggregate.stream(id), scope, on: frame.on }, accepted(aggregate.decide(command, situation)));
  return resultOf(aggregate, id, true);
};
