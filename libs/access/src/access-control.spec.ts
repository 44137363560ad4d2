import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instant, type Instant, type OrgId } from '@rectrail/kernel';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createAccessControl, type AccessControl, type TokenRequest } from './access-control.ts';
import { keepAdministratorToken } from './administrator-token.ts';
import { jurisdictionOf } from './jurisdiction.ts';
import { newToken, parseToken } from './token.ts';
import type { TokenRecord, TokenStore } from './token-store.ts';

// Goal: a token stands for one subject and one part of the tree, or for nothing. Method: the rules over a store in memory;
// the PostgreSQL store has its own spec.
const bureau = 'org-1' as OrgId;
const request = (over: Partial<TokenRequest> = {}): TokenRequest => ({ orgId: bureau, role: 'leader', subjectName: '王某', expiresAt: null, ...over });

const memoryStore = (): TokenStore => {
  const kept = new Map<string, { record: TokenRecord; secretSha256: Uint8Array }>();
  return {
    add: ({ secretSha256, ...token }) => {
      const subjectId = [...kept.values()].find(({ record }) => record.subjectName === token.subjectName)?.record.subjectId ?? `subject-${kept.size}`;
      const record = { ...token, subjectId, createdAt: instant('2026-01-01T00:00Z'), revokedAt: null };
      kept.set(token.id, { record, secretSha256 });
      return Promise.resolve(record);
    },
    find: (id) => Promise.resolve(kept.get(id) ?? null),
    list: ({ after, limit }) => Promise.resolve([...kept.values()].map(({ record }) => record).filter(({ id }) => id > (after ?? '')).sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)),
    revoke: (id) => {
      const found = kept.get(id);
      if (found === undefined) return Promise.resolve(null);
      found.record = { ...found.record, revokedAt: instant('2026-01-02T00:00Z') };
      return Promise.resolve(found.record);
    },
  };
};

describe('access control', () => {
  let now: Instant;
  let access: AccessControl;
  beforeEach(() => {
    now = instant('2026-01-01T00:00Z');
    access = createAccessControl(memoryStore(), { now: () => now });
  });

  it('makes the actor from the token alone', async () => {
    const { token, record } = await access.issue(request());
    expect(await access.authenticate(`Bearer ${token}`)).toEqual({ tokenId: record.id, actor: { orgId: bureau, role: 'leader', subject: record.subjectId, assurance: 'local-token' } });
  });

  it('gives one person one subject id, whatever the role', async () => {
    const first = await access.issue(request());
    const second = await access.issue(request({ role: 'verifier' }));
    const other = await access.issue(request({ subjectName: '李某' }));
    expect(second.record.subjectId).toBe(first.record.subjectId);
    expect(other.record.subjectId).not.toBe(first.record.subjectId);
  });

  it('asks for a token where there is none', async () => {
    await expect(access.authenticate(undefined)).rejects.toMatchObject({ code: 'token-missing' });
  });

  it('refuses a wrong secret, a foreign, a malformed and a differently sent token alike', async () => {
    const { record, token } = await access.issue(request());
    const wrongSecret = `rct_${record.id}_${newToken().secret}`;
    for (const header of [`Bearer ${wrongSecret}`, `Bearer ${newToken().text}`, 'Bearer rct_x', 'Bearer', `Basic ${token}`, `Bearer ${token}x`]) {
      await expect(access.authenticate(header)).rejects.toMatchObject({ code: 'token-invalid' });
    }
  });

  it('recalls who a token stands for, as long as it is valid', async () => {
    const { token, record } = await access.issue(request({ expiresAt: instant('2026-02-01T00:00Z') }));
    expect(await access.recall(record.id)).toEqual(await access.authenticate(`Bearer ${token}`));
    now = instant('2026-02-01T00:00Z');
    for (const id of [record.id, 'unknown']) await expect(access.recall(id)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('refuses a revoked token', async () => {
    const { record, token } = await access.issue(request());
    await access.revoke(record.id);
    await expect(access.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('refuses a token from the instant of its expiry on', async () => {
    const { token } = await access.issue(request({ expiresAt: instant('2026-02-01T00:00Z') }));
    now = instant('2026-01-31T23:59:59.999Z');
    await expect(access.authenticate(`Bearer ${token}`)).resolves.toBeDefined();
    now = instant('2026-02-01T00:00Z');
    await expect(access.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('ties the administrator to no organisation and every other role to one', async () => {
    await expect(access.issue(request({ role: 'administrator' }))).rejects.toMatchObject({ code: 'administrator-has-no-organisation' });
    await expect(access.issue(request({ orgId: null }))).rejects.toMatchObject({ code: 'role-needs-organisation' });
  });

  it('knows no token to revoke that was never made', async () => {
    await expect(access.revoke('nobody')).rejects.toMatchObject({ code: 'unknown-token' });
  });
});

describe('the administrator\'s token file', () => {
  let dataDir: string;
  const access = createAccessControl(memoryStore(), { now: () => instant('2026-01-01T00:00Z') });
  beforeEach(async () => { dataDir = await mkdtemp(join(tmpdir(), 'rectrail-access-')); });
  afterEach(async () => { await rm(dataDir, { recursive: true }); });

  it('is readable by its owner alone, works and stays', async () => {
    const file = await keepAdministratorToken(access, dataDir);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const token = (await readFile(file, 'utf8')).trim();
    expect((await access.authenticate(`Bearer ${token}`)).actor).toMatchObject({ orgId: null, role: 'administrator' });
    await keepAdministratorToken(access, dataDir);
    expect((await readFile(file, 'utf8')).trim()).toBe(token);
  });

  it('is made anew where it is lost, and the lost one works no more', async () => {
    const file = await keepAdministratorToken(access, dataDir);
    const lost = (await readFile(file, 'utf8')).trim();
    await rm(file);
    await keepAdministratorToken(access, dataDir);
    const made = (await readFile(file, 'utf8')).trim();
    await expect(access.authenticate(`Bearer ${lost}`)).rejects.toMatchObject({ code: 'token-invalid' });
    await expect(access.authenticate(`Bearer ${made}`)).resolves.toBeDefined();
  });
});

describe('a token', () => {
  it('is read back as it was made, and nothing else is', () => {
    const made = newToken();
    expect(parseToken(made.text)).toEqual({ id: made.id, secret: made.secret });
    fc.assert(fc.property(fc.string(), (text) => { expect(parseToken(text)).toBeNull(); }));
  });
});

describe('jurisdiction', () => {
  const leader = (orgId: string | null) => ({ orgId: orgId as OrgId | null, role: orgId === null ? 'administrator' : 'leader', subject: 's', assurance: 'local-token' as const });
  const id = (n: number): OrgId => `org-${n}` as OrgId;
  // Parent of n is below n, so that every list of parents is a forest.
  const forests = fc.array(fc.nat(), { minLength: 1, maxLength: 20 }).map((picks) => picks.map((pick, n) => (pick % (n + 1) === 0 || n === 0 ? null : (pick % n))));

  it('is the subtree: oneself, and what one\'s parent may act on is one\'s parent\'s', () => {
    fc.assert(fc.property(forests, fc.nat(), fc.nat(), (parents, a, b) => {
      const root = a % parents.length;
      const target = b % parents.length;
      const parentOf = (org: OrgId): OrgId | null => { const parent = parents[Number(org.slice(4))] ?? null; return parent === null ? null : id(parent); };
      const jurisdiction = jurisdictionOf(leader(id(root)), parentOf);
      const parent = parents[target] ?? null;
      expect(jurisdiction.mayActOn(id(target))).toBe(target === root || (parent !== null && jurisdiction.mayActOn(id(parent))));
    }));
  });

  it('ends where the tree has a cycle', () => {
    const parentOf = (org: OrgId): OrgId => (org === id(1) ? id(2) : id(1));
    expect(jurisdictionOf(leader(id(3)), parentOf).mayActOn(id(1))).toBe(false);
  });

  it('of the administrator is everything, of all others never the installation itself', () => {
    expect(jurisdictionOf(leader(null), () => null).mayActOn(null)).toBe(true);
    expect(jurisdictionOf(leader(null), () => null).mayActOn(id(1))).toBe(true);
    expect(jurisdictionOf(leader('org-1'), () => null).mayActOn(null)).toBe(false);
  });
});
