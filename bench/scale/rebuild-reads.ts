import { setTimeout as sleep } from 'node:timers/promises';
import { BenchProcess } from '../process.ts';
import type { LatencyLine, LatencyRow } from '../results.ts';
import type { ClientMethods, DigestedAnswer } from './client-worker.ts';
import { keyOf, labelOf, type DatasetPlan } from './datasets.ts';
import { lineOf, pathsOf } from './latency.ts';
import type { ServerProcess } from './server-process.ts';
import type { Stage } from './stage.ts';

const pollMs = 200;

interface ProjectionStanding { readonly name: string; readonly build: unknown; readonly swappedAt: string }

const asJson = async ({ url, token }: ServerProcess, method: 'GET' | 'POST', path: string): Promise<unknown> => {
  const response = await fetch(`${url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
  return response.json();
};
const projectionsOf = async (server: ServerProcess): Promise<readonly ProjectionStanding[]> => (await asJson(server, 'GET', '/projections') as { readonly items: readonly ProjectionStanding[] }).items;

/** Begins the rebuild of all of them; resolves once each was swapped in. */
const rebuilt = async (server: ServerProcess): Promise<void> => {
  const before = await projectionsOf(server);
  for (const { name } of before) await asJson(server, 'POST', `/projections/${name}/rebuild`);
  const isSwapped = ({ name, build, swappedAt }: ProjectionStanding): boolean => build === null && swappedAt !== before.find((one) => one.name === name)?.swappedAt;
  while (!(await projectionsOf(server)).every(isSwapped)) await sleep(pollMs);
};

/** Dashboards before, during and after the rebuild of every read model by the server that answers them. @throws Error where one of them is answered otherwise meanwhile. */
export const measureReadsDuringRebuild = async ({ datasets, servers, options }: Stage, plan: DatasetPlan): Promise<LatencyRow> => {
  await datasets.sealed(plan);
  const dataset = await datasets.readable(plan);
  const [server] = await servers.only([dataset], 'api,projector');
  if (server === undefined) throw new Error('no server runs');
  const client = new BenchProcess<ClientMethods>('scale/client-worker');
  try {
    const { url, token } = server;
    const paths = pathsOf('dashboard', dataset, options.calls.other);
    const asked = (): Promise<readonly DigestedAnswer[]> => client.ask('digests', { url, token, paths });
    await asked();
    const before = await asked();
    const during: DigestedAnswer[] = [];
    const rebuilding = { isOver: false };
    const over = rebuilt(server).finally(() => { rebuilding.isOver = true; });
    do during.push(...await asked()); while (!rebuilding.isOver);
    await over;
    const after = await asked();
    const digests = before.map(({ digest }) => digest);
    const different = [...during, ...after].filter(({ digest }, i) => digest !== digests[i % digests.length]).length;
    if (different > 0) throw new Error(`${different} dashboards were answered otherwise during or after a rebuild`);
    const line = (label: string, answers: readonly DigestedAnswer[]): Omit<LatencyLine, 'growths'> =>
      lineOf(label, { paths: answers.map((_, i) => paths[i % paths.length] ?? ''), warmUp: 0 }, Float64Array.from(answers, ({ ms }) => ms), null);
    const base = line('before', before);
    const beside = (label: string, answers: readonly DigestedAnswer[]): LatencyLine => {
      const measured = line(label, answers);
      return { ...measured, growths: [{ over: base.label, p50: measured.p50Ms / base.p50Ms, p99: measured.p99Ms / base.p99Ms, p99AtMost: null }] };
    };
    return {
      kind: 'latency', key: `rebuild-reads-${keyOf(plan)}`, title: `dashboards while all read models are rebuilt, ${labelOf(plan)}; every digest the same`,
      lines: [{ ...base, growths: [] }, beside('during', during), beside('after', after)],
    };
  } finally {
    client.kill();
    await servers.only([]);
  }
};
