import type { Position } from '@rectrail/kernel';
import type { Message, MessageData, Noun } from './message.ts';

/** A message as a structured CloudEvent 1.0 (JSON event format), with the extensions that integrators of this field expect. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  /** When it happened: the first instant of the last day on which it may have. */
  readonly time?: string;
  readonly datacontenttype: 'application/json';
  /** Where the JSON Schema of `data` is served. */
  readonly dataschema: string;
  readonly recordedtime: string;
  /** Ordered as text within the source. */
  readonly sequence: string;
  readonly partitionkey: string;
  readonly correlationid: string;
  readonly causationid?: string;
  readonly dataclassification: string;
  /** What it is about, as in topics, filters and digests. */
  readonly noun: Noun;
  readonly data: MessageData;
}

const contentType = 'application/json';
const sequenceDigits = 16;

/** The position as text that sorts as the number does; no safe integer has more digits. */
export const sequenceOf = (position: Position): string => String(position).padStart(sequenceDigits, '0');

/** The path at which the schema of a type's `data` is served. */
export const schemaPathOf = (type: string): string => `/schemas/${type}.json`;

type Attributes = Omit<CloudEvent, 'data' | 'datacontenttype'>;

const attributesOf = (message: Message, source: string): Attributes => ({
  specversion: '1.0',
  id: message.id,
  source,
  type: message.type,
  subject: message.subject,
  ...(message.time !== null && { time: message.time }),
  dataschema: schemaPathOf(message.type),
  recordedtime: message.recordedAt,
  sequence: sequenceOf(message.position),
  partitionkey: message.subject,
  correlationid: message.correlationId,
  ...(message.causationId !== null && { causationid: message.causationId }),
  dataclassification: message.classification,
  noun: message.noun,
});

/** Media type `application/cloudevents+json`: what the HTTP feed, server-sent events and webhooks carry. */
export const cloudEvent = (message: Message, source: string): CloudEvent => ({ ...attributesOf(message, source), datacontenttype: contentType, data: message.data });

/** The attributes as headers of a record in binary mode (CloudEvents Kafka protocol binding 1.0); the value is the JSON text of `data`, the key `partitionkey`. */
export const kafkaHeaders = (message: Message, source: string): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(Object.entries(attributesOf(message, source)).map(([name, value]) => [`ce_${name}`, value])),
  'content-type': contentType,
});
