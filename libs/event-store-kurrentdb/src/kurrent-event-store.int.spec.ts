// Goal: what goes wrong between the adapter, the server and PostgreSQL loses, doubles and reorders nothing, and what an operator does to the server is noticed.
// Method: the fake server with faults, several stores as the processes of one installation, numberings compared; each case on a log of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deriveEventId, type AppendRequest, type AppendResult } from '@rectrail/event-store';
import { freshCommand, freshStream, readToEnd, requestOf, saidBy } from '@rectrail/event-store/testing';
import { streamId, streamVersion } from '@rectrail/kernel';
import { openLeadership } from '@rectrail/platform';
import fc from 'fast-check';
import { KurrentEventStore } from './kurrent-event-store.ts';
import { KurrentLogError, type KurrentLog } from './kurrent-log.ts';
import { FakeKurrentServer, type Fault } from './testing/fake-kurrent-server.ts';
import { contractSubject, type StoreUnderTest } from './testing/subject.ts';
import { receiptStreamOf, streamNameOf } from './stream-names.ts';

let server: FakeKurrentServer;
let failures: unknown[];
let subject: StoreUnderTest;
let store: KurrentEventStore;
const others: StoreUnderTest[] = [];

beforeEach(async () => {
  server = new FakeKurrentServer();
  failures = [];
  subject = await contractSubject(() => server.connect(), { onFailure: (error) => { failures.push(error); } });
  ({ store } = subject);
});
afterEach(async () => {
  for (const other of others.splice(0)) await other.dispose();
  await subject.dispose();
});

/** Another installation's numbering of the same log; an impatient one where something is to fail that waits for its number. */
const anotherNumbering = async (numberingTimeoutMs = 30_000): Promise<StoreUnderTest> => {
  const other = await contractSubject(() => server.connect(), { onFailure: (error) => { failures.push(error); }, numberingTimeoutMs });
  others.push(other);
  return other;
};

type Trouble = 'ok' | 'break' | Fault;

const say = (stream: string, ...says: string[]) => requestOf([{ stream: streamId(stream), says }]);

describe('an append whose answer is lost', () => {
  it.each(['before-write', 'after-write'] as const)('(%s) is carried out once when it is sent again, whatever came between', async (fault) => {
    const stream = freshStream();
    const request = { ...requestOf([{ stream, says: ['once', 'and'] }, { stream: freshStream(), expected: 'none', says: ['elsewhere'] }]), fingerprint: 'asked' };
    server.faults.push(fault);
    await expect(store.append(request)).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    await store.append(requestOf([{ stream, says: ['another'] }]));
    const result = await store.append(request);
    expect(result).toMatchObject({ repeated: fault === 'after-write', fingerprint: 'asked' });
    expect(await store.append(request)).toEqual({ ...result, repeated: true });
    expect(saidBy((await store.readStream(stream)).events)).toEqual(fault === 'after-write' ? ['once', 'and', 'another'] : ['another', 'once', 'and']);
  });

  it('is carried out once though the first attempt arrives after the second was decided anew for other streams', async () => {
    const commandId = freshCommand();
    const [a, b] = [freshStream(), freshStream()];
    const first = requestOf([{ stream: a, expected: 'none', says: ['first'] }], commandId);
    const second = requestOf([{ stream: b, expected: 'none', says: ['second'] }], commandId);
    const client = await subject.another();
    // Both are sent with the command unknown to the numbering; one store's answer to the other comes later than both.
    const outcomes = await Promise.all([store.append(first), client.append(second)]);
    expect(outcomes.map((o) => o.repeated).sort()).toEqual([false, true]);
    expect(outcomes[0].versions).toEqual(outcomes[1].versions);
    expect((await readToEnd(store)).map((e) => e.streamId)).toHaveLength(1);
    await client.close();
  });

  it('does not fail those that were sent with it for good', async () => {
    const requests = Array.from({ length: 5 }, (_, i) => say(`s-${i}`, `e${i}`));
    server.faults.push('after-write');
    const outcomes = await Promise.allSettled(requests.map((r) => store.append(r)));
    expect(outcomes.every((o) => o.status === 'rejected')).toBe(true);
    expect((await Promise.all(requests.map((r) => store.append(r)))).map((r) => r.first)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('appends through lost answers and broken connections', () => {
  it('are each carried out once, by whichever process, in the order that their streams tell', async () => {
    const stores = [store, await subject.another(), await subject.another()];
    await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.constantFrom<Trouble>('ok', 'ok', 'ok', 'before-write', 'after-write', 'break')), async (trouble) => {
      const start = (await store.head()).position;
      server.latencyMs = 1;
      /** As a caller does that hears of no outcome: the same command again, through whatever process. */
      const untilAnswered = async (request: AppendRequest, from: number): Promise<AppendResult> => {
        for (let attempt = from; ; attempt++) {
          // Infinite: it always yields.
          const { value: next } = trouble.next() as IteratorYieldResult<Trouble>;
          if (next === 'break') server.breakConnections();
          else if (next !== 'ok') server.faults.push(next);
          const result = await stores[attempt % stores.length]!.append(request).catch((error: unknown) => error);
          if (!(result instanceof Error)) return result as AppendResult;
          expect(result).toMatchObject({ code: expect.stringMatching(/^(append-outcome-unknown|event-store-unavailable)$/) });
        }
      };
      const shared = freshStream();
      const results = await Promise.all(Array.from({ length: 24 }, (_, i) =>
        untilAnswered(requestOf([{ stream: freshStream(), expected: 'none', says: [`own ${i}`] }, { stream: shared, says: [`${i}`] }]), i)));
      const events = await readToEnd(store, start);
      expect(events.map((e) => e.position)).toEqual(Array.from({ length: 48 }, (_, i) => start + i + 1));
      expect(new Set(saidBy(events)).size).toBe(48);
      for (const { first, last, versions } of results) expect([events[last - start - 1]!.streamVersion, last - first]).toEqual([versions.get(shared), 1]);
      server.faults.length = 0;
    }), { numRuns: 3 });
    await Promise.all(stores.slice(1).map((s) => s.close()));
  });
});

describe('the numbering', () => {
  const fill = async (): Promise<void> => {
    const stores = [store, await subject.another(), await subject.another()];
    server.latencyMs = 2;
    await Promise.all(stores.map(async (s, writer) => {
      const own = freshStream();
      for (let i = 0; i < 8; i++) await s.append(requestOf([{ stream: own, expected: streamVersion(2 * i), says: [`${writer}.${i}`, 'and'] }, { stream: streamId(`Common Ground/地方-${i % 3}`), says: ['shared'] }]));
    }));
    server.write('somebody-else', 'Said', 'hello');
    server.write('$settings', '$settings', '{}');
    await store.append(say('last', 'last'));
    await Promise.all(stores.slice(1).map((s) => s.close()));
  };

  it('is a function of the log: made anew from there, it is the same in every event, time and command', async () => {
    await fill();
    const events = await readToEnd(store);
    expect(events).toHaveLength(73);
    const { store: again } = await anotherNumbering();
    // At once: a store opens when it has caught up.
    expect(await readToEnd(again)).toEqual(events);
    expect(await again.identity()).toEqual(await store.identity());
    const request = say('one-more', 'x');
    expect(await again.append(request)).toEqual({ ...await store.append(request), repeated: false });
  });

  it('goes on where it stood after connections break and the sequencer changes, with times that never go back', async () => {
    const first = await subject.another();
    await store.append(say('a', '1'));
    server.breakConnections();
    // What failed is told to nobody who asked: the sequencer follows again.
    await sleep(20);
    await first.append(say('a', '2'));
    await store.close();
    await first.append(say('a', '3'));
    const events = await readToEnd(first);
    expect(events.map((e) => [e.position, e.streamVersion])).toEqual([[1, 1], [2, 2], [3, 3]]);
    expect(events.map((e) => e.recordedAt)).toEqual(events.map((e) => e.recordedAt).sort());
    await first.close();
  });

  it('passes over what others write elsewhere, and stops nothing but their stream where they write into ours', async () => {
    await store.append(say('ours', '1'));
    server.write('theirs', 'Said', 'x');
    server.write('ours', 'Said', 'an intruder');
    await store.append(say('fine', '1'));
    expect((await store.head()).position).toBe(2);
    expect((await store.readStream(streamId('ours'))).version).toBe(1);
    await expect((await anotherNumbering(500)).store.append(say('ours', '2'))).rejects.toMatchObject({ code: 'event-store-unavailable' });
    expect((await store.append(say('fine', '2'))).first).toBe(3);
  });

  it('is waited for by the appends of a stream that somebody else wrote to, not by those that came with them or after them', async () => {
    const { store: impatient } = await anotherNumbering(2_000);
    await impatient.append(say('ours', '1'));
    server.write('ours', 'Said', 'an intruder');
    const order: string[] = [];
    const told = async (stream: string): Promise<void> => {
      const [outcome] = await Promise.allSettled([impatient.append(say(stream, '2'))]);
      order.push(outcome.status === 'fulfilled' ? stream : `${stream}: ${(outcome.reason as { code: string }).code}`);
    };
    await Promise.all([told('ours'), told('fine'), sleep(20).then(() => told('later'))]);
    // Which of the others is told first is nobody's promise.
    expect([order.slice(0, 2).toSorted(), order[2]]).toEqual([['fine', 'later'], 'ours: event-store-unavailable']);
  });

  it('does not go on behind a receipt whose events are not those of its command', async () => {
    const commandId = freshCommand();
    const impatient = await anotherNumbering(500);
    server.write(receiptStreamOf(commandId), 'rectrail.command', JSON.stringify({ events: 1, fingerprint: null }));
    server.write('ours', 'Said', 'forged');
    const request = say('fine', '1');
    // The second time it is refused as a repetition, which says that it was stored.
    for (let attempt = 1; attempt <= 2; attempt++) await expect(impatient.store.append(request)).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    await expect(impatient.store.append(say('fine', '2'))).rejects.toMatchObject({ code: 'event-store-unavailable' });
    expect(failures).toContainEqual(expect.objectContaining({ code: 'log-damaged' }));
    expect([(await store.head()).position, (await impatient.store.head()).position]).toEqual([0, 0]);
    // Nobody else starts into a log that cannot be numbered.
    await expect(impatient.another()).rejects.toMatchObject({ code: 'event-store-unavailable' });
  });

  it('has no row changed or removed', async () => {
    await store.append(say('a', '1'));
    for (const sql of ['update rectrail_kurrentdb.events set version = 2', 'delete from rectrail_kurrentdb.commands', 'truncate rectrail_kurrentdb.streams, rectrail_kurrentdb.events']) {
      await expect(subject.database.query(sql)).rejects.toMatchObject({ code: '23000' });
    }
  });
});

describe('what the server does not take', () => {
  it('is refused before it is sent where it is too large, types and receipts counted', async () => {
    const commandId = freshCommand();
    const content = `"${'x'.repeat(400)}"`;
    const many = (count: number) => ({ commandId, entries: [{ streamId: freshStream(), expectedVersion: 'none' as const, events: Array.from({ length: count }, (_, i) => ({ eventId: deriveEventId(commandId, i), type: 'Said', content })) }] });
    await expect(store.append(many(2_400))).rejects.toMatchObject({ code: 'append-too-large' });
    expect(server.records.filter((r) => !r.stream.startsWith('$'))).toHaveLength(1);
    expect((await store.append(many(2_000))).last).toBe(2_000);
  });

  it('is told as such where the server takes less than it was said to, and neighbours go through', async () => {
    server.appendBytesMax = 10_000;
    const outcomes = await Promise.allSettled([store.append(say('a', 'small')), store.append(say('b', 'x'.repeat(20_000))), store.append(say('c', 'small'))]);
    expect(outcomes.map((o) => (o.status === 'fulfilled' ? o.value.first : (o.reason as { code: string }).code))).toEqual([1, 'append-too-large', 2]);
  });

  it('fails alone where the server finds fault with it', async () => {
    const other = await contractSubject(() => {
      const log = server.connect();
      const append: KurrentLog['append'] = (records, checks) => (records.some((record) => record.stream === 'faulty') ? Promise.reject(new KurrentLogError('refused', 'no')) : log.append(records, checks));
      return { ...log, append };
    });
    others.push(other);
    const outcomes = await Promise.allSettled(['a', 'faulty', 'b'].map((stream) => other.store.append(say(stream, '1'))));
    expect(outcomes.map((o) => (o.status === 'fulfilled' ? o.value.first : (o.reason as { code: string }).code))).toEqual([1, 'event-store-unavailable', 2]);
  });

  it('keeps names that differ in case apart, and takes any', async () => {
    const names = ['Issue-1', 'issue-1', 'a$b', '$all', '来源-甲', '_log', '_command-x', 'x'.repeat(200)];
    await store.append(requestOf(names.map((name) => ({ stream: streamId(name), expected: 'none' as const, says: [name] }))));
    for (const name of names) expect(saidBy((await store.readStream(streamId(name))).events)).toEqual([name]);
  });
});

describe('the start', () => {
  /** Opens a store as another process would. */
  const opening = async (): Promise<void> => { await (await subject.another()).close(); };

  beforeEach(async () => { await store.append(requestOf([{ stream: streamId('a'), says: ['1', '2', '3'] }, { stream: streamId('b'), says: ['1'] }])); });

  it('is refused on a server that is too old', async () => {
    server.version = '25.1.0';
    await expect(opening()).rejects.toMatchObject({ code: 'server-too-old', message: expect.stringContaining('26.1') });
  });

  it('is refused on the log of another installation, and on an empty server', async () => {
    const own = server;
    server = new FakeKurrentServer();
    await expect(opening()).rejects.toMatchObject({ code: 'log-differs' });
    await anotherNumbering();
    await expect(opening()).rejects.toMatchObject({ code: 'log-differs' });
    server = own;
    await opening();
  });

  it('is refused on a server that was restored from an older backup', async () => {
    server.restoreTo(server.records.length - 3);
    await expect(opening()).rejects.toMatchObject({ code: 'log-differs' });
  });

  it('looks again where the node that answers is a little behind', async () => {
    let looks = 0;
    const connect = (): KurrentLog => {
      const log = server.connect();
      return { ...log, last: async (filter) => (filter === undefined && ++looks <= 3 ? server.records[1] ?? null : log.last(filter)) };
    };
    await (await KurrentEventStore.open({ log: connect(), database: subject.database, leadership: await openLeadership(subject.database), onFailure: () => undefined })).close();
    expect(looks).toBeGreaterThan(3);
  });

  it.each([
    // The last place that was looked at lay behind what is left, or lies within another event now.
    ['nothing', () => undefined], ['something else', () => { server.write('somebody-else', 'Said', 'x'.repeat(500)); }],
  ])('looks for deletions from the beginning where the server lost what others wrote last, and has %s instead', async (_, meanwhile) => {
    const count = server.records.length;
    server.truncate('a', { maxCount: 1 });
    server.truncate('a', null);
    await opening();
    server.restoreTo(count);
    server.truncate('b', { maxCount: 10 });
    meanwhile();
    await expect(opening()).rejects.toMatchObject({ code: 'log-truncated', message: expect.stringContaining('b (maxCount') });
  });

  it.each([{ maxCount: 10 }, { maxAge: 3_600 }, { truncateBefore: 2 }])('is refused where a stream has %j, until that is taken back', async (truncation) => {
    await opening();
    server.truncate('a', truncation);
    await expect(opening()).rejects.toMatchObject({ code: 'log-truncated', message: expect.stringContaining(`a (${Object.keys(truncation)[0] ?? ''}`) });
    // Seen once, it is not forgotten with the scan that found it.
    await expect(opening()).rejects.toMatchObject({ code: 'log-truncated' });
    server.truncate('a', null);
    await opening();
  });

  it('is refused where a stream was deleted, or a receipt will be, and not for streams of others', async () => {
    server.truncate('somebody-else', { maxCount: 1 });
    server.truncate('$stats-127.0.0.1', { maxAge: 86_400 });
    server.delete('somebody-elses');
    await opening();
    const { commandId } = requestOf([]);
    await store.append(requestOf([{ stream: streamId('c'), says: ['1'] }], commandId));
    server.truncate(receiptStreamOf(commandId), { maxAge: 1 });
    await expect(opening()).rejects.toMatchObject({ code: 'log-truncated', message: expect.stringContaining(commandId) });
    server.truncate(receiptStreamOf(commandId), null);
    await opening();
    server.delete(streamNameOf(streamId('b')));
    await expect(opening()).rejects.toMatchObject({ code: 'log-truncated', message: expect.stringContaining('b (deleted)') });
  });

  it('tells a reader of an event that has gone meanwhile', async () => {
    server.truncate('a', { truncateBefore: 2 });
    await expect(store.readStream(streamId('a'), { limit: 2 })).rejects.toMatchObject({ code: 'event-store-unavailable', message: expect.stringContaining('no longer has event') });
    expect(saidBy((await store.readStream(streamId('a'), { from: streamVersion(3) })).events)).toEqual(['3']);
    server.delete('b');
    await expect(store.readStream(streamId('b'))).rejects.toMatchObject({ code: 'event-store-unavailable', message: expect.stringContaining('deleted') });
  });

  it('tells a writer of a stream that was deleted meanwhile at once, and its neighbours go through', async () => {
    server.delete('a');
    const outcomes = await Promise.allSettled([store.append(say('a', '4')), store.append(say('b', '2'))]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message)).toEqual([expect.stringContaining('has deleted a stream'), false]);
  });

  it('of two at once on an empty server names one log', async () => {
    server = new FakeKurrentServer();
    const { store: one } = await anotherNumbering();
    // The second looked before the first had named it.
    let looked = false;
    const late = (): KurrentLog => {
      const log = server.connect();
      const readStream: KurrentLog['readStream'] = (stream, from, count) => {
        if (looked) return log.readStream(stream, from, count);
        looked = true;
        return Promise.resolve([]);
      };
      return { ...log, readStream };
    };
    const other = await contractSubject(late);
    others.push(other);
    expect(await other.store.identity()).toEqual(await one.identity());
  });

  it('does not wait for the lease', async () => {
    const leadership = await openLeadership(subject.database);
    expect((await leadership.followers()).map((f) => f.name)).toEqual(['kurrentdb-sequencer']);
    const other = await subject.another();
    expect((await other.head()).position).toBe(4);
    await other.close();
  });
});
