import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { targetId } from './body-schema.ts';
import type { CommandDefinition } from './command-definition.ts';
import { CommandRejected } from './command-rejected.ts';
import { definitionOfPath, definitionNamed } from './command-table.ts';
import { TrackingCommand, type CommandCall, type CommandIdentity, type CommandOutcome } from './tracking-command.ts';
import { parseBody } from './validation.ts';

/** Most commands in one batch: taking over all issues of a large round (照单全收) is one act, an import is another way. */
export const batchCommandsMax = 500;

const ifMatch = z.int().nonnegative().describe('The version of the resource that the caller has seen, as If-Match would say it');
const body = z.record(z.string(), z.unknown()).describe("The command's own body");

/** One of a batch, by name and target or by its path below `/api/v1`. */
const batchedCommand = z.union([
  z.strictObject({ name: z.string(), target: targetId, ifMatch: ifMatch.optional(), body: body.optional() }),
  z.strictObject({ path: z.string().max(400).regex(/^\P{Cc}*$/u), ifMatch: ifMatch.optional(), body: body.optional() }),
]);

/** Body of `POST /commands`: carried out in order, in one append, all or nothing. */
export const batchBody = z.strictObject({ commands: z.array(batchedCommand).min(1).max(batchCommandsMax) });

const countOf = (received: unknown): number =>
  (typeof received === 'object' && received !== null && 'commands' in received && Array.isArray(received.commands) ? received.commands.length : 0);

const found = (command: z.output<typeof batchedCommand>): { readonly definition: CommandDefinition; readonly id: string | null } | null => {
  if ('path' in command) return definitionOfPath(command.path);
  const definition = definitionNamed(command.name);
  return definition === null || (definition.stream !== null) !== (command.target !== undefined) ? null : { definition, id: command.target ?? null };
};

/** The call that a command names. @throws CommandRejected `unknown-command` at `place`. */
const callOf = (command: z.output<typeof batchedCommand>, place: string): CommandCall => {
  const named = found(command);
  if (named === null) throw new CommandRejected('unknown-command', 'no command has this name or path').inside(place);
  return { definition: named.definition, target: { id: named.id, ifMatch: command.ifMatch ?? null }, body: command.body ?? {} };
};

/** @throws CommandRejected `too-many-commands`, `validation-failed`, `unknown-command`. */
const batchCallsOf = (received: unknown): readonly CommandCall[] => {
  const count = countOf(received);
  if (count > batchCommandsMax) throw new CommandRejected('too-many-commands', `${count} commands, at most ${batchCommandsMax}`, { errors: [{ pointer: '/commands', code: 'too-many-commands', detail: 'split the batch' }] });
  return parseBody(batchBody, received).commands.map((command, index) => callOf(command, `/commands/${index}`));
};

/** What came as a message: `{commands: […]}`, or one command as a batch has it. */
export interface CommandMessage { readonly calls: readonly CommandCall[]; readonly isBatch: boolean }

/** @throws CommandRejected `validation-failed` for what is no command at all; `too-many-commands`, `unknown-command`. */
export const readCommandMessage = (received: unknown): CommandMessage => {
  const isBatch = typeof received === 'object' && received !== null && 'commands' in received;
  return { isBatch, calls: isBatch ? batchCallsOf(received) : [callOf(parseBody(batchedCommand, received), '')] };
};

@Injectable()
export class CommandService {
  readonly #bus: CommandBus;

  constructor(@Inject(CommandBus) bus: CommandBus) {
    this.#bus = bus;
  }

  /** @throws CommandRejected, or an EventStoreError where the store cannot serve. */
  execute(call: CommandCall, identity: CommandIdentity): Promise<CommandOutcome> {
    return this.#bus.execute(new TrackingCommand([call], false, identity));
  }

  /** `POST /commands`. A refusal names the place of the command and what it refused there: `/commands/3/body/…`. */
  async executeBatch(received: unknown, identity: CommandIdentity): Promise<CommandOutcome> {
    return this.#bus.execute(new TrackingCommand(batchCallsOf(received), true, identity));
  }

  /** What came as a message. A refusal names the place in it: `/body/…`, `/commands/3/body/…`. */
  async executeMessage({ calls, isBatch }: CommandMessage, identity: CommandIdentity): Promise<CommandOutcome> {
    try {
      return await this.#bus.execute(new TrackingCommand(calls, isBatch, identity));
    } catch (error) {
      throw !isBatch && error instanceof CommandRejected && error.errors.length > 0 ? error.inside('') : error;
    }
  }
}
