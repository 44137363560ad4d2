import type { DomainEvent, OrgId } from '@rectrail/kernel';
import type { CompletionBasis, Disclosure, IssueStateName, Track } from '../issue/issue.events.ts';

export const buckets = ['complete', 'open', 'longTerm', 'notDisclosed'] as const;
export type Bucket = (typeof buckets)[number];

/** What a bucket may depend on (rules.md section 4). `state` is the kept state, `disclosure` says whether it may be shown. */
export interface BucketCell {
  readonly state: IssueStateName;
  readonly track: Track;
  readonly disclosure: Disclosure;
  readonly basis: CompletionBasis | null;
  readonly openDatedResidual: boolean;
}

/** The first rule all of whose lists hold the cell's value decides; the last rule has an empty `when`, so the map is total. */
export interface BucketRule {
  readonly when: {
    readonly state?: readonly IssueStateName[];
    readonly track?: readonly Track[];
    readonly disclosure?: readonly Disclosure[];
    readonly basis?: readonly CompletionBasis[];
    readonly openDatedResidual?: boolean;
  };
  readonly bucket: Bucket;
}

export interface Threshold { readonly days: number; readonly unit: 'calendar' | 'working' }

/** By severity. */
export const lightColours = ['green', 'yellow', 'red'] as const;
export type LightColour = (typeof lightColours)[number];

/** One light of the ladder (绿, 黄, 红): from `atDaysLeft` days before the deadline (negative: after it), to whom. */
export interface Light { readonly colour: LightColour; readonly atDaysLeft: number; readonly recipients: readonly string[] }

export interface PolicyContent {
  readonly name: string;
  readonly buckets: readonly BucketRule[];
  readonly dueSoon: Threshold;
  readonly lights: readonly Light[];
  readonly approvers: readonly string[];
}

/** Stream `policy-default` (orgId null, its first event without validTime) or `policy-{orgId}` (each with the day from which it holds). */
export type PolicyEvent = DomainEvent<'PolicyAdopted', PolicyContent & { readonly orgId: OrgId | null }>;
