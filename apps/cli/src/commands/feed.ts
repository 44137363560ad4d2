import { Option, type Command } from 'commander';
import type { FeedMessage, FeedPage, FeedSnapshot } from '../answers.ts';
import { ProblemAnswer, type ApiClient, type Query } from '../api-client.ts';
import { resumed, type ServerEvent } from '../event-stream.ts';
import { feedText, messageText, snapshotText, subjectText } from '../format/feed.ts';
import { localInstants } from '../format/local-instants.ts';
import type { Session } from '../session.ts';
import type { Open } from './reads.ts';

/** Between two attempts to take a stream up again, milliseconds. */
const retryMs = 1_000;
/** Width of a sequence, by which texts sort as numbers do. */
const sequenceDigits = 16;
const pageSubjects = '1000';

const narrowingOptions = (command: Command): Command => command
  .option('--org <id|code>', 'an organisation and all below it; default: all')
  .option('--noun <names>', 'by commas: issues,measures,funds')
  .option('--level <levels>', 'levels of the owner, by commas: province,city,county')
  .addOption(new Option('--audience <audience>', 'for whom: authorities (internal) or the public; default: internal').choices(['internal', 'public']));

/** Messages without end: a connection that breaks, and a server that stops, are waited for. What is refused is thrown. */
const followed = async function* (client: ApiClient, query: Query, from: string): AsyncGenerator<ServerEvent> {
  const open = async function* (after: string | null): AsyncGenerator<ServerEvent> {
    for await (const event of client.events('/feed/stream', query, after ?? from)) if (event.name !== 'end') yield event;
  };
  yield* resumed({ open, isRefusal: (error) => error instanceof ProblemAnswer && error.problem.status < 500, retryMs, attemptsMax: Infinity });
};

const follow = async ({ client, language, zone, json, print }: Session, { after, ...query }: Query): Promise<void> => {
  const from = after ?? String((await client.get<FeedPage>('/feed', { ...query, limit: '1' })).head);
  for await (const { name, data } of followed(client, query, from.padStart(sequenceDigits, '0'))) {
    if (name !== 'message') continue;
    // The server's own events; this client is released together with it.
    print(json ? JSON.stringify(data) : messageText(language, localInstants(data as FeedMessage, zone)));
  }
};

/** Pages of the state at one position, the first of which fixes it. */
const snapshotPages = async function* (client: ApiClient, query: Query): AsyncGenerator<FeedSnapshot> {
  let asked: Query | null = { ...query, limit: pageSubjects };
  while (asked !== null) {
    const page: FeedSnapshot = await client.get<FeedSnapshot>('/feed/snapshot', asked);
    yield page;
    asked = page.next === null ? null : Object.fromEntries(new URL(page.next, 'http://server').searchParams);
  }
};

const snapshot = async ({ client, language, json, print }: Session, query: Query, isListed: boolean): Promise<void> => {
  const subjects = new Map<string, number>();
  for await (const page of snapshotPages(client, query)) {
    for (const subject of page.subjects) {
      subjects.set(subject.noun, (subjects.get(subject.noun) ?? 0) + 1);
      if (json) print(JSON.stringify(subject));
      else if (isListed) print(subjectText(language, subject));
    }
    if (page.digest === null) continue;
    const { source, at, digest } = page;
    print(json ? JSON.stringify({ source, at, digest }) : snapshotText(language, { at, digest, subjects }));
  }
};

/** What leaves for others: messages as they come, and the state that they come to. */
export const addFeed = (program: Command, open: Open): void => {
  const feed = narrowingOptions(program.command('feed')).description('messages for other systems: every change of every subject, with its state afterwards')
    .option('--after <n>', 'those behind this position; default: from the beginning, with --follow from now on')
    .option('--type <types>', 'by commas: rectrail.issue.accepted.v1')
    .option('--limit <n>', 'messages of a page, 1 to 1000')
    .addOption(new Option('--follow', 'go on with what comes, until Ctrl-C').conflicts('limit'))
    .addHelpText('after', '\nWith --follow --json each line is a CloudEvent.\nExample: rectrail feed --follow --org CN-330200-JT --noun issues')
    .action(async (_options: object, command: Command) => {
      const session = await open(command);
      const { follow: isFollowing, ...query } = command.opts<Query & { readonly follow?: true }>();
      if (isFollowing === true) return follow(session, query);
      const { client, language, zone, json, print } = session;
      const page = await client.get<FeedPage>('/feed', query);
      print(json ? JSON.stringify(page, null, 2) : feedText(language, localInstants(page, zone)));
    });
  feed.command('snapshot').description('the state of every subject at a position, with its digest')
    .option('--at <n>', 'position; default: the head').option('--list', 'every subject, not only how many there are')
    .addHelpText('after', '\n--org, --noun, --level and --audience are those of rectrail feed. With --json each line is a subject, the last one the position and the digest.')
    .action(async (_options: object, command: Command) => {
      // Options of both commands are read by the outer one, wherever they stand; those that make no sense here are refused by the server.
      const { list, ...query } = { ...feed.opts<Query>(), ...command.opts<Query & { readonly list?: true }>() };
      await snapshot(await open(command), query, list === true);
    });
};
