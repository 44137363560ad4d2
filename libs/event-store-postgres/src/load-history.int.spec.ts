// Goal: a loaded history is what appends would have left, a faulty or interrupted one leaves nothing. Method: the same requests appended
// to one log and loaded into another, the tables compared column by column; histories broken in one place each.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { instantOfMs, msOfInstant, position, streamId, streamVersion, type CommandId } from '@rectrail/kernel';
import { canonicalJson, contentSha256, deriveEventId, type AppendRequest } from '@rectrail/event-store';
import { freshCommand, freshStream, purgeOf, readToEnd, requestOf } from '@rectrail/event-store/testing';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import fc from 'fast-check';
import pg from 'pg';
import { HistoryRefused, type HistoryEvent } from './load-history.ts';
import { PostgresEventStore } from './postgres-event-store.ts';

/** In batches of any size, the empty ones included. */
async function* inBatches(events: readonly HistoryEvent[], size = 3): AsyncGenerator<readonly HistoryEvent[]> {
  yield [];
  for (let from = 0; from < events.length; from += size) yield await Promise.resolve(events.slice(from, from + size));
}

const some = fc.record({
  streams: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
  events: fc.integer({ min: 1, max: 5 }),
  fingerprint: fc.option(fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\0', ''))),
  text: fc.oneof({ weight: 20, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) }, { weight: 1, arbitrary: fc.constant('长'.repeat(200_000)) }),
});
type Some = typeof some extends fc.Arbitrary<infer T> ? T : never;

const requests = (appends: readonly Some[]): readonly AppendRequest[] => appends.map(({ streams, events, fingerprint, text }) => {
  const commandId = freshCommand();
  const says = (i: number) => Array.from({ length: events }, (_, n) => {
    const eventId = deriveEventId(commandId, i * events + n);
    return { eventId, type: n % 2 === 0 ? 'Said' : 'Whispered', content: canonicalJson({ eventId, data: { text } }) };
  });
  return { commandId, ...(fingerprint !== null && { fingerprint }), entries: streams.map((stream, i) => ({ streamId: streamId(`issue-${stream}`), expectedVersion: 'any', events: says(i) })) };
});

describe('loadHistory', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let schemas = 0;
  beforeAll(async () => {
    database = await createTestDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  afterAll(async () => { await admin.end(); await database.drop(); });

  const withLog = async <T>(use: (store: PostgresEventStore, schema: string) => Promise<T>): Promise<T> => {
    const schema = `log_${++schemas}`;
    const store = await PostgresEventStore.open({ connectionString: database.url, schema, readersMax: 2 });
    try {
      return await use(store, schema);
    } finally {
      await store.close();
    }
  };

  const appended = async (store: PostgresEventStore, all: readonly AppendRequest[]): Promise<readonly HistoryEvent[]> => {
    const commands: Pick<HistoryEvent, 'commandId' | 'fingerprint'>[] = [];
    for (const request of all) {
      const { first, last } = await store.append(request);
      const { commandId, fingerprint } = request;
      for (let at = first; at <= last; at++) commands.push({ commandId, ...(fingerprint !== undefined && { fingerprint }) });
    }
    return (await readToEnd(store)).map((event, i) => ({ ...event, ...commands[i]! }));
  };

  const tables = async (schema: string): Promise<unknown> => ({
    events: (await admin.query(`select position, recorded_ms, stream_no, version, type, content from ${schema}.events order by position`)).rows,
    streams: (await admin.query(`select * from ${schema}.streams order by stream_no`)).rows,
    commands: (await admin.query(`select * from ${schema}.commands order by first_position`)).rows,
    triggers: (await admin.query(`select tgrelid::regclass::text like '%.events' as of_events, tgenabled from pg_trigger where tgname = 'append_only' and tgrelid::regclass::text like '${schema}.%' order by tgrelid`)).rows,
    next: (await admin.query(`select nextval(pg_get_serial_sequence('${schema}.streams', 'stream_no'))`)).rows,
  });

  const bytes = async (schema: string): Promise<number> =>
    Number((await admin.query<{ size: string }>(`select sum(pg_relation_size(format('${schema}.%I', t)::regclass)) as size from unnest(array['events', 'streams', 'commands']) t`)).rows[0]?.size);

  it('leaves the rows that appends would have left', async () => {
    await fc.assert(fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 9 }), async (appends, size) => {
      await withLog(async (written, writtenSchema) => withLog(async (loaded, loadedSchema) => {
        const history = await appended(written, requests(appends));
        const commands = new Set(history.map((event) => event.commandId)).size;
        const streams = new Set(history.map((event) => event.streamId)).size;
        expect(await loaded.loadHistory(inBatches(history, size))).toEqual({ events: history.length, streams, commands });
        expect(await readToEnd(loaded)).toEqual(await readToEnd(written));
        expect(await tables(loadedSchema)).toEqual(await tables(writtenSchema));
      }));
    }), { numRuns: 25 });
  });

  it('a history with a purged content, which stays purged', async () => {
    await withLog(async (written) => withLog(async (loaded, schema) => {
      const stream = freshStream();
      await written.append(requestOf([{ stream, says: ['gone', 'kept'] }]));
      const [gone] = (await written.readStream(stream)).events;
      const purge = purgeOf(gone!);
      await written.append(purge);
      const history = (await readToEnd(written)).map((event): HistoryEvent => ({ ...event, commandId: event.position === 3 ? purge.commandId : `00000000-0000-7000-8000-000000000000` as CommandId }));
      await loaded.loadHistory(inBatches(history, 1));
      expect(await readToEnd(loaded)).toEqual(await readToEnd(written));
      await expect(loaded.append(purgeOf(gone!))).rejects.toMatchObject({ code: 'append-invalid' });
      expect((await admin.query(`select * from ${schema}.contents_purged`)).rows).toEqual([{ position: '1', content_sha256: contentSha256(gone!), by_position: '3' }]);
    }));
  });

  it('the log that it was of is the one that it is of, and that only once it is there', async () => {
    await withLog(async (written) => withLog(async (loaded, schema) => {
      const history = await appended(written, [requestOf([{ stream: freshStream(), says: ['a', 'b'] }])]);
      const [own, identity] = [await loaded.identity(), { logId: (await written.identity()).logId, epoch: 3 }];
      const stored = async (): Promise<unknown> => (await admin.query(`select log_id as "logId", epoch from ${schema}.epochs`)).rows;
      await expect(loaded.loadHistory(inBatches(history.slice(1)), identity)).rejects.toMatchObject({ code: 'history-invalid' });
      expect([await loaded.identity(), await stored()]).toEqual([own, [own]]);
      await loaded.loadHistory(inBatches(history), identity);
      expect([await loaded.identity(), await stored()]).toEqual([identity, [identity]]);
      await expect(admin.query(`delete from ${schema}.epochs`)).rejects.toThrow('append-only');
      await loaded.beginEpoch(4);
      expect(await loaded.newestEpoch()).toBe(4);
    }));
  });

  it('appends go on where the history ends, and its commands are known', async () => {
    await withLog(async (written) => withLog(async (loaded) => {
      const told = requestOf([{ stream: freshStream(), says: ['a', 'b'] }, { stream: freshStream(), says: ['c'] }]);
      const history = await appended(written, [told]);
      await loaded.loadHistory(inBatches(history));
      expect(await loaded.append(told)).toEqual(await written.append(told));
      const [first] = told.entries;
      const { first: at, versions, recordedAt } = await loaded.append(requestOf([{ stream: first!.streamId, expected: streamVersion(2), says: ['d'] }]));
      expect([at, versions.get(first!.streamId)]).toEqual([4, 3]);
      expect(recordedAt >= history[2]!.recordedAt).toBe(true);
    }));
  });

  it('takes any number of events between its copies', async () => {
    await withLog(async (store, schema) => {
      const recordedAt = instantOfMs(msOfInstant('2020-01-01T00:00:00.000Z' as HistoryEvent['recordedAt']));
      const count = 230_000;
      const id = (n: number): CommandId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as CommandId;
      const events = Array.from({ length: count }, (_, n): HistoryEvent => ({
        position: position(n + 1), recordedAt, streamId: streamId(`issue-${n % 1_000}`), streamVersion: streamVersion(Math.floor(n / 1_000) + 1), type: 'Said', content: `{"n":${n}}`, commandId: id(Math.floor(n / 3)),
      }));
      expect(await store.loadHistory(inBatches(events, 777))).toEqual({ events: count, streams: 1_000, commands: Math.ceil(count / 3) });
      expect(await store.head()).toEqual({ position: count, recordedAt });
      const { rows } = await admin.query(`select count(*)::int, sum(last_position - first_position + 1)::int as covered from ${schema}.commands`);
      expect(rows).toEqual([{ count: Math.ceil(count / 3), covered: count }]);
    });
  });

  it('an append that comes meanwhile waits, and follows', async () => {
    await withLog(async (store) => {
      const history = await withLog((other) => appended(other, [requestOf([{ stream: freshStream(), says: ['a', 'b'] }])]));
      let following: Promise<{ first: number }> | undefined;
      const batches = async function* (): AsyncGenerator<readonly HistoryEvent[]> {
        yield history.slice(0, 1);
        following = store.append(requestOf([{ stream: freshStream(), says: ['c'] }]));
        for (let waiting = 0; waiting === 0;) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          waiting = (await admin.query(`select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`)).rowCount ?? 0;
        }
        yield history.slice(1);
      };
      await store.loadHistory(batches());
      expect((await following)?.first).toBe(3);
    });
  });

  describe('refuses, and leaves nothing', () => {
    let history: readonly HistoryEvent[];
    beforeAll(async () => {
      const stream = freshStream();
      history = await withLog((store) => appended(store, [1, 2, 3, 4].map((n) => requestOf([{ stream, says: [`${n}a`, `${n}b`] }]))));
    });
    const with4 = (change: Partial<HistoryEvent>): readonly HistoryEvent[] => history.map((event, i) => (i === 4 ? { ...event, ...change } : event));

    it.each([
      ['a gap in the positions', () => history.filter((_, i) => i !== 4)],
      ['a history that does not begin at 1', () => history.slice(2)],
      ['a position twice', () => with4({ position: position(4) })],
      ['a time that goes back', () => with4({ recordedAt: instantOfMs(0) })],
      ['a gap in the versions of a stream', () => with4({ streamVersion: streamVersion(6) })],
      ['a stream that begins in its midst', () => with4({ streamId: freshStream() })],
      ['a command in two places', () => with4({ commandId: history[0]!.commandId })],
      ['a content that is empty with nothing that purged it', () => with4({ content: '' })],
      ['a command that is no UUID', () => with4({ commandId: 'x' as CommandId })],
    ])('%s', async (_what, broken) => {
      await withLog(async (store, schema) => {
        const before = await bytes(schema);
        const refused: unknown = await store.loadHistory(inBatches(broken())).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(HistoryRefused);
        expect((refused as HistoryRefused).code).toBe('history-invalid');
        expect([await store.head(), await bytes(schema)]).toEqual([{ position: 0, recordedAt: null }, before]);
        // The log is whole: a right history goes in.
        expect((await store.loadHistory(inBatches(history))).events).toBe(8);
        await expect(admin.query(`delete from ${schema}.events`)).rejects.toThrow('append-only');
      });
    });

    it('a log that has events', async () => {
      await withLog(async (store) => {
        await store.loadHistory(inBatches(history));
        await expect(store.loadHistory(inBatches(history))).rejects.toMatchObject({ code: 'log-not-empty' });
        expect((await store.head()).position).toBe(8);
      });
    });

    it('what breaks off', async () => {
      await withLog(async (store, schema) => {
        const before = await bytes(schema);
        const breaking = async function* (): AsyncGenerator<readonly HistoryEvent[]> {
          yield* inBatches(history);
          throw new Error('enough');
        };
        await expect(store.loadHistory(breaking())).rejects.toThrow('enough');
        expect([await store.head(), await bytes(schema)]).toEqual([{ position: 0, recordedAt: null }, before]);
      });
    });

    it('what loses its connection', async () => {
      await withLog(async (store) => {
        const cut = async function* (): AsyncGenerator<readonly HistoryEvent[]> {
          yield history.slice(0, 5);
          const ended = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction' and query like '%truncate%'`);
          expect(ended.rowCount).toBe(1);
          yield history.slice(5);
        };
        await expect(store.loadHistory(cut())).rejects.toThrow();
        expect((await store.head()).position).toBe(0);
        expect((await store.loadHistory(inBatches(history))).events).toBe(8);
      });
    });
  });
});
