// Goal: the audit trail says of every noun what an event changed, from what to what, and what its retraction put back.
// Method: one short stream a noun, written by hand; each case reads the changes of its last event.
import { describe, expect, it } from '@jest/globals';
import { day, instant, onDay, position, streamId, streamVersion, type CommandId, type EventId, type Fact } from '@rectrail/kernel';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { StreamChanges } from './changes.ts';

const idOf = (version: number): EventId => `event-${version}` as EventId;

/** A stream of these types and payloads, one a day; only what the folds read is filled in. */
const stream = (name: string, ...events: readonly (readonly [type: string, data: object])[]): readonly Fact<TrackingEvent>[] => events.map(([type, data], index) => ({
  // A spec may leave out the fields of a payload that do not matter to it.
  event: { type, data } as unknown as TrackingEvent,
  eventId: idOf(index + 1), commandId: 'command' as CommandId, correlationId: 'spec', classification: 'internal', scope: { orgId: null },
  actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' },
  validTime: type === 'FactsRetracted' || type === 'CalendarYearSet' || type === 'OrgRegistered' ? null : onDay(day(`2022-01-0${index + 1}`)),
  knownTime: instant('2022-02-01T00:00:00Z'), recordedAt: instant('2022-02-01T00:00:00Z'),
  streamId: streamId(name), streamVersion: streamVersion(index + 1), position: position(index + 1),
}));
const retraction = (...versions: readonly number[]) => ['FactsRetracted', { eventIds: versions.map(idOf), reason: '更正', kind: 'withdrawn' }] as const;
const changesOfLast = (...args: Parameters<typeof stream>) => {
  const facts = stream(...args);
  return new StreamChanges(facts).of(facts.at(-1)!);
};

describe('what an event changed', () => {
  const cases: readonly (readonly [noun: string, args: Parameters<typeof stream>, change: object])[] = [
    ['measure', ['measure-1', ['MeasurePlanned', { measureId: 'm', issueIds: ['i'], title: '措施', planned: null }], ['MeasureCompleted', { result: '已完成', evidence: [] }]],
      { field: 'state', before: 'PLANNED', after: 'DONE' }],
    ['issue', ['issue-1', ['IssueRegistered', { issueId: 'i', track: 'TIMED' }], ['RectificationStarted', {}]], { field: 'state', before: 'FED_BACK', after: 'IN_PROGRESS' }],
    ['funds case', ['funds-case-1', ['FundsRecovered', { fundsCaseId: 'f', issueIds: ['i'], money: { fen: null } }], ['RecoveryReversed', { of: idOf(1), reason: '重复' }]],
      { field: 'reversed', before: {}, after: { 'event-1': '重复' } }],
    ['organisation', ['org-tree-a', ['OrgRegistered', { orgId: 'o', name: '旧', parentId: null }], ['OrgRenamed', { orgId: 'o', name: '新' }]], { field: 'name', before: '旧', after: '新' }],
    ['policy', ['policy-o', ['PolicyAdopted', { name: '甲' }], ['PolicyAdopted', { name: '乙' }]], { field: 'content', before: { name: '甲' }, after: { name: '乙' } }],
    ['calendar', ['working-calendar', ['CalendarYearSet', { year: 2022, workingDays: ['2022-01-04'] }], ['CalendarYearSet', { year: 2022, workingDays: ['2022-01-05'] }]],
      { field: '2022', before: ['2022-01-04'], after: ['2022-01-05'] }],
    ['explanation', ['report-1', ['DiscrepancyExplained', { discrepancyKey: 'k', explanation: '旧' }], ['DiscrepancyExplained', { discrepancyKey: 'k', explanation: '新' }]],
      { field: 'explanations.k', before: '旧', after: '新' }],
    ['metric', ['metric-1', ['MetricTargetSet', { quantity: '1', planned: 'p' }], ['MetricTargetSet', { quantity: '2', planned: 'p' }]],
      { field: 'target', before: { quantity: '1', planned: 'p' }, after: { quantity: '2', planned: 'p' } }],
  ];
  it.each(cases)('is told of a %s, from what to what', (_noun, args, change) => {
    expect(changesOfLast(...args)).toContainEqual(change);
  });

  it('is one figure of a report, not all of them; figures of another scope stand apart', () => {
    const figure = (value: string, scope: object) => ['RollUpDeclared', { key: 'issues.total', scope, breakdown: null, quantity: { value } }] as const;
    const [first, second] = [figure('21', {}), figure('7', { orgIds: ['o'] })];
    expect(changesOfLast('report-1', first, second)).toEqual([{ field: 'figures.issues.total {"orgIds":["o"]}', before: null, after: second[1] }]);
  });

  it('is put back by a retraction, which names the organisation that it concerns', () => {
    expect(changesOfLast('org-tree-a', ['OrgRegistered', { orgId: 'o', name: '旧' }], ['OrgRenamed', { orgId: 'o', name: '新' }], retraction(2)))
      .toEqual([{ field: 'organisation-o.name', before: '新', after: '旧' }]);
    expect(changesOfLast('report-1', ['RollUpRateDeclared', { key: 'rate', scope: {}, value: '95' }], retraction(1)))
      .toEqual([{ field: 'rates.rate', before: { key: 'rate', scope: {}, value: '95' }, after: null }]);
    expect(changesOfLast('issue-1', ['IssueRegistered', { issueId: 'i', track: 'TIMED' }], ['RectificationStarted', {}], retraction(2)))
      .toContainEqual({ field: 'state', before: 'IN_PROGRESS', after: 'FED_BACK' });
  });

  it('is told again of a retraction that was itself retracted', () => {
    expect(changesOfLast('org-tree-a', ['OrgRegistered', { orgId: 'o', name: '旧' }], ['OrgRenamed', { orgId: 'o', name: '新' }], retraction(2), ['FactsRetracted', { eventIds: [idOf(3)], reason: '误撤', kind: 'entered-in-error' }]))
      .toEqual([{ field: 'organisation-o.name', before: '旧', after: '新' }]);
  });

  it('is what its data say where nothing is folded from it', () => {
    expect(changesOfLast('org-tree-a', ['TreeOpened', { treeId: 'a', kind: 'party' }])).toEqual([{ field: 'treeId', before: null, after: 'a' }, { field: 'kind', before: null, after: 'party' }]);
  });
});
