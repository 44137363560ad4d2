import type { EventStore } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { parseBody } from '@rectrail/tracking-app';
import { wire } from '@rectrail/tracking-domain';
import type { TrackingRead } from '@rectrail/tracking-read';
import { z } from 'zod';
import type { ProjectionView } from '../openapi/answer-types.ts';
import type { Rebuilds } from '../rebuilds.ts';
import { requireAdministrator } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { flagParameter, parseQuery } from './query-parameters.ts';
import { apiPath, idOf, type TableRoute } from './table-routes.ts';
import { jsonBodyOf, noIfMatch } from './write-request.ts';

export interface ProjectionRoutesOptions {
  readonly read: TrackingRead;
  readonly store: Pick<EventStore, 'head'>;
  readonly rebuilds: Rebuilds;
}

export const skipBody = z.strictObject({
  position: z.int().min(1).describe('Where the projection stands stopped').transform(position),
  reason: wire.freeText.describe('Why it is to leave the event out'),
});
export const stopQuery = z.strictObject({
  drop: flagParameter.optional().describe('`true`: what the rebuild has made is dropped; else it is kept, and the next one goes on there'),
});
const nothing = z.strictObject({});

const theirs = 'projections are watched, rebuilt and let go on by administrators';

/** How each projection stands, and what an operator does about it. */
export const projectionRoutes = ({ read, store, rebuilds }: ProjectionRoutesOptions): readonly TableRoute[] => {
  const views = async (): Promise<readonly ProjectionView[]> => (await read.projectionStatus()).map(({ build, ...status }) =>
    ({ ...status, build: build === null ? null : { ...build, eventsPerSecond: rebuilds.eventsPerSecond(status.name) } }));
  const viewOf = async (name: string): Promise<ProjectionView> => {
    const view = (await views()).find((one) => one.name === name);
    if (view === undefined) throw new Error(`projection ${name} has no status`);
    return view;
  };
  return [
    {
      name: 'Projections',
      method: 'GET',
      path: '/projections',
      handle: async (request, reply) => {
        requireAdministrator(request, theirs);
        parseQuery(nothing, request.query);
        void reply.header('Cache-Control', 'no-store');
        const { position: headPosition } = await store.head();
        return { headPosition, items: await views() };
      },
    },
    {
      name: 'Rebuild',
      method: 'POST',
      path: '/projections/:id/rebuild',
      handle: async (request, reply) => {
        requireAdministrator(request, theirs);
        noIfMatch(request);
        parseQuery(nothing, request.query);
        parseBody(nothing, jsonBodyOf(request));
        await rebuilds.begin(idOf(request));
        void reply.status(202).header('Location', `${apiPath}/projections`);
        return viewOf(idOf(request));
      },
    },
    {
      name: 'StopRebuild',
      method: 'DELETE',
      path: '/projections/:id/rebuild',
      handle: async (request) => {
        requireAdministrator(request, theirs);
        const { drop = false } = parseQuery(stopQuery, request.query);
        const name = idOf(request);
        if (!(await (drop ? read.cancelRebuild(name) : read.pauseRebuild(name)))) throw new HttpProblem('unknown-rebuild', `no rebuild of projection ${name} has begun`);
        return viewOf(name);
      },
    },
    {
      name: 'SkipEvent',
      method: 'POST',
      path: '/projections/:id/skip',
      handle: async (request) => {
        const { actor } = requireAdministrator(request, theirs);
        noIfMatch(request);
        parseQuery(nothing, request.query);
        const { position: at, reason } = parseBody(skipBody, jsonBodyOf(request));
        await read.skip(idOf(request), at, { by: actor.subject, reason });
        return viewOf(idOf(request));
      },
    },
  ];
};
