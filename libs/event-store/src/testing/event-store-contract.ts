// Goal: every adapter is the same store to its users. Method: each rule of the port, through the port alone, against the
// adapter given; streams are fresh in each case, so that one database serves them all.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { msOfInstant, position, streamVersion, type Position } from '@rectrail/kernel';
import type { AllSlice, EventStore, StoredEvent, SubscribeOptions } from '../event-store.ts';
import { deriveEventId } from '../derived-ids.ts';
import { contentSha256, leafBytes } from '../leaf.ts';
import { freshCommand, freshStream, purgeOf, readToEnd, requestOf, saidBy } from './requests.ts';

export interface ContractSubject {
  readonly store: EventStore;
  /** A second instance over the same log, as another process would have it. */
  another(): Promise<EventStore>;
  dispose(): Promise<void>;
}

const pos = position;
const v = streamVersion;

export const describeEventStoreContract = (name: string, factory: () => Promise<ContractSubject>): void => {
  describe(`event store contract: ${name}`, () => {
    let subject: ContractSubject;
    let store: EventStore;
    beforeAll(async () => { subject = await factory(); store = subject.store; });
    afterAll(async () => { await subject.dispose(); });

    /** Reads a subscription until `enough`, then leaves it. */
    const follow = async (options: Omit<SubscribeOptions, 'signal'>, enough: (seen: readonly StoredEvent[]) => boolean, from: EventStore = store): Promise<StoredEvent[]> => {
      const abort = new AbortController();
      const seen: StoredEvent[] = [];
      for await (const slice of from.subscribeAll({ ...options, signal: abort.signal })) {
        seen.push(...slice.events);
        if (enough(seen)) abort.abort();
      }
      return seen;
    };

    describe('expected version', () => {
      it.each([
        ['none', 'none' as const, 0], ['any', 'any' as const, 0], ['the exact one', v(0), 0], ['any', 'any' as const, 2], ['the exact one', v(2), 2],
      ])('%s is met (%s, stream of %i events)', async (_, expected, events) => {
        const stream = freshStream();
        if (events > 0) await store.append(requestOf([{ stream, says: Array.from({ length: events }, (__, i) => `e${i}`) }]));
        const { versions, repeated } = await store.append(requestOf([{ stream, expected, says: ['a', 'b'] }]));
        expect(versions).toEqual(new Map([[stream, events + 2]]));
        expect(repeated).toBe(false);
      });

      it.each([
        ['none, but the stream exists', 'none' as const, 1], ['too low', v(1), 2], ['too high', v(3), 2], ['of a stream that does not exist', v(1), 0],
      ])('%s: typed conflict, nothing written', async (_, expected, events) => {
        const stream = freshStream();
        if (events > 0) await store.append(requestOf([{ stream, says: Array.from({ length: events }, (__, i) => `e${i}`) }]));
        const head = await store.head();
        const request = requestOf([{ stream, expected, says: ['no'] }]);
        await expect(store.append(request)).rejects.toMatchObject({ code: 'stream-version-conflict', streamId: stream, expected, actual: events });
        expect(await store.head()).toEqual(head);
        expect((await store.readStream(stream)).version).toBe(events);
        expect(await store.findCommand(request.commandId)).toBeNull();
      });
    });

    describe('several streams', () => {
      it('are written as one, in the order of the entries', async () => {
        const [a, b] = [freshStream(), freshStream('measure')];
        const result = await store.append(requestOf([{ stream: a, says: ['a1', 'a2'] }, { stream: b, expected: 'none', says: ['b1'] }]));
        expect(result.last - result.first).toBe(2);
        const { events } = await store.readAll({ after: pos(result.first - 1) });
        expect(events.map((e) => [e.position, e.streamId, e.streamVersion, e.recordedAt])).toEqual([
          [result.first, a, 1, result.recordedAt], [result.first + 1, a, 2, result.recordedAt], [result.last, b, 1, result.recordedAt],
        ]);
        expect(saidBy(events)).toEqual(['a1', 'a2', 'b1']);
      });

      it('are all left as they were when one version is wrong', async () => {
        const [a, b] = [freshStream(), freshStream()];
        await expect(store.append(requestOf([{ stream: a, says: ['a'] }, { stream: b, expected: v(1), says: ['b'] }]))).rejects.toMatchObject({ code: 'stream-version-conflict', streamId: b });
        expect((await store.readStream(a)).version).toBe(0);
      });

      it('fail as a whole by a check without events', async () => {
        const [written, checked] = [freshStream(), freshStream('org-tree')];
        await store.append(requestOf([{ stream: checked, says: ['moved'] }]));
        await expect(store.append(requestOf([{ stream: written, says: ['x'] }, { stream: checked, expected: 'none' }]))).rejects.toMatchObject({ code: 'stream-version-conflict', streamId: checked, actual: 1 });
        expect((await store.readStream(written)).events).toEqual([]);
        const { versions } = await store.append(requestOf([{ stream: written, says: ['x'] }, { stream: checked, expected: v(1) }]));
        expect(versions).toEqual(new Map([[written, 1]]));
        expect((await store.readStream(checked)).version).toBe(1);
      });

      it('may be checked only, which writes nothing and is not remembered', async () => {
        const stream = freshStream();
        const head = await store.head();
        const request = requestOf([{ stream, expected: 'none' }]);
        expect(await store.append(request)).toMatchObject({ last: head.position, first: head.position + 1, repeated: false, versions: new Map() });
        expect(await store.findCommand(request.commandId)).toBeNull();
        expect(await store.head()).toEqual(head);
        await expect(store.append(requestOf([{ stream, expected: v(4) }]))).rejects.toMatchObject({ code: 'stream-version-conflict' });
      });

      it('stand in one entry each', async () => {
        const stream = freshStream();
        await expect(store.append(requestOf([{ stream, says: ['a'] }, { stream, says: ['b'] }]))).rejects.toMatchObject({ code: 'append-invalid' });
      });
    });

    describe('writers at the same time', () => {
      it('on one stream: one wins, the others get the conflict, and neighbours are not harmed', async () => {
        const [contested, ...calm] = Array.from({ length: 9 }, () => freshStream());
        const race = Array.from({ length: 8 }, (_, i) => store.append(requestOf([{ stream: contested!, expected: 'none', says: [`racer ${i}`] }])));
        const neighbours = calm.map((stream) => store.append(requestOf([{ stream, expected: 'none', says: ['calm'] }])));
        const outcomes = await Promise.allSettled(race);
        expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
        for (const o of outcomes) if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'stream-version-conflict', streamId: contested, expected: 'none', actual: 1 });
        expect((await Promise.all(neighbours)).map((r) => [...r.versions.values()])).toEqual(calm.map(() => [1]));
        expect((await store.readStream(contested!)).version).toBe(1);
      });

      it('following each other on one stream in one go all succeed', async () => {
        const stream = freshStream();
        const results = await Promise.all([0, 1, 2, 3].map((i) => store.append(requestOf([{ stream, expected: v(i), says: [`e${i}`] }]))));
        expect(results.map((r) => r.versions.get(stream))).toEqual([1, 2, 3, 4]);
        expect(saidBy((await store.readStream(stream)).events)).toEqual(['e0', 'e1', 'e2', 'e3']);
      });

      it('in a stale and a good append with several entries: each gets its own outcome', async () => {
        const [a, b, c] = [freshStream(), freshStream(), freshStream()];
        await store.append(requestOf([{ stream: a, says: ['a1'] }]));
        const [good, stale, other] = await Promise.allSettled([
          store.append(requestOf([{ stream: a, expected: v(1), says: ['a2', 'a3'] }, { stream: b, expected: 'none', says: ['b1'] }])),
          store.append(requestOf([{ stream: c, expected: 'none', says: ['lost'] }, { stream: a, expected: v(1) }])),
          store.append(requestOf([{ stream: c, expected: 'any', says: ['c1'] }, { stream: b, expected: 'any', says: ['b2'] }])),
        ]);
        expect(good).toMatchObject({ status: 'fulfilled', value: { versions: new Map([[a, 3], [b, 1]]) } });
        expect(stale).toMatchObject({ status: 'rejected', reason: { code: 'stream-version-conflict', streamId: a, expected: 1, actual: 3 } });
        expect(other).toMatchObject({ status: 'fulfilled', value: { versions: new Map([[c, 1], [b, 2]]) } });
        expect(saidBy((await store.readStream(c)).events)).toEqual(['c1']);
      });

      it('eight of them, and a reader sees each position once and in order, without gaps', async () => {
        const start = (await store.head()).position;
        const stores = await Promise.all(Array.from({ length: 4 }, () => subject.another()));
        const seen = follow({ after: start, batchEventsMax: 7 }, (events) => events.length >= 8 * 40);
        await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
          const stream = freshStream();
          for (let i = 0; i < 20; i++) await stores[writer % 4]!.append(requestOf([{ stream, expected: v(2 * i), says: [`${writer}.${i}`, 'and'] }]));
        }));
        const events = await seen;
        expect(events.map((e) => e.position)).toEqual(Array.from({ length: 320 }, (_, i) => start + i + 1));
        const times = events.map((e) => msOfInstant(e.recordedAt));
        expect(times).toEqual([...times].sort((x, y) => x - y));
        await Promise.all(stores.map((s) => s.close()));
      });
    });

    describe('a repeated command', () => {
      it('answers as the first time and writes nothing, whatever has happened since', async () => {
        const [a, b] = [freshStream(), freshStream()];
        const request = { ...requestOf([{ stream: a, expected: 'none', says: ['a1'] }, { stream: b, expected: 'none', says: ['b1', 'b2'] }]), fingerprint: 'sha-1' };
        const first = await store.append(request);
        await store.append(requestOf([{ stream: a, says: ['later'] }]));
        const head = await store.head();
        expect(await store.append(request)).toEqual({ ...first, repeated: true });
        expect(await store.findCommand(request.commandId)).toEqual({ ...first, repeated: true, fingerprint: 'sha-1' });
        expect(await store.head()).toEqual(head);
      });

      it('is carried out once when it is sent twice at the same time', async () => {
        const [stream, other] = [freshStream(), freshStream()];
        const request = requestOf([{ stream, expected: 'none', says: ['once'] }]);
        const [one, two, neighbour] = await Promise.all([store.append(request), store.append(request), store.append(requestOf([{ stream: other, says: ['n'] }]))]);
        expect([one.repeated, two.repeated].sort()).toEqual([false, true]);
        expect({ ...two, repeated: false }).toEqual({ ...one, repeated: false });
        expect(neighbour.versions).toEqual(new Map([[other, 1]]));
        expect((await store.readStream(stream)).version).toBe(1);
      });

      it('is unknown where it never came', async () => {
        expect(await store.findCommand(freshCommand())).toBeNull();
      });
    });

    describe('refuses', () => {
      it('an event id of another command, and one that stands twice', async () => {
        const stream = freshStream();
        const request = requestOf([{ stream, says: ['a', 'b'] }]);
        await store.append(request);
        const foreign = { ...request, commandId: freshCommand() };
        await expect(store.append(foreign)).rejects.toMatchObject({ code: 'event-id-mismatch' });
        const again = requestOf([{ stream, says: ['a', 'b'] }]);
        const [entry] = again.entries;
        const twice = { ...again, entries: [{ ...entry!, events: [entry!.events[0]!, entry!.events[0]!] }] };
        await expect(store.append(twice)).rejects.toMatchObject({ code: 'event-id-mismatch' });
        expect((await store.readStream(stream)).version).toBe(2);
      });

      it('nothing in the order in which the ids of one command come', async () => {
        const commandId = freshCommand();
        const request = requestOf([{ stream: freshStream(), says: ['a', 'b', 'c'] }], commandId);
        const [entry] = request.entries;
        await store.append({ ...request, entries: [{ ...entry!, events: [...entry!.events].reverse() }] });
        expect((await store.findCommand(commandId))?.last).toBe((await store.head()).position);
      });

      it('what is larger than it takes, before anything is written', async () => {
        const commandId = freshCommand();
        const tooLarge = { eventId: deriveEventId(commandId, 0), type: 'Said', content: `"${'x'.repeat(store.capabilities.eventBytesMax)}"` };
        const head = await store.head();
        await expect(store.append({ commandId, entries: [{ streamId: freshStream(), expectedVersion: 'any', events: [tooLarge] }] })).rejects.toMatchObject({ code: 'append-too-large' });
        expect(await store.head()).toEqual(head);
      });

      it.each([['an empty stream id', ''], ['one that is too long', 'x'.repeat(201)], ['one with a NUL', 'a\0b']])('%s', async (_, stream) => {
        await expect(store.append(requestOf([{ stream: stream as ReturnType<typeof freshStream>, says: ['x'] }]))).rejects.toMatchObject({ code: 'append-invalid' });
      });
    });

    describe('reading a stream', () => {
      const five = async () => {
        const stream = freshStream();
        const { first } = await store.append(requestOf([{ stream, says: ['1', '2', '3'] }]));
        const { last } = await store.append(requestOf([{ stream, says: ['4', '5'] }]));
        return { stream, first, last };
      };

      it.each([
        [{}, '12345'], [{ from: v(3) }, '345'], [{ limit: 2 }, '12'], [{ from: v(2), limit: 3 }, '234'], [{ from: v(6) }, ''], [{ direction: 'backwards' as const }, '54321'],
        [{ direction: 'backwards' as const, limit: 1 }, '5'], [{ direction: 'backwards' as const, from: v(3) }, '321'], [{ direction: 'backwards' as const, from: v(9), limit: 2 }, '54'],
      ])('%j gives %s', async (options, said) => {
        const { stream } = await five();
        const slice = await store.readStream(stream, options);
        expect(saidBy(slice.events).join('')).toBe(said);
        expect(slice.version).toBe(5);
      });

      it('leaves out what comes after upTo, and tells the version there', async () => {
        const { stream, first, last } = await five();
        expect(await store.readStream(stream, { upTo: pos(first + 2) })).toMatchObject({ version: 3, events: [{ streamVersion: 1 }, { streamVersion: 2 }, { streamVersion: 3 }] });
        expect((await store.readStream(stream, { upTo: pos(last - 1), direction: 'backwards', limit: 1 }))).toMatchObject({ version: 4, events: [{ streamVersion: 4 }] });
        expect(await store.readStream(stream, { upTo: pos(first - 1) })).toEqual({ version: 0, events: [] });
      });

      it('that does not exist gives nothing at version 0', async () => {
        expect(await store.readStream(freshStream())).toEqual({ version: 0, events: [] });
      });

      it('several at once, those that do not exist among them', async () => {
        const [one, two, none] = [await five(), await five(), freshStream()];
        const slices = await store.readStreams([two.stream, none, one.stream]);
        expect([...slices].map(([id, s]) => [id, saidBy(s.events).join(''), s.version])).toEqual([[two.stream, '12345', 5], [none, '', 0], [one.stream, '12345', 5]]);
        const cut = await store.readStreams([one.stream, two.stream], pos(one.first + 2));
        expect([cut.get(one.stream)?.version, cut.get(two.stream)?.version]).toEqual([3, 0]);
      });
    });

    describe('reading the whole log', () => {
      it('page by page gives every position once', async () => {
        await store.append(requestOf([{ stream: freshStream(), says: ['x', 'y', 'z'] }]));
        const head = (await store.head()).position;
        const events = await readToEnd(store, head - 3, 2);
        expect(saidBy(events)).toEqual(['x', 'y', 'z']);
        expect((await readToEnd(store)).map((e) => e.position)).toEqual(Array.from({ length: head }, (_, i) => i + 1));
      });

      it('stands still at the head', async () => {
        const { position: head } = await store.head();
        expect(await store.readAll({ after: head })).toEqual({ events: [], scannedTo: head });
        expect(await store.readAll({ after: pos(head + 100) })).toEqual({ events: [], scannedTo: head + 100 });
      });

      it('coerces the limit', async () => {
        const { last } = await store.append(requestOf([{ stream: freshStream(), says: ['x', 'y'] }]));
        expect((await store.readAll({ after: pos(last - 2), limit: 0 })).events).toHaveLength(1);
        expect((await store.readAll({ after: pos(last - 2), limit: 1e9 })).events).toHaveLength(2);
      });

      it('gives the hashes of contents in their place where that is asked, which leaves the leaves', async () => {
        const identity = await store.identity();
        const { first } = await store.append(requestOf([{ stream: freshStream(), says: Array.from({ length: 60 }, (_, n) => `第${n}条 "\\ 😀`) }]));
        for (const options of [{ after: pos(0) }, { after: pos(first - 1) }, { after: pos(first + 1), limit: 2 }, { after: pos(first - 1), filter: { types: ['Said'] } }] as const) {
          const [whole, hashed] = [await store.readAll(options), await store.readAll({ ...options, contents: 'hashed' })];
          expect(hashed).toEqual({ ...whole, events: whole.events.map((event) => ({ ...event, content: '', contentSha256: contentSha256(event) })) });
          expect(hashed.events.map((event) => leafBytes(event, identity))).toEqual(whole.events.map((event) => leafBytes(event, identity)));
        }
      });

      it('filtered moves scannedTo over what does not match', async () => {
        const noun = `noun${crypto.randomUUID().slice(0, 8)}`;
        const [a, b] = [freshStream(noun), freshStream()];
        const { first } = await store.append(requestOf([{ stream: a, says: ['Opened:1', 'Closed:2'] }, { stream: b, says: ['Opened:3', 'Closed:4', 'Other:5'] }]));
        const after = pos(first - 1);
        expect(await store.readAll({ after, filter: { types: ['Opened'] } })).toMatchObject({ events: [{ position: first }, { position: first + 2 }], scannedTo: first + 4 });
        expect(await store.readAll({ after, filter: { types: ['Opened'] }, limit: 1 })).toMatchObject({ events: [{ position: first }], scannedTo: first });
        expect(await store.readAll({ after, filter: { types: ['None', 'Never'] } })).toEqual({ events: [], scannedTo: first + 4 });
        expect(saidBy((await store.readAll({ after, filter: { streamPrefix: `${noun}-` } })).events)).toEqual(['Opened:1', 'Closed:2']);
        expect(saidBy((await store.readAll({ after, filter: { streamPrefix: `${noun}-`, types: ['Closed', 'Other'] } })).events)).toEqual(['Closed:2']);
        expect((await store.readAll({ after, filter: { types: [] } })).events).toEqual([]);
        expect(saidBy((await store.readAll({ after, filter: { first: true } })).events)).toEqual(['Opened:1', 'Opened:3']);
        expect(await store.readAll({ after, filter: { first: true, streamPrefix: `${noun}-` } })).toMatchObject({ events: [{ position: first }], scannedTo: first + 4 });
        expect((await store.readAll({ after, filter: { first: false } })).events).toHaveLength(5);
        // A prefix is plain text, no pattern.
        expect((await store.readAll({ after, filter: { streamPrefix: `${noun}%` } })).events).toEqual([]);
      });
    });

    describe('contents', () => {
      /** Twice in one append, beside a small one. */
      const long = (): string => '字'.repeat(Math.floor(Math.min(1 << 20, store.capabilities.eventBytesMax - 500, (store.capabilities.appendBytesMax - 3_000) / 2) / 3));

      it.each<readonly [string, string | (() => string)]>([
        ['of 1 MiB, or as long as the adapter takes twice', long], ['in Chinese', '立行立改的 2 个问题，基本完成'], ['beyond the basic plane', '𠮷😀 é é \u0007 "\\/'], ['with an escaped NUL', 'a\0b'], ['empty', ''],
      ])('%s come back unchanged', async (_, given) => {
        const text = typeof given === 'string' ? given : given();
        const stream = freshStream();
        const request = requestOf([{ stream, says: [text] }, { stream: freshStream(), says: [text, 'x'] }]);
        const { first } = await store.append(request);
        const content = request.entries[0]!.events[0]!.content;
        expect((await store.readStream(stream)).events[0]!.content === content).toBe(true);
        expect((await store.readAll({ after: pos(first - 1), limit: 1 })).events[0]!.content === content).toBe(true);
      });

      it('of 3,000 events in one append over many streams, or as many as the adapter takes, split and whole', async () => {
        const streams = Array.from({ length: 7 }, () => freshStream());
        const each = Math.min(428, Math.floor(store.capabilities.appendEventsMax / 7));
        const says = Array.from({ length: each }, (_, i) => `event ${i}`);
        const start = (await store.head()).position;
        const request = requestOf(streams.map((stream) => ({ stream, expected: 'none' as const, says })));
        const result = await store.append(request);
        expect(result).toMatchObject({ first: start + 1, last: start + 7 * each, versions: new Map(streams.map((s) => [s, each])), repeated: false });
        const events = await readToEnd(store, start);
        expect(events.map((e) => [e.position, e.streamVersion, e.recordedAt, e.streamId])).toEqual(
          streams.flatMap((s, i) => says.map((__, j) => [start + i * each + j + 1, j + 1, result.recordedAt, s])));
        expect(await store.append(request)).toEqual({ ...result, repeated: true });
        await expect(store.append(requestOf(streams.map((stream, i) => ({ stream, expected: i === 6 ? v(1) : v(each), says })))))
          .rejects.toMatchObject({ code: 'stream-version-conflict', streamId: streams[6], expected: 1, actual: each });
        expect((await store.head()).position).toBe(result.last);
      });
    });

    describe('purging a content', () => {
      const appended = async (says: readonly string[]): Promise<readonly StoredEvent[]> => {
        const stream = freshStream();
        await store.append({ ...requestOf([{ stream, says }]), fingerprint: 'what was asked' });
        return (await store.readStream(stream)).events;
      };

      it('is refused where every content stays for good', async () => {
        if (store.capabilities.purges) return;
        const [event] = await appended(['to stay']);
        await expect(store.append(purgeOf(event!))).rejects.toMatchObject({ code: 'purge-unsupported' });
        expect((await store.readStream(event!.streamId)).events).toEqual([event]);
      });

      it('takes it away with the append of the event that says so, and leaves the leaf', async () => {
        if (!store.capabilities.purges) return;
        const [before, gone, after] = await appended(['before', 'a telephone number', 'after']);
        const command = await store.findCommand((JSON.parse(gone!.content) as { commandId: ReturnType<typeof freshCommand> }).commandId);
        expect(command?.fingerprint).toBe('what was asked');
        const identity = await store.identity();
        const { last } = await store.append(purgeOf(gone!, v(3)));
        const purged = { ...gone, content: '', contentSha256: contentSha256(gone!) };
        const said = (await store.readAll({ after: pos(last - 1) })).events;
        for (const read of [
          (await store.readStream(gone!.streamId)).events, (await store.readStreams([gone!.streamId])).get(gone!.streamId)!.events,
          (await store.readAll({ after: pos(before!.position - 1) })).events, (await (await subject.another()).readStream(gone!.streamId)).events,
        ]) expect(read).toEqual([before, purged, after, ...said]);
        expect((await store.readAll({ after: pos(gone!.position - 1), filter: { types: ['Said'] }, limit: 1 })).events).toEqual([purged]);
        expect((await store.readAll({ after: pos(gone!.position - 1), limit: 1, contents: 'hashed' })).events).toEqual([purged]);
        expect(leafBytes(purged as StoredEvent, identity)).toEqual(leafBytes(gone!, identity));
        // The hash of the request would confirm a guess of what it said.
        expect((await store.findCommand((JSON.parse(before!.content) as { commandId: ReturnType<typeof freshCommand> }).commandId))?.fingerprint).toBeNull();
      });

      it('is carried out once, and not where the event named holds no such content', async () => {
        if (!store.capabilities.purges) return;
        const [one, other] = [await appended(['one', 'two']), await appended(['other'])];
        const head = (await store.head()).position;
        const elsewhere = { ...one[0]!, streamId: other[0]!.streamId };
        const refused = [
          purgeOf(one[0]!, 'any', '0'.repeat(64)), purgeOf(elsewhere), purgeOf({ ...one[0]!, position: pos(head + 1) }), purgeOf({ ...one[0]!, position: pos(0) }),
          purgeOf(one[0]!, 'any', 'no hash'),
        ];
        for (const request of refused) await expect(store.append(request)).rejects.toMatchObject({ code: 'append-invalid' });
        await expect(store.append(purgeOf(one[0]!, v(1)))).rejects.toMatchObject({ code: 'stream-version-conflict' });
        expect((await store.head()).position).toBe(head);
        const request = purgeOf(one[0]!);
        const result = await store.append(request);
        expect(await store.append(request)).toEqual({ ...result, repeated: true });
        const purge = (await store.readAll({ after: pos(result.last - 1) })).events[0]!;
        await expect(store.append(purgeOf(one[0]!))).rejects.toMatchObject({ code: 'append-invalid' });
        await expect(store.append(purgeOf(purge))).rejects.toMatchObject({ code: 'append-invalid' });
        expect((await store.readStream(one[0]!.streamId)).events).toEqual([{ ...one[0]!, content: '', contentSha256: contentSha256(one[0]!) }, one[1], purge]);
      });

      it('an event that says nothing is no event', async () => {
        const request = requestOf([{ stream: freshStream(), says: ['something'] }]);
        const [entry] = request.entries;
        await expect(store.append({ ...request, entries: [{ ...entry!, events: [{ ...entry!.events[0]!, content: '' }] }] })).rejects.toMatchObject({ code: 'append-invalid' });
      });
    });

    describe('subscribing', () => {
      it('from the start gives the past and then what comes', async () => {
        const head = (await store.head()).position;
        const seen = follow({}, (events) => events.some((e) => e.content.includes('live one')));
        await store.append(requestOf([{ stream: freshStream(), says: ['live one'] }]));
        expect((await seen).map((e) => e.position)).toEqual(Array.from({ length: head + 1 }, (_, i) => i + 1));
      });

      it('from a position, live, across instances', async () => {
        const { last } = await store.append(requestOf([{ stream: freshStream(), says: ['before'] }]));
        const other = await subject.another();
        const seen = follow({ after: last }, (events) => events.length === 3, other);
        await new Promise((resolve) => setTimeout(resolve, 50));
        for (const text of ['one', 'two', 'three']) await store.append(requestOf([{ stream: freshStream(), says: [text] }]));
        expect(saidBy(await seen)).toEqual(['one', 'two', 'three']);
        await other.close();
      });

      it('with a filter hears how far it has got', async () => {
        const { last } = await store.append(requestOf([{ stream: freshStream(), says: ['Nothing:1', 'Nothing:2'] }]));
        const abort = new AbortController();
        const slices: AllSlice[] = [];
        for await (const slice of store.subscribeAll({ after: pos(last - 2), filter: { types: ['Rare'] }, signal: abort.signal })) {
          slices.push(slice);
          if (slice.scannedTo === last) abort.abort();
        }
        expect(slices.flatMap((s) => s.events)).toEqual([]);
      });

      it('aborted in the middle of a batch and begun again from its checkpoint loses and doubles nothing', async () => {
        const start = (await store.head()).position;
        await store.append(requestOf([{ stream: freshStream(), says: Array.from({ length: 25 }, (_, i) => `${i}`) }]));
        const done: Position[] = [];
        /** Handles events until so many are done in all, and stops there, wherever in a batch that is. */
        const handleUntil = async (count: number): Promise<void> => {
          for await (const slice of store.subscribeAll({ after: done.at(-1) ?? start, batchEventsMax: 6, signal: new AbortController().signal })) {
            done.push(...slice.events.slice(0, count - done.length).map((e) => e.position));
            if (done.length === count) return;
          }
        };
        for (const count of [4, 5, 13, 25]) await handleUntil(count);
        expect(done).toEqual(Array.from({ length: 25 }, (_, i) => start + i + 1));
      });

      it('ends when it is aborted while it waits', async () => {
        const abort = new AbortController();
        const { position: after } = await store.head();
        const slices: AllSlice[] = [];
        setTimeout(() => { abort.abort(); }, 20);
        for await (const slice of store.subscribeAll({ after, signal: abort.signal })) slices.push(slice);
        expect(slices).toEqual([]);
      });
    });

    describe('closing', () => {
      it('ends its subscriptions and refuses what comes after, and nothing is lost', async () => {
        const other = await subject.another();
        const stream = freshStream();
        await other.append(requestOf([{ stream, says: ['kept'] }]));
        const head = (await store.head()).position;
        const ended = follow({ after: head }, () => false, other);
        await other.close();
        expect(await ended).toEqual([]);
        await expect(other.append(requestOf([{ stream, says: ['late'] }]))).rejects.toMatchObject({ code: 'event-store-unavailable' });
        await expect(other.head()).rejects.toMatchObject({ code: 'event-store-unavailable' });
        expect(saidBy((await store.readStream(stream)).events)).toEqual(['kept']);
      });
    });

    it('keeps its identity', async () => {
      const other = await subject.another();
      expect(await other.identity()).toEqual(await store.identity());
      expect((await store.identity()).logId).toMatch(/^[0-9a-f-]{36}$/);
      await other.close();
    });
  });
};
