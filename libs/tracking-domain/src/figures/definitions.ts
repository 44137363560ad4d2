import type { Cut, Day, Instant, OrgId, ReportId, TreeId } from '@rectrail/kernel';
import { issueStates, type IssueStateName } from '../issue/issue.events.ts';
import { measureStates, type MeasureStateName } from '../measure/measure.events.ts';
import type { Bucket } from '../policy/policy.events.ts';

/** Names of what the figures mean (docs/reference/figures.md). Once released, a definition never changes: a new meaning takes a new name. */
export const figureDefinitions = {
  dashboard: 'rectrail.dashboard/1',
  deadlines: 'rectrail.deadlines/1',
  funds: 'rectrail.funds/1',
  lateness: 'rectrail.lateness/1',
} as const;

/** What a view shows of an issue: its kept state, or NOT_DISCLOSED in its place (rules.md section 3). */
export const shownIssueStates = [...issueStates, 'NOT_DISCLOSED'] as const;
export type ShownIssueState = IssueStateName | 'NOT_DISCLOSED';

export const shownMeasureStates = [...measureStates, 'NOT_DISCLOSED'] as const;
export type ShownMeasureState = MeasureStateName | 'NOT_DISCLOSED';

/** Each existing issue has exactly one (rules.md section 5). */
export const deadlineConditions = ['NOT_DISCLOSED', 'DONE_IN_TIME', 'DONE_LATE', 'DONE', 'OVERDUE', 'DUE_SOON', 'ON_TRACK', 'NO_DEADLINE'] as const;
export type DeadlineCondition = (typeof deadlineConditions)[number];

/** `undetermined`: things that are not in X by last days but are in X when first days are used instead (rules.md section 4). */
export interface Count { readonly count: number; readonly undetermined: number }

/** A sum of the known amounts, in fen, and how many amounts are not known. */
export interface Sum { readonly fen: string; readonly unknownAmounts: number }

/** A figure as the organisation's own report declares it; `value` null where the source gives none. */
export interface DeclaredValue {
  readonly key: string;
  readonly basis: string | null;
  readonly value: string | null;
  readonly unit: string;
  readonly reportId: ReportId;
}

/** `figures` of a dashboard answer. Every state, bucket and condition is always present. */
export interface DashboardFigures {
  readonly issues: {
    readonly total: number;
    readonly byState: Readonly<Record<ShownIssueState, Count>>;
    readonly byBucket: Readonly<Record<Bucket, Count>>;
    readonly byDeadline: Readonly<Record<DeadlineCondition, Count>>;
  };
  readonly measures: {
    readonly total: number;
    /** Links to issues beyond the first of each measure. */
    readonly shared: number;
    readonly byState: Readonly<Record<ShownMeasureState, Count>>;
  };
  readonly funds: { readonly recovered: Sum; readonly returned: Sum };
  readonly declared: readonly DeclaredValue[];
}

/** `figures` of a funds answer: kinds of money that may overlap are not summed across. */
export interface FundsFigures { readonly identified: Sum; readonly recovered: Sum; readonly returned: Sum }

/** Days from the last day on which a fact may have happened to the day on which it became known, in the zone of the installation. */
export const latenessBands = ['0-7', '8-30', '31-90', '91-365', '366-'] as const;
export type LatenessBand = (typeof latenessBands)[number];

/** `figures` of a lateness answer: facts of the selection, counted. Of organisations and actors the fifty with the most; `orgId` null: the installation's own. */
export interface LatenessFigures {
  readonly facts: number;
  readonly byBand: Readonly<Record<LatenessBand, number>>;
  readonly byOrganisation: readonly { readonly orgId: OrgId | null; readonly facts: number }[];
  readonly byActor: readonly { readonly subject: string; readonly facts: number }[];
}

/** An answer of this module: the cut, what the figures mean, the figures, and what they rest on that no fact states. */
export interface FigureAnswer<F> {
  readonly cut: Cut;
  readonly definition: string;
  readonly figures: F;
  /** Years without a working calendar that a verdict needed: Monday to Friday was taken. */
  readonly assumptions: { readonly calendarYears: readonly number[] };
}

/**
 * Which organisations and by which policy. `org` null: the whole forest, each organisation once. `policy` null: each owner's own.
 * `tree`: the tree by which `org` rolls up, default the administrative one. `treeOn`: the day of it that is used, default the cut's validAt
 * ("then"; the caller resolves "now" to a day), `treeKnownAt`: as it was known then, default the cut's knownAt. `within`: nothing is
 * counted beyond the jurisdiction of an organisation.
 */
export interface FigureQuery {
  readonly org: OrgId | null;
  readonly policy: OrgId | 'default' | null;
  readonly tree?: TreeId;
  readonly treeOn?: Day;
  readonly treeKnownAt?: Instant;
  readonly within?: Jurisdiction | null;
}

/** An organisation and all below it in the administrative tree at a cut of its own: that of the asking. */
export interface Jurisdiction { readonly org: OrgId; readonly cut: Cut }
