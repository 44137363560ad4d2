const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** How long is waited after each failure in a row, ms; after the last one the subscription is disabled. `jitter`: by which part a wait may be longer. */
export interface RetrySchedule { readonly delaysMs: readonly number[]; readonly jitter: number }

/** The schedule of the Standard Webhooks specification: ten attempts in a little more than three days. */
export const standardSchedule: RetrySchedule = {
  delaysMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour],
  jitter: 0.1,
};

/** Longest wait that a receiver may ask for, ms. */
const retryAfterMaxMs = 24 * hour;

/**
 * How long to wait after so many failures in a row (from 1), ms; null where the schedule is over. Never shorter than the receiver
 * asked for. `random`: from 0 up to 1.
 */
export const delayAfter = (failures: number, retryAfterMs: number | null, schedule: RetrySchedule, random: number): number | null => {
  const delayMs = schedule.delaysMs[failures - 1];
  if (delayMs === undefined) return null;
  return Math.max(Math.round(delayMs * (1 + schedule.jitter * random)), Math.min(retryAfterMs ?? 0, retryAfterMaxMs));
};

/** `Retry-After` as ms from now: seconds or an HTTP date; null where it says nothing of use. */
export const retryAfterOf = (header: string | undefined, nowMs: number): number | null => {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * second;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
};
