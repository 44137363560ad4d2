// Goal: a bundle says of a log what is true of it, is finished or is none, and is gone on with where an export was killed. Method: random histories, written as an export writes
// them and killed at random parts; bytes of the finished files changed one by one; bundles of the public, of what lies behind a checkpoint, and of contents that were purged.
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contentSha256, deriveEventId, leafBytes, newCommandId, type StoredEvent } from '@rectrail/event-store';
import { instantOfMs, position, streamId, streamVersion, type Instant } from '@rectrail/kernel';
import { replaceFile } from '@rectrail/platform';
import { streams } from '@rectrail/tracking-domain';
import { cosigningSigner, formatNote, leafHash, newCosignerKey, newNoteKey, parseNote, signNote } from '@rectrail/transparency';
import { bundleEvent, bundleLine, entriesIn, parseManifest } from './bundle-format.ts';
import { Bundle } from './bundle.ts';
import { BundleWriter, type BundleHeader } from './bundle-writer.ts';
import { LogKeys, type TrustedHead } from './log-keys.ts';
import { checkpointOf, originOf, sampleLog, treeOf, type SampleLog } from './testing/sample-log.ts';
import { verifyLog } from './verify-log.ts';

const events = 230;
const eventsOfPart = 50;

let log: SampleLog;
let keys: LogKeys;
let directory: string;
let count = 0;

beforeAll(async () => {
  log = await sampleLog(7, events);
  keys = new LogKeys([log.key.verifier]);
  directory = await mkdtemp(join(tmpdir(), 'rectrail-bundle-'));
});
afterAll(async () => { await rm(directory, { recursive: true, force: true }); });

const freshDirectory = (): string => join(directory, String(count += 1));
const linesOf = (from: number, to: number, isShown: (event: StoredEvent) => boolean): Buffer =>
  Buffer.from(log.events.slice(from, to).map((event) => bundleLine(bundleEvent(event, log.identity, isShown(event)))).join(''));
const headerOf = (after = 0, last = log.events.length): BundleHeader => ({
  logId: log.identity.logId, after, last, audience: 'everything', keys: [log.key.verifier], frontier: treeOf(log.events.slice(0, after), log.identity).frontier,
  checkpoints: [...(after > 0 ? [checkpointOf(log.events, log.identity, after, log.key)] : []), checkpointOf(log.events, log.identity, last, log.key)],
});

const exported = async (to: string, header = headerOf(), isShown: (event: StoredEvent) => boolean = () => true): Promise<Bundle> => {
  const writer = await BundleWriter.begin(to, header, replaceFile);
  while (writer.position < header.last) await writer.add(linesOf(writer.position, Math.min(writer.position + eventsOfPart, header.last), isShown));
  expect(writer.root).toEqual(treeOf(log.events.slice(0, header.last), log.identity).root);
  await writer.finish();
  return Bundle.open(to);
};
const since = (size: number): TrustedHead => keys.open(checkpointOf(log.events, log.identity, size, log.key)) as TrustedHead;

/** The event that has the content of another purged, as it would be stored behind all. */
const purgeEvent = ({ codec, events: all }: SampleLog, target: StoredEvent): StoredEvent => {
  const { eventId, scope, classification } = codec.decode(target);
  const commandId = newCommandId('2030-01-01T00:00:00.000Z' as Instant);
  const { type, content } = codec.encode({
    event: { type: 'ContentPurged', data: {
      purgeId: '00000041-0000-8000-8000-000000000041', eventId, position: target.position, contentSha256: contentSha256(target), reason: 'STATE_SECRET', legalBasis: '保密法',
    } },
    eventId: deriveEventId(commandId, 0), commandId, correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 'second', assurance: 'local-token' }, scope,
    validTime: null, knownTime: null, classification,
  });
  return {
    position: position(all.length + 1), recordedAt: all.at(-1)!.recordedAt, streamId: target.streamId, type, content,
    streamVersion: streamVersion(all.filter(({ streamId: of }) => of === target.streamId).length + 1),
  };
};

/** The event that begins the second epoch behind all of the first, as it would be stored. */
const epochEvent = ({ codec, identity, events: all }: SampleLog): StoredEvent => {
  const commandId = newCommandId('2030-01-01T00:00:00.000Z' as Instant);
  const { type, content } = codec.encode({
    event: { type: 'EpochBegun', data: { epoch: 2, previous: { epoch: 1, size: all.length, root: treeOf(all, identity).root.toString('base64') }, abandoned: [], reason: '数据盘损坏，自备份恢复' } },
    eventId: deriveEventId(commandId, 0), commandId, correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 'admin', assurance: 'local-token' },
    scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal',
  });
  const version = all.filter(({ streamId: of }) => of === streams.installation).length + 1;
  return { position: position(all.length + 1), recordedAt: all.at(-1)!.recordedAt, streamId: streams.installation, type, content, streamVersion: streamVersion(version) };
};

describe('a line of a bundle', () => {
  it('holds the leaf and the content as they are hashed, whatever the stream is called', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), fc.string({ unit: 'grapheme' }), fc.maxSafeNat(), (stream, said, at) => {
      fc.pre(stream.isWellFormed());
      const event: StoredEvent = {
        position: position(at + 1), recordedAt: instantOfMs(at % 4e12), streamId: streamId(stream), streamVersion: streamVersion(at + 1), type: 'X', content: JSON.stringify({ said }),
      };
      const { entries: [entry], finding } = entriesIn(Buffer.from(bundleLine(bundleEvent(event, log.identity, true))), log.identity.logId, at + 1);
      expect(finding).toBeNull();
      expect(entry).toMatchObject({ position: at + 1, streamId: stream, streamVersion: at + 1, recordedAt: event.recordedAt, lacks: null });
      expect(entry!.content!.toString()).toBe(event.content);
      expect(entry!.foundSha256).toBe(entry!.contentSha256);
      expect(entry!.leafHash).toEqual(leafHash(leafBytes(event, log.identity)));
    }), { numRuns: 50 });
  });
});

describe('a bundle', () => {
  it('is verified by the log\'s key alone, schemas included', async () => {
    const bundle = await exported(freshDirectory());
    expect(await verifyLog({ source: bundle, keys, withSchema: true })).toMatchObject({
      after: 0, size: events, withheld: 0, purged: 0, unsigned: 0, checkpoints: 1, findings: [], root: treeOf(log.events, log.identity).root.toString('base64'),
    });
    // A key of the same name that nobody has told of.
    expect((await verifyLog({ source: bundle, keys: new LogKeys([]) })).findings).toMatchObject([{ code: 'checkpoint-unsigned', position: 1 }]);
  });

  it('counts what is withheld and what was purged; nothing is purged without an event that says so', async () => {
    const isShown = ({ position: at }: StoredEvent): boolean => at % 3 === 0;
    const bundle = await exported(freshDirectory(), headerOf(), isShown);
    expect(await verifyLog({ source: bundle, keys })).toMatchObject({ withheld: log.events.filter((event) => !isShown(event)).length, findings: [] });
    expect(bundle.manifest.withheld).toBe(log.events.filter((event) => !isShown(event)).length);
    const purged = { ...log, events: log.events.map((event) => (event.position === 9 ? { ...event, content: '', contentSha256: entryHash(event) } : event)) };
    const lines = Buffer.from(purged.events.map((event) => bundleLine(bundleEvent(event, log.identity, true))).join(''));
    const writer = await BundleWriter.begin(freshDirectory(), headerOf(), replaceFile);
    await writer.add(lines);
    const { purged: number } = await writer.finish();
    expect(number).toBe(1);
    expect(await verifyLog({ source: await Bundle.open(join(directory, String(count))), keys })).toMatchObject({ purged: 1, findings: [{ code: 'content-missing', position: 9 }] });
  });

  it('goes on from a checkpoint, whole or from there', async () => {
    const whole = await exported(freshDirectory());
    const behind = await exported(freshDirectory(), headerOf(101));
    expect(await verifyLog({ source: behind, keys, since: since(101), isIncremental: true })).toMatchObject({ after: 101, size: events, findings: [] });
    expect(await verifyLog({ source: behind, keys })).toMatchObject({ after: 101, size: events, findings: [] });
    expect(await verifyLog({ source: whole, keys, since: since(101), isIncremental: true })).toMatchObject({ after: 101, size: events, findings: [] });
    expect(await verifyLog({ source: whole, keys, since: since(101) })).toMatchObject({ after: 0, checkpoints: 2, findings: [] });
  });

  it('is checked alike wherever the batches of a file begin and end', async () => {
    const one = await sampleLog(8, 1_060);
    const last = one.events.length;
    const trusted = new LogKeys([one.key.verifier]);
    const headOf = (size: number): string => checkpointOf(one.events, one.identity, size, one.key);
    const lines = one.events.map((event) => bundleLine(bundleEvent(event, one.identity, true)));
    const to = freshDirectory();
    const checkpoints = [headOf(500), headOf(777), headOf(last)];
    const writer = await BundleWriter.begin(to, { ...headerOf(), logId: one.identity.logId, keys: [one.key.verifier], last, checkpoints }, replaceFile);
    await writer.add(Buffer.from(lines.join('')));
    await writer.finish();
    const source = await Bundle.open(to);
    expect(await verifyLog({ source, keys: trusted })).toMatchObject({ size: last, checkpoints: 3, findings: [] });
    for (const size of [499, 500, 501, 1_001, last]) {
      const from = trusted.open(headOf(size)) as TrustedHead;
      expect(await verifyLog({ source, keys: trusted, since: from, isIncremental: true })).toMatchObject({ after: size, size: last, findings: [] });
    }
    const file = join(to, source.manifest.parts[0]!.events.name);
    for (const kept of [499, 500, 501, 1_000]) {
      await writeFile(file, lines.slice(0, kept).join(''));
      expect((await verifyLog({ source: await Bundle.open(to), keys: trusted })).findings).toMatchObject([{ code: 'event-missing', position: kept + 1 }, { code: 'bundle-damaged' }]);
    }
    await writeFile(file, [...lines, lines[0]].join(''));
    expect((await verifyLog({ source: await Bundle.open(to), keys: trusted })).findings).toContainEqual(expect.objectContaining({ code: 'position-out-of-order', position: last + 1 }));
  });

  it('that spans two epochs is verified by the keys of both, and by the witnesses of either', async () => {
    const begun = epochEvent(log);
    const all = [...log.events, begun];
    const second = { ...log.identity, epoch: 2 };
    const key = newNoteKey(originOf(second));
    const [witness, stranger] = [newCosignerKey('w.one'), newCosignerKey('w.two')];
    const last = checkpointOf(log.events, log.identity, events, log.key);
    const cosignature = parseNote(signNote(parseNote(last).text, [cosigningSigner(witness.secret, () => 1n)])).signatures;
    const cosigned = formatNote(parseNote(last).text, [...parseNote(last).signatures, ...cosignature]);
    const to = freshDirectory();
    const checkpoints = [checkpointOf(log.events, log.identity, 60, log.key), cosigned, checkpointOf(all, second, all.length, key)];
    const writer = await BundleWriter.begin(to, { ...headerOf(), last: all.length, checkpoints }, replaceFile);
    await writer.add(Buffer.from(all.map((event) => bundleLine(bundleEvent(event, log.identity, true))).join('')));
    await writer.finish();
    const verified = async (logKeys: readonly string[], witnesses: readonly string[]) =>
      verifyLog({ source: await Bundle.open(to), keys: new LogKeys(logKeys, witnesses), witnessesMin: 1, withSchema: true });
    expect(await verified([log.key.verifier, key.verifier], [witness.verifier])).toMatchObject({
      findings: [], checkpoints: 3, newest: { origin: originOf(second), size: all.length, witnesses: [] }, witnessed: { origin: originOf(log.identity), size: events, witnesses: ['w.one'] },
    });
    expect((await verified([log.key.verifier, key.verifier], [stranger.verifier])).findings).toMatchObject([{ code: 'witnesses-missing' }]);
    expect((await verified([key.verifier], [witness.verifier])).findings).toMatchObject([{ code: 'checkpoint-unsigned', position: 1 }]);
    // What was signed before the checkpoint from which it is read says nothing more.
    const later = new LogKeys([log.key.verifier, key.verifier]);
    expect(await verifyLog({ source: await Bundle.open(to), keys: later, since: since(101), isIncremental: true })).toMatchObject({ after: 101, checkpoints: 3, findings: [] });
  });

  it('is gone on with where it was killed, what is finished being kept, and is none before', async () => {
    const reference = await exported(freshDirectory());
    const to = freshDirectory();
    for (let killed = 0; killed < 3; killed += 1) {
      const writer = await BundleWriter.begin(to, headerOf(), replaceFile);
      expect(writer.position).toBe(killed * eventsOfPart);
      await writer.add(linesOf(writer.position, writer.position + eventsOfPart, () => true));
      await writer.close();
      // A line that a power cut left.
      await appendFile(join(to, 'export.ndjson'), '{"part":{"first":');
      await expect(Bundle.open(to)).rejects.toThrow('not finished');
    }
    // A file that was lost or changed meanwhile is written again, and all behind it.
    await writeFile(join(to, 'events/0000000000000051.ndjson'), 'x');
    const writer = await BundleWriter.begin(to, headerOf(), replaceFile);
    expect(writer.position).toBe(eventsOfPart);
    await writer.close();
    expect((await exported(to)).manifest).toEqual(reference.manifest);
    for (const file of ['manifest.json', 'events/0000000000000001.ndjson']) expect((await stat(join(to, file))).mode & 0o077).toBe(0);
    await expect(BundleWriter.unfinished(to)).rejects.toThrow('finished bundle');
  });

  it('in which any byte was changed is found out at its event, and says that it was changed', async () => {
    const to = freshDirectory();
    await exported(to);
    const name = join(to, 'events/0000000000000051.ndjson');
    const bytes = await readFile(name);
    await fc.assert(fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << bit;
      await writeFile(name, changed);
      const { findings } = await verifyLog({ source: await Bundle.open(to), keys });
      const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length;
      expect(findings[0]?.position).toBe(51 + line);
      expect(findings.at(-1)?.code).toBe('bundle-damaged');
    }), { numRuns: 25 });
    await rm(name);
    expect((await verifyLog({ source: await Bundle.open(to), keys })).findings[0]).toMatchObject({ code: 'bundle-damaged', position: 51, positionTo: 100 });
  });

  it('goes as far as the event that says why a content is gone, also where that came while it was written', async () => {
    const purged = log.events.map((event) => (event.position === 9 ? { ...event, content: '', contentSha256: contentSha256(event) } : event));
    const says = purgeEvent(log, log.events[8]!);
    const all = [...purged, says];
    const linesOfAll = (from: number, to: number): Buffer => Buffer.from(all.slice(from, to).map((event) => bundleLine(bundleEvent(event, log.identity, true))).join(''));
    const to = freshDirectory();
    const begun = await BundleWriter.begin(to, headerOf(), replaceFile);
    await begun.add(linesOfAll(0, eventsOfPart));
    await begun.close();
    const writer = await BundleWriter.begin(to, headerOf(), replaceFile);
    expect(writer.position).toBe(eventsOfPart);
    await writer.add(linesOfAll(writer.position, events));
    expect(writer.unnamedPurges).toEqual([9]);
    await writer.goOnTo(events + 1, checkpointOf(all, log.identity, events + 1, log.key));
    await writer.add(linesOfAll(events, events + 1));
    expect(writer.unnamedPurges).toEqual([]);
    await writer.finish();
    expect(await verifyLog({ source: await Bundle.open(to), keys, withSchema: true })).toMatchObject({ size: events + 1, purged: 1, checkpoints: 2, findings: [] });
  });

  it('takes a content for purged only where an event behind it, of its stream, says so', async () => {
    const says = purgeEvent(log, log.events[8]!);
    const other = log.events.find(({ streamId: of, position: at }) => at > 9 && of !== log.events[8]!.streamId)!;
    const elsewhere = { ...says, streamId: other.streamId, streamVersion: streamVersion(log.events.filter(({ streamId: of }) => of === other.streamId).length + 1) };
    const all = [...log.events.map((event) => (event.position === 9 ? { ...event, content: '', contentSha256: contentSha256(event) } : event)), elsewhere];
    const to = freshDirectory();
    const writer = await BundleWriter.begin(to, { ...headerOf(), last: all.length, checkpoints: [checkpointOf(all, log.identity, all.length, log.key)] }, replaceFile);
    await writer.add(Buffer.from(all.map((event) => bundleLine(bundleEvent(event, log.identity, true))).join('')));
    await writer.finish();
    expect(await verifyLog({ source: await Bundle.open(to), keys })).toMatchObject({ findings: [{ code: 'content-missing', position: 9 }] });
  });

  it('takes in nothing that is not the next of its log', async () => {
    const writer = await BundleWriter.begin(freshDirectory(), headerOf(), replaceFile);
    await expect(writer.add(linesOf(1, 5, () => true))).rejects.toThrow('expected those from 1 on');
    await expect(writer.add(Buffer.from('{}\n'))).rejects.toThrow('no part of this log');
    expect(writer.position).toBe(0);
    await writer.close();
    expect(() => parseManifest('{"format":"rectrail.bundle/2"}')).toThrow('none of rectrail.bundle/1');
  });
});

const entryHash = (event: StoredEvent): string => /"contentSha256":"([0-9a-f]{64})"/.exec(leafBytes(event, log.identity).toString())![1]!;
