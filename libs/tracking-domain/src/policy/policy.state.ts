import type { Day, EventId, Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { Bucket, BucketCell, BucketRule, PolicyContent, PolicyEvent } from './policy.events.ts';

/** A policy in force at a cut; `from` is null for the installation's first, which holds from the beginning of time. */
export interface PolicyInForce {
  readonly eventId: EventId;
  readonly from: Day | null;
  readonly content: PolicyContent;
}

/** The last adopted in fold order holds; null where the stream has none at the cut. */
export const evolvePolicy = (state: PolicyInForce | null, fact: Fact<PolicyEvent | FactsRetracted>): PolicyInForce | null => {
  if (fact.event.type === 'FactsRetracted') return state;
  const { name, buckets, dueSoon, lights, approvers } = fact.event.data;
  return { eventId: fact.eventId, from: fact.validTime?.last ?? null, content: { name, buckets, dueSoon, lights, approvers } };
};

/** The policy of one stream from its facts that count, in fold order. */
export const policyAt = (countingFacts: readonly Fact<PolicyEvent | FactsRetracted>[]): PolicyInForce | null =>
  countingFacts.reduce<PolicyInForce | null>(evolvePolicy, null);

const isOneOf = <T>(allowed: readonly T[] | undefined, value: T | null): boolean => allowed === undefined || (value !== null && allowed.includes(value));

const ruleHolds = ({ when }: BucketRule, cell: BucketCell): boolean =>
  isOneOf(when.state, cell.state)
  && isOneOf(when.track, cell.track)
  && isOneOf(when.disclosure, cell.disclosure)
  && isOneOf(when.basis, cell.basis)
  && (when.openDatedResidual === undefined || when.openDatedResidual === cell.openDatedResidual);

/** The bucket of a cell: that of the first rule that holds. Total, since the last rule of every adopted policy holds always. */
export const bucketOf = (policy: Pick<PolicyContent, 'buckets'>, cell: BucketCell): Bucket =>
  policy.buckets.find((rule) => ruleHolds(rule, cell))?.bucket ?? 'open';

const holdsAlways = (rule: BucketRule): boolean => Object.keys(rule.when).length === 0;

/** Whether every cell has its bucket by a rule: the last rule, and only the last, holds always. */
export const isTotal = (rules: readonly BucketRule[]): boolean => rules.length > 0 && rules.findIndex(holdsAlways) === rules.length - 1;

const notDisclosed: BucketRule = { when: { disclosure: ['NOT_DISCLOSED', 'WITHHELD'] }, bucket: 'notDisclosed' };
const done: BucketRule = { when: { state: ['DONE_REPORTED', 'VERIFIED', 'WRITTEN_OFF', 'TRANSFERRED_OUT'] }, bucket: 'complete' };
const allElse: BucketRule = { when: {}, bucket: 'open' };

/** What an installation starts with (rules.md section 4); the lights are those of one district (conventions.md). */
export const defaultPolicy: PolicyContent = {
  name: 'default',
  buckets: [notDisclosed, done, { when: { state: ['PHASED'], track: ['LONG_TERM'] }, bucket: 'longTerm' }, allElse],
  dueSoon: { days: 20, unit: 'calendar' },
  lights: [
    { colour: 'green', atDaysLeft: 20, recipients: [] },
    { colour: 'yellow', atDaysLeft: 10, recipients: [] },
    { colour: 'red', atDaysLeft: -1, recipients: [] },
  ],
  approvers: [],
};

/** Buckets of a report that counts 基本完成 as complete unless a dated residual is open, as Ningbo's does (rules.md section 4). */
export const basicCompletionBuckets: readonly BucketRule[] = [
  notDisclosed, done, { when: { state: ['BASICALLY_DONE'], openDatedResidual: false }, bucket: 'complete' }, allElse,
];
