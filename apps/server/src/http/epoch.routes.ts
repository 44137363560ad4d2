import type { EventStore } from '@rectrail/event-store';
import { parseBody } from '@rectrail/tracking-app';
import { wire } from '@rectrail/tracking-domain';
import { LogFormatError } from '@rectrail/transparency';
import { z } from 'zod';
import type { BegunEpoch, Epochs } from '../log/epochs.ts';
import { standingText, type LogFence, type LogStanding } from '../log/log-fence.ts';
import { epochSeenMax, sightingOf, type Sighting } from '../log/sightings.ts';
import type { BegunEpochView, LogEpochs } from '../openapi/answer-types.ts';
import { isAdministrators, requireAdministrator } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { parseQuery } from './query-parameters.ts';
import { apiPath, type TableRoute } from './table-routes.ts';
import { jsonBodyOf } from './write-request.ts';

export interface EpochRoutesOptions {
  readonly epochs: Epochs;
  readonly fence: LogFence;
  readonly store: Pick<EventStore, 'identity' | 'head'>;
}

export const epochBody = z.strictObject({ reason: wire.freeText.describe('Why the log goes on from an older copy; it stands in the log for good') });
const checkpointCharsMax = 20_000;
export const sightingBody = z.union([
  z.strictObject({ checkpoint: z.string().min(1).max(checkpointCharsMax).describe('A signed checkpoint that somebody has kept') }),
  z.strictObject({
    position: z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe('Of an event that somebody has seen'), epoch: z.int().min(1).max(epochSeenMax).optional().describe('Of the log that it was seen in; default that of this one'),
  }),
]);
const nothing = z.strictObject({});

const theirs = 'whether an older copy of the log goes on is for administrators to say';

const standingView = ({ state, contradictions }: LogStanding): LogEpochs['standing'] => ({
  state, why: state === 'open' ? null : standingText({ state, contradictions }),
  seen: contradictions.map(({ sighting: { by, epoch, size, root }, reason }) => ({ by, epoch, size, root: root?.toString('base64') ?? null, reason })),
});

/** The reason is a person's words, for administrators alone. */
const begunView = ({ reason, ...begun }: BegunEpoch, withReason: boolean): BegunEpochView => ({ ...begun, ...(withReason && { reason }) });

/** Which epochs the log has had, whether it may be written to, and how an older copy of it goes on. */
export const epochRoutes = ({ epochs, fence, store }: EpochRoutesOptions): readonly TableRoute[] => {
  const seenOf = async (body: z.output<typeof sightingBody>): Promise<Sighting> => {
    const { logId, epoch } = await store.identity();
    if (!('checkpoint' in body)) return { epoch: body.epoch ?? epoch, size: body.position, root: null, by: 'operator' };
    const refuse = (detail: string): HttpProblem => new HttpProblem('validation-failed', detail, { errors: [{ pointer: '/checkpoint', detail }] });
    try {
      const { logId: of, ...sighting } = sightingOf(body.checkpoint, 'operator');
      if (of === logId) return sighting;
      throw refuse(`it is of the log ${of}, and this one is ${logId}`);
    } catch (error) {
      throw error instanceof LogFormatError ? refuse(error.message) : error;
    }
  };
  return [
    {
      name: 'LogEpochs', method: 'GET', path: '/log/epochs',
      handle: async (request, reply): Promise<LogEpochs> => {
        parseQuery(nothing, request.query);
        void reply.header('Cache-Control', 'no-store');
        const begun = await epochs.begun();
        return { ...await store.identity(), standing: standingView(fence.standing), begun: begun.map((epoch) => begunView(epoch, isAdministrators(request))) };
      },
    },
    {
      name: 'BeginEpoch', method: 'POST', path: '/log/epochs',
      handle: async (request, reply): Promise<BegunEpochView> => {
        const { actor } = requireAdministrator(request, theirs);
        const { reason } = parseBody(epochBody, jsonBodyOf(request));
        const begun = await epochs.begin({ actor, correlationId: request.id, reason });
        void reply.status(201).header('Location', `${apiPath}/log/epochs`).header('Cache-Control', 'no-store');
        return begunView(begun, true);
      },
    },
    {
      name: 'LogSighting', method: 'POST', path: '/log/sightings',
      handle: async (request, reply): Promise<LogEpochs['standing']> => {
        requireAdministrator(request, theirs);
        void reply.header('Cache-Control', 'no-store');
        return standingView(await fence.see([await seenOf(parseBody(sightingBody, jsonBodyOf(request)))]));
      },
    },
  ];
};
