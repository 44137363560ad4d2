import { accept, nothing, reject, type Decision } from '@rectrail/kernel';
import type { LiveSituation } from '../time/live-command.ts';
import type { PolicyCommand, PolicyRejection } from './policy.commands.ts';
import type { BucketRule, PolicyContent, PolicyEvent } from './policy.events.ts';
import { isTotal, type PolicyInForce } from './policy.state.ts';

/** What makes a policy unfit to be adopted, or null. */
export const policyFault = ({ buckets, lights, approvers }: PolicyContent): PolicyRejection | null => {
  if (!isTotal(buckets)) return { code: 'policy-not-total', detail: 'some issue would have no bucket, or a rule could never apply', pointer: '/buckets' };
  const disordered = lights.findIndex((light, at) => at > 0 && light.atDaysLeft >= (lights[at - 1]?.atDaysLeft ?? Infinity));
  if (disordered >= 0) return { code: 'policy-lights-disordered', detail: `light ${disordered + 1} does not come after the one before`, pointer: `/lights/${disordered}` };
  const twice = approvers.findIndex((approver, at) => approvers.indexOf(approver) < at);
  return twice < 0 ? null : { code: 'policy-approver-twice', detail: `${approvers[twice]} is named twice`, pointer: `/approvers/${twice}` };
};

const sameList = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean => a?.join() === b?.join();

const sameRule = (a: BucketRule, b: BucketRule): boolean =>
  a.bucket === b.bucket && sameList(a.when.state, b.when.state) && sameList(a.when.track, b.when.track) && sameList(a.when.disclosure, b.when.disclosure)
  && sameList(a.when.basis, b.when.basis) && a.when.openDatedResidual === b.when.openDatedResidual;

const same = (a: PolicyContent, b: PolicyContent): boolean =>
  a.name === b.name && a.dueSoon.days === b.dueSoon.days && a.dueSoon.unit === b.dueSoon.unit && sameList(a.approvers, b.approvers)
  && a.buckets.length === b.buckets.length && a.buckets.every((rule, at) => sameRule(rule, b.buckets[at] ?? rule))
  && a.lights.length === b.lights.length
  && a.lights.every((light, at) => {
    const other = b.lights[at] ?? light;
    return light.colour === other.colour && light.atDaysLeft === other.atDaysLeft && sameList(light.recipients, other.recipients);
  });

/** `situation.then` is the policy in force on the last day of the command's `on`; adopting it again changes nothing. */
export const decidePolicy = ({ data }: PolicyCommand, { then }: LiveSituation<PolicyInForce | null>): Decision<PolicyEvent, PolicyRejection> => {
  const fault = policyFault(data);
  if (fault !== null) return reject(fault);
  return then !== null && same(then.content, data) ? nothing() : accept({ type: 'PolicyAdopted', data });
};
