import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { Projections, ProjectionView } from '../answers.ts';
import { ProblemAnswer, UsageError, type ApiClient } from '../api-client.ts';
import { isConfirmed } from '../confirmation.ts';
import { localInstants } from '../format/local-instants.ts';
import { rebuildProgress } from '../format/progress.ts';
import { begunText, droppedRebuildText, nothingToStop, projectionsText, rebuiltText, skippedText, skipQuestion, stoppedRebuildText } from '../format/projections.ts';
import type { Session } from '../session.ts';
import type { Open } from './reads.ts';

/** Between two looks at a rebuild, in ms. */
const pollMs = 500;
/** 128 + SIGINT, as shells tell it. */
const interruptedExitCode = 130;

interface RebuildOptions { readonly detach?: boolean; readonly stop?: boolean; readonly drop?: boolean }

const pathOf = (name: string, action: 'rebuild' | 'skip'): string => `/projections/${encodeURIComponent(name)}/${action}`;

const viewOf = async (client: ApiClient, name: string): Promise<ProjectionView | undefined> => (await client.get<Projections>('/projections')).items.find((item) => item.name === name);

/** The view afterwards; null where no rebuild has begun any more. */
const stop = async (client: ApiClient, name: string, drop: boolean): Promise<ProjectionView | null> => {
  try {
    return await client.delete<ProjectionView>(pathOf(name, 'rebuild'), drop ? { drop: 'true' } : {});
  } catch (error) {
    if (error instanceof ProblemAnswer && error.problem.code === 'unknown-rebuild') return null;
    throw error;
  }
};

/** Follows a rebuild until it has ended or, once the signal has aborted, stops it. */
const follow = async ({ client, language }: Session, begun: ProjectionView, signal: AbortSignal): Promise<ProjectionView> => {
  const progress = rebuildProgress(process.stderr, language);
  let view = begun;
  try {
    while (view.build !== null && !view.build.paused && view.build.failure === null) {
      progress.show(view.build);
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      view = (signal.aborted ? await stop(client, begun.name, false) : null) ?? await viewOf(client, begun.name) ?? { ...view, build: null };
    }
  } finally {
    progress.clear();
  }
  return view;
};

/** True where the rows are in place. */
const rebuild = async (session: Session, name: string, signal: AbortSignal): Promise<boolean> => {
  const { client, language, json, print } = session;
  const startedMs = performance.now();
  const before = await viewOf(client, name);
  const view = await follow(session, await client.post<ProjectionView>(pathOf(name, 'rebuild'), {}), signal);
  if (json) print(JSON.stringify(view, null, 2));
  if (view.build === null && view.swappedAt !== before?.swappedAt) {
    if (!json) print(rebuiltText(language, view, (performance.now() - startedMs) / 1_000));
    return true;
  }
  const { build } = view;
  if (build === null) throw new UsageError(droppedRebuildText('en', name), droppedRebuildText('zh', name));
  if (build.failure === null) {
    process.stderr.write(`${stoppedRebuildText(language, view)}\n`);
    process.exitCode = signal.aborted ? interruptedExitCode : 1;
    return false;
  }
  const { position, reason } = build.failure;
  throw new UsageError(`the rebuild of ${name} stopped at position ${position}: ${reason}. The rows that are read stay as they are`, `${name} 的重建停在位置 ${position}：${reason}。在用的数据不受影响`);
};

const rebuildAll = async (session: Session, names: readonly string[], { detach }: RebuildOptions): Promise<void> => {
  const { client, language, json, print } = session;
  if (detach === true) {
    for (const name of names) {
      const view = await client.post<ProjectionView>(pathOf(name, 'rebuild'), {});
      print(json ? JSON.stringify(view, null, 2) : begunText(language, name));
    }
    return;
  }
  const interrupted = new AbortController();
  // The second Ctrl-C ends this process at once, as it would have without us.
  process.once('SIGINT', () => { interrupted.abort(); });
  for (const name of names) if (!await rebuild(session, name, interrupted.signal)) return;
};

const stopAll = async ({ client, language, json, print }: Session, names: readonly string[], drop: boolean): Promise<void> => {
  for (const name of names) {
    const view = await client.delete<ProjectionView>(pathOf(name, 'rebuild'), drop ? { drop: 'true' } : {});
    print(json ? JSON.stringify(view, null, 2) : drop ? droppedRebuildText(language, name) : stoppedRebuildText(language, view));
  }
  if (names.length === 0) print(nothingToStop(language));
};

const addRebuild = (program: Command, open: Open): void => {
  program.command('rebuild').argument('[name...]', 'projections; default: all, one after the other').description('make the rows of projections anew beside those that are read (administrators only)')
    .addOption(new Option('--detach', 'begin and come back at once, all at the same time').conflicts(['stop', 'drop']))
    .addOption(new Option('--stop', 'stop rebuilds that have begun; what is done is kept, and the next rebuild goes on there').conflicts('drop'))
    .option('--drop', 'stop rebuilds that have begun and drop what is done')
    .addHelpText('after', '\nCtrl-C stops the rebuild. Exit codes: 0 rebuilt, 1 refused, failed or stopped by somebody else, 130 stopped by Ctrl-C.')
    .action(async (names: readonly string[], options: RebuildOptions, command: Command) => {
      const session = await open(command);
      const { items } = await session.client.get<Projections>('/projections');
      const ends = options.stop === true || options.drop === true;
      const chosen = names.length > 0 ? names : items.filter(({ build }) => !ends || build !== null).map(({ name }) => name);
      if (ends) await stopAll(session, chosen, options.drop === true);
      else await rebuildAll(session, chosen, options);
    });
};

const positionArgument = (text: string): number => {
  const position = Number(text);
  if (!Number.isSafeInteger(position) || position < 1) throw new InvalidArgumentError('a position is a whole number from 1 on');
  return position;
};

const nobodyToAsk = ['a skip cannot be taken back: confirm it with --yes', '跳过无法撤销：请用 --yes 确认'] as const;

const addSkip = (program: Command, open: Open): void => {
  program.command('skip').argument('<name>', 'projection').addArgument(new Argument('<position>', 'where it stands stopped').argParser(positionArgument))
    .description('let a projection leave out, for good, the event at which it stands stopped (administrators only)')
    .requiredOption('--reason <text>', 'why; kept with your name')
    .option('--yes', 'do not ask')
    .action(async (name: string, position: number, options: { readonly reason: string; readonly yes?: boolean }, command: Command) => {
      const { client, language, json, print } = await open(command);
      if (options.yes !== true) {
        const view = await viewOf(client, name);
        const stopped = [view?.failure, view?.build?.failure].find((failure) => failure?.position === position);
        if (!await isConfirmed(skipQuestion(language, name, position, stopped?.reason), nobodyToAsk)) throw new UsageError('nothing is skipped', '未跳过');
      }
      const view = await client.post<ProjectionView>(pathOf(name, 'skip'), { position, reason: options.reason });
      print(json ? JSON.stringify(view, null, 2) : skippedText(language, view, position));
    });
};

/** How the projections stand, and what an operator does about it. */
export const addProjections = (program: Command, open: Open): void => {
  program.command('projections').description('how each projection stands: position, lag, rebuild, what stopped it (administrators only)').action(async (_options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<Projections>('/projections');
    print(json ? JSON.stringify(answer, null, 2) : projectionsText(language, localInstants(answer, zone)));
  });
  addRebuild(program, open);
  addSkip(program, open);
};
