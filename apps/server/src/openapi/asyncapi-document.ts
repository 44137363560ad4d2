import {
  audiences, deadLetterHeader, logCheckpointData, logCheckpointType, messageSchemas, messageTypes,
  nouns, reachedData, reachedType, topicNames, type JsonSchema, type MessageType, type Noun,
} from '@rectrail/messaging';
import { batchBody } from '@rectrail/tracking-app';
import { z } from 'zod';
import { feedQuery, feedStreamQuery } from '../http/feed.routes.ts';
import { apiPath } from '../http/table-routes.ts';
import { problemTable } from '../problems/problem-table.ts';

type Json = JsonSchema;

export interface AsyncApiOptions {
  readonly version: string;
  /** First part of all topics. */
  readonly topicPrefix: string;
}

const cloudEventMediaType = 'application/cloudevents+json';
const ref = (place: string): Json => ({ $ref: `#/${place}` });
const object = (properties: Json, required: readonly string[] = Object.keys(properties)): Json => ({ type: 'object', required, properties });
/** AsyncAPI's schemas are those of draft 7, which it need not be told. */
const withoutDialect = (schema: Json): Json => Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'));
const jsonSchema = (schema: z.ZodType): Json => withoutDialect(z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }));

/** Attributes of CloudEvents 1.0, and the extensions that every message has. */
const attributes: Readonly<Record<string, Json>> = {
  specversion: { const: '1.0' },
  id: { type: 'string', description: 'Unique within the source' },
  source: { type: 'string', format: 'uri', pattern: '^urn:rectrail:', description: 'The log and its epoch: another one after a restore from a copy' },
  type: { type: 'string' },
  subject: { type: 'string', description: `Path of what changed below ${apiPath}` },
  time: { type: 'string', format: 'date-time', description: 'First instant of the last day on which it may have happened; absent where it has no day' },
  dataschema: { type: 'string', format: 'uri-reference', description: 'Where the JSON Schema of the data is served' },
  recordedtime: { type: 'string', format: 'date-time', description: 'When the event was recorded' },
  sequence: { type: 'string', pattern: '^\\d{16}$', description: 'Order of the messages of a source, also as text' },
  partitionkey: { type: 'string', description: 'The subject: its messages keep their order' },
  correlationid: { type: 'string' },
  causationid: { type: 'string' },
  dataclassification: { enum: [...audiences] },
  noun: { enum: [...nouns] },
};
const required = Object.keys(attributes).filter((name) => name !== 'time' && name !== 'causationid');

const traceHeader: Json = { traceparent: { type: 'string', description: 'W3C trace context, where traces are on' } };

const headerTrait: Json = {
  contentType: 'application/json',
  headers: object({
    ...Object.fromEntries(Object.entries(attributes).map(([name, schema]) => [`ce_${name}`, schema])), 'content-type': { const: 'application/json' }, ...traceHeader,
  }, [...required.map((name) => `ce_${name}`), 'content-type']),
  correlationId: { location: '$message.header#/ce_correlationid' },
  bindings: { kafka: { key: { type: 'string', description: 'partitionkey' }, bindingVersion: '0.5.0' } },
};

/** The same type twice: as a record of Kafka (binary mode), and as a structured CloudEvent. */
const binaryName = ({ type }: MessageType): string => type;
const structuredName = ({ type }: MessageType): string => `event.${type}`;

const told = ({ type, title }: MessageType): Json => ({ name: type, title: title.en, summary: title.zh });

const binaryMessage = (message: MessageType): Json => ({
  ...told(message), traits: [ref('components/messageTraits/CloudEventHeaders')], payload: ref(`components/schemas/${message.type}`),
  headers: { type: 'object', properties: { ce_type: { const: message.type }, ce_noun: { const: message.noun } } },
});
const structuredMessage = (message: MessageType): Json => ({
  ...told(message), contentType: cloudEventMediaType, correlationId: { location: '$message.payload#/correlationid' },
  payload: { allOf: [ref('components/schemas/CloudEvent'), { type: 'object', properties: { type: { const: message.type }, noun: { const: message.noun }, data: ref(`components/schemas/${message.type}`) } }] },
});

/** Messages of a channel by reference. */
const messagesNamed = (names: readonly string[]): Json => Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)]));
const structured = messagesNamed(messageTypes.map(structuredName));

const kafkaChannel = (topic: string, description: string, messages: readonly string[]): Json =>
  ({ address: topic, description, servers: [ref('servers/kafka')], messages: messagesNamed(messages), bindings: { kafka: { topic, bindingVersion: '0.5.0' } } });

const nounChannel = (noun: Noun, topic: string): Json =>
  kafkaChannel(topic, `Every change of ${noun}, keyed by the subject; CloudEvents in binary mode`, messageTypes.filter((message) => message.noun === noun).map(binaryName));

const querySchema = (schema: z.ZodObject): Json => jsonSchema(schema);

const httpMessages = { servers: [ref('servers/http')], messages: structured };
const httpChannels: Json = {
  feed: { ...httpMessages, address: `${apiPath}/feed`, description: 'Pages: the messages stand in `messages`; `wait` lets an empty page wait for a message' },
  stream: { ...httpMessages, address: `${apiPath}/feed/stream`, description: 'Server-sent events: the data of each event without a name is a message, its id the sequence' },
  webhooks: {
    address: null, messages: structured,
    description: 'The endpoint of a subscription. Each message is a POST with the headers webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)',
  },
};

const commandPayload = (): Json => {
  const batch = jsonSchema(batchBody);
  const { commands } = batch['properties'] as { readonly commands: { readonly items: Json } };
  return { anyOf: [commands.items, batch] };
};

const header = (description: string): Json => ({ type: 'string', description });
const recordMessages = (): Json => ({
  [logCheckpointType]: {
    name: logCheckpointType, title: 'A signed head of the transparency log', contentType: 'application/json', payload: jsonSchema(logCheckpointData),
  },
  [reachedType]: {
    name: reachedType, title: 'How far the relay has come', contentType: 'application/json', payload: jsonSchema(reachedData),
    headers: object(Object.fromEntries(['specversion', 'id', 'source', 'sequence', 'partitionkey'].map((name) => [`ce_${name}`, attributes[name]]))),
  },
  command: {
    name: 'command', title: 'A command, or a batch of them', contentType: 'application/json', payload: commandPayload(), correlationId: { location: '$message.header#/correlation-id' },
    headers: object({
      'authorization': header('Bearer rct_…'), 'idempotency-key': header('Names the command: a record that is delivered twice is carried out once'),
      'correlation-id': header('Kept in the events that it makes, and in the reply'), ...traceHeader,
    }, ['authorization', 'idempotency-key']),
  },
  reply: {
    name: 'reply', title: 'What a command came to', contentType: 'application/json', correlationId: { location: '$message.header#/correlation-id' },
    payload: object({ status: { type: 'integer', description: 'As over HTTP' }, outcome: { type: 'object' }, problem: ref('components/schemas/Problem') }, ['status']),
    headers: object({ 'correlation-id': header('Of the command'), 'idempotency-key': header('Of the command'), ...traceHeader }, ['correlation-id', 'idempotency-key']),
  },
  deadLetter: {
    name: 'deadLetter', title: 'A record that was no command', contentType: 'application/octet-stream', payload: { description: 'As it came, without tokens' },
    headers: object(
      Object.fromEntries(Object.values(deadLetterHeader).map((name) => [name, { type: 'string' }])),
      [deadLetterHeader.reason, deadLetterHeader.topic, deadLetterHeader.partition, deadLetterHeader.offset],
    ),
  },
});

const stateName = (noun: Noun): string => `${noun}.state`;

/** The state is the same in all types of a noun: it stands here once. */
const bodySchemas = (): Json => {
  const made = messageSchemas();
  return Object.fromEntries(messageTypes.flatMap(({ type, noun }) => {
    const { properties, ...schema } = withoutDialect(made[type] ?? {});
    const { state, ...others } = properties as Readonly<Record<string, Json>>;
    return [[stateName(noun), state], [type, { ...schema, properties: { ...others, state: ref(`components/schemas/${stateName(noun)}`) } }]];
  }));
};

const schemas = (): Json => ({
  ...bodySchemas(),
  CloudEvent: object({ ...attributes, datacontenttype: { const: 'application/json' }, data: { type: 'object' } }, [...required, 'datacontenttype', 'data']),
  Problem: object({ type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' }, code: { type: 'string', enum: Object.keys(problemTable) } }),
});

const capital = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
const operation = (action: 'send' | 'receive', channel: string, more: Json = {}): Json => ({ action, channel: ref(`channels/${channel}`), ...more });
const httpGet = (query: z.ZodObject): Json => ({ security: [ref('components/securitySchemes/token')], bindings: { http: { method: 'GET', query: querySchema(query), bindingVersion: '0.3.0' } } });

const operations = (): Json => ({
  ...Object.fromEntries(nouns.map((noun) => [`send${capital(noun)}`, operation('send', noun)])),
  sendCheckpoints: operation('send', 'checkpoints'),
  receiveCommands: operation('receive', 'commands', { reply: { channel: ref('channels/replies') } }),
  sendDeadLetters: operation('send', 'deadLetters'),
  sendFeed: operation('send', 'feed', httpGet(feedQuery)),
  sendStream: operation('send', 'stream', httpGet(feedStreamQuery)),
  sendWebhooks: operation('send', 'webhooks', { bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } } }),
});

const channels = (topicPrefix: string): Json => {
  const topics = topicNames(topicPrefix);
  return {
    ...Object.fromEntries(nouns.map((noun) => [noun, nounChannel(noun, topics.messages[noun])])),
    checkpoints: kafkaChannel(topics.checkpoints, 'How far the relay has come, and signed heads of the log', [reachedType, logCheckpointType]),
    commands: kafkaChannel(topics.commands, 'Commands, where they are taken from Kafka (RECTRAIL_KAFKA_COMMANDS)', ['command']),
    replies: kafkaChannel(topics.replies, 'A reply for every command, with its key', ['reply']),
    deadLetters: kafkaChannel(topics.deadLetters, 'Records of the commands topic that were no commands, with the reason', ['deadLetter']),
    ...httpChannels,
  };
};

/** All ways out and in that are messages, made from the contracts, the names of the topics and the queries of the routes. */
export const asyncApiDocument = ({ version, topicPrefix }: AsyncApiOptions): Json => ({
  asyncapi: '3.1.0',
  info: {
    title: 'Rectrail', version, license: { name: 'Apache-2.0' },
    description: 'Every change of what Rectrail tracks, with the state of the subject afterwards. All ways out carry the same messages; a consumer that keeps the newest state of each '
      + '(source, subject) by `sequence` needs no rule of the domain.',
  },
  defaultContentType: 'application/json',
  servers: {
    http: { host: '{host}', protocol: 'https', description: 'The server, behind the proxy that terminates TLS', variables: { host: { default: 'localhost', description: 'Host and port' } } },
    kafka: { host: '{broker}', protocol: 'kafka', description: 'RECTRAIL_KAFKA_BROKERS', variables: { broker: { default: 'localhost:9092' } } },
  },
  channels: channels(topicPrefix),
  operations: operations(),
  components: {
    schemas: schemas(),
    messages: {
      ...Object.fromEntries(messageTypes.flatMap((message) => [[binaryName(message), binaryMessage(message)], [structuredName(message), structuredMessage(message)]])),
      ...recordMessages(),
    },
    messageTraits: { CloudEventHeaders: headerTrait },
    securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'rct_<id>_<secret>' } },
  },
});
