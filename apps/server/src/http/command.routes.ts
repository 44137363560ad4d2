import { commandSpanId, inSpan, isTraceId, type Metrics, type SpanStart, type Tracing } from '@rectrail/platform';
import { type CommandDefinition, type CommandIdentity, type CommandOutcome, type CommandReply, type CommandService } from '@rectrail/tracking-app';
import type { CommandId } from '@rectrail/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { principalOf } from './fastify-server.ts';
import { flagParameter, parseQuery } from './query-parameters.ts';
import { apiPath, idOf, type TableRoute } from './table-routes.ts';
import { etagOf, ifMatchOf, jsonBodyOf, noIfMatch, type WriteRequests } from './write-request.ts';

export interface CommandRoutesOptions {
  /** Asked for at each call: the service is made with the routes. */
  readonly commands: () => CommandService;
  readonly writes: WriteRequests;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly definitions: readonly CommandDefinition[];
}

export const commandQuery = z.strictObject({ dryRun: flagParameter.optional().describe('`true`: all checks, nothing stored') });

const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'internal');

export const timed = async <T>(metrics: Metrics, command: string, work: () => Promise<T>): Promise<T> => {
  const stop = metrics.commandSeconds.startTimer({ command });
  try {
    const result = await work();
    stop({ outcome: 'accepted' });
    return result;
  } catch (error) {
    stop({ outcome: codeOf(error) });
    throw error;
  }
};

/** Its id follows from the command's, so that whoever passes an event on continues the trace here. */
export const commandSpan = (name: string, { commandId, correlationId }: CommandIdentity): SpanStart => ({
  name, kind: 'internal', attributes: { 'rectrail.command': name, 'rectrail.command_id': commandId },
  ...(isTraceId(correlationId) && { spanId: commandSpanId(correlationId, commandId) }),
});

const body = ({ id, created, streamVersion, location, extra }: CommandReply): Readonly<Record<string, unknown>> =>
  ({ ...extra, id, created, streamVersion, location: location === null ? null : `${apiPath}${location}` });

const tellPosition = (reply: FastifyReply, { position }: CommandOutcome): void => {
  if (position !== null) void reply.header('Rectrail-Position', String(position));
};

const resultOf = ({ results: [result] }: CommandOutcome): CommandReply => {
  if (result === undefined) throw new Error('a command without a result');
  return result;
};

/** The body of an answer to one command, and of one to a batch. */
export const commandAnswer = (outcome: CommandOutcome): Readonly<Record<string, unknown>> =>
  ({ ...body(resultOf(outcome)), commandId: outcome.commandId, position: outcome.position, dryRun: outcome.dryRun });
export const batchAnswer = ({ commandId, position, dryRun, results }: CommandOutcome): Readonly<Record<string, unknown>> =>
  ({ commandId, position, dryRun, results: results.map(body) });

const answerOne = (reply: FastifyReply, outcome: CommandOutcome): unknown => {
  const result = resultOf(outcome);
  tellPosition(reply, outcome);
  void reply.header('ETag', etagOf(result.streamVersion));
  if (result.created && !outcome.dryRun) {
    void reply.status(201);
    if (result.location !== null) void reply.header('Location', `${apiPath}${result.location}`);
  }
  return commandAnswer(outcome);
};

const dryRunOf = (request: FastifyRequest): boolean => parseQuery(commandQuery, request.query).dryRun ?? false;

/** `POST` for every row of the command table, and the batch of them. */
export const commandRoutes = ({ commands, writes, metrics, tracing, definitions }: CommandRoutesOptions): readonly TableRoute[] => {
  type Execute = (identity: CommandIdentity) => Promise<CommandOutcome>;
  const traced = (name: string, request: FastifyRequest, dryRun: boolean, execute: Execute) => (commandId: CommandId): Promise<CommandOutcome> => {
    const identity = { commandId, correlationId: request.id, actor: principalOf(request).actor, dryRun };
    return inSpan(tracing, () => commandSpan(name, identity), () => execute(identity));
  };
  return [
    ...definitions.map((definition): TableRoute => ({
      name: definition.name,
      method: definition.method,
      path: definition.path,
      handle: async (request, reply) => {
        if (definition.ifMatch === 'none') noIfMatch(request);
        const call = { definition, target: { id: definition.stream === null ? null : idOf(request), ifMatch: ifMatchOf(request) }, body: jsonBodyOf(request) };
        const dryRun = dryRunOf(request);
        const run = traced(definition.name, request, dryRun, (identity) => commands().execute(call, identity));
        return answerOne(reply, await timed(metrics, definition.name, () => writes.carryOut(request, run)));
      },
    })),
    {
      name: 'Batch',
      method: 'POST',
      path: '/commands',
      handle: async (request, reply) => {
        noIfMatch(request);
        const received = jsonBodyOf(request);
        const dryRun = dryRunOf(request);
        const run = traced('Batch', request, dryRun, (identity) => commands().executeBatch(received, identity));
        const outcome = await timed(metrics, 'Batch', () => writes.carryOut(request, run));
        tellPosition(reply, outcome);
        return batchAnswer(outcome);
      },
    },
  ];
};
