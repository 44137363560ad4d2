// Goal: a broken ledger is refused with all its faults, each with its line, key and pointer, and nothing is stored.
// Method: one fault a ledger, read or imported as a dry run, and a ledger with many at once.
import { describe, expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { instant, type Instant } from '@rectrail/kernel';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { CommandRejected, type RejectionPlace } from '../command-rejected.ts';
import { createImportService } from './ledger-import.ts';

type Row = Readonly<Record<string, unknown>>;
const header: Row = {
  kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'report-1', title: '整改通报', publishedOn: '2025-05-20', defaults: { organisation: 'A', inspection: 'insp' },
};
const organisation: Row = { kind: 'organisation', key: 'A', code: 'A', name: '甲局', level: 'bureau' };
const inspection: Row = { kind: 'inspection', key: 'insp', inspectionKind: 'XUNCHA', title: '巡察', feedback: { on: '2025-01-10' } };
const issue: Row = { kind: 'issue', key: 'i1', numberPath: ['1.'], title: '问题' };
const status: Row = { kind: 'status', key: 's1', issue: 'i1', state: 'DONE_REPORTED', on: '2025-03' };

const clock = { now: (): Instant => instant('2025-06-01T08:00:00Z') };
const line = (row: Row | string): string => (typeof row === 'string' ? row : JSON.stringify(row));

const faultsOf = async (...rows: readonly (Row | string)[]): Promise<readonly RejectionPlace[]> => {
  const store = new MemoryEventStore(clock);
  const runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: [] });
  const imports = createImportService({ runner, store, zone: 'Asia/Shanghai', lookups: { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() } });
  const request = { commandId: newCommandId(clock.now()), correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 's', assurance: 'local-token' as const }, complete: false };
  try {
    await imports.run({ ...request, ledger: [rows.map(line).join('\n')], dryRun: false });
    return [];
  } catch (error) {
    if (!(error instanceof CommandRejected)) throw error;
    expect(error.code).toBe('ledger-invalid');
    expect((await store.head()).position).toBe(0);
    return error.errors;
  }
};

const good: readonly Row[] = [header, organisation, inspection, issue, status];

it('takes the ledger on which the faults below are tried', async () => {
  expect(await faultsOf(...good)).toEqual([]);
});

describe('one fault', () => {
  it.each<[string, readonly (Row | string)[], Partial<RejectionPlace>]>([
    ['no JSON in the last row', [...good, '{"kind": "issue", '], { line: 6, pointer: '', code: 'malformed-json' }],
    ['no header', [organisation], { line: 1, pointer: '/kind', code: 'header-missing' }],
    ['an empty file', [''], { line: 1, code: 'header-missing' }],
    ['another format', [{ ...header, format: 'rectrail.ledger/9' }], { line: 1, pointer: '/format', code: 'invalid-value' }],
    ['an unknown kind', [...good, { kind: 'isue', key: 'x' }], { line: 6, key: 'x', pointer: '/kind', code: 'unknown-kind' }],
    ['an unknown field', [...good, { ...issue, key: 'i2', titel: 'x' }], { line: 6, key: 'i2', pointer: '/titel', code: 'unknown-field' }],
    ['a wrong type', [...good, { ...issue, key: 'i2', numberPath: '1.' }], { line: 6, key: 'i2', pointer: '/numberPath', code: 'invalid-value' }],
    ['a field left out', [...good, { kind: 'issue', key: 'i2', numberPath: ['2.'] }], { line: 6, key: 'i2', pointer: '/title', code: 'invalid-value' }],
    ['a duplicate key', [...good, { ...status, issue: 'i1' }], { line: 6, key: 's1', pointer: '/key', code: 'duplicate-key' }],
    ['a telephone number in a key', [...good, { ...issue, key: 'i-13800138000' }], { line: 6, pointer: '/key', code: 'personal-data-in-text' }],
    ['an e-mail address in a key', [...good, { ...issue, key: 'zhang.san@ningbo.gov.cn' }], { line: 6, pointer: '/key', code: 'personal-data-in-text' }],
    ['an unknown key', [...good, { ...status, key: 's2', issue: 'i9' }], { line: 6, key: 's2', pointer: '/issue', code: 'unknown-key' }],
    ['an unknown key in a list', [...good, { kind: 'measure', key: 'm', issues: ['i1', 'i9'], title: '措施' }], { line: 6, key: 'm', pointer: '/issues/1', code: 'unknown-key' }],
    ['an unknown key inside a residual', [...good.slice(0, 4), { ...status, residuals: [{ key: '①', printed: '①', measure: 'm9' }] }], { line: 5, pointer: '/residuals/0/measure', code: 'unknown-key' }],
    ['an unknown default', [{ ...header, defaults: { organisation: 'Z', inspection: 'insp' } }, organisation, inspection], { line: 1, pointer: '/defaults/organisation', code: 'unknown-key' }],
    ['nothing to take an owner from', [{ ...header, defaults: {} }, organisation, { ...inspection, organisation: 'A' }, { ...issue, organisation: 'A' }], { line: 4, key: 'i1', pointer: '/inspection', code: 'missing-field' }],
    ['an impossible date', [...good, { ...status, key: 's2', on: '2025-02-30' }], { line: 6, key: 's2', pointer: '/on', code: 'impossible-date' }],
    ['an impossible date with its words', [...good, { ...status, key: 's2', on: { value: '2025-13', printed: '13月' } }], { line: 6, key: 's2', pointer: '/on/value', code: 'impossible-date' }],
    ['an unknown field in a date', [...good, { ...status, key: 's2', on: { value: '2025-03', edg: 'on' } }], { line: 6, pointer: '/on/edg', code: 'unknown-field' }],
    ['a document of tomorrow', [{ ...header, publishedOn: '2025-06-02' }], { line: 1, pointer: '/publishedOn', code: 'future-source-date' }],
    ['a document received tomorrow', [{ ...header, receivedOn: '2025-06-02' }], { line: 1, pointer: '/receivedOn', code: 'future-source-date' }],
    ['a status dated after its document', [...good, { ...status, key: 's2', on: '2025-06' }], { line: 6, key: 's2', pointer: '/on', code: 'date-after-source' }],
    ['a report as of a day after its publication', [...good, { kind: 'report', key: 'r', title: '通报', asOf: '2025-05-21' }], { line: 6, key: 'r', pointer: '/asOf', code: 'date-after-source' }],
    ['a status dated after its document was received', [{ ...header, receivedOn: '2025-03-10' }, ...good.slice(1, 4), { ...status, on: '2025-04' }], { line: 5, key: 's1', pointer: '/on', code: 'date-after-source' }],
    ['a report as of a day after it was received', [{ ...header, receivedOn: '2025-03-31' }, ...good.slice(1), { kind: 'report', key: 'r', title: '通报', asOf: '2025-04-01' }],
      { line: 6, key: 'r', pointer: '/asOf', code: 'date-after-source' }],
    ['a report published after its document', [...good, { kind: 'report', key: 'r', title: '通报', publishedOn: '2025-05-21' }], { line: 6, key: 'r', pointer: '/publishedOn', code: 'date-after-source' }],
    ['a file of another kind', ['import { x } from "y";', 'export const z = 1;'], { line: 1, pointer: '', code: 'malformed-json' }],
    ['a list of records without a header', [issue, status], { line: 1, pointer: '/kind', code: 'header-missing' }],
    ['an undated status as of a day before the feedback', [...good.slice(0, 4), { kind: 'report', key: 'r', title: '通报', asOf: '2025-01-09' }, { ...status, on: undefined }], { line: 6, code: 'as-of-before-feedback' }],
    ['negative money', [...good, { kind: 'funds', key: 'f', event: 'RECOVERED', fundsKind: 'ALLOWANCE', money: { fen: '-100' } }], { line: 6, key: 'f', pointer: '/money/fen', code: 'invalid-value' }],
    ['a telephone number in a title', [...good, { ...issue, key: 'i2', title: '联系电话0574-87654321' }], { line: 6, key: 'i2', pointer: '/title', code: 'personal-data-in-text' }],
    ['a status without a state that says STATED', [...good, { ...status, key: 's2', state: null, disclosure: 'STATED' }], { line: 6, pointer: '/state', code: 'missing-field' }],
    ['a policy that leaves issues without a bucket', [...good, { kind: 'policy', key: 'p', name: '口径', buckets: [{ when: { state: ['VERIFIED'] }, bucket: 'complete' }] }], { line: 6, key: 'p', pointer: '/buckets', code: 'policy-not-total' }],
  ])('%s is refused at its place', async (_, rows, place) => {
    expect(await faultsOf(...rows)).toEqual([expect.objectContaining(place)]);
  });

  it('bytes that are no UTF-8 are refused at their line', async () => {
    const store = new MemoryEventStore(clock);
    const runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: [] });
    const imports = createImportService({ runner, store, zone: 'Asia/Shanghai', lookups: { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() } });
    const bytes = [new TextEncoder().encode(`${JSON.stringify(header)}\n`), Uint8Array.from([0x22, 0xff, 0xfe, 0x22, 0x0a])];
    const attempt = imports.run({
      commandId: newCommandId(clock.now()), correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 's', assurance: 'local-token' }, ledger: bytes, dryRun: true, complete: false,
    });
    await expect(attempt).rejects.toMatchObject({ code: 'ledger-invalid', errors: [{ line: 2, code: 'not-utf-8' }] });
  });
});

describe('many faults', () => {
  it('are told together, in the order of lines', async () => {
    const faults = await faultsOf(...good, { ...issue, key: 'i2', title: '' }, 'x', { ...status, key: 's2', on: '2025-02-30', state: 'NO_SUCH' });
    expect(faults.map(({ line: at, pointer, code }) => [at, pointer, code])).toEqual([
      [6, '/title', 'invalid-value'], [7, '', 'malformed-json'], [8, '/state', 'invalid-value'], [8, '/on', 'impossible-date'],
    ]);
  });

  it('are told up to a hundred', async () => {
    expect(await faultsOf(header, ...Array.from({ length: 150 }, (_, n) => ({ kind: 'issue', key: `i${n}` })))).toHaveLength(100);
  });
});
