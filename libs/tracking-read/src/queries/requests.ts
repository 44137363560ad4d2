import type { Day, InspectionId, Instant, IssueId, OrgId, Position, StreamId, TreeId } from '@rectrail/kernel';
import type { Bucket, DeadlineCondition, ShownIssueState, ShownMeasureState, Track } from '@rectrail/tracking-domain';

/** What a caller may ask of every read; a cut left out is resolved as rules.md section 2 says. */
export interface ReadRequest {
  readonly validAt?: Day | undefined;
  /** A date means its last instant in the zone of the installation. */
  readonly knownAt?: Instant | Day | undefined;
  readonly atPosition?: Position | undefined;
  /** Wait (at most 5 s) until the read models have reached this position. */
  readonly atLeast?: Position | undefined;
  /** The caller's jurisdiction: this organisation and all below it in the administrative tree as it is now; null: everywhere. */
  readonly within: OrgId | null;
}

/** An organisation is named by its id or by its code at the cut. */
export interface OrgRequest extends ReadRequest {
  readonly org?: string | undefined;
}

/** By which tree `org` rolls up. */
export interface TreeChoice {
  /** Default: the administrative tree. */
  readonly tree?: TreeId | undefined;
  /** `then`, the default: the tree of validAt; `now`: that of the day of knownAt, which is today unless earlier knowledge is asked for. */
  readonly treeAt?: 'then' | 'now' | undefined;
}

/** An organisation and all below it in a tree. */
export interface RollUpRequest extends OrgRequest, TreeChoice {}

export interface PageRequest {
  readonly cursor?: string | undefined;
  /** Coerced to 1 … 500; default 50. */
  readonly limit?: number | undefined;
}

/** The trees at the cut, or one of them. */
export interface OrganisationsRequest extends OrgRequest, Pick<TreeChoice, 'tree'>, PageRequest {
  /** Part of the name or of the code. */
  readonly q?: string | undefined;
}

/** A policy for all: an organisation's id or code, or `default`; without it each organisation's own. */
export interface PolicyChoice {
  readonly policy?: string | undefined;
}

export const sortDirections = ['asc', 'desc'] as const;

/** By what a list is sorted, each of which has one order of its own, and which way round. */
export interface SortRequest<S extends string> {
  readonly sort?: S | undefined;
  readonly order?: (typeof sortDirections)[number] | undefined;
}

/**
 * `number`: organisations as in the tree, inspections, numbers as printed. `due`: by open dates, then what has none by number. `state`: as states follow one another, each by
 * number. `changed`: by the day since which it shows what it shows.
 */
export const issueSorts = ['number', 'due', 'state', 'changed'] as const;

/** `any`: with a case of money. `recovered`: some of it came back. `outstanding`: it was identified and nothing came back. */
export const moneyChoices = ['any', 'recovered', 'outstanding', 'none'] as const;
export type MoneyChoice = (typeof moneyChoices)[number];

export interface IssuesRequest extends RollUpRequest, PageRequest, PolicyChoice, SortRequest<(typeof issueSorts)[number]> {
  readonly state?: ShownIssueState | undefined;
  readonly bucket?: Bucket | undefined;
  readonly deadline?: DeadlineCondition | undefined;
  readonly track?: Track | undefined;
  readonly aspect?: string | undefined;
  readonly inspection?: InspectionId | undefined;
  /** Id or code of an organisation that assists, itself and not those below it. */
  readonly assisting?: string | undefined;
  readonly money?: MoneyChoice | undefined;
  /** Whether what is claimed says less than what was determined. */
  readonly disagreement?: boolean | undefined;
  /** Part of the title, of the heading or of the printed number. */
  readonly q?: string | undefined;
}

export const measureSorts = ['number', 'due'] as const;

export interface MeasuresRequest extends RollUpRequest, PageRequest, SortRequest<(typeof measureSorts)[number]> {
  readonly state?: ShownMeasureState | undefined;
  readonly issue?: IssueId | undefined;
  readonly inspection?: InspectionId | undefined;
  /** First and last day on which the planned date may end. */
  readonly plannedFrom?: Day | undefined;
  readonly plannedUntil?: Day | undefined;
  /** Part of the title. */
  readonly q?: string | undefined;
}

export const fundsSorts = ['number', 'identified', 'recovered', 'returned'] as const;

export interface FundsRequest extends RollUpRequest, PageRequest, SortRequest<(typeof fundsSorts)[number]> {
  readonly issue?: IssueId | undefined;
  readonly inspection?: InspectionId | undefined;
  readonly money?: Exclude<MoneyChoice, 'any' | 'none'> | undefined;
  /** Known amounts identified of at least so many fen. */
  readonly minFen?: string | undefined;
}

export interface AuditRequest extends OrgRequest, PageRequest {
  readonly stream?: StreamId | undefined;
  readonly type?: string | undefined;
  /** The opaque subject of the actor. */
  readonly actor?: string | undefined;
}

export interface LatenessRequest extends RollUpRequest, PageRequest {
  /** Days late at least; default 8, more than a week. Below that every fact that counts is looked at. */
  readonly minDays?: number | undefined;
  readonly type?: string | undefined;
  /** The opaque subject of who recorded it. */
  readonly actor?: string | undefined;
}

/** From one point of a series to the next: every day, the end of every ISO week (Sunday), the end of every month. */
export const seriesSteps = ['day', 'week', 'month'] as const;
export type SeriesStep = (typeof seriesSteps)[number];

/** `then`: each day by what was known at its end; `known`: each day by what is known at the cut. */
export type SeriesKnowledge = 'then' | 'known';
