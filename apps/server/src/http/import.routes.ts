import { PassThrough } from 'node:stream';
import type { CommandId } from '@rectrail/kernel';
import type { Logger } from '@rectrail/platform';
import { parseBody, type ImportProgress, type ImportRequest, type ImportResult, type ImportService } from '@rectrail/tracking-app';
import { wire } from '@rectrail/tracking-domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ledgerMediaType } from './body-parsers.ts';
import { principalOf } from './fastify-server.ts';
import { problemOf } from './problem.filter.ts';
import { flagParameter, parseQuery } from './query-parameters.ts';
import { idOf, type TableRoute } from './table-routes.ts';
import { jsonBodyOf, ledgerBodyOf, noIfMatch, type WriteRequests } from './write-request.ts';

export interface ImportRoutesOptions {
  readonly imports: ImportService;
  readonly writes: WriteRequests;
  readonly logger: Logger;
}

export const importQuery = z.strictObject({
  dryRun: flagParameter.optional().describe('`true`: all checks and per-row results, nothing stored'),
  complete: flagParameter.optional().describe('`true`: the file is the whole document; rows that it leaves out are retracted'),
});
export const undoBody = z.strictObject({
  reason: wire.freeText.describe('Why the import is taken back'),
  withDependents: z.boolean().optional().describe('Retract what builds upon the import too'),
});
export const undoQuery = z.strictObject({ dryRun: flagParameter.optional() });
const listQuery = z.strictObject({});

/** Least time between two progress lines, milliseconds: a person reads them. */
const progressIntervalMs = 250;

/** Hands on at most one progress message an interval, and the first of each phase. */
const throttled = (send: (progress: ImportProgress) => void): ((progress: ImportProgress) => void) => {
  let phase = '';
  let sentAt = 0;
  return (progress) => {
    const now = Date.now();
    if (progress.phase === phase && now - sentAt < progressIntervalMs) return;
    phase = progress.phase;
    sentAt = now;
    send(progress);
  };
};

const tellPosition = (reply: FastifyReply, position: number | null): void => {
  if (position !== null) void reply.header('Rectrail-Position', String(position));
};

type Run = (onProgress: (progress: ImportProgress) => void) => Promise<ImportResult>;

/**
 * Lines of JSON: `{"progress": …}` while it runs, then `{"result": …}` or `{"problem": …}`. The status is 200 from the first
 * line on, so a reader looks at the last line.
 */
const stream = (run: Run, request: FastifyRequest, reply: FastifyReply, logger: Logger): PassThrough => {
  const lines = new PassThrough();
  const send = (line: Readonly<Record<string, unknown>>): void => { lines.write(`${JSON.stringify(line)}\n`); };
  run(throttled((progress) => { send({ progress }); }))
    .then((result) => { send({ result }); }, (error: unknown) => { send({ problem: problemOf(error, request, logger).document }); })
    .finally(() => { lines.end(); })
    .catch((error: unknown) => { logger.warn({ err: error, correlationId: request.id }, 'the reader of an import went away'); });
  void reply.type(ledgerMediaType).header('Cache-Control', 'no-store');
  return lines;
};

const wantsLines = (request: FastifyRequest): boolean => (request.headers.accept ?? '').split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === ledgerMediaType);

/** Imports of ledgers, their list, and taking one back. */
export const importRoutes = ({ imports, writes, logger }: ImportRoutesOptions): readonly TableRoute[] => [
  {
    name: 'Import',
    method: 'POST',
    path: '/imports',
    handle: async (request, reply) => {
      const { dryRun = false, complete = false } = parseQuery(importQuery, request.query);
      noIfMatch(request);
      const ledger = ledgerBodyOf(request);
      const { actor } = principalOf(request);
      const run: Run = (onProgress) => writes.carryOut(request, (commandId: CommandId) => {
        const order: ImportRequest = { commandId, correlationId: request.id, actor, ledger: [ledger], dryRun, complete, onProgress };
        return imports.run(order);
      });
      if (wantsLines(request)) return stream(run, request, reply, logger);
      const result = await run(() => undefined);
      tellPosition(reply, result.position);
      return result;
    },
  },
  {
    name: 'Imports',
    method: 'GET',
    path: '/imports',
    handle: async (request, reply) => {
      parseQuery(listQuery, request.query);
      void reply.header('Cache-Control', 'no-store');
      return { items: await imports.list(principalOf(request).actor) };
    },
  },
  {
    name: 'UndoImport',
    method: 'POST',
    path: '/imports/:id/undo',
    handle: async (request, reply) => {
      noIfMatch(request);
      const { dryRun = false } = parseQuery(undoQuery, request.query);
      const { reason, withDependents = false } = parseBody(undoBody, jsonBodyOf(request));
      const { actor } = principalOf(request);
      // An id that no import has is answered 404 by the service.
      const importId = idOf(request) as CommandId;
      const result = await writes.carryOut(request, (commandId) => imports.undo({ commandId, correlationId: request.id, actor, importId, reason, withDependents, dryRun }));
      tellPosition(reply, result.position);
      return result;
    },
  },
];
