import { Readable } from 'node:stream';
import type { InspectionId } from '@rectrail/kernel';
import type { Logger } from '@rectrail/platform';
import type { TrackingQueries } from '@rectrail/tracking-read';
import { z } from 'zod';
import { eventStreamHeaders, eventStreamMediaType, lastEventId, type OpenStreams } from './event-stream.ts';
import { principalOf } from './fastify-server.ts';
import { problemOf } from './problem.filter.ts';
import { parseQuery, textParameter } from './query-parameters.ts';
import { range } from './read-table.ts';
import { replayEvents } from './replay-stream.ts';
import type { TableRoute } from './table-routes.ts';

const [speedMin, speedMax, speedDefault] = [0.1, 366, 7];

export const replayQuery = z.strictObject({
  ...range,
  // An id that no inspection has is answered 404 by the read itself.
  inspection: textParameter(200).transform((text) => text as InspectionId).optional().describe('Id of an inspection: one round, the figures of its owner and the news of its issues and money'),
  speed: z.string().regex(/^\d{1,3}(\.\d{1,3})?$/, 'a number').transform(Number).refine((days) => days >= speedMin && days <= speedMax, `from ${speedMin} to ${speedMax}`).optional()
    .describe(`Days a second, ${speedMin} to ${speedMax}; default ${speedDefault}`),
});

export interface ReplayRoutesOptions {
  readonly queries: TrackingQueries;
  readonly running: OpenStreams;
  readonly logger: Logger;
}

/** Progress as a film, for a screen: server-sent events that go on behind `Last-Event-ID`; 204, which ends a reader's attempts, where nothing follows. */
export const replayRoutes = ({ queries, running, logger }: ReplayRoutesOptions): readonly TableRoute[] => [{
  name: 'Replay',
  method: 'GET',
  path: '/replay',
  handle: async (request, reply) => {
    const { speed = speedDefault, ...query } = parseQuery(replayQuery, request.query);
    const signal = running.begin(reply.raw);
    const replay = await queries.replay({ ...query, after: lastEventId(request), within: principalOf(request).actor.orgId });
    void reply.headers(eventStreamHeaders);
    if (replay.seen >= replay.frames) {
      void reply.status(204);
      return undefined;
    }
    void reply.type(eventStreamMediaType);
    return Readable.from(replayEvents(replay, { speed, signal, problemOf: (error) => problemOf(error, request, logger).document }));
  },
}];
