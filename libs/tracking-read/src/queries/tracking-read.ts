import type { EventId, IssueId, Position, ReportId, StreamId, TreeId } from '@rectrail/kernel';
import type { RebuildOptions, RunnerStatus } from '@rectrail/projections';
import type {
  AuditTrailAnswer, DashboardAnswer, DashboardChildrenAnswer, DeadlinesAnswer, DiscrepanciesAnswer, FundsAnswer, InspectionItem, IssueDetail, IssueHistory, IssueItem,
  LatenessAnswer, MeasureItem, OrganisationAnswer, OrganisationsAnswer, Page, ReportItem, TimelineAnswer, TimelineKind, TreesAnswer,
} from './answers.ts';
import type {
  AuditRequest, FundsRequest, IssuesRequest, LatenessRequest, MeasuresRequest, OrganisationsRequest, OrgRequest, PolicyChoice, ReadRequest, RollUpRequest,
} from './requests.ts';
import type { CompareAnswer, CompareRequest, Replay, ReplayRequest, SeriesAnswer, SeriesRequest } from './over-time.ts';
import type { ReminderDetail, RemindersAnswer, RemindersDueAnswer, RemindersDueRequest, RemindersRequest } from './reminders.ts';

export type ReadRejectionCode =
  | 'projection-behind' | 'position-unknown' | 'unknown-organisation' | 'unknown-tree' | 'unknown-issue' | 'unknown-measure' | 'unknown-funds-case'
  | 'unknown-inspection' | 'unknown-report' | 'unknown-reminder'
  | 'range-invalid' | 'cursor-invalid' | 'cursor-mismatch' | 'outside-jurisdiction';

/** A read that cannot be answered; match on `code`. */
export class ReadRejected extends Error {
  readonly code: ReadRejectionCode;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: ReadRejectionCode, detail: string, extensions: Readonly<Record<string, unknown>> = {}, options?: { readonly cause?: unknown }) {
    super(detail, options);
    this.name = 'ReadRejected';
    this.code = code;
    this.extensions = extensions;
  }
}

/** An event of `from` that refers to the stream (or `organisation-{orgId}`) `to` and falls with it. */
export interface Dependent {
  readonly from: StreamId;
  readonly to: string;
  readonly eventId: EventId;
  readonly type: string;
  readonly position: Position;
}

export interface ProjectionStatus extends Omit<RunnerStatus, 'readable' | 'laggingSince'> {
  /** `rebuilding`: there are no rows yet that this version may read. A rebuild beside rows that are read is in `build` alone. */
  readonly state: 'running' | 'stopped' | 'rebuilding';
  /** Age of the oldest event that the position has not reached; 0 where there is none. */
  readonly lagSeconds: number;
}

/** All reads of the tracking side. Every method throws `ReadRejected` where it cannot answer. */
export interface TrackingQueries {
  dashboard(request: RollUpRequest & PolicyChoice): Promise<DashboardAnswer>;
  dashboardChildren(request: RollUpRequest & PolicyChoice): Promise<DashboardChildrenAnswer>;
  issues(request: IssuesRequest): Promise<Page<IssueItem>>;
  issue(id: IssueId, request: ReadRequest & PolicyChoice): Promise<IssueDetail>;
  issueHistory(id: IssueId, request: ReadRequest): Promise<IssueHistory>;
  deadlines(request: IssuesRequest): Promise<DeadlinesAnswer>;
  funds(request: FundsRequest): Promise<FundsAnswer>;
  measures(request: MeasuresRequest): Promise<Page<MeasureItem>>;
  organisations(request: OrganisationsRequest): Promise<OrganisationsAnswer>;
  trees(request: ReadRequest): Promise<TreesAnswer>;
  organisation(idOrCode: string, request: ReadRequest): Promise<OrganisationAnswer>;
  inspections(request: OrgRequest): Promise<Page<InspectionItem>>;
  reports(request: OrgRequest): Promise<Page<ReportItem>>;
  discrepancies(id: ReportId, request: ReadRequest): Promise<DiscrepanciesAnswer>;
  reminders(request: RemindersRequest): Promise<RemindersAnswer>;
  reminder(id: string, request: ReadRequest): Promise<ReminderDetail>;
  /** What an evaluation of validAt would issue. */
  remindersDue(request: RemindersDueRequest): Promise<RemindersDueAnswer>;
  auditTrail(request: AuditRequest): Promise<AuditTrailAnswer>;
  /** `id`: of an organisation its id or its code at the cut. */
  timeline(kind: TimelineKind, id: string, request: ReadRequest): Promise<TimelineAnswer>;
  lateness(request: LatenessRequest): Promise<LatenessAnswer>;
  series(request: SeriesRequest): Promise<SeriesAnswer>;
  compare(request: CompareRequest): Promise<CompareAnswer>;
  replay(request: ReplayRequest): Promise<Replay>;
}

/** What commands and imports ask of the read side; answers are as of the position that the index of events has reached, whatever the other projections do. */
export interface TrackingLookups {
  /** Events that count and refer to one of these streams (or `organisation-{orgId}`) from another stream. */
  dependents(refs: readonly string[]): Promise<readonly Dependent[]>;
  /** The streams of these events (retraction and correction name events only); an unknown event is left out. */
  streamsOf(eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, StreamId>>;
  /** Every tree that was ever opened, the administrative one first. */
  trees(): Promise<readonly TreeId[]>;
  catchUp(position: Position): Promise<void>;
}

export interface TrackingRead {
  readonly queries: TrackingQueries;
  readonly lookups: TrackingLookups;
  /** Follows the log until `stop`. */
  start(): void;
  /** Projects up to a position (default the head) without following; for a process that is no projector. */
  project(upTo?: Position): Promise<void>;
  /** Waits until every projection used by reads has reached `position`. @throws ReadRejected projection-behind after `timeoutMs` (default 5,000). */
  catchUp(position: Position, timeoutMs?: number): Promise<void>;
  /** Makes a projection's rows anew from the first event, beside those that are read; goes on where an earlier call was stopped. @throws ProjectionError. */
  rebuild(name: string, options?: RebuildOptions): Promise<void>;
  /** Stops a rebuild, whichever process is at it, until it is asked for again; what it has made is kept. False where there is none. @throws ProjectionError. */
  pauseRebuild(name: string): Promise<boolean>;
  /** Drops what a rebuild has made so far; false where there is none. @throws ProjectionError. */
  cancelRebuild(name: string): Promise<boolean>;
  /** Lets a projection leave out, for good, the event at which it stands stopped. @throws ProjectionError `skip-refused`. */
  skip(name: string, at: Position, why: { readonly by: string; readonly reason: string }): Promise<void>;
  projectionStatus(): Promise<readonly ProjectionStatus[]>;
  /** Ends after the batch at hand and closes the connections. */
  stop(): Promise<void>;
}
