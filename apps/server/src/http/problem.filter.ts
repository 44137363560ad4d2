import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isDatabaseAway, problemDocument, problemMediaType, type Logger, type ProblemPlace } from '@rectrail/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../problems/domain-problems.ts';
import { internalProblem, problemTable } from '../problems/problem-table.ts';
import { HttpProblem } from './http-problem.ts';
import { placesIn } from './problem-places.ts';

/** Seconds after which a caller may try again what the server could not do now. */
const retryAfterSeconds = 2;

interface Refusal {
  readonly code: string;
  readonly problem: Problem;
  readonly detail: string;
  readonly errors: readonly ProblemPlace[];
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

const record = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {});

/** Fastify's and Nest's own refusals carry a status and no code of ours. */
const httpExceptionAsProblem = (error: HttpException): HttpProblem => {
  const detail = error.message;
  switch (error.getStatus()) {
    case 404: return new HttpProblem('route-not-found', detail);
    case 413: return new HttpProblem('body-too-large', 'the body is larger than this path takes');
    case 414: return new HttpProblem('uri-too-long', 'a part of the path is too long');
    case 415: return new HttpProblem('content-type-unsupported', 'this path does not take the media type of the body', { errors: [{ header: 'Content-Type', detail: 'not supported here' }] });
    case 400: return new HttpProblem('request-malformed', detail);
    default: return new HttpProblem(error.getStatus() < 500 ? 'request-refused' : 'internal', detail);
  }
};

/** A version conflict is 412 only where the caller named the version; the store's own, after its retries, is 409 (docs/problems). */
const statusOf = (code: string, problem: Problem, error: unknown): number =>
  (code === 'stream-version-conflict' && error instanceof Error && error.name === 'ExpectedVersionConflict' ? 409 : problem.status);

interface ErrorFields {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly ProblemPlace[];
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What the layers' errors have in common, read without depending on each layer's class; null for anything else. */
const fieldsOf = (error: unknown): ErrorFields | null => {
  if (typeof error !== 'object' || error === null) return null;
  const { code, detail, message, errors, extensions, headers }: Readonly<Record<string, unknown>> = { ...error, message: error instanceof Error ? error.message : '' };
  if (typeof code !== 'string') return null;
  return {
    code,
    detail: typeof detail === 'string' ? detail : String(message),
    // The throwing layers type their `errors` as places.
    errors: Array.isArray(errors) ? (errors as readonly ProblemPlace[]) : [],
    extensions: record(extensions),
    headers: record(headers),
  };
};

const internal = (code: string, problem: Problem): Refusal =>
  ({ code, problem, detail: 'the server could not carry out the request; its log holds the cause under the correlationId', errors: [], extensions: {}, headers: {} });

const headersOf = (status: number, own: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => ({
  ...(status === 503 ? { 'Retry-After': String(retryAfterSeconds) } : {}),
  ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="rectrail"' } : {}),
  ...Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)])),
});

/** What the framework and the drivers throw has no code of ours. */
const ownErrorOf = (thrown: unknown): unknown => {
  if (thrown instanceof HttpException) return httpExceptionAsProblem(thrown);
  return isDatabaseAway(thrown) ? new HttpProblem('database-unavailable', 'PostgreSQL cannot be reached') : thrown;
};

/** Errors are told apart by `code` alone; one that the table does not know is a defect and says nothing of itself. */
export const refusalOf = (thrown: unknown): Refusal => {
  const error = ownErrorOf(thrown);
  const fields = fieldsOf(error);
  const known = fields !== null && Object.hasOwn(problemTable, fields.code) ? problemTable[fields.code] : undefined;
  if (fields === null || known === undefined) return internal('internal', internalProblem);
  if (known.status === 500) return internal(fields.code, known);
  const status = statusOf(fields.code, known, error);
  return { ...fields, problem: { ...known, status }, headers: headersOf(status, fields.headers) };
};

/** What a problem says beside its error: where the request came in, and where in it a code lies that names no place itself. */
export interface ProblemContext {
  readonly instance: string;
  readonly correlationId: string;
  readonly places: (code: string, status: number, detail: string) => readonly ProblemPlace[];
}

interface ProblemFound { readonly refusal: Refusal; readonly document: Readonly<Record<string, unknown>> }

/** An error as its problem, by whatever way the request came; what is the server's own fault goes into the log. */
export const problemFor = (thrown: unknown, { instance, correlationId, places }: ProblemContext, logger: Logger): ProblemFound => {
  const refusal = refusalOf(thrown);
  const { code, problem, detail, errors, extensions } = refusal;
  if (problem.status >= 500) logger.error({ err: thrown, correlationId, code }, 'request failed');
  const document = problemDocument({ code, type: problem, detail, instance, correlationId, errors: errors.length > 0 ? errors : places(code, problem.status, detail), extensions });
  return { refusal, document };
};

/** The problem as it is sent over HTTP, also as the last line of a progress stream. */
export const problemOf = (thrown: unknown, request: FastifyRequest, logger: Logger): ProblemFound => problemFor(thrown, {
  // The path only: a query may hold search terms.
  instance: request.url.split('?')[0] ?? '/',
  correlationId: request.id,
  places: (code, status, detail) => placesIn(request, code, status, detail),
}, logger);

export const sendProblem = (thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void => {
  const { refusal, document } = problemOf(thrown, request, logger);
  void reply.status(refusal.problem.status).headers({ ...refusal.headers, 'X-Correlation-Id': request.id, 'Cache-Control': 'no-store' }).type(problemMediaType).send(JSON.stringify(document));
};

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;
  readonly #methodsOf: (path: string) => readonly string[];

  /** `methodsOf` gives the methods that a path takes, none where there is no such path. */
  constructor(logger: Logger, methodsOf: (path: string) => readonly string[]) {
    this.#logger = logger;
    this.#methodsOf = methodsOf;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    sendProblem(request.is404 ? this.#notFound(request) : thrown, request, reply, this.#logger);
  }

  #notFound(request: FastifyRequest): HttpProblem {
    const path = request.url.split('?')[0] ?? '/';
    const methods = this.#methodsOf(path);
    if (methods.length === 0) return new HttpProblem('route-not-found', `nothing is served at ${path}`);
    return new HttpProblem('method-not-allowed', `${path} does not take ${request.method}`, { headers: { Allow: methods.join(', ') } });
  }
}
