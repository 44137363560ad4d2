import { lastDay, streamVersion, type Fact, type OrgId, type ReportId, type StreamId, type StreamVersion } from '@rectrail/kernel';
import {
  discrepanciesOf, evolveInspection, evolveReport, initialInspectionState, initialReportState, streams,
  type FactsRetracted, type FigureScope, type FoundThings, type InspectionEvent, type ReportEvent, type ReportState,
} from '@rectrail/tracking-domain';
import type { DiscrepanciesAnswer, InspectionItem, Page, ReportItem } from './answers.ts';
import { countingByStream, type TrackingFact } from './counting-facts.ts';
import { fundsCasesOf } from './funds.query.ts';
import { foundIssues } from './issues.query.ts';
import { measuresOf } from './measures.query.ts';
import { readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { OrgRequest, ReadRequest } from './requests.ts';
import { streamVersions } from './sums.ts';
import { ReadRejected } from './tracking-read.ts';

// The name of a stream says which events it holds; the codec has checked each against its schema.
const as = <E extends InspectionEvent | ReportEvent>(facts: readonly TrackingFact[]): readonly Fact<E | FactsRetracted>[] =>
  facts as unknown as readonly Fact<E | FactsRetracted>[];

const inspectionTypes: readonly InspectionEvent['type'][] =
  ['InspectionOpened', 'TeamAssigned', 'FieldworkStarted', 'FieldworkEnded', 'FeedbackDelivered', 'SpecialCheckAttached', 'PreviousRoundLinked'];
const reportTypes: readonly ReportEvent['type'][] = ['ReportPublished', 'RollUpDeclared', 'RollUpRateDeclared', 'DiscrepancyExplained', 'DiscrepancyNoted'];

interface Loaded { readonly facts: ReadonlyMap<StreamId, readonly TrackingFact[]>; readonly versionOf: (streamId: StreamId) => StreamVersion }

const load = async (session: ReadSession, types: readonly string[], owners: readonly OrgId[] | null): Promise<Loaded> => {
  const facts = await countingByStream(session.tx, session.cut, { types, owners });
  const versions = await streamVersions(session.tx, [...facts.keys()], session.cut.atPosition);
  return { facts, versionOf: (streamId) => streamVersion(versions.get(streamId) ?? 0) };
};

/** Inspections that exist at the cut, the newest feedback first. */
export const inspections = (context: ReadContext, request: OrgRequest): Promise<Page<InspectionItem>> =>
  readAt(context, request, async (session) => {
    const { facts, versionOf } = await load(session, inspectionTypes, select(session, request.org).owners);
    const items = [...facts].flatMap(([streamId, ofStream]): InspectionItem[] => {
      const { identity, feedback } = as<InspectionEvent>(ofStream).reduce(evolveInspection, initialInspectionState);
      if (identity === null) return [];
      const { inspectionId, orgId, kind, title, round } = identity;
      return [{ inspectionId, streamVersion: versionOf(streamId), orgId, kind, title, round, feedbackOn: feedback?.on ?? null }];
    });
    items.sort((a, b) => (b.feedbackOn?.last ?? '').localeCompare(a.feedbackOn?.last ?? '') || a.inspectionId.localeCompare(b.inspectionId));
    return { cut: session.cut, items, total: items.length, nextCursor: null };
  });

const reportItem = (state: ReportState, version: StreamVersion): ReportItem | null => {
  if (state.identity === null) return null;
  const { reportId, orgId, inspectionIds, title, asOf, publishedOn, url } = state.identity;
  return { reportId, streamVersion: version, orgId, inspectionIds, title, asOf, publishedOn, url, declared: state.figures.length + state.rates.length };
};

/** Reports published at the cut, the newest as-of first. */
export const reports = (context: ReadContext, request: OrgRequest): Promise<Page<ReportItem>> =>
  readAt(context, request, async (session) => {
    const { facts, versionOf } = await load(session, reportTypes, select(session, request.org).owners);
    const items = [...facts].map(([streamId, ofStream]) => reportItem(as<ReportEvent>(ofStream).reduce(evolveReport, initialReportState), versionOf(streamId)))
      .filter((item) => item !== null);
    items.sort((a, b) => b.asOf.localeCompare(a.asOf) || a.reportId.localeCompare(b.reportId));
    return { cut: session.cut, items, total: items.length, nextCursor: null };
  });

const foundAt = async (session: ReadSession, owners: readonly OrgId[]): Promise<FoundThings> => ({
  issues: await foundIssues(session, owners),
  measures: await measuresOf(session, { owners }),
  cases: (await fundsCasesOf(session, { owners })).map(({ fundsCaseId, orgId, inspectionId, issueIds, recovered, returned, duplicates }) => ({
    fundsCaseId, orgId, inspectionId, issueIds, recoveredFen: BigInt(recovered.fen), returnedFen: BigInt(returned.fen),
    duplicates: duplicates.map((link) => ({ otherCaseId: link.fundsCaseId, note: link.note })),
  })),
});

/**
 * Declared against found (rules.md section 4): all that the report says by what is known at the cut, beside what counts within the scope of
 * each figure on the report's as-of day. @throws ReadRejected `unknown-report`, `outside-jurisdiction`.
 */
export const discrepancies = (context: ReadContext, id: ReportId, request: ReadRequest): Promise<DiscrepanciesAnswer> =>
  readAt(context, request, async (session) => {
    const { cut, tx, visible } = session;
    const streamId = streams.report(id);
    const facts = await countingByStream(tx, { ...cut, validAt: lastDay }, { streamId });
    const versions = await streamVersions(tx, [streamId], cut.atPosition);
    const state = as<ReportEvent>(facts.get(streamId) ?? []).reduce(evolveReport, initialReportState);
    const report = reportItem(state, streamVersion(versions.get(streamId) ?? 0));
    if (report === null) throw new ReadRejected('unknown-report', `report ${id} is not known at this cut`);
    if (visible !== null && !visible.has(report.orgId)) throw new ReadRejected('outside-jurisdiction', `report ${id} lies outside the jurisdiction of this token`);
    // What is found in an organisation is shown to those alone who may see it: a figure whose scope reaches further is left out.
    const mayBeCompared = ({ scope }: { readonly scope: FigureScope }): boolean => visible === null || (scope.orgIds ?? []).every((orgId) => visible.has(orgId));
    const compared = { ...state, figures: state.figures.filter(mayBeCompared), rates: state.rates.filter(mayBeCompared) };
    const owners = [...new Set([report.orgId, ...[...compared.figures, ...compared.rates].flatMap((figure) => figure.scope.orgIds ?? [])])];
    const found = await foundAt({ ...session, cut: { ...cut, validAt: report.asOf } }, owners);
    return { cut, report, items: discrepanciesOf(compared, found) };
  });
