import { Option, type Command } from 'commander';
import type { DueReminders, ReminderDetail, ReminderItem, Reminders } from '../answers.ts';
import type { Query } from '../api-client.ts';
import { cutLine } from '../format/figures.ts';
import { label, type Language } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { table } from '../format/table.ts';
import type { Open } from './reads.ts';

const listOptions = (command: Command): Command => command
  .option('--org <id|code>', 'an organisation and all below it; default: all')
  .option('--limit <n>', 'rows of a page, 1 to 500')
  .option('--cursor <cursor>', 'of the page before');
const cutOptions = (command: Command): Command => command
  .option('--valid-at <day>', 'the day in the world, YYYY-MM-DD; default: the day of what is known')
  .option('--known-at <day|instant>', 'what was known then; default: now')
  .option('--at-position <n>', 'what the log held up to this position; default: all');

const heads = (language: Language, ...names: readonly string[]): readonly string[] => names.map((name) => label(language, name));
const moreLine = (language: Language, { nextCursor }: { readonly nextCursor: string | null }): readonly string[] =>
  (nextCursor === null ? [] : ['', `${label(language, 'more')}--cursor ${nextCursor}`]);
const issueOf = ({ numberPath, title }: Pick<ReminderItem, 'numberPath' | 'title'>): string => `${numberPath.join('')}${title ?? ''}`;
const roles = (recipients: readonly string[]): string => recipients.join(', ');
const orgOf = ({ orgName, orgCode }: Pick<ReminderItem, 'orgName' | 'orgCode'>): string | null => orgName ?? orgCode;

const remindersText = (language: Language, page: Reminders): string => [
  cutLine(language, page), '',
  table(heads(language, 'citation', 'light', 'organisation', 'title', 'due', 'daysLeft', 'recipients', 'receivedBy', 'id'), page.items.map((item) => [
    item.citation, label(language, item.colour), orgOf(item), issueOf(item), item.deadline, item.daysLeft, roles(item.recipients),
    roles(item.receipts.map(({ recipient }) => recipient)), item.reminderId,
  ])),
  ...moreLine(language, page),
].join('\n');

const dueText = (language: Language, page: DueReminders): string => [
  cutLine(language, page), '',
  page.items.length === 0 && page.nextCursor === null ? label(language, 'nothingDue') : table(heads(language, 'light', 'organisation', 'title', 'due', 'daysLeft', 'recipients'), page.items.map((item) => [
    label(language, item.colour), orgOf(item), issueOf(item), item.deadline, item.daysLeft, roles(item.recipients),
  ])),
  ...moreLine(language, page),
].join('\n');

const reminderText = (language: Language, { reminder, text }: ReminderDetail): string => [
  text, '', table(heads(language, 'recipients', 'received'), reminder.recipients.map((recipient) => [recipient, reminder.receipts.find((receipt) => receipt.recipient === recipient)?.on ?? null])),
].join('\n');

interface ReadCommand<A> { readonly command: Command; readonly path: () => string; readonly query: () => Query; readonly text: (language: Language, answer: A) => string }

const read = <A>(open: Open, { command, path, query, text }: ReadCommand<A>): void => {
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<A>(path(), query());
    print(json ? JSON.stringify(answer, null, 2) : text(language, localInstants(answer, zone)));
  });
};

/** Notices of deadlines: those that were issued, one with its letter, and those that are due. */
export const addReminders = (program: Command, open: Open): void => {
  const reminders = program.command('reminders').description('numbered notices of deadlines (督办提醒)');
  const list = cutOptions(listOptions(reminders.command('list'))).description('notices issued, the newest first')
    .addOption(new Option('--colour <light>', 'of one light').choices(['green', 'yellow', 'red']))
    .option('--issue <id>', 'about one issue')
    .addOption(new Option('--received <true|false>', 'whether every recipient has confirmed').choices(['true', 'false']));
  read<Reminders>(open, { command: list, path: () => '/reminders', query: () => list.opts<Query>(), text: remindersText });
  const show = cutOptions(reminders.command('show').argument('<id>', 'id of the notice')).description('a notice: its letter and its receipts');
  read<ReminderDetail>(open, { command: show, path: () => `/reminders/${encodeURIComponent(show.args[0] ?? '')}`, query: () => show.opts<Query>(), text: reminderText });
  const preview = listOptions(reminders.command('preview')).option('--on <day>', 'the day that is evaluated, YYYY-MM-DD; default: today')
    .description('a dry run: notices that the evaluation of a day would issue, by what is known now');
  read<DueReminders>(open, {
    command: preview, path: () => '/reminders/preview',
    query: () => {
      const { on, ...query } = preview.opts<Query>();
      return on === undefined ? query : { ...query, validAt: on };
    },
    text: dueText,
  });
};
