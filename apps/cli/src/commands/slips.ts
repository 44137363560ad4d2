import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { WriteOffSlip } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { localInstants } from '../format/local-instants.ts';
import { slipText } from '../format/slips.ts';
import { cutOptions, type Open } from './reads.ts';

/** The rest are cuts, named like the parameters of the interface. */
interface SlipOptions { readonly text?: true; readonly to?: string; readonly validAt?: string; readonly knownAt?: string; readonly atPosition?: string; readonly atLeast?: string }

/** The write-off slip (销号单) of an issue. */
export const addSlips = (program: Command, open: Open): void => {
  cutOptions(program.command('slip').argument('<issue-id>', 'of an issue that is written off'))
    .description('the write-off slip of an issue (销号单), with the proof that its write-off is in the log')
    .option('--text', 'the sheet to be printed and signed, in Chinese, the proof below it')
    .option('--to <file>', 'write it to a new file')
    .addHelpText('after', '\nExample: rectrail slip 0198… --text --to slip.txt')
    .action(async (id: string, { text: isSheet, to, ...query }: SlipOptions, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      const path = `/issues/${encodeURIComponent(id)}/write-off-slip`;
      const told = async (): Promise<string> => {
        if (isSheet === true) return client.text(path, { ...query, format: 'text' });
        const slip = await client.get<WriteOffSlip>(path, query);
        return json ? JSON.stringify(slip, null, 2) : slipText(language, localInstants(slip, zone));
      };
      const said = await told();
      if (to === undefined) {
        print(said);
        return;
      }
      // Never over one that is there: the proof of an earlier one may be what somebody keeps.
      await writeFile(to, `${said}\n`, { flag: 'wx' }).catch((error: unknown) => { throw new UsageError(`${to} could not be made: ${String(error)}`, `无法写入 ${to}：${String(error)}`); });
    });
};
