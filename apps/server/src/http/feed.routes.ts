import { Readable } from 'node:stream';
import type { AccessControl } from '@rectrail/access';
import { position, type OrgId, type Position } from '@rectrail/kernel';
import { audiences, cloudEvent, nouns, sequenceOf, type MessageFeed, type MessageFilter, type MessageSlice, type ReadMessages, type SnapshotPage } from '@rectrail/messaging';
import type { Logger, Metrics } from '@rectrail/platform';
import { orgLevels } from '@rectrail/tracking-domain';
import type { TrackingQueries } from '@rectrail/tracking-read';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { FeedDigest, FeedPage, FeedSnapshot } from '../openapi/answer-types.ts';
import { eventStreamHeaders, eventStreamMediaType, lastEventId, type OpenStreams } from './event-stream.ts';
import { principalOf } from './fastify-server.ts';
import { feedEvents } from './feed-stream.ts';
import { HttpProblem } from './http-problem.ts';
import { problemOf } from './problem.filter.ts';
import { parseQuery, positionParameter, textParameter } from './query-parameters.ts';
import type { TableRoute } from './table-routes.ts';

const [waitSecondsMax, messagesDefault, messagesMax] = [60, 200, 1_000];
/** How long one request may sum up subjects before it hands on where it stands, milliseconds. */
const digestMs = 10_000;
const subjectsOfDigest = 1_000;
const [listMax, typeCharactersMax, cursorCharactersMax] = [50, 100, 4_000];

const listOf = <T>(one: z.ZodType<T, string>) => z.string().min(1).max(listMax * (typeCharactersMax + 1))
  .transform((text) => text.split(',')).pipe(z.array(one).min(1).max(listMax));

const narrowed = {
  audience: z.enum(audiences).optional().describe('`internal`, the default: what authorities may know; `public`: public facts alone'),
  org: textParameter(200).optional().describe('Id or code of an organisation: it and all below it; default all that the token may read'),
  noun: listOf(z.enum(nouns)).optional().describe(`By commas, of ${nouns.join(', ')}`),
  level: listOf(z.enum(orgLevels)).optional().describe('Levels of the owner, by commas: province,city,county'),
};
const behind = { after: positionParameter.optional().describe('The messages behind this position; default 0, from the beginning') };
const type = { type: listOf(z.string().max(typeCharactersMax).regex(/^[a-z0-9.-]+$/, 'a type such as rectrail.issue.accepted.v1')).optional().describe('Types of messages, by commas: rectrail.issue.accepted.v1') };
const at = {
  at: positionParameter.optional().describe('Position; default the head'),
  cursor: z.string().max(cursorCharactersMax).optional().describe('That of `next`'),
};
const limitOf = (what: string) => z.string().regex(/^-?\d{1,9}$/, 'a whole number').transform((text) => Math.min(Math.max(Number(text), 1), messagesMax)).optional()
  .describe(`${what} of a page, 1 to ${messagesMax}, default ${messagesDefault}; coerced, not refused`);

export const feedQuery = z.strictObject({
  ...behind, limit: limitOf('Messages'),
  wait: z.string().regex(/^\d{1,2}$/, 'a whole number of seconds').transform(Number).refine((seconds) => seconds <= waitSecondsMax, `at most ${waitSecondsMax}`).optional()
    .describe(`Seconds to wait for a message where there is none, at most ${waitSecondsMax}; default 0`),
  ...narrowed, ...type,
});
export const feedStreamQuery = z.strictObject({ ...behind, ...narrowed, ...type });
export const feedSnapshotQuery = z.strictObject({ ...at, limit: limitOf('Subjects'), ...narrowed });
export const feedDigestQuery = z.strictObject({ ...at, ...narrowed });

type Narrowed = Pick<z.output<typeof feedQuery>, 'audience' | 'org' | 'noun' | 'type' | 'level'>;

export interface FeedRoutesOptions {
  readonly feed: MessageFeed;
  readonly queries: TrackingQueries;
  readonly access: AccessControl;
  readonly readers: OpenStreams;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The subtree that is told of: `org`, if the caller may read it, else the caller's own. @throws ReadRejected `unknown-organisation`, `outside-jurisdiction` */
const subtreeOf = async (queries: TrackingQueries, within: OrgId | null, org: string | undefined): Promise<OrgId | null> =>
  (org === undefined ? within : (await queries.organisation(org, { within })).organisation.orgId);

/** What is selected; without a filter where that is everything, since a filtered read looks ahead for its messages. */
const filterOf = async ({ queries }: FeedRoutesOptions, within: OrgId | null, { org, noun, type: types, level }: Narrowed): Promise<{ readonly filter?: MessageFilter }> => {
  const subtree = await subtreeOf(queries, within, org);
  const filter = {
    ...(noun && { nouns: noun }), ...(types && { types }), ...(level && { levels: level }), ...(subtree !== null && { subtreeOf: subtree }), ...(within !== null && { within }),
  };
  return Object.keys(filter).length === 0 ? {} : { filter };
};

/** @throws HttpProblem `position-ahead` */
const notAhead = (asked: Position, head: Position, parameter: 'after' | 'at'): Position => {
  if (asked <= head) return asked;
  const detail = `${asked} lies beyond the head ${head}`;
  throw new HttpProblem('position-ahead', detail, { errors: [{ parameter, detail }] });
};

/** The same path and parameters from another place on. */
const onwards = (request: FastifyRequest, from: Readonly<Record<string, string>>): string => {
  const { pathname, searchParams } = new URL(request.url, 'http://rectrail');
  for (const [name, value] of Object.entries(from)) searchParams.set(name, value);
  return `${pathname}?${searchParams.toString()}`;
};

/** The first slice that holds a message; an empty one at the time, or once the server stops. */
const awaited = async (feed: MessageFeed, options: ReadMessages, waitMs: number, signal: AbortSignal): Promise<MessageSlice> => {
  let scannedTo = options.after;
  for await (const slice of feed.follow({ ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(waitMs)]) })) {
    if (slice.messages.length > 0) return slice;
    ({ scannedTo } = slice);
  }
  return { messages: [], scannedTo };
};

/** The sequence of the last message that a reader saw, who comes back behind it. @throws HttpProblem `validation-failed` */
const seenBy = (request: FastifyRequest): Position | undefined => {
  const id = lastEventId(request);
  if (id === undefined) return undefined;
  if (!/^\d{16}$/.test(id) || !Number.isSafeInteger(Number(id))) {
    throw new HttpProblem('validation-failed', 'Last-Event-ID is no id of this stream', { errors: [{ header: 'Last-Event-ID', detail: 'an id that this stream has given: 16 digits' }] });
  }
  return position(Number(id));
};

const noStore = (reply: FastifyReply): void => { void reply.header('Cache-Control', 'no-store'); };

const page = (options: FeedRoutesOptions): TableRoute => ({
  name: 'Feed',
  method: 'GET',
  path: '/feed',
  handle: async (request, reply): Promise<FeedPage> => {
    const { feed, queries, access, metrics } = options;
    const query = parseQuery(feedQuery, request.query);
    const { audience = 'internal', wait = 0, limit = messagesDefault } = query;
    const head = await feed.head();
    const after = notAhead(query.after ?? position(0), head, 'after');
    const read: ReadMessages = { after, audience, limit, ...await filterOf(options, principalOf(request).actor.orgId, query) };
    const { messages, scannedTo } = wait === 0 ? await feed.read(read) : await awaited(feed, read, wait * 1_000, options.readers.begin(reply.raw, principalOf(request).tokenId));
    // A token may be revoked, and the tree may change, during the wait.
    if (wait > 0) await subtreeOf(queries, (await access.authenticate(request.headers.authorization)).actor.orgId, query.org);
    metrics.feedMessages.inc({ way: 'page' }, messages.length);
    noStore(reply);
    const source = await feed.source();
    return {
      source, messages: messages.map((message) => cloudEvent(message, source)), scannedTo, head: position(Math.max(head, scannedTo)),
      next: onwards(request, { after: String(scannedTo) }),
    };
  },
});

const stream = (options: FeedRoutesOptions): TableRoute => ({
  name: 'FeedStream',
  method: 'GET',
  path: '/feed/stream',
  handle: async (request, reply) => {
    const { feed, access, metrics, logger } = options;
    const query = parseQuery(feedStreamQuery, request.query);
    const from = notAhead(seenBy(request) ?? query.after ?? position(0), await feed.head(), 'after');
    const filtered = await filterOf(options, principalOf(request).actor.orgId, query);
    const signal = options.readers.begin(reply.raw, principalOf(request).tokenId);
    void reply.headers(eventStreamHeaders).type(eventStreamMediaType);
    return Readable.from(feedEvents({
      feed, signal,
      // What lies ready for a slow reader stays small.
      options: { after: from, audience: query.audience ?? 'internal', limit: messagesDefault, ...filtered },
      // A token may be revoked, and the tree may change, while a stream is open.
      check: async () => subtreeOf(options.queries, (await access.authenticate(request.headers.authorization)).actor.orgId, query.org),
      onMessages: (count) => { metrics.feedMessages.inc({ way: 'stream' }, count); },
      problemOf: (error) => problemOf(error, request, logger).document,
    }));
  },
});

type SnapshotQuery = z.output<typeof feedDigestQuery>;

interface StateAt {
  readonly at: Position;
  readonly pageBehind: (cursor: string | null, limit: number) => Promise<SnapshotPage>;
}

/** The state at one position, page by page. @throws HttpProblem `position-ahead` */
const stateAt = async (request: FastifyRequest, options: FeedRoutesOptions, query: SnapshotQuery): Promise<StateAt> => {
  const { feed } = options;
  const head = await feed.head();
  const place = notAhead(query.at ?? head, head, 'at');
  const filtered = await filterOf(options, principalOf(request).actor.orgId, query);
  return { at: place, pageBehind: (cursor, limit) => feed.snapshot({ at: place, audience: query.audience ?? 'internal', limit, cursor, ...filtered }) };
};

const nextOf = (request: FastifyRequest, at: Position, cursor: string | null): string | null => (cursor === null ? null : onwards(request, { at: String(at), cursor }));

const snapshot = (options: FeedRoutesOptions): TableRoute => ({
  name: 'FeedSnapshot',
  method: 'GET',
  path: '/feed/snapshot',
  handle: async (request, reply): Promise<FeedSnapshot> => {
    const query = parseQuery(feedSnapshotQuery, request.query);
    const { at, pageBehind } = await stateAt(request, options, query);
    const { subjects, next, digest } = await pageBehind(query.cursor ?? null, query.limit ?? messagesDefault);
    noStore(reply);
    return {
      source: await options.feed.source(), at, next: nextOf(request, at, next), digest,
      subjects: subjects.map(({ position: last, ...subject }) => ({ ...subject, sequence: sequenceOf(last) })),
    };
  },
});

const digest = (options: FeedRoutesOptions): TableRoute => ({
  name: 'FeedDigest',
  method: 'GET',
  path: '/feed/digest',
  handle: async (request, reply): Promise<FeedDigest> => {
    const query = parseQuery(feedDigestQuery, request.query);
    const { at, pageBehind } = await stateAt(request, options, query);
    const signal = options.readers.begin(reply.raw, principalOf(request).tokenId);
    const untilMs = performance.now() + digestMs;
    let summed = await pageBehind(query.cursor ?? null, subjectsOfDigest);
    while (summed.next !== null && !signal.aborted && performance.now() < untilMs) summed = await pageBehind(summed.next, subjectsOfDigest);
    noStore(reply);
    return { source: await options.feed.source(), at, digest: summed.digest, next: nextOf(request, at, summed.next) };
  },
});

/** What left the log for others: the messages in order, as pages and as a stream, and the state that they come to at a position. */
export const feedRoutes = (options: FeedRoutesOptions): readonly TableRoute[] => [page(options), stream(options), snapshot(options), digest(options)];
