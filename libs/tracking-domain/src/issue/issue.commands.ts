import type { FuzzyDate, OrgId, PersonRef, PlanId } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { DomainCommand } from '../time/live-command.ts';
import type { IssueEvent } from './issue.events.ts';

type DataOf<T extends IssueEvent['type']> = DataByType<IssueEvent>[T];

/** What each command says; mostly the event that it asks for (domain.md section 3.2). */
export interface IssueCommandData {
  readonly RegisterIssue: DataOf<'IssueRegistered'>;
  readonly AcceptIssue: DataOf<'IssueAccepted'>;
  readonly AssignIssue: DataOf<'IssueAssigned'>;
  /** May bring what the plan still lacks: leader, department, deadline. */
  readonly PlanIssue: { readonly planId: PlanId | null; readonly leader: PersonRef | null; readonly departmentOrgId: OrgId | null; readonly planned: FuzzyDate | null };
  readonly SetDeadline: DataOf<'DeadlineSet'>;
  readonly ExtendDeadline: DataOf<'DeadlineExtended'>;
  readonly MarkImmediate: DataOf<'IssueMarkedImmediate'>;
  readonly ClassifyLongTerm: DataOf<'IssueClassifiedLongTerm'>;
  readonly MarkKeyAndHard: DataOf<'IssueMarkedKeyAndHard'>;
  readonly StartRectification: DataOf<'RectificationStarted'>;
  readonly ReportProgress: DataOf<'ProgressReported'>;
  readonly StateNextStep: DataOf<'NextStepStated'>;
  readonly ReportPhaseResult: { readonly result: string; readonly nextStep: string };
  readonly CompletePhase: { readonly result: string; readonly nextStep: string };
  readonly ReportBasicCompletion: DataOf<'IssueBasicallyCompleted'>;
  readonly ReportCompletion: DataOf<'IssueCompletionReported'>;
  readonly MoveToRoutine: DataOf<'IssueMovedToRoutine'>;
  readonly VerifyIssue: DataOf<'IssueVerified'>;
  readonly RejectCompletion: DataOf<'IssueVerificationRejected'>;
  readonly WriteOffIssue: DataOf<'IssueWrittenOff'>;
  readonly RevokeWriteOff: DataOf<'WriteOffRevoked'>;
  readonly ReopenIssue: DataOf<'IssueReopened'>;
  readonly ResumeRectification: DataOf<'RectificationResumed'>;
  readonly TransferIssue: DataOf<'IssueTransferredOut'>;
  readonly CommitContinuation: DataOf<'ContinuationCommitted'>;
  /** `finding` says what relapsed; needed with RELAPSED, which reopens the issue. */
  readonly RecordLookBack: DataOf<'LookBackChecked'> & { readonly finding: string | null };
  readonly CompleteResidual: DataOf<'ResidualCompleted'>;
  readonly TallySubFindings: DataOf<'SubFindingsTallied'>;
  readonly LinkDuplicateIssue: DataOf<'DuplicateIssueLinked'>;
  readonly LinkRecurrence: DataOf<'RecurrenceLinked'>;
  readonly AddMeasures: DataOf<'IssueMeasuresAdded'>;
  /** Of an import: no guard applies (rules.md section 3). */
  readonly StateStatus: DataOf<'IssueStatusStated'>;
}

export type IssueCommandType = keyof IssueCommandData;
export type IssueCommand<K extends IssueCommandType = IssueCommandType> = { [P in K]: DomainCommand<P, IssueCommandData[P]> }[K];
