import type { Compare, ComparedIssue, IssueChange, MoneySum, ReplayFrame, Series } from '../answers.ts';
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

/** Days that repeat the one before say nothing new, save the first and the last. */
const saysNews = (values: readonly (readonly (number | string)[])[], at: number): boolean =>
  at === 0 || at === (values[0]?.length ?? 0) - 1 || values.some((ofFigure) => ofFigure[at] !== ofFigure[at - 1]);

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
  const shown = [...days.entries()].filter(([i]) => answer.every !== 'day' || saysNews(Object.values(values), i));
  const rows = shown.map(([i, day]) => [
    day, ...names.map((name) => valueText(language, name, values[name]?.[i] ?? 0)), ...(hasRate ? [rateText(Number(complete[i]), Number(total[i]))] : []), bar(drawn[i] ?? 0, max),
  ]);
  const leftOut = shown.length === days.length ? [] : ['', label(language, 'repeatedDays')];
  return [orgLine(language, answer.org), cutLine(language, answer), label(language, answer.as === 'then' ? 'asKnownThen' : 'asKnownAtOnce'), '', table(head, rows), ...leftOut].join('\n');
};

const signed = (n: number): string => (n > 0 ? `+${count(n)}` : n < 0 ? `−${count(-n)}` : '0');

const signedSum = (language: Language, { fen, unknownAmounts }: MoneySum): string => {
  const value = BigInt(fen);
  const known = value === 0n ? '0' : `${value > 0n ? '+' : '−'}${amount(language, String(value < 0n ? -value : value))}`;
  return unknownAmounts === 0 ? known : `${known}${aside(language, `${signed(unknownAmounts)}${language === 'zh' ? '' : ' '}${label(language, 'unknownAmounts')}`)}`;
};

/** The one word that a reader looks for: what the issue has come to, else what has become of its deadline. */
const headlineOf = (language: Language, { before, after, changed }: IssueChange): string => {
  if (!after.exists) return label(language, 'gone');
  if (!before.exists) return label(language, 'new');
  return label(language, changed.includes('state') ? after.state : changed.includes('condition') ? after.condition : changed.includes('bucket') ? after.bucket : 'changed');
};

const sideText = (language: Language, side: ComparedIssue): string => (side.exists
  ? [label(language, side.state), label(language, side.condition), side.due ?? ''].filter((part) => part !== '').join(language === 'zh' ? '，' : ', ')
  : label(language, 'absent'));

const changeLines = (language: Language, change: IssueChange): readonly string[] => [
  `[${headlineOf(language, change)}] ${change.orgName ?? change.orgCode ?? ''} ${change.numberPath.join('')} ${change.title}`,
  `  ${sideText(language, change.before)} → ${sideText(language, change.after)}${aside(language, change.causes.map((cause) => label(language, `cause-${cause}`)).join(language === 'zh' ? '、' : ', '))}`,
  ...change.events.map(({ position, type, title, validTime, countsAt, retraction }) =>
    `    ${countsAt === 'to' ? '+' : '−'} #${position} ${type} ${title[language]} ${validTime?.last ?? retraction?.reason ?? ''}`.trimEnd()),
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
      [label(language, 'measures'), '', from.figures.measures.total, to.figures.measures.total, signed(difference.measures.total)],
    ]),
    '',
    table([label(language, 'funds'), label(language, 'before'), label(language, 'after'), label(language, 'change')], (['recovered', 'returned'] as const).map((kind) =>
      [label(language, kind), sumText(language, from.figures.funds[kind]), sumText(language, to.figures.funds[kind]), signedSum(language, difference.funds[kind])])),
    '', ...(answer.items.length === 0 ? [label(language, 'nothingChanged')] : []), ...answer.items.flatMap((item) => changeLines(language, item)), ...(answer.nextCursor === null ? [] : ['', `${label(language, 'more')}--cursor ${answer.nextCursor}`]),
  ].join('\n');
};

const framed = ['issues.total', 'issues.byBucket.complete', 'issues.byBucket.open', 'issues.byDeadline.OVERDUE', 'funds.recovered'];

/** The figures that a reader follows; where none of them was asked for, all that were. */
const figuresText = (language: Language, { figures }: ReplayFrame): string => {
  const shown = framed.filter((name) => name in figures);
  const names = shown.length === 0 ? Object.keys(figures) : shown;
  return names.map((name) => `${figureLabel(language, name)} ${valueText(language, name, figures[name] ?? 0)}`).join('  ');
};

const newsLines = (language: Language, { headlines, more }: ReplayFrame): readonly string[] => [
  ...headlines.map(({ title, orgName, orgCode, issue, fen }) =>
    [title[language], orgName ?? orgCode ?? '', issue === null ? '' : `${issue.numberPath.join('')} ${issue.title}`, fen === null ? '' : amount(language, fen)].filter((part) => part !== '').join(' ')),
  ...(more === 0 ? [] : [`… +${count(more)}`]),
];

/** One frame: the day, the figures that a reader follows, and what happened. */
export const frameText = (language: Language, frame: ReplayFrame): string =>
  [`${frame.cut.validAt}  ${figuresText(language, frame)}`, ...newsLines(language, frame).map((line) => `    ${line}`)].join('\n');

/** News that stays on the screen for a while. */
const newsKept = 8;

/** A picture that is drawn over on a terminal: the day, how far it is, the figures, and the last news. */
export class ReplayScreen {
  readonly #output: { write(text: string): unknown };
  readonly #language: Language;
  #news: readonly string[] = [];
  #lines = 0;

  constructor(output: { write(text: string): unknown }, language: Language) {
    this.#output = output;
    this.#language = language;
  }

  show(title: string, frame: ReplayFrame): void {
    const [complete, total] = [Number(frame.figures['issues.byBucket.complete'] ?? 0), Number(frame.figures['issues.total'] ?? 0)];
    this.#news = [...this.#news, ...newsLines(this.#language, frame).map((line) => `${frame.cut.validAt}  ${line}`)].slice(-newsKept);
    const lines = [
      `${title}  ${frame.cut.validAt}`,
      `${bar(complete, total).padEnd(barWidth, '░')}  ${label(this.#language, 'completionRate')} ${rateText(complete, total)}`,
      figuresText(this.#language, frame),
      '',
      ...Array.from({ length: newsKept }, (_, i) => this.#news[i] ?? ''),
    ];
    // Up to the first line of the picture before; each line is erased to its end.
    this.#output.write(`${this.#lines === 0 ? '' : `\u001B[${this.#lines}A`}${lines.map((line) => `\r\u001B[2K${line}\n`).join('')}`);
    this.#lines = lines.length;
  }
}
