import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { AddressRefused, type AddressGuard } from './address-guard.ts';
import { FairSlots } from './fair-slots.ts';
import { retryAfterOf } from './retry-schedule.ts';

export const attemptOutcomes = ['delivered', 'failed', 'gone', 'timeout', 'refused'] as const;
/** delivered: 2xx; gone: 410; failed: any other status (a redirect too, which is not followed) or no connection; refused: the address is none to send to. */
export type AttemptOutcome = (typeof attemptOutcomes)[number];

export interface Attempt {
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  readonly durationMs: number;
  /** Why there is no status. */
  readonly error: string | null;
  /** The beginning of the answer's body. */
  readonly excerpt: string;
  /** What a receiver that is busy (429, 502, 503, 504) asked for. */
  readonly retryAfterMs: number | null;
}

export interface WebhookRequest {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

export interface WebhookSenderOptions {
  readonly guard: AddressGuard;
  /** Requests under way at once; more wait for a fair share of them. */
  readonly requestsMax: number;
  /** Until the whole answer has been read, ms; default 20 s. */
  readonly timeoutMs?: number;
}

const timeoutDefaultMs = 20_000;
/** Of an answer no more is read, bytes: its status is what counts. */
const answerBytesMax = 65_536;
const excerptBytes = 1_024;
const errorCharactersMax = 300;
const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** PostgreSQL holds no NUL, and a log wants no other control character either. */
const printable = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim();

const outcomeOf = (status: number): AttemptOutcome => {
  if (status >= 200 && status < 300) return 'delivered';
  return status === 410 ? 'gone' : 'failed';
};

const excerptOf = async (response: IncomingMessage): Promise<string> => {
  let kept = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (kept.length < excerptBytes) kept = Buffer.concat([kept, chunk.subarray(0, excerptBytes - kept.length)]);
    if (read > answerBytesMax) break;
  }
  return printable(kept.toString('utf8'));
};

/** Sends what it is given, some at once, each receiver (a host) its share of them; connects to nothing that the guard refuses. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly #slots: FairSlots;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#slots = new FairSlots(options.requestsMax);
    // A kept connection is one to an address that was looked at when it was made.
    this.#agents = { http: new HttpAgent({ keepAlive: true, lookup: options.guard.lookup }), https: new HttpsAgent({ keepAlive: true, lookup: options.guard.lookup }) };
  }

  /** What became of one attempt; only an abort of the caller's signal throws. */
  async send(request: WebhookRequest): Promise<Attempt> {
    const give = await this.#slots.take(new URL(request.endpoint).host, request.signal);
    const began = performance.now();
    try {
      const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? timeoutDefaultMs);
      try {
        return await this.#attempt(request, AbortSignal.any([request.signal, timeout]), began);
      } catch (error) {
        request.signal.throwIfAborted();
        return { outcome: timeout.aborted ? 'timeout' : error instanceof AddressRefused ? 'refused' : 'failed', status: null, durationMs: sinceMs(began), error: messageOf(error, timeout), excerpt: '', retryAfterMs: null };
      }
    } finally {
      give();
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #attempt(request: WebhookRequest, signal: AbortSignal, began: number): Promise<Attempt> {
    const response = await this.#respond(request, signal);
    const status = response.statusCode ?? 0;
    const excerpt = await excerptOf(response);
    return {
      outcome: outcomeOf(status), status, durationMs: sinceMs(began), error: null, excerpt,
      retryAfterMs: busyStatuses.has(status) ? retryAfterOf(response.headers['retry-after'], Date.now()) : null,
    };
  }

  #respond({ endpoint, headers, body }: WebhookRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(endpoint);
    this.#options.guard.checkLiteral(url);
    const sent = { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'rectrail' };
    return new Promise((resolve, reject) => {
      const ask = (isRepeated: boolean): void => {
        const options = { method: 'POST', headers: sent, signal };
        const outgoing = url.protocol === 'https:' ? requestHttps(url, { ...options, agent: this.#agents.https }, resolve) : requestHttp(url, { ...options, agent: this.#agents.http }, resolve);
        outgoing.on('error', (error: NodeJS.ErrnoException) => {
          // The receiver closed a kept connection at the very moment: that says nothing of the receiver.
          if (outgoing.reusedSocket && error.code === 'ECONNRESET' && !isRepeated) ask(true);
          else reject(error);
        });
        outgoing.end(body);
      };
      ask(false);
    });
  }
}

const sinceMs = (began: number): number => Math.round(performance.now() - began);

const messageOf = (error: unknown, timeout: AbortSignal): string => {
  if (timeout.aborted) return 'no answer in time';
  const text = error instanceof Error ? [(error as NodeJS.ErrnoException).code, error.message].filter((part) => part !== undefined && part !== '').join(': ') : String(error);
  return printable(text).slice(0, errorCharactersMax);
};
