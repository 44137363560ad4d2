// Goal: a policy gives every cell exactly one bucket, holds from its day, and is adopted only where it is fit.
// Method: the buckets of rules.md section 4 written out cell by cell; streams folded at a cut; decide on hand-made policies.
import { describe, expect, it } from '@jest/globals';
import { day, onDay, type Decision, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { completionBases, disclosures, issueStates, tracks } from '../issue/issue.events.ts';
import { dated, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { inFoldOrder } from '../time/counting.ts';
import { decidePolicy } from './policy.decide.ts';
import { buckets, type BucketCell, type BucketRule, type PolicyContent, type PolicyEvent } from './policy.events.ts';
import { basicCompletionBuckets, bucketOf, defaultPolicy, isTotal, policyAt } from './policy.state.ts';

const cell: BucketCell = { state: 'IN_PROGRESS', track: 'TIMED', disclosure: 'STATED', basis: null, openDatedResidual: false };
const cells: readonly BucketCell[] = issueStates.flatMap((state) => tracks.flatMap((track) => disclosures.flatMap((disclosure) =>
  [null, ...completionBases].flatMap((basis) => [true, false].map((openDatedResidual) => ({ state, track, disclosure, basis, openDatedResidual }))))));
const done = ['DONE_REPORTED', 'VERIFIED', 'WRITTEN_OFF', 'TRANSFERRED_OUT'];

const anyRule: fc.Arbitrary<BucketRule> = fc.record({
  when: fc.record({
    state: fc.subarray([...issueStates]), track: fc.subarray([...tracks]), disclosure: fc.subarray([...disclosures]), basis: fc.subarray([...completionBases]),
    openDatedResidual: fc.boolean(),
  }, { requiredKeys: [] }),
  bucket: fc.constantFrom(...buckets),
});

describe('the buckets', () => {
  it('of the default policy are those of rules.md section 4, for every cell', () => {
    for (const each of cells) {
      const expected = each.disclosure !== 'STATED' ? 'notDisclosed' : done.includes(each.state) ? 'complete' : each.state === 'PHASED' && each.track === 'LONG_TERM' ? 'longTerm' : 'open';
      expect([each, bucketOf(defaultPolicy, each)]).toEqual([each, expected]);
    }
  });

  it('of Ningbo count a basic completion without an open dated residual as complete, and know no long term', () => {
    for (const each of cells) {
      const complete = done.includes(each.state) || (each.state === 'BASICALLY_DONE' && !each.openDatedResidual);
      expect([each, bucketOf({ buckets: basicCompletionBuckets }, each)]).toEqual([each, each.disclosure !== 'STATED' ? 'notDisclosed' : complete ? 'complete' : 'open']);
    }
  });

  it('are decided by the first rule all of whose lists hold the value', () => {
    const rules: readonly BucketRule[] = [{ when: { track: ['LONG_TERM'], basis: ['TRANSFERRED'] }, bucket: 'longTerm' }, { when: { track: ['LONG_TERM'] }, bucket: 'complete' }, { when: {}, bucket: 'open' }];
    expect(bucketOf({ buckets: rules }, { ...cell, track: 'LONG_TERM', basis: 'TRANSFERRED' })).toBe('longTerm');
    expect(bucketOf({ buckets: rules }, { ...cell, track: 'LONG_TERM' })).toBe('complete');
    expect(bucketOf({ buckets: rules }, cell)).toBe('open');
  });

  it('are total for any rules that end with the one that always holds', () => {
    fc.assert(fc.property(fc.array(anyRule), fc.constantFrom(...cells), (rules, each) => {
      expect(buckets).toContain(bucketOf({ buckets: [...rules, { when: {}, bucket: 'open' }] }, each));
    }));
  });
});

const adopted = (on: string | null, name: string): GivenFact<PolicyEvent> =>
  fact<PolicyEvent>(on, { type: 'PolicyAdopted', data: { ...defaultPolicy, orgId: null, name } });

describe('the policy in force', () => {
  const nameOn = (validAt: string): string | undefined => {
    const facts = streamOf(adopted(null, 'first'), adopted('2026-03-01', 'march'), adopted('2026-02-01', 'february'));
    return policyAt(inFoldOrder(facts).filter(({ validTime }) => validTime === null || validTime.last <= day(validAt)))?.content.name;
  };

  it('is the last adopted by the day, so that a change changes nothing before its day', () => {
    expect(nameOn('2026-01-31')).toBe('first');
    expect(nameOn('2026-02-28')).toBe('february');
    expect(nameOn('2026-03-01')).toBe('march');
  });

  it('is none where none counts', () => {
    expect(policyAt([])).toBeNull();
  });
});

describe('adopting a policy', () => {
  const orgId = 'org' as OrgId;
  const decide = (content: PolicyContent, then: PolicyContent | null = null): Decision<PolicyEvent> => {
    const inForce = then === null ? null : policyAt(streamOf<PolicyEvent>(fact('2026-01-01', { type: 'PolicyAdopted', data: { ...then, orgId } })));
    return decidePolicy({ type: 'AdoptPolicy', on: dated('2026-09-01'), by: { subject: 'keeper', orgId, role: 'unit' }, data: { ...content, orgId } },
      { then: inForce, now: null, today: onDay(day('2026-06-30')).last });
  };
  const rejected = (code: string, pointer: string): unknown => expect.objectContaining({ ok: false, rejection: expect.objectContaining({ code, pointer }) as unknown });

  it('is possible for a coming day, and changes nothing where the same is in force', () => {
    expect(decide(defaultPolicy)).toEqual({ ok: true, events: [{ type: 'PolicyAdopted', data: { ...defaultPolicy, orgId } }] });
    expect(decide(defaultPolicy, defaultPolicy)).toEqual({ ok: true, events: [] });
    for (const change of [
      { name: 'other' }, { buckets: basicCompletionBuckets }, { dueSoon: { days: 20, unit: 'working' as const } }, { approvers: ['a'] }, { lights: [] },
      { lights: defaultPolicy.lights.map((light) => ({ ...light, recipients: ['a'] })) },
    ]) expect(decide({ ...defaultPolicy, ...change }, defaultPolicy)).toMatchObject({ ok: true, events: [{ type: 'PolicyAdopted' }] });
  });

  it('is refused where a cell has no bucket or a rule can never apply', () => {
    expect(decide({ ...defaultPolicy, buckets: [] })).toEqual(rejected('policy-not-total', '/buckets'));
    expect(decide({ ...defaultPolicy, buckets: [{ when: { track: ['TIMED'] }, bucket: 'open' }] })).toEqual(rejected('policy-not-total', '/buckets'));
    expect(decide({ ...defaultPolicy, buckets: [{ when: {}, bucket: 'open' }, ...defaultPolicy.buckets] })).toEqual(rejected('policy-not-total', '/buckets'));
    expect(isTotal(defaultPolicy.buckets) && isTotal(basicCompletionBuckets)).toBe(true);
  });

  it('is refused where lights are out of order or an approver is named twice', () => {
    expect(decide({ ...defaultPolicy, lights: defaultPolicy.lights.toReversed() })).toEqual(rejected('policy-lights-disordered', '/lights/1'));
    expect(decide({ ...defaultPolicy, approvers: ['a', 'b', 'a'] })).toEqual(rejected('policy-approver-twice', '/approvers/2'));
  });
});
