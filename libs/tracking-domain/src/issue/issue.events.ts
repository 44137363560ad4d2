import type { DomainEvent, FuzzyDate, InspectionId, IssueId, MeasureId, OrgId, PersonRef, PlanId } from '@rectrail/kernel';

export const issueStates = [
  'FED_BACK', 'REGISTERED', 'PLANNED', 'IN_PROGRESS', 'PHASED', 'BASICALLY_DONE', 'DONE_REPORTED', 'VERIFIED', 'WRITTEN_OFF', 'REOPENED', 'TRANSFERRED_OUT',
] as const;
export type IssueStateName = (typeof issueStates)[number];

export const tracks = ['IMMEDIATE', 'TIMED', 'LONG_TERM'] as const;
export type Track = (typeof tracks)[number];

export const continuations = ['NONE', 'KEEP_IMPLEMENTING', 'KEEP_PUSHING', 'FOLLOW_UP', 'KEEP_WATCHING', 'BUILD_RULES', 'KEEP_GUIDING'] as const;
export type Continuation = (typeof continuations)[number];

export const completionBases = ['RECTIFIED', 'TRANSFERRED', 'MERGED'] as const;
export type CompletionBasis = (typeof completionBases)[number];

/** NOT_DISCLOSED: printed without a status; WITHHELD: not published, yet printed singly (number or heading). */
export const disclosures = ['STATED', 'NOT_DISCLOSED', 'WITHHELD'] as const;
export type Disclosure = (typeof disclosures)[number];

/** What is left of an issue that is otherwise done; `key` is unique in its issue ("③"). Open until `ResidualCompleted` or a later stated status leaves it out. */
export interface Residual {
  readonly key: string;
  readonly printed: string;
  readonly planned?: FuzzyDate;
  readonly measureId?: MeasureId;
}

export const reopenKinds = ['RELAPSE', 'SHAM', 'POOR_EFFECT'] as const;
export type ReopenKind = (typeof reopenKinds)[number];

export const endorsementKinds = ['MAIN', 'SUPERVISING', 'EXECUTING'] as const;
/** 主体责任, 监督责任, 执行责任: each signed by a person of its own. */
export interface Endorsement {
  readonly kind: (typeof endorsementKinds)[number];
  readonly by: PersonRef;
}

/**
 * Stream `issue-{issueId}`. Every event has a validTime; the status assertions are listed in issue.state.ts.
 * The owner is `scope.orgId`, equal to `orgId` of the registration, and never changes.
 */
export type IssueEvent =
  | DomainEvent<'IssueRegistered', {
      readonly issueId: IssueId;
      readonly orgId: OrgId;
      readonly inspectionId: InspectionId;
      /** The printed tokens from the part down to the issue, and a sortable key made of them. */
      readonly numberPath: readonly string[];
      readonly numberKey: string;
      readonly aspect: string | null;
      readonly heading: string | null;
      readonly title: string;
      readonly strand: string | null;
      readonly annex: boolean;
      readonly track: Track;
      readonly assistingOrgIds: readonly OrgId[];
    }>
  | DomainEvent<'IssueAccepted', { readonly leader: PersonRef | null }>
  | DomainEvent<'IssueAssigned', { readonly leader: PersonRef | null; readonly departmentOrgId: OrgId | null }>
  | DomainEvent<'IssuePlanned', { readonly planId: PlanId | null }>
  | DomainEvent<'DeadlineSet', { readonly planned: FuzzyDate }>
  | DomainEvent<'DeadlineExtended', { readonly planned: FuzzyDate; readonly reason: string; readonly askedBy: OrgId | null }>
  | DomainEvent<'IssueMarkedImmediate', Record<string, never>>
  | DomainEvent<'IssueClassifiedLongTerm', { readonly reason: string }>
  | DomainEvent<'IssueMarkedKeyAndHard', Record<string, never>>
  | DomainEvent<'RectificationStarted', Record<string, never>>
  | DomainEvent<'ProgressReported', { readonly text: string }>
  | DomainEvent<'NextStepStated', { readonly text: string; readonly planned: FuzzyDate | null }>
  | DomainEvent<'PhaseResultReported', { readonly result: string; readonly nextStep: string | null }>
  | DomainEvent<'PhaseCompleted', { readonly result: string; readonly nextStep: string | null }>
  | DomainEvent<'IssueBasicallyCompleted', { readonly residuals: readonly Residual[] }>
  | DomainEvent<'IssueCompletionReported', { readonly basis: CompletionBasis; readonly result: string | null; readonly openSubFindings: string | null }>
  | DomainEvent<'IssueMovedToRoutine', { readonly continuation: Continuation; readonly lookBackOn: FuzzyDate }>
  | DomainEvent<'IssueVerified', { readonly record: string; readonly evidence: readonly string[] }>
  | DomainEvent<'IssueVerificationRejected', { readonly reason: string }>
  | DomainEvent<'IssueWrittenOff', { readonly slip: string; readonly endorsements: readonly Endorsement[] }>
  | DomainEvent<'WriteOffRevoked', { readonly reason: string }>
  | DomainEvent<'IssueReopened', { readonly kind: ReopenKind; readonly finding: string }>
  | DomainEvent<'RectificationResumed', { readonly planned: FuzzyDate | null }>
  | DomainEvent<'IssueTransferredOut', { readonly to: string; readonly basis: string }>
  | DomainEvent<'ContinuationCommitted', { readonly continuation: Continuation; readonly text: string | null; readonly until: FuzzyDate | null }>
  | DomainEvent<'LookBackChecked', { readonly result: 'HELD' | 'PARTLY' | 'RELAPSED'; readonly sample: string | null }>
  | DomainEvent<'ResidualCompleted', { readonly key: string }>
  | DomainEvent<'SubFindingsTallied', { readonly found: number; readonly fixed: number | null; readonly unit: string; readonly categories: number | null }>
  | DomainEvent<'DuplicateIssueLinked', { readonly issueId: IssueId }>
  | DomainEvent<'RecurrenceLinked', { readonly previousIssueId: IssueId }>
  /** The issue's side of the many-to-many link, so that a rule over an issue's measures can be decided from streams alone. */
  | DomainEvent<'IssueMeasuresAdded', { readonly measureIds: readonly MeasureId[] }>
  /** What a report states; `state` null: printed without one (`disclosure` says how). The claimant is the report's organisation. */
  | DomainEvent<'IssueStatusStated', {
      readonly state: IssueStateName | null;
      readonly track: Track | null;
      readonly printedStatus: string | null;
      readonly disclosure: Disclosure;
      readonly continuation: Continuation;
      readonly continuationPrinted: string | null;
      readonly residuals: readonly Residual[];
      readonly completionBasis: CompletionBasis | null;
    }>;
