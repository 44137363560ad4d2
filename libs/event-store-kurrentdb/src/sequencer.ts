import { setTimeout as sleep } from 'node:timers/promises';
import type { Wake } from '@rectrail/event-store';
import type { Leadership, SequencerLease } from './database.ts';
import { KurrentLogError, type KurrentLog } from './kurrent-log.ts';
import { number, numberedTo, type Numbering } from './numbering.ts';
import { CommandGroups, type CommandGroup } from './receipts.ts';
import { withoutSystemStreams } from './stream-names.ts';

export interface SequencerOptions {
  readonly log: KurrentLog;
  readonly numbering: Numbering;
  readonly leadership: Leadership;
  readonly wake: Wake;
  readonly onFailure: (error: unknown) => void;
}

/** How long the appends of all processes wait at most when a sequencer dies, ms. */
const leaseTtlMs = 3_000;
/** Before the log is followed again after its connection broke, ms. */
const reconnectMs = 250;

const work = async ({ log, numbering, wake }: SequencerOptions, lease: SequencerLease): Promise<void> => {
  let to = await numberedTo(numbering);
  const groups = new CommandGroups();
  for await (const records of log.follow({ after: to.logPosition, filter: { streamPattern: withoutSystemStreams }, signal: lease.signal })) {
    const complete = records.map((record) => groups.push(record)).filter((group): group is CommandGroup => group !== null);
    if (complete.length === 0) continue;
    const from = to;
    to = await lease.transaction((query) => number(query, from, complete));
    wake.notify();
  }
};

/**
 * Numbers the server's log in PostgreSQL, in this process or in another that has the lease, until the signal aborts: whole appends only, in the order of
 * the log, each batch in one transaction under the lease. What it does depends on the log alone, so that any sequencer numbers alike.
 */
export const sequence = (options: SequencerOptions, signal: AbortSignal): Promise<void> =>
  options.leadership.lead({
    name: 'kurrentdb-sequencer', signal, onFailure: options.onFailure, ttlMs: leaseTtlMs,
    work: async (lease) => {
      while (!lease.signal.aborted) {
        try {
          await work(options, lease);
        } catch (error) {
          // A broken connection is no reason to give up the lease.
          if (!(error instanceof KurrentLogError)) throw error;
          options.onFailure(error);
          await sleep(reconnectMs, undefined, { signal: lease.signal }).catch(() => undefined);
        }
      }
    },
  });
