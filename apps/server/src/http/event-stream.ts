import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { HttpProblem, type HttpProblemCode } from './http-problem.ts';

export const eventStreamMediaType = 'text/event-stream';

/** Why a stream ends before its own end. */
export type Ending = 'gone' | 'shutdown';

/** After this a reader whose connection broke comes back by itself, milliseconds. */
const retryMs = 3_000;
/** Proxies cut connections that are silent for a minute or so, milliseconds. */
export const heartbeatMsDefault = 15_000;

/** Longer than a page waits for a message, and than several heartbeats, milliseconds. */
const silentMsDefault = 90_000;

export const retryText = `retry: ${retryMs}\n\n`;
export const heartbeatText = ':\n\n';
export const eventText = (name: string, data: unknown, id?: string): string => `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** A proxy that gathers the answer would show it at its end; a connection that ends with the answer holds no shutdown up. */
export const eventStreamHeaders = { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no', 'Connection': 'close' } as const;

export const lastEventId = (request: FastifyRequest): string | undefined => {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : undefined;
};

/** Ends after the time or at the abort, which is left to whoever waits. */
export const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  // All that it rejects with is the abort.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

export interface StreamLimit {
  /** At most so many at once. */
  readonly max: number;
  /** At most so many of one holder, so that nobody takes all; without it, as many as there are. */
  readonly each?: number;
  /** What one more is answered with. */
  readonly code: HttpProblemCode;
  /** In the plural, for the refusal. */
  readonly what: string;
  /** How many are open now. */
  readonly onChange?: (open: number) => void;
  /** Without a byte that its reader took for so long an answer ends, milliseconds; default 90,000. */
  readonly silentMs?: number;
}

/** Of a ServerResponse. */
export interface Answered {
  readonly destroyed: boolean;
  once(event: 'close', left: () => void): unknown;
  setTimeout(ms: number, silent: () => void): unknown;
  destroy(): unknown;
}

/** The answers of one kind that this process holds open. */
export class OpenStreams {
  /** With whom each is for. */
  readonly #open = new Map<AbortController, string | undefined>();
  readonly #limit: StreamLimit;

  constructor(limit: StreamLimit) {
    this.#limit = limit;
  }

  /** Aborts with the end of the answer, with its reader, and with the server. `holder`: whose token it is. @throws HttpProblem with the code of the limit */
  begin(response: Answered, holder?: string): AbortSignal {
    const { max, each = max, code, what, silentMs = silentMsDefault } = this.#limit;
    if (this.#open.size >= max) throw new HttpProblem(code, `${max} ${what} are open`);
    if (holder !== undefined && [...this.#open.values()].filter((other) => other === holder).length >= each) throw new HttpProblem(code, `${each} ${what} are open with this token`);
    const stream = new AbortController();
    this.#open.set(stream, holder);
    this.#changed();
    // Who left while the request was looked at tells it no more.
    if (response.destroyed) this.#finish(stream);
    else {
      response.once('close', () => { this.#finish(stream); });
      // One who holds the connection and reads nothing would keep its place, and be asked no more whether it may hear.
      response.setTimeout(silentMs, () => { response.destroy(); });
    }
    return stream.signal;
  }

  /** Each tells its reader that it ends, who goes on elsewhere behind the last event. */
  shutDown(): void {
    for (const stream of this.#open.keys()) this.#end(stream, 'shutdown');
  }

  #finish(stream: AbortController): void {
    this.#end(stream, 'gone');
    this.#open.delete(stream);
    this.#changed();
  }

  #end(stream: AbortController, why: Ending): void {
    stream.abort(why);
  }

  #changed(): void {
    this.#limit.onChange?.(this.#open.size);
  }
}
