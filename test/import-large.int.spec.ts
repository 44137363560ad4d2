// Goal: 10,000 issues import in one go in bounded memory, while others go on appending; the same file again and its undo work at that size.
// Method: a generated ledger (40,000 events) against PostgreSQL, with a writer beside it whose waits are measured.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createEventCodec, CommandRunner, newCommandId } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { instantOfMs, streamId, type Actor, type Instant } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { createImportService, type ImportProgress, type ImportResult, type ImportService } from '@rectrail/tracking-app';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';

const issues = 10_000;
/** Above what the process holds before, garbage not yet collected included (about 450 seen); the ledger itself has 5 MB, its contents in the log 36 MB. */
const memoryGrowthMbMax = 768;
/** No speed is measured here: a live command that waited longer would have waited for the whole import, on however busy a machine. */
const liveWaitMsMax = 15_000;
const administrator: Actor = { orgId: null, role: 'administrator', subject: 'importer', assurance: 'local-token' };
const clock = { now: (): Instant => instantOfMs(Date.now()) };

let database: TestDatabase;
let store: PostgresEventStore;
let runner: CommandRunner;
let imports: ImportService;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await PostgresEventStore.open({ connectionString: database.url });
  runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: ['org-tree-'] });
  const lookups = { dependents: () => Promise.resolve([]), trees: () => Promise.resolve([]), catchUp: () => Promise.resolve() };
  imports = createImportService({ runner, store, lookups, zone: 'Asia/Shanghai' });
});

afterAll(async () => {
  await store.close();
  await database.drop();
});

function* ledger(): Generator<string> {
  const line = (record: object): string => `${JSON.stringify(record)}\n`;
  yield line({ kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'large', title: '大台账', publishedOn: '2025-05-20', defaults: { organisation: 'A', inspection: 'insp' } });
  yield line({ kind: 'organisation', key: 'A', code: 'A', name: '甲局', level: 'bureau' });
  yield line({ kind: 'inspection', key: 'insp', inspectionKind: 'XUNCHA', title: '巡察', feedback: { on: '2025-01-10' } });
  for (let n = 1; n <= issues; n++) {
    yield line({ kind: 'issue', key: `i${n}`, numberPath: ['二、', `${n}.`], title: `问题${n}` });
    yield line({ kind: 'status', key: `i${n}/status`, issue: `i${n}`, state: 'DONE_REPORTED', printedStatus: '已完成', on: '2025-03' });
    yield line({ kind: 'measure', key: `i${n}/measure`, issues: [`i${n}`], title: `措施${n}` });
  }
}

const importIt = (onProgress?: (progress: ImportProgress) => void): Promise<ImportResult> => imports.run({
  commandId: newCommandId(clock.now()), correlationId: 'large', actor: administrator, ledger: ledger(), dryRun: false, complete: false, ...(onProgress !== undefined && { onProgress }),
});

/** Appends one event after the other until told to stop; answers with the longest wait. */
const liveWriter = () => {
  const stopping = new AbortController();
  const written = (async () => {
    let longestMs = 0;
    let events = 0;
    while (!stopping.signal.aborted) {
      const before = performance.now();
      await runner.run({ commandId: newCommandId(clock.now()), correlationId: 'live' }, (unit) => {
        unit.stage(streamId('working-calendar'), [{
          event: { type: 'CalendarYearSet', data: { year: 2025, workingDays: ['2025-01-02'] } }, actor: administrator, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'public',
        }]);
        return Promise.resolve();
      });
      longestMs = Math.max(longestMs, performance.now() - before);
      events += 1;
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return { longestMs, events };
  })();
  return { stop: () => { stopping.abort(); return written; } };
};

it('imports 10,000 issues in one append, in bounded memory, beside live commands', async () => {
  const before = process.memoryUsage.rss();
  let highest = before;
  const phases = new Set<string>();
  const live = liveWriter();
  const result = await importIt(({ phase }) => {
    phases.add(phase);
    highest = Math.max(highest, process.memoryUsage.rss());
  });
  const { longestMs, events } = await live.stop();
  expect(result).toMatchObject({ events: 40_004, rows: { total: 30_002, new: 30_002 } });
  expect([...phases]).toEqual(['reading', 'planning', 'appending']);
  expect((highest - before) / 2 ** 20).toBeLessThan(memoryGrowthMbMax);
  expect(longestMs).toBeLessThan(liveWaitMsMax);
  expect((await store.head()).position).toBe(40_004 + events);

  const head = (await store.head()).position;
  expect(await importIt()).toMatchObject({ importId: null, rows: { unchanged: 30_002 } });
  expect((await store.head()).position).toBe(head);

  const undone = await imports.undo({ commandId: newCommandId(clock.now()), correlationId: 'undo', actor: administrator, importId: result.importId!, reason: '误导入', withDependents: false, dryRun: false });
  expect(undone).toMatchObject({ retracted: 40_004, dependents: 0 });
});
