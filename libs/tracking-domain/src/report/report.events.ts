import type { Day, DomainEvent, FuzzyDate, InspectionId, OrgId, ReportId } from '@rectrail/kernel';

/** What is counted (domain.md section 7). */
export const countingBases = [
  'issue', 'subIssue', 'measure', 'task', 'workNode', 'letter', 'case', 'hiddenDanger', 'checkPoint', 'clue', 'unit', 'person', 'institution', 'campaign', 'aspect', 'money', 'other',
] as const;
export type CountingBasis = (typeof countingBases)[number];

/** A printed number: `value` a decimal string, null where the source gives none. */
export interface Quantity {
  readonly value: string | null;
  /** 个, 人, 人次, 家, 项, 件, 起, fen, %: 人 (distinct) and 人次 (occurrences) are never added. */
  readonly unit: string;
  readonly qualifier: 'exact' | 'about' | 'over' | 'nearly';
  readonly cumulative?: boolean;
}

/** Whose things the figure is about; an empty scope means the report's own organisation and inspections. */
export interface FigureScope {
  readonly orgIds?: readonly OrgId[];
  readonly inspectionIds?: readonly InspectionId[];
  readonly rounds?: readonly string[];
  readonly inspectionTypes?: readonly string[];
  /** A fixed population that several reports share. */
  readonly programme?: string;
  readonly orgsCovered?: number;
  readonly orgsInScope?: number;
}

/** A declared figure: one point, kept as printed. `key` is stable in the field (`issues.total`, `issues.state.DONE_REPORTED`; docs/reference/ledger.md). */
export interface DeclaredFigure {
  readonly key: string;
  readonly scope: FigureScope;
  readonly basis: CountingBasis;
  /** What kind of thing within the basis: a state, a form of accountability, a kind of money. */
  readonly kind: string | null;
  readonly breakdown: { readonly by: string; readonly value: string } | null;
  /** 其中, 含: the key of the figure of which this is a part; never added to it. */
  readonly subsetOf: string | null;
  readonly flow: 'stock' | 'flow';
  readonly period: FuzzyDate | null;
  readonly quantity: Quantity;
  readonly printed: string;
}

/** A declared rate: `value` in percent; the keys or printed figures that it is made of, where the source gives them. */
export interface DeclaredRate {
  readonly key: string;
  readonly scope: FigureScope;
  readonly basis: CountingBasis | null;
  readonly value: string | null;
  readonly numeratorKey: string | null;
  readonly denominatorKey: string | null;
  readonly rounding: 'rounded' | 'cut' | 'approximate' | 'unknown';
  readonly changePoints: string | null;
  readonly printed: string;
}

/** Stream `report-{reportId}`. Declared figures take effect on the report's as-of day. */
export type ReportEvent =
  | DomainEvent<'ReportPublished', {
      readonly reportId: ReportId;
      readonly orgId: OrgId;
      readonly inspectionIds: readonly InspectionId[];
      readonly title: string;
      readonly asOf: Day;
      readonly asOfPrinted: string | null;
      readonly publishedOn: Day;
      readonly url: string | null;
    }>
  | DomainEvent<'RollUpDeclared', DeclaredFigure>
  | DomainEvent<'RollUpRateDeclared', DeclaredRate>
  | DomainEvent<'DiscrepancyExplained', { readonly discrepancyKey: string; readonly explanation: string }>
  /** A discrepancy that cannot be computed from figures (wording, structure) and that a source or a person states. */
  | DomainEvent<'DiscrepancyNoted', { readonly discrepancyKey: string; readonly kind: string; readonly declared: string | null; readonly found: string | null; readonly note: string }>;
