import type { Compare, ComparedIssue, IssueChange, ReplayEvent, Series } from '../answers.ts';
import { cutLine, orgLine, sumText } from './figures.ts';
import { amount, aside, count, label, type Language } from './language.ts';
import { table } from './table.ts';

const isMoney = (name: string): boolean => name.startsWith('funds.') && !name.endsWith('.unknownAmounts');

/** `issues.byBucket.open` is told by its group and its class; what is certain needs no word. */
const figureLabel = (language: Language, name: string): string => {
  const [noun = '', ...rest] = name.split('.').filter((part) => !['count', 'fen', 'total', 'byState', 'byBucket', 'byDeadline'].includes(part));
  return [noun, ...rest].map((part) => label(language, part)).join(language === 'zh' ? '' : ' ');
};

const valueText = (language: Language, name: string, value: number | string): string => (isMoney(name) ? amount(language, String(value)) : count(Number(value)));

/** Complete of all, as officials print it (完成率); nothing where there is nothing. */
const rateText = (complete: number, total: number): string => (total === 0 ? '—' : `${(Math.round((complete / total) * 1_000) / 10).toFixed(1)}%`);

const barWidth = 24;
const bar = (value: number, max: number): string => '█'.repeat(max <= 0 ? 0 : Math.round((Math.max(0, value) / max) * barWidth));

/** A line a day; the first figure is drawn beside. */
export const seriesText = (language: Language, answer: Series): string => {
  const { days, values } = answer.figures;
  const names = Object.keys(values);
  const [first = ''] = names;
  const drawn = (values[first] ?? []).map(Number);
  const max = Math.max(0, ...drawn);
  const [complete, total] = [values['issues.byBucket.complete'], values['issues.total']];
  const hasRate = complete !== undefined && total !== undefined;
  const head = ['', ...names.map((name) => figureLabel(language, name)), ...(hasRate ? [label(language, 'completionRate')] : []), ''];
  const rows = days.map((day, i) => [
    day, ...names.map((name) => valueText(language, name, values[name]?.[i] ?? 0)), ...(hasRate ? [rateText(Number(complete[i]), Number(total[i]))] : []), bar(drawn[i] ?? 0, max),
  ]);
  return [orgLine(language, answer.org), cutLine(language, answer), label(language, answer.as === 'then' ? 'asKnownThen' : 'asKnownAtOnce'), '', table(head, rows)].join('\n');
};

const signed = (n: number): string => (n > 0 ? `+${count(n)}` : n < 0 ? `−${count(-n)}` : '0');

const sideText = (language: Language, side: ComparedIssue): string => (side.exists
  ? [label(language, side.state), label(language, side.condition), side.due ?? ''].filter((part) => part !== '').join(language === 'zh' ? '，' : ', ')
  : label(language, 'absent'));

const changeLines = (language: Language, change: IssueChange): readonly string[] => [
  `${change.orgName ?? change.orgCode ?? ''} ${change.numberPath.join('')} ${change.title}`,
  `  ${sideText(language, change.before)} → ${sideText(language, change.after)}${aside(language, change.causes.map((cause) => label(language, `cause-${cause}`)).join(language === 'zh' ? '、' : ', '))}`,
  ...change.events.map(({ position, type, recordedAt, countsAt }) => `    ${countsAt === 'to' ? '+' : '−'} #${position} ${type} ${recordedAt.slice(0, 10)}`),
];

/** Totals of both sides, then each issue that changed, with the events that count at one of the cuts alone. */
export const compareText = (language: Language, answer: Compare): string => {
  const { from, to, difference } = answer;
  const groups = (['byState', 'byBucket', 'byDeadline'] as const).flatMap((group) => Object.keys(to.figures.issues[group]).map((name) => ({ group, name })));
  const rows = groups.map(({ group, name }) => ({
    name, before: from.figures.issues[group][name]?.count ?? 0, after: to.figures.issues[group][name]?.count ?? 0, by: difference.issues[group][name]?.count ?? 0, group,
  })).filter(({ before, after }) => before + after > 0);
  const firstOf = (at: number): boolean => rows[at - 1]?.group !== rows[at]?.group;
  return [
    orgLine(language, answer.org), cutLine(language, from), cutLine(language, to), '',
    table(['', label(language, 'issues'), label(language, 'before'), label(language, 'after'), label(language, 'change')], [
      [label(language, 'total'), '', from.figures.issues.total, to.figures.issues.total, signed(difference.issues.total)],
      ...rows.map(({ group, name, before, after, by }, at) => [firstOf(at) ? label(language, group) : '', label(language, name), before, after, signed(by)]),
    ]),
    `${label(language, 'recovered')} ${sumText(language, from.figures.funds.recovered)} → ${sumText(language, to.figures.funds.recovered)}`,
    '', ...answer.items.flatMap((item) => changeLines(language, item)), ...(answer.nextCursor === null ? [] : ['', `${label(language, 'more')}--cursor ${answer.nextCursor}`]),
  ].join('\n');
};

/** One frame: the day, the figures that a reader follows, and what happened. */
export const frameText = (language: Language, { cut, figures, headlines, more }: ReplayEvent): string => {
  const shown = ['issues.total', 'issues.byBucket.complete', 'issues.byBucket.open', 'issues.byDeadline.OVERDUE', 'funds.recovered'].filter((name) => name in figures);
  const names = shown.length === 0 ? Object.keys(figures) : shown;
  return [
    `${cut.validAt}  ${names.map((name) => `${figureLabel(language, name)} ${valueText(language, name, figures[name] ?? 0)}`).join('  ')}`,
    ...headlines.map(({ title, orgName, orgCode, issue, fen }) =>
      `    ${title} ${orgName ?? orgCode ?? ''} ${issue === null ? '' : `${issue.numberPath.join('')} ${issue.title}`}${fen === null ? '' : ` ${amount(language, fen)}`}`.trimEnd()),
    ...(more === 0 ? [] : [`    … +${count(more)}`]),
  ].join('\n');
};
