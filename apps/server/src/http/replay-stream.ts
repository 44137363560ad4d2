import { daysBetween, type Day } from '@rectrail/kernel';
import type { Replay } from '@rectrail/tracking-read';
import type { ReplayStarted } from '../openapi/answer-types.ts';
import { eventText, heartbeatMsDefault, heartbeatText, pause, retryText, type Ending } from './event-stream.ts';

/** Waits until then, or for an abort, which is left to whoever waits. */
const until = async function* (dueMs: number, heartbeatMs: number, signal: AbortSignal): AsyncGenerator<string> {
  const isOver = (): boolean => signal.aborted;
  for (let leftMs = dueMs - performance.now(); leftMs > 0 && !isOver(); leftMs = dueMs - performance.now()) {
    await pause(Math.min(leftMs, heartbeatMs), signal);
    if (leftMs > heartbeatMs && !isOver()) yield heartbeatText;
  }
};

export interface Playing {
  /** Days a second. */
  readonly speed: number;
  /** Aborted with the reason of the end. */
  readonly signal: AbortSignal;
  /** The problem that a failure is told as. */
  readonly problemOf: (error: unknown) => unknown;
  /** Longest silence, milliseconds; default 15,000. */
  readonly heartbeatMs?: number;
}

/**
 * A replay as server-sent events: `start`, a `frame` when its day has come, `end` with its reason, or `problem`. The id of a frame is its token. It goes on only as far as it
 * is read: a slow reader gets every frame, later.
 */
export const replayEvents = async function* ({ play, ...start }: Replay, { speed, signal, problemOf, heartbeatMs = heartbeatMsDefault }: Playing): AsyncGenerator<string> {
  const started: ReplayStarted = { ...start, speed };
  yield `${retryText}${eventText('start', started)}`;
  const beganMs = performance.now();
  let first: Day | null = null;
  try {
    for await (const { token, frame } of play()) {
      const { validAt } = frame.cut;
      first ??= validAt;
      yield* until(beganMs + (daysBetween(first, validAt) / speed) * 1_000, heartbeatMs, signal);
      if (signal.aborted) break;
      yield eventText('frame', frame, token);
    }
    yield eventText('end', { reason: signal.aborted ? signal.reason as Ending : 'complete' });
  } catch (error) {
    yield eventText('problem', problemOf(error));
  }
};
