// Goal: leaves are the bytes that docs/reference/leaf.md promises to third parties.
// Method: its own test vectors, read from the page; any text and number beside the general canonical form.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { instant, position, streamId, streamVersion, type CommandId } from '@rectrail/kernel';
import { canonicalJson, contentSha256, deriveEventId, derivedUuid, hashedUuid, leafBytes, leafBytesOf, sha256Hex } from './index.ts';

interface Vector {
  readonly logId: string; readonly position: number; readonly recordedAt: string; readonly streamId: string; readonly streamVersion: number;
  readonly content: string; readonly contentSha256: string; readonly leaf: string; readonly leafHash: string;
}
const page = readFileSync(new URL('../../../docs/reference/leaf.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1] ?? '') as unknown);
interface Ids {
  readonly commandId: CommandId; readonly eventIds: readonly string[]; readonly derivedUuid: { readonly purpose: string; readonly id: string };
  readonly hashedUuid: { readonly parts: readonly string[]; readonly id: string };
}
const [vectors, ids] = blocks as [Vector[], Ids];

describe('docs/reference/leaf.md', () => {
  it('has vectors', () => { expect(vectors.length).toBeGreaterThanOrEqual(3); });

  it.each(vectors.map((vector) => [vector.position, vector] as const))('leaf at position %i', (_, vector) => {
    const event = {
      position: position(vector.position), recordedAt: instant(vector.recordedAt), streamId: streamId(vector.streamId), streamVersion: streamVersion(vector.streamVersion), type: 'Any',
      content: vector.content,
    };
    expect(canonicalJson(JSON.parse(vector.content))).toBe(vector.content);
    expect(contentSha256(event)).toBe(vector.contentSha256);
    const leaf = leafBytes(event, { logId: vector.logId });
    expect(leaf.toString('utf8')).toBe(vector.leaf);
    expect(sha256Hex(Buffer.concat([Buffer.from([0]), leaf]))).toBe(vector.leafHash);
  });

  it('the canonical form, whatever the parts say', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u007f', '\u2028', '党', '\u{1f600}', 'a') }));
    const parts = { contentSha256: text, recordedAt: text, streamId: text, position: fc.maxSafeNat(), streamVersion: fc.maxSafeNat() };
    fc.assert(fc.property(fc.record(parts), text, (leaf, logId) => { expect(leafBytesOf(leaf, logId).toString('utf8')).toBe(canonicalJson({ ...leaf, logId })); }));
    expect(() => leafBytesOf({ contentSha256: '', recordedAt: '', streamId: 'a\ud800', position: 1, streamVersion: 1 }, '')).toThrow();
  });

  it('derived ids', () => {
    expect(ids.eventIds).toEqual([0, 1, 2].map((i) => deriveEventId(ids.commandId, i)));
    expect(derivedUuid(ids.commandId, ids.derivedUuid.purpose)).toBe(ids.derivedUuid.id);
    expect(hashedUuid(...ids.hashedUuid.parts)).toBe(ids.hashedUuid.id);
  });
});
