import type { CommandReply, CommandRequest, NotARequest, RecordPlace } from './command-gateway.ts';
import type { OutgoingRecord } from './publisher.ts';

/** A record as it was read. */
export interface ReceivedRecord extends RecordPlace {
  /** ms since 1970, as decimal text. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Kafka allows a name twice. */
  readonly headers?: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[] | undefined>>;
}

/** Longest key, as over HTTP, and longest token or ticket. */
const keyCharactersMax = 200;
const authorizationCharactersMax = 500;
/** Of a reply's and of a dead letter's value: a broker takes records up to 1 MiB unless it is told otherwise, and one that it does not take would stop the partition. */
const sentBytesMax = 900_000;
const recordKeyBytesMax = 1_000;
/** Of the headers that a dead letter keeps, and of a trace's that a reply has. */
const headersKeptMax = 32;
const headerNameCharactersMax = 100;
const headerValueCharactersMax = 1_000;

export const deadLetterHeader = {
  reason: 'rectrail-dead-letter-reason',
  detail: 'rectrail-dead-letter-detail',
  topic: 'rectrail-dead-letter-topic',
  partition: 'rectrail-dead-letter-partition',
  offset: 'rectrail-dead-letter-offset',
  at: 'rectrail-dead-letter-at',
  /** Bytes of a value that was too large to be kept. */
  bytes: 'rectrail-dead-letter-bytes',
} as const;

const textOf = (value: string | Buffer): string => (typeof value === 'string' ? value : value.toString('utf8'));

/** A record's headers by lower-case name, the first of each. */
const headersOf = ({ headers = {} }: ReceivedRecord): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? (value as readonly (string | Buffer)[])[0] : value as string | Buffer | undefined;
    if (first !== undefined && !found.has(name.toLowerCase())) found.set(name.toLowerCase(), textOf(first));
  }
  return found;
};

const no = (reason: string, detail: string): NotARequest => ({ reason, detail });

/** The request that a record holds, or why it holds none. */
export const readCommandRecord = (record: ReceivedRecord, bytesMax: number): CommandRequest | NotARequest => {
  const headers = headersOf(record);
  const { key, value } = record;
  if (value === null || value.length === 0) return no('body-malformed', 'the record has no value');
  if (value.length > bytesMax) return no('body-too-large', `the value has ${value.length} bytes, at most ${bytesMax}`);
  if (key !== null && key.length > recordKeyBytesMax) return no('validation-failed', `the record's key has ${key.length} bytes, at most ${recordKeyBytesMax}`);
  const authorization = headers.get('authorization');
  if (authorization === undefined || authorization.length > authorizationCharactersMax) return no('token-missing', 'the header authorization is missing, or longer than any token');
  const idempotencyKey = headers.get('idempotency-key');
  if (idempotencyKey === undefined || idempotencyKey.length === 0 || idempotencyKey.length > keyCharactersMax) {
    return no('validation-failed', `the header idempotency-key must have 1 to ${keyCharactersMax} characters: a record may be delivered twice`);
  }
  const { topic, partition, offset } = record;
  return {
    place: { topic, partition, offset }, authorization, idempotencyKey, correlationId: headers.get('correlation-id') ?? null, traceparent: headers.get('traceparent') ?? null,
    body: value, sentAtMs: Number(record.timestamp),
  };
};

const answerText = (reply: CommandReply): string => {
  const answer = 'problem' in reply ? { problem: reply.problem } : { outcome: reply.outcome };
  const text = JSON.stringify({ status: reply.status, ...answer });
  if (Buffer.byteLength(text) <= sentBytesMax) return text;
  // Only the places of a problem grow with the request.
  if ('problem' in reply) return JSON.stringify({ status: reply.status, problem: { ...reply.problem as object, errors: [], truncated: true } });
  const { commandId, position } = { commandId: null, position: null, ...(reply.outcome as object) };
  return JSON.stringify({ status: reply.status, outcome: { commandId, position, truncated: true } });
};

/** Key and correlation as the request has them, so that a requester finds its own. */
export const replyRecord = (topic: string, record: ReceivedRecord, reply: CommandReply): OutgoingRecord => {
  const headers = headersOf(record);
  const traceparent = headers.get('traceparent');
  return {
    topic,
    key: record.key,
    value: answerText(reply),
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'correlation-id': reply.correlationId,
      'idempotency-key': headers.get('idempotency-key') ?? '',
      ...(traceparent === undefined || traceparent.length > headerValueCharactersMax ? {} : { traceparent }),
    },
  };
};

/** Anything that looks like one of our tokens. */
const tokenShape = /rct_[0-9a-f]{24}_[\w-]{43}/g;

const withoutTokens = (value: Buffer): Buffer => (value.includes('rct_') ? Buffer.from(value.toString('latin1').replaceAll(tokenShape, 'rct_removed'), 'latin1') : value);

/** The original with the reason and its place; no token goes with it, wherever it stood. */
export const deadLetterRecord = (topic: string, record: ReceivedRecord, { reason, detail }: NotARequest, atMs: number): OutgoingRecord => {
  const kept = [...headersOf(record)]
    .filter(([name, value]) => name !== 'authorization' && !name.startsWith('rectrail-dead-letter-') && name.length <= headerNameCharactersMax && value.length <= headerValueCharactersMax)
    .slice(0, headersKeptMax)
    .map(([name, value]) => [name, value.replaceAll(tokenShape, 'rct_removed')] as const);
  const isTooLarge = reason === 'body-too-large' || (record.value?.length ?? 0) > sentBytesMax;
  return {
    topic,
    key: record.key !== null && record.key.length > recordKeyBytesMax ? null : record.key,
    value: isTooLarge || record.value === null ? null : withoutTokens(record.value),
    headers: {
      ...Object.fromEntries(kept),
      [deadLetterHeader.reason]: reason,
      [deadLetterHeader.detail]: detail,
      [deadLetterHeader.topic]: record.topic,
      [deadLetterHeader.partition]: String(record.partition),
      [deadLetterHeader.offset]: record.offset,
      [deadLetterHeader.at]: new Date(atMs).toISOString(),
      ...(isTooLarge ? { [deadLetterHeader.bytes]: String(record.value?.length ?? 0) } : {}),
    },
  };
};
