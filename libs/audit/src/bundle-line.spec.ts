// Goal: a line is taken for an event exactly where the form of docs/reference/bundle.md says so, and says what it says there. Method: lines of random events, changed in one place
// or several, against that form as one regular expression.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoredEvent } from '@rectrail/event-store';
import { instantOfMs, position, streamId, streamVersion } from '@rectrail/kernel';
import { leafHash } from '@rectrail/transparency';
import { bundleEvent, bundleLine, entriesIn, type BundleEvent } from './bundle-format.ts';
import { sha256OfBytes } from './entry.ts';

const logId = '5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e';
/** Characters of the longest beginning of a line that may hold a leaf. */
const headMax = 4_096;
const form = new RegExp([
  String.raw`^\{"leaf":(\{"contentSha256":"([0-9a-f]{64})","logId":"([0-9a-f-]{36})","position":([1-9]\d{0,15}),"recordedAt":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",`,
  String.raw`"streamId":("(?:[^"\\]|\\.)*"),"streamVersion":([1-9]\d{0,15})\}),"(content|withheld|purged)":`,
].join(''));

const canonical = (latin1: string): string | null => {
  const json = Buffer.from(latin1, 'latin1').toString('utf8');
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' && JSON.stringify(value) === json ? value : null;
  } catch {
    return null;
  }
};

/** Of a line without its newline; null for none. */
const expected = (line: Buffer): object | null => {
  const found = form.exec(line.toString('latin1', 0, headMax));
  if (found === null) return null;
  const [head, leaf = '', sha256, of, at, recordedAt, stream = '', version, kind] = found;
  const rest = line.subarray(head.length);
  const isContent = kind === 'content';
  if (canonical(stream) === null || of !== logId || (isContent ? rest.at(-1) !== 0x7d : rest.toString('latin1') !== 'true}')) return null;
  const content = isContent ? rest.subarray(0, -1) : null;
  return {
    position: Number(at), recordedAt, streamId: canonical(stream), streamVersion: Number(version), contentSha256: sha256, leafHash: leafHash(Buffer.from(leaf, 'latin1')),
    content, type: null, foundSha256: content === null ? null : sha256OfBytes(content), lacks: isContent ? null : kind,
  };
};

const anyStream = fc.oneof(
  fc.uuid().map((uuid) => `issue-${uuid}`), fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text.isWellFormed()), fc.constantFrom('x'.repeat(300), '改'.repeat(60), 'x'.repeat(4_000), 'a\\b"c', '\u007f'),
);
const anyLine = fc.record({ stream: anyStream, said: fc.string({ unit: 'grapheme' }), at: fc.maxSafeNat(), lacks: fc.constantFrom<BundleEvent['lacks']>(null, 'withheld', 'purged') }).map(({ stream, said, at, lacks }) => {
  const event: StoredEvent = {
    position: position(at || 1), recordedAt: instantOfMs(at % 4e12), streamId: streamId(stream), streamVersion: streamVersion(at % 1_000 || 1), type: 'X', content: JSON.stringify({ said }),
  };
  const { leaf, content } = bundleEvent(event, { logId }, true);
  return Buffer.from(bundleLine({ leaf, content: lacks === null ? content : null, lacks }).slice(0, -1));
});
/** What stands in a line, or nearly. */
const anyPiece = fc.constantFrom(
  '', '"', '\\', '\\"', '\\u0041', '\\\r', ',', '}', '{', ':', '0', '9', '0123456789', '-', 'a', 'A', 'g', '\r', '\u0000', '改', 'true', '"content":', '"purged":', 'null', '1e3', '.5', ' ', '"streamVersion":1', '"logId":"', 'T', 'Z',
);
const changes = fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), inHead: fc.boolean(), gone: fc.nat({ max: 3 }), piece: anyPiece }), { maxLength: 3 });

describe('a line of a bundle', () => {
  it('is taken as its form says, however it was changed', () => {
    let [taken, refused] = [0, 0];
    fc.assert(fc.property(anyLine, changes, (line, all) => {
      let bytes = line;
      for (const { at, inHead, gone, piece } of all) {
        const from = Math.floor(at * Math.min(bytes.length, inHead ? 320 : bytes.length));
        bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(piece), bytes.subarray(from + gone)]);
      }
      const wanted = expected(bytes);
      const { entries, finding } = entriesIn(Buffer.concat([bytes, Buffer.from('\n')]), logId, 7);
      if (wanted === null) {
        refused += 1;
        expect([entries, finding]).toMatchObject([[], { code: 'leaf-malformed', position: 7 }]);
      } else {
        taken += 1;
        expect([entries, finding]).toEqual([[wanted], null]);
      }
    }), { numRuns: 2_000 });
    // Neither side of the comparison is empty.
    expect(Math.min(taken, refused)).toBeGreaterThan(200);
  });

  it('of a log that is named in no canonical form is none', () => {
    const event: StoredEvent = { position: position(1), recordedAt: instantOfMs(0), streamId: streamId('s'), streamVersion: streamVersion(1), type: 'X', content: '{}' };
    const upper = logId.toUpperCase();
    expect(entriesIn(Buffer.from(bundleLine(bundleEvent(event, { logId: upper }, true))), upper, 1).finding).toMatchObject({ code: 'leaf-malformed', position: 1 });
  });
});
