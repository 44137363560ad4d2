// Goal: a table of UUIDs takes exactly what `isUuid` takes, tells each from every other, and keeps what stands beside it however it grows; streams keep their versions whatever
// they are called. Method: random ids, many of them alike, against a map of strings.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isUuid } from '@rectrail/kernel';
import { StreamVersions } from './stream-versions.ts';
import { UuidTable } from './uuid-table.ts';

const nil = '00000000-0000-0000-0000-000000000000';
/** Such as fall into the same places, too. */
const anyUuid = fc.oneof(fc.uuid(), fc.constant(nil), fc.nat({ max: 50 }).map((n) => `${String(n).padStart(8, '0')}${nil.slice(8)}`), fc.nat({ max: 50 }).map((n) => `${nil.slice(0, -2)}${String(n).padStart(2, '0')}`));
const nearlyUuid = fc.tuple(anyUuid, fc.nat({ max: 36 }), fc.constantFrom('', '-', 'g', 'A', 'F', '0', '/', ':', '`', '\u0130', '改', '\ud800', '00')).map(([uuid, at, piece]) => uuid.slice(0, at) + piece + uuid.slice(at + 1));

describe('a table of UUIDs', () => {
  it('takes what is one', () => {
    fc.assert(fc.property(fc.oneof(anyUuid, nearlyUuid), (text) => {
      expect(new UuidTable().place(text) >= 0).toBe(isUuid(text.slice(-36)));
    }), { numRuns: 1_000 });
  });

  it('keeps each once, with what stands beside it', () => {
    fc.assert(fc.property(fc.array(anyUuid, { maxLength: 300 }), (uuids) => {
      const table = new UuidTable(1);
      const known = new Map<string, number>();
      for (const [n, uuid] of uuids.entries()) {
        const place = table.place(uuid);
        expect(table.word(place)).toBe(known.get(uuid) ?? 0);
        table.setWord(place, n + 1);
        known.set(uuid, n + 1);
        expect(table.size).toBe(known.size);
      }
      for (const [uuid, n] of known) expect(table.word(table.place(uuid))).toBe(n);
      expect(table.size).toBe(known.size);
    }), { numRuns: 100 });
  });

  it('takes no longer for UUIDs that were made up to fall into one place', () => {
    const table = new UuidTable();
    for (let n = 0; n < 400_000; n += 1) table.place(`${n.toString(16).padStart(8, '0')}${nil.slice(8)}`);
    expect(table.size).toBe(400_000);
  });
});

describe('versions of streams', () => {
  const anyStream = fc.oneof(
    fc.tuple(fc.constantFrom('', 'issue-', 'measure-', 'x', '改-'), anyUuid).map(([kind, uuid]) => kind + uuid), fc.tuple(fc.nat({ max: 99 }), anyUuid).map(([kind, uuid]) => `kind${kind}-${uuid}`),
    nearlyUuid, fc.constantFrom('installation', '', 'a', `issue-${nil}-1`),
  );

  it('are each the last that was set', () => {
    fc.assert(fc.property(fc.array(fc.tuple(anyStream, fc.oneof(fc.nat(), fc.maxSafeNat())), { maxLength: 400 }), (steps) => {
      const versions = new StreamVersions();
      const known = new Map<string, number>();
      for (const [stream, version] of steps) {
        expect([stream, versions.of(stream)]).toEqual([stream, known.get(stream) ?? 0]);
        versions.set(stream, version);
        known.set(stream, version);
      }
      for (const [stream, version] of known) expect([stream, versions.of(stream)]).toEqual([stream, version]);
    }), { numRuns: 100 });
  });
});
