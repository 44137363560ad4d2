import { InvalidArgumentError, Option, type Command } from 'commander';
import { countedProgress } from '../format/progress.ts';
import { verificationText } from '../format/verification.ts';
import type { VerificationRequest } from '../log-verification.ts';
import type { GlobalOptions } from '../session.ts';
import type { Open } from './reads.ts';

interface ExportOptions { readonly to: string; readonly public?: true; readonly since?: string }
type VerifyOptions = Omit<VerificationRequest, 'bundle' | 'onProgress' | 'incremental' | 'schema' | 'readModels' | 'witnessesMin'>
  & { readonly incremental?: true; readonly schema?: true; readonly readModels?: true; readonly witnessesMin?: number };

/** What is not right; wrong usage, or nothing that could be checked. */
const [notVerified, notVerifiable] = [1, 2];

export const several = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];
const count = (text: string): number => {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('a number of witnesses');
  return Number(text);
};

/** The log for whoever does not trust its operator: taken away, and checked without a server. */
export const addAudit = (program: Command, open: Open): void => {
  program.command('export').description('write a bundle of the log, which anybody can verify (administrators only)')
    .requiredOption('--to <dir>', 'directory; an export that was interrupted there is gone on with')
    .option('--public', 'contents that are not classified as public stay on the server; their leaves do not')
    .option('--since <file>', 'only the events behind this checkpoint')
    .action(async ({ to, public: isPublic, since }: ExportOptions, command: Command) => {
      const { client, language, json, print } = await open(command);
      const progress = countedProgress(process.stderr, language);
      const { exportLog } = await import('../log-export.ts');
      const { manifest, isAsSigned } = await exportLog({ client, directory: to, isPublic: isPublic === true, since, onProgress: progress.show });
      const { logId, after, last, withheld, purged, parts } = manifest;
      progress.clear();
      if (!isAsSigned) process.exitCode = notVerified;
      const said = { directory: to, logId, after, last, withheld, purged, parts: parts.length, isAsSigned };
      const zh = `${to}：事件 ${after + 1}–${last}，未公开的内容 ${withheld}，依法清除的内容 ${purged}${isAsSigned ? '' : '\n✗ 这些事件得不出服务端签名的根哈希，请运行 rectrail verify'}`;
      const en = `${to}: events ${after + 1}–${last}, contents withheld ${withheld}, purged ${purged}${isAsSigned ? '' : '\n✗ the events do not make the root that the server signed: rectrail verify says where'}`;
      print(json ? JSON.stringify(said, null, 2) : language === 'zh' ? zh : en);
    });
  program.command('verify').argument('[bundle]', 'directory that rectrail export wrote').description('check a bundle, or a database, by keys of the log alone; needs no server')
    .option('--database <url>', 'check the tables of a database instead; it is only read')
    .addOption(new Option('--key <key|file>', 'verifier key of the log, got by another way than the bundle; repeatable').argParser(several).default([]).makeOptionMandatory())
    .option('--since <file>', 'a checkpoint that was kept: the log has to go on from it')
    .option('--incremental', 'the events up to --since are not read again')
    .addOption(new Option('--witness <key|file>', 'key of a witness; repeatable').argParser(several).default([]))
    .addOption(new Option('--witnesses-min <n>', 'so many of them must have cosigned; default 1 where one is given').argParser(count))
    .option('--schema', 'parse every content, and hold it against its schema')
    .addOption(new Option('--figures <file>', 'answer of a dashboard, of deadlines or of funds, saved as JSON: computed anew from the events; repeatable').argParser(several).default([]))
    .option('--read-models', 'with --database: make the rows that are read anew, in a PostgreSQL beside it, and compare them')
    .addHelpText('after', '\nExit codes: 0 all is right, 1 something is wrong, 2 nothing could be checked.\nExample:\n  $ rectrail verify ./bundle --key log.key --since checkpoint-2025')
    .action(async (bundle: string | undefined, { incremental, schema, readModels, witnessesMin, ...options }: VerifyOptions, command: Command) => {
      if ((bundle === undefined) === (options.database === undefined)) command.error('error: a bundle or --database, one of them', { exitCode: notVerifiable });
      if (readModels === true && options.database === undefined) command.error('error: --read-models goes with --database', { exitCode: notVerifiable });
      if (options.key.length === 0) command.error('error: --key: without a key of the log nothing is signed', { exitCode: notVerifiable });
      // Whoever names a witness goes by it.
      const least = witnessesMin ?? Math.min(options.witness.length, 1);
      const { lang: language, json } = command.optsWithGlobals<GlobalOptions>();
      const progress = countedProgress(process.stderr, language);
      // What it needs (PostgreSQL, the domain) no other command does.
      const { NotVerifiable, verifyRequested } = await import('../log-verification.ts');
      try {
        const flags = { incremental: incremental === true, schema: schema === true, readModels: readModels === true };
        const verification = await verifyRequested({ ...options, ...flags, witnessesMin: least, bundle, onProgress: progress.show });
        progress.clear();
        process.stdout.write(`${json === true ? JSON.stringify(verification, null, 2) : verificationText(language, verification)}\n`);
        if (!verification.verified) process.exitCode = notVerified;
      } catch (error) {
        progress.clear();
        // Whatever it was, nothing is said of the log.
        process.stderr.write(`error: ${error instanceof NotVerifiable ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
        process.exitCode = notVerifiable;
      }
    });
};
