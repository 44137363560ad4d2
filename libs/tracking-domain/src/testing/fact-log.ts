import {
  day, firstInstantOf, fuzzyDate, instant, instantOfMs, lastInstantOf, msOfInstant, position, streamVersion, undatedBetween,
  type CommandId, type Cut, type EventId, type Fact, type FundsCaseId, type FuzzyDate, type InspectionId, type IssueId, type MeasureId, type OrgId, type ReportId, type StreamId,
} from '@rectrail/kernel';
import type { IssueEvent, IssueStateName, Residual, Track } from '../issue/issue.events.ts';
import type { PolicyContent } from '../policy/policy.events.ts';
import { basicCompletionBuckets, defaultPolicy } from '../policy/policy.state.ts';
import type { DeclaredFigure } from '../report/report.events.ts';
import type { RetractionKind } from '../retraction/retraction.events.ts';
import { administrativeTreeId, streams } from '../streams.ts';
import type { TrackingEvent } from '../tracking-event.ts';

const zone = 'Asia/Shanghai';

/** A date as a spec writes it: `2022-02`, `2022-02-28`, or `2021-12-28/2022-04-29` for an undated fact between two days; null for none. */
export const dateFrom = (text: string | null): FuzzyDate | null => {
  if (text === null) return null;
  const [first, last] = text.split('/');
  const date = last === undefined ? fuzzyDate({ value: text }) : undatedBetween(day(first ?? ''), day(last));
  if (date === null) throw new RangeError(`no such date: ${text}`);
  return date;
};

/** A planned date: `2022-06` is 6月底前. */
export const planned = (text: string, commitment: 'planned' | 'striving' = 'planned'): FuzzyDate => {
  const date = fuzzyDate({ value: text, commitment });
  if (date === null) throw new RangeError(`no such date: ${text}`);
  return date;
};

/** A printed status; null: printed without one. */
export const statusStated = (state: IssueStateName | null, residuals: readonly Residual[] = []): IssueEvent => ({
  type: 'IssueStatusStated',
  data: {
    state, track: null, printedStatus: null, disclosure: state === null ? 'NOT_DISCLOSED' : 'STATED', continuation: 'NONE', continuationPrinted: null, residuals, completionBasis: null,
  },
});

export const ningboPolicy: PolicyContent = { ...defaultPolicy, name: '宁波口径', buckets: basicCompletionBuckets };

const inspectionId = 'a0000000-0000-8000-8000-000000000001' as InspectionId;

/**
 * A log written by hand: facts in the order in which a spec records them, each with the day from which it was known.
 * It opens as an installation does: zone, administrative tree, default policy.
 */
export class FactLog {
  readonly facts: Fact<TrackingEvent>[] = [];
  known: string;

  constructor(known: string) {
    this.known = known;
    this.put(streams.installation, null, { type: 'InstallationInitialised', data: { zone, jurisdiction: 'CN' } }, null);
    this.put(streams.organisationTree(administrativeTreeId), null,
      { type: 'TreeOpened', data: { treeId: administrativeTreeId, jurisdiction: 'CN', kind: 'administrative' } }, null);
    this.put(streams.defaultPolicy, null, { type: 'PolicyAdopted', data: { ...defaultPolicy, orgId: null } }, null);
  }

  /** Records an event that took effect `on`; it is known from the first instant of `known`. */
  put(streamId: StreamId, orgId: OrgId | null, event: TrackingEvent, on: string | null): EventId {
    const number = this.facts.length + 1;
    const eventId = `e0000000-0000-8000-8000-${String(number).padStart(12, '0')}` as EventId;
    const knownTime = firstInstantOf(zone, day(this.known));
    const recordedAt = instantOfMs(Math.max(msOfInstant(instant('2026-01-01T00:00:00Z')) + number, msOfInstant(knownTime)));
    this.facts.push({
      eventId, commandId: `c0000000-0000-8000-8000-${String(number).padStart(12, '0')}` as CommandId, correlationId: 'spec',
      actor: { orgId: null, role: 'administrator', subject: 'spec', assurance: 'system' }, scope: { orgId, inspectionId }, classification: 'internal', event,
      validTime: dateFrom(on), knownTime, recordedAt,
      streamId, streamVersion: streamVersion(this.facts.filter((f) => f.streamId === streamId).length + 1), position: position(number),
    });
    return eventId;
  }

  org(name: string, parentId: OrgId | null = null): OrgId {
    const orgId = `0000000${this.facts.length % 10}-0000-8000-8000-${String(this.facts.length).padStart(12, '0')}` as OrgId;
    this.put(streams.organisationTree(administrativeTreeId), null, { type: 'OrgRegistered', data: { orgId, code: name, name, level: 'bureau', parentId } }, null);
    return orgId;
  }

  tree(event: TrackingEvent, on: string): EventId {
    return this.put(streams.organisationTree(administrativeTreeId), null, event, on);
  }

  policy(orgId: OrgId, content: PolicyContent, on: string): EventId {
    return this.put(streams.policy(orgId), orgId, { type: 'PolicyAdopted', data: { ...content, orgId } }, on);
  }

  issue(orgId: OrgId, number: number, on: string, track: Track = 'TIMED'): IssueId {
    const issueId = `11111111-0000-8000-8000-${String(this.facts.length).padStart(12, '0')}` as IssueId;
    const data = {
      issueId, orgId, inspectionId, numberPath: [String(number)], numberKey: String(number).padStart(3, '0'), aspect: null, heading: null, title: `问题${number}`, strand: null, annex: false,
      track, assistingOrgIds: [],
    };
    this.put(streams.issue(issueId), orgId, { type: 'IssueRegistered', data }, on);
    return issueId;
  }

  /** An event of an issue, under the owner that registered it. */
  of(issueId: IssueId, event: IssueEvent, on: string): EventId {
    const owner = this.facts.find((f) => f.streamId === streams.issue(issueId))?.scope.orgId ?? null;
    return this.put(streams.issue(issueId), owner, event, on);
  }

  measure(orgId: OrgId, issueIds: readonly IssueId[], on: string): MeasureId {
    const measureId = `22222222-0000-8000-8000-${String(this.facts.length).padStart(12, '0')}` as MeasureId;
    this.put(streams.measure(measureId), orgId,
      { type: 'MeasureStated', data: { measureId, orgId, inspectionId, issueIds, marker: '一是', title: '措施', state: null, printedStatus: null, planned: null } }, on);
    return measureId;
  }

  recovered(orgId: OrgId, issueIds: readonly IssueId[], fen: string | null, on: string): FundsCaseId {
    const fundsCaseId = `33333333-0000-8000-8000-${String(this.facts.length).padStart(12, '0')}` as FundsCaseId;
    this.put(streams.fundsCase(fundsCaseId), orgId,
      { type: 'FundsRecovered', data: { fundsCaseId, orgId, inspectionId, issueIds, money: { fen }, kind: 'OTHER', voucher: null } }, on);
    return fundsCaseId;
  }

  report(orgId: OrgId, asOf: string, publishedOn: string): ReportId {
    const reportId = `44444444-0000-8000-8000-${String(this.facts.length).padStart(12, '0')}` as ReportId;
    const data = { reportId, orgId, inspectionIds: [inspectionId], title: '整改进展情况的通报', asOf: day(asOf), asOfPrinted: null, publishedOn: day(publishedOn), url: null };
    this.put(streams.report(reportId), orgId, { type: 'ReportPublished', data }, publishedOn);
    return reportId;
  }

  /** A figure of the report, effective on its as-of day. */
  declare(reportId: ReportId, key: string, value: string | null, more: Partial<DeclaredFigure> = {}): EventId {
    const { owner, asOf } = this.#publication(reportId);
    const figure: DeclaredFigure = {
      key, scope: {}, basis: key.startsWith('measures') ? 'measure' : 'issue', kind: null, breakdown: null, subsetOf: null, flow: 'stock', period: null,
      quantity: { value, unit: '个', qualifier: 'exact' }, printed: key, ...more,
    };
    return this.put(streams.report(reportId), owner, { type: 'RollUpDeclared', data: figure }, asOf);
  }

  declareRate(reportId: ReportId, value: string, rounding: 'rounded' | 'cut' | 'unknown' = 'unknown'): EventId {
    const { owner, asOf } = this.#publication(reportId);
    const rate = { key: 'rate.completion', scope: {}, basis: null, value, numeratorKey: null, denominatorKey: null, rounding, changePoints: null, printed: `${value}%` };
    return this.put(streams.report(reportId), owner, { type: 'RollUpRateDeclared', data: rate }, asOf);
  }

  /** Takes events of one stream back, as the spec's `known` day. */
  retract(eventIds: readonly EventId[], kind: RetractionKind): EventId {
    const victim = this.facts.find((f) => f.eventId === eventIds[0])!;
    return this.put(victim.streamId, victim.scope.orgId, { type: 'FactsRetracted', data: { eventIds, reason: '更正', kind } }, null);
  }

  #publication(reportId: ReportId): { readonly owner: OrgId | null; readonly asOf: string } {
    for (const { streamId, scope, event } of this.facts) {
      if (streamId === streams.report(reportId) && event.type === 'ReportPublished') return { owner: scope.orgId, asOf: event.data.asOf };
    }
    throw new RangeError('no such report');
  }

  /** The cut at the head unless a position is given; `knownAt` is the last instant of its day. */
  cut(validAt: string, knownAt = '2030-01-01', atPosition = this.facts.length): Cut {
    return { validAt: day(validAt), knownAt: lastInstantOf(zone, day(knownAt)), atPosition: position(atPosition) };
  }
}

