import type { Position } from '@rectrail/kernel';
import type { Message } from './message.ts';

/** Of positions as text, so that they compare as text does: the greatest safe integer has sixteen digits. */
const sequenceDigits = 16;

/** CloudEvents extension `sequence`: orders the messages of one source. */
export const sequenceOf = (position: Position): string => String(position).padStart(sequenceDigits, '0');

/** CloudEvents attributes without the data, as text; those without a value are absent. */
const attributes = (message: Message, source: string): Record<string, string> => ({
  specversion: '1.0',
  id: message.id,
  source,
  type: message.type,
  subject: message.subject,
  ...(message.time !== null && { time: message.time }),
  recordedtime: message.recordedAt,
  sequence: sequenceOf(message.position),
  partitionkey: message.subject,
  correlationid: message.correlationId,
  ...(message.causationId !== null && { causationid: message.causationId }),
  dataclassification: message.classification,
});

/** CloudEvents Kafka binding, binary mode: the attributes as headers, the data as the record's value. */
export const kafkaHeaders = (message: Message, source: string): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(attributes(message, source)).map(([name, value]) => [`ce_${name}`, value])),
  'content-type': 'application/json',
});
