// Goal: an epoch is begun once, however many ask for it, also where one process was stopped on the way.
// Method: store, fence and epochs of several processes on one database, one of them held up at a chosen step.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createEventCodec, type EventStore } from '@rectrail/event-store';
import { freshStream, requestOf } from '@rectrail/event-store/testing';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { instantOfMs, type Actor, type Clock } from '@rectrail/kernel';
import { createLogger, openDatabase, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { rootOf, treeHashBytes, type TreeHash } from '@rectrail/transparency';
import { Epochs } from './epochs.ts';
import { leavesOfStore } from './kept-tree.ts';
import { LogFence } from './log-fence.ts';
import { SealedLog } from './sealed-log.ts';

const clock: Clock = { now: () => instantOfMs(Date.now()) };
const actor: Actor = { orgId: null, role: 'administrator', subject: 'spec', assurance: 'local-token' };
const request = { actor, correlationId: 'spec', reason: '数据盘损坏' };
const none = (): Promise<void> => Promise.resolve();

let test: TestDatabase;
let opened: AsyncDisposableStack;
let store: PostgresEventStore;

interface Process {
  readonly fence: LogFence;
  readonly epochs: Epochs;
  readonly sealed: SealedLog;
  readonly database: Database;
  /** Once the fence hears of other processes. */
  readonly hears: Promise<undefined>;
}

/** What the process waits for before it asks where the log ends, and before it gives the epoch its name. */
const startProcess = async ({ beforeHead = none, beforeNaming = none } = {}): Promise<Process> => {
  const pool = await openDatabase({ url: test.url, connectionsMax: 5, onError: () => undefined });
  opened.defer(() => pool.close());
  const { promise: hears, resolve: heard } = Promise.withResolvers<undefined>();
  const database: Database = { ...pool, listen: (channel, onNotification) => pool.listen(channel, () => { onNotification(); heard(undefined); }) };
  const own = await PostgresEventStore.open({ connectionString: test.url });
  opened.defer(() => own.close());
  const engine: EventStore = {
    capabilities: own.capabilities, append: (append) => own.append(append), identity: () => own.identity(), head: () => beforeHead().then(() => own.head()),
    findCommand: (id) => own.findCommand(id), readStream: (id, options) => own.readStream(id, options), readStreams: (ids, upTo) => own.readStreams(ids, upTo),
    readAll: (options) => own.readAll(options), subscribeAll: (options) => own.subscribeAll(options), close: () => own.close(),
  };
  const log = { identity: await own.identity(), sealed: await SealedLog.open(database), leavesOf: leavesOfStore(own), head: async () => (await own.head()).position };
  const newestEpoch = (): Promise<number> => own.newestEpoch();
  const fence = await LogFence.open({ database, log, newestEpoch, logger: createLogger({ level: 'silent' }) });
  opened.defer(() => fence.close());
  const beginEpoch = (epoch: number): Promise<void> => beforeNaming().then(() => own.beginEpoch(epoch));
  const epochs = new Epochs({ engine, codec: createEventCodec(trackingEventDefinitions), clock, log, fence, newestEpoch, beginEpoch });
  return { fence, epochs, sealed: log.sealed, database, hears };
};
const begun = async (): Promise<readonly unknown[]> => (await store.readAll({ filter: { types: ['EpochBegun'] } })).events.map(({ position, content }) => [position, (JSON.parse(content) as { data: { epoch: number } }).data.epoch]);

beforeEach(async () => {
  test = await createTestDatabase();
  opened = new AsyncDisposableStack();
  store = await PostgresEventStore.open({ connectionString: test.url });
  opened.defer(() => store.close());
  await store.append(requestOf([{ stream: freshStream(), says: ['一', '二', '三'] }]));
});
afterEach(async () => {
  await opened.disposeAsync();
  await test.drop();
});

describe('an epoch', () => {
  it('is begun once where two processes are asked for it, however far the second one was when the first was done', async () => {
    const first = await startProcess();
    const second = await startProcess({ beforeHead: async () => { if ((await store.newestEpoch()) === 1) await first.epochs.begin(request); } });
    await first.fence.see([{ epoch: 1, size: 9, root: null, by: 'operator' }]);
    const answer = await second.epochs.begin(request);
    expect(await begun()).toEqual([[4, 2]]);
    expect(answer).toMatchObject({ epoch: 2, position: 4, previous: { epoch: 1, size: 3 }, reason: request.reason });
    await expect(first.epochs.begin(request)).rejects.toMatchObject({ code: 'epoch-not-due' });
    expect(second.fence.standing.state).toBe('superseded');
  });

  it('is begun once where many ask at the same time', async () => {
    const processes = await Promise.all([1, 2, 3].map(() => startProcess()));
    await processes[0]!.fence.see([{ epoch: 1, size: 9, root: null, by: 'operator' }]);
    const answers = await Promise.allSettled(processes.flatMap(({ epochs }) => [epochs.begin(request), epochs.begin(request)]));
    for (const answer of answers) expect(answer.status === 'fulfilled' ? answer.value : answer.reason).toMatchObject(answer.status === 'fulfilled' ? { epoch: 2, position: 4 } : { code: 'epoch-not-due' });
    expect(await begun()).toEqual([[4, 2]]);
  });

  it('whose first event was written before a crash is gone on with, and nothing is written meanwhile', async () => {
    const crashed = await startProcess({ beforeNaming: () => Promise.reject(new Error('killed')) });
    await crashed.fence.see([{ epoch: 1, size: 9, root: null, by: 'operator' }]);
    await expect(crashed.epochs.begin(request)).rejects.toThrow('killed');
    const next = await startProcess();
    expect(next.fence.standing.state).toBe('behind');
    await expect(next.fence.assertOpen()).rejects.toMatchObject({ code: 'log-read-only' });
    expect(await next.epochs.begin({ ...request, reason: '再来一次' })).toMatchObject({ epoch: 2, position: 4, reason: request.reason });
    expect(await begun()).toEqual([[4, 2]]);
    expect(await store.newestEpoch()).toBe(2);
  });
});

describe('the database of a process', () => {
  it('may be another copy once connections were lost, those that nobody was using too: nothing of the tree is remembered then', async () => {
    const { sealed, database, hears } = await startProcess();
    await hears;
    const putTile = (byte: number): Promise<unknown> =>
      database.query('insert into rectrail_transparency.tile (level, index, hashes) values (0, 0, $1) on conflict (level, index) do update set hashes = excluded.hashes', [Buffer.alloc(2 * treeHashBytes, byte)]);
    const rootHere = (): Promise<TreeHash> => rootOf(2, sealed.hashes(2));
    await putTile(1);
    const before = await rootHere();
    await putTile(2);
    expect(await rootHere()).toEqual(before);
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
    for (let looks = 0; looks < 500 && (await rootHere()).equals(before); looks += 1) await sleep(20);
    expect(await rootHere()).toEqual(await rootOf(2, (await SealedLog.open(database)).hashes(2)));
  });
});
