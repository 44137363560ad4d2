import type { Cut, Day, EventId, FuzzyDate, InspectionId, Instant, IssueId, OrgId, Position, StreamId } from '@rectrail/kernel';
import type {
  Bucket, CompletionBasis, Continuation, DashboardFigures, DeadlineCondition, Disclosure, EventTitle, figureDefinitions, IssueStateName, ShownIssueState, Track, TrackingEventType,
} from '@rectrail/tracking-domain';
import type { Answered, Assumptions, BeliefEvent, FiguresAnswer, OrgLabel, PolicyChosen, ResidualView, TreeChosen } from './answers.ts';
import type { OrgRequest, PageRequest, PolicyChoice, ReadRequest, RollUpRequest, SeriesKnowledge, SeriesStep, TreeChoice } from './requests.ts';

/** Figures over a range of days, which takes the place of `validAt`. */
export interface RangeRequest extends Omit<RollUpRequest, 'validAt' | 'knownAt'> {
  readonly from: Day;
  /** Default: today. */
  readonly to?: Day | undefined;
  /** Default `day`. At most 4,000 points. */
  readonly every?: SeriesStep | undefined;
  /** Names of figures, as `figureNamesIn` gives them. */
  readonly figures?: readonly string[] | undefined;
}

export interface SeriesRequest extends RangeRequest, Pick<ReadRequest, 'knownAt'> {
  /** Default `then`: each day by what was known at its end. `known`: each day by what is known at `knownAt`, which goes with this alone. */
  readonly as?: SeriesKnowledge | undefined;
}

/** One value a day for each figure: a count, or money as a decimal string of fen. */
export interface SeriesFigures {
  readonly days: readonly Day[];
  readonly values: Readonly<Record<string, readonly (number | string)[]>>;
}

/**
 * Each value is the number that a dashboard (`definition`) has at that day, known at its end (`then`) or at the cut's knownAt (`known`), and at the cut's position.
 * `cut` is that of the last day. By `treeAt=then` each day is rolled up by its own tree, by `now` all are by the tree of the day of the cut's knownAt.
 */
export interface SeriesAnswer extends FiguresAnswer<typeof figureDefinitions.dashboard, SeriesFigures>, TreeChosen {
  readonly org: OrgLabel | null;
  readonly as: SeriesKnowledge;
  readonly every: SeriesStep;
}

/**
 * Two cuts: `validAt`, `knownAt`, `atPosition` of the later look, `from…` of the earlier one. What is left out is resolved for each; `fromAtPosition` is by default the
 * position of the other.
 */
export interface CompareRequest extends OrgRequest, TreeChoice, PolicyChoice, PageRequest {
  readonly fromValidAt?: Day | undefined;
  readonly fromKnownAt?: Instant | Day | undefined;
  readonly fromAtPosition?: Position | undefined;
}

/** What policy, calendar and day make of an issue. */
export interface JudgedIssue {
  readonly state: ShownIssueState;
  readonly bucket: Bucket;
}

/** An issue as it stands at a cut, by last days. */
export interface ExistingIssue extends JudgedIssue {
  readonly exists: true;
  readonly condition: DeadlineCondition;
  /** What it is by first days, where that differs: it is undetermined. */
  readonly possibly: JudgedIssue | null;
  /** The state that a live command starts from. */
  readonly keptState: IssueStateName;
  readonly track: Track;
  readonly disclosure: Disclosure;
  readonly basis: CompletionBasis | null;
  /** The earliest open date: its last day counts. */
  readonly due: Day | null;
  readonly planned: FuzzyDate | null;
  readonly striving: boolean;
  readonly closedOn: Day | null;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly heading: string | null;
  readonly aspect: string | null;
  readonly strand: string | null;
  readonly annex: boolean;
  readonly assistingOrgIds: readonly OrgId[];
  readonly printedStatus: string | null;
  readonly continuation: Continuation;
  readonly residuals: readonly ResidualView[];
  readonly disagreement: boolean;
  readonly claim: Readonly<Record<string, unknown>> | null;
}

/** An issue that does not exist at a cut, or does not belong to the selection there; by first days it may. */
export interface AbsentIssue {
  readonly exists: false;
  readonly possibly: JudgedIssue | null;
}

export type ComparedIssue = ExistingIssue | AbsentIssue;

/**
 * Why an issue is not what it was: events that count at one of the cuts only; time, where the same facts mean another deadline condition on the other day; policy, where
 * another policy or calendar judges the same facts on the same day otherwise; organisation, where its owner belongs to the selection at one of the cuts only.
 */
export const changeCauses = ['events', 'time', 'policy', 'organisation'] as const;
export type ChangeCause = (typeof changeCauses)[number];

/** An event that counts at one of the two cuts; by first days where it is they that changed. */
export interface ChangingEvent extends BeliefEvent {
  readonly title: EventTitle;
  readonly countsAt: 'from' | 'to';
}

export interface IssueChange {
  readonly issueId: IssueId;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly before: ComparedIssue;
  readonly after: ComparedIssue;
  /** Fields of `before` and `after` that differ. */
  readonly changed: readonly string[];
  readonly causes: readonly ChangeCause[];
  /** In the order of the log. */
  readonly events: readonly ChangingEvent[];
}

/** One side of a comparison: `figures` and `digest` are those of the dashboard at this cut. */
export interface ComparedSide extends Answered {
  /** The day of the tree that was used. */
  readonly treeOn: Day;
  readonly digest: string;
  readonly figures: DashboardFigures;
  readonly assumptions: Assumptions;
}

/** Numbers of the one side less those of the other; declared figures are never subtracted. */
export type FigureDifference = Omit<DashboardFigures, 'declared'>;

/** The totals of both sides and the issues that changed, organisation by organisation in the order of the tree; they are not counted. `cut` is that of `to`. */
export interface CompareAnswer extends Answered, TreeChosen, PolicyChosen {
  readonly definition: typeof figureDefinitions.dashboard;
  readonly org: OrgLabel | null;
  readonly from: ComparedSide;
  readonly to: ComparedSide;
  readonly difference: FigureDifference;
  readonly items: readonly IssueChange[];
  readonly nextCursor: string | null;
  /** The greater number of both looks. */
  readonly purged: number;
}

export interface ReplayRequest extends RangeRequest {
  /** A round: its owner's figures and the events of its issues and money; goes before `org`. */
  readonly inspection?: InspectionId | undefined;
  /** The token of the last frame seen: the replay goes on behind it, at the same cuts. */
  readonly after?: string | undefined;
}

/** An event worth a line on the screen, on the first day on which it counts for those who know what was known that day. */
export interface Headline {
  readonly eventId: EventId;
  readonly position: Position;
  readonly type: TrackingEventType;
  readonly title: EventTitle;
  readonly streamId: StreamId;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  /** Of an issue as it is at the end of the replay; null where the event is about none. */
  readonly issue: { readonly issueId: IssueId; readonly numberPath: readonly string[]; readonly title: string } | null;
  /** Of money recovered or returned; null where the amount is not known, and of all else. */
  readonly fen: string | null;
}

/** Figures by name as known at the end of the cut's day, and what became known or true since the frame before. */
export interface ReplayFrame extends Answered {
  readonly digest: string;
  readonly figures: Readonly<Record<string, number | string>>;
  readonly headlines: readonly Headline[];
  /** Headlines beyond those shown. */
  readonly more: number;
  readonly assumptions: Assumptions;
}

/** What all frames of a replay have in common. */
export interface ReplayStart {
  /** That of the last frame. */
  readonly cut: Cut;
  readonly definition: typeof figureDefinitions.dashboard;
  readonly org: OrgLabel | null;
  readonly every: SeriesStep;
  readonly from: Day;
  readonly to: Day;
  /** Frames of the whole replay. */
  readonly frames: number;
  /** Frames before the first one of this answer. */
  readonly seen: number;
  readonly purged: number;
}

export interface Replay extends ReplayStart {
  /** The remaining frames with their tokens, read in chunks as they are asked for. */
  readonly play: () => AsyncGenerator<{ readonly token: string; readonly frame: ReplayFrame }>;
}
