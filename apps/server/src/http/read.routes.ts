import type { TrackingQueries } from '@rectrail/tracking-read';
import { principalOf } from './fastify-server.ts';
import { parseQuery } from './query-parameters.ts';
import type { ReadDefinition } from './read-table.ts';
import { idOf, type TableRoute } from './table-routes.ts';
import { etagOf } from './write-request.ts';

/** How long an answer that is fixed by all three cuts may be kept by its reader alone, seconds: long enough to leaf back and forth. */
const fixedAnswerSeconds = 300;

const isFixed = ({ fixedBy = ['validAt', 'knownAt', 'atPosition'] }: ReadDefinition, query: Readonly<Record<string, unknown>>): boolean => fixedBy.every((cut) => query[cut] !== undefined);

/** The version of the one resource that an answer is about, for If-Match; a list has none. */
const versionOf = (answer: unknown): number | null => {
  if (typeof answer !== 'object' || answer === null) return null;
  const holder: unknown = 'issue' in answer ? answer.issue : 'report' in answer ? answer.report : answer;
  return typeof holder === 'object' && holder !== null && 'streamVersion' in holder && typeof holder.streamVersion === 'number' ? holder.streamVersion : null;
};

/** `GET` for every row of the read table. Never 304: a light changes with the day, so an ETag serves If-Match only. */
export const readRoutes = (queries: TrackingQueries, definitions: readonly ReadDefinition[]): readonly TableRoute[] =>
  definitions.map((definition): TableRoute => ({
    name: definition.name,
    method: 'GET',
    path: definition.path,
    handle: async (request, reply) => {
      const query = parseQuery(definition.query, request.query);
      const answer = await definition.run({ queries, query, id: idOf(request), within: principalOf(request).actor.orgId });
      void reply.header('Cache-Control', isFixed(definition, query) ? `private, max-age=${fixedAnswerSeconds}` : 'no-store');
      const version = versionOf(answer);
      if (version !== null) void reply.header('ETag', etagOf(version));
      return answer;
    },
  }));
