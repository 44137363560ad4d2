import type { DomainEvent, FuzzyDate, InspectionId, IssueId, MeasureId, OrgId } from '@rectrail/kernel';

export const measureStates = ['PLANNED', 'IN_PROGRESS', 'SUSPENDED', 'DONE', 'STANDING', 'WITHDRAWN'] as const;
export type MeasureStateName = (typeof measureStates)[number];

export const frequencies = ['DAILY', 'WEEKLY', 'HALF_MONTHLY', 'MONTHLY', 'QUARTERLY', 'HALF_YEARLY', 'YEARLY', 'OTHER'] as const;
export type Frequency = (typeof frequencies)[number];

interface MeasureIdentity {
  readonly measureId: MeasureId;
  readonly orgId: OrgId;
  readonly inspectionId: InspectionId;
  /** At least one; further ones by `MeasureLinkedToIssue`. */
  readonly issueIds: readonly IssueId[];
  /** As printed: ①, 一是. */
  readonly marker: string | null;
  readonly title: string;
}

/** Stream `measure-{measureId}`. A measure exists from its `MeasurePlanned` (live) or `MeasureStated` (a report prints it). */
export type MeasureEvent =
  | DomainEvent<'MeasurePlanned', MeasureIdentity & { readonly planned: FuzzyDate | null }>
  | DomainEvent<'MeasureStated', MeasureIdentity & { readonly state: MeasureStateName | null; readonly printedStatus: string | null; readonly planned: FuzzyDate | null }>
  | DomainEvent<'MeasureLinkedToIssue', { readonly issueId: IssueId }>
  | DomainEvent<'MeasureProgressed', { readonly text: string }>
  | DomainEvent<'MeasureCompleted', { readonly result: string | null; readonly evidence: readonly string[] }>
  | DomainEvent<'MeasureSuspended', { readonly cause: string }>
  | DomainEvent<'MeasureResumed', Record<string, never>>
  | DomainEvent<'MeasureMadeStanding', { readonly frequency: Frequency }>
  | DomainEvent<'MeasureWithdrawn', { readonly reason: string }>;
