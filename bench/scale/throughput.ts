import { runOf, type Run } from '../fleet.ts';
import { BenchProcess } from '../process.ts';
import type { RateRow } from '../results.ts';
import type { BareMethods, Framework } from './bare-worker.ts';
import type { ClientMethods } from './client-worker.ts';
import { labelOf } from './datasets.ts';
import { pathsOf } from './latency.ts';
import { writtenPlans, type Stage } from './stage.ts';

const connections = 32;
const warmMs = 500;
const firstWarmMs = 3_000;
/** Different dashboards that are asked in turn. */
const pathsAsked = 200;
const frameworks: readonly Framework[] = ['bare Nest on Fastify', 'bare Fastify'];

interface Contender { readonly label: string; readonly url: string; readonly paths: readonly string[]; readonly runs: Run[] }

const bare = async (framework: Framework, path: string, body: string, opened: DisposableStack): Promise<Contender> => {
  const process = opened.adopt(new BenchProcess<BareMethods>('scale/bare-worker'), (one) => { one.kill(); });
  return { label: framework, url: await process.ask('listen', { framework, path, body }), paths: [path], runs: [] };
};

/** Today's dashboards as fast as they are answered, beside handlers that know their answer. */
export const measureThroughput = async ({ datasets, servers, options }: Stage): Promise<RateRow> => {
  const [plan] = writtenPlans(options);
  const dataset = await datasets.readable(plan);
  const [server] = await servers.only([dataset]);
  if (server === undefined) throw new Error('no server runs');
  const { token } = server;
  using opened = new DisposableStack();
  const client = opened.adopt(new BenchProcess<ClientMethods>('scale/client-worker'), (one) => { one.kill(); });
  const paths = pathsOf('today', dataset, pathsAsked);
  const body = await client.ask('body', { url: server.url, token, path: paths[0] ?? '' });
  const subject: Contender = { label: 'Rectrail', url: server.url, paths, runs: [] };
  const peers = await Promise.all(frameworks.map((framework) => bare(framework, '/api/v1/dashboard', body, opened)));
  const run = async ({ url, paths: asked }: Contender, warm: number): Promise<Run> => {
    const loop = { callers: connections, warmMs: warm, measureMs: options.loadMs };
    return runOf([await client.ask('load', { url, token, paths: asked, loop })], loop.measureMs);
  };
  const contenders = [subject, ...peers];
  for (const contender of contenders) await run(contender, firstWarmMs);
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) contender.runs.push(await run(contender, warmMs));
  }
  const resultOf = ({ label, runs }: Contender) => ({ label, contestant: label, connections, runs });
  return {
    kind: 'rate', unit: 'requests/s', key: 'throughput', title: `requests of today's dashboards, ${connections} connections, ${labelOf(plan)}`,
    callers: connections, processes: 1, payload: 'dashboard', meanBytes: Buffer.byteLength(body),
    measureMs: options.loadMs, roundsOfRatio: options.rounds, subject: resultOf(subject), peers: peers.map((peer) => ({ ...resultOf(peer), toReach: null })), counts: [],
  };
};
