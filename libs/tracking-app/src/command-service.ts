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
    const count = countOf(received);
    if (count > batchCommandsMax) throw new CommandRejected('too-many-commands', `${count} commands, at most ${batchCommandsMax}`, { errors: [{ pointer: '/commands', code: 'too-many-commands', detail: 'split the batch' }] });
    const { commands } = parseBody(batchBody, received);
    const calls = commands.map((command, index): CommandCall => {
      const named = found(command);
      if (named === null) throw new CommandRejected('unknown-command', 'no command has this name or path').inside(`/commands/${index}`);
      return { definition: named.definition, target: { id: named.id, ifMatch: command.ifMatch ?? null }, body: command.body ?? {} };
    });
    return this.#bus.execute(new TrackingCommand(calls, true, identity));
  }
}
