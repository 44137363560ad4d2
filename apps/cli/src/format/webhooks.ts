import type { SentWebhook, SubscriptionView } from '../answers.ts';
import { aside, colon, label, type Language } from './language.ts';
import { table } from './table.ts';

const heads = (language: Language, ...names: readonly string[]): readonly string[] => names.map((name) => label(language, name));

const statusOf = (language: Language, { status, cause }: Pick<SubscriptionView, 'status' | 'cause'>): string => `${label(language, status)}${cause === null ? '' : aside(language, label(language, cause))}`;

/** What it selects, in a few words; all conditions hold together. */
const selectionOf = (language: Language, { audience, nouns, types, levels, subtreeOf }: SubscriptionView): string =>
  [label(language, `audience-${audience}`), ...[nouns, types, levels].flatMap((list) => (list === null ? [] : [list.join(',')])), ...(subtreeOf === null ? [] : [subtreeOf])].join('; ');

export const subscriptionsText = (language: Language, items: readonly SubscriptionView[]): string => (items.length === 0 ? label(language, 'noSubscriptions') : table(
  heads(language, 'id', 'endpoint', 'state', 'position', 'lagEvents', 'failures', 'nextAttempt'),
  items.map(({ subscriptionId, endpoint, delivery, ...how }) =>
    [subscriptionId, endpoint, statusOf(language, how), delivery.position, delivery.lagEvents, delivery.failures, delivery.nextAttemptAt]),
));

/** One by one; what there is not is left out. */
export const subscriptionText = (language: Language, view: SubscriptionView): string => {
  const { delivery } = view;
  const lines: readonly (readonly [string, string | number | null])[] = [
    ['id', view.subscriptionId], ['endpoint', view.endpoint], ['state', statusOf(language, view)], ['selects', selectionOf(language, view)], ['created', view.createdAt],
    ['position', delivery.position], ['lagEvents', delivery.lagEvents], ['failures', delivery.failures], ['nextAttempt', delivery.nextAttemptAt], ['stoppedBefore', delivery.stopped],
    ...view.keys.map(({ publicKey, since }) => ['publicKey', `${publicKey}${aside(language, since)}`] as const),
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${label(language, name)}${colon(language)}${value}`])).join('\n');
};

/** As much of an answer as a line holds, characters. */
const answerShown = 60;

export const deliveriesText = (language: Language, items: readonly SentWebhook[]): string => table(
  heads(language, 'sentAt', 'position', 'messageType', 'attempt', 'outcome', 'httpStatus', 'milliseconds', 'answered'),
  items.map((item) => [
    item.at, item.position, `${item.type}${item.kind === 'delivery' ? '' : aside(language, label(language, item.kind))}`, item.attempt,
    label(language, item.outcome === 'gone' ? 'GONE' : item.outcome), item.status, item.durationMs, (item.error ?? item.excerpt).slice(0, answerShown),
  ]),
);

/** For whom the secret is: it will not be shown again. */
export const secretText = (language: Language, { secret, publicKey }: { readonly secret: string; readonly publicKey: string }): string =>
  [`v1${colon(language)}${secret}`, `v1a${colon(language)}${publicKey}`, label(language, 'shownOnce')].join('\n');
