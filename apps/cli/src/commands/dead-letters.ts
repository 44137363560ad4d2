import type { Command } from 'commander';
import type { DeadLetterDetail, DeadLetters } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { isConfirmed } from '../confirmation.ts';
import { deadLettersText, deadLetterText, replayedText, replayQuestion } from '../format/dead-letters.ts';
import { localInstants } from '../format/local-instants.ts';
import type { Open } from './reads.ts';

const pathOf = (id: string): string => `/dead-letters/${encodeURIComponent(id)}`;

/** What came over Kafka and was no request. */
export const addDeadLetters = (program: Command, open: Open): void => {
  const letters = program.command('dead-letters').description('records of Kafka that were no request (administrators only)');
  letters.command('list').description('newest first, a page at a time')
    .option('--limit <n>', 'most of them on a page, 1 to 500; default 50')
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action(async (options: { readonly limit?: string; readonly cursor?: string }, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      const page = await client.get<DeadLetters>('/dead-letters', options);
      print(json ? JSON.stringify(page, null, 2) : deadLettersText(language, localInstants(page, zone)));
    });
  letters.command('show').argument('<id>', 'partition-offset, as the list has it').description('one of them with its headers and its value').action(async (id: string, _options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const letter = await client.get<DeadLetterDetail>(pathOf(id));
    print(json ? JSON.stringify(letter, null, 2) : deadLetterText(language, localInstants(letter, zone)));
  });
  letters.command('replay').argument('<id>', 'partition-offset, as the list has it').description('put it back: it is carried out as a command of yours, once')
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: { readonly yes?: boolean }, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      if (yes !== true) {
        const letter = localInstants(await client.get<DeadLetterDetail>(pathOf(id)), zone);
        const isWanted = await isConfirmed(replayQuestion(language, letter), ['a replay acts in your name: confirm it with --yes', '重放将以您的名义执行：请用 --yes 确认']);
        if (!isWanted) throw new UsageError('nothing is replayed', '未重放');
      }
      const letter = await client.post<DeadLetterDetail>(`${pathOf(id)}/replay`, {});
      print(json ? JSON.stringify(letter, null, 2) : replayedText(language, letter));
    });
};
