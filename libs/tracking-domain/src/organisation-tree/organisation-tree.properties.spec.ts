// Goal: at no cut and in no order of arrival is an organisation lost, counted twice or below itself; decide is total.
// Method: fast-check draws facts about few organisations, so that clashes are frequent, and reads every subset of them.
import { describe, expect, it } from '@jest/globals';
import { addDays, day, onDay, type Fact, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { streamOf, type GivenFact } from '../testing/decider-specification.ts';
import type { OrganisationTreeCommand } from './organisation-tree.commands.ts';
import { decideOrganisationTree } from './organisation-tree.decide.ts';
import type { OrganisationTreeEvent } from './organisation-tree.events.ts';
import { isCurrentOrg, treeAt, type OrgTree } from './organisation-tree.state.ts';

const org = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f').map((name) => name as OrgId);
const on = fc.integer({ min: 0, max: 9 }).map((n) => onDay(addDays(day('2024-01-01'), n)));
const code = fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H');
const registration = fc.record({ orgId: org, code, name: fc.constant('name'), level: fc.constant('bureau' as const), parentId: fc.option(org) });

type Dated = Extract<OrganisationTreeCommand, { on: unknown }>;
const by = { subject: 'keeper', orgId: null, role: 'administrator' };
const datedCommand: fc.Arbitrary<Dated> = fc.oneof(
  fc.record({ type: fc.constant('MoveOrg' as const), by: fc.constant(by), on, data: fc.record({ orgId: org, parentId: fc.option(org) }) }),
  fc.record({ type: fc.constant('MergeOrg' as const), by: fc.constant(by), on, data: fc.record({ orgId: org, successorId: org }) }),
  fc.record({ type: fc.constant('RenameOrg' as const), by: fc.constant(by), on, data: fc.record({ orgId: org, name: fc.constant('name'), code }) }),
  fc.record({ type: fc.constant('DissolveOrg' as const), by: fc.constant(by), on, data: fc.record({ orgId: org }) }),
);
const command: fc.Arbitrary<OrganisationTreeCommand> = fc.oneof({ weight: 3, arbitrary: datedCommand }, { weight: 1, arbitrary: registration.map((data) => ({ type: 'RegisterOrg' as const, data })) });

const given = (event: OrganisationTreeEvent, when: GivenFact<OrganisationTreeEvent>['on']): GivenFact<OrganisationTreeEvent> =>
  ({ on: when, event, subject: 'keeper', orgId: null, imported: false, known: '2024-01-01' });

/** Events as no command would let them pass: every clash that a retraction or an import out of order may leave behind. */
const anyFact: fc.Arbitrary<GivenFact<OrganisationTreeEvent>> = fc.oneof(
  registration.map((data) => given({ type: 'OrgRegistered', data }, null)),
  datedCommand.map(({ type, data, on: when }) => {
    switch (type) {
      case 'MoveOrg': return given({ type: 'OrgMoved', data }, when);
      case 'MergeOrg': return given({ type: 'OrgMerged', data }, when);
      case 'RenameOrg': return given({ type: 'OrgRenamed', data }, when);
      case 'DissolveOrg': return given({ type: 'OrgDissolved', data }, when);
    }
  }),
);
const anyFacts = fc.array(anyFact, { maxLength: 25 }).map((facts) => streamOf(...facts));

const isForest = (tree: OrgTree, facts: readonly Fact<OrganisationTreeEvent>[]): void => {
  const registered = new Set(facts.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])));
  const reached = tree.roots.flatMap((root) => tree.subtree(root));
  expect(new Set(reached)).toEqual(registered);
  expect(reached).toHaveLength(registered.size);
  for (const { orgId, parentId } of tree.orgs.values()) {
    expect(tree.subtree(orgId).length).toBe(1 + tree.children(orgId).reduce((sum, child) => sum + tree.subtree(child).length, 0));
    if (parentId !== null) expect(tree.isWithin(parentId, orgId)).toBe(false);
    expect(tree.roots.filter((root) => tree.isWithin(orgId, root))).toHaveLength(1);
  }
};

describe('the organisation tree', () => {
  it('holds every registered organisation exactly once, without a cycle, on any subset of any facts', () => {
    fc.assert(fc.property(anyFacts, fc.infiniteStream(fc.boolean()), (facts, keep) => {
      const counting = facts.filter(() => keep.next().value);
      isForest(treeAt(counting), counting);
    }), { numRuns: 1_000 });
  });

  it('does not depend on the order in which the facts are handed over', () => {
    fc.assert(fc.property(anyFacts.chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray([...facts], { minLength: facts.length }))), ([facts, shuffled]) => {
      const [expected, actual] = [treeAt(facts), treeAt(shuffled)];
      expect(actual.orgs).toEqual(expected.orgs);
      expect(actual.leftOut).toEqual(expected.leftOut);
    }), { numRuns: 500 });
  });

  it('reports every edge in force that it leaves out, and lays it nowhere', () => {
    fc.assert(fc.property(anyFacts, (facts) => {
      const tree = treeAt(facts);
      for (const { orgId, parentId, reason } of tree.leftOut) {
        if (reason === 'unknown-parent') expect(tree.orgs.has(parentId)).toBe(false);
        if (reason === 'second-parent') expect(tree.orgs.get(orgId)?.parentId).not.toBeNull();
        if (reason === 'cycle') expect(tree.orgs.get(orgId)?.parentId).not.toBe(parentId);
      }
    }));
  });

  it('decides any command on any two trees without throwing', () => {
    fc.assert(fc.property(anyFacts, anyFacts, command, on, (then, now, given, today) => {
      expect(typeof decideOrganisationTree(given, { then: treeAt(then), now: treeAt(now), today: today.last }).ok).toBe('boolean');
    }), { numRuns: 500 });
  });

  it('never gives two current organisations one code, and leaves nothing out, where commands come in the order of their days', () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const open = given({ type: 'TreeOpened', data: { treeId: 'administrative' as never, jurisdiction: 'CN', kind: 'administrative' } }, null);
      const facts: GivenFact<OrganisationTreeEvent>[] = [open];
      let today = day('2024-01-01');
      for (const next of commands) {
        today = 'on' in next && next.on.last > today ? next.on.last : today;
        const when = 'on' in next ? onDay(today) : null;
        const tree = treeAt(streamOf(...facts));
        const decision = decideOrganisationTree(when === null ? next : { ...next, on: when } as OrganisationTreeCommand, { then: tree, now: tree, today });
        if (decision.ok) facts.push(...decision.events.map((event) => given(event, when)));
      }
      const tree = treeAt(streamOf(...facts));
      expect(tree.leftOut).toEqual([]);
      const codes = [...tree.orgs.values()].filter(isCurrentOrg).map((node) => node.code);
      expect(new Set(codes).size).toBe(codes.length);
    }), { numRuns: 300 });
  });
});
