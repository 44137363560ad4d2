// Goal: reports unlike the three samples can be carried: strands, an annex, withheld issues, long-term tasks and 力争 dates; headings that are groups, declared totals without items.
// Method: two invented ledgers in their shape, shortened, imported into the memory store; the figures module says what they come to.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { day, instant, lastInstantOf, position, type Fact, type Instant, type OrgId, type ReportId } from '@rectrail/kernel';
import { defaultPolicy, streams, trackingEventDefinitions, type Count, type DashboardFigures, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, deadlines, discrepancies } from '@rectrail/tracking-domain/figures';
import { createImportService } from './ledger-import.ts';
import { entityId } from './ledger-references.ts';

type Row = Readonly<Record<string, unknown>>;
const zone = 'Asia/Shanghai';
const clock = { now: (): Instant => instant('2026-03-01T08:00:00Z') };
const administrator = { orgId: null, role: 'administrator', subject: 's', assurance: 'local-token' as const };

const figure = (name: string, value: string, printed: string, more: Row = {}): Row => ({ kind: 'figure', key: `figure/${name}`, figure: name, value, unit: '个', basis: 'issue', printed, ...more });
const header = (documentId: string, dates: Row, org: string): Row =>
  ({ kind: 'ledger', format: 'rectrail.ledger/1', documentId, title: '整改进展情况的通报', ...dates, defaults: { organisation: org, inspection: `${org}/insp`, report: `${org}/rep` } });

/** In the shape of report 001: two strands and an annex; 一是 is the issue; 11 of 47 issues are not printed, one is printed by its number alone. */
const dongying: readonly Row[] = [
  header('east-2023', { publishedOn: '2023-05-10' }, 'E'),
  { kind: 'organisation', key: 'E', code: 'E', name: '东市交通运输局', level: 'bureau' },
  { kind: 'inspection', key: 'E/insp', inspectionKind: 'XUNCHA', types: ['SPECIAL', 'REGULAR'], title: '第五轮巡察', team: '第五巡察组', specialChecks: ['选人用人'], feedback: { on: '2022-12-08' } },
  { kind: 'report', key: 'E/rep', title: '整改进展情况的通报' },
  {
    kind: 'policy', key: 'E/policy', name: '通报口径',
    buckets: [{ when: { state: ['DONE_REPORTED'] }, bucket: 'complete' }, { when: { state: ['PHASED'], track: ['LONG_TERM'] }, bucket: 'longTerm' }, { when: { disclosure: ['NOT_DISCLOSED', 'WITHHELD'] }, bucket: 'notDisclosed' }, { when: {}, bucket: 'open' }],
  },
  { kind: 'issue', key: 'E/1', numberPath: ['二、', '(一)', '1.', '一是'], aspect: '项目建设', heading: '1.重点项目', title: '车站建设滞后', strand: '专项巡察', track: 'LONG_TERM' },
  { kind: 'status', key: 'E/1/s', issue: 'E/1', state: 'PHASED', track: 'LONG_TERM', printedStatus: '长期任务已取得阶段性成效' },
  { kind: 'nextStep', key: 'E/1/n', issue: 'E/1', text: '推进主体工程', planned: { value: '2024-12', printed: '2024年12月底前', edge: 'byEndOf' } },
  { kind: 'issue', key: 'E/2', numberPath: ['二、', '(一)', '1.', '二是'], aspect: '项目建设', heading: '1.重点项目', title: '桥梁改造缓慢', strand: '专项巡察' },
  { kind: 'status', key: 'E/2/s', issue: 'E/2', state: 'DONE_REPORTED', printedStatus: '已完成' },
  { kind: 'issue', key: 'E/3', numberPath: ['二、', '(一)', '3.', '四是'], aspect: '项目建设', heading: '3.运输服务', title: '泊位不足', strand: '常规巡察' },
  { kind: 'status', key: 'E/3/s', issue: 'E/3', state: 'IN_PROGRESS', printedStatus: '未完成' },
  { kind: 'deadline', key: 'E/3/d', issue: 'E/3', planned: { value: '2023-12', printed: '力争2023年12月底前', edge: 'byEndOf', commitment: 'striving' } },
  { kind: 'issue', key: 'E/a1', numberPath: ['附件', '一、', '1.'], title: '选人用人程序不全', annex: true },
  { kind: 'status', key: 'E/a1/s', issue: 'E/a1', state: 'DONE_REPORTED', printedStatus: '已完成' },
  { kind: 'issue', key: 'E/a2', numberPath: ['附件', '一、', '2.'], title: '（未公开）', annex: true },
  { kind: 'status', key: 'E/a2/s', issue: 'E/a2', disclosure: 'WITHHELD' },
  { kind: 'measure', key: 'E/1/m1', issues: ['E/1'], marker: '(1)', title: '建立专班' },
  figure('issues.total', '16', '共16个问题'),
  figure('issues.bucket.complete', '5', '已整改完成5个'),
  figure('issues.bucket.longTerm', '9', '属于长期任务取得阶段性成效9个'),
  figure('issues.bucket.open', '2', '正在按计划加快整改2个'),
];

/** In the shape of report 004: headings that are groups of issues, none with a status; totals of issues, measures and groups; received before it was published. */
const shanghai: readonly Row[] = [
  header('south-2026', { publishedOn: '2026-02-04', receivedOn: '2025-09-20' }, 'S'),
  { kind: 'organisation', key: 'S', code: 'S', name: '南市交通委员会', level: 'bureau' },
  { kind: 'organisation', key: 'S/metro', code: 'S-METRO', name: '南市地铁集团', level: 'unit', parent: 'S' },
  { kind: 'inspection', key: 'S/insp', inspectionKind: 'XUNSHI', title: '第五轮巡视', round: 5, team: '市委第四巡视组', feedback: { on: '2025-03-12' } },
  { kind: 'report', key: 'S/rep', title: '巡视整改进展情况的通报', asOf: '2025-09-10', asOfPrinted: '截至2025年9月10日' },
  ...[1, 2, 3].flatMap((n): Row[] => [
    { kind: 'issue', key: `S/${n}`, numberPath: ['二、', '(一)', `${n}.`], aspect: '关于履行职责问题的整改', title: `针对第${n}组问题`, ...(n === 1 && { assisting: ['S-METRO'] }) },
    { kind: 'status', key: `S/${n}/s`, issue: `S/${n}` },
    { kind: 'measure', key: `S/${n}/m`, issues: [`S/${n}`], marker: '一是', title: `第${n}组措施` },
  ]),
  figure('issues.total', '62', '62个问题'),
  figure('issues.state.DONE_REPORTED', '50', '已完成整改50个', { subsetOf: 'issues.total' }),
  figure('measures.total', '131', '131项措施', { basis: 'measure', unit: '项' }),
  figure('measures.done', '117', '已经完成117项', { basis: 'measure', unit: '项', subsetOf: 'measures.total' }),
  figure('funds.returned', '8010000', '退出8.01万元', { basis: 'money', unit: 'fen' }),
  { kind: 'figure', key: 'figure/institutions/own', figure: 'institutions.created', figureKind: '本级', breakdown: { by: '层级', value: '委本级' }, value: '13', unit: '项', basis: 'institution', printed: '13项' },
  { kind: 'figure', key: 'figure/institutions/sub', figure: 'institutions.created', figureKind: '下属', breakdown: { by: '层级', value: '委属单位' }, value: '20', unit: '项', basis: 'institution', printed: '20项' },
];

const facts: Fact<TrackingEvent>[] = [];
const store = new MemoryEventStore(clock);
const codec = createEventCodec(trackingEventDefinitions);

beforeAll(async () => {
  const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: [] });
  const imports = createImportService({
    runner, store, zone,
    lookups: { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() },
  });
  await runner.run({ commandId: newCommandId(clock.now()), correlationId: 'bootstrap' }, (unit) => {
    const event = { type: 'PolicyAdopted', data: { orgId: null, ...defaultPolicy } };
    unit.stage(streams.defaultPolicy, [{ event, actor: administrator, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal' }]);
    return Promise.resolve();
  });
  for (const ledger of [dongying, shanghai]) {
    const lines = ledger.map((row) => `${JSON.stringify(row)}\n`);
    const { rows } = await imports.run({ commandId: newCommandId(clock.now()), correlationId: 'spec', actor: administrator, ledger: lines, dryRun: false, complete: false });
    expect(rows.new).toBe(ledger.length - 1);
  }
  for (const stored of (await store.readAll()).events) facts.push(codec.decode(stored) as Fact<TrackingEvent>);
});

const cut = (validAt: string, knownAt: string) => ({ atPosition: position(facts.length), knownAt: lastInstantOf(zone, day(knownAt)), validAt: day(validAt) });
const orgOf = (code: string): OrgId => entityId('organisation', code) as OrgId;
const figuresOf = (code: string, validAt: string, knownAt: string, policy: 'default' | null = null): DashboardFigures => dashboard(facts, cut(validAt, knownAt), { org: orgOf(code), policy }).figures;
const counted = (counts: Readonly<Record<string, Count>>): Record<string, readonly [number, number]> =>
  Object.fromEntries(Object.entries(counts).filter(([, c]) => c.count + c.undetermined > 0).map(([name, c]) => [name, [c.count, c.undetermined]]));
const found = (org: string, knownAt: string) => discrepancies(facts, cut('9999-12-31', knownAt), entityId('report', `${org}/rep`) as ReportId)
  .map(({ key, kind, declared, found: seen, difference }) => [key, kind, declared, seen, difference]);

describe('a report with strands, an annex, withheld issues and long-term tasks', () => {
  it('counts what it prints singly, the withheld number included, and nothing that only its total knows', () => {
    const { issues } = figuresOf('E', '2023-05-10', '2023-05-10');
    expect(issues.total).toBe(5);
    expect(counted(issues.byState)).toEqual({ PHASED: [1, 0], DONE_REPORTED: [2, 0], IN_PROGRESS: [1, 0], NOT_DISCLOSED: [1, 0] });
    expect(counted(issues.byBucket)).toEqual({ complete: [2, 0], longTerm: [1, 0], open: [1, 0], notDisclosed: [1, 0] });
  });

  it('knows no day of the undated ones before, and of the withheld one nothing until its as-of day', () => {
    const { issues } = figuresOf('E', '2023-01-31', '2023-05-10');
    expect(counted(issues.byState)).toEqual({ FED_BACK: [5, 0], PHASED: [0, 1], DONE_REPORTED: [0, 2], IN_PROGRESS: [0, 1] });
  });

  it('sets its totals beside what is found, the withheld ones as a difference', () => {
    expect(found('E', '2023-05-10')).toEqual([
      ['issues.total', 'count', '16', '5', '-11'], ['issues.bucket.complete', 'count', '5', '2', '-3'], ['issues.bucket.longTerm', 'count', '9', '1', '-8'], ['issues.bucket.open', 'count', '2', '1', '-1'],
    ]);
  });

  it('shows the date that is striven for as such, and the long-term task as one without a deadline', () => {
    const answer = deadlines(facts, cut('2024-01-01', '2023-05-10'), { org: orgOf('E'), policy: null });
    expect(counted(answer.figures)).toEqual({ OVERDUE: [1, 0], NO_DEADLINE: [1, 0], DONE: [2, 0], NOT_DISCLOSED: [1, 0] });
    expect(answer.rows.find(({ condition }) => condition === 'OVERDUE')).toMatchObject({ due: '2023-12-31', striving: true, planned: { printed: '力争2023年12月底前' } });
    expect(answer.rows.find(({ condition }) => condition === 'NO_DEADLINE')).toMatchObject({ issueId: entityId('issue', 'E/1'), flagged: true });
  });

  it('keeps strand, annex and the path as printed, and sorts the annex behind the body', () => {
    const registered = facts.flatMap(({ event }) => (event.type === 'IssueRegistered' && event.data.orgId === orgOf('E') ? [event.data] : []));
    expect(registered.map(({ numberPath, strand, annex }) => [numberPath.join(''), strand, annex])).toContainEqual(['二、(一)1.一是', '专项巡察', false]);
    const sorted = registered.toSorted((a, b) => (a.numberKey < b.numberKey ? -1 : 1)).map(({ numberPath }) => numberPath.join(''));
    expect(sorted).toEqual(['二、(一)1.一是', '二、(一)1.二是', '二、(一)3.四是', '附件一、1.', '附件一、2.']);
  });

  it('counts by the default policy where that is asked for', () => {
    expect(counted(figuresOf('E', '2023-05-10', '2023-05-10', 'default').issues.byBucket)).toEqual({ complete: [2, 0], longTerm: [1, 0], open: [1, 0], notDisclosed: [1, 0] });
  });
});

describe('a report of groups without status, with totals', () => {
  it('shows its groups as not disclosed, neither open nor complete, from its as-of day on', () => {
    const { issues, measures, funds } = figuresOf('S', '2025-09-10', '2026-02-04');
    expect([issues.total, counted(issues.byState), counted(issues.byBucket)]).toEqual([3, { NOT_DISCLOSED: [3, 0] }, { notDisclosed: [3, 0] }]);
    expect([measures.total, counted(measures.byState)]).toEqual([3, { NOT_DISCLOSED: [3, 0] }]);
    expect(funds.returned).toEqual({ fen: '0', unknownAmounts: 0 });
    expect(counted(figuresOf('S', '2025-09-09', '2026-02-04').issues.byState)).toEqual({ FED_BACK: [3, 0] });
  });

  it('was known to the supervising side when it was received, not when it was published', () => {
    expect(figuresOf('S', '2025-09-10', '2025-09-20').issues.total).toBe(3);
    expect(figuresOf('S', '2025-09-10', '2025-09-20').declared.map(({ key, value }) => [key, value])).toContainEqual(['issues.total', '62']);
    expect(() => figuresOf('S', '2025-09-10', '2025-09-19')).not.toThrow();
    expect(figuresOf('S', '2025-09-10', '2025-09-19').issues.total).toBe(0);
  });

  it('keeps totals that no item bears: 62 against 3, 117 of 131 measures, a sum of money, two parts of one figure', () => {
    expect(found('S', '2026-02-04')).toEqual([
      ['issues.total', 'count', '62', '3', '-59'], ['issues.state.DONE_REPORTED', 'count', '50', '0', '-50'], ['measures.total', 'count', '131', '3', '-128'],
      ['measures.done', 'unverifiable', '117', null, null], ['funds.returned', 'count', '8010000', '0', '-8010000'],
      [expect.stringMatching(/^institutions\.created/), 'unverifiable', '13', null, null], [expect.stringMatching(/^institutions\.created/), 'unverifiable', '20', null, null],
    ]);
    const keys = figuresOf('S', '2025-09-10', '2026-02-04').declared.filter(({ key }) => key.startsWith('institutions.created'));
    expect(keys).toHaveLength(2);
    expect(new Set(keys.map(({ value }) => value))).toEqual(new Set(['13', '20']));
  });

  it('counts a group with its lead alone; the assisting organisation has none', () => {
    expect(figuresOf('S/metro', '2025-09-10', '2026-02-04').issues.total).toBe(0);
  });
});
