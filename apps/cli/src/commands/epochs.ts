import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BegunEpoch, LogEpochs, LogStanding } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { isConfirmed } from '../confirmation.ts';
import { epochBegunText, epochQuestion, epochsText, standingText } from '../format/epochs.ts';
import { localInstants } from '../format/local-instants.ts';
import type { Open } from './reads.ts';

const nobodyToAsk = ['a new epoch cannot be taken back: confirm it with --yes', '启用新的日志分支后无法撤销：请用 --yes 确认'] as const;

const wholeNumber = (text: string): number => {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return number;
};

interface SeenOptions { readonly checkpoint?: string; readonly position?: number; readonly epoch?: number }

const seenOf = async ({ checkpoint, position, epoch }: SeenOptions): Promise<object> => {
  if ((checkpoint === undefined) === (position === undefined)) throw new UsageError('give either --checkpoint or --position', '请给出 --checkpoint 或 --position 之一');
  return checkpoint === undefined ? { position, ...(epoch !== undefined && { epoch }) } : { checkpoint: await readFile(checkpoint, 'utf8') };
};

/** How an older copy of the log is told apart, and goes on. */
export const addEpochs = (program: Command, open: Open): void => {
  const group = program.command('epoch').description('epochs of the log: what an older copy of it is told apart by');
  group.command('show').description('the epochs of the log, and whether it may be written to').action(async (_options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<LogEpochs>('/log/epochs');
    print(json ? JSON.stringify(answer, null, 2) : epochsText(language, localInstants(answer, zone)));
  });
  group.command('new').description('go on from an older copy of the log, under another name (administrators only)')
    .requiredOption('--reason <text>', 'why; it stands in the log for good')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nEvents of the branch that is left are lost to this log; consumers begin anew with a snapshot. Look first for a newer copy. Start every process again afterwards.')
    .action(async ({ reason, yes }: { readonly reason: string; readonly yes?: boolean }, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      if (yes !== true) {
        const epochs = await client.get<LogEpochs>('/log/epochs');
        if (!await isConfirmed(epochQuestion(language, epochs), nobodyToAsk)) throw new UsageError('nothing was begun', '未启用');
      }
      const begun = await client.post<BegunEpoch>('/log/epochs', { reason });
      print(json ? JSON.stringify(begun, null, 2) : epochBegunText(language, localInstants(begun, zone)));
    });
  group.command('seen').description('say what was seen of the log elsewhere; where it is more than there is here, the log becomes read-only (administrators only)')
    .addOption(new Option('--checkpoint <file>', 'a signed checkpoint that somebody has kept').conflicts(['position', 'epoch']))
    .addOption(new Option('--position <n>', 'of an event that somebody has seen').argParser(wholeNumber))
    .addOption(new Option('--epoch <n>', 'in which it was seen; default: that of the log here').argParser(wholeNumber))
    .action(async (options: SeenOptions, command: Command) => {
      const { client, language, json, print } = await open(command);
      const standing = await client.post<LogStanding>('/log/sightings', await seenOf(options));
      print(json ? JSON.stringify(standing, null, 2) : standingText(language, standing));
    });
};
