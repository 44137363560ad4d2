import { Readable } from 'node:stream';
import { bundleEvent, bundleLine, eventsPerFile } from '@rectrail/audit';
import { isPurged, type EventStore, type StoredEvent } from '@rectrail/event-store';
import { position, type Classification, type Position } from '@rectrail/kernel';
import { z } from 'zod';
import { requireAdministrator } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { parseQuery, positionParameter } from './query-parameters.ts';
import type { TableRoute } from './table-routes.ts';

export const contentsMediaType = 'application/x-ndjson';

export const contentsQuery = z.strictObject({
  after: positionParameter.optional().describe('Events behind this position; default 0, the beginning'),
  limit: z.string().regex(/^[1-9]\d{0,8}$/, 'a whole number from 1 on').transform(Number).optional().describe(`1 to ${eventsPerFile}, the default; coerced, not refused. Fewer come where they are long: an answer ends behind some 64 MiB`),
  audience: z.enum(['everything', 'public']).optional().describe('`public` withholds every content that is not classified as public; default: everything'),
});

export interface ContentsRoutesOptions {
  readonly store: Pick<EventStore, 'identity' | 'head' | 'readAll'>;
  /** An answer ends behind the page of the store that goes beyond so many bytes, since whoever reads it holds it whole; default 64 MiB. */
  readonly answerBytesMax?: number;
}

const theirs = 'contents leave the log as a whole for administrators alone';

const isPublic = (event: StoredEvent): boolean => {
  if (isPurged(event)) return false;
  // Written by this store; a class that is none of ours is not public.
  const { classification } = JSON.parse(event.content) as { readonly classification?: Classification };
  return classification === 'public';
};

/** As many lines as there are events up to `upTo`, or fewer where they are long; a page of the store at a time, as fast as they are taken. */
export const linesBehind = async function* (
  { store, answerBytesMax = 64 << 20 }: ContentsRoutesOptions, after: Position, upTo: Position, isShown: (event: StoredEvent) => boolean,
): AsyncGenerator<string> {
  const identity = await store.identity();
  let bytes = 0;
  for (let at = after; at < upTo && bytes < answerBytesMax;) {
    const { events } = await store.readAll({ after: at, limit: upTo - at });
    if (events.length === 0) throw new Error(`the log ends at ${at}, before ${upTo}, which was its head`);
    const lines = events.map((event) => bundleLine(bundleEvent(event, identity, isShown(event)))).join('');
    bytes += Buffer.byteLength(lines);
    yield lines;
    at = events.at(-1)?.position ?? upTo;
  }
};

/** The events themselves, for an export (docs/reference/bundle.md): leaf and content of each as they are hashed. */
export const contentsRoutes = (options: ContentsRoutesOptions): readonly TableRoute[] => [{
  name: 'LogContents', method: 'GET', path: '/log/contents',
  handle: async (request, reply) => {
    requireAdministrator(request, theirs);
    const { after = position(0), limit = eventsPerFile, audience = 'everything' } = parseQuery(contentsQuery, request.query);
    const { position: head } = await options.store.head();
    if (after > head) throw new HttpProblem('position-ahead', `the head of the log is ${head}`, { errors: [{ parameter: 'after', detail: `the head of the log is ${head}` }] });
    const upTo = position(Math.min(head, after + Math.min(limit, eventsPerFile)));
    void reply.header('Cache-Control', 'no-store').type(contentsMediaType);
    return Readable.from(linesBehind(options, after, upTo, audience === 'public' ? isPublic : () => true));
  },
}];
