// Goal: what the contract cannot see: several processes, dying clients, other people's transactions, the tables themselves.
// Method: a database of its own; writers in processes of their own; a second connection that looks behind the store.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { position, streamVersion, type Position, type StreamId } from '@rectrail/kernel';
import { canonicalJson, contentSha256, sha256Hex, type StoredEvent } from '@rectrail/event-store';
import { freshStream, purgeOf, readToEnd, requestOf, saidBy } from '@rectrail/event-store/testing';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import fc from 'fast-check';
import pg from 'pg';
import { AppendConnection } from './append-connection.ts';
import { PostgresEventStore } from './postgres-event-store.ts';
import { laneKey } from './schema.ts';

/** How long the other transaction idles; RECTRAIL_TEST_SECONDS lengthens it. */
const idleMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 2) * 1_000;

interface Acknowledged { readonly said: readonly string[]; readonly first: number; readonly last: number; readonly version: number }
interface Writer { readonly child: ChildProcess; readonly ready: Promise<void>; readonly acknowledged: Acknowledged[]; readonly ended: Promise<number | null> }

const children: ChildProcess[] = [];
const holders: pg.Client[] = [];

const startWriter = (task: Record<string, unknown>): Writer => {
  const script = fileURLToPath(new URL('./testing/appender.ts', import.meta.url));
  const settings = { appends: 1, events: 1, callers: 1, streams: [freshStream()], writer: 'w', forMs: 600_000, pauseMsMax: 0, largeAppendTimeoutMs: 60_000, largeAppendIdleMs: 60_000, ...task };
  const child = spawn(process.execPath, ['--conditions=source', script, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const acknowledged: Acknowledged[] = [];
  const ended = new Promise<number | null>((resolve) => { child.on('close', resolve); });
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === '"ready"') resolve();
      else acknowledged.push(JSON.parse(line) as Acknowledged);
    });
    void ended.then((code) => { reject(new Error(`the writer ended with ${code ?? 'a signal'} before it was ready`)); });
  });
  // Awaited by the specs that need it; the others see how the writer ended.
  ready.catch(() => undefined);
  return { child, ready, acknowledged, ended };
};

const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe('PostgresEventStore', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let admin: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    store = await PostgresEventStore.open({ connectionString: database.url });
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(holders.splice(0).map((h) => h.end()));
  });
  afterAll(async () => { await admin.end(); await store.close(); await database.drop(); });

  const head = async (): Promise<Position> => (await store.head()).position;
  const appendOne = (says = 'x') => store.append(requestOf([{ stream: freshStream(), expected: 'none', says: [says] }]));

  const expectWholeLog = async (): Promise<StoredEvent[]> => {
    const events = await readToEnd(store);
    expect(events.map((e) => e.position)).toEqual(events.map((_, i) => i + 1));
    expect(events.every((e, i) => i === 0 || e.recordedAt >= (events[i - 1]?.recordedAt ?? ''))).toBe(true);
    const versions = new Map<string, number>();
    for (const e of events) {
      expect(e.streamVersion).toBe((versions.get(e.streamId) ?? 0) + 1);
      versions.set(e.streamId, e.streamVersion);
    }
    return events;
  };

  describe('several processes', () => {
    it('race on the same streams, each with its own connections: nothing is lost, doubled or out of order', async () => {
      const streams = [freshStream(), freshStream(), freshStream()];
      const writers = ['a', 'b'].map((writer) => startWriter({ url: database.url, writer, streams, appends: 40, events: 2, callers: 4 }));
      expect(await Promise.all(writers.map((w) => w.ended))).toEqual([0, 0]);
      const events = await expectWholeLog();
      const acknowledged = writers.flatMap((w) => w.acknowledged);
      expect(acknowledged).toHaveLength(320);
      for (const { said, first, last, version } of acknowledged) {
        expect(saidBy(events.slice(first - 1, last))).toEqual(said);
        expect(events[last - 1]?.streamVersion).toBe(version);
      }
      expect(events.filter((e) => streams.includes(e.streamId))).toHaveLength(640);
    });

    it('are woken by each other without polling', async () => {
      const sleepy = await PostgresEventStore.open({ connectionString: database.url, pollMs: 600_000 });
      const abort = new AbortController();
      const after = await head();
      const heard = (async () => { for await (const slice of sleepy.subscribeAll({ after, signal: abort.signal })) return saidBy(slice.events); return []; })();
      await until('the listener', async () => (await admin.query("select from pg_stat_activity where datname = current_database() and query ilike 'listen %'")).rowCount === 1);
      await appendOne('wake up');
      expect(await heard).toEqual(['wake up']);
      abort.abort();
      await sleepy.close();
    });

    it('may start at once on an empty database', async () => {
      const stores = await Promise.all([1, 2, 3, 4].map(() => PostgresEventStore.open({ connectionString: database.url, schema: 'started_at_once' })));
      const identities = await Promise.all(stores.map((s) => s.identity()));
      expect(new Set(identities.map((i) => i.logId)).size).toBe(1);
      expect(identities[0]?.logId).not.toBe((await store.identity()).logId);
      await Promise.all(stores.map((s) => s.close()));
    });
  });

  describe('other transactions', () => {
    it('one that idles neither hides nor stalls what 32 writers of four processes append at random moments, and 8 followers miss nothing', async () => {
      const idle = new pg.Client({ connectionString: database.url });
      await idle.connect();
      holders.push(idle);
      // With a snapshot, an id of its own and a row written.
      await idle.query('create table unrelated (x int)');
      await idle.query('begin isolation level repeatable read; insert into unrelated values (1); select count(*) from rectrail_events.events');
      const after = await head();
      const abort = new AbortController();
      const stores = await Promise.all(Array.from({ length: 4 }, () => PostgresEventStore.open({ connectionString: database.url, readersMax: 4 })));
      const heard = Array.from({ length: 8 }, (): StoredEvent[] => []);
      const following = heard.map(async (events, reader) => {
        for await (const slice of stores[reader % stores.length]!.subscribeAll({ after, signal: abort.signal })) events.push(...slice.events);
      });
      const streams = Array.from({ length: 10 }, () => freshStream());
      const writers = ['a', 'b', 'c', 'd'].map((writer) => startWriter({ url: database.url, writer, streams, appends: 1_000_000, callers: 8, forMs: idleMs, pauseMsMax: 100 }));
      expect(await Promise.all(writers.map((w) => w.ended))).toEqual([0, 0, 0, 0]);
      const last = await head();
      // All of it while the other transaction still idles.
      await until('the followers', () => Promise.resolve(heard.every((events) => events.at(-1)?.position === last)));
      expect((await idle.query<{ open: boolean }>('select pg_current_xact_id_if_assigned() is not null as open')).rows).toEqual([{ open: true }]);
      abort.abort();
      await Promise.all(following);
      await Promise.all(stores.map((s) => s.close()));
      const log = (await expectWholeLog()).slice(after);
      for (const events of heard) expect(events).toEqual(log);
      const acknowledged = writers.flatMap((w) => w.acknowledged);
      expect(acknowledged.length).toBe(log.length);
      expect(acknowledged.length).toBeGreaterThan(32);
      for (const { said, first, last: at } of acknowledged) expect(saidBy(log.slice(first - after - 1, at - after))).toEqual(said);
    }, idleMs + 60_000);

    it('an open snapshot sees none of what is appended beside it, and no append updates or deletes a row', async () => {
      const snapshot = new pg.Client({ connectionString: database.url });
      await snapshot.connect();
      holders.push(snapshot);
      await snapshot.query('begin isolation level repeatable read');
      const count = async (client: pg.Client) => Number((await client.query<{ n: string }>('select count(*) as n from rectrail_events.events')).rows[0]?.n);
      const before = await count(snapshot);
      const streams = Array.from({ length: 20 }, () => freshStream());
      for (let i = 0; i < 25; i++) await Promise.all(streams.map((stream) => store.append(requestOf([{ stream, expected: streamVersion(i), says: ['x'] }]))));
      expect(await count(snapshot)).toBe(before);
      expect(await count(admin)).toBe(before + 500);
      await admin.query('select pg_stat_force_next_flush()');
      const { rows } = await admin.query("select sum(n_tup_upd)::int as updated, sum(n_tup_del)::int as deleted from pg_stat_user_tables where schemaname = 'rectrail_events'");
      expect(rows).toEqual([{ updated: 0, deleted: 0 }]);
    });
  });

  describe('dying clients', () => {
    const holdLane = async () => {
      const holder = new pg.Client({ connectionString: database.url });
      await holder.connect();
      holders.push(holder);
      await holder.query(`begin; select pg_advisory_xact_lock(${laneKey('rectrail_events')})`);
      return { release: () => holder.query('rollback') };
    };
    const isLargeUnderWay = async (): Promise<boolean> =>
      (await admin.query("select from pg_stat_activity where datname = current_database() and xact_start is not null and query like '%append_batch%' and pid <> pg_backend_pid()")).rowCount === 1;
    const waitingForLane = async (): Promise<number> => (await admin.query("select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")).rowCount ?? 0;

    it('one killed while its append waits for the lane leaves the log whole and the lane free', async () => {
      const holder = await holdLane();
      const stream = freshStream();
      const writer = startWriter({ url: database.url, streams: [stream], events: 3, writer: 'killed' });
      await writer.ready;
      await until('the append in the lane', async () => (await waitingForLane()) > 0);
      writer.child.kill('SIGKILL');
      await writer.ended;
      await holder.release();
      await appendOne('after');
      await expectWholeLog();
      // The server may or may not have noticed in time: all of it or nothing.
      expect([0, 3]).toContain((await store.readStream(stream)).version);
    });

    it('one killed in the middle of a large append leaves nothing of it', async () => {
      const stream = freshStream();
      const writer = startWriter({ url: database.url, streams: [stream], events: 60_000, writer: 'large' });
      await writer.ready;
      await until('a part of it', isLargeUnderWay);
      writer.child.kill('SIGKILL');
      await writer.ended;
      await appendOne('after');
      await expectWholeLog();
      expect((await store.readStream(stream)).version).toBe(0);
    });

    it('one stopped while it holds the lane is put out by the limit between two parts, and writes nothing once it wakes', async () => {
      const stream = freshStream();
      const writer = startWriter({ url: database.url, streams: [stream], events: 90_000, writer: 'stopped', largeAppendIdleMs: 1_000 });
      await writer.ready;
      await until('a part of it', isLargeUnderWay);
      writer.child.kill('SIGSTOP');
      await appendOne('after');
      writer.child.kill('SIGCONT');
      // It is told so, and ends by that.
      expect(await writer.ended).toBe(1);
      expect(writer.acknowledged).toEqual([]);
      expect((await store.readStream(stream)).version).toBe(0);
      await expectWholeLog();
    });

    it('a transaction whose connection is lost between two statements is not gone on with on another one', async () => {
      const connection = new AppendConnection({
        connectionString: database.url, applicationName: 'pinned', connectTimeoutMs: 10_000, schema: 'rectrail_events', transactionTimeoutMs: 10_000, onConnect: () => undefined,
      });
      const nothing = (): Promise<unknown> => connection.call('append_each', [[], [], [], [], [], [], [], [], [], [], []]);
      const pids = async () => (await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pinned'")).rowCount;
      await expect(connection.transaction(async () => {
        await nothing();
        await until('the end of the connection', async () => (await pids()) === 0);
        await new Promise((resolve) => { setTimeout(resolve, 50); });
        await nothing();
        return 'carried out';
      })).rejects.toMatchObject({ code: 'append-outcome-unknown' });
      await connection.close();
    });

    it('a connection cut under a waiting append gives an error that says so, and sending it again carries it out once', async () => {
      const holder = await holdLane();
      const stream = freshStream();
      const request = requestOf([{ stream, expected: 'none', says: ['once'] }]);
      const cut = expect(store.append(request)).rejects.toMatchObject({ code: 'append-outcome-unknown' });
      await until('the append in the lane', async () => (await waitingForLane()) > 0);
      await admin.query("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted");
      await cut;
      await holder.release();
      await store.append(request);
      expect((await store.append(request)).repeated).toBe(true);
      expect(saidBy((await store.readStream(stream)).events)).toEqual(['once']);
    });

    it('an append that the server refuses in time is not written and may be tried again', async () => {
      const hasty = await PostgresEventStore.open({ connectionString: database.url, appendTimeoutMs: 300 });
      const holder = await holdLane();
      const request = requestOf([{ stream: freshStream(), says: ['x'] }]);
      await expect(hasty.append(request)).rejects.toMatchObject({ code: 'event-store-unavailable' });
      await holder.release();
      expect((await hasty.append(request)).repeated).toBe(false);
      await hasty.close();
    });
  });

  describe('the tables', () => {
    it.each(['events', 'streams', 'commands', 'epochs'])('%s refuses UPDATE, DELETE and TRUNCATE, by whomever', async (table) => {
      const name = `rectrail_events.${table}`;
      const column = { events: 'content', streams: 'stream_id', commands: 'fingerprint', epochs: 'log_id' }[table];
      for (const sql of [`update ${name} set ${column} = ${column}`, `delete from ${name}`, `truncate ${name}`]) {
        await expect(admin.query(sql)).rejects.toThrow('the log is append-only');
      }
    });

    it('let a content go where a ContentPurged of its stream names it, and nothing else, by whomever', async () => {
      const stream = freshStream();
      await store.append({ ...requestOf([{ stream, says: ['one', 'two'] }]), fingerprint: 'asked' });
      const [one, two] = (await store.readStream(stream)).events;
      const { last } = await store.append(purgeOf(one!));
      const set = (table: string, change: string, where: string) => admin.query(`update rectrail_events.${table} set ${change} where ${where}`);
      await admin.query(`insert into rectrail_events.contents_purged values ($1, $2, $3)`, [two!.position, contentSha256(two!), last]);
      for (const [table, change, at] of [
        ['events', `content = ''`, two!.position], ['events', `content = 'x'`, one!.position], ['events', 'type = type, recorded_ms = 0', one!.position],
        ['contents_purged', `content_sha256 = ''`, one!.position],
      ] as const) await expect(set(table, change, `position = ${at}`)).rejects.toThrow('append-only');
      await expect(set('commands', `fingerprint = 'other'`, `first_position = ${one!.position}`)).rejects.toThrow('append-only');
      await expect(admin.query(`select rectrail_events.purge_contents($1, $1)`, [last])).resolves.toMatchObject({ rows: [{ purge_contents: 0 }] });
      expect((await store.readStream(stream)).events[1]).toEqual(two);
    });

    it('a kill between the event and the purge leaves neither, one after both leaves both', async () => {
      const stream = freshStream();
      await store.append(requestOf([{ stream, says: ['one'] }]));
      const [one] = (await store.readStream(stream)).events;
      // A purge that never comes to its end: the backend is terminated while it waits for the row of its target.
      const holder = new pg.Client({ connectionString: database.url });
      holders.push(holder);
      await holder.connect();
      await holder.query('begin');
      await holder.query('lock table rectrail_events.contents_purged in access exclusive mode');
      const request = purgeOf(one!);
      const sent = store.append(request).catch((error: unknown) => error);
      for (let killed = 0; killed === 0;) {
        const { rowCount } = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like '%purge_contents%' and pid <> pg_backend_pid()`);
        killed = rowCount ?? 0;
      }
      expect(await sent).toMatchObject({ code: expect.stringMatching(/append-outcome-unknown|event-store-unavailable/) as unknown });
      await holder.query('rollback');
      expect((await store.readStream(stream)).events).toEqual([one]);
      expect((await store.append(request)).repeated).toBe(false);
      expect((await store.readStream(stream)).events[0]).toEqual({ ...one, content: '', contentSha256: contentSha256(one!) });
    });

    it('keep contents bit for bit', async () => {
      const strings = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', minLength: 2_000, maxLength: 6_000 }));
      await fc.assert(fc.asyncProperty(fc.array(strings, { minLength: 1, maxLength: 5 }), async (says) => {
        const request = requestOf([{ stream: freshStream(), says }]);
        const { first, last } = await store.append(request);
        const written = request.entries[0]?.events.map((e) => e.content) ?? [];
        const { events } = await store.readAll({ after: position(first - 1), limit: written.length });
        expect(events.map((e) => e.content)).toEqual(written);
        const { rows } = await admin.query<{ hash: string }>("select encode(sha256(convert_to(content, 'UTF8')), 'hex') as hash from rectrail_events.events where position between $1 and $2 order by position", [first, last]);
        expect(rows.map((r) => r.hash)).toEqual(written.map((content) => sha256Hex(content)));
        for (const content of written) expect(canonicalJson(JSON.parse(content))).toBe(content);
      }), { numRuns: 40 });
    });

    it('number positions without gaps after refusals and repetitions', async () => {
      const stream = freshStream();
      const before = await head();
      const request = requestOf([{ stream, expected: 'none', says: ['a'] }]);
      await Promise.allSettled([store.append(request), store.append(request), store.append(requestOf([{ stream, expected: streamVersion(7), says: ['stale'] }])), store.append(requestOf([{ stream, says: ['b'] }]))]);
      expect(await head()).toBe(before + 2);
      await expectWholeLog();
    });
  });

  describe('appends that go together', () => {
    const known = async (n: number): Promise<StreamId[]> => {
      const streams = Array.from({ length: n }, () => freshStream());
      await Promise.all(streams.map((stream) => store.append(requestOf([{ stream, expected: 'none', says: ['first'] }]))));
      return streams;
    };
    const seconds = (streams: readonly StreamId[]) => streams.map((stream) => requestOf([{ stream, expected: streamVersion(1), says: [`second of ${stream}`] }]));

    it('each with its exact version into streams that differ are all carried out, in the order of the calls', async () => {
      const streams = await known(20);
      const before = await head();
      const results = await Promise.all(seconds(streams).map((request, i) => store.append(i % 2 === 0 ? request : { ...request, fingerprint: `f${i}` })));
      expect(results.map((r) => r.first)).toEqual(streams.map((_, i) => before + i + 1));
      expect(results.map((r) => [...r.versions])).toEqual(streams.map((stream) => [[stream, 2]]));
      expect(results.map((r) => r.fingerprint)).toEqual(streams.map((_, i) => (i % 2 === 0 ? null : `f${i}`)));
      expect(saidBy(await readToEnd(store, before))).toEqual(streams.map((stream) => `second of ${stream}`));
    });

    it('are not harmed by a stale one among them', async () => {
      const streams = await known(20);
      const requests = seconds(streams);
      requests[7] = requestOf([{ stream: streams[7]!, expected: streamVersion(5), says: ['stale'] }]);
      const before = await head();
      const outcomes = await Promise.allSettled(requests.map((request) => store.append(request)));
      expect(outcomes.map((o) => (o.status === 'fulfilled' ? 'done' : (o.reason as { code: string }).code))).toEqual(streams.map((_, i) => (i === 7 ? 'stream-version-conflict' : 'done')));
      expect(await head()).toBe(before + 19);
      await expectWholeLog();
    });

    it.each([[1, 'stream-version-conflict'], [2, 'done'], [3, 'stream-version-conflict']])('expect version %i of a stream that another process brought to 2: %s', async (version, outcome) => {
      const streams = await known(20);
      const elsewhere = await PostgresEventStore.open({ connectionString: database.url });
      await elsewhere.append(requestOf([{ stream: streams[7]!, expected: streamVersion(1), says: ['elsewhere'] }]));
      await elsewhere.close();
      const requests = seconds(streams);
      requests[7] = requestOf([{ stream: streams[7]!, expected: streamVersion(version), says: ['here'] }]);
      const outcomes = await Promise.allSettled(requests.map((request) => store.append(request)));
      expect(outcomes.map((o) => (o.status === 'fulfilled' ? 'done' : (o.reason as { code: string }).code))).toEqual(streams.map((_, i) => (i === 7 ? outcome : 'done')));
      await expectWholeLog();
    });

    it('are not harmed by a repeated one among them', async () => {
      const streams = await known(20);
      const requests = seconds(streams);
      const repeated = await store.append(requests[3]!);
      const more = await store.append(requestOf([{ stream: streams[3]!, expected: streamVersion(2), says: ['third'] }]));
      requests[3] = { ...requests[3]!, entries: requests[3]!.entries.map((entry) => ({ ...entry, expectedVersion: streamVersion(3) })) };
      const results = await Promise.all(requests.map((request) => store.append(request)));
      expect(results.map((r) => r.repeated)).toEqual(streams.map((_, i) => i === 3));
      expect(results[3]?.first).toBe(repeated.first);
      expect(await head()).toBe(more.last + 19);
      await expectWholeLog();
    });
  });

  describe('opening', () => {
    it('tells what the server is', () => {
      expect(store.server).toMatchObject({ encoding: 'UTF8', fsync: 'on', synchronousCommit: 'on' });
    });

    it('refuses a database that does not keep UTF-8', async () => {
      const name = `latin_${Date.now()}`;
      await admin.query(`create database ${name} encoding 'SQL_ASCII' template template0`);
      const url = new URL(database.url);
      url.pathname = `/${name}`;
      await expect(PostgresEventStore.open({ connectionString: url.href })).rejects.toThrow('SQL_ASCII');
      await admin.query(`drop database ${name}`);
    });

    it('says that the server cannot be reached', async () => {
      await expect(PostgresEventStore.open({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })).rejects.toMatchObject({ code: 'event-store-unavailable' });
    });

    it.each(['', 'Rectrail', 'a-b', 'a; drop table x', 'x'.repeat(60)])('refuses the schema name %j', async (schema) => {
      await expect(PostgresEventStore.open({ connectionString: database.url, schema })).rejects.toThrow(RangeError);
    });
  });
});
