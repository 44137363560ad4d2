// Goal: a subscription goes through its life as decided, whatever comes twice, and keeps no more than two keys.
// Method: hand-made streams for each rule, random series of commands for what must always hold.
import { describe, expect, it } from '@jest/globals';
import type { OrgId, SubscriptionId } from '@rectrail/kernel';
import fc from 'fast-check';
import { eventIdOf, fact, streamOf } from '../testing/decider-specification.ts';
import { decideSubscription, unmetSubscriptionNeeds, type SubscriptionCommand } from './subscription.decide.ts';
import type { SubscriptionEvent } from './subscription.events.ts';
import { evolveSubscription, initialSubscriptionState, type SubscriptionState, type SubscriptionTerms } from './subscription.state.ts';

const terms: SubscriptionTerms = {
  subscriptionId: '00000000-0000-4000-8000-000000000021' as SubscriptionId, orgId: 'org' as OrgId, endpoint: 'https://example.org/hook', audience: 'internal',
  nouns: ['issues'], types: null, subtreeOf: null, levels: null, after: null,
};
const created: SubscriptionEvent = { type: 'SubscriptionCreated', data: terms };
const event = <T extends Exclude<SubscriptionEvent['type'], 'SubscriptionCreated' | 'SubscriptionDisabled'>>(type: T): SubscriptionEvent => ({ type, data: {} });
const disabled: SubscriptionEvent = { type: 'SubscriptionDisabled', data: { cause: 'GONE' } };
const stateOf = (...events: readonly SubscriptionEvent[]): SubscriptionState =>
  streamOf(...events.map((one) => fact<SubscriptionEvent>(null, one))).reduce(evolveSubscription, initialSubscriptionState);
const decide = (command: SubscriptionCommand, ...given: readonly SubscriptionEvent[]): unknown => {
  const decision = decideSubscription(command, { now: stateOf(...given) });
  return decision.ok ? decision.events.map(({ type }) => type) : decision.rejection.code;
};

describe('a subscription', () => {
  it('is created once, with its terms', () => {
    expect(decide({ type: 'CreateSubscription', data: terms })).toEqual(['SubscriptionCreated']);
    expect(decide({ type: 'CreateSubscription', data: terms }, created)).toEqual([]);
    const others: readonly Partial<SubscriptionTerms>[] = [
      { endpoint: 'https://example.org/other' }, { audience: 'public' }, { nouns: null }, { nouns: ['plans'] }, { types: ['rectrail.issue.accepted.v1'] }, { levels: ['city'] }, { after: 1 },
      { subtreeOf: 'org' as OrgId }, { orgId: null },
    ];
    for (const other of others) expect(decide({ type: 'CreateSubscription', data: { ...terms, ...other } }, created)).toBe('subscription-already-created');
  });

  it('is paused, disabled and resumed, and told so only where something changes', () => {
    expect(decide({ type: 'PauseSubscription' }, created)).toEqual(['SubscriptionPaused']);
    expect(decide({ type: 'PauseSubscription' }, created, disabled)).toEqual([]);
    expect(decide({ type: 'DisableSubscription', data: { cause: 'FAILING' } }, created)).toEqual(['SubscriptionDisabled']);
    expect(decide({ type: 'DisableSubscription', data: { cause: 'FAILING' } }, created, event('SubscriptionPaused'))).toEqual([]);
    expect(decide({ type: 'ResumeSubscription' }, created)).toEqual([]);
    expect(decide({ type: 'ResumeSubscription' }, created, disabled)).toEqual(['SubscriptionResumed']);
    expect(stateOf(created, disabled)).toMatchObject({ status: 'DISABLED', cause: 'GONE' });
    expect(stateOf(created, disabled, event('SubscriptionResumed'))).toMatchObject({ status: 'ACTIVE', cause: null });
  });

  it('ends with its deletion', () => {
    expect(decide({ type: 'DeleteSubscription' }, created)).toEqual(['SubscriptionDeleted']);
    for (const type of ['PauseSubscription', 'ResumeSubscription', 'RotateSubscriptionSecret'] as const) {
      expect(decide({ type }, created, event('SubscriptionDeleted'))).toBe('subscription-deleted');
      expect(decide({ type })).toBe('unknown-subscription');
    }
    expect(decide({ type: 'DeleteSubscription' }, created, event('SubscriptionDeleted'))).toEqual([]);
  });

  it('signs with the key of its last rotation and of the one before', () => {
    const rotated = event('SubscriptionSecretRotated');
    expect(stateOf(created, rotated).keys.map(({ keyId }) => keyId)).toEqual([eventIdOf(1), eventIdOf(2)]);
    expect(stateOf(created, rotated, event('SubscriptionPaused'), rotated).keys.map(({ keyId }) => keyId)).toEqual([eventIdOf(2), eventIdOf(4)]);
  });

  it('needs its creation: whatever counts without it lacks it', () => {
    const facts = streamOf(...[created, event('SubscriptionPaused')].map((one) => fact<SubscriptionEvent>(null, one)));
    expect(unmetSubscriptionNeeds(facts)).toEqual([]);
    expect(unmetSubscriptionNeeds(facts.slice(1))).toEqual([eventIdOf(2)]);
  });

  it('takes any series of commands: what was accepted, said again, changes nothing', () => {
    const commands: readonly SubscriptionCommand[] = [
      { type: 'CreateSubscription', data: terms }, { type: 'PauseSubscription' }, { type: 'ResumeSubscription' }, { type: 'DeleteSubscription' }, { type: 'DisableSubscription', data: { cause: 'GONE' } },
    ];
    fc.assert(fc.property(fc.array(fc.constantFrom(...commands), { maxLength: 12 }), (series) => {
      const events: SubscriptionEvent[] = [];
      for (const command of series) {
        const decision = decideSubscription(command, { now: stateOf(...events) });
        if (!decision.ok) continue;
        events.push(...decision.events);
        expect(decideSubscription(command, { now: stateOf(...events) })).toEqual({ ok: true, events: [] });
      }
      expect(stateOf(...events).status === 'DELETED').toBe(events.some(({ type }) => type === 'SubscriptionDeleted'));
    }));
  });
});
