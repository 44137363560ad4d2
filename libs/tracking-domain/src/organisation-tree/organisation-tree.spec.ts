// Goal: every rule of rules.md section 6 about one organisation tree, as it stands at a cut and as commands change it.
// Method: trees read from hand-made streams; commands decided given/when/then on the tree of their day and today's.
import { describe, expect, it } from '@jest/globals';
import { day, type Day, type EventId, type Fact, type OrgId, type TreeId } from '@rectrail/kernel';
import { dated, eventIdOf, fact, specificationOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { inFoldOrder } from '../time/counting.ts';
import type { OrganisationTreeCommand } from './organisation-tree.commands.ts';
import { decideOrganisationTree, unmetOrganisationTreeNeeds } from './organisation-tree.decide.ts';
import type { OrganisationTreeEvent } from './organisation-tree.events.ts';
import { treeAt, type OrgTree } from './organisation-tree.state.ts';

const id = (name: string): OrgId => name as OrgId;
const by = { subject: 'keeper', orgId: null, role: 'administrator' };
const opened = fact<OrganisationTreeEvent>(null, { type: 'TreeOpened', data: { treeId: 'administrative' as TreeId, jurisdiction: 'CN', kind: 'administrative' } });
const registered = (name: string, parent: string | null = null): GivenFact<OrganisationTreeEvent> =>
  fact(null, { type: 'OrgRegistered', data: { orgId: id(name), code: name.toUpperCase(), name, level: 'bureau', parentId: parent === null ? null : id(parent) } });
const moved = (on: string, name: string, parent: string | null): GivenFact<OrganisationTreeEvent> =>
  fact(on, { type: 'OrgMoved', data: { orgId: id(name), parentId: parent === null ? null : id(parent) } });
const merged = (on: string, name: string, successor: string): GivenFact<OrganisationTreeEvent> =>
  fact(on, { type: 'OrgMerged', data: { orgId: id(name), successorId: id(successor) } });
const dissolved = (on: string, name: string): GivenFact<OrganisationTreeEvent> => fact(on, { type: 'OrgDissolved', data: { orgId: id(name) } });
const renamed = (on: string, name: string, code: string): GivenFact<OrganisationTreeEvent> => fact(on, { type: 'OrgRenamed', data: { orgId: id(name), name: code.toLowerCase(), code } });

const upTo = (facts: readonly Fact<OrganisationTreeEvent>[], validAt: Day): readonly Fact<OrganisationTreeEvent>[] =>
  inFoldOrder(facts).filter(({ validTime }) => validTime === null || validTime.last <= validAt);
const treeOn = (validAt: string, ...given: readonly GivenFact<OrganisationTreeEvent>[]): OrgTree => treeAt(upTo(streamOf(opened, ...given), day(validAt)));
const parentOf = (tree: OrgTree, name: string): string | null | undefined => tree.orgs.get(id(name))?.parentId;

describe('the tree at a cut', () => {
  it('holds an organisation from the beginning of time, under its first parent', () => {
    const tree = treeOn('0001-01-01', registered('city'), registered('bureau', 'city'));
    expect(tree.roots).toEqual(['city']);
    expect(tree.subtree(id('city'))).toEqual(['city', 'bureau']);
    expect(tree.isWithin(id('bureau'), id('city'))).toBe(true);
    expect(tree.isWithin(id('city'), id('bureau'))).toBe(false);
  });

  it('lists a subtree with each parent before its children, in the order of registration', () => {
    const tree = treeOn('2026-01-01', registered('city'), registered('a', 'city'), registered('b', 'city'), registered('a1', 'a'), registered('a2', 'a'));
    expect(tree.subtree(id('city'))).toEqual(['city', 'a', 'a1', 'a2', 'b']);
    expect(tree.children(id('city'))).toEqual(['a', 'b']);
    expect(tree.subtree(id('nowhere'))).toEqual([]);
    expect(tree.isWithin(id('nowhere'), id('nowhere'))).toBe(false);
  });

  it('moves an organisation with all below it from the day of the move, and leaves nothing out', () => {
    const given = [registered('a'), registered('b'), registered('x', 'a'), registered('y', 'x'), moved('2024-03-01', 'x', 'b')];
    expect(treeOn('2024-02-29', ...given).subtree(id('a'))).toEqual(['a', 'x', 'y']);
    const after = treeOn('2024-03-01', ...given);
    expect(after.subtree(id('b'))).toEqual(['b', 'x', 'y']);
    expect(after.leftOut).toEqual([]);
  });

  it('takes the last move in valid order, though an earlier one was told later', () => {
    const given = [registered('a'), registered('b'), registered('c'), registered('x', 'a'), moved('2024-03-01', 'x', 'b'), moved('2023-03-01', 'x', 'c')];
    expect(parentOf(treeOn('2023-06-01', ...given), 'x')).toBe('c');
    expect(parentOf(treeOn('2024-06-01', ...given), 'x')).toBe('b');
  });

  it('makes a root of what is moved to nowhere', () => {
    expect(treeOn('2024-06-01', registered('a'), registered('x', 'a'), moved('2024-03-01', 'x', null)).roots).toEqual(['a', 'x']);
  });

  it('hangs a merged organisation under its successor from that day, with all below it', () => {
    const given = [registered('city'), registered('old', 'city'), registered('branch', 'old'), registered('new', 'city'), merged('2024-03-01', 'old', 'new')];
    expect(treeOn('2024-02-29', ...given).children(id('city'))).toEqual(['old', 'new']);
    const after = treeOn('2024-03-01', ...given);
    expect(after.subtree(id('new'))).toEqual(['new', 'old', 'branch']);
    expect(after.orgs.get(id('old'))).toMatchObject({ mergedInto: 'new', mergedOn: '2024-03-01' });
    expect(after.leftOut).toEqual([]);
  });

  it('leaves a dissolved organisation where it was', () => {
    const tree = treeOn('2024-03-01', registered('city'), registered('x', 'city'), dissolved('2024-03-01', 'x'));
    expect(tree.children(id('city'))).toEqual(['x']);
    expect(tree.orgs.get(id('x'))?.dissolvedOn).toBe('2024-03-01');
  });

  it('breaks a cycle of moves told out of order: the newest record holds, the older edge is left out and reported', () => {
    // Each was acyclic on the day on which it was decided: x below y from 2024; then it is told that y was below x since 2023.
    const tree = treeOn('2024-06-01', registered('x'), registered('y'), moved('2024-03-01', 'x', 'y'), moved('2023-03-01', 'y', 'x'));
    expect(parentOf(tree, 'y')).toBe('x');
    expect(parentOf(tree, 'x')).toBeNull();
    expect(tree.leftOut).toEqual([{ orgId: 'x', parentId: 'y', eventId: eventIdOf(4), reason: 'cycle' }]);
  });

  it('gives no second parent: of a merger and a later place the newest record holds', () => {
    const base = [registered('a'), registered('b'), registered('x')];
    const mergerLast = treeOn('2024-06-01', ...base, moved('2024-05-01', 'x', 'a'), merged('2024-03-01', 'x', 'b'));
    expect(parentOf(mergerLast, 'x')).toBe('b');
    expect(mergerLast.leftOut).toEqual([{ orgId: 'x', parentId: 'a', eventId: eventIdOf(5), reason: 'second-parent' }]);
    const moveLast = treeOn('2024-06-01', ...base, merged('2024-03-01', 'x', 'b'), moved('2024-05-01', 'x', 'a'));
    expect(parentOf(moveLast, 'x')).toBe('a');
    expect(moveLast.leftOut).toEqual([{ orgId: 'x', parentId: 'b', eventId: eventIdOf(5), reason: 'second-parent' }]);
  });

  it('makes a root of an organisation whose parent is not registered at the cut, and ignores facts about one that is not', () => {
    const tree = treeOn('2024-06-01', registered('x', 'gone'), moved('2024-01-01', 'nobody', 'x'));
    expect(tree.roots).toEqual(['x']);
    expect(tree.leftOut).toEqual([{ orgId: 'x', parentId: 'gone', eventId: eventIdOf(2), reason: 'unknown-parent' }]);
    expect(tree.orgs.size).toBe(1);
  });

  it('finds the current holder of a code, else the one that was merged or dissolved with it', () => {
    const given = [registered('x'), registered('y'), merged('2024-03-01', 'x', 'y'), renamed('2024-04-01', 'y', 'X')];
    expect(treeOn('2024-03-15', ...given).byCode('X')?.orgId).toBe('x');
    expect(treeOn('2024-04-01', ...given).byCode('X')?.orgId).toBe('y');
    expect(treeOn('2024-04-01', ...given).byCode('Y')).toBeNull();
  });
});

type Dated = Extract<OrganisationTreeCommand, { on: unknown }>;
const { given } = specificationOf({ fold: treeAt, decide: (command: Dated, situation) => decideOrganisationTree(command, situation) });
const move = (on: string, name: string, parent: string | null): Dated => ({ type: 'MoveOrg', on: dated(on), by, data: { orgId: id(name), parentId: parent === null ? null : id(parent) } });
const merge = (on: string, name: string, successor: string): Dated => ({ type: 'MergeOrg', on: dated(on), by, data: { orgId: id(name), successorId: id(successor) } });
const rename = (on: string, name: string, code: string): Dated => ({ type: 'RenameOrg', on: dated(on), by, data: { orgId: id(name), name: code.toLowerCase(), code } });
const dissolve = (on: string, name: string): Dated => ({ type: 'DissolveOrg', on: dated(on), by, data: { orgId: id(name) } });

describe('opening a tree and registering', () => {
  const decide = (command: OrganisationTreeCommand, ...facts: readonly GivenFact<OrganisationTreeEvent>[]): unknown => {
    const tree = treeAt(streamOf(...facts));
    return decideOrganisationTree(command, { then: tree, now: tree, today: day('2026-06-30') });
  };
  const register = (name: string, code: string, parent: string | null = null): OrganisationTreeCommand =>
    ({ type: 'RegisterOrg', data: { orgId: id(name), code, name, level: 'bureau', parentId: parent === null ? null : id(parent) } });
  const rejected = (code: string): unknown => expect.objectContaining({ ok: false, rejection: expect.objectContaining({ code }) as unknown });

  it('opens a tree once', () => {
    const open: OrganisationTreeCommand = { type: 'OpenTree', data: { treeId: 'administrative' as TreeId, jurisdiction: 'CN', kind: 'administrative' } };
    expect(decide(open)).toEqual({ ok: true, events: [opened.event] });
    expect(decide(open, opened)).toEqual({ ok: true, events: [] });
    expect(decide({ ...open, data: { ...open.data, jurisdiction: 'CN-33' } }, opened)).toEqual(rejected('tree-already-open'));
  });

  it('registers an organisation below one that is registered', () => {
    expect(decide(register('x', 'X', 'city'), opened, registered('city'))).toEqual({ ok: true, events: [registered('x', 'city').event] });
    expect(decide(register('x', 'X', 'city'), opened)).toEqual(rejected('unknown-organisation'));
    expect(decide(register('x', 'X'))).toEqual(rejected('unknown-tree'));
  });

  it('registers an organisation once', () => {
    expect(decide(register('x', 'X'), opened, registered('x'))).toEqual({ ok: true, events: [] });
    expect(decide(register('x', 'OTHER'), opened, registered('x'))).toEqual(rejected('org-already-registered'));
  });

  it('refuses the code of a current organisation, not that of a merged or dissolved one', () => {
    expect(decide(register('y', 'X'), opened, registered('x'))).toEqual(rejected('org-code-taken'));
  });

  it('leaves a code to the organisation that holds it in another tree, and takes that organisation itself', () => {
    const [tree, other] = [treeAt(streamOf(opened)), treeAt(streamOf(opened, registered('x')))];
    const decideBeside = (command: OrganisationTreeCommand): unknown => decideOrganisationTree(command, { then: tree, now: tree, today: day('2026-06-30'), others: [other] });
    expect(decideBeside(register('y', 'X'))).toEqual(rejected('org-code-taken'));
    expect(decideBeside(register('x', 'X'))).toMatchObject({ ok: true, events: [{ type: 'OrgRegistered' }] });
    expect(decide(register('y', 'X'), opened, registered('x'), dissolved('2024-01-01', 'x'))).toMatchObject({ ok: true });
    expect(decide(register('z', 'X'), opened, registered('x'), registered('y'), merged('2024-01-01', 'x', 'y'))).toMatchObject({ ok: true });
  });
});

describe('moving', () => {
  const base = [opened, registered('a'), registered('b'), registered('x', 'a'), registered('y', 'x')];

  it('is accepted, and nothing where it stands there already', () => {
    given(...base).when(move('2026-03-01', 'x', 'b'), {}).then({ type: 'OrgMoved', data: { orgId: id('x'), parentId: id('b') } });
    given(...base).when(move('2026-03-01', 'x', null), {}).then({ type: 'OrgMoved', data: { orgId: id('x'), parentId: null } });
    given(...base).when(move('2026-03-01', 'x', 'a'), {}).thenNothing();
  });

  it('is refused below itself', () => {
    given(...base).when(move('2026-03-01', 'x', 'x'), {}).thenRejected('tree-cycle');
    given(...base).when(move('2026-03-01', 'a', 'y'), {}).thenRejected('tree-cycle');
  });

  it('is refused where it would close a cycle today, though not on its own day', () => {
    given(...base, moved('2026-05-01', 'b', 'y')).when(move('2026-03-01', 'x', 'b'), {}).thenRejected('tree-cycle');
  });

  it('is accepted on an earlier day where a later place keeps it out of the cycle today', () => {
    given(...base, moved('2026-04-01', 'x', null), moved('2026-05-01', 'b', 'y')).when(move('2026-03-01', 'x', 'b'), {}).then({ type: 'OrgMoved', data: { orgId: id('x'), parentId: id('b') } });
  });

  it('is refused after today, for unknown organisations and for those merged or dissolved by that day', () => {
    given(...base).when(move('2026-07-01', 'x', 'b'), {}).thenRejected('effective-in-future');
    given(...base).when(move('2026-03-01', 'z', 'b'), {}).thenRejected('unknown-organisation');
    given(...base).when(move('2026-03-01', 'x', 'z'), {}).thenRejected('unknown-organisation');
    given(...base, dissolved('2026-02-01', 'x')).when(move('2026-03-01', 'x', 'b'), {}).thenRejected('org-not-current');
    given(...base, dissolved('2026-02-01', 'b')).when(move('2026-03-01', 'x', 'b'), {}).thenRejected('org-not-current');
    given(...base, dissolved('2026-04-01', 'x')).when(move('2026-03-01', 'x', 'b'), {}).then({ type: 'OrgMoved', data: { orgId: id('x'), parentId: id('b') } });
  });
});

describe('renaming, merging, dissolving', () => {
  const base = [opened, registered('a'), registered('b'), registered('x', 'a')];

  it('renames, unless the code is taken on that day or today', () => {
    given(...base).when(rename('2026-03-01', 'x', 'NEW'), {}).then({ type: 'OrgRenamed', data: { orgId: id('x'), name: 'new', code: 'NEW' } });
    given(...base).when(rename('2026-03-01', 'x', 'X'), {}).thenNothing();
    given(...base).when(rename('2026-03-01', 'x', 'B'), {}).thenRejected('org-code-taken', { holder: 'b' });
    given(...base, renamed('2026-05-01', 'b', 'NEW')).when(rename('2026-03-01', 'x', 'NEW'), {}).thenRejected('org-code-taken');
  });

  it('merges once, never into itself, what stands below it, or what has ended', () => {
    given(...base).when(merge('2026-03-01', 'x', 'b'), {}).then({ type: 'OrgMerged', data: { orgId: id('x'), successorId: id('b') } });
    given(...base, merged('2026-03-01', 'x', 'b')).when(merge('2026-03-01', 'x', 'b'), {}).thenNothing();
    given(...base, merged('2026-03-01', 'x', 'b')).when(merge('2026-02-01', 'x', 'a'), {}).thenRejected('org-not-current');
    given(...base).when(merge('2026-03-01', 'x', 'x'), {}).thenRejected('tree-cycle');
    given(...base).when(merge('2026-03-01', 'a', 'x'), {}).thenRejected('tree-cycle');
    given(...base, dissolved('2026-02-01', 'b')).when(merge('2026-03-01', 'x', 'b'), {}).thenRejected('org-not-current', { orgId: 'b' });
    given(...base).when(merge('2026-03-01', 'x', 'z'), {}).thenRejected('unknown-organisation');
  });

  it('dissolves once', () => {
    given(...base).when(dissolve('2026-03-01', 'x'), {}).then({ type: 'OrgDissolved', data: { orgId: id('x') } });
    given(...base, dissolved('2026-03-01', 'x')).when(dissolve('2026-03-01', 'x'), {}).thenNothing();
    given(...base, dissolved('2026-03-01', 'x')).when(dissolve('2026-04-01', 'x'), {}).thenRejected('org-not-current');
  });
});

describe('what the facts of a tree need', () => {
  const without = (...left: readonly number[]): readonly EventId[] => {
    const all = streamOf(opened, registered('a'), registered('b'), registered('x', 'a'), moved('2026-03-01', 'x', 'b'), merged('2026-04-01', 'a', 'b'));
    return unmetOrganisationTreeNeeds(all.filter(({ streamVersion }) => !left.includes(streamVersion)));
  };

  it('is the opened tree and every organisation that they name', () => {
    expect(without()).toEqual([]);
    expect(without(1)).toEqual([2, 3, 4, 5, 6].map(eventIdOf));
    expect(without(2)).toEqual([4, 6].map(eventIdOf));
    expect(without(3)).toEqual([5, 6].map(eventIdOf));
    expect(without(4)).toEqual([5].map(eventIdOf));
    expect(without(5, 6)).toEqual([]);
  });
});
