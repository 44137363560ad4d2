import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isFen, knownFen } from './money.ts';
import { isUuid, position, streamVersion } from './ids.ts';
import { accept, assertNever, nothing, reject } from './decider.ts';

// Goal: amounts are whole fen and nothing else; ids and positions refuse what they are not. Method: examples and properties.
describe('money', () => {
  it.each(['-1', '1.5', '01', '', '1e3', ' 1', '1000000000000000001'])('%j is no amount of fen', (text) => { expect(isFen(text)).toBe(false); });

  it('takes any whole amount up to the limit, exactly', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 1_000_000_000_000_000_000n }), (fen) => {
      expect(isFen(String(fen))).toBe(true);
      expect(knownFen({ fen: String(fen) })).toBe(fen);
    }));
  });

  it('an unknown amount adds nothing', () => { expect(knownFen({ fen: null, printed: '全额' })).toBe(0n); });
});

describe('positions and ids', () => {
  it('are non-negative safe integers', () => {
    expect(position(0)).toBe(0);
    expect(() => position(-1)).toThrow(RangeError);
    expect(() => streamVersion(1.5)).toThrow(RangeError);
    expect(() => position(2 ** 53)).toThrow(RangeError);
  });

  it('a UUID is lower-case and whole', () => {
    expect(isUuid('0190163d-8694-739b-aea5-966c26f8ad91')).toBe(true);
    expect(isUuid('0190163D-8694-739b-aea5-966c26f8ad91')).toBe(false);
    expect(isUuid('x')).toBe(false);
  });
});

describe('decisions', () => {
  it('accept, do nothing, or reject', () => {
    expect(accept({ type: 'A' })).toEqual({ ok: true, events: [{ type: 'A' }] });
    expect(nothing()).toEqual({ ok: true, events: [] });
    expect(reject({ code: 'no', detail: 'because' })).toEqual({ ok: false, rejection: { code: 'no', detail: 'because' } });
  });

  it('an impossible case throws', () => { expect(() => assertNever('x' as never)).toThrow('unexpected value'); });
});
