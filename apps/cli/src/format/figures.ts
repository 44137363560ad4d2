import type { Answered, Count, Dashboard, Figures, MoneySum, OrgLabel } from '../answers.ts';
import { amount, aside, label, type Language } from './language.ts';
import { table, type Cell } from './table.ts';

/** The last second of a day is what a date means where an instant is asked for. */
const dayOrInstant = (local: string): string => local.replace(/ 23:59:59$/, '');

/** Every table says as of when: the day in the world, what was known then, the place in the log that makes it final. */
export const cutLine = (language: Language, { cut: { validAt, knownAt, atPosition } }: Answered): string => (language === 'zh'
  ? `截至 ${validAt} 的情况（以 ${dayOrInstant(knownAt)} 已掌握的信息为准，日志位置 ${atPosition}）`
  : `as of ${validAt}, by what was known on ${dayOrInstant(knownAt)} (log position ${atPosition})`);

export const orgLine = (language: Language, org: OrgLabel | null): string => (org === null ? label(language, 'whole') : `${org.name}${aside(language, org.code)}`);

/** 5.717万元 + 2笔金额不详: unknown amounts are counted beside the sum, never guessed. */
export const sumText = (language: Language, { fen, unknownAmounts }: MoneySum): string => {
  const unknown = language === 'zh' ? `${unknownAmounts}${label(language, 'unknownAmounts')}` : `${unknownAmounts} ${label(language, 'unknownAmounts')}`;
  return unknownAmounts === 0 ? amount(language, fen) : `${amount(language, fen)} + ${unknown}`;
};

const countRows = (language: Language, group: string, counts: Readonly<Record<string, Count>>): readonly (readonly Cell[])[] =>
  Object.entries(counts)
    .filter(([, { count, undetermined }]) => count + undetermined > 0)
    .map(([name, { count, undetermined }], i) => [i === 0 ? group : '', label(language, name), count, undetermined === 0 ? null : undetermined]);

const declaredRows = (language: Language, { declared }: Figures): readonly (readonly Cell[])[] => declared.map(({ key, value, unit }) =>
  [key, value === null ? '—' : unit === 'fen' ? amount(language, value) : `${value} ${unit}`]);

/** Counts, funds and what the organisation's own reports declare, the one beside the other. */
export const dashboardText = (language: Language, answer: Dashboard): string => {
  const { issues, measures, funds } = answer.figures;
  const groups = (['byState', 'byBucket', 'byDeadline'] as const).flatMap((group) => countRows(language, label(language, group), issues[group]));
  const parts = [
    orgLine(language, answer.org),
    cutLine(language, answer),
    '',
    table(['', label(language, 'issues'), '', label(language, 'undetermined')], [[label(language, 'total'), '', issues.total, null], ...groups]),
    '',
    table(['', label(language, 'measures'), '', label(language, 'undetermined')], [
      [label(language, 'total'), '', measures.total, null], ...(measures.shared === 0 ? [] : [[label(language, 'shared'), '', measures.shared, null]]), ...countRows(language, label(language, 'byState'), measures.byState),
    ]),
    '',
    table([label(language, 'funds'), ''], [[label(language, 'recovered'), sumText(language, funds.recovered)], [label(language, 'returned'), sumText(language, funds.returned)]]),
  ];
  if (answer.figures.declared.length > 0) parts.push('', table([label(language, 'declared'), ''], declaredRows(language, answer.figures)));
  if (answer.assumptions.calendarYears.length > 0) parts.push('', `${label(language, 'calendarAssumed')}${answer.assumptions.calendarYears.join(', ')}`);
  return parts.join('\n');
};

const nonZero = (language: Language, counts: Readonly<Record<string, Count>>): string => {
  const maybe = (undetermined: number): string => (language === 'zh' ? `（另${undetermined}待定）` : ` (+${undetermined} undetermined)`);
  const shown = Object.entries(counts).filter(([, { count, undetermined }]) => count + undetermined > 0)
    .map(([name, { count, undetermined }]) => `${label(language, name)} ${count}${undetermined === 0 ? '' : maybe(undetermined)}`);
  return shown.length === 0 ? '—' : shown.join(language === 'zh' ? '，' : ', ');
};

/** One line an organisation and point in time, to be read side by side. */
export const comparison = (language: Language, answers: readonly Dashboard[]): string => {
  const head = ['organisation', 'cut', 'knownAt', 'issues', 'byState', 'byBucket', 'OVERDUE', 'recovered'].map((name) => label(language, name));
  return table(head, answers.map(({ org, cut, figures: { issues, funds } }) => [
    org?.name ?? label(language, 'whole'), cut.validAt, dayOrInstant(cut.knownAt), issues.total, nonZero(language, issues.byState), nonZero(language, issues.byBucket),
    issues.byDeadline['OVERDUE']?.count ?? 0, sumText(language, funds.recovered),
  ]));
};
