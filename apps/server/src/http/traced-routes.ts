import { isTraceId, parseTraceparent, type SpanStart, type Tracing } from '@rectrail/platform';
import type { FastifyRequest } from 'fastify';
import { refusalOf } from './problem.filter.ts';
import type { TableRoute } from './table-routes.ts';

/** The route as it is written: a path as called may hold anything that a caller mistyped. */
const spanOf = ({ method, path }: TableRoute, base: string, { id, headers: { traceparent } }: FastifyRequest): SpanStart => ({
  name: `${method} ${base}${path}`, kind: 'server', parent: parseTraceparent(typeof traceparent === 'string' ? traceparent : undefined), ...(isTraceId(id) && { traceId: id }),
  attributes: { 'http.request.method': method, 'http.route': `${base}${path}` },
});

/** The same routes with each request in a span; the very same where nothing is recorded. What is refused before its route is found has no span. */
export const tracedRoutes = (tracing: Tracing, base: string, routes: readonly TableRoute[]): readonly TableRoute[] => (!tracing.isOn ? routes : routes.map((route) => ({
  ...route,
  handle: async (request, reply) => {
    const span = tracing.begin(spanOf(route, base, request));
    try {
      const answer = await tracing.within(span, () => route.handle(request, reply));
      span.end(undefined, { 'http.response.status_code': reply.statusCode });
      return answer;
    } catch (error) {
      const { status } = refusalOf(error).problem;
      // A refusal is the caller's fault, not the server's (semantic conventions for HTTP spans).
      span.end(status >= 500 ? error : undefined, { 'http.response.status_code': status });
      throw error;
    }
  },
})));
