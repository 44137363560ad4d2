// Goal: the short way gives the bytes of the long one. Method: the walk of `canonicalize` as oracle, over values in any order of keys and over what is no plain JSON.
import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalJson } from './index.ts';

const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('1', '10', '9', '2', 'a', 'b', 'A', '__proto__', 'toJSON', '', ' ', '整改', '\u{1f600}', '￿'));
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof({ maxDepth: 4, withCrossShrink: true }, fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 4 }), fc.dictionary(key, tie('json'), { maxKeys: 5, noNullPrototype: true })),
}));
const odd = fc.oneof(json, fc.constantFrom<unknown>(undefined, Number.NaN, -Infinity, -0, '\ud83d', new Date(0), new Map(), Symbol('x'), () => 1, Object.create(null), { '\udc00': 1 }, [1, , 2], { a: undefined }, { b: { toJSON: () => 'x' } }));

const outcome = (make: () => string | undefined): string => {
  try {
    return make() ?? 'nothing';
  } catch {
    return 'refused';
  }
};

describe('canonicalJson', () => {
  it('is what canonicalize makes of any value', () => {
    fc.assert(fc.property(fc.oneof(json, fc.array(odd, { maxLength: 3 }), fc.dictionary(key, odd, { maxKeys: 3 })), (value) => {
      expect(outcome(() => canonicalJson(value))).toBe(outcome(() => canonicalize(value)));
    }), { numRuns: 2_000 });
  });

  it('leaves the value as it was', () => {
    fc.assert(fc.property(json, (value) => {
      const before = structuredClone(value);
      const keys = JSON.stringify(value);
      outcome(() => canonicalJson(value));
      expect([value, JSON.stringify(value)]).toEqual([before, keys]);
    }));
  });

  it('has no text for what is no JSON, and refuses a cycle and a value without end', () => {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    for (const value of [undefined, () => 1, Symbol('x')]) expect(() => canonicalJson(value)).toThrow(TypeError);
    expect(() => canonicalJson(cycle)).toThrow('Circular');
    const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => ({ z: inner, a: 1 }), null);
    expect(canonicalJson(deep)).toBe(canonicalize(deep));
  });
});
