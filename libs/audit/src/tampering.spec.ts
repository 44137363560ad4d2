// Goal: nothing of a stored event can be changed without being found at its position. Method: every single bit of every field of a small log flipped in turn, read as rows of a
// database are read, with and without the hashes kept beside them; random changes of a larger one (dropped, swapped, inserted, cut), some with the hashes changed alike.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, deriveEventId, type StoredEvent } from '@rectrail/event-store';
import { instantOfMs, msOfInstant, position, streamId, streamVersion, type CommandId, type StreamVersion } from '@rectrail/kernel';
import { newNoteKey } from '@rectrail/transparency';
import { entryOfStored, type LogEntry } from './entry.ts';
import type { Finding } from './findings.ts';
import { LogKeys } from './log-keys.ts';
import { LogVerifier } from './log-verifier.ts';
import { checkpointOf, leafHashesOf, originOf, rowsSource, sampleLog, treeOf, type Rows } from './testing/sample-log.ts';
import { verifyLog } from './verify-log.ts';

const flipped = (bytes: Buffer, bit: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
};
const flippedText = (text: string, bit: number): string => flipped(Buffer.from(text), bit).toString();
const flippedInteger = (value: number, bit: number): number => Number(BigInt.asIntN(64, BigInt(value) ^ (1n << BigInt(bit))));
const textBits = (text: string): number => Buffer.byteLength(text) * 8;

/** Every copy of an event in which one bit of what is stored of it is another: 64 of whole numbers, 32 of versions, all of texts. */
function* bitFlips(event: StoredEvent): Generator<StoredEvent> {
  for (let bit = 0; bit < 64; bit += 1) {
    const [at, ms] = [flippedInteger(event.position, bit), flippedInteger(msOfInstant(event.recordedAt), bit)];
    if (Number.isSafeInteger(at) && at > 0) yield { ...event, position: position(at) };
    // A leaf cannot name what is no instant: the database source gives another text.
    if (Math.abs(ms) <= 8.64e15) yield { ...event, recordedAt: instantOfMs(ms) };
  }
  for (let bit = 0; bit < 31; bit += 1) yield { ...event, streamVersion: streamVersion(flippedInteger(event.streamVersion, bit)) };
  for (let bit = 0; bit < textBits(event.streamId); bit += 1) yield { ...event, streamId: streamId(flippedText(event.streamId, bit)) };
  for (let bit = 0; bit < textBits(event.type); bit += 1) yield { ...event, type: flippedText(event.type, bit) };
  for (let bit = 0; bit < textBits(event.content); bit += 1) yield { ...event, content: flippedText(event.content, bit) };
}

/** Small ones: two of one command in one stream, one of another. What the domain says in them is no matter here. */
const smallEvents = (): readonly StoredEvent[] => {
  const commands = ['01983b5e-7d2c-7a10-9f3e-5c6d7e8f9a0b', '01983b5e-7d2c-7a10-9f3e-5c6d7e8f9a0c'] as CommandId[];
  return ([[commands[0]!, 0, 'a', 1], [commands[0]!, 1, 'a', 2], [commands[1]!, 0, '整', 1]] as const).map(([commandId, index, stream, version], i) => ({
    position: position(i + 1), recordedAt: instantOfMs(1_700_000_000_000 + i), streamId: streamId(stream), streamVersion: streamVersion(version), type: 'Noted',
    content: canonicalJson({ classification: 'public', commandId, data: { says: '改' }, eventId: deriveEventId(commandId, index), type: 'Noted' }),
  }));
};

describe('every bit of a stored event', () => {
  it('that is flipped is found at the event', () => {
    const identity = { logId: '5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e', epoch: 1 };
    const key = newNoteKey(originOf(identity));
    const events = smallEvents();
    const note = checkpointOf(events, identity, events.length, key);
    // Opened once: signatures are the matter of another test.
    const head = new LogKeys([key.verifier]).open(note);
    const entries = events.map((event) => entryOfStored(event, identity));
    const hashes = leafHashesOf(events, identity);
    const findingsIn = (found: readonly LogEntry[]): readonly Finding[] => {
      const verifier = new LogVerifier({ logId: identity.logId, keys: { open: () => head }, mayTrail: true });
      verifier.add({ entries: found.toSorted((a, b) => a.position - b.position), hashes, notes: [note] });
      return verifier.end().findings;
    };
    expect(findingsIn(entries)).toEqual([]);
    const unnoticed: StoredEvent[] = [];
    let flips = 0;
    for (const event of events) {
      for (const changed of bitFlips(event)) {
        flips += 1;
        const [first] = findingsIn(entries.with(event.position - 1, entryOfStored(changed, identity)));
        const [at, least] = [first?.position ?? 0, Math.min(event.position, changed.position)];
        if (at < least || at > event.position || first?.positionTo !== undefined) unnoticed.push(changed);
      }
    }
    expect(flips).toBeGreaterThan(4_000);
    expect(unnoticed).toEqual([]);
  });
});

describe('a stream of which the beginning is not read', () => {
  it.each([[7, []], [1, []], [0, ['stream-version-gap']], [-5, ['stream-version-gap']]])('may stand at any version that there is: %i', (version, codes) => {
    const identity = { logId: '5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e', epoch: 1 };
    const key = newNoteKey(originOf(identity));
    // Signed as it is: the leaf alone tells nothing.
    const events = smallEvents().map((event) => (event.position === 3 ? { ...event, streamVersion: version as StreamVersion } : event));
    const verifier = new LogVerifier({ logId: identity.logId, keys: new LogKeys([key.verifier]), frontier: treeOf(events.slice(0, 2), identity).frontier });
    verifier.add({ entries: events.slice(2).map((event) => entryOfStored(event, identity)), hashes: null, notes: [checkpointOf(events, identity, 3, key)] });
    expect(verifier.end().findings.map(({ code }) => code)).toEqual(codes);
  });
});

describe('a log of which events were', () => {
  const size = 60;
  const sizes = [20, 41, 60];
  const changes = {
    dropped: (events: readonly StoredEvent[], at: number) => ({ events: events.toSpliced(at, 1), first: at + 1 }),
    'dropped, the rest moved up': (events: readonly StoredEvent[], at: number) => ({ events: events.toSpliced(at, 1).map((event, i) => ({ ...event, position: position(i + 1) })), first: at + 1 }),
    swapped: (events: readonly StoredEvent[], at: number) => {
      const [a, b] = [events[at]!, events[(at + 1) % size]!];
      return { events: events.with(a.position - 1, { ...b, position: a.position }).with(b.position - 1, { ...a, position: b.position }), first: Math.min(a.position, b.position) };
    },
    inserted: (events: readonly StoredEvent[], at: number) => {
      const forged: StoredEvent = { ...events[at]!, streamId: streamId('other'), streamVersion: streamVersion(1) };
      return { events: events.toSpliced(at, 0, forged).map((event, i) => ({ ...event, position: position(i + 1) })), first: at + 1 };
    },
    'cut off': (events: readonly StoredEvent[], at: number) => ({ events: events.slice(0, at), first: at + 1 }),
    're-dated': (events: readonly StoredEvent[], at: number) =>
      ({ events: events.with(at, { ...events[at]!, recordedAt: instantOfMs(msOfInstant(events[at]!.recordedAt) + 1) }), first: at + 1 }),
  };

  it.each(Object.entries(changes))('%s: at the first that is wrong; between two checkpoints where the kept hashes were changed alike', async (_, change) => {
    const { events, identity, key } = await sampleLog(5, size);
    const keys = new LogKeys([key.verifier]);
    const notes = sizes.map((n) => ({ size: n, note: checkpointOf(events, identity, n, key) }));
    const hashes = leafHashesOf(events, identity);
    await fc.assert(fc.asyncProperty(fc.nat({ max: size - 1 }), fc.integer({ min: 1, max: 70 }), async (at, stretch) => {
      const { events: changed, first } = change(events, at);
      const { findings: [found] } = await verifyLog({ source: rowsSource({ events: changed, identity, hashes, notes }, stretch), keys });
      expect(found).toMatchObject({ position: first });
      const { findings: [alike] } = await verifyLog({ source: rowsSource({ events: changed, identity, hashes: leafHashesOf(changed, identity), notes }, stretch), keys });
      // One leaf less than was signed: where it is missing nothing says any more.
      if (alike!.code === 'log-too-short') return;
      expect(alike!.position!).toBeLessThanOrEqual(first);
      expect(alike!.positionTo ?? alike!.position!).toBeGreaterThanOrEqual(first);
    // What is wrong at 45 shows at 54 alone, behind the last checkpoint that holds.
    }), { numRuns: 12, examples: [[44, 1]] });
  });

  it('rewritten and signed anew: by another key nothing is signed, by the same one an older checkpoint tells', async () => {
    const [{ events, identity, key }, other] = [await sampleLog(5, size), await sampleLog(6, size)];
    const keys = new LogKeys([key.verifier]);
    const signedBy = (by: typeof key): Rows => ({
      events: other.events, identity, hashes: leafHashesOf(other.events, identity), notes: [{ size, note: checkpointOf(other.events, identity, size, by) }],
    });
    const stranger = newNoteKey(originOf(identity));
    expect((await verifyLog({ source: rowsSource(signedBy(stranger)), keys })).findings).toMatchObject([{ code: 'checkpoint-unsigned', position: 1 }]);
    expect((await verifyLog({ source: rowsSource(signedBy(key)), keys })).findings).toEqual([]);
    const since = keys.open(checkpointOf(events, identity, 33, key));
    if ('code' in since) throw new Error(since.detail);
    expect((await verifyLog({ source: rowsSource(signedBy(key)), keys, since })).findings).toMatchObject([{ code: 'root-differs', position: 1, positionTo: 33 }]);
    expect((await verifyLog({ source: rowsSource(signedBy(key)), keys, since, isIncremental: true })).findings).toMatchObject([{ code: 'root-differs', position: 1, positionTo: 33 }]);
  });
});
