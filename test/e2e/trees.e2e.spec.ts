import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

// Goal: figures roll up by the tree and the day that are asked for, over HTTP. Method: the bureau JT stands below WEI in the administrative tree and
// below XX in a party tree that is opened, placed and moved by commands.
let world: TwoOrganisations;
let tree: string;
const issuesOf = async (query: string): Promise<number> => (await world.server.get(`/dashboard?${query}`)).figures.issues.total;

beforeAll(async () => {
  world = await twoOrganisations();
  const { server } = world;
  tree = (await server.post('/trees', { jurisdiction: 'CN', kind: 'party' })).id;
  await server.post('/organisations/XX/place', { tree, parent: null });
  await server.post('/organisations/JT/place', { tree, parent: 'XX' });
});
afterAll(async () => { await world.server.close(); });

describe('reads by another tree', () => {
  it('are listed under GET /trees with the version that If-Match takes', async () => {
    const { items } = await world.server.get('/trees', world.bureau);
    expect(items).toEqual([
      expect.objectContaining({ treeId: 'administrative', kind: 'administrative', streamVersion: 4 }), { treeId: tree, kind: 'party', jurisdiction: 'CN', streamVersion: 3 },
    ]);
  });

  it('count an organisation where that tree puts it, and one that does not stand in it alone', async () => {
    expect([await issuesOf('org=WEI'), await issuesOf('org=XX')]).toEqual([1, 1]);
    expect([await issuesOf(`org=WEI&tree=${tree}`), await issuesOf(`org=XX&tree=${tree}`), await issuesOf(`tree=${tree}`)]).toEqual([0, 2, 2]);
    const { children, own } = await world.server.get(`/dashboard/children?org=XX&tree=${tree}`);
    expect([own.issues.total, children.map(({ code, figures }: { code: string; figures: { issues: { total: number } } }) => [code, figures.issues.total])]).toEqual([1, [['JT', 1]]]);
    for (const list of ['issues', 'deadlines', 'measures']) expect((await world.server.get(`/${list}?org=XX&tree=${tree}`)).total).toBe(2);
    expect((await world.server.get(`/funds?org=XX&tree=${tree}`)).cases).toHaveLength(2);
    expect((await world.server.get(`/organisations?tree=${tree}`)).items.map(({ code }: { code: string }) => code)).toEqual(['XX', 'JT']);
  });

  it('take the tree then or now', async () => {
    await world.server.post('/organisations/JT/move', { tree, parent: null, on: ago(10) });
    const at = `org=XX&tree=${tree}&validAt=${ago(20)}`;
    expect([await issuesOf(at), await issuesOf(`${at}&treeAt=then`), await issuesOf(`${at}&treeAt=now`)]).toEqual([2, 2, 1]);
  });

  it('bind the cursor to the tree', async () => {
    const { nextCursor } = await world.server.get(`/issues?tree=${tree}&limit=1`);
    expect((await world.server.get(`/issues?tree=${tree}&limit=1&cursor=${nextCursor}`)).items).toHaveLength(1);
    expect((await world.server.call('GET', `/issues?limit=1&cursor=${nextCursor}`)).body.code).toBe('cursor-mismatch');
  });

  it('refuse a tree that is not open', async () => {
    const paths = ['/dashboard?org=JT&', '/dashboard/children?', '/issues?', '/deadlines?', '/funds?', '/measures?', '/organisations?'];
    for (const path of [...paths.map((start) => `${start}tree=nowhere`), `/dashboard?tree=${encodeURIComponent('组织 树/')}`]) {
      const { status, body } = await world.server.call('GET', path);
      expect([status, body.code, body.errors]).toEqual([404, 'unknown-tree', [expect.objectContaining({ parameter: 'tree' })]]);
    }
  });

  it('give a token no more than the administrative tree does', async () => {
    expect((await world.server.call('GET', `/dashboard?org=JT&tree=${tree}`, { token: world.stranger })).body.code).toBe('outside-jurisdiction');
    const { figures } = await world.server.get(`/dashboard?org=XX&tree=${tree}&validAt=${ago(20)}`, world.stranger);
    expect(figures.issues.total).toBe(1);
    for (const [path, body] of [['/trees', { jurisdiction: 'CN', kind: 'discipline' }], ['/organisations/XX/move', { tree, parent: null }]] as const) {
      expect((await world.post(world.stranger, path, body)).body.code).toBe('administrator-only');
    }
    expect((await world.post(world.stranger, '/organisations/WEI/place', { tree, parent: 'XX' })).body.code).toBe('outside-jurisdiction');
  });
});
