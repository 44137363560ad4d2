import type { EventStore } from '@rectrail/event-store';
import { position, type Clock } from '@rectrail/kernel';
import { messageSchemas, type Webhooks } from '@rectrail/messaging';
import type { Database, Leadership, Metrics } from '@rectrail/platform';
import type { ProjectionStatus, TrackingRead } from '@rectrail/tracking-read';
import type { FastifyReply } from 'fastify';
import type { Gauge } from 'prom-client';
import { followerStandings, type FollowerStanding } from '../followers.ts';
import { standingText, type LogFence } from '../log/log-fence.ts';
import type { SealedLog } from '../log/sealed-log.ts';
import { problemPage } from '../problems/problem-table.ts';
import type { WatchedClock } from './clock.routes.ts';
import { isAdministrators } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { idOf, type TableRoute } from './table-routes.ts';

export interface OperationRoutesOptions {
  readonly database: Database;
  readonly store: EventStore;
  readonly read: TrackingRead;
  readonly leadership: Pick<Leadership, 'followers'>;
  readonly webhooks: Pick<Webhooks, 'stopped'>;
  readonly sealed: Pick<SealedLog, 'checkpoint'>;
  readonly fence: Pick<LogFence, 'standing'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logClock: WatchedClock | null;
  /** Whether this process answers reads or keeps what they read: its readiness is then theirs. */
  readonly needsReadModels: boolean;
  readonly readyLagSeconds: number;
  readonly openApi: unknown;
  /** Made when it is asked for. */
  readonly asyncApi: () => unknown;
}

/** What stopped something; the reason is for administrators alone, since an error may hold data of its event. */
interface FailureHealth { readonly position: number; readonly reason?: string }
interface ProjectionHealth extends Pick<ProjectionStatus, 'name' | 'state' | 'position' | 'lagEvents' | 'lagSeconds'> {
  readonly failure: FailureHealth | null;
  readonly build: (Pick<NonNullable<ProjectionStatus['build']>, 'phase' | 'position' | 'target' | 'running' | 'paused'> & { readonly failure: FailureHealth | null }) | null;
}
/** A subscription to webhooks that stands before an event that cannot be read: `position` is the last one that it is done with. */
interface StoppedHealth extends FailureHealth { readonly subscriptionId: string }
/** `stopped`: where it stands before an event that cannot be read; `position` is the last one that it is done with. */
interface FollowerHealth extends Omit<FollowerStanding, 'stopped'> { readonly stopped: FailureHealth | null }
interface Readiness {
  readonly status: 'ready' | 'not-ready';
  readonly database: 'up' | 'down';
  readonly headPosition: number | null;
  /** Projections that stand stopped, have no rows yet that may be read, or lag for too long. */
  readonly behind: readonly string[];
  /** Null where the log may be written to; else why it may not: an older copy, or another epoch has begun. */
  readonly readOnly: string | null;
}
interface Health extends Readiness {
  /** Null where it is not watched, or cannot be asked. */
  readonly clock: 'steady' | 'jumped' | null;
  readonly projections: readonly ProjectionHealth[];
  readonly followers: readonly FollowerHealth[];
  readonly stoppedSubscriptions: readonly StoppedHealth[];
}

const unreachable: Health = { status: 'not-ready', database: 'down', headPosition: null, behind: [], readOnly: null, clock: null, projections: [], followers: [], stoppedSubscriptions: [] };

/** Many are stopped by the same event; the metric counts them all. */
const stoppedShownMax = 20;

const failureHealth = (failure: ProjectionStatus['failure'], withReasons: boolean): FailureHealth | null =>
  (failure === null || withReasons ? failure : { position: failure.position });

const projectionHealth = ({ name, state, position, lagEvents, lagSeconds, failure, build }: ProjectionStatus, withReasons: boolean): ProjectionHealth => ({
  name, state, position, lagEvents, lagSeconds, failure: failureHealth(failure, withReasons),
  build: build && {
    phase: build.phase, position: build.position, target: build.target, running: build.running, paused: build.paused, failure: failureHealth(build.failure, withReasons),
  },
});

const followerHealth = ({ stopped, ...standing }: FollowerStanding, withReasons: boolean): FollowerHealth => ({
  ...standing, stopped: stopped === null ? null : failureHealth({ position: standing.position ?? position(0), reason: stopped }, withReasons),
});

const health = async (options: OperationRoutesOptions, withReasons: boolean): Promise<Health> => {
  const { database, store, read, fence: { standing }, needsReadModels, readyLagSeconds } = options;
  try {
    await database.query('select 1');
  } catch {
    // An unreachable database is the answer of this probe, not its failure.
    return unreachable;
  }
  const { position: headPosition } = await store.head();
  const statuses = await read.projectionStatus();
  const behind = statuses.filter(({ state, lagSeconds }) => state !== 'running' || lagSeconds > readyLagSeconds).map(({ name }) => name);
  const readOnly = standing.state === 'open' ? null : standingText(standing);
  const stopped = await options.webhooks.stopped(stoppedShownMax);
  return {
    status: readOnly === null && (behind.length === 0 || !needsReadModels) ? 'ready' : 'not-ready', database: 'up', headPosition, behind, readOnly,
    clock: (await options.logClock?.clock())?.state ?? null,
    projections: statuses.map((status) => projectionHealth(status, withReasons)),
    followers: (await followerStandings(options)).map((standing) => followerHealth(standing, withReasons)),
    stoppedSubscriptions: stopped.map(({ subscriptionId, position, reason }) => ({ subscriptionId, position, ...(withReasons && { reason }) })),
  };
};

type Lag = Pick<FollowerStanding, 'position' | 'lagEvents' | 'lagSeconds'>;

const recordFollower = (metrics: Metrics, follower: string, { position, lagEvents, lagSeconds }: Lag): void => {
  if (position === null || lagEvents === null || lagSeconds === null) return;
  metrics.followerPosition.set({ follower }, position);
  metrics.followerLagEvents.set({ follower }, lagEvents);
  metrics.followerLagSeconds.set({ follower }, lagSeconds);
};

const recordProjection = (metrics: Metrics, status: ProjectionStatus): void => {
  const { name: projection, position, lagEvents, lagSeconds, failure, build } = status;
  recordFollower(metrics, `projection-${projection}`, status);
  metrics.projectionPosition.set({ projection }, position);
  metrics.projectionLagEvents.set({ projection }, lagEvents);
  metrics.projectionLagSeconds.set({ projection }, lagSeconds);
  metrics.projectionStopped.set({ projection }, failure === null ? 0 : 1);
  if (failure !== null) metrics.projectionFailurePosition.set({ projection }, failure.position);
  if (build === null) return;
  metrics.projectionBuildPosition.set({ projection }, build.position);
  metrics.projectionBuildTarget.set({ projection }, build.target);
};

const gaugesOfFollowers = (metrics: Metrics): readonly Pick<Gauge, 'reset'>[] => [
  metrics.followerPosition, metrics.followerLagEvents, metrics.followerLagSeconds, metrics.followerLed, metrics.followerEpoch,
  metrics.projectionPosition, metrics.projectionLagEvents, metrics.projectionLagSeconds, metrics.projectionStopped, metrics.projectionFailurePosition,
  metrics.projectionBuildPosition, metrics.projectionBuildTarget,
];

const recordLog = async (options: OperationRoutesOptions): Promise<void> => {
  const { metrics, store, read, sealed } = options;
  const [{ position: head }, statuses, followers, checkpoint] = await Promise.all([store.head(), read.projectionStatus(), followerStandings(options), sealed.checkpoint()]);
  metrics.headPosition.set(head);
  const standing = await options.logClock?.clock();
  if (standing !== undefined) {
    metrics.clockJumped.set(standing.state === 'jumped' ? 1 : 0);
    metrics.clockAheadSeconds.set(standing.aheadSeconds);
  }
  metrics.logSize.set(checkpoint?.size ?? 0);
  // What has ended is not shown with its last value.
  for (const gauge of gaugesOfFollowers(metrics)) gauge.reset();
  for (const status of statuses) recordProjection(metrics, status);
  for (const follower of followers) {
    recordFollower(metrics, follower.name, follower);
    metrics.followerLed.set({ follower: follower.name }, follower.held ? 1 : 0);
    metrics.followerEpoch.set({ follower: follower.name }, follower.epoch);
  }
};


const noStore = (reply: FastifyReply): void => { void reply.header('Cache-Control', 'no-store'); };

const tellHealth = <H extends Readiness>(reply: FastifyReply, answer: H): H => {
  noStore(reply);
  void reply.status(answer.status === 'ready' ? 200 : 503);
  return answer;
};

const probes = (options: OperationRoutesOptions): readonly TableRoute[] => [
  // Live says only that the process answers: a database that is away must not get the process restarted.
  { name: 'Live', method: 'GET', path: '/health/live', handle: (_request, reply) => { noStore(reply); return Promise.resolve({ status: 'live' }); } },
  {
    name: 'Ready',
    method: 'GET',
    path: '/health/ready',
    handle: async (_request, reply) => {
      const { status, database, headPosition, behind, readOnly } = await health(options, false);
      return tellHealth<Readiness>(reply, { status, database, headPosition, behind, readOnly });
    },
  },
  { name: 'Health', method: 'GET', path: '/health', handle: async (request, reply) => tellHealth(reply, await health(options, isAdministrators(request))) },
  {
    name: 'Metrics',
    method: 'GET',
    path: '/metrics',
    handle: async (_request, reply) => {
      const { metrics } = options;
      await recordLog(options);
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
  { name: 'AsyncApi', method: 'GET', path: '/asyncapi.json', handle: () => Promise.resolve(options.asyncApi()) },
  {
    name: 'MessageSchema',
    method: 'GET',
    path: '/schemas/:id',
    handle: (request, reply) => {
      const file = idOf(request);
      const type = file.replace(/\.json$/, '');
      const schemas = messageSchemas();
      if (type === file || !Object.hasOwn(schemas, type)) throw new HttpProblem('route-not-found', `there is no schema ${file}`);
      void reply.type('application/schema+json');
      return Promise.resolve(schemas[type]);
    },
  },
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
