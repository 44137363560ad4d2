import { position, type OrgId, type SubscriptionId } from '@rectrail/kernel';
import { WebhookRejected, type SubscriptionView, type Webhooks } from '@rectrail/messaging';
import { parseBody } from '@rectrail/tracking-app';
import { wire } from '@rectrail/tracking-domain';
import type { TrackingQueries } from '@rectrail/tracking-read';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isOrgWithin } from '../webhooks.ts';
import { principalOf } from './fastify-server.ts';
import { limitParameter, parseQuery } from './query-parameters.ts';
import { idOf, type TableRoute } from './table-routes.ts';
import { etagOf, jsonBodyOf, noIfMatch } from './write-request.ts';

const pageDefault = 50;
const pageMax = 500;

const id = wire.uuidOf<SubscriptionId>();
const place = z.int().min(0).transform(position);

export const subscriptionsQuery = z.strictObject({ cursor: id.optional().describe('`nextCursor` of the page before'), limit: limitParameter.optional() });
export const deliveriesQuery = z.strictObject({
  cursor: z.string().regex(/^\d{1,15}$/, 'no cursor of deliveries').transform(Number).optional().describe('`nextCursor` of the page before'), limit: limitParameter.optional(),
});
export const redeliverBody = z.strictObject({ position: place.describe('Of the message: its `sequence`') });
export const replayBody = z.strictObject({ from: place.describe('Everything behind this position is delivered') });
const nothing = z.strictObject({});

export interface SubscriptionRoutesOptions { readonly webhooks: Webhooks; readonly queries: TrackingQueries }

const limitOf = (asked: number | undefined): number => Math.min(Math.max(asked ?? pageDefault, 1), pageMax);
const noStore = (reply: FastifyReply): void => { void reply.header('Cache-Control', 'no-store'); };

/** Whose a subscription is decides who sees it: those in whose part of the tree the owner lies now; an administrator's own nobody else. */
const maySee = async (queries: TrackingQueries, within: OrgId | null, owner: OrgId | null): Promise<boolean> =>
  within === null || (owner !== null && await isOrgWithin(queries, owner, within));

/** How subscriptions stand, their secrets, and what is sent by hand. What changes a subscription for good is a command (`/subscriptions/{id}/pause` …). */
export const subscriptionRoutes = ({ webhooks, queries }: SubscriptionRoutesOptions): readonly TableRoute[] => {
  /** A stranger's is not told from none. @throws WebhookRejected `unknown-subscription` */
  const found = async (request: FastifyRequest): Promise<SubscriptionView> => {
    const asked = id.safeParse(idOf(request));
    const view = asked.success ? await webhooks.find(asked.data) : null;
    if (view === null || !(await maySee(queries, principalOf(request).actor.orgId, view.orgId))) throw new WebhookRejected('unknown-subscription', `there is no subscription ${idOf(request)}`);
    return view;
  };
  const visibleOwners = async (within: OrgId | null): Promise<readonly OrgId[] | null> => {
    if (within === null) return null;
    const owners = (await webhooks.owners()).filter((owner) => owner !== null);
    const visible = await Promise.all(owners.map((owner) => maySee(queries, within, owner)));
    return owners.filter((_, at) => visible[at]);
  };
  /** What changes no fact and so is no command. */
  const act = (name: string, verb: string, handle: (view: SubscriptionView, request: FastifyRequest) => Promise<unknown>): TableRoute => ({
    name, method: 'POST', path: `/subscriptions/:id/${verb}`,
    handle: async (request, reply) => {
      noIfMatch(request);
      parseQuery(nothing, request.query);
      noStore(reply);
      return handle(await found(request), request);
    },
  });
  return [
    {
      name: 'Subscriptions', method: 'GET', path: '/subscriptions',
      handle: async (request, reply) => {
        const { cursor, limit } = parseQuery(subscriptionsQuery, request.query);
        const items = await webhooks.list({ owners: await visibleOwners(principalOf(request).actor.orgId), after: cursor ?? null, limit: limitOf(limit) });
        noStore(reply);
        return { items, nextCursor: items.length < limitOf(limit) ? null : items.at(-1)?.subscriptionId ?? null };
      },
    },
    {
      name: 'Subscription', method: 'GET', path: '/subscriptions/:id',
      handle: async (request, reply) => {
        parseQuery(nothing, request.query);
        const view = await found(request);
        noStore(reply);
        void reply.header('ETag', etagOf(view.streamVersion));
        return view;
      },
    },
    {
      name: 'Deliveries', method: 'GET', path: '/subscriptions/:id/deliveries',
      handle: async (request, reply) => {
        const { cursor, limit } = parseQuery(deliveriesQuery, request.query);
        const { subscriptionId } = await found(request);
        const items = await webhooks.deliveries(subscriptionId, { before: cursor ?? null, limit: limitOf(limit) });
        noStore(reply);
        return { items, nextCursor: items.length < limitOf(limit) ? null : String(items.at(-1)?.deliveryId) };
      },
    },
    act('RevealSecret', 'reveal-secret', ({ subscriptionId }, request) => {
      parseBody(nothing, jsonBodyOf(request));
      return webhooks.revealSecret(subscriptionId);
    }),
    act('Redeliver', 'redeliver', async ({ subscriptionId }, request) => ({ items: await webhooks.redeliver(subscriptionId, parseBody(redeliverBody, jsonBodyOf(request)).position) })),
    act('ReplaySubscription', 'replay', ({ subscriptionId }, request) => webhooks.replay(subscriptionId, parseBody(replayBody, jsonBodyOf(request)).from)),
    act('Ping', 'ping', ({ subscriptionId }, request) => {
      parseBody(nothing, jsonBodyOf(request));
      return webhooks.ping(subscriptionId);
    }),
  ];
};
