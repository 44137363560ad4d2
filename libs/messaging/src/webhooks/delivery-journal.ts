import type { Instant, Position, SubscriptionId } from '@rectrail/kernel';
import type { HeldLease } from '@rectrail/platform';
import { logDeliveries, type DeliveryRecord } from './delivery-log.ts';

/** How a subscription stands after an attempt, or after messages that it does not select. */
export interface Progress {
  readonly subscriptionId: SubscriptionId;
  readonly generation: number;
  readonly position: Position;
  readonly failures: number;
  readonly nextAttemptAt: Instant | null;
  /** Why it stands before an event that cannot be read; null wherever it goes on. */
  readonly stopped: string | null;
}

interface Entry {
  readonly progress: Progress;
  readonly record: DeliveryRecord | null;
  readonly settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
}

/** A replay in between has another generation, and then nothing is moved. */
const moveSql = `
  update rectrail_webhooks.subscription kept
  set position = moved.position, failures = moved.failures, next_attempt_at = moved.next_attempt_at, stopped = moved.stopped
  from jsonb_to_recordset($1::jsonb) as moved(id uuid, generation int, position bigint, failures int, next_attempt_at timestamptz, stopped text)
  where kept.id = moved.id and kept.generation = moved.generation`;

/**
 * Writes what became of attempts, those of all subscriptions that wait together in one transaction under the lease: a leader that lost it
 * writes nothing, and a hundred receivers cost no hundred connections.
 */
export class DeliveryJournal {
  readonly #lease: HeldLease;
  #waiting: Entry[] = [];
  #writing: Promise<void> | null = null;

  constructor(lease: HeldLease) {
    this.#lease = lease;
  }

  /** Resolves once it is written. @throws LeaseLost, or what the database throws: nothing was written then. */
  write(progress: Progress, record: DeliveryRecord | null): Promise<void> {
    const written = new Promise<void>((resolve, reject) => { this.#waiting.push({ progress, record, settle: { resolve, reject } }); });
    this.#writing ??= this.#drain();
    return written;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const entries = this.#waiting;
      this.#waiting = [];
      try {
        await this.#lease.transaction(async (query) => {
          const records = entries.flatMap(({ record }) => (record === null ? [] : [record]));
          if (records.length > 0) await logDeliveries(query, records);
          // The last word of each subscription.
          const moved = new Map(entries.map(({ progress }) => [progress.subscriptionId, progress]));
          const rows = [...moved.values()].map(({ subscriptionId, nextAttemptAt, ...same }) => ({ ...same, id: subscriptionId, next_attempt_at: nextAttemptAt }));
          await query(moveSql, [JSON.stringify(rows)]);
        });
        for (const { settle } of entries) settle.resolve();
      } catch (error) {
        for (const { settle } of entries) settle.reject(error);
      }
    }
    this.#writing = null;
  }
}
