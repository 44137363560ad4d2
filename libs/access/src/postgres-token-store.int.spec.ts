import { instant, type OrgId } from '@rectrail/kernel';
import { openDatabase, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openPostgresTokenStore } from './postgres-token-store.ts';
import { newToken, secretHash } from './token.ts';
import type { TokenStore, TokenToAdd } from './token-store.ts';

// Goal: tokens survive as hashes, one subject id a name. Method: a real database, read back through the store and beside it.
describe('the PostgreSQL token store', () => {
  let scratch: TestDatabase;
  let database: Database;
  let store: TokenStore;
  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = await openDatabase({ url: scratch.url, connectionsMax: 10, onError: () => undefined });
    store = await openPostgresTokenStore(database);
  });
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  const toAdd = (subjectName: string, over: Partial<TokenToAdd> = {}): TokenToAdd & { readonly secret: string } => {
    const { id, secret } = newToken();
    return { id, secret, secretSha256: secretHash(secret), orgId: 'org-1' as OrgId, role: 'leader', subjectName, expiresAt: instant('2030-01-01T00:00Z'), ...over };
  };

  it('opens twice', async () => {
    await expect(openPostgresTokenStore(database)).resolves.toBeDefined();
  });

  it('gives back what was added', async () => {
    const token = toAdd('王某');
    const record = await store.add(token);
    expect(record).toMatchObject({ id: token.id, orgId: 'org-1', role: 'leader', subjectName: '王某', expiresAt: '2030-01-01T00:00:00.000Z', revokedAt: null });
    const found = await store.find(token.id);
    expect(found?.record).toEqual(record);
    expect(Buffer.from(found?.secretSha256 ?? []).equals(secretHash(token.secret))).toBe(true);
    expect(await store.find('none')).toBeNull();
  });

  it('keeps no secret', async () => {
    const token = toAdd('张某');
    await store.add(token);
    const { rows } = await database.query<{ row: string }>('select t::text as row from rectrail_access.token t where id = $1', [token.id]);
    expect(rows[0]?.row).toContain('张某');
    expect(rows[0]?.row).not.toContain(token.secret);
  });

  it('gives one name one subject id, for two added at once too', async () => {
    const records = await Promise.all(Array.from({ length: 8 }, () => store.add(toAdd('同时'))));
    expect(new Set(records.map(({ subjectId }) => subjectId)).size).toBe(1);
  });

  it('lists in pages, in the order of ids, and keeps the first instant of a revocation', async () => {
    const all = await store.list({ after: null, limit: 500 });
    const first = await store.list({ after: null, limit: 1 });
    const rest = await store.list({ after: first[0]?.id ?? null, limit: 500 });
    expect([...first, ...rest]).toEqual(all);
    const revoked = await store.revoke(all[0]?.id ?? '');
    expect(revoked?.revokedAt).not.toBeNull();
    expect(await store.revoke(all[0]?.id ?? '')).toEqual(revoked);
    expect(await store.revoke('none')).toBeNull();
  });
});
