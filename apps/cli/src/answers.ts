/** What the command line reads of the server's answers (docs/reference/http.md); all else in them is left alone. */
export interface Cut { readonly validAt: string; readonly knownAt: string; readonly atPosition: number }
export interface Count { readonly count: number; readonly undetermined: number }
export interface MoneySum { readonly fen: string; readonly unknownAmounts: number }
type Counts = Readonly<Record<string, Count>>;

export interface Figures {
  readonly issues: { readonly total: number; readonly byState: Counts; readonly byBucket: Counts; readonly byDeadline: Counts };
  readonly measures: { readonly total: number; readonly shared: number; readonly byState: Counts };
  readonly funds: { readonly recovered: MoneySum; readonly returned: MoneySum };
  readonly declared: readonly { readonly key: string; readonly basis: string | null; readonly value: string | null; readonly unit: string }[];
}

export interface OrgLabel { readonly orgId: string; readonly code: string; readonly name: string }
export interface Answered { readonly cut: Cut }
export interface Dashboard extends Answered { readonly org: OrgLabel | null; readonly figures: Figures; readonly assumptions: { readonly calendarYears: readonly number[] } }
export interface Page<I> extends Answered { readonly items: readonly I[]; readonly total: number | null; readonly nextCursor: string | null }

export interface Printed { readonly printed: string; readonly first: string; readonly last: string }

export interface IssueItem {
  readonly issueId: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly state: string;
  readonly possibly: string | null;
  readonly bucket: string;
  readonly deadline: { readonly condition: string; readonly due: string | null; readonly daysLeft: number | null };
  readonly disagreement: boolean;
  readonly since: string | null;
}

export interface IssueDetail extends Answered {
  readonly issue: IssueItem;
  readonly printedStatus: string | null;
  readonly continuation: string;
  readonly residuals: readonly { readonly key: string; readonly printed: string; readonly planned: Printed | null; readonly open: boolean }[];
  readonly measures: readonly { readonly marker: string | null; readonly title: string; readonly state: string }[];
  readonly funds: readonly FundsCase[];
}

export interface EventView {
  readonly position: number;
  readonly type: string;
  readonly data: unknown;
  readonly recordedAt: string;
  readonly knownTime: string;
  readonly validTime: Printed | null;
  readonly changes: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
  readonly retractedBy: readonly { readonly position: number; readonly reason: string }[];
}

export interface AuditTrail extends Answered {
  readonly items: readonly (EventView & { readonly actor: { readonly subject: string } })[];
}

/** Of a command: what it made or acted on. */
export interface CommandAnswer { readonly id: string }

export interface IssueHistory extends Answered { readonly events: readonly EventView[] }

export interface BeliefEvent {
  readonly eventId: string;
  readonly position: number;
  readonly commandId: string;
  readonly type: string;
  readonly source: { readonly documentId: string } | null;
  readonly retraction: { readonly reason: string } | null;
}
export interface Belief {
  readonly validFrom: string | null;
  readonly validTo: string | null;
  readonly knownFrom: string | null;
  readonly knownTo: string | null;
  readonly positionFrom: number;
  readonly positionTo: number | null;
  readonly state: Readonly<Record<string, unknown>> | null;
  readonly possibly: string | null;
  readonly from: BeliefEvent;
  readonly endedBy: BeliefEvent | null;
  readonly holds: boolean;
}
export interface Timeline extends Answered {
  readonly kind: 'issue' | 'measure' | 'fundsCase' | 'inspection' | 'organisation';
  readonly id: string;
  readonly beliefs: readonly Belief[];
  readonly purges: readonly { readonly position: number; readonly reason: string; readonly legalBasis: string; readonly by: { readonly recordedAt: string } }[];
}

export interface Lateness extends Page<{
  readonly position: number;
  readonly type: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly validTime: Printed;
  readonly knownTime: string;
  readonly recordedAt: string;
  readonly daysLate: number;
  readonly actor: { readonly subject: string };
  readonly source: { readonly documentId: string } | null;
}> { readonly figures: { readonly byBand: Readonly<Record<string, number>> } }

export interface DeadlineItem {
  readonly issueId: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly state: string;
  readonly condition: string;
  readonly due: string | null;
  readonly daysLeft: number | null;
  readonly striving: boolean;
  readonly flagged: boolean;
}
export interface Deadlines extends Page<DeadlineItem> { readonly figures: Counts }

interface AboutIssue {
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string | null;
  readonly colour: string;
  readonly deadline: string;
  readonly daysLeft: number;
  readonly recipients: readonly string[];
}
export interface ReminderItem extends AboutIssue {
  readonly reminderId: string;
  readonly citation: string;
  readonly receipts: readonly { readonly recipient: string; readonly on: string }[];
}
export interface Reminders extends Answered { readonly items: readonly ReminderItem[]; readonly nextCursor: string | null }
export interface DueReminders extends Answered { readonly items: readonly AboutIssue[]; readonly nextCursor: string | null }
export interface ReminderDetail extends Answered { readonly reminder: ReminderItem; readonly text: string }

export interface MeasureItem {
  readonly measureId: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly marker: string | null;
  readonly title: string;
  readonly state: string;
  readonly possibly: string | null;
  readonly planned: Printed | null;
}

export interface OrganisationItem extends OrgLabel {
  readonly level: string;
  readonly parentId: string | null;
  readonly mergedInto: string | null;
  readonly dissolvedOn: string | null;
}

export interface FundsCase {
  readonly fundsCaseId: string;
  readonly orgId: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly identified: MoneySum;
  readonly recovered: MoneySum;
  readonly returned: MoneySum;
  readonly duplicates: readonly { readonly fundsCaseId: string }[];
}
export interface Funds extends Answered {
  readonly figures: { readonly identified: MoneySum; readonly recovered: MoneySum; readonly returned: MoneySum };
  readonly cases: readonly FundsCase[];
  readonly total: number | null;
  readonly nextCursor: string | null;
}

export interface Report { readonly reportId: string; readonly title: string; readonly asOf: string }
export interface Discrepancies extends Answered {
  readonly items: readonly {
    readonly key: string;
    readonly kind: string;
    readonly declared: string | null;
    readonly found: string | null;
    readonly difference: string | null;
    readonly note: string | null;
    readonly explanation: string | null;
  }[];
}

export interface ImportProgress { readonly phase: string; readonly done: number; readonly total: number | null }
export interface ImportResult {
  readonly importId: string | null;
  readonly documentId: string;
  readonly dryRun: boolean;
  readonly position: number | null;
  readonly events: number;
  readonly rows: { readonly total: number; readonly new: number; readonly changed: number; readonly unchanged: number; readonly removed: number };
  readonly results: readonly { readonly line: number | null; readonly key: string; readonly kind: string; readonly outcome: string; readonly detail: string | null }[];
}
export interface UndoResult { readonly importId: string; readonly dryRun: boolean; readonly position: number | null; readonly retracted: number; readonly dependents: number }
export interface ImportSummary {
  readonly importId: string;
  readonly documentId: string;
  readonly title: string;
  readonly publishedOn: string;
  readonly recordedAt: string;
  readonly rows: number;
  readonly undone: boolean;
}
export interface TokenRecord {
  readonly id: string;
  readonly orgId: string | null;
  readonly role: string;
  readonly subject: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly token?: string;
}

export interface Failure { readonly position: number; readonly reason: string }
export interface ProjectionView {
  readonly name: string;
  readonly version: number;
  readonly state: 'running' | 'stopped' | 'rebuilding';
  readonly position: number;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly failure: Failure | null;
  readonly build: {
    readonly name: string;
    readonly phase: 'bulk' | 'finish' | 'indexes' | 'catching-up' | 'swapping';
    readonly position: number;
    readonly target: number;
    readonly eventsPerSecond: number | null;
    readonly running: boolean;
    readonly paused: boolean;
    readonly failure: Failure | null;
  } | null;
  readonly swappedAt: string | null;
  readonly skips: readonly { readonly position: number; readonly reason: string; readonly skippedBy: string; readonly skippedAt: string }[];
}
export interface Projections { readonly headPosition: number; readonly items: readonly ProjectionView[] }

export interface Series extends Answered {
  readonly org: OrgLabel | null;
  readonly as: 'then' | 'known';
  readonly every: 'day' | 'week' | 'month';
  readonly figures: { readonly days: readonly string[]; readonly values: Readonly<Record<string, readonly (number | string)[]>> };
}

export type ComparedIssue =
  | { readonly exists: false }
  | { readonly exists: true; readonly state: string; readonly bucket: string; readonly condition: string; readonly due: string | null };

interface EventTitle { readonly zh: string; readonly en: string }

export interface IssueChange {
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly before: ComparedIssue;
  readonly after: ComparedIssue;
  readonly causes: readonly string[];
  readonly changed: readonly string[];
  readonly events: readonly (BeliefEvent & { readonly title: EventTitle; readonly validTime: Printed | null; readonly countsAt: 'from' | 'to' })[];
}

interface ComparedSide extends Answered { readonly figures: Figures }

export interface Compare extends Answered {
  readonly org: OrgLabel | null;
  readonly from: ComparedSide;
  readonly to: ComparedSide;
  readonly difference: Omit<Figures, 'declared'>;
  readonly items: readonly IssueChange[];
  readonly nextCursor: string | null;
}

export interface ReplayStart { readonly org: OrgLabel | null }

export interface ReplayFrame extends Answered {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly headlines: readonly {
    readonly title: EventTitle;
    readonly orgCode: string | null;
    readonly orgName: string | null;
    readonly issue: { readonly numberPath: readonly string[]; readonly title: string } | null;
    readonly fen: string | null;
  }[];
  readonly more: number;
}

/** A message as a structured CloudEvent. */
export interface FeedMessage {
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly sequence: string;
  readonly recordedtime: string;
  readonly data: {
    readonly change: { readonly name: string; readonly on: Printed | null };
    readonly state: Readonly<Record<string, unknown>> | null;
  };
}
export interface FeedPage { readonly messages: readonly FeedMessage[]; readonly scannedTo: number; readonly head: number }

export interface FeedSubject { readonly subject: string; readonly noun: string; readonly sequence: string; readonly state: Readonly<Record<string, unknown>> }
export interface FeedSnapshot {
  readonly source: string;
  readonly at: number;
  readonly subjects: readonly FeedSubject[];
  readonly next: string | null;
  readonly digest: string | null;
}

export interface SubscriptionView {
  readonly subscriptionId: string;
  readonly endpoint: string;
  readonly status: string;
  readonly cause: string | null;
  readonly audience: string;
  readonly nouns: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly levels: readonly string[] | null;
  readonly subtreeOf: string | null;
  readonly createdAt: string;
  readonly keys: readonly { readonly publicKey: string; readonly since: string }[];
  readonly delivery: { readonly position: number; readonly lagEvents: number; readonly failures: number; readonly nextAttemptAt: string | null; readonly stopped: string | null };
}
export interface RevealedSecret { readonly secret: string; readonly publicKey: string }
export interface SentWebhook {
  readonly kind: string;
  readonly at: string;
  readonly position: number | null;
  readonly type: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly status: number | null;
  readonly durationMs: number;
  readonly error: string | null;
  readonly excerpt: string;
}

export interface DeadLetterView {
  readonly id: string;
  readonly at: string;
  readonly reason: string;
  readonly detail: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly bytes: number;
  readonly canReplay: boolean;
  readonly replayedAt: string | null;
}
export interface DeadLetterDetail extends DeadLetterView { readonly headers: Readonly<Record<string, string>>; readonly value: string | null }
export interface DeadLetters { readonly items: readonly DeadLetterView[]; readonly nextCursor: string | null }

export interface BegunEpoch {
  readonly epoch: number;
  readonly position: number;
  readonly recordedAt: string;
  readonly previous: { readonly epoch: number; readonly size: number };
  readonly reason?: string;
}
export interface LogStanding {
  readonly state: 'open' | 'behind' | 'superseded';
  readonly seen: readonly { readonly by: string; readonly epoch: number; readonly size: number; readonly reason: string }[];
}
export interface LogEpochs { readonly logId: string; readonly epoch: number; readonly standing: LogStanding; readonly begun: readonly BegunEpoch[] }

/** The clock that stamps the events. */
export interface LogClock { readonly state: 'steady' | 'jumped'; readonly now: string; readonly aheadSeconds: number }

export interface RecordedAct {
  readonly position: number;
  readonly recordedAt: string;
  readonly on: Printed | null;
  readonly by: { readonly subject: string; readonly role: string };
}
export interface WriteOffSlip {
  readonly slip: string;
  readonly issueId: string;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly verified: (RecordedAct & { readonly record: string }) | null;
  readonly writtenOff: RecordedAct;
  readonly endorsements: readonly { readonly kind: string; readonly by: string }[];
  readonly proof: { readonly path: string };
}
