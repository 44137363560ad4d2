import { lastDay, type Cut, type Fact, type ReportId } from '@rectrail/kernel';
import { sumOf } from '../funds-case/funds-case.state.ts';
import { discrepanciesOf, type Discrepancy, type FoundThings } from '../report/report.discrepancies.ts';
import { evolveReport, initialReportState } from '../report/report.state.ts';
import { streams } from '../streams.ts';
import { countingFacts } from '../time/counting.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { fundsCaseViews } from './funds.ts';
import { issueViews } from './issue-view.ts';
import { measureViews } from './measures.ts';
import { worldOf, type World } from './world.ts';

const foundAt = (world: World, cut: Cut): FoundThings => ({
  issues: issueViews(world, cut, null).flatMap(({ orgId, last }) => (last === null ? [] : [{ ...last, orgId }])),
  measures: measureViews(world, cut).flatMap(({ orgId, last }) => (last === null ? [] : [{ ...last, orgId }])),
  cases: fundsCaseViews(world, cut).map((c) => ({ ...c, recoveredFen: sumOf(c.recovered).fen, returnedFen: sumOf(c.returned).fen })),
});

/**
 * Declared against found (rules.md section 4): what the report declares, explains and notes by all that is known at the cut, beside what counts
 * within its scope on its as-of day. Empty where the report is not known.
 */
export const discrepancies = (facts: readonly Fact<TrackingEvent>[], cut: Pick<Cut, 'atPosition' | 'knownAt'>, reportId: ReportId): readonly Discrepancy[] => {
  const world = worldOf(facts);
  const stream = world.reports.find(({ streamId }) => streamId === streams.report(reportId));
  const report = countingFacts(stream?.facts ?? [], { ...cut, validAt: lastDay }).reduce(evolveReport, initialReportState);
  return report.identity === null ? [] : discrepanciesOf(report, foundAt(world, { ...cut, validAt: report.identity.asOf }));
};
