// Goal: what a subscription may select is what messages are. Method: the words of the domain's events beside those of the contract.
import { expect, it } from '@jest/globals';
import { subscriptionAudiences, subscriptionNouns } from '@rectrail/tracking-domain';
import { audiences, nouns } from '../message.ts';

it('nouns and audiences of subscriptions are those of messages', () => {
  expect([subscriptionNouns, subscriptionAudiences]).toEqual([nouns, audiences]);
});
