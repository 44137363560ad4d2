import { open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { newNoteKey, noteSigner, noteVerifierKey } from '@rectrail/transparency';
import type { Command } from 'commander';
import { UsageError } from '../api-client.ts';
import type { GlobalOptions } from '../session.ts';

interface KeyOptions { readonly file?: string }

/** That of the newest epoch in the data directory, unless another is named. @throws UsageError where there is none */
const keyFile = async ({ file }: KeyOptions, dataDir: string): Promise<string> => {
  if (file !== undefined) return file;
  const epochs = (await readdir(dataDir).catch(() => [])).flatMap((name) => /^log-key-([1-9]\d*)$/.exec(name)?.slice(1).map(Number) ?? []);
  if (epochs.length > 0) return join(dataDir, `log-key-${Math.max(...epochs)}`);
  throw new UsageError(`${dataDir} holds no key of a log. Potential solutions: name its file with --file; run this where the server runs`, `${dataDir} 中没有日志签名密钥。请用 --file 指明，或在服务器所在机器上运行`);
};

const secretIn = async (file: string): Promise<string> => (await readFile(file, 'utf8')).trim();

/** Never over one that is there. */
const writeNew = async (file: string, secret: string): Promise<void> => {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(`${secret}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The keys that sign checkpoints, changed in two steps, each with a restart of the server: both sign, then the new one alone. */
export const addLogKey = (program: Command): void => {
  const group = program.command('log-key').description('the key that signs the checkpoints of the log; on the machine of the server');
  const say = (command: Command, en: string, zh: string): void => { process.stdout.write(`${command.optsWithGlobals<GlobalOptions>().lang === 'zh' ? zh : en}\n`); };
  group.command('rotate').description('make the next key: from the next start on it signs along, and the former announces it')
    .option('--file <file>', 'of the present key (RECTRAIL_LOG_KEY_FILE); default: that of the newest epoch in the data directory')
    .action(async (options: KeyOptions, command: Command) => {
      const file = await keyFile(options, command.optsWithGlobals<GlobalOptions>().dataDir);
      const { secret, verifier } = newNoteKey(noteSigner(await secretIn(file)).name);
      await writeNew(`${file}-next`, secret).catch((error: unknown) => { throw new UsageError(`${file}-next could not be made: ${String(error)}`, `无法写入 ${file}-next：${String(error)}`); });
      say(command, `${verifier}\nStart the server again; tell those who check. When they know it: rectrail log-key retire`, `${verifier}\n请重启服务并告知校验方；待其知悉后运行 rectrail log-key retire`);
    });
  group.command('retire').description('put the next key in the place of the present one, which is kept as a file of its own')
    .option('--file <file>', 'of the present key; default: that of the newest epoch in the data directory')
    .action(async (options: KeyOptions, command: Command) => {
      const file = await keyFile(options, command.optsWithGlobals<GlobalOptions>().dataDir);
      const next = `${file}-next`;
      const verifier = noteVerifierKey(await secretIn(next).catch(() => { throw new UsageError(`there is no ${next}. Potential solutions: rectrail log-key rotate`, `没有 ${next}。请先运行 rectrail log-key rotate`); }));
      await rename(file, `${file}-retired-${noteSigner(await secretIn(file)).keyId.toString(16).padStart(8, '0')}`);
      await rename(next, file);
      say(command, `${verifier}\nStart the server again: this key alone signs from then on`, `${verifier}\n请重启服务：此后仅由该密钥签名`);
    });
};
