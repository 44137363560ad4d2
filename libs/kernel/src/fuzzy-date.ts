import { day, dayNumber, isDay, lastDayOfMonth, type Day } from './time.ts';

/** How exactly the source says it; `tenDays` is a 旬, `range` two ends printed as such (3-6月). */
export type Precision = 'day' | 'tenDays' | 'halfMonth' | 'month' | 'quarter' | 'halfYear' | 'year' | 'range' | 'undated';

/** `on` within the period; `byEndOf` …底前, `endOf` …底, `since` …以来, `early` …初, `around` …前后. */
export type Edge = 'on' | 'byEndOf' | 'endOf' | 'since' | 'early' | 'around';

/** 计划 or 力争; an aspiration counts like a plan and is shown as such (rules.md section 5). */
export type Commitment = 'planned' | 'striving';

/**
 * A date as it was printed and the days that it may mean: [first, last], both included, in the zone of the installation.
 * A fact takes effect on `last`. `inferred` names what the text leaves out (`year`, or the whole date where a report prints none).
 */
export interface FuzzyDate {
  readonly printed: string;
  readonly precision: Precision;
  readonly edge: Edge;
  readonly first: Day;
  readonly last: Day;
  readonly commitment?: Commitment;
  readonly inferred?: readonly ('year' | 'date')[];
}

export const onDay = (d: Day): FuzzyDate => ({ printed: d, precision: 'day', edge: 'on', first: d, last: d });

/** An undated fact of a report lies in [feedback date, as-of date] (rules.md section 1). @throws RangeError where `last` is before `first`. */
export const undatedBetween = (first: Day, last: Day): FuzzyDate => {
  if (last < first) throw new RangeError(`an undated fact cannot end (${last}) before it begins (${first})`);
  return { printed: '', precision: 'undated', edge: 'on', first, last, inferred: ['date'] };
};

interface Period { readonly precision: Precision; readonly first: Day; readonly last: Day }

const pad = (n: number): string => String(n).padStart(2, '0');
const months = (year: string, from: number, to: number, precision: Precision): Period => ({
  precision,
  first: day(`${year}-${pad(from)}-01`),
  last: day(`${year}-${pad(to)}-${pad(lastDayOfMonth(Number(year), to))}`),
});

/** One part of a value; the grammar is in docs/reference/ledger.md. */
const singlePeriod = (value: string): Period | null => {
  if (isDay(value)) return { precision: 'day', first: day(value), last: day(value) };
  const match = /^(\d{4})(?:-(?:(0[1-9]|1[0-2])(?:-([EML])|-H([12]))?|Q([1-4])|H([12])))?$/.exec(value);
  if (match === null || match[1] === undefined || match[1] < '0001') return null;
  const [, year, month, third, halfOfMonth, quarter, halfOfYear] = match;
  if (quarter !== undefined) return months(year, Number(quarter) * 3 - 2, Number(quarter) * 3, 'quarter');
  if (halfOfYear !== undefined) return months(year, Number(halfOfYear) * 6 - 5, Number(halfOfYear) * 6, 'halfYear');
  if (month === undefined) return months(year, 1, 12, 'year');
  const whole = months(year, Number(month), Number(month), 'month');
  const within = (precision: Precision, from: number, to: number | null): Period => ({
    precision, first: day(`${year}-${month}-${pad(from)}`), last: to === null ? whole.last : day(`${year}-${month}-${pad(to)}`),
  });
  if (third !== undefined) return third === 'E' ? within('tenDays', 1, 10) : third === 'M' ? within('tenDays', 11, 20) : within('tenDays', 21, null);
  if (halfOfMonth !== undefined) return halfOfMonth === '1' ? within('halfMonth', 1, 15) : within('halfMonth', 16, null);
  return whole;
};

/** The days that a value of the ledger's date grammar means, or null where it is none: `2022-02`, `2025-Q2`, `2022-02-E` (上旬), `2022-01..2022-03`. */
export const periodOf = (value: string): Period | null => {
  const [from, to, ...rest] = value.split('..');
  if (from === undefined || rest.length > 0) return null;
  const first = singlePeriod(from);
  if (to === undefined || first === null) return first;
  const last = singlePeriod(to);
  return last === null || last.last < first.first ? null : { precision: 'range', first: first.first, last: last.last };
};

export interface FuzzyDateInput {
  readonly value: string;
  readonly printed?: string | undefined;
  readonly edge?: Edge | undefined;
  readonly commitment?: Commitment | undefined;
  readonly yearInferred?: boolean | undefined;
}

/** Null where `value` is not in the grammar. "Since X" takes effect on the last day of X, so its days are the last day alone. */
export const fuzzyDate = (input: FuzzyDateInput): FuzzyDate | null => {
  const period = periodOf(input.value);
  if (period === null) return null;
  const edge = input.edge ?? 'on';
  return {
    printed: input.printed ?? input.value,
    precision: period.precision,
    edge,
    first: edge === 'since' ? period.last : period.first,
    last: period.last,
    ...(input.commitment === undefined ? {} : { commitment: input.commitment }),
    ...(input.yearInferred === true ? { inferred: ['year'] as const } : {}),
  };
};

/** Number of days from `a` to `b`; negative where `b` is earlier. */
export const daysBetween = (a: Day, b: Day): number => dayNumber(b) - dayNumber(a);

