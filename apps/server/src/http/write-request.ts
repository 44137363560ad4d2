import { canonicalJson, newCommandId, sha256Hex } from '@rectrail/event-store';
import type { Clock, CommandId } from '@rectrail/kernel';
import type { FastifyRequest } from 'fastify';
import { jsonMediaType, ledgerMediaType, ledgerMediaTypes } from './body-parsers.ts';
import { principalOf } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import type { IdempotencyStore } from './idempotency-store.ts';

const keyCharactersMax = 200;
/** Seconds after which a retry may find the first request done. */
const retryAfterSeconds = 1;

const headerOf = (request: FastifyRequest, name: string): string | null => {
  const value = request.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
};

const wrongHeader = (header: string, detail: string): HttpProblem => new HttpProblem('validation-failed', `the header ${header} is wrong: ${detail}`, { errors: [{ header, detail }] });

/** The version that `If-Match` names, or null without the header. @throws HttpProblem unless it is one strong ETag of ours. */
export const ifMatchOf = (request: FastifyRequest): number | null => {
  const value = headerOf(request, 'If-Match');
  if (value === null) return null;
  const version = /^"(\d{1,15})"$/.exec(value.trim())?.[1];
  if (version === undefined) throw wrongHeader('If-Match', 'send the ETag of the resource as it was read, one strong tag such as "7"');
  return Number(version);
};

/** A condition that would not be looked at is refused: its sender relies on it. @throws HttpProblem for a request with If-Match. */
export const noIfMatch = (request: FastifyRequest): void => {
  if (headerOf(request, 'If-Match') !== null) throw wrongHeader('If-Match', 'this path speaks of no single resource; in a batch each command has its own `ifMatch`');
};

export const etagOf = (streamVersion: number): string => `"${streamVersion}"`;

const mediaTypeOf = (request: FastifyRequest): string | null => headerOf(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? null;

const unsupported = (expected: string): HttpProblem =>
  new HttpProblem('content-type-unsupported', `this path takes ${expected}`, { errors: [{ header: 'Content-Type', detail: `expected ${expected}` }] });

/** The JSON body of a command, `{}` where there is none. */
export const jsonBodyOf = (request: FastifyRequest): unknown => {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== null && mediaType !== jsonMediaType) throw unsupported(jsonMediaType);
  return request.body ?? {};
};

export const ledgerBodyOf = (request: FastifyRequest): Buffer => {
  if (!ledgerMediaTypes.includes(mediaTypeOf(request) ?? '') || !Buffer.isBuffer(request.body)) throw unsupported(ledgerMediaType);
  return request.body;
};

/** The same request has the same bytes here, whatever the order of its body's fields. */
export const writeSha256 = (method: string, url: string, ifMatch: string | null, body: unknown): string =>
  sha256Hex(canonicalJson([method, url, ifMatch, Buffer.isBuffer(body) ? sha256Hex(body) : body ?? {}]));

/** A write under a key, by whatever way it came. */
export interface KeyedWrite {
  /** Whose key it is: two callers may use the same one. */
  readonly owner: string;
  readonly key: string;
  readonly requestSha256: string;
  /** Taken where the key is new. */
  readonly commandId: CommandId;
}

/** Gives each write its command id: a new one, or that of the first request with the same Idempotency-Key. */
export class WriteRequests {
  readonly #store: IdempotencyStore;
  readonly #clock: Clock;

  constructor(store: IdempotencyStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Carries out `work` under the request's command id. A key belongs to its token: two callers may use the same one.
   *
   * @throws HttpProblem `idempotency-key-reused`, `idempotency-key-in-use`, and what `work` throws.
   */
  async carryOut<T>(request: FastifyRequest, work: (commandId: CommandId) => Promise<T>): Promise<T> {
    const fresh = newCommandId(this.#clock.now());
    const key = headerOf(request, 'Idempotency-Key');
    if (key === null) return work(fresh);
    if (key.length === 0 || key.length > keyCharactersMax) throw wrongHeader('Idempotency-Key', `1 to ${keyCharactersMax} characters`);
    return this.carryOutKeyed({ owner: principalOf(request).tokenId, key, requestSha256: writeSha256(request.method, request.url, headerOf(request, 'If-Match'), request.body), commandId: fresh }, work);
  }

  /** @throws as `carryOut`. */
  async carryOutKeyed<T>({ owner, key, requestSha256, commandId }: KeyedWrite, work: (commandId: CommandId) => Promise<T>): Promise<T> {
    const keySha256 = sha256Hex(canonicalJson([owner, key]));
    const claim = await this.#store.claim({ keySha256, requestSha256, commandId });
    const place = [{ header: 'Idempotency-Key', detail: claim.outcome }];
    if (claim.outcome === 'reused') throw new HttpProblem('idempotency-key-reused', 'this Idempotency-Key came with another request before', { errors: place });
    if (claim.outcome === 'in-use') {
      throw new HttpProblem('idempotency-key-in-use', 'the first request with this Idempotency-Key is still running', { errors: place, headers: { 'Retry-After': String(retryAfterSeconds) } });
    }
    try {
      return await work(claim.commandId);
    } finally {
      await this.#store.release(keySha256);
    }
  }
}
