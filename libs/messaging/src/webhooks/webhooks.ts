import { randomUUID } from 'node:crypto';
import type { CommandRunner, EventCodec, EventStore } from '@rectrail/event-store';
import { position, type Clock, type EventId, type Instant, type OrgId, type Position, type SubscriptionId } from '@rectrail/kernel';
import type { Database, HeldLease, Tracing } from '@rectrail/platform';
import type { SubscriptionState, SubscriptionStatus, SubscriptionTerms } from '@rectrail/tracking-domain';
import type { MessageFeed } from '../message.ts';
import type { AddressGuard } from './address-guard.ts';
import { Attempts, envelopeOf, type Envelope } from './attempts.ts';
import { filterOf, mayHear, type IsWithin } from './courier.ts';
import { deliveriesOf, logDeliveries, type DeliveryKind, type LoggedDelivery } from './delivery-log.ts';
import { KeyStore } from './key-store.ts';
import { standardSchedule, type RetrySchedule } from './retry-schedule.ts';
import { publicKeyText, secretText } from './signing.ts';
import { setUpWebhookTables, SubscriptionRegistry, type StoppedSubscription, type SubscriptionRow } from './subscription-registry.ts';
import { WebhookDelivery } from './webhook-delivery.ts';
import { WebhookSender, type AttemptOutcome } from './webhook-sender.ts';

export type WebhookRejectionCode = 'unknown-subscription' | 'secret-already-shown' | 'unknown-message' | 'message-outstanding' | 'position-unknown' | 'creations-under-way';

/** Match on `code`. */
export class WebhookRejected extends Error {
  readonly code: WebhookRejectionCode;

  constructor(code: WebhookRejectionCode, message: string) {
    super(message);
    this.name = 'WebhookRejected';
    this.code = code;
  }
}

/** What anybody in its jurisdiction may see of a subscription: no secret. */
export interface SubscriptionView extends SubscriptionTerms {
  readonly status: SubscriptionStatus;
  readonly cause: SubscriptionState['cause'];
  readonly createdAt: Instant;
  readonly streamVersion: number;
  /** The newest last; the one before it signs along for 24 hours after the rotation. `shown`: whether its secret has been revealed. */
  readonly keys: readonly { readonly keyId: EventId; readonly since: Instant; readonly publicKey: string; readonly shown: boolean }[];
  /**
   * Everything up to `position` was delivered or is not selected; `failures`: attempts in a row at the message that comes next; `stopped`: why it stands before an event that
   * cannot be read.
   */
  readonly delivery: {
    readonly position: Position; readonly lagEvents: number; readonly failures: number; readonly nextAttemptAt: Instant | null; readonly stopped: string | null;
  };
}

export interface RevealedSecret { readonly keyId: EventId; readonly since: Instant; readonly secret: string; readonly publicKey: string }

export interface WebhooksOptions {
  readonly database: Database;
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly runner: CommandRunner;
  readonly feed: MessageFeed;
  readonly clock: Clock;
  readonly guard: AddressGuard;
  /** Webhooks under way at once in this process. */
  readonly requestsMax: number;
  readonly tracing: Tracing;
  readonly isWithin: IsWithin;
  readonly onAttempt: (outcome: AttemptOutcome) => void;
  /** A subscription could not be worked on; it is tried again, but for one that stands before an event that cannot be read. */
  readonly onFailure: (error: unknown) => void;
  /** Of the subscriptions that stand before an event that cannot be read; told by the process that leads. */
  readonly onStopped: (subscriptions: number) => void;
  /** Default: the schedule of Standard Webhooks. */
  readonly schedule?: RetrySchedule;
  /** Until a receiver must have answered, ms; default 20 s. */
  readonly timeoutMs?: number;
  /** Between two looks at the subscriptions, ms; default 1 s. */
  readonly pollMs?: number;
  /** How long a creation waits for those of other processes, ms; default 20 s, less than an answer of the database is waited for. */
  readonly creationWaitMs?: number;
}

const pollDefaultMs = 1_000;
/** A creation that has not ended by then keeps others out no longer, ms: its process may stand still. A batch of them may wait for a silent name server once for each. */
const aloneMsMax = 600_000;
const creationWaitDefaultMs = 20_000;
/** SQLSTATE of a lock that was not given within `lock_timeout`. */
const lockNotAvailable = '55P03';
const pingType = 'rectrail.webhook.ping.v1';

/** Webhooks as Standard Webhooks says: who gets them, what became of each, and the work itself. */
export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #registry: SubscriptionRegistry;
  readonly #keys: KeyStore;
  readonly #sender: WebhookSender;
  readonly #attempts: Attempts;
  readonly #delivery: WebhookDelivery;
  readonly #closing = new AbortController();
  readonly #query: Database['query'];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: WebhooksOptions) {
    const { database, store, codec, clock, guard, requestsMax, timeoutMs, tracing, onAttempt, schedule = standardSchedule, pollMs = pollDefaultMs } = options;
    this.#options = options;
    this.#query = (sql, values) => database.query(sql, values);
    this.#registry = new SubscriptionRegistry({ database, store, codec });
    this.#keys = new KeyStore(database);
    this.#sender = new WebhookSender({ guard, requestsMax, ...(timeoutMs !== undefined && { timeoutMs }) });
    this.#attempts = new Attempts({ keys: this.#keys, sender: this.#sender, clock, tracing, onAttempt });
    this.#delivery = new WebhookDelivery({ ...options, registry: this.#registry, attempts: this.#attempts, schedule, pollMs });
  }

  /** Makes its schema `rectrail_webhooks` where it is missing. */
  static async open(options: WebhooksOptions): Promise<Webhooks> {
    await setUpWebhookTables(options.database);
    return new Webhooks(options);
  }

  /** Delivers as long as the lease is held. */
  work(lease: HeldLease): Promise<void> {
    return this.#delivery.work(lease);
  }

  /** Whose subscriptions there are; null for the administrator's. */
  owners(): Promise<readonly (OrgId | null)[]> {
    return this.#registry.owners();
  }

  /** Of all that are not deleted, but for these. */
  count(but: readonly SubscriptionId[]): Promise<number> {
    return this.#registry.count(but);
  }

  /**
   * One creation at a time, in this process and then in all of them: each counts those before it. Those of one process wait without a connection, which the work needs. Work that
   * was carried out stays so, though the connection that kept others out was lost. @throws WebhookRejected `creations-under-way`: nothing was begun.
   */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#turn = promise;
    await before;
    const [taken, ended] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const keepingOut = this.#options.database.transaction(async (query) => {
      await this.#takeCreation(query);
      taken.resolve(undefined);
      await ended.promise;
    });
    try {
      await Promise.race([taken.promise, keepingOut]);
      return await work();
    } finally {
      ended.resolve(undefined);
      await keepingOut.catch(() => undefined);
      resolve(undefined);
    }
  }

  async #takeCreation(query: Database['query']): Promise<void> {
    await query(`set local idle_in_transaction_session_timeout = ${aloneMsMax}`);
    await query(`set local lock_timeout = ${this.#options.creationWaitMs ?? creationWaitDefaultMs}`);
    try {
      await query(`select pg_advisory_xact_lock(hashtextextended('rectrail_webhooks.creation', 0))`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === lockNotAvailable)) throw error;
      throw new WebhookRejected('creations-under-way', 'another server process is creating subscriptions and has not come to an end. Nothing was stored. Potential solutions: try again');
    }
  }

  /** Those that stand before an event that cannot be read, the farthest behind first. */
  stopped(limit: number): Promise<readonly StoppedSubscription[]> {
    return this.#registry.stopped(limit);
  }

  /** In the order of creation. `owners` null: all; `after`: the id of the last one of the page before. */
  async list(page: { readonly owners: readonly OrgId[] | null; readonly after: string | null; readonly limit: number }): Promise<readonly SubscriptionView[]> {
    const rows = await this.#registry.list(page);
    const head = await this.#options.feed.head();
    return Promise.all(rows.map((row) => this.#viewOf(row, head)));
  }

  /** @throws WebhookRejected `unknown-subscription`. */
  async find(id: SubscriptionId): Promise<SubscriptionView> {
    return this.#viewOf(await this.#rowOf(id), await this.#options.feed.head());
  }

  /** The newest first. */
  deliveries(id: SubscriptionId, page: { readonly before: number | null; readonly limit: number }): Promise<readonly LoggedDelivery[]> {
    return deliveriesOf(this.#query, id, page);
  }

  /** The secret of the newest key, once. @throws WebhookRejected `unknown-subscription`, `secret-already-shown`. */
  async revealSecret(id: SubscriptionId): Promise<RevealedSecret> {
    const row = await this.#rowOf(id);
    const newest = (await this.#keys.keysOf(id, row.keys)).at(-1);
    if (newest === undefined) throw new WebhookRejected('unknown-subscription', `subscription ${id} has no key`);
    const { keyId, since, material } = newest;
    if (!(await this.#keys.markShown(keyId))) throw new WebhookRejected('secret-already-shown', `the secret of key ${keyId} was shown before. Potential solutions: rotate it`);
    return { keyId, since, secret: secretText(material), publicKey: publicKeyText(material) };
  }

  /** Sends what stands at a position once more, out of turn. @throws WebhookRejected `unknown-subscription`, `unknown-message`, `message-outstanding`. */
  async redeliver(id: SubscriptionId, at: Position): Promise<readonly LoggedDelivery[]> {
    const { feed, isWithin } = this.#options;
    const row = await this.#rowOf(id);
    // Whoever applies by sequence would take what stands before it for old.
    if (at > row.position) throw new WebhookRejected('message-outstanding', `position ${at} has not been delivered yet: the subscription stands at ${row.position}`);
    const asked = at > 0 && await mayHear(row.terms, isWithin);
    const slice = asked ? await feed.read({ after: position(at - 1), audience: row.terms.audience, filter: filterOf(row.terms), limit: 1 }) : null;
    const found = slice?.messages.filter((message) => message.position === at) ?? [];
    if (found.length === 0) throw new WebhookRejected('unknown-message', `the subscription selects nothing at position ${at}`);
    const source = await feed.source();
    const sent: LoggedDelivery[] = [];
    for (const message of found) sent.push(await this.#sendByHand(row, envelopeOf(message, source), 'redelivery'));
    return sent;
  }

  /**
   * Sends a test that is no event: no sequence, no data. Where it arrives, what waits for its next attempt goes on at once, and what stands before an event that could not be read
   * tries again. @throws WebhookRejected `unknown-subscription`.
   */
  async ping(id: SubscriptionId): Promise<LoggedDelivery> {
    const { feed, clock, database } = this.#options;
    const row = await this.#rowOf(id);
    const messageId = randomUUID();
    const body = JSON.stringify({ specversion: '1.0', id: messageId, source: await feed.source(), type: pingType, subject: `subscriptions/${id}`, time: clock.now() });
    const sent = await this.#sendByHand(row, { messageId, type: pingType, position: null, correlationId: null, body }, 'ping');
    if (sent.outcome === 'delivered') await database.query('update rectrail_webhooks.subscription set next_attempt_at = null, stopped = null where id = $1', [id]);
    return sent;
  }

  /** Delivers everything behind a position, again or for the first time. @throws WebhookRejected `unknown-subscription`, `position-unknown`. */
  async replay(id: SubscriptionId, from: Position): Promise<SubscriptionView> {
    await this.#rowOf(id);
    const head = await this.#options.feed.head();
    if (from > head) throw new WebhookRejected('position-unknown', `position ${from} lies beyond the newest event, ${head}`);
    await this.#options.database.query(`
      update rectrail_webhooks.subscription set position = $2, failures = 0, next_attempt_at = null, stopped = null, generation = generation + 1 where id = $1`, [id, from]);
    return this.find(id);
  }

  /** Cuts what is sent by hand; the work ends with its lease. */
  close(): void {
    this.#closing.abort();
    this.#sender.close();
  }

  async #rowOf(id: SubscriptionId): Promise<SubscriptionRow> {
    const row = await this.#registry.find(id);
    if (row === null) throw new WebhookRejected('unknown-subscription', `there is no subscription ${id}`);
    return row;
  }

  async #viewOf(row: SubscriptionRow, head: Position): Promise<SubscriptionView> {
    const { terms, status, cause, createdAt, streamVersion, keys, position: place, failures, nextAttemptAt, stopped } = row;
    const kept = await this.#keys.keysOf(terms.subscriptionId, keys);
    return {
      ...terms, status, cause, createdAt, streamVersion,
      keys: kept.map(({ keyId, since, material, isShown }) => ({ keyId, since, publicKey: publicKeyText(material), shown: isShown })),
      delivery: { position: place, lagEvents: Math.max(0, head - place), failures, nextAttemptAt, stopped },
    };
  }

  async #sendByHand(row: SubscriptionRow, envelope: Envelope, kind: DeliveryKind): Promise<LoggedDelivery> {
    const { record } = await this.#attempts.make(row.terms, envelope, { signer: await this.#attempts.signerOf(row), kind, attempt: 1, signal: this.#closing.signal });
    const [deliveryId = 0] = await logDeliveries(this.#query, [record]);
    return { ...record, deliveryId };
  }
}
