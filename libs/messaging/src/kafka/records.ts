import type { Position } from '@rectrail/kernel';
import { z } from 'zod';
import { kafkaHeaders, sequenceOf } from '../cloud-event.ts';
import type { Message } from '../message.ts';
import type { OutgoingRecord } from './publisher.ts';
import type { TopicNames } from './topics.ts';

/** Of the checkpoints' topic: everything of `source` up to `position` had been acknowledged when it was sent. */
export const reachedType = 'rectrail.feed.reached.v1';
export const reachedData = z.strictObject({
  source: z.string(),
  position: z.int().min(0).describe('Every event up to here has been looked at, and every message made of them has been sent'),
});
export type ReachedData = z.output<typeof reachedData>;

export const messageRecord = (message: Message, source: string, topics: TopicNames): OutgoingRecord => ({
  topic: topics.messages[message.noun], key: message.subject, value: Buffer.from(JSON.stringify(message.data)), headers: kafkaHeaders(message, source),
});

export const reachedRecord = (position: Position, source: string, topics: TopicNames): OutgoingRecord => {
  const data: ReachedData = { source, position };
  return {
    topic: topics.checkpoints, key: source, value: JSON.stringify(data),
    headers: {
      'ce_specversion': '1.0', 'ce_id': `reached-${position}`, 'ce_source': source, 'ce_type': reachedType, 'ce_sequence': sequenceOf(position), 'ce_partitionkey': source,
      'content-type': 'application/json',
    },
  };
};

/** About what it takes in a record batch. */
export const recordBytes = ({ key, value, headers }: OutgoingRecord): number => {
  let bytes = bytesOf(key) + bytesOf(value);
  // Names are ASCII; no list of pairs is made for each of very many records.
  for (const name in headers) bytes += name.length + bytesOf(headers[name] ?? '') + 4;
  return bytes;
};

const bytesOf = (part: string | Buffer | null): number => (typeof part === 'string' ? Buffer.byteLength(part) : part?.length ?? 0);

/** A batch goes to each partition as one record batch, which a broker takes up to 1 MiB unless it is told otherwise. */
const batchBytesMax = 900_000;
const batchRecordsMax = 2_000;

/** The records cut so that each part may be sent at once. */
export const batches = function* (records: Iterable<OutgoingRecord>): Generator<OutgoingRecord[]> {
  let batch: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = recordBytes(record);
    if (batch.length > 0 && (bytes + size > batchBytesMax || batch.length >= batchRecordsMax)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
};
