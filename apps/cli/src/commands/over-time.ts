import { Option, type Command } from 'commander';
import type { Compare, ReplayFrame, ReplayStart, Series } from '../answers.ts';
import { ProblemAnswer, UsageError, type ApiClient, type Query } from '../api-client.ts';
import { resumed, type ServerEvent } from '../event-stream.ts';
import { orgLine } from '../format/figures.ts';
import { label } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { compareText, frameText, ReplayScreen, seriesText } from '../format/over-time.ts';
import type { Session } from '../session.ts';
import type { Open } from './reads.ts';

const orgOptions = (command: Command): Command => command
  .option('--org <id|code>', 'an organisation and all below it; default: all')
  .option('--tree <id>', 'the tree by which --org rolls up; default: the administrative one')
  .option('--tree-at <then|now>', 'that tree as of each day (then) or as it is now; default: then');

const rangeOptions = (command: Command): Command => orgOptions(command)
  .requiredOption('--from <day>', 'the first day, YYYY-MM-DD')
  .option('--to <day>', 'the last day; default: today')
  .addOption(new Option('--every <step>', 'from one point to the next: every day, the end of each week or month; default: day').choices(['day', 'week', 'month']))
  .option('--figures <names>', 'numbers of the dashboard, by commas: issues.total,issues.byBucket.*,funds.recovered')
  .option('--at-position <n>', 'what the log held up to this position; default: all');

const addSeries = (program: Command, open: Open): void => {
  const command = rangeOptions(program.command('series')).description('figures over a range of days, the first of them drawn')
    .addOption(new Option('--as <knowledge>', 'each day by what was known on it (then), or all by what is known at --known-at (known); default: then').choices(['then', 'known']))
    .option('--known-at <day|instant>', 'with --as known: what was known then; default: now')
    .addHelpText('after', '\nExample: rectrail series --org CN-330200-JT --from 2022-01-01 --to 2022-06-30 --every month');
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<Series>('/series', command.opts<Query>());
    print(json ? JSON.stringify(answer, null, 2) : seriesText(language, localInstants(answer, zone)));
  });
};

const addCompare = (program: Command, open: Open): void => {
  const command = orgOptions(program.command('compare')).description('two points in time: the totals of both, and the issues that changed, by which events')
    .option('--from-valid-at <day>', 'the day in the world of the earlier look').option('--from-known-at <day|instant>', 'what was known for it').option('--from-at-position <n>', 'what the log held for it; default: as for the later')
    .option('--valid-at <day>', 'the day in the world of the later look').option('--known-at <day|instant>', 'what was known for it; default: now').option('--at-position <n>', 'what the log held for it; default: all')
    .option('--policy <id|code|default>', 'count all by one policy; default: each by its own')
    .option('--limit <n>', 'rows of a page, 1 to 500').option('--cursor <cursor>', 'of the page before')
    .addHelpText('after', '\nExample: rectrail compare --org CN-330200-JT --from-known-at 2022-04-28 --known-at 2022-04-29');
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await client.get<Compare>('/compare', command.opts<Query>());
    print(json ? JSON.stringify(answer, null, 2) : compareText(language, localInstants(answer, zone)));
  });
};

const retryMs = 1_000;

const framesOf = async function* (client: ApiClient, query: Query): AsyncGenerator<ServerEvent> {
  const isWhole = yield* resumed({ open: (after) => client.events('/replay', query, after), isRefusal: (error) => error instanceof ProblemAnswer, retryMs });
  if (!isWhole) throw new UsageError('the replay broke off and could not be taken up again', '回放中断，未能继续');
};

/** Draws over the frame before on a terminal, elsewhere one frame below the other. */
const play = async ({ client, language, zone, json, print }: Session, query: Query): Promise<void> => {
  const screen = process.stdout.isTTY ? new ReplayScreen(process.stdout, language) : null;
  let title = '';
  for await (const { name, data } of framesOf(client, query)) {
    // The server's own events; this client is released together with it.
    if (json) print(JSON.stringify(name === 'frame' ? data : { [name]: data }));
    else if (name === 'start') title = orgLine(language, (data as ReplayStart).org);
    else if (name === 'frame' && screen !== null) screen.show(title, localInstants(data as ReplayFrame, zone));
    else if (name === 'frame') print(frameText(language, localInstants(data as ReplayFrame, zone)));
    else if ((data as { readonly reason: string }).reason === 'shutdown') print(label(language, 'replayEnds'));
  }
};

const addReplay = (program: Command, open: Open): void => {
  const command = rangeOptions(program.command('replay')).description('plays the progress of a range of days as it was known then, a frame a day, with what happened')
    .option('--inspection <id>', 'one round: its owner and the news of its issues and money')
    .option('--speed <days>', 'days a second, 0.1 to 366; default: 7')
    .addHelpText('after', '\nExample: rectrail replay --org CN-330200-JT --from 2022-01-01 --to 2022-06-30 --every week --speed 30');
  command.action(async () => { await play(await open(command), command.opts<Query>()); });
};

/** Progress over time: series, comparisons, replays. */
export const addOverTime = (program: Command, open: Open): void => {
  addSeries(program, open);
  addCompare(program, open);
  addReplay(program, open);
};
