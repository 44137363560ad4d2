import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { ImportProgress, ImportResult, ImportSummary, UndoResult } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { aside, colon, label, type Language } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { progressLine } from '../format/progress.ts';
import { table } from '../format/table.ts';
import type { Session } from '../session.ts';
import type { Open } from './reads.ts';

/** A ledger whose records need more than this is imported over HTTP with a larger limit of the server. */
const ledgerOf = async (file: string): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} cannot be read: ${why}`, `无法读取 ${file}：${why}`);
  }
};

const countsText = (language: Language, { rows }: ImportResult): string =>
  (['new', 'changed', 'unchanged', 'removed'] as const).filter((outcome) => rows[outcome] > 0).map((outcome) => `${label(language, outcome)} ${rows[outcome]}`).join(language === 'zh' ? '，' : ', ');

/** What every row comes to, but for those that say what they said; empty where all do. */
const rowsText = (language: Language, { results }: ImportResult): string => {
  const rows = results.filter(({ outcome, detail }) => outcome !== 'unchanged' || detail !== null).map(({ line, outcome, kind, key, detail }) => [line, label(language, outcome), kind, key, detail]);
  return rows.length === 0 ? '' : `${table(['line', 'outcome', 'kind', 'key', 'note'].map((name) => label(language, name)), rows)}\n\n`;
};

const resultText = (language: Language, file: string, result: ImportResult): string => {
  const head = `${file}${aside(language, result.documentId)}${colon(language)}${countsText(language, result)}`;
  if (result.dryRun) return `${rowsText(language, result)}${head}\n${label(language, 'dryRun')}`;
  if (result.importId === null) return `${head}\n${label(language, 'nothingNew')}`;
  return `${head}\n${label(language, 'imported')}${language === 'zh' ? '，' : ', '}${label(language, 'position')} ${result.position ?? ''}\n${label(language, 'takeBack')}rectrail undo ${result.importId} --reason …`;
};

/** Imports one file; the progress stands on stderr, so that the result can be piped. */
export const importFile = async ({ client, language }: Pick<Session, 'client' | 'language'>, file: string, options: { readonly dryRun: boolean; readonly complete: boolean }): Promise<ImportResult> => {
  const progress = progressLine(process.stderr, language, file);
  try {
    const query = { ...(options.dryRun && { dryRun: 'true' }), ...(options.complete && { complete: 'true' }) };
    return await client.importLedger<ImportResult, ImportProgress>(await ledgerOf(file), query, progress.show);
  } finally {
    progress.clear();
  }
};

const undoneText = (language: Language, { retracted, dependents, position, dryRun }: UndoResult): string => {
  const counts = language === 'zh'
    ? `已撤回 ${retracted} 条事实${dependents === 0 ? '' : `（其中 ${dependents} 条是依据该次导入作出的后续记录）`}`
    : `${retracted} facts retracted${dependents === 0 ? '' : `, ${dependents} of them built upon the import`}`;
  return [counts, dryRun ? label(language, 'dryRun') : `${label(language, 'position')} ${position ?? ''}`].join(language === 'zh' ? '，' : ', ');
};

interface ImportOptions { readonly dryRun?: boolean; readonly complete?: boolean }
interface UndoOptions { readonly reason?: string; readonly withDependents?: boolean; readonly dryRun?: boolean }

const addImport = (program: Command, open: Open): void => {
  program.command('import').argument('<file...>', 'ledgers, rectrail.ledger/1').description('import ledgers, each all or nothing')
    .option('--dry-run', 'all checks and what every row would come to; nothing is stored')
    .option('--complete', 'each file is its whole document: rows that it leaves out are retracted')
    .action(async (files: readonly string[], options: ImportOptions, command: Command) => {
      const session = await open(command);
      for (const file of files) {
        const result = await importFile(session, file, { dryRun: options.dryRun === true, complete: options.complete === true });
        session.print(session.json ? JSON.stringify(result, null, 2) : resultText(session.language, file, result));
      }
    });
};

/** Importing ledgers, listing imports, taking one back. */
export const addImports = (program: Command, open: Open): void => {
  addImport(program, open);
  program.command('imports').description('the imports recorded, newest first').action(async (_options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const { items } = await client.get<{ readonly items: readonly ImportSummary[] }>('/imports');
    const head = ['recordedAt', 'document', 'title', 'published', 'rows', 'undone', 'id'].map((name) => label(language, name === 'title' ? 'report' : name));
    print(json ? JSON.stringify(items, null, 2) : table(head, localInstants(items, zone).map((one) =>
      [one.recordedAt, one.documentId, one.title, one.publishedOn, one.rows, one.undone ? label(language, 'yes') : null, one.importId])));
  });
  program.command('undo').argument('<import>', 'id of the import').description('take an import back as one unit; the history shows both')
    .requiredOption('--reason <text>', 'why')
    .option('--with-dependents', 'retract what builds upon the import too')
    .option('--dry-run', 'all checks, nothing is stored')
    .action(async (id: string, options: UndoOptions, command: Command) => {
      const { client, language, json, print } = await open(command);
      const body = { reason: options.reason, withDependents: options.withDependents === true };
      const result = await client.post<UndoResult>(`/imports/${encodeURIComponent(id)}/undo`, body, options.dryRun === true ? { dryRun: 'true' } : {});
      print(json ? JSON.stringify(result, null, 2) : undoneText(language, result));
    });
};
