// Goal: a report is published once, its figures are kept as printed and take effect on its as-of day, discrepancies are explained.
// Method: commands decided given/when/then on the state of their day and today's; today is 2026-06-30.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { day, onDay, type Fact, type InspectionId, type OrgId, type ReportId } from '@rectrail/kernel';
import { dated, eventIdOf, fact, specificationOf, streamOf } from '../testing/decider-specification.ts';
import type { ReportCommand } from './report.commands.ts';
import { decideReport, unmetReportNeeds } from './report.decide.ts';
import type { DeclaredFigure, DeclaredRate, ReportEvent } from './report.events.ts';
import { evolveReport, initialReportState, type ReportIdentity, type ReportState } from './report.state.ts';
import { reportEventSchemas } from './wire/report.wire.ts';

const fold = (facts: readonly Fact<ReportEvent>[]): ReportState => facts.reduce(evolveReport, initialReportState);
const { given } = specificationOf({ fold, decide: (command: ReportCommand, situation) => decideReport(command, situation) });

const report: ReportIdentity = {
  reportId: 'report' as ReportId, orgId: 'org' as OrgId, inspectionIds: ['inspection' as InspectionId], title: '整改进展情况通报',
  asOf: day('2026-04-30'), asOfPrinted: '截至4月底', publishedOn: day('2026-05-10'), url: null,
};
const figure: DeclaredFigure = {
  key: 'issues.total', scope: {}, basis: 'issue', kind: null, breakdown: null, subsetOf: null, flow: 'stock', period: null, quantity: { value: '47', unit: '个', qualifier: 'exact' }, printed: '47个问题',
};
const rate: DeclaredRate = { key: 'rate.completion', scope: {}, basis: 'measure', value: '95.8', numeratorKey: null, denominatorKey: null, rounding: 'rounded', changePoints: null, printed: '95.8%' };
const by = { subject: 'unit', orgId: null, role: 'unit' };
const published = fact<ReportEvent>('2026-05-10', { type: 'ReportPublished', data: report });
const publish = (change: Partial<ReportIdentity> = {}): ReportCommand => ({ type: 'PublishReport', on: onDay(change.publishedOn ?? report.publishedOn), by, data: { ...report, ...change } });
const declare = (on: string, value = '47'): ReportCommand => ({ type: 'DeclareFigure', on: dated(on), by, data: { ...figure, quantity: { ...figure.quantity, value } } });
const explain = (on: string, explanation = '另有11个问题未公开'): ReportCommand => ({ type: 'ExplainDiscrepancy', on: dated(on), by, data: { discrepancyKey: 'issues.total', explanation } });

describe('the address of a report', () => {
  it('is of the web, and holds no e-mail address', () => {
    const published = JSON.parse(readFileSync(new URL('wire/fixtures/ReportPublished.v1.json', import.meta.url), 'utf8')) as object;
    const passes = (url: string): boolean => reportEventSchemas.ReportPublished.safeParse({ ...published, url }).success;
    expect(passes('https://jtj.ningbo.gov.cn/art/2022/4/29/art_1229187622_58945321.html')).toBe(true);
    for (const url of ['ftp://jtj.ningbo.gov.cn/a', 'https://zhang.san@ningbo.gov.cn/a', 'https://ningbo.gov.cn/?to=zhang.san@ningbo.gov.cn']) expect([url, passes(url)]).toEqual([url, false]);
  });
});

describe('publishing', () => {
  it('happens once', () => {
    given().when(publish(), {}).then({ type: 'ReportPublished', data: report });
    given(published).when(publish(), {}).thenNothing();
    given(published).when(publish({ title: '另一报告' }), {}).thenRejected('report-already-published');
  });

  it('is refused after today, and as of a day after it', () => {
    given().when(publish({ publishedOn: day('2026-07-01') }), {}).thenRejected('effective-in-future');
    given().when({ ...publish({ publishedOn: day('2026-07-01') }), on: dated('2026-06-01') }, {}).thenRejected('effective-in-future');
    given().when(publish({ asOf: day('2026-05-11') }), {}).thenRejected('as-of-after-publication', { pointer: '/asOf' });
  });
});

describe('declaring', () => {
  it('takes effect on the as-of day of the report, so before its publication', () => {
    given(published).when(declare('2026-04-30'), {}).then({ type: 'RollUpDeclared', data: figure });
    given(published).when({ type: 'DeclareRate', on: dated('2026-04-30'), by, data: rate }, {}).then({ type: 'RollUpRateDeclared', data: rate });
    given(published).when(declare('2026-05-10'), {}).thenRejected('figure-not-as-of');
    given(published).when({ type: 'DeclareRate', on: dated('2026-05-10'), by, data: rate }, {}).thenRejected('figure-not-as-of');
    given().when(declare('2026-04-30'), {}).thenRejected('unknown-report');
  });

  it('keeps both of two figures that contradict each other', () => {
    const declared = fact<ReportEvent>('2026-04-30', { type: 'RollUpDeclared', data: figure });
    given(published, declared).when(declare('2026-04-30', '36'), {}).then({ type: 'RollUpDeclared', data: { ...figure, quantity: { ...figure.quantity, value: '36' } } });
  });

  it('counts on a day before the publication, where the report itself does not yet stand', () => {
    const state = fold(streamOf(fact<ReportEvent>('2026-04-30', { type: 'RollUpDeclared', data: figure })));
    expect(state).toMatchObject({ identity: null, figures: [{ key: 'issues.total', eventId: eventIdOf(1) }] });
  });
});

describe('discrepancies', () => {
  it('are explained after the publication; the last explanation holds', () => {
    const explained = fact<ReportEvent>('2026-05-11', { type: 'DiscrepancyExplained', data: { discrepancyKey: 'issues.total', explanation: '另有11个问题未公开' } });
    given(published).when(explain('2026-05-11'), {}).then(explained.event);
    given(published, explained).when(explain('2026-05-12'), {}).thenNothing();
    given(published, explained).when(explain('2026-05-12', '更正'), {}).then({ type: 'DiscrepancyExplained', data: { discrepancyKey: 'issues.total', explanation: '更正' } });
    given(published).when(explain('2026-05-09'), {}).thenRejected('effective-before-basis', { basis: 'ReportPublished' });
    given().when(explain('2026-05-11'), {}).thenRejected('unknown-report');
    const state = fold(streamOf(published, explained, fact<ReportEvent>('2026-05-12', { type: 'DiscrepancyExplained', data: { discrepancyKey: 'issues.total', explanation: '更正' } })));
    expect(state.explanations).toEqual(new Map([['issues.total', '更正']]));
  });

  it('that no figure shows are noted', () => {
    const data = { discrepancyKey: 'issues.7.marker', kind: 'structure', declared: '③', found: '①', note: '只列出①' };
    given(published).when({ type: 'NoteDiscrepancy', on: dated('2026-04-30'), by, data }, {}).then({ type: 'DiscrepancyNoted', data });
    expect(fold(streamOf(fact<ReportEvent>('2026-04-30', { type: 'DiscrepancyNoted', data }))).noted).toEqual([data]);
  });
});

describe('what the facts of a report need', () => {
  it('is its publication', () => {
    const all = streamOf(published, fact<ReportEvent>('2026-04-30', { type: 'RollUpDeclared', data: figure }), fact<ReportEvent>('2026-04-30', { type: 'RollUpRateDeclared', data: rate }));
    expect(unmetReportNeeds(all)).toEqual([]);
    expect(unmetReportNeeds(all.slice(1))).toEqual([2, 3].map(eventIdOf));
  });
});
