import type { Instant, OrgId } from '@rectrail/kernel';

/** What is kept of a token. `subjectName` stands here and nowhere else; events carry `subjectId`, one a person. */
export interface TokenRecord {
  readonly id: string;
  /** Null: an administrator's token, which acts everywhere. */
  readonly orgId: OrgId | null;
  readonly role: string;
  readonly subjectId: string;
  readonly subjectName: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
}

export interface TokenToAdd {
  readonly id: string;
  readonly secretSha256: Uint8Array;
  readonly orgId: OrgId | null;
  readonly role: string;
  readonly subjectName: string;
  readonly expiresAt: Instant | null;
}

export interface TokenFilter { readonly after: string | null; readonly limit: number }

/** Where tokens are kept. The same subject name gives the same subject id, also for two tokens added at once. */
export interface TokenStore {
  add(token: TokenToAdd): Promise<TokenRecord>;
  /** With the hash of its secret, or null where there is no such token. */
  find(id: string): Promise<{ readonly record: TokenRecord; readonly secretSha256: Uint8Array } | null>;
  /** In the order of their ids. */
  list(filter: TokenFilter): Promise<readonly TokenRecord[]>;
  /** The token as revoked (the first revocation counts), or null where there is no such token. */
  revoke(id: string): Promise<TokenRecord | null>;
}
