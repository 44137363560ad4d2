// Goal: every number of a dashboard has a name and nothing else has; a wrong one is answered with those near it. Method: names against a real dashboard's numbers.
import { describe, expect, it } from '@jest/globals';
import { columnNames, noFigures, rolledUpOf } from '../figures/figure-columns.ts';
import { figureColumn, figureNames, figureNamesIn, figureValue, seriesFiguresDefault } from './figure-names.ts';

const numbersIn = (value: unknown, path: readonly string[] = []): readonly string[] =>
  (typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => numbersIn(inner, [...path, key])) : [path.join('.')]);

describe('names of figures', () => {
  it('are the places of a dashboard\'s numbers, with or without their last word', () => {
    const { issues, measures, funds: { recovered, returned } } = rolledUpOf(noFigures);
    const places = numbersIn({ issues, measures, funds: { recovered, returned } });
    expect(figureNames.map((name) => [...places].find((place) => place === name || place === `${name}.count` || place === `${name}.fen`))).toEqual(places);
    expect(places.map(figureColumn)).toEqual(figureNames.map(figureColumn));
    expect(new Set(figureNames.map(figureColumn)).size).toBe(columnNames.length - 2);
  });

  it('are given by group, in the order asked for, each once', () => {
    expect(figureNamesIn('issues.byBucket.open, issues.byBucket.*,issues.total')).toEqual(
      ['issues.byBucket.open', 'issues.byBucket.complete', 'issues.byBucket.longTerm', 'issues.byBucket.notDisclosed', 'issues.total']);
    expect(figureNamesIn('funds.*')).toEqual(['funds.recovered', 'funds.returned']);
    expect(seriesFiguresDefault).toEqual([
      'issues.total', 'issues.byBucket.complete', 'issues.byBucket.open', 'issues.byBucket.longTerm', 'issues.byBucket.notDisclosed', 'issues.byDeadline.OVERDUE', 'funds.recovered',
    ]);
  });

  it.each([
    ['issues.byBucket.opne', 'issues.byBucket.open'], ['issues.bydeadline.overdue', 'issues.byDeadline.OVERDUE'], ['funds.recoverd.fen', 'funds.recovered'], ['funds.identified', 'funds.'],
    ['', 'issues.total'], ['issues.*.count', 'issues.'], ['x'.repeat(4_000), 'Near it'],
  ])('%s is none, and others are near it', (wrong, suggestion) => {
    expect(() => figureNamesIn(wrong)).toThrow(suggestion);
  });

  it('say how a number is written', () => {
    expect([figureValue('issues.total', 3n), figureValue('funds.recovered', 3n), figureValue('funds.recovered.fen', 3n), figureValue('funds.recovered.unknownAmounts', 3n)]).toEqual([3, '3', '3', 3]);
  });
});
