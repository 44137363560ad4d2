// Goal: a process takes no older word about the log for a newer one, and misses none because the database was away when it came.
// Method: a database that answers when told to.
import { describe, expect, it } from '@jest/globals';
import { createLogger, type Database } from '@rectrail/platform';
import { newNoteKey, noteSigner, signCheckpoint } from '@rectrail/transparency';
import { LogFence, type LogFenceOptions } from './log-fence.ts';
import { epochSeenMax, sightingOf } from './sightings.ts';

const sighting = { epoch: 1, size: 9, root: null, by: 'operator', reason: 'shorter' };

/** Holds what contradicts the log; `answer` stands between a look and what it finds. */
class ScriptedDatabase {
  rows: readonly object[] = [];
  answer: (rows: readonly object[]) => Promise<readonly object[]> = (rows) => Promise.resolve(rows);
  notify: () => void = () => undefined;

  readonly query = async (): Promise<{ rows: readonly object[] }> => ({ rows: await this.answer(this.rows) });

  readonly listen = (_channel: string, onNotification: () => void): { close(): Promise<void> } => {
    this.notify = onNotification;
    return { close: () => Promise.resolve() };
  };
}

const open = async (database: ScriptedDatabase): Promise<LogFence> => LogFence.open({
  database: database as unknown as Database, log: { identity: { logId: 'x', epoch: 1 }, sealed: { forget: () => undefined } } as unknown as LogFenceOptions['log'], newestEpoch: () => Promise.resolve(1),
  logger: createLogger({ level: 'silent' }), retryMs: 1,
});

describe('the fence of the log', () => {
  it('is not opened by a look that began before it was closed and ends later', async () => {
    const database = new ScriptedDatabase();
    const fence = await open(database);
    const [begun, held] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    database.answer = async (rows) => { begun.resolve(undefined); await held.promise; return rows; };
    const slow = fence.refresh();
    await begun.promise;
    database.rows = [sighting];
    database.answer = (rows) => Promise.resolve(rows);
    const quick = fence.refresh();
    setImmediate(() => { held.resolve(undefined); });
    await Promise.all([slow, quick]);
    expect(fence.standing.state).toBe('behind');
    await expect(fence.assertOpen()).rejects.toMatchObject({ code: 'log-read-only' });
    await fence.close();
  });

  it('is looked at again where the database was away when word came', async () => {
    const database = new ScriptedDatabase();
    const fence = await open(database);
    database.rows = [sighting];
    let failures = 3;
    database.answer = (rows) => (failures-- > 0 ? Promise.reject(new Error('away')) : Promise.resolve(rows));
    database.notify();
    while (fence.standing.state === 'open' && failures > -1) await new Promise(setImmediate);
    expect(fence.standing.state).toBe('behind');
    await fence.close();
  });
});

describe('what was seen', () => {
  const noteOf = (epoch: number): string => {
    const origin = `rectrail/00000000-0000-4000-8000-000000000000/${epoch}`;
    return signCheckpoint({ origin, size: 1, root: Buffer.alloc(32) }, [noteSigner(newNoteKey(origin).secret)]);
  };

  it('leaves epochs to begin behind it: by a number beyond them the log would be closed for good', () => {
    expect(sightingOf(noteOf(epochSeenMax), 'witness')).toMatchObject({ epoch: epochSeenMax, size: 1 });
    for (const by of ['witness', 'operator'] as const) expect(() => sightingOf(noteOf(999_999_999), by)).toThrow(/which no log comes to/);
  });
});
