import type { ProblemPlace } from '@rectrail/platform';

/** What the HTTP layer itself refuses, before a command or a read sees the request. */
export const httpProblemCodes = [
  'request-malformed',
  'body-malformed',
  'body-too-large',
  'content-type-unsupported',
  'route-not-found',
  'method-not-allowed',
  'uri-too-long',
  'headers-too-large',
  'request-timeout',
  'idempotency-key-reused',
  'idempotency-key-in-use',
  'unknown-rebuild',
  'too-many-replays',
  'too-many-readers',
  'position-ahead',
  'clock-not-watched',
  'log-not-sealed',
  'unknown-tile',
  'cosignature-refused',
  'not-written-off',
  'epoch-not-due',
  'epoch-unsupported',
  'kafka-off',
  'kafka-unavailable',
  'unknown-dead-letter',
  'dead-letter-not-kept',
  'database-unavailable',
  'request-refused',
  'internal',
] as const;
export type HttpProblemCode = (typeof httpProblemCodes)[number];

export interface HttpProblemOptions {
  readonly errors?: readonly ProblemPlace[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Headers that belong to the refusal (`Allow`, `Retry-After`). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Refuses a request. Its code has a row in the problem table, its message is the `detail` of the problem. */
export class HttpProblem extends Error {
  readonly code: HttpProblemCode | 'validation-failed';
  readonly errors: readonly ProblemPlace[];
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: HttpProblemCode | 'validation-failed', detail: string, { errors = [], extensions = {}, headers = {} }: HttpProblemOptions = {}) {
    super(detail);
    this.name = 'HttpProblem';
    this.code = code;
    this.errors = errors;
    this.extensions = extensions;
    this.headers = headers;
  }
}
