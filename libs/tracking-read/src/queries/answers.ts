import type {
  Actor, Cut, Day, EventId, FundsCaseId, FuzzyDate, InspectionId, Instant, IssueId, MeasureId, Money,
  OrgId, Position, ReportId, Source, StreamId, StreamVersion, TreeId,
} from '@rectrail/kernel';
import type {
  Bucket, CompletionBasis, Continuation, Count, DashboardFigures, DeadlineCondition, Disclosure, Discrepancy, figureDefinitions, FundsFigures, InspectionKind, LatenessFigures,
  IssueStateName, OrgLevel, PolicyContent, ShownIssueState, ShownMeasureState, Sum, Track, TreeKind,
} from '@rectrail/tracking-domain';

export interface Assumptions {
  /** Years of which no calendar was known at the cut: Monday to Friday was assumed. */
  readonly calendarYears: readonly number[];
}

export interface Answered {
  readonly cut: Cut;
}

/** An answer whose `figures` are named by a definition and fixed by a digest (rules.md section 7). */
export interface FiguresAnswer<D extends string, F> extends Answered {
  readonly definition: D;
  readonly digest: string;
  readonly figures: F;
  readonly assumptions: Assumptions;
  /** Number of contents that are gone by law and that the figures at this position could have rested on (docs/reference/figures.md). */
  readonly purged: number;
}

/** A page may hold fewer items than asked and yet go on: where it ends, `nextCursor` is null. */
export interface Page<I> extends Answered {
  readonly items: readonly I[];
  /** Null where counting all that the filters leave would take longer than the page. */
  readonly total: number | null;
  readonly nextCursor: string | null;
}

export interface OrgLabel { readonly orgId: OrgId; readonly code: string; readonly name: string }

/** By what an answer was rolled up, as it was resolved: with it the figures can be computed anew from the events. */
export interface TreeChosen {
  readonly tree: TreeId;
  readonly treeAt: 'then' | 'now';
  /** The day of the tree that was used. */
  readonly treeOn: Day;
  /** Jurisdiction of the token, beyond which nothing is counted; null: everywhere. */
  readonly within: OrgId | null;
  /** The cut at which the jurisdiction was what it is in the administrative tree: that of the asking; null with `within`. */
  readonly withinAt: Cut | null;
}

export interface PolicyChosen {
  /** The one policy by which all were judged: of an organisation, or the default; null: each owner's own. */
  readonly policy: OrgId | 'default' | null;
}

export interface DashboardAnswer extends FiguresAnswer<typeof figureDefinitions.dashboard, DashboardFigures>, TreeChosen, PolicyChosen {
  readonly org: OrgLabel | null;
}

/** Own + Σ children = total; each part is a dashboard of its own. Without `org` the roots are the children and `own` is what the tree does not hold. */
export interface DashboardChildrenAnswer extends Answered, TreeChosen, PolicyChosen {
  readonly definition: typeof figureDefinitions.dashboard;
  /** Of {total, own, children}. */
  readonly digest: string;
  readonly org: OrgLabel | null;
  readonly total: DashboardFigures;
  readonly own: DashboardFigures;
  readonly children: readonly (OrgLabel & { readonly figures: DashboardFigures })[];
  readonly assumptions: Assumptions;
}

export interface DeadlineView {
  readonly condition: DeadlineCondition;
  /** The earliest open date: its last day counts. */
  readonly due: Day | null;
  /** The planned date in force as printed, null where only a residual has one. */
  readonly planned: FuzzyDate | null;
  readonly striving: boolean;
  /** Negative where the day has passed; null without a date or once closed. */
  readonly daysLeft: number | null;
  readonly closedOn: Day | null;
}

export interface IssueItem {
  readonly issueId: IssueId;
  readonly streamVersion: StreamVersion;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  /** Sorts as the numbers are printed. */
  readonly numberKey: string;
  readonly title: string;
  readonly aspect: string | null;
  readonly annex: boolean;
  readonly state: ShownIssueState;
  /** What the state is by first days, where that differs: the state is undetermined. */
  readonly possibly: ShownIssueState | null;
  readonly track: Track;
  readonly disclosure: Disclosure;
  readonly basis: CompletionBasis | null;
  readonly bucket: Bucket;
  readonly deadline: DeadlineView;
  readonly openResiduals: number;
  readonly disagreement: boolean;
  /** The first day on which it shows all this; null where it always has. */
  readonly since: Day | null;
}

export interface ResidualView { readonly key: string; readonly printed: string; readonly planned: FuzzyDate | null; readonly measureId: MeasureId | null; readonly open: boolean }

export interface IssueDetail extends Answered {
  readonly issue: IssueItem;
  readonly heading: string | null;
  readonly strand: string | null;
  readonly assistingOrgIds: readonly OrgId[];
  /** The state that a live command starts from (rules.md section 3). */
  readonly keptState: IssueStateName;
  readonly printedStatus: string | null;
  readonly continuation: Continuation;
  readonly residuals: readonly ResidualView[];
  /** What a source claims against a determination, where they disagree. */
  readonly claim: Readonly<Record<string, unknown>> | null;
  readonly measures: readonly MeasureItem[];
  readonly funds: readonly FundsCaseItem[];
}

export interface EventView {
  readonly position: Position;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly eventId: EventId;
  readonly type: string;
  readonly data: unknown;
  readonly recordedAt: Instant;
  readonly knownTime: Instant;
  readonly validTime: FuzzyDate | null;
  readonly actor: Actor;
  readonly orgId: OrgId | null;
  readonly source: Source | null;
  readonly commandId: string;
  readonly correlationId: string;
  /** Fields of the aggregate before and after, as it stood with everything known then. */
  readonly changes: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
  /** Retractions up to the position read that name this event, whether or not they are themselves retracted. */
  readonly retractedBy: readonly { readonly eventId: EventId; readonly position: Position; readonly kind: string; readonly reason: string; readonly actor: Actor }[];
  /** Whether the event counts at the cut. */
  readonly counts: boolean;
}

/** The newest first; not counted. */
export interface AuditTrailAnswer extends Answered {
  readonly items: readonly EventView[];
  readonly nextCursor: string | null;
}

export interface IssueHistory extends Answered {
  readonly issueId: IssueId;
  readonly orgId: OrgId | null;
  readonly streamVersion: StreamVersion;
  readonly events: readonly EventView[];
}

export type TimelineKind = 'issue' | 'measure' | 'fundsCase' | 'inspection' | 'organisation';

/** An event as a timeline names it. */
export interface BeliefEvent {
  readonly eventId: EventId;
  readonly position: Position;
  /** The same for the events of one append: what stood between two of them was seen by nobody. */
  readonly commandId: string;
  readonly type: string;
  readonly validTime: FuzzyDate | null;
  readonly knownTime: Instant;
  readonly recordedAt: Instant;
  readonly actor: Actor;
  readonly source: Source | null;
  /** Why, where it is a retraction. */
  readonly retraction: { readonly kind: string; readonly reason: string } | null;
}

/**
 * What the log said, while it ended at one of the positions [positionFrom, positionTo), of the days [validFrom, validTo) to those who knew what was
 * known in [knownFrom, knownTo). A null end is open; `positionTo` null: it stands at the position read. Beliefs of one thing never overlap.
 */
export interface Belief {
  readonly validFrom: Day | null;
  readonly validTo: Day | null;
  readonly knownFrom: Instant | null;
  readonly knownTo: Instant | null;
  readonly positionFrom: Position;
  readonly positionTo: Position | null;
  /** Fields of the state by last days, named as in histories; null where the thing is there by first days only. */
  readonly state: Readonly<Record<string, unknown>> | null;
  /** Where an issue or a measure stands by first days, where that differs: it is undetermined. */
  readonly possibly: string | null;
  /** The event that last changed a field of the state. */
  readonly from: BeliefEvent;
  /** The event at `positionTo`; where the belief stands, the one that became known at `knownTo` and superseded or withdrew it; null while it is held. */
  readonly endedBy: BeliefEvent | null;
  /** Whether this is what is believed at the cut. */
  readonly holds: boolean;
}

/** Every belief about one thing up to the position read; valid day and known instant of the cut choose the one that `holds`. */
export interface TimelineAnswer extends Answered {
  readonly kind: TimelineKind;
  readonly id: string;
  readonly orgId: OrgId | null;
  /** Of its stream; of an organisation that of the tree. */
  readonly streamVersion: StreamVersion;
  /** By position, then known instant, then day from which they begin. */
  readonly beliefs: readonly Belief[];
  /** Contents of this stream that are gone by law; no belief rests on them any more. In the order of the purges. */
  readonly purges: readonly PurgedContent[];
}

/** That the content of an event was taken away: by which event, on what ground. */
export interface PurgedContent {
  /** Of the event whose content is gone. */
  readonly eventId: EventId;
  readonly position: Position;
  readonly reason: string;
  readonly legalBasis: string;
  readonly by: BeliefEvent;
}

export interface DeadlineItem extends DeadlineView {
  readonly issueId: IssueId;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly state: ShownIssueState;
  readonly track: Track;
  /** Open without a date: to be looked at (rules.md section 5). */
  readonly flagged: boolean;
}

export interface MeasureItem {
  readonly measureId: MeasureId;
  readonly streamVersion: StreamVersion;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly inspectionId: InspectionId;
  readonly issueIds: readonly IssueId[];
  readonly marker: string | null;
  readonly title: string;
  readonly state: ShownMeasureState;
  readonly possibly: ShownMeasureState | null;
  readonly planned: FuzzyDate | null;
}

export interface FundsMovement { readonly eventId: EventId; readonly kind: 'identified' | 'recovered' | 'returned'; readonly money: Money; readonly on: FuzzyDate | null; readonly voucher: string | null }

export interface FundsCaseItem {
  readonly fundsCaseId: FundsCaseId;
  readonly streamVersion: StreamVersion;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly inspectionId: InspectionId | null;
  readonly issueIds: readonly IssueId[];
  readonly identified: Sum;
  readonly recovered: Sum;
  readonly returned: Sum;
  readonly movements: readonly FundsMovement[];
  /** Cases that a source or a person says may count the same money; never deducted. */
  readonly duplicates: readonly { readonly fundsCaseId: FundsCaseId; readonly statedBy: string; readonly note: string }[];
}

export interface FundsAnswer extends FiguresAnswer<typeof figureDefinitions.funds, FundsFigures>, TreeChosen {
  readonly org: OrgLabel | null;
  readonly cases: readonly FundsCaseItem[];
  readonly total: number | null;
  readonly nextCursor: string | null;
}

export interface DeadlinesAnswer
  extends FiguresAnswer<typeof figureDefinitions.deadlines, Readonly<Record<DeadlineCondition, Count>>>, Page<DeadlineItem>, TreeChosen, PolicyChosen {
  readonly org: OrgLabel | null;
}

export interface OrganisationItem extends OrgLabel {
  readonly treeId: TreeId;
  readonly level: OrgLevel;
  readonly parentId: OrgId | null;
  readonly mergedInto: OrgId | null;
  readonly dissolvedOn: Day | null;
}

export interface TreeItem {
  readonly treeId: TreeId;
  readonly kind: TreeKind;
  readonly jurisdiction: string;
  /** Of its stream, for If-Match. */
  readonly streamVersion: StreamVersion;
}

/** The organisation trees, the administrative one first. */
export interface TreesAnswer extends Answered {
  readonly items: readonly TreeItem[];
}

export interface OrganisationsAnswer extends Page<OrganisationItem> {
  /** Edges that the tree at the cut had to leave out (a cycle, a second parent), by the position of their events. */
  readonly leftOut: readonly { readonly orgId: OrgId; readonly parentId: OrgId | null; readonly reason: string }[];
  /** Version of each tree's stream, for If-Match. */
  readonly trees: readonly { readonly treeId: TreeId; readonly streamVersion: StreamVersion }[];
}

export interface OrganisationAnswer extends Answered {
  readonly organisation: OrganisationItem;
  readonly streamVersion: StreamVersion;
  /** The policy that holds at the cut, its own or the default. */
  readonly policy: { readonly own: boolean; readonly content: PolicyContent } | null;
}

export interface InspectionItem {
  readonly inspectionId: InspectionId;
  readonly streamVersion: StreamVersion;
  readonly orgId: OrgId;
  readonly kind: InspectionKind;
  readonly title: string;
  readonly round: number | null;
  readonly feedbackOn: FuzzyDate | null;
}

export interface ReportItem {
  readonly reportId: ReportId;
  readonly streamVersion: StreamVersion;
  readonly orgId: OrgId;
  readonly inspectionIds: readonly InspectionId[];
  readonly title: string;
  readonly asOf: Day;
  readonly publishedOn: Day;
  readonly url: string | null;
  readonly declared: number;
}

export interface DiscrepanciesAnswer extends Answered {
  readonly report: ReportItem;
  readonly items: readonly Discrepancy[];
}

export interface LatenessItem {
  readonly eventId: EventId;
  readonly position: Position;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly type: string;
  readonly orgId: OrgId | null;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly validTime: FuzzyDate;
  readonly knownTime: Instant;
  readonly recordedAt: Instant;
  /** From the last day of `validTime` to the day of `knownTime`. */
  readonly daysLate: number;
  /** From the same day to the day of `recordedAt`. */
  readonly daysUntilRecorded: number;
  readonly actor: Actor;
  readonly source: Source | null;
}

/** The latest first: by `daysLate`, among equals the newest. */
export interface LatenessAnswer extends FiguresAnswer<typeof figureDefinitions.lateness, LatenessFigures>, Page<LatenessItem>, TreeChosen {
  readonly org: OrgLabel | null;
  /** What was asked for. */
  readonly selection: { readonly minDays: number; readonly type: string | null; readonly actor: string | null };
}
