import { isDay, type Day } from '@rectrail/kernel';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { UsageError } from '../api-client.ts';
import { colon, label, type Language } from '../format/language.ts';
import { generationProgress } from '../format/progress.ts';
import { table } from '../format/table.ts';
import type { Generated, GenerationRequest } from '../generation.ts';
import type { GlobalOptions } from '../session.ts';

interface GenerateOptions extends GenerationRequest { readonly dryRun?: boolean }

/** The day of the last event unless told otherwise: fixed, so that the same command gives the same bytes on any day. */
const untilDefault = '2026-06-30';
/** The calendars begin in 2004, and ten years lie before the last day. */
const untilMin = '2014-01-01';
const seedMax = Number.MAX_SAFE_INTEGER;

const wholeNumber = (least: number, most: number) => (text: string): number => {
  const n = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(n) || n < least || n > most) throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
  return n;
};

const dayFrom = (least: string) => (text: string): Day => {
  if (!isDay(text) || text < least) throw new InvalidArgumentError(`a day from ${least} on, YYYY-MM-DD`);
  // isDay has just said so.
  return text as Day;
};

/** What was made, for people: the things first, then the events by type. */
export const generatedText = (language: Language, { dryRun, events, things, types, from, until, seconds }: Generated): string => {
  const facts = [
    ['events', events], ...Object.entries(things), ['span', `${from} – ${until}`], ['eventsPerSecond', Math.round(events / Math.max(seconds, 0.001))],
  ] as const;
  return [
    facts.map(([name, value]) => `${label(language, name)}${colon(language)}${value}`).join('\n'),
    '',
    table([label(language, 'event'), label(language, 'events')], types.map(({ type, count }) => [type, count])),
    '',
    label(language, dryRun ? 'dryRun' : 'loaded'),
  ].join('\n');
};

/** An invented province: data to measure and to try things on. */
export const addGenerate = (program: Command, env: NodeJS.ProcessEnv): void => {
  program.command('generate').description('fill an empty database with the history of an invented province; the same options give the same bytes')
    .addOption(new Option('--events <n>', 'events of the whole log').argParser(wholeNumber(1, 100_000_000)).makeOptionMandatory())
    .addOption(new Option('--growth <kind>', 'years: a million events a year; density: always ten years').choices(['years', 'density']).default('years'))
    .addOption(new Option('--organisations <n>', 'organisations at the first day').argParser(wholeNumber(1, 200_000)).default(10_000))
    .addOption(new Option('--seed <n>', 'another number, another province').argParser(wholeNumber(0, seedMax)).default(1))
    .addOption(new Option('--until <day>', 'day of the last event').argParser(dayFrom(untilMin)).default(untilDefault))
    .option('--dry-run', 'generate and count; nothing is stored')
    .addHelpText('after', '\nExample: a year of a province in a data directory of its own, then a server on it\n  $ rectrail --data-dir ./province generate --events 1000000\n  $ rectrail --data-dir ./province serve')
    .action(async (options: GenerateOptions, command: Command) => {
      const { dataDir, lang: language, json } = command.optsWithGlobals<GlobalOptions>();
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { stop.abort(); });
      const progress = generationProgress(process.stderr, language);
      // What it needs (PostgreSQL, the domain) no other command does.
      const { generate } = await import('../generation.ts');
      try {
        const generated = await generate(options, { env: { ...env, RECTRAIL_DATA_DIR: dataDir }, dryRun: options.dryRun === true, signal: stop.signal, onProgress: progress.show });
        progress.clear();
        process.stdout.write(`${json === true ? JSON.stringify(generated, null, 2) : generatedText(language, generated)}\n`);
      } catch (error) {
        progress.clear();
        throw stop.signal.aborted ? new UsageError('stopped; nothing was stored', '已停止，未写入任何内容') : error;
      }
    });
};
