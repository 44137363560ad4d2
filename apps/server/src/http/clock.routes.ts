import type { PostgresEventStore } from '@rectrail/event-store-postgres';
import { parseBody } from '@rectrail/tracking-app';
import { wire } from '@rectrail/tracking-domain';
import { z } from 'zod';
import type { LogClockView } from '../openapi/answer-types.ts';
import { requireAdministrator } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { parseQuery } from './query-parameters.ts';
import type { TableRoute } from './table-routes.ts';
import { jsonBodyOf, noIfMatch } from './write-request.ts';

/** The clock that stamps the events, where it is watched here. */
export type WatchedClock = Pick<PostgresEventStore, 'clock' | 'confirmClock'>;

export const confirmClockBody = z.strictObject({ reason: wire.freeText.describe('Why the clock is right as it is; kept with your name') });
const nothing = z.strictObject({});

const theirs = 'whether a clock that has leapt is right is for administrators to say';

/** How the clock of the log stands, and the word of an operator that it is right. `clock` null: a store of another kind, which stamps its events itself. */
export const clockRoutes = (clock: WatchedClock | null): readonly TableRoute[] => {
  const watched = (): WatchedClock => {
    if (clock === null) throw new HttpProblem('clock-not-watched', 'the events are stamped by KurrentDB');
    return clock;
  };
  return [
    {
      name: 'LogClock', method: 'GET', path: '/log/clock',
      handle: async (request, reply): Promise<LogClockView> => {
        requireAdministrator(request, theirs);
        parseQuery(nothing, request.query);
        void reply.header('Cache-Control', 'no-store');
        return watched().clock();
      },
    },
    {
      name: 'ConfirmClock', method: 'POST', path: '/log/clock/confirm',
      handle: async (request): Promise<LogClockView> => {
        const { actor } = requireAdministrator(request, theirs);
        noIfMatch(request);
        parseQuery(nothing, request.query);
        const { reason } = parseBody(confirmClockBody, jsonBodyOf(request));
        await watched().confirmClock({ by: actor.subject, reason });
        return watched().clock();
      },
    },
  ];
};
