import { Controller, Delete, Get, HttpCode, Post, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from './http-problem.ts';

export const apiPath = '/api/v1';

export interface TableRoute {
  /** Name of the handler, unique in its table. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With `:id` at most once, or a `*` at its end. */
  readonly path: string;
  handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

const verbs = { GET: Get, POST: Post, DELETE: Delete };

/**
 * A Nest controller with one handler a row of a table, so that routes, OpenAPI and batches come from the same rows. Decorators
 * are functions: here they are called instead of written above each of a hundred methods.
 */
export const tableController = (base: string, routes: readonly TableRoute[]): Type => {
  @Controller(base)
  class TableController {}
  for (const route of routes) {
    const handler = (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => route.handle(request, reply);
    const descriptor: PropertyDescriptor = { value: handler, writable: true, configurable: true, enumerable: false };
    Object.defineProperty(TableController.prototype, route.name, descriptor);
    Req()(TableController.prototype, route.name, 0);
    Res({ passthrough: true })(TableController.prototype, route.name, 1);
    verbs[route.method](route.path)(TableController.prototype, route.name, descriptor);
    HttpCode(200)(TableController.prototype, route.name, descriptor);
  }
  return TableController;
};

/** The path's `:id`, empty where it has none. @throws HttpProblem for control characters, which no database text and no id of ours holds. */
export const idOf = (request: FastifyRequest): string => {
  const { params } = request;
  const id: unknown = typeof params === 'object' && params !== null && 'id' in params ? params.id : '';
  if (typeof id !== 'string') return '';
  if (/\p{Cc}/u.test(id)) throw new HttpProblem('request-malformed', 'the path holds a control character', { errors: [{ parameter: 'id', detail: 'a control character' }] });
  return id;
};
