// Goal: what the relay writes is, byte for byte, what the client would have written. Method: random records through both encoders.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { encodeRecord, replaceRecordEncoder, type EncodableRecord } from './record-encoding.ts';

const require = createRequire(import.meta.url);
type Encoder = (record: EncodableRecord) => { readonly buffer: Buffer };
const clientsOwn = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as Encoder;
interface ProduceRequest { encode(): Promise<{ readonly buffer: Buffer }> }
const produceRequest = 'kafkajs/src/protocol/requests/produce/v3/request.js';

const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data));
const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const part = fc.oneof(text, bytes, fc.constant(null));
const headers = fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((name) => name !== '__proto__'), fc.oneof(text, bytes, fc.array(text, { maxLength: 3 })), { maxKeys: 16 });

describe('encodeRecord', () => {
  it('writes the bytes of the client\'s own encoder', () => {
    const records = fc.record({ offsetDelta: fc.nat(5_000), timestampDelta: fc.nat(2_000_000_000), key: part, value: part, headers });
    fc.assert(fc.property(records, (record) => {
      expect(encodeRecord(record).equals(clientsOwn(record).buffer)).toBe(true);
    }), { numRuns: 500 });
  });

  it('does so for a long value and without headers', () => {
    const record = { key: 'issues/1', value: Buffer.alloc(100_000, 7) };
    expect(encodeRecord(record).equals(clientsOwn(record).buffer)).toBe(true);
  });

  it('is what a request of the client is made with once it is put there', async () => {
    replaceRecordEncoder();
    const value = Buffer.from('{}');
    const topicData = [{ topic: 'rectrail.issues', partitions: [{ partition: 0, firstSequence: 0, messages: [{ key: 'issues/1', value, headers: { ce_id: '1' }, timestamp: 7 }] }] }];
    const { buffer } = await (require(produceRequest) as (request: object) => ProduceRequest)({ acks: -1, timeout: 1_000, topicData }).encode();
    const record = clientsOwn({ key: 'issues/1', value, headers: { ce_id: '1' } }).buffer;
    expect(buffer.subarray(-record.length).equals(record)).toBe(true);
    expect(require('kafkajs/src/protocol/recordBatch/record/v0/index.js')).not.toBe(clientsOwn);
  });
});
