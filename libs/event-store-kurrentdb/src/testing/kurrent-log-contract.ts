// Goal: the fake is the server that the adapter is written for, and the client brings that server to the port unchanged. Method: each rule that the adapter
// builds upon, through the port alone; streams are fresh in each case, so that a server in use serves too.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isAfter, type KurrentLog, type LogRecord, type RecordToAppend } from '../kurrent-log.ts';

const freshName = (): string => `contract-${randomUUID()}`;
const record = (stream: string, text: string, eventId: string = randomUUID()): RecordToAppend => ({ stream, eventId, type: 'Said', data: Buffer.from(text, 'utf8') });
const textOf = ({ data }: LogRecord): string => Buffer.from(data).toString('utf8');
const onlyContract = { streamPattern: '^contract-' };

/** A log and its server's limit; `stop` ends what was started for it. */
export interface LogUnderTest { readonly log: KurrentLog; readonly appendBytesMax: number; stop?(): void }

export const describeKurrentLog = (name: string, factory: () => Promise<LogUnderTest>): void => {
  describe(`KurrentDB log contract: ${name}`, () => {
    let subject: LogUnderTest;
    let log: KurrentLog;
    let appendBytesMax: number;
    beforeAll(async () => { subject = await factory(); ({ log, appendBytesMax } = subject); });
    afterAll(async () => { await log.close(); subject.stop?.(); });

    const texts = async (stream: string): Promise<string[]> => (await log.readStream(stream, 0, 100)).map(textOf);

    /** Follows from a place until so many events of these streams have come. */
    const followed = async (after: LogRecord['position'] | null, streams: readonly string[], count: number): Promise<LogRecord[]> => {
      const stop = new AbortController();
      const seen: LogRecord[] = [];
      for await (const batch of log.follow({ after, filter: onlyContract, signal: stop.signal })) {
        seen.push(...batch.filter((r) => streams.includes(r.stream)));
        if (seen.length >= count) stop.abort();
      }
      return seen;
    };

    it('tells its version and that it appends records', async () => {
      const { version, appendsRecords } = await log.server();
      expect(version).toMatch(/^\d+\.\d+/);
      expect(appendsRecords).toBe(true);
    });

    it('keeps bytes, types, ids and revisions', async () => {
      const stream = freshName();
      const sent = ['立行立改 𠮷 \u0000 "\\', '{"looks":"like JSON"}', ''].map((text) => record(stream, text));
      await log.append(sent, [{ stream, revision: 'none' }]);
      const read = await log.readStream(stream, 0, 10);
      expect(read.map((r) => [r.eventId, r.type, textOf(r), r.revision])).toEqual(sent.map((r, i) => [r.eventId, 'Said', textOf(r as unknown as LogRecord), i]));
      expect(Math.abs((read[0]?.createdMs ?? 0) - Date.now())).toBeLessThan(24 * 3_600_000);
      expect(read.every((r) => Number.isInteger(r.createdMs))).toBe(true);
    });

    it('appends over several streams in the order given, with nothing between', async () => {
      const [a, b] = [freshName(), freshName()];
      const start = (await log.last())?.position;
      await log.append([record(a, 'a1'), record(b, 'b1'), record(a, 'a2')], [{ stream: a, revision: 'none' }, { stream: b, revision: 'none' }]);
      const all = await log.readAll({ ...(start && { from: start }), count: 1_000 });
      const at = all.findIndex((r) => r.stream === a);
      expect(all.slice(at, at + 3).map((r) => [r.stream, textOf(r), r.revision])).toEqual([[a, 'a1', 0], [b, 'b1', 0], [a, 'a2', 1]]);
      expect(all.slice(1).every((r, i) => isAfter(r.position, all[i]!.position))).toBe(true);
    });

    it('writes nothing where a check fails, of a stream that is written or of another', async () => {
      const [a, b] = [freshName(), freshName()];
      await log.append([record(a, 'a1')], [{ stream: a, revision: 'none' }]);
      const failing = [
        [{ stream: a, revision: 'none' as const }], [{ stream: a, revision: 1 }], [{ stream: b, revision: 'none' as const }, { stream: a, revision: 3 }], [{ stream: b, revision: 0 }],
      ];
      for (const checks of failing) await expect(log.append([record(b, 'no')], checks)).rejects.toMatchObject({ code: 'check-failed' });
      await expect(log.append([record(a, 'no')], [{ stream: a, revision: 'none' }])).rejects.toMatchObject({ code: 'check-failed' });
      expect([await texts(a), await texts(b)]).toEqual([['a1'], []]);
      await log.append([record(b, 'yes')], [{ stream: a, revision: 0 }, { stream: b, revision: 'none' }]);
      expect(await texts(b)).toEqual(['yes']);
    });

    it('refuses the second of two appends that write one event into a stream that must be new', async () => {
      const [receipt, stream] = [freshName(), freshName()];
      const event = record(stream, 'once');
      const checks = [{ stream: receipt, revision: 'none' as const }, { stream, revision: 'none' as const }];
      await log.append([record(receipt, 'r'), event], checks);
      // Another id for the receipt, the same for the event: as the adapter sends an append again.
      await expect(log.append([record(receipt, 'r'), event], checks)).rejects.toMatchObject({ code: 'check-failed' });
      await expect(log.append([record(receipt, 'r'), event], [checks[0]!, { stream, revision: 0 }])).rejects.toMatchObject({ code: 'check-failed' });
      expect([await texts(receipt), await texts(stream)]).toEqual([['r'], ['once']]);
    });

    it('lets one of many win', async () => {
      const stream = freshName();
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => log.append([record(stream, `${i}`)], [{ stream, revision: 'none' }])));
      expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
      for (const o of outcomes) if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'check-failed' });
      expect(await texts(stream)).toHaveLength(1);
    });

    it('takes an append just below its size, and refuses one above before anything is written', async () => {
      const stream = freshName();
      await log.append([record(stream, 'x'.repeat(appendBytesMax - 500))], [{ stream, revision: 'none' }]);
      await expect(log.append([record(stream, 'x'.repeat(appendBytesMax / 2)), record(stream, 'x'.repeat(appendBytesMax / 2))], [{ stream, revision: 0 }])).rejects.toMatchObject({ code: 'too-large' });
      expect((await texts(stream)).map((text) => text.length)).toEqual([appendBytesMax - 500]);
    });

    it('reads streams by revision, and nothing of one that is not there', async () => {
      const stream = freshName();
      await log.append(['0', '1', '2', '3'].map((text) => record(stream, text)), [{ stream, revision: 'none' }]);
      expect((await log.readStream(stream, 1, 2)).map(textOf)).toEqual(['1', '2']);
      expect(await log.readStream(stream, 9, 2)).toEqual([]);
      expect(await log.readStream(freshName(), 0, 2)).toEqual([]);
    });

    it('reads all from a place, inclusive, by stream', async () => {
      const stream = freshName();
      await log.append(['0', '1', '2'].map((text) => record(stream, text)), [{ stream, revision: 'none' }]);
      const second = (await log.readStream(stream, 0, 3))[1]!;
      const from = (await log.readAll({ count: 100_000, filter: { streamPattern: `^${stream}$` } })).find((r) => r.eventId === second.eventId)!.position;
      expect((await log.readAll({ from, count: 2, filter: onlyContract })).map(textOf)).toEqual(['1', '2']);
      expect((await log.readAll({ from, count: 1 })).map(textOf)).toEqual(['1']);
      expect((await log.readAll({ from, count: 10, filter: { typePrefixes: ['Sai'] } })).map(textOf).slice(0, 2)).toEqual(['1', '2']);
    });

    it('finds the last of all, and of those wanted', async () => {
      const [stream, later] = [freshName(), freshName()];
      await log.append([record(stream, '0'), record(stream, '1')], [{ stream, revision: 'none' }]);
      await log.append([record(later, 'later')], [{ stream: later, revision: 'none' }]);
      expect(textOf((await log.last({ streamPattern: `^${stream}$` }))!)).toBe('1');
      expect(await log.last({ streamPattern: '^nobody-' })).toBeNull();
      expect(isAfter((await log.last({ streamPattern: `^${stream}$` }))!.position, (await log.last())!.position)).toBe(false);
    });

    it('follows after a place, the past first and then what comes, each once', async () => {
      const stream = freshName();
      await log.append([record(stream, '0'), record(stream, '1')], [{ stream, revision: 'none' }]);
      const [first] = await followed(null, [stream], 1);
      const rest = followed(first!.position, [stream], 3);
      await log.append([record(stream, '2')], [{ stream, revision: 1 }]);
      await log.append([record(stream, '3')], [{ stream, revision: 2 }]);
      expect((await rest).map((r) => [textOf(r), r.revision])).toEqual([['1', 1], ['2', 2], ['3', 3]]);
    });

    it('ends following when told to, also while nothing comes', async () => {
      const stop = new AbortController();
      const end = (await log.last())?.position ?? null;
      setTimeout(() => { stop.abort(); }, 50);
      for await (const batch of log.follow({ after: end, filter: { streamPattern: '^nobody-' }, signal: stop.signal })) expect(batch).toEqual([]);
      expect(stop.signal.aborted).toBe(true);
    });

    it('has no truncation where none is set', async () => {
      const stream = freshName();
      await log.append([record(stream, '0')], [{ stream, revision: 'none' }]);
      expect(await log.truncation(stream)).toBeNull();
      expect(await log.truncation(freshName())).toBeNull();
    });
  });
};
