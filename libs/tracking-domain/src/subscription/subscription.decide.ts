import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type Rejection } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { withoutBeginning } from '../stream-needs.ts';
import type { RejectionText } from '../time/live-command.ts';
import type { DisableCause, SubscriptionEvent } from './subscription.events.ts';
import type { SubscriptionState, SubscriptionTerms } from './subscription.state.ts';

/** Cut by position alone, so none has a day. Only the delivery itself disables: a person pauses or deletes. */
export type SubscriptionCommand =
  | { readonly type: 'CreateSubscription'; readonly data: SubscriptionTerms }
  | { readonly type: 'PauseSubscription' | 'ResumeSubscription' | 'RotateSubscriptionSecret' | 'DeleteSubscription' }
  | { readonly type: 'DisableSubscription'; readonly data: { readonly cause: DisableCause } };

export const subscriptionRejections = {
  'unknown-subscription': { en: 'There is no such subscription.', zh: '没有这个订阅。' },
  'subscription-deleted': { en: 'The subscription was deleted; make a new one.', zh: '该订阅已删除，请重新创建。' },
  'subscription-already-created': { en: 'The subscription exists already, with other terms.', zh: '该订阅已存在，且内容不同。' },
} as const satisfies Record<string, RejectionText>;

export type SubscriptionRejection = Rejection & { readonly code: keyof typeof subscriptionRejections };

type SubscriptionDecision = Decision<SubscriptionEvent, SubscriptionRejection>;

const sameList = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((item, at) => item === b[at]));

const sameTerms = (a: SubscriptionTerms, b: SubscriptionTerms): boolean =>
  a.subscriptionId === b.subscriptionId && a.orgId === b.orgId && a.endpoint === b.endpoint && a.audience === b.audience && a.subtreeOf === b.subtreeOf && a.after === b.after
  && sameList(a.nouns, b.nouns) && sameList(a.types, b.types) && sameList(a.levels, b.levels);

const create = (data: SubscriptionTerms, known: SubscriptionTerms | null): SubscriptionDecision => {
  if (known === null) return accept({ type: 'SubscriptionCreated', data });
  return sameTerms(known, data) ? nothing() : reject({ code: 'subscription-already-created', detail: `subscription ${known.subscriptionId} exists` });
};

/** What would change nothing is accepted and makes no event. */
export const decideSubscription = (command: SubscriptionCommand, { now }: { readonly now: SubscriptionState }): SubscriptionDecision => {
  const { terms, status } = now;
  if (command.type === 'CreateSubscription') return create(command.data, terms);
  if (terms === null) return reject({ code: 'unknown-subscription', detail: 'the subscription has not been created' });
  if (status === 'DELETED') return command.type === 'DeleteSubscription' ? nothing() : reject({ code: 'subscription-deleted', detail: `subscription ${terms.subscriptionId} was deleted` });
  switch (command.type) {
    case 'PauseSubscription': return status === 'ACTIVE' ? accept({ type: 'SubscriptionPaused', data: {} }) : nothing();
    case 'ResumeSubscription': return status === 'ACTIVE' ? nothing() : accept({ type: 'SubscriptionResumed', data: {} });
    case 'DisableSubscription': return status === 'ACTIVE' ? accept({ type: 'SubscriptionDisabled', data: command.data }) : nothing();
    case 'RotateSubscriptionSecret': return accept({ type: 'SubscriptionSecretRotated', data: {} });
    case 'DeleteSubscription': return accept({ type: 'SubscriptionDeleted', data: {} });
    default: return assertNever(command);
  }
};

export const unmetSubscriptionNeeds = (countingFacts: readonly Fact<SubscriptionEvent | FactsRetracted>[]): readonly EventId[] => withoutBeginning(countingFacts, 'SubscriptionCreated');
