// Goal: published figures are confirmed by the choice that the answer states, found to differ where they do, and left undecided where the answer does not say
// by what it was computed. Method: a random log, random cuts and choices, the answer made by the oracle; then one part of it changed or taken away.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import { addDays, position, type Cut, type Day, type Instant, type OrgId } from '@rectrail/kernel';
import { administrativeTreeId, type FigureQuery } from '@rectrail/tracking-domain';
import { dashboard, deadlines, funds } from '@rectrail/tracking-domain/figures';
import { entryOfStored } from './entry.ts';
import { FiguresJudge, parseFigures, type Rederived } from './figures.ts';
import { sampleLog } from './testing/sample-log.ts';

const size = 120;
const log = await sampleLog(11, size);
const judge = new FiguresJudge(0);
judge.add(log.events.map((event) => entryOfStored(event, log.identity)));
const owners = [...new Set(log.facts.map(({ scope }) => scope.orgId).filter((orgId) => orgId !== null))];
const reads = { dashboard, deadlines, funds };

const choices = fc.record({
  read: fc.constantFrom(...Object.keys(reads) as (keyof typeof reads)[]),
  at: fc.integer({ min: 40, max: size }), days: fc.integer({ min: -400, max: 400 }), treeDays: fc.integer({ min: -900, max: 900 }),
  org: fc.constantFrom<OrgId | null>(null, ...owners), policy: fc.constantFrom<FigureQuery['policy']>(null, 'default', ...owners),
});

const published = ({ read, at, days, treeDays, org, policy }: typeof choices extends fc.Arbitrary<infer T> ? T : never): Record<string, unknown> => {
  const fact = log.facts[at - 1]!;
  const validAt = addDays(fact.recordedAt.slice(0, 10) as Day, days);
  const cut: Cut = { validAt, knownAt: fact.recordedAt.slice(0, 23).padEnd(24, 'Z') as Instant, atPosition: position(at) };
  const query: FigureQuery = { org, policy: read === 'funds' ? null : policy, tree: administrativeTreeId, treeOn: addDays(validAt, treeDays) };
  const { definition, figures } = reads[read](log.facts, cut, query);
  return {
    cut, definition, digest: sha256Hex(canonicalJson(figures)), figures, org: org === null ? null : { orgId: org, code: 'A', name: '甲' }, treeAt: 'then', tree: query.tree, treeOn: query.treeOn, within: null,
    ...(read !== 'funds' && { policy }),
  };
};
const judged = (answer: object): Rederived => judge.rederive(parseFigures(JSON.stringify(answer)));

describe('published figures', () => {
  it('are confirmed by the choice that they state, and undecided where they state none', () => {
    fc.assert(fc.property(choices, fc.constantFrom('tree', 'treeOn', 'within', 'org', 'policy'), (choice, left) => {
      const answer = published(choice);
      expect(judged(answer)).toMatchObject({ outcome: 'confirmed', why: null });
      const { [left]: stated, ...rest } = answer;
      expect(judged(rest).outcome).toBe(stated === undefined ? 'confirmed' : 'not-rederivable');
    }), { numRuns: 25 });
  });

  it('differ where they are not those of their digest, or not those of the events; those of a jurisdiction are undecided', () => {
    fc.assert(fc.property(choices, (choice) => {
      const answer = published(choice);
      const forged = { ...answer, figures: { ...answer['figures'] as object, total: 7 } };
      expect(judged(forged)).toMatchObject({ outcome: 'differs', why: 'the figures are not those of their digest' });
      const digest = sha256Hex(canonicalJson(forged.figures));
      expect(judged({ ...forged, digest })).toMatchObject({ outcome: 'differs', why: 'the events make other figures' });
      expect(judged({ ...forged, digest, within: owners[0] })).toMatchObject({ outcome: 'not-rederivable', why: expect.stringContaining('jurisdiction') });
    }), { numRuns: 10 });
  });
});
