import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, nameOf } from './stream-keys.ts';

// Goal: rows name each stream by a key of its own, and give the name back. Method: names of streams and references, and texts that look like them, as properties.
const id = fc.oneof(fc.uuid(), fc.uuid().map((text) => text.toUpperCase()), fc.uuid().map((text) => `${text}-2026-3`), fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'default', 'administrative'));
const prefix = fc.constantFrom('', 'issue-', 'measure-', 'funds-case-', 'inspection-', 'policy-', 'org-tree-', 'reminder-', 'reminders-', 'organisation-', 'working-calendar', 'unknown-');
const name = fc.tuple(prefix, id).map((parts) => parts.join('')).filter((text) => text.isWellFormed());
const bytesOf = (key: string): Buffer => Buffer.from(key.slice(2), 'hex');

describe('keys of streams', () => {
  it('give the name back', () => {
    fc.assert(fc.property(name, (text) => { expect(nameOf(bytesOf(keyOf(text)))).toBe(text); }), { numRuns: 1_000 });
  });

  it('take 17 bytes where the id is a uuid', () => {
    fc.assert(fc.property(fc.uuid(), (text) => { expect(bytesOf(keyOf(`issue-${text}`))).toHaveLength(17); }));
  });

  it('are of bytes that some name has', () => {
    expect(() => nameOf(Buffer.from('ff00', 'hex'))).toThrow(RangeError);
  });
});
