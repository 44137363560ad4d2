import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DataByType } from '../../event-handlers.ts';
import type { MeasureEvent } from '../../measure/measure.events.ts';
import { measureEventSchemas } from '../../measure/wire/measure.wire.ts';
import type { FactsRetracted } from '../../retraction/retraction.events.ts';
import { retractionEventSchemas } from '../../retraction/wire/retraction.wire.ts';
import { numberKey } from '../../text/number-key.ts';
import { listItemsMax, personalDataCode, textCharsMax, titleCharsMax, unprintableCode, type OutputsOf, type Same } from '../../wire/primitives.ts';
import type { IssueEvent } from '../issue.events.ts';
import { issueEventSchemas } from './issue.wire.ts';

/**
 * Goal: every event of issue, measure and retraction is readable as it was first written, and nothing else gets in.
 * Method: each frozen fixture passes its schema unchanged; broken copies of them are refused with code and place.
 */
const tied: readonly [
  Same<OutputsOf<typeof issueEventSchemas>, DataByType<IssueEvent>>,
  Same<OutputsOf<typeof measureEventSchemas>, DataByType<MeasureEvent>>,
  Same<OutputsOf<typeof retractionEventSchemas>, DataByType<FactsRetracted>>,
] = [true, true, true];

const fixturesOf = (noun: string): Readonly<Record<string, unknown>> => {
  const folder = new URL(`../../${noun}/wire/fixtures/`, import.meta.url);
  return Object.fromEntries(readdirSync(folder).map((file) => [file.replace('.v1.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]));
};
const nouns = [['issue', issueEventSchemas], ['measure', measureEventSchemas], ['retraction', retractionEventSchemas]] as const;

describe.each(nouns)('events of %s', (noun, schemas) => {
  const fixtures = fixturesOf(noun);

  it('each have a fixture', () => {
    expect(Object.keys(fixtures).toSorted()).toEqual(Object.keys(schemas).toSorted());
    expect(tied).toHaveLength(nouns.length);
  });

  it.each(Object.entries(schemas))('%s passes unchanged and takes no unknown field', (type, schema) => {
    expect(schema.parse(fixtures[type])).toEqual(fixtures[type]);
    expect(schema.safeParse({ ...(fixtures[type] as object), unknown: 1 }).success).toBe(false);
  });

  it.each(Object.entries(schemas))('%s needs each of its fields', (type, schema) => {
    for (const field of Object.keys(fixtures[type] as object)) {
      const rest = Object.fromEntries(Object.entries(fixtures[type] as object).filter(([key]) => key !== field));
      expect([field, schema.safeParse(rest).success]).toEqual([field, false]);
    }
  });
});

describe('what is refused', () => {
  const registration = fixturesOf('issue')['IssueRegistered'] as object;
  const refusals = (change: object): readonly unknown[] => {
    const result = issueEventSchemas.IssueRegistered.safeParse({ ...registration, ...change });
    return result.success ? [] : result.error.issues.map((issue) => ({ path: issue.path, code: issue.code === 'custom' ? issue.params?.['code'] as unknown : issue.code }));
  };

  it.each([
    ['a telephone number in a title', { title: '联系人电话13800138000' }, { path: ['title'], code: personalDataCode }],
    ['an e-mail address in a number path', { numberPath: ['a@b.cn'] }, { path: ['numberPath', 0], code: personalDataCode }],
    ['a NUL character', { title: 'a\u0000b' }, { path: ['title'], code: unprintableCode }],
    ['half a surrogate pair', { title: '\ud83d' }, { path: ['title'], code: unprintableCode }],
    ['a title too long', { title: '长'.repeat(titleCharsMax + 1) }, { path: ['title'], code: 'too_big' }],
    ['an empty title', { title: '' }, { path: ['title'], code: 'too_small' }],
    ['a list too long', { numberPath: Array.from({ length: listItemsMax + 1 }, () => '1') }, { path: ['numberPath'], code: 'too_big' }],
    ['an id that is no UUID', { issueId: 'issue-1' }, { path: ['issueId'], code: 'invalid_format' }],
    ['an unknown track', { track: 'LATER' }, { path: ['track'], code: 'invalid_value' }],
    ['a wrong type', { annex: 'no' }, { path: ['annex'], code: 'invalid_type' }],
  ])('%s', (_what, change, expected) => { expect(refusals(change)).toEqual([expected]); });

  it('no number path that may be printed, whatever its key', () => {
    const tokens = fc.oneof(fc.constantFrom('附件', '其他问题', '二、', '①', '\u200b', 'x'.repeat(titleCharsMax)), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }));
    fc.assert(fc.property(fc.array(tokens, { minLength: 1, maxLength: 60 }), (numberPath) => {
      const faults = refusals({ numberPath, numberKey: numberKey(numberPath) });
      expect(faults.filter((fault) => JSON.stringify(fault).includes('"numberKey"'))).toEqual([]);
    }));
  });

  it.each([
    ['a person named by a telephone number', '13800138000'],
    ['a person named by an identity-card number', '33020319900101123X'],
  ])('%s', (_what, leader) => { expect(issueEventSchemas.IssueAccepted.safeParse({ leader }).success).toBe(false); });

  it('no person named by an opaque id', () => {
    for (const leader of ['person-1', '0190163d-8694-739b-aea5-966c26f8ad91', '20220001']) expect(issueEventSchemas.IssueAccepted.safeParse({ leader }).success).toBe(true);
  });

  const june = { printed: '6月底前', precision: 'month', edge: 'byEndOf', first: '2022-06-01', last: '2022-06-30' };

  it.each([
    ['an impossible day', { ...june, last: '2022-06-31' }],
    ['a date that ends before it begins', { ...june, first: '2022-07-01' }],
    ['an unknown precision', { ...june, precision: 'decade' }],
    ['an undefined optional field', { ...june, commitment: undefined }],
  ])('%s', (_what, planned) => { expect(issueEventSchemas.DeadlineSet.safeParse({ planned }).success).toBe(false); });

  it('free text beyond its limit', () => {
    expect(issueEventSchemas.ProgressReported.safeParse({ text: '长'.repeat(textCharsMax) }).success).toBe(true);
    expect(issueEventSchemas.ProgressReported.safeParse({ text: '长'.repeat(textCharsMax + 1) }).success).toBe(false);
  });
});
