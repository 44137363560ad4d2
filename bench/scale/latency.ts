import { BenchProcess } from '../process.ts';
import type { Growth, LatencyLine, LatencyRow } from '../results.ts';
import { latenciesOf } from '../statistics.ts';
import type { ClientMethods, Target } from './client-worker.ts';
import { keyOf, labelOf, type DatasetPlan } from './datasets.ts';
import { seeded } from './random.ts';
import { requests, requestSource, type RequestedDataset, type RequestName } from './requests.ts';
import { plansOf, tenthsOf, type ScaleOptions, type Stage } from './stage.ts';
import { besideWriter } from './writer.ts';

/** A kind of request and what is asked of it, at 10 M events as at 100 k. */
export interface RequestPlan {
  readonly request: RequestName;
  readonly title: string;
  readonly p99MsAtMost: number | null;
  /** Where a million events and more are ten times as many. */
  readonly growthAtMost: number | null;
}

const dashboard = { p99MsAtMost: 15, growthAtMost: 1.25 } as const;

export const requestPlans: readonly RequestPlan[] = [
  { request: 'dashboard', title: 'dashboard, any level', ...dashboard },
  { request: 'root', title: 'dashboard of the province', ...dashboard },
  // An older position costs the points recorded since (design.md section 7).
  { request: 'older', title: 'dashboard at an older position', p99MsAtMost: null, growthAtMost: null },
  { request: 'children', title: 'dashboard of about 20 children', p99MsAtMost: 60, growthAtMost: null },
  { request: 'series-then', title: 'series, 365 days as then', p99MsAtMost: 60, growthAtMost: null },
  { request: 'series-known', title: 'series, 365 days as known at one day', p99MsAtMost: 60, growthAtMost: null },
  { request: 'compare', title: 'compare, 7 to 90 days apart', p99MsAtMost: null, growthAtMost: null },
  { request: 'issues', title: 'issues, first page', p99MsAtMost: 30, growthAtMost: null },
  { request: 'deadlines', title: 'deadlines, first page', p99MsAtMost: 30, growthAtMost: null },
  { request: 'timeline', title: 'timeline of an issue', p99MsAtMost: null, growthAtMost: null },
];

const growthFrom = 1_000_000;
const slowestKept = 5;
const seed = 4;

/** One in ten dashboards stands at an older position. */
const callsOf = (request: RequestName, { calls }: ScaleOptions): number => (request === 'dashboard' ? calls.dashboard : request === 'older' ? Math.ceil(calls.dashboard / 10) : calls.other);

/** The same draws for each log, so that the sizes are asked alike. */
export const pathsOf = (request: RequestName, dataset: RequestedDataset, count: number): readonly string[] => {
  const [source, random] = [requestSource(dataset), seeded(seed)];
  return Array.from({ length: count }, () => requests[request](source, random));
};

export const lineOf = (label: string, { paths, warmUp }: Pick<Target, 'paths' | 'warmUp'>, samplesMs: Float64Array, p99MsAtMost: number | null): Omit<LatencyLine, 'growths'> => {
  const bySpeed = [...samplesMs].map((ms, i) => ({ ms: Number(ms.toFixed(3)), path: paths[warmUp + i] ?? '' })).sort((a, b) => b.ms - a.ms);
  return { label, ...latenciesOf(samplesMs), slowest: bySpeed.slice(0, slowestKept), p99MsAtMost };
};

export const alternate = async (targets: readonly Target[]): Promise<readonly Float64Array[]> => {
  const client = new BenchProcess<ClientMethods>('scale/client-worker');
  try {
    return await client.ask('alternate', targets);
  } finally {
    client.kill();
  }
};

/** One server for each history; each request goes to the next. */
export const measureLatency = async ({ server, datasets, servers, options }: Stage, { request, title, p99MsAtMost, growthAtMost }: RequestPlan): Promise<LatencyRow> => {
  const plans = plansOf(options);
  const opened = [];
  for (const plan of plans) opened.push(await datasets.readable(plan));
  const running = await servers.only(opened);
  const { warmUp } = options.calls;
  const targets = opened.map((dataset, i): Target => ({
    url: running[i]?.url ?? '', token: running[i]?.token ?? '', paths: pathsOf(request, dataset, warmUp + callsOf(request, options)), warmUp,
  }));
  await server.checkpoint();
  const samples = await alternate(targets);
  const measured = targets.map((target, i) => ({ plan: plans[i], line: lineOf(labelOf(plans[i] as DatasetPlan), target, samples[i] ?? new Float64Array(), p99MsAtMost) }));
  const growthsOf = (plan: DatasetPlan, { p50Ms, p99Ms }: Omit<LatencyLine, 'growths'>): readonly Growth[] => tenthsOf(plan, plans).flatMap((tenth) => {
    const base = measured.find((one) => one.plan === tenth)?.line;
    return base === undefined ? [] : [{ over: labelOf(tenth), p50: p50Ms / base.p50Ms, p99: p99Ms / base.p99Ms, p99AtMost: tenth.events >= growthFrom ? growthAtMost : null }];
  });
  return { kind: 'latency', key: `read-${request}`, title, lines: measured.map(({ plan, line }) => ({ ...line, growths: plan === undefined ? [] : growthsOf(plan, line) })) };
};

/** All kinds, one after another, while events come in at a steady pace. */
export const measureBesideWriter = async (stage: Stage, plan: DatasetPlan, eventsPerSecond: number): Promise<LatencyRow> => {
  const { calls } = stage.options;
  const dataset = await stage.datasets.log(plan);
  const { warmUp } = calls;
  const asked = requestPlans.map(({ request, title, p99MsAtMost }) => {
    const count = request === 'dashboard' ? calls.dashboardBesideWriter : calls.otherBesideWriter;
    return { title, p99MsAtMost, paths: pathsOf(request, dataset, warmUp + count) };
  });
  // What of the first line is no wait for the head (docs/adr/0004).
  const reached = pathsOf('dashboard', dataset, warmUp + calls.otherBesideWriter).map((path) => `${path}&atPosition=${dataset.head}`);
  const lines = await besideWriter(stage, plan, eventsPerSecond, async ({ url, token }) => {
    const measured: LatencyLine[] = [];
    for (const { title, p99MsAtMost, paths } of [...asked, { title: 'dashboard, any level, at the position where the writer began', p99MsAtMost: null, paths: reached }]) {
      const target = { url, token, paths, warmUp };
      const [samples = new Float64Array()] = await alternate([target]);
      measured.push({ ...lineOf(title, target, samples, p99MsAtMost), growths: [] });
    }
    return measured;
  });
  return { kind: 'latency', key: `beside-writer-${keyOf(plan)}`, title: `${labelOf(plan)}, beside a writer of ${eventsPerSecond} events/s`, lines };
};
