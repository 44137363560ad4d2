import type { Cut, FuzzyDate, Instant, OrgId, Position } from '@rectrail/kernel';
import type { CloudEvent, LoggedDelivery, RevealedSecret, SubjectState, SubscriptionView } from '@rectrail/messaging';
import type { ImportResult, ImportSummary, UndoResult } from '@rectrail/tracking-app';
import type {
  AuditTrailAnswer, CompareAnswer, DashboardAnswer, DashboardChildrenAnswer, DeadlinesAnswer, DiscrepanciesAnswer, FundsAnswer, InspectionItem, IssueDetail, IssueHistory,
  IssueItem, LatenessAnswer, MeasureItem, OrganisationAnswer, OrganisationsAnswer, Page, ProjectionStatus, ReminderDetail, RemindersAnswer,
  RemindersDueAnswer, ReplayFrame, ReplayStart, ReportItem, SeriesAnswer, TimelineAnswer, TreesAnswer,
} from '@rectrail/tracking-read';

/** A token without its secret. */
export interface TokenView {
  readonly id: string;
  /** Null: an administrator's token, which acts everywhere. */
  readonly orgId: OrgId | null;
  readonly role: string;
  /** What events carry: the same for the same name. */
  readonly subjectId: string;
  readonly subject: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
}

/** The first event of a replay; `speed`: in days a second. */
export interface ReplayStarted extends ReplayStart { readonly speed: number }

/** How a projection stands. */
export interface ProjectionView extends Omit<ProjectionStatus, 'build'> {
  /** A rebuild that has begun. `eventsPerSecond`: null where the server that answers is not at it, and in phases that are not counted in events. */
  readonly build: (NonNullable<ProjectionStatus['build']> & { readonly eventsPerSecond: number | null }) | null;
}

/** Messages behind `after`. `scannedTo`: every position up to there has been looked at; `next`: the path of the messages behind it. */
export interface FeedPage {
  readonly source: string;
  readonly messages: readonly CloudEvent[];
  readonly scannedTo: Position;
  readonly head: Position;
  readonly next: string;
}

/** The first event of a stream of the feed. */
export interface FeedStarted { readonly source: string; readonly after: Position; readonly head: Position }

/** Subjects as they stood at `at`. `next`: the path of the next page; null on the last one, which has the digest of all of them (`rectrail.feed/1`). */
export interface FeedSnapshot {
  readonly source: string;
  readonly at: Position;
  /** `sequence`: that of the subject's last message. */
  readonly subjects: readonly (Omit<SubjectState, 'position'> & { readonly sequence: string })[];
  readonly next: string | null;
  readonly digest: string | null;
}

/** `digest` null: so many subjects that their sum goes on at `next`. */
export interface FeedDigest { readonly source: string; readonly at: Position; readonly digest: string | null; readonly next: string | null }

/** That an event is in the tree of the first `size` leaves (RFC 6962, 2.1.1). Hashes are in base64; `leaf`: the bytes that are hashed, as text (docs/reference/leaf.md). */
export interface LogInclusion {
  readonly position: Position;
  /** `position` − 1. */
  readonly index: number;
  readonly size: number;
  readonly leaf: string;
  readonly leafHash: string;
  readonly root: string;
  readonly proof: readonly string[];
}

/** How the clock stands that stamps the events. `jumped`: nothing is stored until it is right again or confirmed; `aheadSeconds`: beyond what is expected of it. */
export interface LogClockView { readonly state: 'steady' | 'jumped'; readonly now: Instant; readonly aheadSeconds: number }

/** That the tree of the first `to` leaves goes on from that of the first `from` (RFC 6962, 2.1.2). */
export interface LogConsistency { readonly from: number; readonly to: number; readonly fromRoot: string; readonly toRoot: string; readonly proof: readonly string[] }

/** Where the log was put back to an older copy and went on. `previous`: that copy; `abandoned`: what others had seen of the branch that was left. Roots are in base64. */
export interface BegunEpochView {
  readonly epoch: number;
  /** Of its first event. */
  readonly position: Position;
  readonly recordedAt: string;
  readonly previous: { readonly epoch: number; readonly size: number; readonly root: string };
  readonly abandoned: readonly { readonly by: string; readonly epoch: number; readonly size: number; readonly root: string | null }[];
  /** For administrators. */
  readonly reason?: string;
}
/** `behind`: others have seen more of the log than there is here, or otherwise: an older copy, read-only. `superseded`: another epoch has begun; this process is to start again. */
export interface LogStandingView {
  readonly state: 'open' | 'behind' | 'superseded';
  readonly why: string | null;
  readonly seen: readonly { readonly by: string; readonly epoch: number; readonly size: number; readonly root: string | null; readonly reason: 'shorter' | 'other' | 'earlier-epoch' }[];
}
export interface LogEpochs { readonly logId: string; readonly epoch: number; readonly standing: LogStandingView; readonly begun: readonly BegunEpochView[] }

/** What somebody did, and where it stands in the log. */
export interface RecordedAct {
  readonly eventId: string;
  readonly position: Position;
  readonly recordedAt: string;
  readonly on: FuzzyDate | null;
  readonly by: { readonly subject: string; readonly role: string; readonly orgId: string | null };
}
/** The write-off slip (销号单) of an issue. `proof.file`: the `.tlog-proof` of the event by which it was written off; `proof.path` serves one of the newest checkpoint. */
export interface WriteOffSlip extends Pick<IssueItem, 'issueId' | 'orgId' | 'orgCode' | 'orgName' | 'inspectionId' | 'numberPath' | 'title' | 'deadline'> {
  readonly slip: string;
  readonly measures: readonly Pick<MeasureItem, 'measureId' | 'marker' | 'title' | 'state'>[];
  readonly verified: (RecordedAct & { readonly record: string; readonly evidence: readonly string[] }) | null;
  readonly writtenOff: RecordedAct;
  readonly endorsements: readonly { readonly kind: string; readonly by: string }[];
  readonly cut: Cut;
  readonly proof: { readonly path: string; readonly file: string };
}

/** A record of Kafka that was no request; `topic`, `partition` and `offset` tell where it lay. */
export interface DeadLetterView {
  /** `partition-offset` in the topic of dead letters. */
  readonly id: string;
  readonly at: string;
  /** A problem code. */
  readonly reason: string;
  readonly detail: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  /** Of the record's value. */
  readonly bytes: number;
  /** False: the value was not kept. */
  readonly canReplay: boolean;
  /** Of the last replay; null where there was none. */
  readonly replayedAt: string | null;
}
/** `headers` without the token. */
export interface DeadLetterDetail extends DeadLetterView { readonly headers: Readonly<Record<string, string>>; readonly value: string | null }

/** What each route answers, by its name. apps/server/answer-schemas.json is made from these types (tools/gen-answer-schemas.mjs), and OpenAPI from it. */
export interface Answers {
  readonly Dashboard: DashboardAnswer;
  readonly DashboardChildren: DashboardChildrenAnswer;
  readonly Issues: Page<IssueItem>;
  readonly Issue: IssueDetail;
  readonly IssueHistory: IssueHistory;
  readonly Measures: Page<MeasureItem>;
  readonly Deadlines: DeadlinesAnswer;
  readonly Funds: FundsAnswer;
  readonly Organisations: OrganisationsAnswer;
  readonly Trees: TreesAnswer;
  readonly Organisation: OrganisationAnswer;
  readonly Inspections: Page<InspectionItem>;
  readonly Reports: Page<ReportItem>;
  readonly Discrepancies: DiscrepanciesAnswer;
  readonly IssueTimeline: TimelineAnswer;
  readonly MeasureTimeline: TimelineAnswer;
  readonly FundsCaseTimeline: TimelineAnswer;
  readonly InspectionTimeline: TimelineAnswer;
  readonly OrganisationTimeline: TimelineAnswer;
  readonly Lateness: LatenessAnswer;
  readonly Series: SeriesAnswer;
  readonly Compare: CompareAnswer;
  /** Data of the events `start` and `frame`. */
  readonly Replay: ReplayStarted | ReplayFrame;
  readonly Feed: FeedPage;
  /** Data of the event `start`, and of those that have no name. */
  readonly FeedStream: FeedStarted | CloudEvent;
  readonly FeedSnapshot: FeedSnapshot;
  readonly FeedDigest: FeedDigest;
  readonly WriteOffSlip: WriteOffSlip;
  readonly LogInclusion: LogInclusion;
  readonly LogConsistency: LogConsistency;
  readonly LogEpochs: LogEpochs;
  readonly BeginEpoch: BegunEpochView;
  readonly LogSighting: LogStandingView;
  readonly Reminders: RemindersAnswer;
  readonly Reminder: ReminderDetail;
  readonly RemindersPreview: RemindersDueAnswer;
  readonly AuditTrail: AuditTrailAnswer;
  readonly Import: ImportResult;
  readonly Imports: { readonly items: readonly ImportSummary[] };
  readonly UndoImport: UndoResult;
  /** The token is shown once, here. */
  readonly IssueToken: TokenView & { readonly token: string };
  readonly Tokens: { readonly items: readonly TokenView[]; readonly nextCursor: string | null };
  readonly RevokeToken: TokenView;
  readonly LogClock: LogClockView;
  readonly ConfirmClock: LogClockView;
  readonly Projections: { readonly headPosition: number; readonly items: readonly ProjectionView[] };
  readonly Rebuild: ProjectionView;
  readonly StopRebuild: ProjectionView;
  readonly SkipEvent: ProjectionView;
  readonly Subscriptions: { readonly items: readonly SubscriptionView[]; readonly nextCursor: string | null };
  readonly Subscription: SubscriptionView;
  readonly Deliveries: { readonly items: readonly LoggedDelivery[]; readonly nextCursor: string | null };
  /** The secret is shown once, here. */
  readonly RevealSecret: RevealedSecret;
  readonly Redeliver: { readonly items: readonly LoggedDelivery[] };
  readonly ReplaySubscription: SubscriptionView;
  readonly Ping: LoggedDelivery;
  readonly DeadLetters: { readonly items: readonly DeadLetterView[]; readonly nextCursor: string | null };
  readonly DeadLetter: DeadLetterDetail;
  readonly ReplayDeadLetter: DeadLetterDetail;
}
