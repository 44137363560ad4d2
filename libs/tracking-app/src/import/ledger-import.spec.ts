// Goal: imports are all or nothing, repeatable, restated row by row, and can be taken back (rules.md sections 1 to 3).
// Method: small ledgers against the memory store; the figures module says what counts before and after.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, MemoryEventStore, newCommandId } from '@rectrail/event-store';
import { day, instant, lastInstantOf, onDay, position, type Actor, type CommandId, type Fact, type FuzzyDate, type Instant, type IssueId, type OrgId, type StreamId } from '@rectrail/kernel';
import { defaultPolicy, streams, trackingEventDefinitions, type DashboardFigures, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard } from '@rectrail/tracking-domain/figures';
import type { Dependent } from '@rectrail/tracking-read';
import { CommandRejected } from '../command-rejected.ts';
import type { ImportResult, ImportService } from './import-service.ts';
import { createImportService } from './ledger-import.ts';
import { entityId } from './ledger-references.ts';

const zone = 'Asia/Shanghai';
const administrator: Actor = { orgId: null, role: 'administrator', subject: 'importer', assurance: 'local-token' };

type Row = Readonly<Record<string, unknown>>;
const header: Row = {
  kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'report-1', title: '整改通报', publishedOn: '2025-05-20', defaults: { organisation: 'A', inspection: 'insp', report: 'rep' },
};
const organisation: Row = { kind: 'organisation', key: 'A', code: 'A', name: '甲局', level: 'bureau' };
const inspection: Row = { kind: 'inspection', key: 'insp', inspectionKind: 'XUNCHA', title: '巡察', feedback: { on: '2025-01-10' } };
const report: Row = { kind: 'report', key: 'rep', title: '整改通报', asOf: '2025-05-01' };
const issue = (n: number, more: Row = {}): Row => ({ kind: 'issue', key: `issue-${n}`, numberPath: ['二、', `${n}.`], title: `问题${n}`, ...more });
const status = (n: number, state: string, more: Row = {}): Row => ({ kind: 'status', key: `issue-${n}/status`, issue: `issue-${n}`, state, printedStatus: '已完成', ...more });
const base: readonly Row[] = [header, organisation, inspection, report, issue(1), issue(2), status(1, 'DONE_REPORTED', { on: '2025-03' }), status(2, 'IN_PROGRESS')];

let store: MemoryEventStore;
let now: Instant;
let imports: ImportService;
let runner: CommandRunner;
let dependents: readonly Dependent[];
const codec = createEventCodec(trackingEventDefinitions);

beforeEach(async () => {
  now = instant('2025-06-01T08:00:00Z');
  dependents = [];
  const clock = { now: (): Instant => now };
  store = new MemoryEventStore(clock);
  runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: ['org-tree-'] });
  const lookups = {
    dependents: (refs: readonly string[]) => Promise.resolve(dependents.filter(({ to }) => refs.includes(to))),
    trees: () => Promise.resolve([]),
    catchUp: () => Promise.resolve(),
  };
  imports = createImportService({ runner, store, lookups, zone });
  await live(streams.defaultPolicy, { type: 'PolicyAdopted', data: { orgId: null, ...defaultPolicy } }, null);
});

/** What a command writes beside the imports. */
const live = (stream: StreamId, event: TrackingEvent, validTime: FuzzyDate | null, orgId: OrgId | null = null): Promise<unknown> => runner.run({ commandId: newCommandId(now), correlationId: 'live' }, (unit) => {
  unit.stage(stream, [{ event, actor: administrator, scope: { orgId }, validTime, knownTime: null, classification: 'internal' }]);
  return Promise.resolve();
});

const textOf = (rows: readonly Row[]): string[] => rows.map((row) => `${JSON.stringify(row)}\n`);
interface Options { readonly complete?: boolean; readonly dryRun?: boolean; readonly actor?: Actor; readonly commandId?: CommandId }
const run = (rows: readonly Row[] | string[], { complete = false, dryRun = false, actor = administrator, commandId = newCommandId(now) }: Options = {}): Promise<ImportResult> =>
  imports.run({ commandId, correlationId: 'spec', actor, ledger: typeof rows[0] === 'string' ? (rows as string[]) : textOf(rows as readonly Row[]), dryRun, complete });
const undo = (importId: CommandId, withDependents = false) =>
  imports.undo({ commandId: newCommandId(now), correlationId: 'spec', actor: administrator, importId, reason: '误导入', withDependents, dryRun: false });

const head = async (): Promise<number> => (await store.head()).position;
const facts = async (): Promise<readonly Fact<TrackingEvent>[]> => (await store.readAll()).events.map((stored) => codec.decode(stored) as Fact<TrackingEvent>);
const figuresAt = async (validAt: string, atPosition?: number): Promise<DashboardFigures> => {
  const cut = { atPosition: position(atPosition ?? (await head())), knownAt: lastInstantOf(zone, day('2025-12-31')), validAt: day(validAt) };
  return dashboard(await facts(), cut, { org: null, policy: null }).figures;
};
const rejection = async (attempt: Promise<unknown>): Promise<CommandRejected> => attempt.then(
  () => { throw new Error('was accepted'); },
  (error: unknown) => {
    if (error instanceof CommandRejected) return error;
    throw error;
  },
);
const counted = async (validAt = '2025-06-01'): Promise<Record<string, number>> =>
  Object.fromEntries(Object.entries((await figuresAt(validAt)).issues.byState).filter(([, { count }]) => count > 0).map(([state, { count }]) => [state, count]));

describe('a first import', () => {
  it('states each row with the times of its document', async () => {
    const result = await run(base);
    expect(result.rows).toEqual({ total: 7, new: 7, changed: 0, unchanged: 0, removed: 0 });
    expect(result.results[3]).toEqual({ line: 5, key: 'issue-1', kind: 'issue', outcome: 'new', detail: null });
    const all = await facts();
    const registered = all.find(({ event }) => event.type === 'IssueRegistered');
    expect(registered).toMatchObject({ knownTime: '2025-05-19T16:00:00.000Z', validTime: onDay(day('2025-01-10')), source: { documentId: 'report-1', publishedOn: '2025-05-20', locator: 'issue-1' } });
    const [dated, undated] = all.filter(({ event }) => event.type === 'IssueStatusStated');
    expect(dated?.validTime).toMatchObject({ first: '2025-03-01', last: '2025-03-31' });
    expect(undated?.validTime).toMatchObject({ first: '2025-01-10', last: '2025-05-01', precision: 'undated' });
    expect(all.map(({ event }) => event.type)).not.toContain('IssueCompletionReported');
  });

  it('was known when it was received, where the header says so', async () => {
    await run([{ ...header, receivedOn: '2025-05-02' }, ...base.slice(1)]);
    expect((await facts()).find(({ event }) => event.type === 'IssueRegistered')?.knownTime).toBe('2025-05-01T16:00:00.000Z');
  });

  it('records itself once, with its counts', async () => {
    const { importId } = await run(base);
    const own = (await facts()).filter(({ streamId }) => streamId === 'source-report-1');
    expect(own.map(({ event }) => event)).toEqual([{ type: 'SourceIngested', data: expect.objectContaining({ importId, rows: 7, rowsNew: 7, rowsChanged: 0, rowsRemoved: 0 }) }]);
  });

  it('writes nothing in a dry run, and says the same', async () => {
    const dry = await run(base, { dryRun: true });
    expect([dry.importId, dry.position, dry.rows.new, dry.events]).toEqual([null, null, 7, 9]);
    expect(await head()).toBe(1);
  });

  it('answers a repeated command as the first time and writes nothing again', async () => {
    const commandId = newCommandId(now);
    const first = await run(base, { commandId });
    const again = await run(base, { commandId });
    expect(again).toEqual(first);
    expect(await head()).toBe(first.position);
  });

  it('takes a text in any cut and with empty lines', async () => {
    const text = textOf(base).join('\n');
    const bytes = new TextEncoder().encode(text);
    const cuts = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.slice(i * 7, i * 7 + 7));
    const result = await imports.run({ commandId: newCommandId(now), correlationId: 'spec', actor: administrator, ledger: cuts, dryRun: false, complete: false });
    expect(result.rows.new).toBe(7);
  });
});

describe('the same document again', () => {
  it('changes nothing when it says the same', async () => {
    const first = await run(base);
    expect(await run(base)).toMatchObject({ importId: null, position: null, rows: { unchanged: 7, new: 0 } });
    expect(await head()).toBe(first.position);
  });

  it('retracts and restates a changed row as a slip, and no other', async () => {
    const first = await run(base);
    const second = await run([...base.slice(0, -1), status(2, 'BASICALLY_DONE')]);
    expect(second.rows).toEqual({ total: 7, new: 0, changed: 1, unchanged: 6, removed: 0 });
    expect(await counted()).toEqual({ DONE_REPORTED: 1, BASICALLY_DONE: 1 });
    expect((await figuresAt('2025-06-01', first.position!)).issues.byState.IN_PROGRESS.count).toBe(1);
    expect((await facts()).slice(first.position!).map(({ event }) => event.type).sort()).toEqual(['FactsRetracted', 'IssueStatusStated', 'SourceIngested']);
  });

  it('restates what it says when it was received earlier than was written', async () => {
    await run(base);
    const second = await run([{ ...header, receivedOn: '2025-05-02' }, ...base.slice(1)]);
    expect(second.rows.changed).toBe(7);
    expect(await counted()).toEqual({ DONE_REPORTED: 1, IN_PROGRESS: 1 });
  });

  it('keeps a row that it leaves out, unless the file is complete', async () => {
    await run(base);
    const shorter = base.filter((row) => row['key'] !== 'issue-2/status');
    expect((await run(shorter)).rows).toMatchObject({ unchanged: 6, removed: 0 });
    expect(await counted()).toEqual({ DONE_REPORTED: 1, IN_PROGRESS: 1 });
    const result = await run(shorter, { complete: true });
    expect(result.rows.removed).toBe(1);
    expect(result.results.at(-1)).toMatchObject({ line: null, key: 'issue-2/status', outcome: 'removed' });
    expect(await counted()).toEqual({ DONE_REPORTED: 1, FED_BACK: 1 });
  });

  it('refuses to drop an issue on which other rows still lean', async () => {
    await run(base);
    const error = await rejection(run(base.filter((row) => row['key'] !== 'issue-2'), { complete: true }));
    expect([error.code, error.errors[0]?.code]).toEqual(['ledger-invalid', 'unknown-key']);
  });
});

describe('another document', () => {
  const later: Row = { ...header, documentId: 'report-2', title: '后续通报', publishedOn: '2025-05-30' };

  it('refers to what is known, and adds a status of its own date', async () => {
    await run(base);
    const result = await run([later, organisation, inspection, issue(2), { ...report, key: 'rep-2' }, status(2, 'DONE_REPORTED', { key: 'later', on: '2025-05-28' })].map((row) =>
      (row === later ? { ...later, defaults: { organisation: 'A', inspection: 'insp', report: 'rep-2' } } : row)));
    expect(result.results.map(({ outcome, detail }) => [outcome, detail === null])).toEqual([['unchanged', false], ['unchanged', false], ['unchanged', false], ['new', true], ['new', true]]);
    expect(await counted('2025-05-27')).toEqual({ DONE_REPORTED: 1, IN_PROGRESS: 1 });
    expect(await counted('2025-05-28')).toEqual({ DONE_REPORTED: 2 });
    expect((await facts()).filter(({ event }) => event.type === 'IssueRegistered')).toHaveLength(2);
  });

  it('may name an issue by the id that a command gave it', async () => {
    await run(base);
    const id = entityId('issue', 'issue-2');
    const result = await run([{ ...later, defaults: {} }, { kind: 'status', key: 's', issue: id, state: 'DONE_REPORTED', on: '2025-05-28' }]);
    expect(result.rows.new).toBe(1);
    expect(await counted()).toEqual({ DONE_REPORTED: 2 });
  });

  it('may use a key for a thing of another kind, which is another thing', async () => {
    await run(base);
    const result = await run([later, organisation, inspection, issue(1), { kind: 'measure', key: 'issue-2', issues: ['issue-1'], title: '措施' }]
      .map((row) => (row === later ? { ...later, defaults: { organisation: 'A', inspection: 'insp' } } : row)));
    expect(result.results.at(-1)).toMatchObject({ key: 'issue-2', kind: 'measure', outcome: 'new' });
    expect((await figuresAt('2025-06-01')).measures.total).toBe(1);
  });

  it('cannot use the key of a measure or an inspection of another organisation', async () => {
    await run([...base, { kind: 'measure', key: 'm', issues: ['issue-1'], title: '措施' }]);
    const ofB = [{ ...later, defaults: { organisation: 'B', inspection: 'insp-b' } }, { ...organisation, key: 'B', code: 'B' }, { ...inspection, key: 'insp-b' }, issue(7)];
    const taken = [{ kind: 'measure', key: 'm', issues: ['issue-7'], title: '措施' }, { ...inspection, key: 'insp' }];
    const error = await rejection(run([...ofB, ...taken]));
    expect(error.errors.map(({ line, code, pointer }) => [line, code, pointer])).toEqual([[5, 'key-conflict', '/key'], [6, 'key-conflict', '/key']]);
  });

  it('cannot give an organisation that is known another code, nor a code to two', async () => {
    await run(base);
    const error = await rejection(run([{ ...later, defaults: {} }, { ...organisation, code: 'A9' }, { ...organisation, key: 'B', code: 'B' }, { ...organisation, key: 'C', code: 'B' }]));
    expect(error.errors.map(({ line, key, code, pointer }) => [line, key, code, pointer])).toEqual([[2, 'A', 'key-conflict', '/code'], [4, 'C', 'duplicate-key', '/code']]);
  });

  it('is a claim that leaves a determination standing, unless it states a relapse', async () => {
    await run(base);
    const verified = streams.issue(entityId('issue', 'issue-1') as IssueId);
    await live(verified, { type: 'IssueVerified', data: { record: '验收单', evidence: [] } }, onDay(day('2025-05-10')), entityId('organisation', 'A') as OrgId);
    const ledger = (state: string, documentId: string): readonly Row[] => [{ ...later, documentId, defaults: {} }, status(1, state, { key: `${documentId}/s`, on: '2025-05-28' })];
    await run(ledger('IN_PROGRESS', 'report-2'));
    expect(await counted()).toEqual({ VERIFIED: 1, IN_PROGRESS: 1 });
    await run(ledger('REOPENED', 'report-3'));
    expect(await counted()).toEqual({ REOPENED: 1, IN_PROGRESS: 1 });
  });

  it('cannot use the key of an issue of another inspection', async () => {
    await run(base);
    const error = await rejection(run([later, organisation, { ...inspection, key: 'insp' }, { ...inspection, key: 'other' }, issue(2, { inspection: 'other' }), { ...report, key: 'rep' }]));
    expect(error.errors).toEqual([expect.objectContaining({ line: 5, key: 'issue-2', code: 'key-conflict', pointer: '/key' })]);
  });
});

describe('undoing an import', () => {
  it('gives the figures of before, keeps the import at its position, and lets the file count again', async () => {
    const before = await figuresAt('2025-06-01');
    const first = await run(base);
    const undone = await undo(first.importId!);
    expect(undone).toMatchObject({ retracted: 9, dependents: 0 });
    expect(await figuresAt('2025-06-01')).toEqual(before);
    expect((await figuresAt('2025-06-01', first.position!)).issues.total).toBe(2);
    expect((await imports.list(administrator)).map(({ importId, undone: gone }) => [importId, gone])).toEqual([[first.importId, true]]);
    expect((await run(base)).rows.new).toBe(7);
    expect(await counted()).toEqual({ DONE_REPORTED: 1, IN_PROGRESS: 1 });
  });

  it('brings back what the import had replaced', async () => {
    await run(base);
    const before = await figuresAt('2025-06-01');
    const second = await run([...base.slice(0, -1), status(2, 'BASICALLY_DONE')]);
    await undo(second.importId!);
    expect(await figuresAt('2025-06-01')).toEqual(before);
  });

  it('does not revive rows of an import that was undone first', async () => {
    const first = await run(base);
    const second = await run([...base.slice(0, -1), status(2, 'BASICALLY_DONE')]);
    await undo(first.importId!, true);
    expect(await counted()).toEqual({});
    await undo(second.importId!);
    expect(await counted()).toEqual({});
  });

  it('is refused while a later fact builds on it, and takes it along on demand', async () => {
    const first = await run(base);
    const issueStream = streams.issue(entityId('issue', 'issue-2') as IssueId);
    const orgId = entityId('organisation', 'A') as OrgId;
    await live(issueStream, { type: 'ProgressReported', data: { text: '已开会' } }, onDay(day('2025-05-31')), orgId);
    const error = await rejection(undo(first.importId!));
    expect([error.code, error.extensions['events']]).toEqual(['built-upon', [expect.objectContaining({ type: 'ProgressReported' })]]);
    expect(await undo(first.importId!, true)).toMatchObject({ dependents: 1 });
    expect(await counted()).toEqual({});
  });

  it('asks who leans on what disappears from other streams', async () => {
    const first = await run(base);
    const measure: Dependent = { from: 'measure-x' as StreamId, to: `issue-${entityId('issue', 'issue-2')}`, eventId: newCommandId(now) as string as Dependent['eventId'], type: 'MeasurePlanned', position: position(99) };
    dependents = [measure];
    expect((await rejection(undo(first.importId!))).extensions['events']).toEqual([expect.objectContaining({ type: 'MeasurePlanned' })]);
  });

  it('happens once, and only to imports', async () => {
    const first = await run(base);
    await undo(first.importId!);
    expect((await rejection(undo(first.importId!))).code).toBe('import-undone');
    expect((await rejection(undo(newCommandId(now)))).code).toBe('unknown-import');
  });
});

describe('who may import', () => {
  const officer = (orgId: string): Actor => ({ orgId: orgId as OrgId, role: 'clerk', subject: 'x', assurance: 'local-token' });

  it('a new root is the administrator’s', async () => {
    expect((await rejection(run(base, { actor: officer(entityId('organisation', 'A')) }))).code).toBe('outside-jurisdiction');
  });

  it('a file that changes nothing is refused like any other, since its outcome tells what is stored', async () => {
    await run(base);
    await run([{ ...header, documentId: 'other', defaults: { organisation: 'B' } }, { ...organisation, key: 'B', code: 'B' }]);
    expect((await rejection(run(base, { actor: officer(entityId('organisation', 'B')), dryRun: true }))).code).toBe('outside-jurisdiction');
    expect((await run(base, { actor: officer(entityId('organisation', 'A')) })).rows.unchanged).toBe(7);
  });

  it('an organisation may speak of itself and of new ones below it, and undo that', async () => {
    await run([{ ...header, defaults: { organisation: 'A' } }, organisation, report]);
    const own = officer(entityId('organisation', 'A'));
    const result = await run([{ ...header, documentId: 'own', defaults: { organisation: 'A', inspection: 'insp' } }, { kind: 'organisation', key: 'A1', code: 'A1', name: '甲一处', level: 'unit', parent: 'A' }, inspection, issue(1, { organisation: 'A1' })], { actor: own });
    expect(result.rows.new).toBe(3);
    expect(await imports.list(own)).toHaveLength(2);
    expect(await imports.list(officer(entityId('organisation', 'A1')))).toHaveLength(0);
    expect((await rejection(imports.undo({
      commandId: newCommandId(now), correlationId: 'spec', actor: officer(entityId('organisation', 'A1')), importId: result.importId!, reason: 'x', withDependents: false, dryRun: false,
    }))).code).toBe('outside-jurisdiction');
  });
});
