import { resolve } from 'node:path';
import { backUp, BackupRefused, restore, type BackupManifest } from '@rectrail/platform';
import type { Command } from 'commander';
import { UsageError } from '../api-client.ts';
import { colon, label, type Language } from '../format/language.ts';
import { copyProgress } from '../format/progress.ts';
import type { GlobalOptions } from '../session.ts';

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

/** Copies of a data directory, taken while the server runs, and put back. */
export const addBackup = (program: Command): void => {
  program.command('backup').description('copy the database of the data directory while the server runs, with its keys')
    .requiredOption('--to <dir>', 'a new folder; whoever reads it can sign as the log')
    .addHelpText('after', '\nWhere DATABASE_URL is set, back that server up by its own means. docs/how-to/back-up-and-restore.md')
    .action(async ({ to }: { readonly to: string }, command: Command) => {
      const { dataDir } = command.optsWithGlobals<GlobalOptions>();
      await copying(command, ['stopped; the copy has no manifest and cannot be restored', '已停止，副本不完整，不能用于恢复'], (at) => backUp({ dataDir: resolve(dataDir), to: resolve(to), describe, ...at }));
    });
  program.command('restore').description('put a backup into a data directory that has no database; its files are checked first')
    .requiredOption('--from <dir>', 'folder of a backup')
    .addHelpText('after', '\nStart the server on it afterwards. Where others have seen more of the log, it is read-only until `rectrail epoch new`.')
    .action(async ({ from }: { readonly from: string }, command: Command) => {
      const { dataDir } = command.optsWithGlobals<GlobalOptions>();
      await copying(command, ['stopped; nothing was restored', '已停止，未恢复任何内容'], (at) => restore({ from: resolve(from), dataDir: resolve(dataDir), ...at }));
    });
};
