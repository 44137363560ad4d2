import { setTimeout as sleep } from 'node:timers/promises';
import { daysBetween, type Day } from '@rectrail/kernel';
import type { Replay } from '@rectrail/tracking-read';
import type { ReplayStarted } from '../openapi/answer-types.ts';
import { HttpProblem } from './http-problem.ts';

/** Why a replay ends before its last frame. */
type Ending = 'gone' | 'shutdown';

/** The replays that this process plays. */
export class RunningReplays {
  readonly #running = new Set<AbortController>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws HttpProblem `too-many-replays` */
  begin(): AbortController {
    if (this.#running.size >= this.#max) throw new HttpProblem('too-many-replays', `${this.#max} replays are being played`);
    const replay = new AbortController();
    this.#running.add(replay);
    return replay;
  }

  finish(replay: AbortController): void {
    this.#end(replay, 'gone');
    this.#running.delete(replay);
  }

  /** Each tells its reader that it ends, who goes on elsewhere behind the last frame. */
  shutDown(): void {
    for (const replay of this.#running) this.#end(replay, 'shutdown');
  }

  #end(replay: AbortController, why: Ending): void {
    replay.abort(why);
  }
}

/** After this a reader whose connection broke comes back by itself, milliseconds. */
const retryMs = 3_000;
/** Proxies cut connections that are silent for a minute or so, milliseconds. */
const heartbeatMsDefault = 15_000;

const eventText = (name: string, data: unknown, id?: string): string => `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const heartbeat = ':\n\n';

/** Waits until then, or for an abort, which is left to whoever waits. */
const until = async function* (dueMs: number, heartbeatMs: number, signal: AbortSignal): AsyncGenerator<string> {
  const isOver = (): boolean => signal.aborted;
  for (let leftMs = dueMs - performance.now(); leftMs > 0 && !isOver(); leftMs = dueMs - performance.now()) {
    // All that it rejects with is the abort.
    await sleep(Math.min(leftMs, heartbeatMs), undefined, { signal }).catch(() => undefined);
    if (leftMs > heartbeatMs && !isOver()) yield heartbeat;
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
  yield `retry: ${retryMs}\n\n${eventText('start', started)}`;
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
