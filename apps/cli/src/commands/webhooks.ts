import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RevealedSecret, SentWebhook, SubscriptionView } from '../answers.ts';
import type { ApiClient } from '../api-client.ts';
import { localInstants } from '../format/local-instants.ts';
import { deliveriesText, secretText, subscriptionsText, subscriptionText } from '../format/webhooks.ts';
import type { Language } from '../format/language.ts';
import type { Open } from './reads.ts';

interface CreateOptions {
  readonly endpoint: string;
  readonly audience: string;
  readonly org?: string;
  readonly subtreeOf?: string;
  readonly noun?: readonly string[];
  readonly type?: readonly string[];
  readonly level?: readonly string[];
  readonly after?: number;
}

const list = (text: string): readonly string[] => text.split(',').map((one) => one.trim()).filter((one) => one !== '');
const positionOf = (text: string): number => {
  const position = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(position) || position < 0) throw new InvalidArgumentError('a position is a whole number');
  return position;
};

const pathOf = (id: string, action = ''): string => `/subscriptions/${encodeURIComponent(id)}${action === '' ? '' : `/${action}`}`;
const viewOf = (client: ApiClient, id: string): Promise<SubscriptionView> => client.get(pathOf(id));

const allOf = async (client: ApiClient): Promise<readonly SubscriptionView[]> => {
  const items: SubscriptionView[] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const page: { readonly items: readonly SubscriptionView[]; readonly nextCursor: string | null } = await client.get('/subscriptions', { cursor });
    items.push(...page.items);
    more = page.nextCursor !== null;
    cursor = page.nextCursor ?? undefined;
  }
  return items;
};

const createdBy = async (client: ApiClient, { noun, type, level, ...same }: CreateOptions): Promise<SubscriptionView> => {
  const { id } = await client.post<{ readonly id: string }>('/subscriptions', { ...same, ...(noun && { nouns: noun }), ...(type && { types: type }), ...(level && { levels: level }) });
  return viewOf(client, id);
};

interface SentPage { readonly items: readonly SentWebhook[] }

interface Action<A> {
  readonly command: Command;
  readonly run: (client: ApiClient) => Promise<A>;
  readonly text: (language: Language, answer: A) => string;
}

const on = <A>(open: Open, { command, run, text }: Action<A>): void => {
  command.action(async () => {
    const { client, language, zone, json, print } = await open(command);
    const answer = await run(client);
    print(json ? JSON.stringify(answer, null, 2) : text(language, localInstants(answer, zone)));
  });
};

/** Commands on a subscription, after which it is shown. */
const steps = [
  ['pause', 'pause', 'send nothing until it is resumed'],
  ['resume', 'resume', 'go on where it stood: after a pause, or where it was disabled'],
  ['rotate', 'rotate-secret', 'sign with new keys, and with the former ones too for 24 hours; reveal-secret shows them once'],
] as const;

/** Who gets webhooks, what became of each, and what is sent by hand. */
export const addWebhooks = (program: Command, open: Open): void => {
  const webhooks = program.command('webhooks').description('subscriptions whose messages are sent to an endpoint');
  const one = (name: string, description: string): Command => webhooks.command(name).argument('<id>', 'id of the subscription').description(description);
  const idOf = (command: Command): string => command.args[0] ?? '';

  on(open, { command: webhooks.command('list').description('status, position, lag and failures of each'), run: allOf, text: subscriptionsText });
  const show = one('show', 'a subscription with its public keys');
  on(open, { command: show, run: (client) => viewOf(client, idOf(show)), text: subscriptionText });
  const create = webhooks.command('create').description('have messages sent to an endpoint')
    .requiredOption('--endpoint <url>', 'https://host[:port][/path], without user, query and fragment')
    .addOption(new Option('--audience <audience>', 'public facts alone, or internal ones too').choices(['public', 'internal']).makeOptionMandatory())
    .option('--org <id|code>', 'whose it is; default: your own')
    .option('--subtree-of <id|code>', 'of this organisation and all below it alone')
    .option('--noun <names>', 'by commas: issues,measures,funds', list)
    .option('--type <types>', 'types of messages, by commas', list)
    .option('--level <levels>', 'levels of the owner, by commas: province,city', list)
    .option('--after <n>', 'those behind this position; default: from now on', positionOf);
  on(open, { command: create, run: (client) => createdBy(client, create.opts<CreateOptions>()), text: subscriptionText });
  for (const [name, action, description] of steps) {
    const command = one(name, description);
    on(open, { command, run: async (client) => { await client.post(pathOf(idOf(command), action), {}); return viewOf(client, idOf(command)); }, text: subscriptionText });
  }
  const remove = one('delete', 'send nothing any more, for good');
  on(open, { command: remove, run: (client) => client.post<{ readonly id: string }>(pathOf(idOf(remove), 'delete'), {}), text: (_language, { id }) => id });
  const reveal = one('reveal-secret', 'print the secret of the newest key, once');
  on(open, { command: reveal, run: (client) => client.post<RevealedSecret>(pathOf(idOf(reveal), 'reveal-secret'), {}), text: secretText });
  const ping = one('ping', 'send a test that is no event');
  on(open, { command: ping, run: (client) => client.post<SentWebhook>(pathOf(idOf(ping), 'ping'), {}), text: (language, sent) => deliveriesText(language, [sent]) });
  const deliveries = one('deliveries', 'what was sent and what came back, the newest first').option('--limit <n>', 'rows, 1 to 500').option('--cursor <cursor>', 'of the page before');
  on<SentPage>(open, {
    command: deliveries, text: (language, { items }) => deliveriesText(language, items),
    run: (client) => client.get(pathOf(idOf(deliveries), 'deliveries'), deliveries.opts()),
  });
  const redeliver = one('redeliver', 'send what was delivered at a position once more').requiredOption('--position <n>', 'its sequence', positionOf);
  on<SentPage>(open, {
    command: redeliver, text: (language, { items }) => deliveriesText(language, items),
    run: (client) => client.post(pathOf(idOf(redeliver), 'redeliver'), redeliver.opts()),
  });
  const replay = one('replay', 'deliver everything behind a position, again or for the first time').requiredOption('--from <n>', 'position', positionOf);
  on(open, { command: replay, run: (client) => client.post<SubscriptionView>(pathOf(idOf(replay), 'replay'), replay.opts()), text: subscriptionText });
};
