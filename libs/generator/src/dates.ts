import { dayOfNumber, fuzzyDate, instantOfMs, lastDayOfMonth, onDay, type Commitment, type Day, type FuzzyDate, type Instant } from '@rectrail/kernel';
import type { Random } from './random.ts';

/** Days are counted from 1970-01-01 while the history is made (`dayNumber` of the kernel), and become `Day`s and dates where they enter an event. */

const msPerDay = 86_400_000;
/** The province keeps the time of Asia/Shanghai: eight hours before UTC, no summer time since 1991. */
export const provinceZone = 'Asia/Shanghai';
const msBeforeUtc = 8 * 3_600_000;

export const msOfDay = (day: number): number => day * msPerDay - msBeforeUtc;
export const dayOfMs = (ms: number): number => Math.floor((ms + msBeforeUtc) / msPerDay);
/** The first instant of a day: when all of a document that was published on it became known. */
export const firstInstant = (day: number): Instant => instantOfMs(msOfDay(day));

const remembering = <K, V>(make: (key: K) => V): ((key: K) => V) => {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
};

/** Days and dates come again and again: one object each. */
export const dayAt = remembering((n: number): Day => dayOfNumber(n));
export const onDayAt = remembering((n: number): FuzzyDate => onDay(dayAt(n)));
/** In ten years some ten thousand days are asked for. */
export const numberOf = remembering((day: Day): number => Date.parse(`${day}T00:00:00.000Z`) / msPerDay);

const inGrammar = (value: string, printed: string, more: { readonly edge?: 'byEndOf' | 'on'; readonly commitment?: Commitment } = {}): FuzzyDate => {
  const date = fuzzyDate({ value, printed, ...more });
  if (date === null) throw new RangeError(`not in the grammar: ${value}`);
  return date;
};

interface Month { readonly year: number; readonly month: number; readonly dayOfMonth: number }
const monthOf = (n: number): Month => {
  const [year = '', month = '', dayOfMonth = ''] = dayAt(n).split('-');
  return { year: Number(year), month: Number(month), dayOfMonth: Number(dayOfMonth) };
};
const text = ({ year, month }: Month): string => `${year}-${String(month).padStart(2, '0')}`;

const wholeMonth = remembering((n: number) => { const m = monthOf(n); return inGrammar(text(m), `${m.year}年${m.month}月`); });
const tenDays = remembering((n: number) => {
  const m = monthOf(n);
  const [sign, word] = m.dayOfMonth <= 10 ? ['E', '上旬'] : m.dayOfMonth <= 20 ? ['M', '中旬'] : ['L', '下旬'];
  return inGrammar(`${text(m)}-${sign}`, `${m.year}年${m.month}月${word}`);
});
const quarter = remembering((n: number) => {
  const m = monthOf(n);
  const q = Math.ceil(m.month / 3);
  return inGrammar(`${m.year}-Q${q}`, `${m.year}年第${'一二三四'.charAt(q - 1)}季度`);
});

/** How a fact of day `n` is told by `today`: mostly as a day, what is told late often by its 旬, month or quarter, if that is over. */
export const told = (random: Random, n: number, today: number): FuzzyDate => {
  const exact = onDayAt(n);
  if (n === today) return exact;
  const kind = random.unit();
  const date = kind < 0.62 ? exact : kind < 0.82 ? tenDays(n) : kind < 0.97 ? wholeMonth(n) : quarter(n);
  return numberOf(date.last) <= today ? date : exact;
};

/** A deadline about day `n`: a day, or as reports print it, by the end of a month or a quarter; one of six is striven for (力争). */
export const deadline = (random: Random, n: number): FuzzyDate => {
  const m = monthOf(n);
  const commitment: Commitment = random.chance(0.16) ? 'striving' : 'planned';
  const word = commitment === 'striving' ? '力争' : '';
  const kind = random.unit();
  if (kind < 0.2) return { ...onDayAt(n), printed: `${word}${m.year}年${m.month}月${m.dayOfMonth}日前`, edge: 'byEndOf', commitment };
  if (kind < 0.85) return inGrammar(text(m), `${word}${m.year}年${m.month}月底前`, { edge: 'byEndOf', commitment });
  if (kind < 0.95) return inGrammar(`${m.year}-Q${Math.ceil(m.month / 3)}`, `${word}${m.year}年${Math.ceil(m.month / 3) * 3}月底前`, { edge: 'byEndOf', commitment });
  return inGrammar(String(m.year), `${word}${m.year}年底前`, { edge: 'byEndOf', commitment });
};

/** The last day of the month of day `n`: as of when a report speaks. */
export const monthEnd = (n: number): number => {
  const m = monthOf(n);
  return n - m.dayOfMonth + lastDayOfMonth(m.year, m.month);
};

/**
 * How many days after it was true a fact is told: four of five the same day, most others within a week, some later, with a long tail. With what comes
 * in by report or is entered a day or two after the feedback, a quarter of all facts are late, 7 % by more than a week.
 */
export const drawnLag = (random: Random): number => {
  const kind = random.unit();
  if (kind < 0.79) return 0;
  return kind < 0.96 ? random.int(1, 6) : Math.min(random.longTail(8, 20, 1.1), 500);
};
