import { batchBody, type CommandDefinition } from '@rectrail/tracking-app';
import { z } from 'zod';
import { commandQuery } from '../http/command.routes.ts';
import { feedDigestQuery, feedQuery, feedSnapshotQuery, feedStreamQuery } from '../http/feed.routes.ts';
import { deadLettersQuery } from '../http/dead-letter.routes.ts';
import { importQuery, undoBody, undoQuery } from '../http/import.routes.ts';
import { eventStreamMediaType } from '../http/event-stream.ts';
import { replayQuery } from '../http/replay.routes.ts';
import { jsonMediaType, ledgerMediaType } from '../http/body-parsers.ts';
import type { ReadDefinition } from '../http/read-table.ts';
import { apiPath } from '../http/table-routes.ts';
import { confirmClockBody } from '../http/clock.routes.ts';
import { skipBody, stopQuery } from '../http/projection.routes.ts';
import { deliveriesQuery, redeliverBody, replayBody, subscriptionsQuery } from '../http/subscription.routes.ts';
import { tokenBody, tokensQuery } from '../http/token.routes.ts';
import { problemTable } from '../problems/problem-table.ts';
import { commandExamples } from './command-examples.ts';
import { logOperations } from './log-operations.ts';
import { answer, answerComponents, answerSchemas, idParameter, jsonBody, jsonSchema, openApiPath, queryParameters, ref, refused, type Json } from './openapi-parts.ts';
import { outcomeSchemas } from './outcome-schemas.ts';
import { readExamples, replayExample } from './read-examples.ts';

export interface OpenApiOptions {
  readonly version: string;
  readonly commands: readonly CommandDefinition[];
  readonly reads: readonly ReadDefinition[];
}

const withPosition: Json = { 'Rectrail-Position': ref('headers/Position') };

/** One response a status, with an example of each code that the status stands for. */
const problemResponses = (): Json => {
  const byStatus = Object.groupBy(Object.entries(problemTable), ([, { status }]) => `Problem${status}`);
  return Object.fromEntries(Object.entries(byStatus).map(([name, entries = []]) => [name, {
    description: entries.map(([code]) => code).join(', '),
    content: {
      'application/problem+json': {
        schema: ref('schemas/Problem'),
        examples: Object.fromEntries(entries.map(([code, { status, title, titleZh, help }]) => [code, {
          summary: title,
          value: { type: `/problems/${code}`, title, titleZh, status, detail: help, instance: `${apiPath}/issues`, code, correlationId: '0198f3d2-0000-4000-8000-000000000000', errors: [] },
        }])),
      },
    },
  }]));
};

const tagOf = (path: string): string => path.split('/')[1] ?? '';
const operationId = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`;

const ifMatchParameter = (rule: CommandDefinition['ifMatch']): readonly Json[] =>
  (rule === 'none' ? [] : [{ name: 'If-Match', in: 'header', required: rule === 'required', schema: { type: 'string', examples: ['"7"'] }, description: 'ETag of the resource as it was read' }]);

const commandOperation = ({ name, path, summary, body, ifMatch }: CommandDefinition): Json => ({
  post: {
    operationId: operationId(name), summary, tags: [tagOf(path)],
    parameters: [...idParameter(path), ...queryParameters(commandQuery), ref('parameters/IdempotencyKey'), ...ifMatchParameter(ifMatch)],
    requestBody: jsonBody(ref(`schemas/${name}`), !body.safeParse({}).success, commandExamples[name]),
    responses: { 200: ref('responses/CommandDone'), 201: ref('responses/CommandCreated'), ...refused(400, 403, 404, 409, 412, 413, 415, 422, 428) },
  },
});

const readOperation = ({ name, path, summary, query }: ReadDefinition): Json => ({
  get: {
    operationId: `read${name}`, summary, tags: [tagOf(path)],
    parameters: [...idParameter(path), ...queryParameters(query)],
    responses: { 200: answer(`${summary}, with the cuts of the read in \`cut\``, answerSchemas[name], { ETag: ref('headers/ETag') }, readExamples[name]), ...refused(400, 403, 404, 422) },
  },
});

const importOperations: Json = {
  [`${apiPath}/imports`]: {
    post: {
      operationId: 'importLedger', tags: ['imports'], summary: 'Import a ledger, all or nothing',
      description: `With \`Accept: ${ledgerMediaType}\` the answer is lines: \`{"progress": …}\` while it runs, then \`{"result": …}\` or \`{"problem": …}\`.`,
      parameters: [...queryParameters(importQuery), ref('parameters/IdempotencyKey')],
      requestBody: { required: true, content: { [ledgerMediaType]: { schema: { type: 'string', description: 'rectrail.ledger/1, docs/reference/ledger.md' } } } },
      responses: { 200: answer('What the rows came to', answerSchemas.Import, withPosition), ...refused(400, 403, 409, 413, 415, 422) },
    },
    get: { operationId: 'readImports', tags: ['imports'], summary: 'Imports, newest first', responses: { 200: answer('Imports', answerSchemas.Imports), ...refused(400) } },
  },
  [`${apiPath}/imports/{id}/undo`]: {
    post: {
      operationId: 'undoImport', tags: ['imports'], summary: 'Take an import back as one unit',
      parameters: [...idParameter(':id'), ...queryParameters(undoQuery), ref('parameters/IdempotencyKey')],
      requestBody: jsonBody(jsonSchema(undoBody), true),
      responses: { 200: answer('What was retracted', answerSchemas.UndoImport, withPosition), ...refused(400, 403, 404, 409, 413, 415, 422) },
    },
  },
};

const replayOperation: Json = {
  [`${apiPath}/replay`]: {
    get: {
      operationId: 'replay', tags: ['replay'], summary: 'Progress from one day to another as a film: server-sent events',
      description: 'Events: `start` (ReplayStarted), a `frame` for each day (ReplayFrame), `end` with its reason (`complete` or `shutdown`), or `problem` (Problem). The id of a frame goes on behind it as `Last-Event-ID`.',
      parameters: [
        ...queryParameters(replayQuery),
        { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' }, description: 'Id of the last frame seen: the frames behind it follow, at the same position' },
      ],
      responses: {
        200: {
          description: 'A replay', headers: { 'X-Correlation-Id': ref('headers/CorrelationId') },
          content: { [eventStreamMediaType]: { schema: { type: 'string', contentSchema: answerSchemas.Replay }, example: replayExample } },
        },
        204: { description: 'Nothing follows the last frame seen' },
        ...refused(400, 403, 404, 422),
      },
    },
  },
};

const feedOperations: Json = {
  [`${apiPath}/feed`]: {
    get: {
      operationId: 'readFeed', tags: ['feed'], summary: 'Messages in the order of the log: every change of every subject, with its state afterwards',
      description: 'Each message is a structured CloudEvent; /asyncapi.json describes their data. Go on at `next`; with `wait` the answer comes with the first message, or empty when the time is over.',
      parameters: queryParameters(feedQuery), responses: { 200: answer('A page of messages', answerSchemas.Feed), ...refused(400, 403, 404, 409) },
    },
  },
  [`${apiPath}/feed/stream`]: {
    get: {
      operationId: 'followFeed', tags: ['feed'], summary: 'The same messages as server-sent events, those that come included',
      description: 'Events: `start` (FeedStarted), then every message without a name, `end` where the server stops, or `problem` (Problem). An id is a sequence: `Last-Event-ID` goes on behind it. An id without data says how far the log was looked through.',
      parameters: [
        ...queryParameters(feedStreamQuery),
        { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string', pattern: '^\\d{16}$' }, description: 'Id of the last event seen; goes before `after`' },
      ],
      responses: {
        200: {
          description: 'Messages without end', headers: { 'X-Correlation-Id': ref('headers/CorrelationId') },
          content: { [eventStreamMediaType]: { schema: { type: 'string', contentSchema: answerSchemas.FeedStream } } },
        },
        ...refused(400, 403, 404, 409),
      },
    },
  },
  [`${apiPath}/feed/snapshot`]: {
    get: {
      operationId: 'readFeedSnapshot', tags: ['feed'], summary: 'The state of every subject at a position, from where the feed goes on',
      parameters: queryParameters(feedSnapshotQuery), responses: { 200: answer('A page of subjects; the last one has the digest of all', answerSchemas.FeedSnapshot), ...refused(400, 403, 404, 409) },
    },
  },
  [`${apiPath}/feed/digest`]: {
    get: {
      operationId: 'readFeedDigest', tags: ['feed'], summary: 'The digest of the state at a position, which whoever followed the feed compares with their own',
      parameters: queryParameters(feedDigestQuery), responses: { 200: answer('The digest, or where its sum goes on', answerSchemas.FeedDigest), ...refused(400, 403, 404, 409) },
    },
  },
};

const tokenOperations: Json = {
  [`${apiPath}/tokens`]: {
    post: {
      operationId: 'issueToken', tags: ['tokens'], summary: 'Make a token (administrators); it is shown once',
      requestBody: jsonBody(jsonSchema(tokenBody), true),
      responses: { 201: answer('The token and its record', answerSchemas.IssueToken), ...refused(400, 403, 404, 415, 422) },
    },
    get: { operationId: 'readTokens', tags: ['tokens'], summary: 'Tokens without their secrets (administrators)', parameters: queryParameters(tokensQuery), responses: { 200: answer('Tokens', answerSchemas.Tokens), ...refused(400, 403) } },
  },
  [`${apiPath}/tokens/{id}`]: {
    delete: { operationId: 'revokeToken', tags: ['tokens'], summary: 'Revoke a token (administrators)', parameters: idParameter(':id'), responses: { 200: answer('The revoked token', answerSchemas.RevokeToken), ...refused(400, 403, 404) } },
  },
};

const projectionOperations: Json = {
  [`${apiPath}/projections`]: {
    get: { operationId: 'readProjections', tags: ['projections'], summary: 'How each projection stands (administrators)', responses: { 200: answer('Projections', answerSchemas.Projections), ...refused(400, 403) } },
  },
  [`${apiPath}/projections/{id}/rebuild`]: {
    post: {
      operationId: 'rebuild', tags: ['projections'], summary: 'Make the rows of a projection anew beside those that are read, in the background, or go on with that (administrators)',
      parameters: idParameter(':id'), responses: { 202: answer('It is under way', answerSchemas.Rebuild), ...refused(400, 403, 404, 409, 415) },
    },
    delete: {
      operationId: 'stopRebuild', tags: ['projections'], summary: 'Stop a rebuild until it is asked for again (administrators)',
      parameters: [...idParameter(':id'), ...queryParameters(stopQuery)], responses: { 200: answer('It is stopped, or stops at its next step on another server', answerSchemas.StopRebuild), ...refused(400, 403, 404) },
    },
  },
  [`${apiPath}/log/clock`]: {
    get: { operationId: 'readLogClock', tags: ['log'], summary: 'How the clock stands that stamps the events (administrators)', responses: { 200: answer('The clock', answerSchemas.LogClock), ...refused(400, 403, 409) } },
  },
  [`${apiPath}/log/clock/confirm`]: {
    post: {
      operationId: 'confirmLogClock', tags: ['log'], summary: 'Say that a clock which has leapt ahead is right as it is: events are stored again (administrators)',
      requestBody: jsonBody(jsonSchema(confirmClockBody), true), responses: { 200: answer('The clock', answerSchemas.ConfirmClock), ...refused(400, 403, 409, 415) },
    },
  },
  [`${apiPath}/projections/{id}/skip`]: {
    post: {
      operationId: 'skipEvent', tags: ['projections'], summary: 'Let a projection leave out, for good, the event at which it stands stopped (administrators)',
      parameters: idParameter(':id'), requestBody: jsonBody(jsonSchema(skipBody), true), responses: { 200: answer('It goes on', answerSchemas.SkipEvent), ...refused(400, 403, 404, 409, 415, 422) },
    },
  },
};

const subscriptionAct = (name: string, summary: string, done: Json, body?: z.ZodType): Json => ({
  post: {
    operationId: operationId(name), tags: ['subscriptions'], summary, parameters: idParameter(':id'), ...(body && { requestBody: jsonBody(jsonSchema(body), true) }),
    responses: { 200: done, ...refused(400, 403, 404, 409, 415, 422) },
  },
});
const subscriptionPath = openApiPath('/subscriptions/:id');
const subscriptionReads: Json = {
  get: { operationId: 'readSubscriptions', tags: ['subscriptions'], summary: 'Who gets webhooks, and how far each has come', parameters: queryParameters(subscriptionsQuery), responses: { 200: answer('Subscriptions', answerSchemas.Subscriptions), ...refused(400, 403) } },
};
const subscriptionOperations: Json = {
  [subscriptionPath]: {
    get: {
      operationId: 'readSubscription', tags: ['subscriptions'], summary: 'A subscription with its public keys; no secret', parameters: idParameter(':id'),
      responses: { 200: answer('The subscription', answerSchemas.Subscription, { ETag: ref('headers/ETag') }), ...refused(400, 403, 404) },
    },
  },
  [`${subscriptionPath}/deliveries`]: {
    get: {
      operationId: 'readDeliveries', tags: ['subscriptions'], summary: 'What was sent and what came back, the newest first; kept for 30 days', parameters: [...idParameter(':id'), ...queryParameters(deliveriesQuery)],
      responses: { 200: answer('Attempts', answerSchemas.Deliveries), ...refused(400, 403, 404) },
    },
  },
  [`${subscriptionPath}/reveal-secret`]: subscriptionAct('RevealSecret', 'The secret of the newest key, once', answer('The secret', answerSchemas.RevealSecret)),
  [`${subscriptionPath}/redeliver`]: subscriptionAct('Redeliver', 'Send what was delivered at a position once more, with the same `webhook-id`', answer('The attempts', answerSchemas.Redeliver), redeliverBody),
  [`${subscriptionPath}/replay`]: subscriptionAct('ReplaySubscription', 'Deliver everything behind a position', answer('The subscription, from there on', answerSchemas.ReplaySubscription), replayBody),
  [`${subscriptionPath}/ping`]: subscriptionAct('Ping', 'Send a test that is no event', answer('The attempt', answerSchemas.Ping)),
};

const deadLetterOperations: Json = {
  [`${apiPath}/dead-letters`]: {
    get: {
      operationId: 'readDeadLetters', tags: ['dead-letters'], summary: 'Records of Kafka that were no request, newest first (administrators)',
      parameters: queryParameters(deadLettersQuery), responses: { 200: answer('Dead letters', answerSchemas.DeadLetters), ...refused(400, 403, 409) },
    },
  },
  [`${apiPath}/dead-letters/{id}`]: {
    get: {
      operationId: 'readDeadLetter', tags: ['dead-letters'], summary: 'A dead letter with its headers and its value (administrators)',
      parameters: idParameter(':id'), responses: { 200: answer('The dead letter', answerSchemas.DeadLetter), ...refused(400, 403, 404, 409) },
    },
  },
  [`${apiPath}/dead-letters/{id}/replay`]: {
    post: {
      operationId: 'replayDeadLetter', tags: ['dead-letters'], summary: 'Put a dead letter back as a command of the caller (administrators); its reply goes to the topic of replies',
      parameters: idParameter(':id'), responses: { 202: answer('It is put back', answerSchemas.ReplayDeadLetter), ...refused(400, 403, 404, 409, 415) },
    },
  },
};

const batchOperation: Json = {
  post: {
    operationId: 'batch', tags: ['commands'], summary: 'Up to 500 commands in one append, all or nothing',
    parameters: [...queryParameters(commandQuery), ref('parameters/IdempotencyKey')],
    requestBody: jsonBody(jsonSchema(batchBody), true, commandExamples['Batch']),
    responses: { 200: answer('One result a command, in order', ref('schemas/BatchAnswer'), withPosition), ...refused(400, 403, 404, 409, 412, 413, 415, 422, 428) },
  },
};

const open = (operation: Json): Json => ({ get: { ...operation, security: [] } });
const operationPaths: Json = {
  '/health/live': open({ operationId: 'live', tags: ['operation'], summary: 'Whether the process answers', responses: { 200: answer('It does', { type: 'object', required: ['status'], properties: { status: { const: 'live' } } }) } }),
  '/health/ready': open({ operationId: 'ready', tags: ['operation'], summary: 'Whether database and read models are ready', responses: { 200: answer('Ready', ref('schemas/Readiness')), 503: answer('Not ready', ref('schemas/Readiness')) } }),
  '/health': {
    get: {
      operationId: 'health', tags: ['operation'], summary: 'The same with every projection; why one has stopped is told to administrators alone', security: [{}, { token: [] }],
      responses: { 200: answer('Ready', ref('schemas/Health')), 503: answer('Not ready', ref('schemas/Health')), 401: ref('responses/Problem401') },
    },
  },
  '/openapi.json': open({ operationId: 'openapi', tags: ['operation'], summary: 'This document', responses: { 200: answer('OpenAPI 3.1', { type: 'object' }) } }),
  '/asyncapi.json': open({ operationId: 'asyncapi', tags: ['operation'], summary: 'The messages that leave, with their channels and schemas', responses: { 200: answer('AsyncAPI 3.1', { type: 'object' }) } }),
  '/schemas/{id}': open({ operationId: 'messageSchema', tags: ['operation'], summary: 'What the data of a message hold; `dataschema` of a message names it', parameters: idParameter(':id'), responses: { 200: { description: 'JSON Schema', content: { 'application/schema+json': { schema: { type: 'object' } } } }, 404: ref('responses/Problem404') } }),
  '/problems/{id}': open({ operationId: 'problem', tags: ['operation'], summary: 'What a problem means and what to do', parameters: idParameter(':id'), responses: { 200: { description: 'Markdown', content: { 'text/markdown': { schema: { type: 'string' } } } }, 404: ref('responses/Problem404') } }),
  '/metrics': { get: { operationId: 'metrics', tags: ['operation'], summary: 'Prometheus metrics', responses: { 200: { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } }, ...refused() } } },
};

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'titleZh', 'status', 'detail', 'instance', 'code', 'correlationId', 'errors'],
  properties: {
    type: { type: 'string' }, title: { type: 'string' }, titleZh: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' }, instance: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemTable) }, correlationId: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', required: ['detail'], properties: { pointer: { type: 'string' }, parameter: { type: 'string' }, header: { type: 'string' }, line: { type: 'integer' }, key: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } } },
    },
  },
};

const commandAnswer = (description: string, headers: Json): Json => ({
  description,
  headers: { 'X-Correlation-Id': ref('headers/CorrelationId'), ETag: ref('headers/ETag'), 'Rectrail-Position': ref('headers/Position'), ...headers },
  content: { [jsonMediaType]: { schema: ref('schemas/CommandAnswer') } },
});

/** The whole public interface, made from the tables that also make the routes. */
export const openApiDocument = ({ version, commands, reads }: OpenApiOptions): Json => {
  const paths: Record<string, Json> = {};
  for (const command of commands) paths[openApiPath(command.path)] = commandOperation(command);
  paths[openApiPath('/subscriptions')] = { ...paths[openApiPath('/subscriptions')], ...subscriptionReads };
  for (const read of reads) paths[openApiPath(read.path)] = { ...paths[openApiPath(read.path)], ...readOperation(read) };
  return {
    openapi: '3.1.0',
    info: { title: 'Rectrail', version, description: 'Tracking of the rectification of inspection issues, readable as of any date.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ token: [] }],
    paths: { ...paths, [`${apiPath}/commands`]: batchOperation, ...replayOperation, ...feedOperations, ...logOperations, ...importOperations, ...tokenOperations, ...projectionOperations, ...deadLetterOperations, ...subscriptionOperations, ...operationPaths },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'rct_<id>_<secret>' } },
      schemas: { ...answerComponents, Problem: problemSchema, ...outcomeSchemas, ...Object.fromEntries(commands.map(({ name, body }) => [name, jsonSchema(body)])) },
      parameters: { IdempotencyKey: { name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', minLength: 1, maxLength: 200 }, description: 'Makes a retry answer as the first request did; remembered for RECTRAIL_IDEMPOTENCY_HOURS, 24 by default' } },
      headers: {
        CorrelationId: { schema: { type: 'string' }, description: 'Of the request; given by the caller in X-Correlation-Id, or made' },
        ETag: { schema: { type: 'string' }, description: 'Version of the resource, for If-Match' },
        Position: { schema: { type: 'integer' }, description: 'Log position reached; for `atLeast` of a read' },
      },
      responses: {
        CommandDone: commandAnswer('Done', {}),
        CommandCreated: commandAnswer('Made', { Location: { schema: { type: 'string' }, description: 'Where it is read' } }),
        ...problemResponses(),
      },
    },
  };
};
