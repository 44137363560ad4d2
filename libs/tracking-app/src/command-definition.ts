import type { UnitOfWork } from '@rectrail/event-store';
import type { Actor, Day, FuzzyDate, Instant, Position, StreamId, SubscriptionId } from '@rectrail/kernel';
import type { TrackingLookups } from '@rectrail/tracking-read';
import { z } from 'zod';
import { parseBody } from './validation.ts';

/** `id` is the path's `:id`, null where the path has none; `ifMatch` the version of the resource's stream that the caller has seen. */
export interface CommandTarget {
  readonly id: string | null;
  readonly ifMatch: number | null;
}

/** What commands must find without knowing its stream. An answer covers every event recorded before the call. */
export type CommandLookups = Pick<TrackingLookups, 'streamsOf' | 'dependents' | 'trees'>;

/**
 * Set while a command runs inside a correction: it may take effect before the assertion that it builds on, its default
 * day is that of the fact replaced, and `knownTime` is that fact's where the slip was ours (rules.md section 2).
 */
export interface CorrectionContext {
  readonly on: FuzzyDate | null;
  readonly knownTime: Instant | null;
}

export interface CommandContext {
  readonly actor: Actor;
  readonly zone: string;
  readonly today: Day;
  readonly lookups: CommandLookups;
  readonly correction: CorrectionContext | null;
  /** The id of what this command makes: derived from (commandId, its place in a batch, `purpose`), so that a retry repeats it. */
  newId(purpose: string): string;
  /** The newest position, as it is now: for what speaks of positions to come. */
  head(): Promise<Position>;
  /** Hashes of the contents of a stream, by position. */
  contentHashes(stream: StreamId): Promise<ReadonlyMap<Position, string>>;
  /** @throws CommandRejected `purge-unsupported` where the event store keeps every content for good. */
  requirePurges(): void;
  /** Why nothing may be sent to this address as it resolves now, or null. */
  endpointFault(url: string): Promise<string | null>;
  /** How many subscriptions there may be, where one of this id is one too many beside the others and those that the same command makes; else null. */
  subscriptionsFull(id: SubscriptionId): Promise<number | null>;
}

export interface CommandResult {
  /** Of what the command made, or of its target. */
  readonly id: string;
  /** True where the command made it (201 with Location). */
  readonly created: boolean;
  /** The resource's stream; its version is the ETag. */
  readonly stream: StreamId;
  /** Where the resource is read (`/issues/{id}`), below `/api/v1`; null where it cannot be read singly. */
  readonly location: string | null;
  /** What else the caller must be told (the events retracted along). */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** `required` where a person judges what they saw: 428 without If-Match. */
export type IfMatchRule = 'none' | 'optional' | 'required';

/**
 * One command of the public interface: a row of the table that makes HTTP routes, OpenAPI and `POST /commands`
 * (docs/adr/0006-command-table.md). `execute` takes the body as received and refuses a bad one with its places.
 */
export interface CommandDefinition {
  readonly name: string;
  readonly method: 'POST';
  /** Below `/api/v1`, with `:id` at most once: `/issues/:id/accept`. */
  readonly path: string;
  readonly summary: string;
  readonly body: z.ZodType;
  readonly ifMatch: IfMatchRule;
  /** The stream that If-Match speaks of, for a path with `:id`. */
  readonly stream: ((id: string) => StreamId) | null;
  /** It counts what others like it make: one at a time is carried out, in all processes together. */
  readonly alone?: true;
  execute(context: CommandContext, unit: UnitOfWork, target: CommandTarget, body: unknown): Promise<CommandResult>;
}

interface CommandSpecification<S extends z.ZodType> {
  readonly name: string;
  readonly path: string;
  readonly summary: string;
  readonly body: S;
  readonly ifMatch: IfMatchRule;
  readonly stream: ((id: string) => StreamId) | null;
  readonly alone?: true;
  readonly execute: (context: CommandContext, unit: UnitOfWork, target: CommandTarget, body: z.output<S>) => Promise<CommandResult>;
}

/** Makes a row of the table: the body is parsed before `execute` sees it. */
export const defineCommand = <S extends z.ZodType>(specification: CommandSpecification<S>): CommandDefinition => ({
  ...specification,
  method: 'POST',
  execute: (context, unit, target, body) => specification.execute(context, unit, target, parseBody(specification.body, body)),
});
