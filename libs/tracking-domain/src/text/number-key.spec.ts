// Goal: printed numbers sort as their documents mean them. Method: the numbering schemes of the five sources, as printed.
import { describe, expect, it } from '@jest/globals';
import { numberKey } from './number-key.ts';

describe('numberKey', () => {
  it.each([
    [['二、', '(一)', '1.'], '0002.0001.0001'],
    [['二、', '（二）', '21.'], '0002.0002.0021'],
    [['(四)', '15.', '问题37'], '0004.0015.0037'],
    [['二、', '(一)', '3.', '四是'], '0002.0001.0003.0004'],
    [['一、', '⑫'], '0001.0012'],
    [['十、'], '0010'],
    [['十二、'], '0012'],
    [['二十一、'], '0021'],
    [['一百零三'], '0103'],
    [['附件', '(一)'], '附件.0001'],
    [['附件、', 'A)'], '附件.a'],
  ])('%j gives %s', (path, key) => {
    expect(numberKey(path)).toBe(key);
  });

  it('sorts 2 before 10 and the body before an annex', () => {
    const sorted = [['附件', '1.'], ['二、', '10.'], ['二、', '2.']].map(numberKey).sort();
    expect(sorted).toEqual(['0002.0002', '0002.0010', '附件.0001']);
  });
});
