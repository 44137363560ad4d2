import { epochBody, sightingBody } from '../http/epoch.routes.ts';
import { jsonMediaType } from '../http/body-parsers.ts';
import { contentsMediaType, contentsQuery } from '../http/contents.routes.ts';
import { cosignatureBody, logCheckpointQuery, logConsistencyQuery, logInclusionQuery } from '../http/log.routes.ts';
import { slipQuery } from '../http/slip.routes.ts';
import { apiPath } from '../http/table-routes.ts';
import { answer, answerSchemas, idParameter, jsonBody, jsonSchema, openApiPath, queryParameters, ref, refused, type Json } from './openapi-parts.ts';

const textAnswer = (description: string): Json => ({ description, headers: { 'X-Correlation-Id': ref('headers/CorrelationId') }, content: { 'text/plain': { schema: { type: 'string' } } } });
const tileAnswer: Json = { ...textAnswer('The tile'), content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };
/** The transparency log: for whoever does not trust its operator. */
export const logOperations: Json = {
  [openApiPath('/issues/:id/write-off-slip')]: {
    get: {
      operationId: 'readWriteOffSlip', tags: ['log'], summary: 'The write-off slip of an issue, with the proof that its write-off is in the log', parameters: [...idParameter(':id'), ...queryParameters(slipQuery)],
      responses: {
        200: { ...answer('The slip', answerSchemas.WriteOffSlip), content: { [jsonMediaType]: { schema: answerSchemas.WriteOffSlip }, 'text/plain': { schema: { type: 'string' } } } }, ...refused(400, 403, 404, 409, 503),
      },
    },
  },
  [`${apiPath}/log/checkpoint`]: {
    get: { operationId: 'readLogCheckpoint', tags: ['log'], summary: 'The newest signed head of the log, a signed note (C2SP tlog-checkpoint)', parameters: queryParameters(logCheckpointQuery), responses: { 200: textAnswer('The checkpoint'), ...refused(400, 409) } },
  },
  [`${apiPath}/log/cosignatures`]: {
    post: {
      operationId: 'cosignCheckpoint', tags: ['log'], summary: 'Hand in a checkpoint that a witness has cosigned (C2SP tlog-cosignature)', requestBody: jsonBody(jsonSchema(cosignatureBody), true),
      responses: { 200: textAnswer('The checkpoint with all cosignatures'), ...refused(400, 409, 415, 422, 503) },
    },
  },
  [`${apiPath}/log/key-announcements`]: {
    get: {
      operationId: 'readLogKeyAnnouncements', tags: ['log'], summary: 'By which each later key of the log was made known: notes that the key before has signed', responses: { 200: textAnswer('Signed notes'), ...refused(400) },
    },
  },
  [`${apiPath}/log/keys`]: {
    get: { operationId: 'readLogKeys', tags: ['log'], summary: 'The verifier keys of the log, one a line, the newest first', responses: { 200: textAnswer('Keys of signed notes'), ...refused(400) } },
  },
  [openApiPath('/log/proof/inclusion/:id')]: {
    get: {
      operationId: 'proveInclusion', tags: ['log'], summary: 'That the event at a position is in the log', description: 'With `.tlog-proof` behind the position: a file of C2SP tlog-proof with the checkpoint that it rests on.',
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[1-9]\\d{0,14}(\\.tlog-proof)?$' } }, ...queryParameters(logInclusionQuery)],
      responses: {
        200: { ...answer('The proof', answerSchemas.LogInclusion), content: { [jsonMediaType]: { schema: answerSchemas.LogInclusion }, 'text/plain': { schema: { type: 'string' } } } }, ...refused(400, 409),
      },
    },
  },
  [`${apiPath}/log/proof/consistency`]: {
    get: { operationId: 'proveConsistency', tags: ['log'], summary: 'That a later tree of the log goes on from an earlier one', parameters: queryParameters(logConsistencyQuery), responses: { 200: answer('The proof', answerSchemas.LogConsistency), ...refused(400, 409) } },
  },
  [`${apiPath}/log/epochs`]: {
    get: { operationId: 'readLogEpochs', tags: ['log'], summary: 'The epochs of the log, and whether it may be written to', responses: { 200: answer('The epochs', answerSchemas.LogEpochs), ...refused(400) } },
    post: {
      operationId: 'beginEpoch', tags: ['log'], summary: 'Go on from an older copy of the log, under another name (administrators)', requestBody: jsonBody(jsonSchema(epochBody), true),
      responses: { 201: answer('The epoch; every process is to start again', answerSchemas.BeginEpoch), ...refused(400, 403, 409, 415, 422) },
    },
  },
  [`${apiPath}/log/sightings`]: {
    post: {
      operationId: 'reportSighting', tags: ['log'], summary: 'Say what was seen of the log elsewhere: where it is more than there is here, the log becomes read-only (administrators)',
      requestBody: jsonBody(jsonSchema(sightingBody), true), responses: { 200: answer('Whether the log may be written to', answerSchemas.LogSighting), ...refused(400, 403, 415) },
    },
  },
  [`${apiPath}/log/contents`]: {
    get: {
      operationId: 'readLogContents', tags: ['log'], summary: 'Leaves and contents as they are hashed, one event a line (administrators)', description: 'The lines of a bundle (docs/reference/bundle.md). A content that is withheld or was purged is not there, its leaf is.',
      parameters: queryParameters(contentsQuery), responses: { 200: { ...textAnswer('The events'), content: { [contentsMediaType]: { schema: { type: 'string' } } } }, ...refused(400, 403, 409) },
    },
  },
  [`${apiPath}/log/tile/{path}`]: {
    get: {
      operationId: 'readLogTile', tags: ['log'], summary: 'A tile of hashes, or of leaves, which hold no contents (C2SP tlog-tiles)', description: '`path` has several parts: `0/x001/234`, `0/000.p/17`, `entries/000`.',
      parameters: [{ name: 'path', in: 'path', required: true, schema: { type: 'string' } }], responses: { 200: tileAnswer, ...refused(400, 404) },
    },
  },
};
