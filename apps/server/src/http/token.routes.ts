import { administratorRole, type AccessControl, type TokenRecord } from '@rectrail/access';
import type { EventStore } from '@rectrail/event-store';
import type { OrgId } from '@rectrail/kernel';
import { parseBody } from '@rectrail/tracking-app';
import { personalDataIn } from '@rectrail/tracking-domain';
import type { TrackingQueries } from '@rectrail/tracking-read';
import { z } from 'zod';
import type { TokenView } from '../openapi/answer-types.ts';
import { requireAdministrator } from './fastify-server.ts';
import { instantParameter, limitParameter, parseQuery, textParameter } from './query-parameters.ts';
import { apiPath, idOf, type TableRoute } from './table-routes.ts';
import { jsonBodyOf } from './write-request.ts';

const pageDefault = 50;
const pageMax = 500;

export const tokenBody = z.strictObject({
  org: z.string().min(1).max(200).nullable().optional().describe('Id or code of the organisation that the token acts for; none for an administrator'),
  role: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'a slug: lower-case letters, digits and hyphens').refine((role) => personalDataIn(role) === null, 'a role goes into events: no telephone number').describe(`Free, but \`${administratorRole}\` acts everywhere`),
  subject: z.string().trim().min(1).max(200).regex(/^\P{Cc}*$/u, 'a control character').describe('Name of the person or system; kept with the token only, the same name is the same subject'),
  expiresAt: instantParameter.optional().describe('From then on the token is invalid'),
});
export const tokensQuery = z.strictObject({ cursor: textParameter(100).optional(), limit: limitParameter.optional() });
const nothing = z.strictObject({});

const theirs = 'tokens are made, listed and revoked by administrators';

const shown = ({ id, orgId, role, subjectId, subjectName, createdAt, expiresAt, revokedAt }: TokenRecord): TokenView =>
  ({ id, orgId, role, subjectId, subject: subjectName, createdAt, expiresAt, revokedAt });

export interface TokenRoutesOptions {
  readonly access: AccessControl;
  readonly queries: TrackingQueries;
  readonly store: Pick<EventStore, 'head'>;
}

/** An organisation registered a moment ago must be found, so the read models are waited for. */
const orgIdOf = async ({ queries, store }: TokenRoutesOptions, org: string | null | undefined): Promise<OrgId | null> => {
  if (org == null) return null;
  const { position: atLeast } = await store.head();
  return (await queries.organisation(org, { within: null, atLeast })).organisation.orgId;
};

/** Tokens, for administrators. No Idempotency-Key: the answer holds a secret that is kept nowhere and cannot be given twice. */
export const tokenRoutes = (options: TokenRoutesOptions): readonly TableRoute[] => [
  {
    name: 'IssueToken',
    method: 'POST',
    path: '/tokens',
    handle: async (request, reply) => {
      requireAdministrator(request, theirs);
      const { org, role, subject, expiresAt } = parseBody(tokenBody, jsonBodyOf(request));
      const { token, record } = await options.access.issue({ orgId: await orgIdOf(options, org), role, subjectName: subject, expiresAt: expiresAt ?? null });
      void reply.status(201).header('Location', `${apiPath}/tokens`).header('Cache-Control', 'no-store');
      return { ...shown(record), token };
    },
  },
  {
    name: 'Tokens',
    method: 'GET',
    path: '/tokens',
    handle: async (request, reply) => {
      requireAdministrator(request, theirs);
      const { cursor, limit: asked } = parseQuery(tokensQuery, request.query);
      const limit = Math.min(Math.max(asked ?? pageDefault, 1), pageMax);
      const records = await options.access.list(cursor ?? null, limit);
      void reply.header('Cache-Control', 'no-store');
      return { items: records.map(shown), nextCursor: records.length < limit ? null : records.at(-1)?.id ?? null };
    },
  },
  {
    name: 'RevokeToken',
    method: 'DELETE',
    path: '/tokens/:id',
    handle: async (request) => {
      requireAdministrator(request, theirs);
      parseQuery(nothing, request.query);
      return shown(await options.access.revoke(idOf(request)));
    },
  },
];
