import { setTimeout as sleep } from 'node:timers/promises';
import { addDays, dayIn, firstDay, firstInstantOf, maxDay, msOfInstant, type Day, type Instant } from '@rectrail/kernel';
import type { LightColour } from '@rectrail/tracking-domain';
import { evaluateReminders, type Evaluation, type RemindersPorts } from './reminders.ts';

/** Looked at so often at least, ms: a clock that is put right, or a machine that slept, is noticed within a minute. */
const lookMsMax = 60_000;

export const msToNextDay = (zone: string, now: Instant): number => msOfInstant(firstInstantOf(zone, addDays(dayIn(zone, now), 1))) - msOfInstant(now);

/** Once at the start and then whenever a new day begins in the zone; `work` gets the day. Ends, without a rejection, when the signal aborts. Rejects as `now` and `work` do. */
export const eachDay = async (
  { now, zone }: Pick<RemindersPorts, 'now' | 'zone'>, signal: AbortSignal, work: (day: Day) => Promise<void>, lookMs = lookMsMax,
): Promise<void> => {
  for (let done = firstDay; !signal.aborted;) {
    const at = await now();
    const today = dayIn(zone, at);
    if (today > done) await work(today);
    done = maxDay(done, today);
    await sleep(Math.min(msToNextDay(zone, at), lookMs), undefined, { signal }).catch(() => undefined);
  }
};

export interface DailyReminders {
  readonly signal: AbortSignal;
  /** How often the clock is looked at, ms; default a minute. */
  readonly lookMs?: number | undefined;
  readonly onIssued: (colour: LightColour, count: number) => void;
  /** `seconds` that the evaluation took. */
  readonly onEvaluated: (evaluation: Evaluation, seconds: number) => void;
}

/** The scheduler's work while it leads. @throws what an evaluation throws; begun again, it goes on where that one was. */
export const issueRemindersDaily = (ports: RemindersPorts, { signal, onIssued, onEvaluated, lookMs }: DailyReminders): Promise<void> => eachDay(ports, signal, async (day) => {
  const startedMs = performance.now();
  const evaluation = await evaluateReminders(ports, day, { signal, onIssued });
  onEvaluated(evaluation, (performance.now() - startedMs) / 1_000);
}, lookMs);
