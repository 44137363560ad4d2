import type { Actor, Clock, Instant, OrgId } from '@rectrail/kernel';
import { newToken, parseToken, secretHash, secretMatches } from './token.ts';
import type { TokenRecord, TokenStore } from './token-store.ts';

/** The one role with rights of its own: tokens, imports into any organisation, roots of the tree, the default policy, calendars. */
export const administratorRole = 'administrator';

export type AccessErrorCode = 'token-missing' | 'token-invalid' | 'administrator-only' | 'administrator-has-no-organisation' | 'role-needs-organisation' | 'unknown-token';

/** Match on `code`. The message never holds a token. */
export class AccessError extends Error {
  readonly code: AccessErrorCode;

  constructor(code: AccessErrorCode, message: string) {
    super(message);
    this.name = 'AccessError';
    this.code = code;
  }
}

/** Who calls, as the token says; nothing that a request says can change it. */
export interface Principal {
  readonly tokenId: string;
  readonly actor: Actor;
}

export const isAdministrator = (actor: Actor): boolean => actor.role === administratorRole && actor.orgId === null;

export interface TokenRequest {
  readonly orgId: OrgId | null;
  readonly role: string;
  readonly subjectName: string;
  readonly expiresAt: Instant | null;
}

export interface IssuedToken { readonly token: string; readonly record: TokenRecord }

/** Tokens and who they stand for. */
export interface AccessControl {
  /** @throws AccessError `token-missing`, or `token-invalid` for a token that is malformed, unknown, expired or revoked alike. */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /** Who a token stands for that was shown before. @throws AccessError `token-invalid` once it is expired or revoked. */
  recall(tokenId: string): Promise<Principal>;
  /** The token is shown here once; only its hash is kept. */
  issue(request: TokenRequest): Promise<IssuedToken>;
  list(after: string | null, limit: number): Promise<readonly TokenRecord[]>;
  /** @throws AccessError `unknown-token`. */
  revoke(id: string): Promise<TokenRecord>;
}

const invalid = (): AccessError => new AccessError('token-invalid', 'the bearer token is malformed, unknown, expired or revoked');

/** A token for all and one for a part must not be mistaken for each other, so the role and the organisation go together. */
const checkRequest = ({ orgId, role }: TokenRequest): void => {
  if (role === administratorRole && orgId !== null) throw new AccessError('administrator-has-no-organisation', 'an administrator acts everywhere: leave the organisation out');
  if (role !== administratorRole && orgId === null) throw new AccessError('role-needs-organisation', `the role ${role} acts for an organisation: name it`);
};

const principalOf = ({ id, orgId, role, subjectId, revokedAt, expiresAt }: TokenRecord, now: Instant): Principal => {
  if (revokedAt !== null || (expiresAt !== null && expiresAt <= now)) throw invalid();
  return { tokenId: id, actor: { orgId, role, subject: subjectId, assurance: 'local-token' } };
};

export const createAccessControl = (store: TokenStore, clock: Clock): AccessControl => ({
  authenticate: async (authorization) => {
    if (authorization === undefined) throw new AccessError('token-missing', 'the call needs the header Authorization: Bearer rct_…');
    const parsed = parseToken(/^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '');
    if (parsed === null) throw invalid();
    const found = await store.find(parsed.id);
    if (found === null || !secretMatches(parsed.secret, found.secretSha256)) throw invalid();
    return principalOf(found.record, clock.now());
  },
  recall: async (tokenId) => {
    const found = await store.find(tokenId);
    if (found === null) throw invalid();
    return principalOf(found.record, clock.now());
  },
  issue: async (request) => {
    checkRequest(request);
    const { id, secret, text } = newToken();
    return { token: text, record: await store.add({ id, secretSha256: secretHash(secret), ...request }) };
  },
  list: (after, limit) => store.list({ after, limit }),
  revoke: async (id) => {
    const record = await store.revoke(id);
    if (record === null) throw new AccessError('unknown-token', `there is no token ${id}`);
    return record;
  },
});
