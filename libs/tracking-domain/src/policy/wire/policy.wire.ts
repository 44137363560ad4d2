import type { OrgId } from '@rectrail/kernel';
import { z } from 'zod';
import { completionBases, disclosures, issueStates, tracks } from '../../issue/issue.events.ts';
import { count, definitionsOf, listOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { buckets, lightColours, type PolicyEvent } from '../policy.events.ts';
import { isTotal } from '../policy.state.ts';

/** A century of days: beyond any threshold. */
const thresholdDaysMax = 36_500;

const bucketRule = z.strictObject({
  when: z.strictObject({
    state: listOf(z.enum(issueStates)).exactOptional(),
    track: listOf(z.enum(tracks)).exactOptional(),
    disclosure: listOf(z.enum(disclosures)).exactOptional(),
    basis: listOf(z.enum(completionBases)).exactOptional(),
    openDatedResidual: z.boolean().exactOptional(),
  }),
  bucket: z.enum(buckets),
});

const light = z.strictObject({
  colour: z.enum(lightColours),
  atDaysLeft: z.int().min(-thresholdDaysMax).max(thresholdDaysMax),
  recipients: listOf(title),
});

/** What a policy holds beside its owner; command bodies use it too. */
export const policyContentShape = {
  name: title,
  buckets: listOf(bucketRule).refine(isTotal, { error: 'the last rule, and only the last, must have an empty `when`' }),
  dueSoon: z.strictObject({ days: count.max(thresholdDaysMax), unit: z.enum(['calendar', 'working']) }),
  lights: listOf(light),
  approvers: listOf(title),
};

/** The newest version of the event of a policy. */
export const policyEventSchemas = {
  PolicyAdopted: z.strictObject({ orgId: uuidOf<OrgId>().nullable(), ...policyContentShape }),
} satisfies EventSchemas<PolicyEvent>;

export const policyEventDefinitions = definitionsOf(policyEventSchemas);
