import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Position } from '@rectrail/kernel';
import { LeaseLost, type HeldLease } from '@rectrail/platform';
import { Courier, type CourierOptions, type Run } from './courier.ts';
import { DeliveryJournal } from './delivery-journal.ts';
import { pruneDeliveries } from './delivery-log.ts';
import type { SubscriptionRegistry, SubscriptionRow } from './subscription-registry.ts';

export interface WebhookDeliveryOptions extends CourierOptions {
  readonly registry: SubscriptionRegistry;
  readonly onFailure: (error: unknown) => void;
  /** Of those that stand before an event that cannot be read, at each look; 0 once this process leads no longer. */
  readonly onStopped: (subscriptions: number) => void;
}

const pruneMs = 3_600_000;
/** At a shutdown the answers to what is under way are waited for so long, ms: shorter than the lease outlives its last renewal. */
const shutdownGraceMs = 3_000;

interface Working { readonly courier: Courier; readonly done: Promise<void> }

/** Sends out a courier for every active subscription whose time has come; none waits for another. */
export class WebhookDelivery {
  readonly #options: WebhookDeliveryOptions;
  readonly #working = new Map<string, Working>();
  #prunedAt = -Infinity;
  #farthest: Position | null = null;
  #lost = false;

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options;
  }

  /** Works until the lease's signal aborts. @throws LeaseLost as soon as a write has found another process leading. */
  async work(lease: HeldLease): Promise<void> {
    const run = { journal: new DeliveryJournal(lease), source: await this.#options.feed.source(), signal: lease.signal };
    this.#lost = false;
    this.#farthest = null;
    // This process may be a newer one, which can read what another could not.
    await lease.transaction((query) => query('update rectrail_webhooks.subscription set stopped = null where stopped is not null'));
    try {
      while (!lease.signal.aborted) {
        if (this.#isLost()) throw new LeaseLost(lease.name);
        await this.#follow(lease, await this.#look(run));
        if (performance.now() - this.#prunedAt > pruneMs && !await lease.transaction(pruneDeliveries)) this.#prunedAt = performance.now();
        await sleep(this.#options.pollMs, undefined, { signal: lease.signal }).catch(() => undefined);
      }
    } finally {
      this.#options.onStopped(0);
      await this.#stop([...this.#working.values()], this.#isLost() || lease.signal.reason instanceof LeaseLost ? 0 : shutdownGraceMs);
    }
  }

  // A call, because the compiler takes the field for unchanged since it was set.
  #isLost(): boolean {
    return this.#lost;
  }

  async #look(run: Run & { readonly signal: AbortSignal }): Promise<readonly SubscriptionRow[]> {
    // Of one that works while its row is read, the row may be out of date.
    const working = new Set(this.#working.keys());
    const rows = await this.#options.registry.active();
    await this.#stopOthers(rows);
    const now = this.#options.clock.now();
    this.#options.onStopped(rows.filter(({ stopped }) => stopped !== null).length);
    for (const row of rows) {
      const isDue = row.stopped === null && (row.nextAttemptAt === null || row.nextAttemptAt <= now);
      if (isDue && !working.has(row.terms.subscriptionId)) this.#sendOut(new Courier(row, this.#options, run));
    }
    return rows;
  }

  /** The follower's own checkpoint is that of the subscription farthest behind: what is told of every follower is told of them. */
  async #follow(lease: HeldLease, rows: readonly SubscriptionRow[]): Promise<void> {
    const farthest = rows.length === 0 ? await this.#options.feed.head() : position(Math.min(...rows.map((row) => row.position)));
    if (farthest === this.#farthest) return;
    await lease.moveTo(farthest);
    this.#farthest = farthest;
  }

  #sendOut(courier: Courier): void {
    const id = courier.row.terms.subscriptionId;
    const done = courier.deliver().catch((error: unknown) => {
      // That another process leads now is no failure: the work ends with its next look.
      if (error instanceof LeaseLost) this.#lost = true;
      else this.#options.onFailure(error);
    }).finally(() => { this.#working.delete(id); });
    this.#working.set(id, { courier, done });
  }

  /** Those that are no longer active, have other keys, or were replayed. */
  async #stopOthers(rows: readonly SubscriptionRow[]): Promise<void> {
    const present = new Map<string, SubscriptionRow>(rows.map((row) => [row.terms.subscriptionId, row]));
    await this.#stop([...this.#working.values()].filter(({ courier: { row } }) => {
      const now = present.get(row.terms.subscriptionId);
      return now?.streamVersion !== row.streamVersion || now.generation !== row.generation;
    }), 0);
  }

  async #stop(working: readonly Working[], graceMs: number): Promise<void> {
    for (const { courier } of working) courier.stop(graceMs);
    await Promise.all(working.map(({ done }) => done));
  }
}
