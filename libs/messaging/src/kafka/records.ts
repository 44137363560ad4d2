import { position, type Position } from '@rectrail/kernel';
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

/** Of the checkpoints' topic: a signed head of the transparency log. */
export const logCheckpointType = 'rectrail.log.checkpoint.v1';
export const logCheckpointData = z.strictObject({
  source: z.string(),
  position: z.int().min(0).describe('Events in the tree'),
  checkpoint: z.string().describe('A signed note (C2SP tlog-checkpoint)'),
  continues: z.strictObject({ source: z.string(), position: z.int().min(0) }).nullable()
    .describe('The source that this one goes on from, up to that position, where the log was put back to an older copy: what it told behind that position is no part of this one'),
});
export type LogCheckpointData = z.output<typeof logCheckpointData>;

export const messageRecord = (message: Message, source: string, topics: TopicNames): OutgoingRecord => ({
  topic: topics.messages[message.noun], key: message.subject, value: Buffer.from(JSON.stringify(message.data)), headers: kafkaHeaders(message, source),
});

export const reachedRecord = (reached: Position, source: string, topics: TopicNames): OutgoingRecord => {
  const data: ReachedData = { source, position: reached };
  return {
    topic: topics.checkpoints, key: source, value: JSON.stringify(data),
    headers: {
      'ce_specversion': '1.0', 'ce_id': `reached-${reached}`, 'ce_source': source, 'ce_type': reachedType, 'ce_sequence': sequenceOf(reached), 'ce_partitionkey': source,
      'content-type': 'application/json',
    },
  };
};

export const logCheckpointRecord = (data: LogCheckpointData, topics: TopicNames): OutgoingRecord => ({
  topic: topics.checkpoints, key: data.source, value: JSON.stringify(data),
  headers: {
    'ce_specversion': '1.0', 'ce_id': `log-checkpoint-${data.position}`, 'ce_source': data.source, 'ce_type': logCheckpointType, 'ce_sequence': sequenceOf(position(data.position)),
    'ce_partitionkey': data.source, 'content-type': 'application/json',
  },
});

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
