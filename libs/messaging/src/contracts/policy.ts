import type { Fact, OrgId } from '@rectrail/kernel';
import {
  buckets, completionBases, disclosures, evolvePolicy, issueStates, policyEventDefinitions, tracks, wire,
  type FactsRetracted, type PolicyEvent, type PolicyInForce,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf } from './contract.ts';

const bucketRule = z.object({
  when: z.object({
    state: listOf(z.enum(issueStates)).exactOptional(),
    track: listOf(z.enum(tracks)).exactOptional(),
    disclosure: listOf(z.enum(disclosures)).exactOptional(),
    basis: listOf(z.enum(completionBases)).exactOptional(),
    openDatedResidual: z.boolean().exactOptional(),
  }),
  bucket: z.enum(buckets),
});

export const policyState = z.object({
  orgId: wire.uuidOf<OrgId>().nullable().describe('null: the default of the installation'),
  name: wire.title,
  from: wire.day.nullable().describe('since when the last one adopted holds; null: from the beginning of time'),
  buckets: listOf(bucketRule).describe('the first rule all of whose lists hold the value decides'),
  dueSoon: z.object({ days: wire.count, unit: z.enum(['calendar', 'working']) }),
  lights: listOf(z.object({ colour: z.enum(['green', 'yellow', 'red']), atDaysLeft: z.int() })),
});

interface FoldedPolicy { readonly orgId: OrgId | null; readonly inForce: PolicyInForce }

const fold = (s: FoldedPolicy | null, fact: Fact<PolicyEvent | FactsRetracted>): FoldedPolicy | null => {
  if (fact.event.type === 'FactsRetracted') return s;
  const inForce = evolvePolicy(s?.inForce ?? null, fact);
  return inForce === null ? s : { orgId: fact.event.data.orgId, inForce };
};

const tell = (s: FoldedPolicy | null): z.output<typeof policyState> | null => {
  if (s === null) return null;
  const { from, content: { name, buckets: rules, dueSoon, lights } } = s.inForce;
  return { orgId: s.orgId, name, from, buckets: rules, dueSoon, lights: lights.map(({ colour, atDaysLeft }) => ({ colour, atDaysLeft })) };
};

export const policyContract = contractOf<PolicyEvent, FoldedPolicy | null, typeof policyState>({
  noun: 'policies', singular: 'policy', events: policyEventDefinitions, state: policyState, initial: null, fold, tell,
});
