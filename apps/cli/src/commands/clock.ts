import type { Command } from 'commander';
import type { LogClock } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { isConfirmed } from '../confirmation.ts';
import { clockQuestion, clockText } from '../format/clock.ts';
import { localInstants } from '../format/local-instants.ts';
import type { Open } from './reads.ts';

const nobodyToAsk = ['events keep their time for good: confirm the clock with --yes', '记录的时间永久保留：请用 --yes 确认时钟无误'] as const;

/** The clock that stamps the events, and the word of an operator that it is right. */
export const addClock = (program: Command, open: Open): void => {
  const group = program.command('clock').description('the clock that stamps the events (administrators only)');
  group.command('show').description('its time, and whether it has leapt ahead').action(async (_options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const clock = await client.get<LogClock>('/log/clock');
    print(json ? JSON.stringify(clock, null, 2) : clockText(language, localInstants(clock, zone)));
  });
  group.command('confirm').description('say that a clock that has leapt ahead is right: writing goes on')
    .requiredOption('--reason <text>', 'why it is right; kept with your name')
    .option('--yes', 'do not ask')
    .action(async ({ reason, yes }: { readonly reason: string; readonly yes?: true }, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      if (yes !== true) {
        const clock = await client.get<LogClock>('/log/clock');
        if (!await isConfirmed(clockQuestion(language, localInstants(clock, zone)), nobodyToAsk)) throw new UsageError('nothing was confirmed', '未确认');
      }
      const clock = await client.post<LogClock>('/log/clock/confirm', { reason });
      print(json ? JSON.stringify(clock, null, 2) : clockText(language, localInstants(clock, zone)));
    });
};
