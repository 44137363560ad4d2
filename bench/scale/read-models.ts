import { dayIn } from '@rectrail/kernel';
import type { DashboardAnswer } from '@rectrail/tracking-read';
import { BenchProcess } from '../process.ts';
import type { Figure, FigureRow } from '../results.ts';
import { spreadOf } from '../statistics.ts';
import type { ClientMethods } from './client-worker.ts';
import type { Question } from './data-worker.ts';
import { eventsKey, eventsLabel, keyOf, labelOf, zone, type Dataset, type DatasetPlan } from './datasets.ts';
import { pathsOf } from './latency.ts';
import type { SmallHistory, Stage } from './stage.ts';

const copyShareMin = 0.5;
const replayMiBMax = 256;
/** What is called flat. */
const memoryGrowthMax = 1.1;

const plain = (label: string, value: number, unit: string): Figure => ({ label, value, unit, aim: null });

export const measureData = async ({ datasets }: Stage, plan: DatasetPlan): Promise<FigureRow> => {
  const { landmarks: { streams, from, until, registered }, head: events, loading, commit, database } = await datasets.log(plan);
  return {
    kind: 'figures', key: `data-${keyOf(plan)}`, title: `history of ${labelOf(plan)}`, raw: { database, commit, from, until, streams, organisations: registered.length, loading },
    figures: [
      plain(`generated and loaded, ${from} to ${until}`, events / loading.seconds, 'events/s'), plain('log with its indexes', loading.logBytes / events, 'bytes an event'),
      plain('streams', streams, ''), plain('memory, peak', loading.peakMiB, 'MiB'),
    ],
  };
};

/** All read models made anew beside the ones that are read; then, where it is asked for, what COPY alone takes for the same rows. */
export const measureRebuild = async ({ datasets, servers }: Stage, plan: DatasetPlan, besideCopy: boolean): Promise<FigureRow> => {
  await servers.only([]);
  const building = await datasets.rebuild(plan);
  const { events, seconds, memory, tables } = building;
  const copying = besideCopy ? await datasets.copyPeer(plan) : null;
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  return {
    kind: 'figures', key: `rebuild-${keyOf(plan)}`, title: `rebuild of all read models, ${labelOf(plan)}`, raw: { building, copying },
    figures: [
      plain('rebuild', events / seconds, 'events/s'),
      ...(copying === null ? [] : [
        plain('COPY of the same rows with the same indexes', events / copying.seconds, 'events/s'),
        { label: 'rebuild over COPY', value: copying.seconds / seconds, unit: '×', aim: { atLeast: copyShareMin } },
      ]),
      plain('rows with their indexes', bytes / events, 'bytes an event'), plain('memory, peak', memory.peakMiB, 'MiB'),
    ],
  };
};

export const measureReplay = async ({ datasets, servers }: Stage, plan: DatasetPlan): Promise<FigureRow> => {
  await servers.only([]);
  const replaying = await datasets.replay(plan);
  const { events, seconds, memory } = replaying;
  return {
    kind: 'figures', key: `replay-${keyOf(plan)}`, title: `replay of the whole log, ${labelOf(plan)}`, raw: replaying,
    figures: [
      plain('read and decoded', events / seconds, 'events/s'), { label: 'memory, peak', value: memory.peakMiB, unit: 'MiB', aim: { atMost: replayMiBMax } },
      { label: 'memory, last quarter over the second', value: memory.growth, unit: '×', aim: { atMost: memoryGrowthMax } },
    ],
  };
};

interface Answered { readonly ms: number; readonly digest: string; readonly question: Question }

/** Each path once unmeasured, once measured. */
const askedOverHttp = async ({ servers }: Stage, dataset: Dataset, paths: readonly string[]): Promise<readonly Answered[]> => {
  const [server] = await servers.only([dataset]);
  if (server === undefined) throw new Error('no server runs');
  const client = new BenchProcess<ClientMethods>('scale/client-worker');
  try {
    const { url, token } = server;
    const [samples = new Float64Array()] = await client.ask('alternate', [{ url, token, paths: [...paths, ...paths], warmUp: paths.length }]);
    const answers: Answered[] = [];
    for (const [i, path] of paths.entries()) {
      const { cut, digest, org } = JSON.parse(await client.ask('body', { url, token, path })) as DashboardAnswer;
      const treeOn = path.includes('treeAt=now') ? { treeOn: dayIn(zone, cut.knownAt) } : {};
      answers.push({ ms: samples[i] ?? 0, digest, question: { cut, org: org?.orgId ?? null, ...treeOn } });
    }
    return answers;
  } finally {
    client.kill();
  }
};

/** The figures module, which reads and folds the whole log for each question, beside the read models: how long they take for the same answers. @throws Error for another answer. */
export const measureNaive = async (stage: Stage, { events, organisations, cuts }: SmallHistory): Promise<FigureRow> => {
  const plan: DatasetPlan = { events, growth: 'years', organisations, tailEvents: 0 };
  const dataset = await stage.datasets.readable(plan);
  const paths = [...pathsOf('dashboard', dataset, cuts - Math.floor(cuts / 4)), ...pathsOf('older', dataset, Math.floor(cuts / 4))];
  const answers = await askedOverHttp(stage, dataset, paths);
  const naive = await stage.datasets.naive(plan, answers.map(({ question }) => question));
  const different = paths.filter((_, i) => answers[i]?.digest !== naive[i]?.digest);
  if (different.length > 0) throw new Error(`${different.length} of ${cuts} dashboards are not those of the figures module: ${different.slice(0, 3).join(', ')}`);
  const [read, replayed] = [spreadOf(answers.map(({ ms }) => ms)).median, spreadOf(naive.map(({ ms }) => ms)).median];
  return {
    kind: 'figures', key: `naive-${eventsKey(events)}`, title: `dashboard by a naive replay of ${eventsLabel(events)} events`,
    raw: { read: answers.map(({ ms }) => ms), naive: naive.map(({ ms }) => ms) },
    figures: [
      plain('naive replay, median', replayed, 'ms'), plain('read over HTTP, median', read, 'ms'), plain('replay over read', replayed / read, '×'),
      { label: 'equal answers', value: cuts, unit: `of ${cuts}`, aim: { atLeast: cuts } },
    ],
  };
};
