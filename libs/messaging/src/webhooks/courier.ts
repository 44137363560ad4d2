import { hasCode, newCommandId, type CommandRunner } from '@rectrail/event-store';
import { instantOfMs, msOfInstant, position, type Actor, type Clock, type Fact, type OrgId } from '@rectrail/kernel';
import {
  countingOnAnyDay, decideSubscription, evolveSubscription, initialSubscriptionState, streams, type DisableCause, type FactsRetracted, type SubscriptionEvent,
  type SubscriptionTerms,
} from '@rectrail/tracking-domain';
import type { Message, MessageFeed, MessageFilter, MessageSlice } from '../message.ts';
import { envelopeOf, type Attempts } from './attempts.ts';
import type { DeliveryJournal, Progress } from './delivery-journal.ts';
import { delayAfter, type RetrySchedule } from './retry-schedule.ts';
import type { WebhookSigner } from './signing.ts';
import { everything, type SubscriptionRow } from './subscription-registry.ts';

/** Whether an organisation lies in the subtree of another, in the administrative tree as it is now. */
export type IsWithin = (orgId: OrgId, within: OrgId) => Promise<boolean>;

export interface CourierOptions {
  readonly feed: MessageFeed;
  readonly attempts: Attempts;
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly schedule: RetrySchedule;
  readonly isWithin: IsWithin;
  /** Between two looks at the subscriptions, ms; the position of what was passed over is written half as often. */
  readonly pollMs: number;
}

/** Of the process that leads. */
export interface Run { readonly journal: DeliveryJournal; readonly source: string }

/** Messages that a courier holds in memory. */
const pageMessages = 200;

/** The delivery disables by itself, for nobody. */
const system: Actor = { orgId: null, role: 'system', subject: 'webhooks', assurance: 'system' };

/** What a subscription selects: of its owner's subtree at most. */
export const filterOf = ({ orgId, subtreeOf, nouns, types, levels }: SubscriptionTerms): MessageFilter => {
  const subtree = subtreeOf ?? orgId;
  return { ...(nouns && { nouns }), ...(types && { types }), ...(levels && { levels }), ...(subtree !== null && { subtreeOf: subtree }), ...(orgId !== null && { within: orgId }) };
};

/** Whether the organisation that it selects still lies below its owner. */
export const mayHear = async ({ orgId, subtreeOf }: SubscriptionTerms, isWithin: IsWithin): Promise<boolean> =>
  orgId === null || subtreeOf === null || isWithin(subtreeOf, orgId);

/** waiting: for the next attempt; a cause: it is to be disabled. */
type Stop = 'waiting' | DisableCause;

/**
 * Brings one subscription its messages in order, each only after the one before was answered 2xx, until one fails or the signal aborts.
 * Whoever waits for the next attempt holds nothing in memory: another courier sets out then.
 */
export class Courier {
  readonly row: SubscriptionRow;
  readonly #options: CourierOptions;
  readonly #run: Run;
  readonly #stop = new AbortController();
  /** Between messages. */
  readonly #signal: AbortSignal;
  /** In the midst of one. */
  readonly #cut = new AbortController();
  #standing: Progress;
  #passing: NodeJS.Timeout | undefined;

  constructor(row: SubscriptionRow, options: CourierOptions, run: Run & { readonly signal: AbortSignal }) {
    this.row = row;
    this.#options = options;
    this.#run = run;
    this.#signal = AbortSignal.any([run.signal, this.#stop.signal]);
    const { terms: { subscriptionId }, generation, position: at, failures, nextAttemptAt } = row;
    this.#standing = { subscriptionId, generation, position: at, failures, nextAttemptAt, stopped: null };
  }

  /** What is under way may still end within the grace; then it is cut, and sent again by whoever comes next. */
  stop(graceMs: number): void {
    this.#stop.abort();
    if (graceMs === 0) this.#cut.abort();
    else setTimeout(() => { this.#cut.abort(); }, graceMs).unref();
  }

  /** Rejects with what keeps it from working, never because it was stopped. */
  async deliver(): Promise<void> {
    try {
      const stop = await this.#followAll();
      if (stop !== null && stop !== 'waiting') await this.#disable(stop);
    } catch (error) {
      if (this.#cut.signal.aborted) return;
      // Nothing changes by itself: it stands there, and says why, instead of trying each second.
      if (error instanceof Error && hasCode(error, 'event-undecodable')) {
        // Kept, so that what is passed over meanwhile does not take it back.
        this.#standing = { ...this.#standing, stopped: error.message };
        await this.#run.journal.write(this.#standing, null);
      }
      throw error;
    } finally {
      clearTimeout(this.#passing);
    }
  }

  async #followAll(): Promise<Stop | null> {
    const { feed, attempts } = this.#options;
    const { position: after, terms } = this.row;
    const signer = await attempts.signerOf(this.row);
    const following = feed.follow({ after, audience: terms.audience, filter: filterOf(terms), limit: pageMessages, signal: this.#signal });
    for await (const slice of following) {
      const stop = await this.#bring(slice, signer);
      if (stop !== null) return stop;
      this.#standing = { ...this.#standing, position: slice.scannedTo, failures: 0, nextAttemptAt: null };
      this.#passing ??= setTimeout(() => { this.#passOver(); }, 2 * this.#options.pollMs);
    }
    return null;
  }

  async #bring({ messages }: MessageSlice, signer: WebhookSigner): Promise<Stop | null> {
    // The tree may change at any time.
    const told = messages.length > 0 && await mayHear(this.row.terms, this.#options.isWithin) ? messages : [];
    for (const [at, message] of told.entries()) {
      clearTimeout(this.#passing);
      this.#passing = undefined;
      const isLast = told[at + 1]?.position !== message.position;
      const stop = await this.#bringOne(message, signer, isLast);
      if (stop !== null) return stop;
      if (this.#signal.aborted) return 'waiting';
    }
    return null;
  }

  /** `isLast`: of those that come of the same event, which are delivered together or again. */
  async #bringOne(message: Message, signer: WebhookSigner, isLast: boolean): Promise<Stop | null> {
    const { attempts, clock, schedule } = this.#options;
    const { journal, source } = this.#run;
    const attempt = this.#standing.failures + 1;
    const { outcome, retryAfterMs, record } = await attempts.make(this.row.terms, envelopeOf(message, source), { signer, kind: 'delivery', attempt, signal: this.#cut.signal });
    if (outcome === 'delivered') {
      this.#standing = { ...this.#standing, position: isLast ? message.position : position(message.position - 1), failures: 0, nextAttemptAt: null };
      await journal.write(this.#standing, record);
      return null;
    }
    const delayMs = outcome === 'gone' ? null : delayAfter(attempt, retryAfterMs, schedule, Math.random());
    this.#standing = { ...this.#standing, failures: attempt, nextAttemptAt: delayMs === null ? null : instantOfMs(msOfInstant(clock.now()) + delayMs) };
    await journal.write(this.#standing, record);
    if (delayMs !== null) return 'waiting';
    return outcome === 'gone' ? 'GONE' : 'FAILING';
  }

  /** What fails here is told by the next delivery. */
  #passOver(): void {
    this.#passing = undefined;
    this.#run.journal.write(this.#standing, null).catch(() => undefined);
  }

  /** By the rule, so that what a person has decided meanwhile stands. */
  async #disable(cause: DisableCause): Promise<void> {
    const { runner, clock } = this.#options;
    const { subscriptionId, orgId } = this.row.terms;
    const stream = streams.subscription(subscriptionId);
    await runner.run({ commandId: newCommandId(clock.now()), correlationId: subscriptionId }, async (unit) => {
      // The stream's name says which events it holds.
      const facts = (await unit.load(stream)).facts as readonly Fact<SubscriptionEvent | FactsRetracted>[];
      const now = countingOnAnyDay(facts, everything).reduce(evolveSubscription, initialSubscriptionState);
      const decision = decideSubscription({ type: 'DisableSubscription', data: { cause } }, { now });
      if (!decision.ok) return;
      unit.stage(stream, decision.events.map((event) => ({ event, actor: system, scope: { orgId }, validTime: null, knownTime: null, classification: 'internal' })));
    });
  }
}
