// Goal: whatever a ledger holds is taken or refused at its place; no row that its schema takes fails at the schema of an event.
// Method: a ledger with every kind and every field; texts, numbers and lists in it are replaced by what lies at and beyond limits, then imported as a dry run.
import { expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { instant, type Instant } from '@rectrail/kernel';
import { retractedEventsMax, trackingEventDefinitions } from '@rectrail/tracking-domain';
import fc from 'fast-check';
import { CommandRejected } from '../command-rejected.ts';
import { createImportService } from './ledger-import.ts';
import { recordSchemas } from './ledger-schema.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Row = { readonly [name: string]: Json };

const clock = { now: (): Instant => instant('2025-06-01T08:00:00Z') };
const june: Row = { value: '2025-06', printed: '6月底前', edge: 'byEndOf', commitment: 'striving', yearInferred: true };
const quantity: Row = { value: '47.5', unit: '个', qualifier: 'over', cumulative: true };
const money: Row = { fen: '5441000', printed: '54410元', printedPrecisionFen: '100', approx: true };

const full: readonly Row[] = [
  {
    kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'report-1', title: '整改通报', publishedOn: '2025-05-20', receivedOn: '2025-05-19', url: 'https://example.cn/1', classification: 'internal',
    defaults: { organisation: 'A', inspection: 'insp', report: 'rep' },
  },
  { kind: 'organisation', key: 'A', code: 'A', name: '甲局', level: 'bureau', parent: null },
  { kind: 'organisation', key: 'B', code: 'B', name: '乙处', level: 'unit', parent: 'A' },
  {
    kind: 'inspection', key: 'insp', inspectionKind: 'XUNCHA', types: ['SPECIAL'], title: '巡察', committee: '某委', topic: '专题', term: '七届', round: 5, team: '第三组', specialChecks: ['选人用人'],
    fieldwork: { start: '2024-09', end: '2024-11' }, feedback: { on: '2025-01-10', recommendations: 3 }, previous: 'old',
  },
  { kind: 'inspection', key: 'old', inspectionKind: 'XUNCHA', title: '上轮', feedback: { on: '2020-01-10' } },
  { kind: 'plan', key: 'plan', title: '方案', issues: ['i1'], approvedBy: ['党组'], on: '2025-02' },
  { kind: 'report', key: 'rep', title: '通报', asOf: '2025-05-01', asOfPrinted: '截至目前', publishedOn: '2025-05-20', inspections: ['insp'] },
  {
    kind: 'policy', key: 'policy', name: '口径', from: '2025-01-10', approvers: ['党组'], dueSoon: { days: 20, unit: 'working' },
    buckets: [{ when: { state: ['DONE_REPORTED'], track: ['TIMED'], disclosure: ['STATED'], basis: ['RECTIFIED'], openDatedResidual: true }, bucket: 'complete' }, { when: {}, bucket: 'open' }],
  },
  { kind: 'issue', key: 'i1', numberPath: ['二、', '(一)', '1.', '一是'], aspect: '方面', heading: '标题', title: '问题', strand: '专项', annex: true, track: 'LONG_TERM', assisting: ['B'] },
  { kind: 'issue', key: 'i2', numberPath: ['1.'], title: '问题二' },
  {
    kind: 'status', key: 'i1/s', issue: 'i1', state: 'BASICALLY_DONE', track: 'TIMED', printedStatus: '基本完成', on: '2025-03', continuation: 'KEEP_PUSHING', continuationPrinted: '持续推进',
    residuals: [{ key: '①', printed: '①计划6月底前完成', planned: june, measure: 'm' }], completionBasis: 'TRANSFERRED',
  },
  { kind: 'measure', key: 'm', issues: ['i1', 'i2'], marker: '①', title: '措施', state: 'IN_PROGRESS', printedStatus: '推进中', planned: june, on: '2025-03' },
  { kind: 'deadline', key: 'd', issue: 'i1', planned: june, on: '2025-02-01' },
  { kind: 'nextStep', key: 'n', issue: 'i1', text: '下一步', planned: june },
  { kind: 'progress', key: 'p', issue: 'i1', text: '已开会', on: '2025-02-E' },
  { kind: 'continuation', key: 'c', issue: 'i1', continuation: 'FOLLOW_UP', text: '跟踪', until: '2026' },
  { kind: 'subFindings', key: 'sub', issue: 'i1', found: 375, fixed: 374, unit: '个', categories: 6 },
  { kind: 'recurrence', key: 'r', issue: 'i1', previousIssue: 'i2' },
  { kind: 'duplicateIssue', key: 'dup', issue: 'i1', otherIssue: 'i2' },
  { kind: 'funds', key: 'f1', issues: ['i1'], event: 'RECOVERED', fundsKind: 'ALLOWANCE', money, voucher: '收据', on: '2024-11' },
  { kind: 'funds', key: 'f2', fundsCase: 'f1', issues: ['i1'], event: 'IDENTIFIED', fundsKind: 'OTHER', money },
  { kind: 'funds', key: 'f3', event: 'RETURNED', fundsKind: 'OTHER', money: { fen: null } },
  { kind: 'duplicate', key: 'fd', fundsCase: 'f3', otherCase: 'f1', statedBy: 'SOURCE', note: '或为同一笔' },
  {
    kind: 'figure', key: 'fig', figure: 'issues.total', basis: 'issue', figureKind: '种类', breakdown: { by: '地区', value: '甲' }, subsetOf: 'issues.all', flow: 'flow', period: '2025-Q1', ...quantity, printed: '47余个',
    scope: { organisations: ['A'], inspections: ['insp'], rounds: ['五'], inspectionTypes: ['专项'], programme: '三年行动', orgsCovered: 3, orgsInScope: 4 },
  },
  { kind: 'rate', key: 'rate', rate: 'rate.completion', basis: 'measure', value: '95.8', numerator: 'measures.done', denominator: 'measures.total', rounding: 'cut', changePoints: '-1.5', printed: '95.8%' },
  { kind: 'discrepancyNote', key: 'note', discrepancy: 'aspects', discrepancyKind: 'structure', declared: '4', found: '3', note: '标题相同' },
  { kind: 'metric', key: 'met', issue: 'i1', code: 'patrols', name: '巡查', unit: '次', direction: 'up' },
  { kind: 'observation', key: 'o', metric: 'met', ...quantity, period: '2025-H1', printed: '47次', attributes: { 地区: '甲' }, on: '2025-04' },
  { kind: 'target', key: 't', metric: 'met', ...quantity, planned: june, on: '2025-04' },
];

/** 'taken', the codes of the faults, or what must not happen: any other error. */
const outcomeOf = async (rows: readonly Json[]): Promise<string> => {
  const store = new MemoryEventStore(clock);
  const runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: [] });
  const imports = createImportService({ runner, store, zone: 'Asia/Shanghai', lookups: { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() } });
  const ledger = rows.map((row) => `${JSON.stringify(row)}\n`);
  const actor = { orgId: null, role: 'administrator', subject: 's', assurance: 'local-token' as const };
  try {
    await imports.run({ commandId: newCommandId(clock.now()), correlationId: 'spec', actor, ledger, dryRun: false, complete: false });
    return 'taken';
  } catch (error) {
    if (error instanceof CommandRejected && error.code === 'ledger-invalid') return error.errors.map(({ code }) => code).join(' ');
    throw error;
  }
};

/** Every place in a row whose content may be replaced. */
function* placesIn(value: Json, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) for (const [i, item] of (value as readonly Json[]).entries()) yield* placesIn(item, [...path, i]);
  else if (typeof value === 'object' && value !== null) for (const [name, item] of Object.entries(value)) yield* placesIn(item, [...path, name]);
}
const replaced = (value: Json, [step, ...rest]: readonly (string | number)[], by: Json): Json => {
  if (step === undefined) return by;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item, i) => (i === step ? replaced(item, rest, by) : item));
  return Object.fromEntries(Object.entries(value as Row).map(([name, item]) => [name, name === step ? replaced(item, rest, by) : item]));
};
const contentAt = (value: Json, path: readonly (string | number)[]): Json => path.reduce<Json>((inner, step) => (inner as Record<string | number, Json>)[step]!, value);

const places = full.flatMap((row, index) => [...placesIn(row)].map((path) => ({ index, path })));
const texts = fc.constantFrom(
  '', ' ', '\u0000', 'a\u0007b', '\ud83d', '长'.repeat(20), '长'.repeat(40), '长'.repeat(41), '长'.repeat(100), '长'.repeat(200), '长'.repeat(201), '长'.repeat(4_000), '长'.repeat(4_001), 'x'.repeat(200),
  '13800138000', '0574-87654321', 'a@b.cn', '33020319900101123X', '\u200b', '①', '😀', '一'.repeat(40), '9'.repeat(40), 'ftp://x.cn', `https://x.cn/${'y'.repeat(2_000)}`, 'https://x.cn/?m=a@b.cn',
  '0', '-1', '1e3', '10000000000000000000', '1.0000000001', '0000-01-01', '9999-12-31', '2025-06-30..2025-01-01', '2025', '2025-05-20', 'a'.repeat(101),
);
const numbers = fc.constantFrom(0, -1, 1.5, 366, 367, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 2);
const replacement = (content: Json): fc.Arbitrary<Json> => {
  if (Array.isArray(content)) return fc.constantFrom<Json>([], Array.from({ length: 500 }, () => (content as readonly Json[])[0] ?? '1'), Array.from({ length: 501 }, () => (content as readonly Json[])[0] ?? '1'));
  if (typeof content === 'object' && content !== null) {
    return fc.constantFrom<Json>(null, {}, Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`名${n}`, '值'])), { ['长'.repeat(41)]: '值' }, { '': '值' }, { 13800138000: '值' });
  }
  return fc.oneof<[fc.Arbitrary<Json>, fc.Arbitrary<Json>, fc.Arbitrary<Json>]>(texts, numbers, fc.constantFrom<Json>(null, true));
};
const changes = fc.constantFrom(...places).chain(({ index, path }) => replacement(contentAt(full[index] ?? {}, path)).map((by) => ({ index, path, by })));

it('the ledger on which this is tried has every kind and is taken', async () => {
  expect(new Set(full.map((row) => row['kind']))).toEqual(new Set(['ledger', ...Object.keys(recordSchemas)]));
  expect(await outcomeOf(full)).toBe('taken');
});

it('any content in any place is taken or is a fault of the ledger, never an event that cannot be written', async () => {
  const seen = new Set<string>();
  await fc.assert(fc.asyncProperty(changes, async ({ index, path, by }) => {
    seen.add(await outcomeOf(full.map((row, i) => (i === index ? replaced(row, path, by) : row))));
  }), { numRuns: 1_500 });
  expect([...seen]).toEqual(expect.arrayContaining(['taken', 'invalid-value', 'personal-data-in-text']));
});

it.each<[string, Row]>([
  ['a code that no organisation may have', { kind: 'organisation', key: 'C', code: 'c'.repeat(41), name: '丙', level: 'unit' }],
  ['an empty status', { kind: 'status', key: 'i2/s', issue: 'i2', state: 'DONE_REPORTED', printedStatus: '' }],
  ['a role with a telephone number', { kind: 'plan', key: 'p2', title: '方案', approvedBy: ['13800138000'] }],
  ['too many attributes', { kind: 'observation', key: 'o2', metric: 'met', value: '1', unit: '次', attributes: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`a${n}`, 'x'])) }],
  ['a key with a NUL', { kind: 'issue', key: 'i\u0000', numberPath: ['1.'], title: '问题' }],
])('%s is a fault', async (_, row) => {
  expect(await outcomeOf([...full, row])).not.toBe('taken');
});

it('a path of the longest printed numbers is taken', async () => {
  expect(await outcomeOf([...full, { kind: 'issue', key: 'deep', numberPath: Array.from({ length: 500 }, () => '附'.repeat(40)), title: '问题' }])).toBe('taken');
});

it('an import with more facts on one stream than one retraction names can be undone', async () => {
  const store = new MemoryEventStore(clock);
  const runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: [] });
  const imports = createImportService({ runner, store, zone: 'Asia/Shanghai', lookups: { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() } });
  const who = { correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 's', assurance: 'local-token' as const }, dryRun: false };
  const figures = Array.from({ length: retractedEventsMax }, (_, n) => ({ kind: 'figure', key: `f${n}`, figure: `figures.${n}`, basis: 'other', value: '1', unit: '个', printed: '1个' }));
  const ledger = [...full.slice(0, 5), full[6]!, ...figures].map((row) => `${JSON.stringify(row)}\n`);
  const { importId } = await imports.run({ ...who, commandId: newCommandId(clock.now()), ledger, complete: false });
  const undone = await imports.undo({ ...who, commandId: newCommandId(clock.now()), importId: importId!, reason: '误导入', withDependents: false });
  expect(undone.retracted).toBeGreaterThan(retractedEventsMax);
});
