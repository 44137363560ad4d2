import { EventStoreError } from '@rectrail/event-store';
import { firstInstantOf, msOfInstant, type Clock } from '@rectrail/kernel';
import type { Leadership, Logger, Metrics } from '@rectrail/platform';
import { issueRemindersDaily, type RemindersPorts } from '@rectrail/tracking-app';
import { ReadRejected } from '@rectrail/tracking-read';
import type { WatchedClock } from './http/clock.routes.ts';

export interface RemindersOptions {
  readonly ports: RemindersPorts;
  readonly leadership: Pick<Leadership, 'lead'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How often the clock is looked at, and the lease that another process holds, ms; default a minute and some seconds. */
  readonly lookMs?: number;
}

/**
 * By the clock that stamps the events, so that processes whose clocks differ agree on the day; by that of this process where the store does not tell its own.
 * Rejects while it has leapt.
 */
export const logTime = (logClock: Pick<WatchedClock, 'clock'> | null, clock: Clock): RemindersPorts['now'] => async () => {
  const standing = await logClock?.clock();
  if (standing?.state === 'jumped') throw new EventStoreError('clock-jumped', `the clock of the log is ${standing.aheadSeconds} s ahead: no day is evaluated by it`);
  return standing?.now ?? clock.now();
};

/**
 * Notices are issued by one process at a time, each day of the zone and after its start. `close`: the append on its way is finished.
 * No checkpoint: whoever leads evaluates the day anew, which issues nothing twice.
 */
export const startReminders = ({ ports, leadership, logger, metrics, lookMs }: RemindersOptions): { close(): Promise<void> } => {
  const stop = new AbortController();
  let isWaiting = false;
  const onFailure = (error: unknown): void => {
    if (stop.signal.aborted) return;
    if (!(error instanceof ReadRejected && error.code === 'projection-behind')) logger.warn({ err: error }, 'an evaluation of deadlines was broken off and begins again');
    else if (!isWaiting) logger.info({ reason: error.message }, 'the evaluation of deadlines waits for the read models');
    isWaiting = error instanceof ReadRejected;
  };
  const leading = leadership.lead({
    name: 'reminders', signal: stop.signal, ...(lookMs !== undefined && { retryMs: lookMs }),
    work: ({ signal }) => issueRemindersDaily(ports, {
      signal, lookMs,
      onIssued: (colour, count) => { metrics.remindersIssued.inc({ colour }, count); },
      onEvaluated: ({ day, position, issued }, seconds) => {
        isWaiting = false;
        metrics.remindersEvaluatedDay.set(msOfInstant(firstInstantOf(ports.zone, day)) / 1_000);
        metrics.remindersSeconds.observe(seconds);
        logger.info({ day, position, issued, seconds }, 'the deadlines of the day were evaluated');
      },
    }),
    onFailure,
  });
  return {
    close: () => {
      stop.abort();
      return leading;
    },
  };
};
