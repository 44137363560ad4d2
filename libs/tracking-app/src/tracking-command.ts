import { canonicalJson, contentSha256, derivedUuid, sha256Hex, type CommandRunner, type EventStore, type UnitOfWork, type UnitOutcome } from '@rectrail/event-store';
import { dayIn, type Actor, type CommandId, type Position, type SubscriptionId } from '@rectrail/kernel';
import { Inject } from '@nestjs/common';
import type { TrackingLookups } from '@rectrail/tracking-read';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandDefinition, CommandLookups, CommandResult, CommandTarget } from './command-definition.ts';
import { CommandRejected } from './command-rejected.ts';
import { requireIfMatch } from './if-match.ts';

/** One command to carry out, its definition found and its body as received. */
export interface CommandCall {
  readonly definition: CommandDefinition;
  readonly target: CommandTarget;
  readonly body: unknown;
}

/** Who calls and under which ids. The same `commandId` again (Idempotency-Key) writes nothing and answers the same. */
export interface CommandIdentity {
  readonly commandId: CommandId;
  readonly correlationId: string;
  readonly actor: Actor;
  /** All checks, nothing appended. */
  readonly dryRun: boolean;
}

/** A result and its stream's version after the command, for the ETag; the version before it in a dry run. */
export type CommandReply = CommandResult & { readonly streamVersion: number };

export interface CommandOutcome {
  readonly commandId: CommandId;
  readonly dryRun: boolean;
  readonly repeated: boolean;
  /** The last position written; null where nothing was (already so, or a dry run). */
  readonly position: Position | null;
  /** One for each call, in order. */
  readonly results: readonly CommandReply[];
}

/** Every command of the table goes over the bus as this one class: calls that make one unit, all or nothing. */
export class TrackingCommand extends Command<CommandOutcome> {
  readonly calls: readonly CommandCall[];
  /** Where the faults of call n lie in the request: `/commands/n` in a batch, null where the call is the request. */
  readonly batch: boolean;
  readonly identity: CommandIdentity;

  constructor(calls: readonly CommandCall[], batch: boolean, identity: CommandIdentity) {
    super();
    this.calls = calls;
    this.batch = batch;
    this.identity = identity;
  }
}

/** What the handler runs on; given by the composition root. */
export interface TrackingCommandPorts {
  readonly runner: CommandRunner;
  readonly store: Pick<EventStore, 'head' | 'readStream' | 'capabilities'>;
  readonly lookups: Pick<TrackingLookups, 'catchUp' | 'streamsOf' | 'dependents' | 'trees'>;
  /** IANA name, from the installation's first event. */
  readonly zone: string;
  /** Why webhooks may not be sent to this address as it resolves now, or null. */
  endpointFault(url: string): Promise<string | null>;
  /** How many subscriptions there may be, where these are too many beside those that are there under other ids; else null. */
  subscriptionsFull(made: readonly SubscriptionId[]): Promise<number | null>;
  /** Carries out one such command at a time, in all processes. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export const trackingCommandPorts = Symbol('trackingCommandPorts');

/** What was asked, so that a repeated command id with another content is found out. If-Match is no part of it: a retry may leave it out. */
const fingerprintOf = ({ calls }: TrackingCommand): string =>
  sha256Hex(canonicalJson(calls.map(({ definition, target, body }) => ({ name: definition.name, target: target.id, body }))));

/** `subscriptions`: ids of those that the command makes, so far. */
interface PlaceInCommand { readonly index: number; readonly subscriptions: SubscriptionId[] }

@CommandHandler(TrackingCommand)
export class TrackingCommandHandler implements ICommandHandler<TrackingCommand> {
  readonly #ports: TrackingCommandPorts;
  readonly #lookups: CommandLookups;

  constructor(@Inject(trackingCommandPorts) ports: TrackingCommandPorts) {
    this.#ports = ports;
    // The read models follow the log: they are asked only once they hold what was recorded before the question.
    const caughtUp = async (): Promise<TrackingCommandPorts['lookups']> => {
      await ports.lookups.catchUp((await ports.store.head()).position);
      return ports.lookups;
    };
    this.#lookups = {
      streamsOf: async (eventIds) => (await caughtUp()).streamsOf(eventIds),
      dependents: async (refs) => (await caughtUp()).dependents(refs),
      trees: async () => (await caughtUp()).trees(),
    };
  }

  async execute(command: TrackingCommand): Promise<CommandOutcome> {
    const { commandId, correlationId, dryRun } = command.identity;
    const fingerprint = fingerprintOf(command);
    const work = (unit: UnitOfWork): Promise<readonly CommandReply[]> => this.#carryOut(command, unit);
    if (dryRun) {
      const { result } = await this.#ports.runner.preview({ commandId, correlationId }, work);
      return { commandId, dryRun, repeated: false, position: null, results: result };
    }
    const run = (): Promise<UnitOutcome<readonly CommandReply[]>> => this.#ports.runner.run({ commandId, correlationId, fingerprint }, work);
    const { result, position, versions, repeated } = await (command.calls.some(({ definition }) => definition.alone) ? this.#ports.alone(run) : run());
    const results = result.map((reply) => ({ ...reply, streamVersion: versions.get(reply.stream) ?? reply.streamVersion }));
    return { commandId, dryRun, repeated, position, results };
  }

  #requirePurges(): void {
    if (this.#ports.store.capabilities.purges) return;
    throw new CommandRejected('purge-unsupported', 'the event store keeps every content for good. Potential solutions: keep events in PostgreSQL where the law may demand that a content goes');
  }

  /** May run several times for one command (conflicts, a repeat): it keeps nothing between runs. */
  async #carryOut(command: TrackingCommand, unit: UnitOfWork): Promise<readonly CommandReply[]> {
    const replies: CommandReply[] = [];
    const subscriptions: SubscriptionId[] = [];
    for (const [index, call] of command.calls.entries()) {
      try {
        replies.push(await this.#carryOutOne(call, command, unit, { index, subscriptions }));
      } catch (error) {
        throw command.batch && error instanceof CommandRejected ? error.inside(`/commands/${index}`) : error;
      }
    }
    return replies;
  }

  async #carryOutOne({ definition, target, body }: CommandCall, command: TrackingCommand, unit: UnitOfWork, { index, subscriptions }: PlaceInCommand): Promise<CommandReply> {
    requireIfMatch(definition, target);
    const { zone } = this.#ports;
    const result = await definition.execute({
      actor: command.identity.actor,
      zone,
      today: dayIn(zone, unit.now),
      lookups: this.#lookups,
      correction: null,
      head: async () => (await this.#ports.store.head()).position,
      contentHashes: async (stream) => new Map((await this.#ports.store.readStream(stream)).events.map((event) => [event.position, contentSha256(event)])),
      requirePurges: () => { this.#requirePurges(); },
      endpointFault: (url) => this.#ports.endpointFault(url),
      subscriptionsFull: (id) => {
        subscriptions.push(id);
        return this.#ports.subscriptionsFull(subscriptions);
      },
      newId: (purpose) => derivedUuid(unit.commandId, `${index}/${purpose}`),
    }, unit, target, body);
    return { ...result, streamVersion: (await unit.load(result.stream)).version };
  }
}
