import { resolve } from 'node:path';
import { backUp, BackupRefused, restore, type BackupManifest } from '@rectrail/platform';
import { Option, type Command } from 'commander';
import { UsageError } from '../api-client.ts';
import { colon, label, type Language } from '../format/language.ts';
import { copyProgress, restoreProgress } from '../format/progress.ts';
import type { Restored } from '../log-restore.ts';
import type { GlobalOptions } from '../session.ts';
import { several } from './audit.ts';

interface Work { readonly onProgress: (progress: { readonly bytes: number; readonly of: number }) => void; readonly signal: AbortSignal }

/** Which log the database holds, and at least how much of it. */
const describe = async (query: <R extends object>(sql: string) => Promise<readonly R[]>): Promise<BackupManifest['contents']> => {
  const [there] = await query<{ exists: boolean }>(`select to_regclass('rectrail_events.epochs') is not null as exists`);
  if (there?.exists !== true) return {};
  const [log] = await query<{ logId: string; epoch: number; position: number }>(`
    select log_id::text as "logId", epoch, coalesce((select max(position) from rectrail_events.events), 0)::float8 as position from rectrail_events.epochs order by epoch desc limit 1`);
  return { ...log };
};

const manifestText = (language: Language, { contents, endedAt, files }: BackupManifest): string => [
  ...Object.entries(contents), ['bytes', files.reduce((sum, { bytes }) => sum + bytes, 0)] as const, ['created', endedAt] as const,
].map(([name, value]) => `${label(language, name)}${colon(language)}${value ?? ''}`).join('\n');

/** Runs what copies files, with its progress, until it is done or a signal stops it. */
const copying = async (command: Command, stopped: readonly [en: string, zh: string], work: (at: Work) => Promise<BackupManifest>): Promise<void> => {
  const { lang: language, json } = command.optsWithGlobals<GlobalOptions>();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { stop.abort(); });
  const progress = copyProgress(process.stderr, language);
  try {
    const manifest = await work({ onProgress: progress.show, signal: stop.signal });
    progress.clear();
    const { files, ...about } = manifest;
    process.stdout.write(`${json === true ? JSON.stringify({ ...about, files: files.length }, null, 2) : manifestText(language, manifest)}\n`);
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted) throw new UsageError(...stopped);
    throw error instanceof BackupRefused ? new UsageError(error.message, error.message) : error;
  }
};

/** Its files are not here, and its tools not ours. */
const elsewhere = new UsageError(
  'DATABASE_URL is set: its files are not here to be copied. Potential solutions: rectrail export --to DIR, which rectrail restore --bundle puts back; the means of that server (pg_basebackup, snapshots)',
  '已设置 DATABASE_URL，数据库文件不在本机可复制之处。请用 rectrail export --to 目录 导出（可用 rectrail restore --bundle 恢复），或用该数据库自身的备份手段（pg_basebackup、快照）',
);

interface RestoreOptions {
  readonly from?: string;
  readonly bundle?: string;
  readonly database?: string;
  readonly key: readonly string[];
  readonly logKeyFile?: string;
}

const restoredText = (language: Language, { logKeyFile, ...facts }: Restored): string => [
  ...Object.entries(facts).map(([name, value]) => `${label(language, name)}${colon(language)}${value}`),
  ...(logKeyFile !== null ? [`${label(language, 'logKey')}${colon(language)}${logKeyFile}`] : [language === 'zh'
    ? `请在首次启动前将日志签名密钥放到数据目录的 log-key-${facts.epoch}，或用 RECTRAIL_LOG_KEY_FILE 指明；否则会生成新密钥，校验方不认`
    : `before the first start put the key that signs the log into the data directory as log-key-${facts.epoch}, or name it by RECTRAIL_LOG_KEY_FILE; else another one is made, which nobody knows`]),
  language === 'zh' ? '读模型在下次启动时自动重建；令牌、webhook 和幂等键不在导出件中' : 'read models are made at the next start; tokens, webhooks and idempotency keys are not in a bundle',
].join('\n');

/** A log out of a bundle, into an empty database. */
const restoreLog = async (command: Command, bundle: string, { database, key, logKeyFile }: RestoreOptions): Promise<void> => {
  if (database === undefined || key.length === 0) command.error('error: --bundle goes with --database and --key', { exitCode: 2 });
  const { lang: language, json, dataDir } = command.optsWithGlobals<GlobalOptions>();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { stop.abort(); });
  const progress = restoreProgress(process.stderr, language);
  // What it needs (PostgreSQL, the domain) no other command does.
  const { restoreBundle } = await import('../log-restore.ts');
  try {
    const restored = await restoreBundle({ bundle, database, key, logKeyFile, dataDir: resolve(dataDir), signal: stop.signal, onProgress: progress.show });
    progress.clear();
    process.stdout.write(`${json === true ? JSON.stringify(restored, null, 2) : restoredText(language, restored)}\n`);
  } catch (error) {
    progress.clear();
    throw stop.signal.aborted && error === stop.signal.reason ? new UsageError('stopped; nothing was restored', '已停止，未恢复任何内容') : error;
  }
};

/** Copies of a data directory, taken while the server runs, and put back; and a log out of a bundle. */
export const addBackup = (program: Command, env: NodeJS.ProcessEnv): void => {
  program.command('backup').description('copy the database of the data directory while the server runs, with its keys')
    .requiredOption('--to <dir>', 'a new folder; whoever reads it can sign as the log')
    .addHelpText('after', '\nWhere DATABASE_URL is set: rectrail export, or the means of that server. docs/how-to/back-up-and-restore.md')
    .action(async ({ to }: { readonly to: string }, command: Command) => {
      if (env['DATABASE_URL'] !== undefined) throw elsewhere;
      const { dataDir } = command.optsWithGlobals<GlobalOptions>();
      await copying(command, ['stopped; the copy has no manifest and cannot be restored', '已停止，副本不完整，不能用于恢复'], (at) => backUp({ dataDir: resolve(dataDir), to: resolve(to), describe, ...at }));
    });
  program.command('restore').description('put a backup into a data directory that has no database, or a bundle into an empty database; it is checked first')
    .option('--from <dir>', 'folder of a backup')
    .option('--bundle <dir>', 'a bundle of everything that rectrail export wrote')
    .option('--database <url>', 'with --bundle: an empty database')
    .addOption(new Option('--key <key|file>', 'with --bundle: verifier key of the log, got by another way; repeatable').argParser(several).default([]))
    .option('--log-key-file <file>', 'with --bundle: the secret key that signs the log, to be put into the data directory')
    .addHelpText('after', '\nStart the server on it afterwards. Where others have seen more of the log, it is read-only until `rectrail epoch new`.')
    .action(async (options: RestoreOptions, command: Command) => {
      const { from, bundle } = options;
      if (bundle !== undefined && from === undefined) {
        await restoreLog(command, bundle, options);
        return;
      }
      if (from === undefined || bundle !== undefined) command.error('error: --from or --bundle, one of them', { exitCode: 2 });
      const { dataDir } = command.optsWithGlobals<GlobalOptions>();
      await copying(command, ['stopped; nothing was restored', '已停止，未恢复任何内容'], (at) => restore({ from: resolve(from), dataDir: resolve(dataDir), ...at }));
    });
};
