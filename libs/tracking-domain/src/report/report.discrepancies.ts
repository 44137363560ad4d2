import type { FundsCaseId, InspectionId, IssueId, OrgId } from '@rectrail/kernel';
import type { IssueStateName, Track } from '../issue/issue.events.ts';
import { doneStates } from '../issue/issue.state.ts';
import type { Bucket } from '../policy/policy.events.ts';
import type { DeclaredFigure, FigureScope } from './report.events.ts';
import { rateFindings } from './report.rates.ts';
import { pointKey, type ReportIdentity, type ReportState } from './report.state.ts';

/**
 * `count`: declared and found differ. `rate`: a printed rate that does not follow from the issues found. `unverifiable`: nothing recorded
 * singly stands behind the figure. `missing`: issues found, but no total declared. `duplicate-money`: a source or a person says that cases
 * may count the same money. `noted`: a contradiction that only a reader can see.
 */
export type DiscrepancyKind = 'count' | 'rate' | 'unverifiable' | 'missing' | 'duplicate-money' | 'noted';

/** Numbers are decimal strings; `difference` is found − declared. Found ones are computed, only their explanation is a fact. */
export interface Discrepancy {
  readonly key: string;
  readonly kind: DiscrepancyKind;
  readonly declared: string | null;
  readonly found: string | null;
  readonly difference: string | null;
  readonly basis: string | null;
  readonly note: string | null;
  readonly explanation: string | null;
}

export interface FoundIssue {
  readonly issueId: IssueId;
  readonly orgId: OrgId | null;
  readonly inspectionId: InspectionId;
  readonly numberPath: readonly string[];
  readonly numberKey: string;
  readonly state: IssueStateName | 'NOT_DISCLOSED';
  readonly bucket: Bucket;
  readonly track: Track;
}

export interface FoundMeasure { readonly orgId: OrgId | null; readonly inspectionId: InspectionId; readonly state: string }

export interface FoundCase {
  readonly fundsCaseId: FundsCaseId;
  readonly orgId: OrgId | null;
  readonly inspectionId: InspectionId | null;
  readonly issueIds: readonly IssueId[];
  readonly recoveredFen: bigint;
  readonly returnedFen: bigint;
  readonly duplicates: readonly { readonly otherCaseId: FundsCaseId; readonly note: string }[];
}

/** What counts at the report's as-of day, whoever owns it; the scope of each figure is applied here. */
export interface FoundThings {
  readonly issues: readonly FoundIssue[];
  readonly measures: readonly FoundMeasure[];
  readonly cases: readonly FoundCase[];
}

type Scoped = { readonly orgId: OrgId | null; readonly inspectionId: InspectionId | null };

/** A population that the events do not delimit (rounds, inspection types, programmes) cannot be compared. */
const isComparable = (scope: FigureScope): boolean => scope.rounds === undefined && scope.inspectionTypes === undefined && scope.programme === undefined;

const scopeOf = ({ orgId, inspectionIds }: ReportIdentity, scope: FigureScope): ((thing: Scoped) => boolean) => {
  const orgIds = new Set<OrgId | null>(scope.orgIds ?? [orgId]);
  const inspections = new Set(scope.inspectionIds ?? (scope.orgIds === undefined ? inspectionIds : []));
  return (thing) => orgIds.has(thing.orgId) && (inspections.size === 0 || thing.inspectionId === null || inspections.has(thing.inspectionId));
};

const afterPrefix = (key: string, prefix: string): string | null => (key.startsWith(prefix) ? key.slice(prefix.length) : null);

/** Which issues a key means, or null where it is no key of issues (docs/reference/figures.md). */
const issuesMeantBy = (key: string): ((issue: FoundIssue) => boolean) | null => {
  const [state, bucket, track] = [afterPrefix(key, 'issues.state.'), afterPrefix(key, 'issues.bucket.'), afterPrefix(key, 'issues.track.')];
  if (key === 'issues.total') return () => true;
  if (key === 'issues.immediate.done') return (issue) => issue.track === 'IMMEDIATE' && issue.state !== 'NOT_DISCLOSED' && doneStates.has(issue.state);
  if (state !== null) return (issue) => issue.state === state;
  if (bucket !== null) return (issue) => issue.bucket === bucket;
  if (track !== null) return (issue) => issue.track === track;
  return null;
};

const measureStates: Readonly<Record<string, string>> = { 'measures.done': 'DONE', 'measures.inProgress': 'IN_PROGRESS' };

type Found = { readonly value: string; readonly note: string | null } | { readonly value: null; readonly note: string };

const foundIssues = (figure: DeclaredFigure, issues: readonly FoundIssue[]): Found | null => {
  const meant = issuesMeantBy(figure.key);
  if (meant === null) return null;
  const whole = figure.subsetOf === null ? null : issuesMeantBy(figure.subsetOf);
  const found = issues.filter((issue) => meant(issue) && (whole === null || whole(issue)));
  return { value: String(found.length), note: found.length === 0 || found.length === issues.length ? null : printedNumbers(found) };
};

const foundMeasures = (key: string, measures: readonly FoundMeasure[]): Found | null => {
  if (key === 'measures.total') return { value: String(measures.length), note: null };
  const state = measureStates[key] ?? afterPrefix(key, 'measures.state.');
  if (state === null) return null;
  const undisclosed = measures.filter((measure) => measure.state === 'NOT_DISCLOSED').length;
  if (undisclosed > 0) return { value: null, note: `${undisclosed} × NOT_DISCLOSED` };
  return { value: String(measures.filter((measure) => measure.state === state).length), note: null };
};

const foundFen = (key: string, cases: readonly FoundCase[]): Found | null => {
  if (key === 'funds.recovered') return { value: cases.reduce((sum, { recoveredFen }) => sum + recoveredFen, 0n).toString(), note: null };
  if (key === 'funds.returned') return { value: cases.reduce((sum, { returnedFen }) => sum + returnedFen, 0n).toString(), note: null };
  return null;
};

/** What stands singly behind a figure: null where nothing of the kind is recorded (institutions, persons, units, flows, breakdowns). */
const foundFor = (figure: DeclaredFigure, identity: ReportIdentity, things: FoundThings): Found | null => {
  if (!isComparable(figure.scope) || figure.breakdown !== null || figure.flow === 'flow') return null;
  const inScope = scopeOf(identity, figure.scope);
  return foundIssues(figure, things.issues.filter(inScope)) ?? foundMeasures(figure.key, things.measures.filter(inScope)) ?? foundFen(figure.key, things.cases.filter(inScope));
};

/** 47 余 is not contradicted by 48, nor 近 47 by 46; 约 47 is contradicted by nothing. */
const agrees = (qualifier: DeclaredFigure['quantity']['qualifier'], declared: bigint, found: bigint): boolean => {
  switch (qualifier) {
    case 'exact': return found === declared;
    case 'over': return found >= declared;
    case 'nearly': return found <= declared;
    case 'about': return true;
  }
};

/** The last printed token is the issue's own number. */
const printedNumbers = (issues: readonly FoundIssue[]): string =>
  issues.toSorted((a, b) => (a.numberKey < b.numberKey ? -1 : 1)).map(({ numberPath }) => numberPath.at(-1) ?? '').join(' ');

type Unexplained = Omit<Discrepancy, 'explanation'>;

const ofFigure = (figure: DeclaredFigure, identity: ReportIdentity, things: FoundThings): readonly Unexplained[] => {
  const { quantity: { value: declared, qualifier }, basis } = figure;
  const key = pointKey(figure);
  const found = foundFor(figure, identity, things);
  // A fraction is no number of things.
  if (declared === null || found === null || found.value === null || !/^\d+$/.test(declared)) {
    return [{ key, kind: 'unverifiable', declared, found: null, difference: null, basis, note: found?.note ?? null }];
  }
  const [numberDeclared, numberFound] = [BigInt(declared), BigInt(found.value)];
  if (agrees(qualifier, numberDeclared, numberFound)) return [];
  return [{ key, kind: 'count', declared, found: found.value, difference: (numberFound - numberDeclared).toString(), basis, note: found.note }];
};

const missingTotal = (report: ReportState, identity: ReportIdentity, { issues }: FoundThings): readonly Unexplained[] => {
  const found = issues.filter(scopeOf(identity, {})).length;
  if (found === 0 || report.figures.some(({ key }) => key === 'issues.total')) return [];
  return [{ key: 'issues.total', kind: 'missing', declared: null, found: String(found), difference: null, basis: 'issue', note: null }];
};

/** Cases linked with each other, directly or through others: each such group is one possible double count. */
const linkedCases = (cases: readonly FoundCase[]): readonly (readonly FoundCase[])[] => {
  let groups: readonly ReadonlySet<FundsCaseId>[] = [];
  for (const { fundsCaseId, duplicates } of cases.filter((c) => c.duplicates.length > 0)) {
    const linked = [fundsCaseId, ...duplicates.map(({ otherCaseId }) => otherCaseId)];
    const touches = (group: ReadonlySet<FundsCaseId>): boolean => linked.some((id) => group.has(id));
    const joined = new Set([...linked, ...groups.filter(touches).flatMap((group) => [...group])]);
    groups = [...groups.filter((group) => !touches(group)), joined];
  }
  return groups.map((group) => cases.filter(({ fundsCaseId }) => group.has(fundsCaseId)));
};

const duplicateMoney = (identity: ReportIdentity, { issues, cases }: FoundThings): readonly Unexplained[] =>
  linkedCases(cases.filter(scopeOf(identity, {}))).map((group): Unexplained => {
    const issueIds = new Set(group.flatMap((c) => c.issueIds));
    const concerned = issues.filter(({ issueId }) => issueIds.has(issueId));
    const notes = [...new Set(group.flatMap(({ duplicates }) => duplicates.map(({ note }) => note)))];
    const key = `funds.duplicate.${group.map(({ fundsCaseId }) => fundsCaseId).toSorted()[0] ?? ''}`;
    return { key, kind: 'duplicate-money', declared: null, found: concerned.length === 0 ? null : printedNumbers(concerned), difference: null, basis: 'money', note: notes.toSorted().join(' ') };
  }).toSorted((a, b) => (a.key < b.key ? -1 : 1));

/**
 * Where a report does not agree with what is recorded of its things, in a fixed order: figures as declared, rates, what is missing, money
 * that may be counted twice, contradictions noted by a reader. Empty where the report itself is not known.
 */
export const discrepanciesOf = (report: ReportState, things: FoundThings): readonly Discrepancy[] => {
  const { identity } = report;
  if (identity === null) return [];
  const found: readonly Unexplained[] = [
    ...report.figures.flatMap((figure) => ofFigure(figure, identity, things)),
    ...rateFindings(report, things.issues.filter(scopeOf(identity, {}))),
    ...missingTotal(report, identity, things),
    ...duplicateMoney(identity, things),
    ...report.noted.map(({ discrepancyKey, kind, declared, found: seen, note }): Unexplained =>
      ({ key: discrepancyKey, kind: 'noted', declared, found: seen, difference: null, basis: null, note: `${kind}: ${note}` })),
  ];
  return found.map((discrepancy) => ({ ...discrepancy, explanation: report.explanations.get(discrepancy.key) ?? null }));
};
