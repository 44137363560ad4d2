import type { ReportId } from '@rectrail/kernel';
import type { Bucket } from '../policy/policy.events.ts';
import type { DeclaredRate } from './report.events.ts';
import type { ReportState } from './report.state.ts';

/** Two printed numbers that give a printed rate, and what they count. */
interface RecognisedRate {
  readonly basis: string;
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** 95.8 as 958 with one decimal: rates are compared in whole numbers, as printed. */
interface Printed { readonly scaled: bigint; readonly decimals: number }

const printedRate = (value: string | null): Printed | null => {
  const match = /^(\d{1,4})(?:\.(\d{1,6}))?$/.exec(value ?? '');
  if (match === null) return null;
  const [, whole = '', fraction = ''] = match;
  return { scaled: BigInt(whole + fraction), decimals: fraction.length };
};

const text = ({ scaled, decimals }: Printed): string => {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(decimals + 1, '0');
  const whole = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return scaled < 0n ? `-${whole}` : whole;
};

const hundred = (decimals: number): bigint => 10n ** BigInt(decimals + 2);

/** In percent with so many decimals, rounded half up. */
const percent = (numerator: bigint, denominator: bigint, decimals: number): bigint => (2n * numerator * hundred(decimals) + denominator) / (2n * denominator);
const percentCutOff = (numerator: bigint, denominator: bigint, decimals: number): bigint => (numerator * hundred(decimals)) / denominator;

const gives = (pair: { readonly numerator: bigint; readonly denominator: bigint }, { scaled, decimals }: Printed, rounding: DeclaredRate['rounding']): boolean => {
  if (pair.denominator === 0n) return false;
  const rounded = percent(pair.numerator, pair.denominator, decimals) === scaled;
  const cut = percentCutOff(pair.numerator, pair.denominator, decimals) === scaled;
  if (rounding === 'rounded') return rounded;
  return rounding === 'cut' ? cut : rounded || cut;
};

/** A printed number of things; `basis` says of which. */
interface PrintedNumber { readonly key: string; readonly basis: string | null; readonly value: string | null }

const isWhole = <N extends PrintedNumber>(number: N): number is N & { readonly basis: string; readonly value: string } =>
  number.basis !== null && /^\d+$/.test(number.value ?? '');

type PrintedRate = Pick<DeclaredRate, 'value' | 'numeratorKey' | 'denominatorKey' | 'rounding'>;

/** The printed pair that gives the rate, a part and the total of the same basis; where the source names the keys, only those. Null where no pair gives it. */
const recogniseRate = (rate: PrintedRate, figures: readonly PrintedNumber[]): RecognisedRate | null => {
  const printed = printedRate(rate.value);
  if (printed === null) return null;
  const numbers = figures.filter(isWhole).map(({ key, basis, value }) => ({ key, basis, number: BigInt(value) }));
  const named = (key: string, wanted: string | null, otherwise: boolean): boolean => (wanted === null ? otherwise : key === wanted);
  for (const denominator of numbers.filter(({ key }) => named(key, rate.denominatorKey, key.endsWith('.total')))) {
    const numerator = numbers.find((part) => part.key !== denominator.key && part.basis === denominator.basis && part.number <= denominator.number
      && named(part.key, rate.numeratorKey, true) && gives({ numerator: part.number, denominator: denominator.number }, printed, rate.rounding));
    if (numerator !== undefined) return { basis: denominator.basis, numerator: numerator.number, denominator: denominator.number };
  }
  return null;
};

/**
 * Declared values as a dashboard shows them: a rate printed without its basis takes that of the printed numbers which give it, of the same
 * report and among those shown. So 95.8 % beside 92 and 96 measures is a rate by measures.
 */
export const withRecognisedBases = <V extends PrintedNumber & { readonly unit: string; readonly reportId: ReportId }>(declared: readonly V[]): readonly V[] =>
  declared.map((rate) => {
    if (rate.unit !== '%' || rate.basis !== null) return rate;
    const numbers = declared.filter(({ unit, reportId }) => unit !== '%' && reportId === rate.reportId);
    const pair = recogniseRate({ value: rate.value, numeratorKey: null, denominatorKey: null, rounding: 'unknown' }, numbers);
    return pair === null ? rate : { ...rate, basis: pair.basis };
  });

/** What comparing one printed rate comes to; numbers are decimal strings in percent. */
export interface RateFinding {
  readonly key: string;
  readonly kind: 'rate' | 'unverifiable';
  readonly declared: string | null;
  /** By the issues found; null where there are none. */
  readonly found: string | null;
  readonly difference: string | null;
  readonly basis: string | null;
  readonly note: string | null;
}

/**
 * Rates that the issues found do not bear out: 95.8 % is 92 of 96 measures, while 18 of 21 issues are 85.7 %. `basis` is the one recognised by
 * arithmetic, whatever the source leaves open.
 */
export const rateFindings = (report: Pick<ReportState, 'figures' | 'rates'>, issues: readonly { readonly bucket: Bucket }[]): readonly RateFinding[] =>
  report.rates.flatMap((rate): readonly RateFinding[] => {
    const declared = rate.value;
    const printed = printedRate(declared);
    if (printed === null || issues.length === 0) return [{ key: rate.key, kind: 'unverifiable', declared, found: null, difference: null, basis: rate.basis, note: null }];
    const [numerator, denominator] = [BigInt(issues.filter(({ bucket }) => bucket === 'complete').length), BigInt(issues.length)];
    if (gives({ numerator, denominator }, printed, rate.rounding)) return [];
    const found = text({ scaled: percent(numerator, denominator, printed.decimals), decimals: printed.decimals });
    const difference = text({ scaled: percent(numerator, denominator, printed.decimals) - printed.scaled, decimals: printed.decimals });
    const numbers = report.figures.filter(({ breakdown }) => breakdown === null).map(({ key, basis, quantity }) => ({ key, basis, value: quantity.value }));
    const pair = recogniseRate(rate, numbers);
    const recognised = pair === null ? [] : [`${pair.numerator}/${pair.denominator} (${pair.basis}) = ${declared ?? ''}%`];
    const note = [...recognised, `${numerator}/${denominator} (issue) = ${found}%`].join('; ');
    return [{ key: rate.key, kind: 'rate', declared, found, difference, basis: pair?.basis ?? rate.basis, note }];
  });
