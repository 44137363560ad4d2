import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { instant, position, type Fact, type OrgId, type TreeId } from '@rectrail/kernel';
import { administrativeTreeId, countingOnAnyDay, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent, type OrgTree } from '@rectrail/tracking-domain';
import { actorOf, openPlace, openWriteSide, registerIssue, type Place, type WriteSide } from './testing/write-side.ts';

// Goal: an organisation may stand in several trees and is one organisation in all of them, and jurisdiction is the administrative tree's alone.
// Method: commands over a store in memory; the trees are folded from what was written.
let side: WriteSide;
let place: Place;
let party: TreeId;

const treeOf = async (treeId: TreeId): Promise<OrgTree> => {
  const facts = (await side.facts()).filter((fact) => fact.streamId === streams.organisationTree(treeId));
  // The stream's name says which events it holds.
  return treeAt(countingOnAnyDay(facts as unknown as readonly Fact<OrganisationTreeEvent | FactsRetracted>[], { atPosition: position(1_000_000), knownAt: instant('9999-01-01T00:00:00Z') }));
};
const nodeIn = async (treeId: TreeId, orgId: string) => (await treeOf(treeId)).orgs.get(orgId as OrgId);

beforeAll(async () => {
  side = await openWriteSide();
  place = await openPlace(side);
  party = (await side.post('/trees', { jurisdiction: '某市', kind: 'party' })).id as TreeId;
});
afterAll(() => side.close());

describe('opening a tree', () => {
  it('is done once for a jurisdiction and kind; again it changes nothing', async () => {
    const head = (await side.facts()).length;
    const again = await side.post('/trees', { jurisdiction: '某市', kind: 'party' });
    expect(again).toMatchObject({ id: party, created: false });
    expect(await side.post('/trees', { jurisdiction: '某市', kind: 'administrative' })).toMatchObject({ id: administrativeTreeId, created: false });
    expect((await side.facts()).length).toBe(head);
    const other = await side.post('/trees', { jurisdiction: '某市', kind: 'discipline' });
    expect(other).toMatchObject({ created: true, stream: streams.organisationTree(other.id as TreeId) });
    expect(other.id).not.toBe(party);
    expect((await treeOf(other.id as TreeId)).tree).toEqual({ treeId: other.id, jurisdiction: '某市', kind: 'discipline' });
  });

  it('is the administrator’s', async () => {
    expect((await side.refused('/trees', { jurisdiction: '某县', kind: 'party' }, { by: actorOf('clerk', place.region) })).code).toBe('administrator-only');
  });
});

describe('standing in another tree', () => {
  it('is the same organisation: same id, code, name and level, with a place of its own', async () => {
    await side.post(`/organisations/${place.region}/place`, { tree: party, parent: null });
    await side.post('/organisations/CN-1-SW/place', { tree: party, parent: 'CN-1' }, { by: actorOf('clerk', place.region) });
    await side.post('/organisations/CN-1-JT/place', { tree: party, parent: 'CN-1-SW' });
    expect(await nodeIn(party, place.bureau)).toMatchObject({ orgId: place.bureau, code: 'CN-1-JT', name: '某市交通运输局', level: 'bureau', parentId: place.other });
    expect(await nodeIn(administrativeTreeId, place.bureau)).toMatchObject({ parentId: place.region });
  });

  it('once placed, moves there without moving elsewhere', async () => {
    expect((await side.refused('/organisations/CN-1-JT/place', { tree: party, parent: 'CN-1' })).code).toBe('org-already-registered');
    const moved = await side.post('/organisations/CN-1-JT/move', { tree: party, parent: 'CN-1' });
    expect(moved.stream).toBe(streams.organisationTree(party));
    expect(await nodeIn(party, place.bureau)).toMatchObject({ parentId: place.region });
    expect(await nodeIn(administrativeTreeId, place.bureau)).toMatchObject({ parentId: place.region });
    expect((await side.refused('/organisations/CN-1/move', { tree: party, parent: 'CN-1-JT' })).code).toBe('tree-cycle');
  });

  it('is renamed in every tree at once', async () => {
    await side.post('/organisations/CN-1-SW/rename', { name: '某市水利局', code: 'CN-1-SL' });
    for (const tree of [administrativeTreeId, party]) expect(await nodeIn(tree, place.other)).toMatchObject({ name: '某市水利局', code: 'CN-1-SL' });
  });

  it('needs a tree that was opened, and a parent that stands in it', async () => {
    for (const [path, body] of [
      ['/organisations', { code: 'X', name: '某站', level: 'unit', parent: 'CN-1' }], ['/organisations/CN-1/place', { parent: null }], ['/organisations/CN-1-JT/move', { parent: 'CN-1' }],
      ['/organisations/CN-1-JT/merge', { successor: 'CN-1-SL' }], ['/organisations/CN-1-JT/dissolve', {}],
    ] as const) {
      const refused = await side.refused(path, { ...body, tree: 'nowhere' });
      expect([refused.code, refused.errors[0]?.pointer]).toEqual(['unknown-tree', '/tree']);
    }
    const unit = (await side.post('/organisations', { code: 'U-1', name: '某站', level: 'unit', parent: 'CN-1-JT' })).id;
    expect((await side.refused('/organisations/CN-1-JT/move', { tree: party, parent: unit })).code).toBe('unknown-organisation');
    expect((await side.refused(`/organisations/${unit}/dissolve`, { tree: party })).code).toBe('unknown-organisation');
  });

  it('leaves jurisdiction where the administrative tree puts it', async () => {
    // In the party tree the bureau hangs below the region alone; the water bureau gets it below itself there.
    await side.post('/organisations/CN-1-JT/move', { tree: party, parent: 'CN-1-SL' });
    const water = actorOf('clerk', place.other);
    expect((await side.refused('/organisations/CN-1-JT/dissolve', { tree: party }, { by: water })).code).toBe('outside-jurisdiction');
    expect((await side.refused('/organisations/CN-1-SL/move', { tree: party, parent: null }, { by: water })).code).toBe('administrator-only');
  });

  it('may be the only place of an organisation, which then owns things and keeps its code from others', async () => {
    const cell = (await side.post('/organisations', { code: 'DW-1', name: '某党委', level: 'branch', parent: 'CN-1', tree: party })).id;
    expect(await nodeIn(administrativeTreeId, cell)).toBeUndefined();
    expect((await side.refused('/organisations', { code: 'DW-1', name: '另一个', level: 'unit', parent: 'CN-1' })).code).toBe('org-code-taken');
    expect((await side.refused('/organisations', { code: 'CN-1-JT', name: '另一个', level: 'unit', parent: 'CN-1', tree: party })).code).toBe('org-code-taken');
    expect((await side.refused('/organisations/CN-1-SL/rename', { name: '某市水利局', code: 'DW-1' })).code).toBe('org-code-taken');
    await side.post('/inspections', { org: 'DW-1', kind: 'XUNCHA', title: '专项巡察' });
    expect((await side.facts()).at(-1)?.scope.orgId).toBe(cell);
    await side.post('/inspections', { org: cell, kind: 'XUNCHA', title: '专项巡察' }, { by: actorOf('clerk', cell) });
  });
});

describe('retracting a registration', () => {
  const registrationOf = async (treeId: TreeId, orgId: string) => (await side.facts())
    .find(({ event, streamId }) => streamId === streams.organisationTree(treeId) && event.type === 'OrgRegistered' && event.data.orgId === orgId)!.eventId;

  it('takes an organisation out of one tree while it stands in another; out of the last only with what leans on it', async () => {
    await registerIssue(side, place);
    const reason = '误';
    const [inParty, inAdministrative] = [await registrationOf(party, place.bureau), await registrationOf(administrativeTreeId, place.bureau)];
    expect((await side.refused('/retractions', { eventIds: [inParty, inAdministrative], reason })).code).toBe('built-upon');
    const moves = (await side.facts()).filter(({ event, streamId }) => streamId === streams.organisationTree(party) && event.type === 'OrgMoved' && event.data.orgId === place.bureau);
    await side.post('/retractions', { eventIds: [inParty, ...moves.map(({ eventId }) => eventId)], reason });
    expect(await nodeIn(party, place.bureau)).toBeUndefined();
    expect(await nodeIn(administrativeTreeId, place.bureau)).toBeDefined();
    expect((await side.refused('/retractions', { eventIds: [inAdministrative], reason })).code).toBe('built-upon');
  });
});
