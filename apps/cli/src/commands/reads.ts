import { Argument, Option, type Command } from 'commander';
import type {
  Dashboard, Deadlines, Discrepancies, EventView, Funds, IssueDetail, IssueHistory, IssueItem, Lateness, MeasureItem, OrganisationItem, Page, Printed, Report, Timeline,
} from '../answers.ts';
import { UsageError, type Query } from '../api-client.ts';
import { discrepanciesText } from '../format/discrepancies.ts';
import { cutLine, dashboardText, sumText } from '../format/figures.ts';
import { aside, count, fenOf, label, type Language } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { goneText } from '../format/purges.ts';
import { table } from '../format/table.ts';
import { timelineText } from '../format/timeline.ts';
import type { Session } from '../session.ts';

export type Open = (command: Command) => Promise<Session>;

/** A cut, of whatever is read. */
export const cutOptions = (command: Command): Command => command
  .option('--valid-at <day>', 'the day in the world, YYYY-MM-DD; default: the day of what is known')
  .option('--known-at <day|instant>', 'what was known then; default: now')
  .option('--at-position <n>', 'what the log held up to this position; default: all')
  .option('--at-least <n>', 'wait until the read models have reached this position');
const orgOptions = (command: Command): Command => cutOptions(command.option('--org <id|code>', 'an organisation and all below it; default: all'));
const policyOption = (command: Command): Command => command.option('--policy <id|code|default>', 'count all by one policy; default: each by its own');
const treeOptions = (command: Command): Command => command
  .option('--tree <id>', 'the tree by which --org rolls up; default: the administrative one')
  .option('--tree-at <then|now>', 'that tree as of the day in the world (then) or of what is known (now); default: then');
const pageOptions = (command: Command): Command => command
  .option('--limit <n>', 'rows of a page, 1 to 500')
  .option('--cursor <cursor>', 'of the page before');
const sortOptions = (command: Command, sorts: string): Command => command
  .option('--sort <key>', sorts)
  .addOption(new Option('--order <direction>', 'which way round; default: asc').choices(['asc', 'desc']));
const issueFilters = (command: Command): Command => pageOptions(sortOptions(command
  .option('--state <state>', 'IN_PROGRESS, DONE_REPORTED, …')
  .option('--bucket <bucket>', 'complete, open, longTerm, notDisclosed')
  .option('--deadline <condition>', 'OVERDUE, DUE_SOON, NO_DEADLINE, …')
  .option('--track <track>', 'IMMEDIATE, TIMED, LONG_TERM')
  .option('--aspect <text>', 'the aspect under which the report prints it')
  .option('--inspection <id>', 'issues of one inspection')
  .option('--assisting <id|code>', 'issues in which this organisation only assists')
  .option('--money <kind>', 'any, recovered, outstanding (identified, nothing came back), none')
  .option('--disagreement <true|false>', 'whether the claim says less than what was determined')
  .option('--q <text>', 'part of the title, the heading or the printed number'), 'number, due, state, changed (the day since which it shows what it shows)'));

const amountOption = (command: Command): Command => command.addOption(new Option('--min-amount <amount>', 'identified of at least so much: 50000, 5万元, 1.2亿元').argParser((text: string) => {
  const fen = fenOf(text);
  if (fen === null) throw new UsageError(`--min-amount is an amount like 50000 or 5万元, not ${text}`, `--min-amount 应为 50000 或 5万元 这样的金额，而不是 ${text}`);
  return fen;
}));

/** The options of a read are named like the parameters of the interface, save amounts, which people write in yuan. */
const queryOf = (command: Command): Query => {
  const { minAmount, ...query } = command.opts<Query>();
  return minAmount === undefined ? query : { ...query, minFen: minAmount };
};

interface ReadCommand<A> {
  readonly command: Command;
  readonly path: (args: readonly string[]) => string;
  readonly text: (language: Language, answer: A) => string;
}

const read = <A>(open: Open, { command, path, text }: ReadCommand<A>): void => {
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<A>(path(command.args), queryOf(command));
    print(json ? JSON.stringify(answer, null, 2) : text(language, localInstants(answer, zone)));
  });
};

const heads = (language: Language, ...names: readonly string[]): readonly string[] => names.map((name) => label(language, name));
const numberOf = (path: readonly string[]): string => path.join('');
const stateText = (language: Language, state: string, possibly: string | null): string =>
  (possibly === null ? label(language, state) : `${label(language, state)}${aside(language, `${label(language, 'possibly')}${language === 'zh' ? '' : ' '}${label(language, possibly)}`)}`);
const dateText = (date: Printed | null): string => (date === null ? '' : date.first === date.last ? date.last : `${date.first}..${date.last}`);
const moreLine = (language: Language, page: { readonly nextCursor: string | null }): readonly string[] => (page.nextCursor === null ? [] : ['', `${label(language, 'more')}--cursor ${page.nextCursor}`]);

/** How many there are on all pages; where that is not said, how many this one shows. */
const totalLine = (language: Language, { total }: { readonly total: number | null }): string =>
  (total === null ? label(language, 'notCounted') : `${label(language, 'total')} ${count(total)}`);

const issuesText = (language: Language, page: Page<IssueItem>): string => [
  cutLine(language, page),
  totalLine(language, page),
  '',
  table(heads(language, 'organisation', 'number', 'title', 'state', 'since', 'bucket', 'deadline', 'due', 'id'), page.items.map((issue) => [
    issue.orgName ?? issue.orgCode, numberOf(issue.numberPath), issue.title, stateText(language, issue.state, issue.possibly), issue.since, label(language, issue.bucket),
    label(language, issue.deadline.condition), issue.deadline.due, issue.issueId,
  ])),
  ...moreLine(language, page),
].join('\n');

const issueText = (language: Language, answer: IssueDetail): string => {
  const { issue } = answer;
  const lines = [
    `${numberOf(issue.numberPath)} ${issue.title}`,
    `${issue.orgName ?? ''}${aside(language, issue.orgCode ?? '')}`,
    cutLine(language, answer),
    '',
    table(['', ''], [
      [label(language, 'state'), stateText(language, issue.state, issue.possibly)], [label(language, 'printedStatus'), answer.printedStatus], [label(language, 'bucket'), label(language, issue.bucket)],
      [label(language, 'deadline'), label(language, issue.deadline.condition)], [label(language, 'due'), issue.deadline.due], ...(answer.continuation === 'NONE' ? [] : [[label(language, 'continuation'), label(language, answer.continuation)]]),
      ...(issue.disagreement ? [[label(language, 'disagreement'), label(language, 'yes')]] : []),
    ]).trimStart(),
  ];
  if (answer.residuals.length > 0) {
    lines.push('', table(heads(language, 'residuals', 'due', 'open'), answer.residuals.map(({ printed, planned, open }) => [printed, dateText(planned), open ? label(language, 'yes') : ''])));
  }
  if (answer.measures.length > 0) {
    lines.push('', table(heads(language, 'measures', '', 'state'), answer.measures.map(({ marker, title, state }) => [marker, title, label(language, state)])));
  }
  if (answer.funds.length > 0) {
    lines.push('', table(heads(language, 'recovered', 'returned'), answer.funds.map(({ recovered, returned }) => [sumText(language, recovered), sumText(language, returned)])));
  }
  return lines.join('\n');
};

const changeText = ({ changes }: EventView): string => changes.map(({ field, before, after }) => `${field}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`).join('; ').slice(0, changeCharactersMax);
/** A screen's width; the whole change is in --json. */
const changeCharactersMax = 100;

const historyText = (language: Language, answer: IssueHistory): string => [
  cutLine(language, answer),
  '',
  table(heads(language, 'position', 'recordedAt', 'known', 'valid', 'event', 'changes', 'retracted'), answer.events.map((event) => [
    event.position, event.recordedAt, event.knownTime.slice(0, 10), dateText(event.validTime), event.type, event.type === 'ContentPurged' ? goneText(language, event.data) : changeText(event),
    event.retractedBy.map(({ position, reason }) => `${position}: ${reason}`).join('; '),
  ])),
].join('\n');

const deadlinesText = (language: Language, answer: Deadlines): string => [
  cutLine(language, answer),
  '',
  table(heads(language, 'deadline', '', 'undetermined'), Object.entries(answer.figures).filter(([, c]) => c.count + c.undetermined > 0).map(([name, c]) => [label(language, name), c.count, c.undetermined])),
  '',
  totalLine(language, answer),
  '',
  table(heads(language, 'organisation', 'number', 'title', 'state', 'deadline', 'due', 'daysLeft', ''), answer.items.map((item) => [
    item.orgName ?? item.orgCode, numberOf(item.numberPath), item.title, label(language, item.state), label(language, item.condition), item.due, item.daysLeft,
    [item.striving ? label(language, 'striving') : '', item.flagged ? label(language, 'flagged') : ''].join(' ').trim(),
  ])),
  ...moreLine(language, answer),
].join('\n');

const fundsText = (language: Language, answer: Funds): string => [
  cutLine(language, answer),
  '',
  table(heads(language, 'funds', ''), (['identified', 'recovered', 'returned'] as const).map((kind) => [label(language, kind), sumText(language, answer.figures[kind])])),
  '',
  totalLine(language, answer),
  '',
  table(heads(language, 'organisation', 'identified', 'recovered', 'returned', 'duplicates', 'id'), answer.cases.map((one) => [
    one.orgName ?? one.orgCode, sumText(language, one.identified), sumText(language, one.recovered), sumText(language, one.returned), one.duplicates.map(({ fundsCaseId }) => fundsCaseId).join(' '),
    one.fundsCaseId,
  ])),
  ...moreLine(language, answer),
].join('\n');

const measuresText = (language: Language, page: Page<MeasureItem>): string => [
  cutLine(language, page),
  totalLine(language, page),
  '',
  table(heads(language, 'organisation', '', 'measures', 'state', 'due', 'id'), page.items.map((measure) => [
    measure.orgName ?? measure.orgCode, measure.marker, measure.title, stateText(language, measure.state, measure.possibly), dateText(measure.planned), measure.measureId,
  ])),
  ...moreLine(language, page),
].join('\n');

const organisationsText = (language: Language, page: Page<OrganisationItem>): string => [
  cutLine(language, page),
  totalLine(language, page),
  '',
  table(heads(language, 'organisation', 'code', 'level', 'dissolvedOn', 'mergedInto', 'id'), page.items.map((org) => [org.name, org.code, label(language, org.level), org.dissolvedOn, org.mergedInto, org.orgId])),
  ...moreLine(language, page),
].join('\n');

const latenessText = (language: Language, answer: Lateness): string => [
  cutLine(language, answer),
  '',
  table(heads(language, 'daysLate', 'facts'), Object.entries(answer.figures.byBand).filter(([, facts]) => facts > 0).map(([band, facts]) => [label(language, band), facts])),
  '',
  table(heads(language, 'daysLate', 'organisation', 'event', 'valid', 'known', 'recordedAt', 'actor', 'document', 'position'), answer.items.map((item) => [
    item.daysLate, item.orgName ?? item.orgCode, item.type, dateText(item.validTime), item.knownTime.slice(0, 10), item.recordedAt, item.actor.subject, item.source?.documentId ?? '', item.position,
  ])),
  ...moreLine(language, answer),
].join('\n');

/** What has a timeline, and where. */
const timelinePaths: Readonly<Record<string, string>> = { 'issue': 'issues', 'measure': 'measures', 'funds-case': 'funds-cases', 'inspection': 'inspections', 'organisation': 'organisations' };

const addDiscrepancies = (program: Command, open: Open): void => {
  const command = orgOptions(program.command('discrepancies')).description('where reports declare other figures than are found');
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const query = queryOf(command);
    const cuts = { ...query, org: undefined };
    const reports = await client.get<Page<Report>>('/reports', query);
    const answers: Discrepancies[] = [];
    for (const report of reports.items) {
      const answer = await client.get<Discrepancies>(`/reports/${report.reportId}/discrepancies`, cuts);
      answers.push(answer);
      if (!json) print(`${discrepanciesText(language, report, localInstants(answer, zone))}\n`);
    }
    if (json) print(JSON.stringify(answers, null, 2));
    else if (answers.length === 0) print(label(language, 'noReports'));
  });
};

/** All reads; their options are the parameters of the interface. */
export const addReads = (program: Command, open: Open): void => {
  const encoded = (id: string | undefined): string => encodeURIComponent(id ?? '');
  read<Dashboard>(open, { command: treeOptions(policyOption(orgOptions(program.command('dashboard')))).description('figures of an organisation and all below it'), path: () => '/dashboard', text: dashboardText });
  read<Page<IssueItem>>(open, { command: issueFilters(treeOptions(policyOption(orgOptions(program.command('issues'))))).description('the register of issues'), path: () => '/issues', text: issuesText });
  read<IssueDetail>(open, {
    command: policyOption(cutOptions(program.command('issue').argument('<id>', 'id of the issue'))).description('an issue with its measures, funds and residuals'),
    path: ([id]) => `/issues/${encoded(id)}`, text: issueText,
  });
  read<IssueHistory>(open, {
    command: cutOptions(program.command('history').argument('<id>', 'id of the issue')).description('all events of an issue'),
    path: ([id]) => `/issues/${encoded(id)}/history`, text: historyText,
  });
  read<Timeline>(open, {
    command: cutOptions(program.command('timeline').addArgument(new Argument('<kind>', 'what it is about').choices(Object.keys(timelinePaths)))
      .argument('<id>', 'its id; of an organisation its id or code')).description('every belief about one thing: when it held and was held, from which event, and what ended it'),
    path: ([kind, id]) => `/${timelinePaths[kind ?? ''] ?? ''}/${encoded(id)}/timeline`, text: timelineText,
  });
  read<Lateness>(open, {
    command: pageOptions(treeOptions(orgOptions(program.command('lateness')))
      .option('--min-days <n>', 'known so many days after it was true, at least; default: 8')
      .option('--type <type>', 'type of the event: IssueCompletionReported, …')
      .option('--actor <subject>', 'recorded by this subject')).description('facts that became known long after they were true, the latest first'),
    path: () => '/lateness', text: latenessText,
  });
  read<Deadlines>(open, {
    command: issueFilters(treeOptions(policyOption(orgOptions(program.command('deadlines'))))).description('what is overdue, due soon, without a deadline on the query day'), path: () => '/deadlines', text: deadlinesText,
  });
  read<Page<MeasureItem>>(open, {
    command: pageOptions(sortOptions(treeOptions(orgOptions(program.command('measures')))
      .option('--state <state>', 'PLANNED, IN_PROGRESS, SUSPENDED, DONE, …')
      .option('--issue <id>', 'measures of one issue')
      .option('--inspection <id>', 'measures of one inspection')
      .option('--planned-from <day>', 'planned to be done on this day or later')
      .option('--planned-until <day>', 'planned to be done by this day')
      .option('--q <text>', 'part of the title'), 'number, due')).description('the register of measures'),
    path: () => '/measures', text: measuresText,
  });
  read<Funds>(open, {
    command: pageOptions(sortOptions(amountOption(treeOptions(orgOptions(program.command('funds')))
      .option('--issue <id>', 'money of one issue')
      .option('--inspection <id>', 'money of one inspection')
      .option('--money <kind>', 'recovered, outstanding (identified, nothing came back)')), 'number, identified, recovered, returned')).description('money identified, recovered and returned'),
    path: () => '/funds', text: fundsText,
  });
  read<Page<OrganisationItem>>(open, {
    command: pageOptions(orgOptions(program.command('organisations')).option('--tree <id>', 'those of one tree; default: of all').option('--q <text>', 'part of the name or of the code'))
      .description('organisations as they stand in the trees'),
    path: () => '/organisations', text: organisationsText,
  });
  addDiscrepancies(program, open);
};
