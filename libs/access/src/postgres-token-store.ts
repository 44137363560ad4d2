import { instantOfMs, type OrgId } from '@rectrail/kernel';
import type { TokenRecord, TokenStore } from './token-store.ts';

type Query = <R extends object>(sql: string, values?: readonly unknown[], name?: string) => Promise<{ readonly rows: R[] }>;

/** What the store needs of a database; a pool of connections serves it. */
export interface AccessDatabase {
  readonly query: Query;
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
}

/** Guards the set-up and the pairing of names and subject ids; transaction-level, so it ends with its transaction. */
const lane = `select pg_advisory_xact_lock(hashtextextended('rectrail_access', 0))`;

const tables = `
  create schema if not exists rectrail_access;
  create table if not exists rectrail_access.token (
    id            text primary key,
    secret_sha256 bytea not null check (length(secret_sha256) = 32),
    org_id        text,
    role          text not null,
    subject_id    uuid not null,
    subject_name  text not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz,
    revoked_at    timestamptz
  );
  create index if not exists token_subject_name on rectrail_access.token (subject_name);
`;

interface Row {
  readonly id: string;
  readonly secret_sha256: Uint8Array;
  readonly org_id: string | null;
  readonly role: string;
  readonly subject_id: string;
  readonly subject_name: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

const recordOf = (row: Row): TokenRecord => ({
  id: row.id,
  // The column holds only ids that `add` put there.
  orgId: row.org_id as OrgId | null,
  role: row.role,
  subjectId: row.subject_id,
  subjectName: row.subject_name,
  createdAt: instantOfMs(row.created_at.getTime()),
  expiresAt: row.expires_at === null ? null : instantOfMs(row.expires_at.getTime()),
  revokedAt: row.revoked_at === null ? null : instantOfMs(row.revoked_at.getTime()),
});

/** Asked for every request. It names its columns: a prepared statement fails once those of `*` have changed. */
const findSql = 'select id, secret_sha256, org_id, role, subject_id, subject_name, created_at, expires_at, revoked_at from rectrail_access.token where id = $1';

/** Makes its schema `rectrail_access` where it is missing. */
export const openPostgresTokenStore = async (database: AccessDatabase): Promise<TokenStore> => {
  await database.transaction(async (query) => {
    await query(lane);
    await query(tables);
  });
  return {
    add: (token) => database.transaction(async (query) => {
      await query(lane);
      const { rows } = await query<Row>(
        `insert into rectrail_access.token (id, secret_sha256, org_id, role, subject_name, expires_at, subject_id)
         values ($1, $2, $3, $4, $5, $6, coalesce((select subject_id from rectrail_access.token where subject_name = $5 limit 1), gen_random_uuid()))
         returning *`,
        [token.id, token.secretSha256, token.orgId, token.role, token.subjectName, token.expiresAt],
      );
      const [row] = rows;
      if (row === undefined) throw new Error(`token ${token.id} was not inserted`);
      return recordOf(row);
    }),
    find: async (id) => {
      const [row] = (await database.query<Row>(findSql, [id], 'token')).rows;
      return row === undefined ? null : { record: recordOf(row), secretSha256: row.secret_sha256 };
    },
    list: async ({ after, limit }) =>
      (await database.query<Row>('select * from rectrail_access.token where id > $1 order by id limit $2', [after ?? '', limit])).rows.map(recordOf),
    revoke: async (id) => {
      const [row] = (await database.query<Row>('update rectrail_access.token set revoked_at = coalesce(revoked_at, now()) where id = $1 returning *', [id])).rows;
      return row === undefined ? null : recordOf(row);
    },
  };
};
