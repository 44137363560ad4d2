import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AccessError, isAdministrator, type AccessControl, type Principal } from '@rectrail/access';
import { problemDocument, problemMediaType, type Configuration, type Logger, type Metrics, type Tracing } from '@rectrail/platform';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { registerBodyParsers } from './body-parsers.ts';
import { correlationIdOf } from './correlation-id.ts';
import { internalProblem, problemTable } from '../problems/problem-table.ts';
import { HttpProblem, type HttpProblemCode } from './http-problem.ts';
import { sendProblem } from './problem.filter.ts';

export interface FastifyServerOptions {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly access: AccessControl;
  readonly tracing: Tracing;
}

/** Paths that need no token: health, the descriptions of the interface, and the pages and schemas that they point to. */
const isPublic = (path: string): boolean =>
  path === '/openapi.json' || path === '/asyncapi.json' || ['/health/', '/problems/', '/schemas/'].some((start) => path.startsWith(start));

/** Public too, but it tells an administrator more: a token that is sent is looked at. */
const healthPath = '/health';

/** Longest part of a path: ids are UUIDs, codes are shorter. */
const pathPartCharactersMax = 200;

/** A header that came several times is none. */
const oneOf = (header: string | readonly string[] | undefined): string | undefined => (typeof header === 'string' ? header : undefined);

const principals = new WeakMap<FastifyRequest, Principal>();

/** Who sent the request. @throws Error on a public path, which has no caller. */
export const principalOf = (request: FastifyRequest): Principal => {
  const principal = principals.get(request);
  if (principal === undefined) throw new Error(`no principal for ${request.method} ${request.url}: the path is public`);
  return principal;
};

/** Who sent the request. @throws AccessError `administrator-only` for anybody else; `why` says what is theirs. */
export const requireAdministrator = (request: FastifyRequest, why: string): Principal => {
  const principal = principalOf(request);
  if (!isAdministrator(principal.actor)) throw new AccessError('administrator-only', why);
  return principal;
};

/** Whether an administrator's token came with the request, also on a path that needs none. */
export const isAdministrators = (request: FastifyRequest): boolean => {
  const principal = principals.get(request);
  return principal !== undefined && isAdministrator(principal.actor);
};

export interface RouteKnowledge { methodsOf(path: string): readonly string[] }

/** Remembers the routes as they are added, to tell a wrong method (405) from an unknown path (404). */
const rememberRoutes = (server: FastifyInstance): RouteKnowledge => {
  const routes: { readonly method: string; readonly shape: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    const shape = new RegExp(`^${url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join('/')}/?$`);
    for (const one of Array.isArray(method) ? method : [method]) routes.push({ method: one, shape });
  });
  return { methodsOf: (path) => [...new Set(routes.filter(({ shape }) => shape.test(path)).map(({ method }) => method))].sort() };
};

/** The caller is known before the body is read, so that nobody without a token makes the server hold 64 MiB. */
const authenticateFirst = (server: FastifyInstance, access: AccessControl): void => {
  server.addHook('onRequest', async (request) => {
    const { authorization } = request.headers;
    const path = request.routeOptions.url ?? '';
    if (request.is404 || isPublic(path) || (path === healthPath && authorization === undefined)) return;
    principals.set(request, await access.authenticate(authorization));
  });
};

const observe = (server: FastifyInstance, { logger, metrics }: FastifyServerOptions): void => {
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Correlation-Id', request.id);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : request.routeOptions.url ?? 'none';
    metrics.httpRequestSeconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    logger.info({ correlationId: request.id, tokenId: principals.get(request)?.tokenId, method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
    done();
  });
};

const clientErrorCodes: Readonly<Record<string, HttpProblemCode>> = { HPE_HEADER_OVERFLOW: 'headers-too-large', ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout' };

/** What Node's HTTP parser refuses never becomes a request; it is answered on the socket. */
const refuseUnparsed = (error: Error & { readonly code?: string }, socket: Socket): void => {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = clientErrorCodes[error.code ?? ''] ?? 'request-malformed';
  const type = problemTable[code] ?? internalProblem;
  const correlationId = randomUUID();
  const body = JSON.stringify(problemDocument({ code, type, detail: 'the request could not be read as HTTP', instance: '/', correlationId, errors: [], extensions: {} }));
  socket.end(`HTTP/1.1 ${type.status} ${STATUS_CODES[type.status] ?? 'Error'}\r\nContent-Type: ${problemMediaType}\r\nX-Correlation-Id: ${correlationId}\r\n`
    + `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
};

/** While the server stops, an answer ends its connection: an idle one would hold the shutdown up until its keep-alive ends. */
const closeConnectionsWhileStopping = (server: FastifyInstance): void => {
  let stopping = false;
  server.addHook('preClose', (done) => { stopping = true; done(); });
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) void reply.header('Connection', 'close');
    done();
  });
};

/** Fastify with our parsers, hooks and limits; Nest adds the routes. */
export const createFastifyServer = (options: FastifyServerOptions): { readonly server: FastifyInstance; readonly routes: RouteKnowledge } => {
  const { configuration, logger, access, tracing } = options;
  const server = fastify({
    logger: false,
    bodyLimit: configuration.commandBodyBytesMax,
    requestTimeout: configuration.requestTimeoutMs,
    routerOptions: { maxParamLength: pathPartCharactersMax, ignoreTrailingSlash: true },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: ({ headers }) => correlationIdOf({ given: oneOf(headers['x-correlation-id']), traceparent: oneOf(headers['traceparent']), tracing, made: randomUUID }),
    clientErrorHandler: refuseUnparsed,
    frameworkErrors: (error, request, reply) => {
      const problem = error.statusCode === 414
        ? new HttpProblem('uri-too-long', 'a part of the path is too long')
        : new HttpProblem('request-malformed', 'the path is not percent-encoded UTF-8');
      sendProblem(problem, request, reply, logger);
    },
  });
  registerBodyParsers(server, configuration);
  const routes = rememberRoutes(server);
  closeConnectionsWhileStopping(server);
  observe(server, options);
  authenticateFirst(server, access);
  return { server, routes };
};
