// Goal: any stream has a name of its own that every release of the server takes, and appends are found in the log as they were made, however it is cut.
// Method: properties over random names, appends and batches.
import { describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { freshCommand } from '@rectrail/event-store/testing';
import { streamId } from '@rectrail/kernel';
import fc from 'fast-check';
import type { LogRecord, RecordToAppend } from './kurrent-log.ts';
import { CommandGroups, receiptRecord, type CommandGroup } from './receipts.ts';
import { commandOfReceiptStream, onlyEventStreams, receiptStreamOf, streamIdOf, streamNameOf, withoutSystemStreams } from './stream-names.ts';

const anyName = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), fc.stringMatching(/^[a-cA-C_$.0-9-]{1,12}$/), fc.constantFrom('_log', '_command-x', '_5f', 'A', 'a', '_41', '$all'));

describe('names of streams', () => {
  it('lead back to the stream, are told apart without regard to case, and are no system or book-keeping streams', () => {
    fc.assert(fc.property(anyName, anyName, (one, other) => {
      const name = streamNameOf(streamId(one));
      expect(streamIdOf(name)).toBe(one);
      expect(name).toMatch(/^[a-z0-9_.-]+$/);
      expect(name.toLowerCase() === streamNameOf(streamId(other)).toLowerCase()).toBe(one === other);
      expect(commandOfReceiptStream(name)).toBeNull();
      expect(new RegExp(onlyEventStreams).test(name) && new RegExp(withoutSystemStreams).test(name)).toBe(true);
    }), { numRuns: 500 });
  });

  it('of the domain stay as they are', () => {
    for (const name of ['installation', 'issue-01a203aa-62cd-83f6-a1bb-4fce41ff678b', 'working-calendar']) expect(streamNameOf(streamId(name))).toBe(name);
  });

  it('of receipts are no events to a reader, and the stream of no other', () => {
    const id = freshCommand();
    expect(commandOfReceiptStream(receiptStreamOf(id))).toBe(id);
    expect(streamIdOf(receiptStreamOf(id))).toBeNull();
    expect(new RegExp(onlyEventStreams).test(receiptStreamOf(id))).toBe(false);
  });

  it('that nobody of ours gave belong to nobody', () => {
    for (const name of ['Issue-1', '_4', '_zz', '_61', 'a$b', '', '_ff']) expect(streamIdOf(name)).toBeNull();
  });
});

describe('receipts', () => {
  const appends = fc.array(fc.record({ streams: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }), noise: fc.boolean() }), { maxLength: 12 });

  it('give every append back, whole and in order, whatever stands between', () => {
    fc.assert(fc.property(appends, (made) => {
      const log: LogRecord[] = [];
      const versions = new Map<string, number>();
      const write = (record: RecordToAppend): void => {
        const revision = versions.get(record.stream) ?? 0;
        versions.set(record.stream, revision + 1);
        log.push({ ...record, position: { commit: BigInt(log.length * 10), prepare: BigInt(log.length * 10) }, revision, createdMs: log.length });
      };
      const expected: Partial<CommandGroup>[] = made.map(({ streams, noise }, n) => {
        const commandId = freshCommand();
        if (noise) write({ stream: 'Somebody', eventId: crypto.randomUUID(), type: 'Said', data: Buffer.from('x') });
        const createdMs = log.length;
        write(receiptRecord({ commandId, events: streams.length, fingerprint: n % 2 === 0 ? null : `f${n}` }));
        streams.forEach((s, i) => { write({ stream: `s-${s}`, eventId: deriveEventId(commandId, streams.length - 1 - i), type: 'Said', data: Buffer.from('x') }); });
        return { commandId, createdMs, fingerprint: n % 2 === 0 ? null : `f${n}` };
      });
      const groups = new CommandGroups();
      const found = log.map((record) => groups.push(record)).filter((group) => group !== null);
      expect(found).toMatchObject(expected);
      expect(found.map((g) => g.events.map((e) => e.streamId))).toEqual(made.map((m) => m.streams.map((s) => `s-${s}`)));
    }));
  });

  it.each([['no JSON', '{'], ['no events', '{"events":0,"fingerprint":null}'], ['another fingerprint', '{"events":1,"fingerprint":7}'], ['nothing', '']])('with %s stop', (_, text) => {
    const record = { stream: receiptStreamOf(freshCommand()), eventId: crypto.randomUUID(), type: 'rectrail.command', data: Buffer.from(text), position: { commit: 1n, prepare: 1n }, revision: 0, createdMs: 0 };
    expect(() => new CommandGroups().push(record)).toThrow(expect.objectContaining({ code: 'log-damaged' }));
  });
});
