import type { EventStore } from '@rectrail/event-store';
import type { Database, Metrics } from '@rectrail/platform';
import type { TrackingRead } from '@rectrail/tracking-read';
import type { FastifyReply } from 'fastify';
import { problemPage } from '../problems/problem-table.ts';
import { HttpProblem } from './http-problem.ts';
import { idOf, type TableRoute } from './table-routes.ts';

export interface OperationRoutesOptions {
  readonly database: Database;
  readonly store: EventStore;
  readonly read: TrackingRead;
  readonly metrics: Metrics;
  readonly readyLagEventsMax: number;
  readonly openApi: unknown;
}

interface ProjectionHealth { readonly name: string; readonly position: number; readonly lagEvents: number; readonly state: string; readonly failure: unknown }
interface Readiness { readonly status: 'ready' | 'not-ready'; readonly database: 'up' | 'down'; readonly headPosition: number | null; readonly projections: readonly ProjectionHealth[] }

const unreachable: Readiness = { status: 'not-ready', database: 'down', headPosition: null, projections: [] };

const projectionHealth = async ({ store, read }: OperationRoutesOptions): Promise<{ readonly headPosition: number; readonly projections: readonly ProjectionHealth[] }> => {
  const { position: headPosition } = await store.head();
  const statuses = await read.projectionStatus();
  return { headPosition, projections: statuses.map(({ name, position, state, failure }) => ({ name, position, lagEvents: Math.max(0, headPosition - position), state, failure })) };
};

/** Ready: the database answers, no projection has stopped, none is further behind than the limit. */
const readiness = async (options: OperationRoutesOptions): Promise<Readiness> => {
  try {
    await options.database.query('select 1');
  } catch {
    // An unreachable database is the answer of this probe, not its failure.
    return unreachable;
  }
  const { headPosition, projections } = await projectionHealth(options);
  const ready = projections.every(({ state, lagEvents }) => state !== 'stopped' && lagEvents <= options.readyLagEventsMax);
  return { status: ready ? 'ready' : 'not-ready', database: 'up', headPosition, projections };
};

const noStore = (reply: FastifyReply): void => { void reply.header('Cache-Control', 'no-store'); };

const probes = (options: OperationRoutesOptions): readonly TableRoute[] => [
  // Live says only that the process answers: a database that is away must not get the process restarted.
  { name: 'Live', method: 'GET', path: '/health/live', handle: (_request, reply) => { noStore(reply); return Promise.resolve({ status: 'live' }); } },
  {
    name: 'Ready',
    method: 'GET',
    path: '/health/ready',
    handle: async (_request, reply) => {
      const answer = await readiness(options);
      noStore(reply);
      void reply.status(answer.status === 'ready' ? 200 : 503);
      return answer;
    },
  },
  {
    name: 'Metrics',
    method: 'GET',
    path: '/metrics',
    handle: async (_request, reply) => {
      const { headPosition, projections } = await projectionHealth(options);
      const { metrics } = options;
      metrics.headPosition.set(headPosition);
      for (const { name, position, lagEvents } of projections) {
        metrics.projectionPosition.set({ projection: name }, position);
        metrics.projectionLagEvents.set({ projection: name }, lagEvents);
      }
      noStore(reply);
      void reply.type(metrics.registry.contentType);
      return metrics.registry.metrics();
    },
  },
];

/** Health, metrics, the description of the interface and the pages of problems. */
export const operationRoutes = (options: OperationRoutesOptions): readonly TableRoute[] => [
  ...probes(options),
  { name: 'OpenApi', method: 'GET', path: '/openapi.json', handle: () => Promise.resolve(options.openApi) },
  {
    name: 'ProblemPage',
    method: 'GET',
    path: '/problems/:id',
    handle: (request, reply) => {
      const page = problemPage(idOf(request));
      if (page === null) throw new HttpProblem('route-not-found', `there is no problem ${idOf(request)}`);
      void reply.type('text/markdown; charset=utf-8');
      return Promise.resolve(page);
    },
  },
];
