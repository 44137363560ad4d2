// Goal: every record goes where the Java client would put it, so that consumers may join topics.
// Method: the client's own partitioner, which is the Java client's, beside ours, for keys of all lengths and bytes.
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { describe, expect, it } from '@jest/globals';
import { partitionOf, partitionerOfKeys } from './partitioning.ts';

const metadataOf = (partitions: number): Parameters<ReturnType<typeof partitionerOfKeys>>[0]['partitionMetadata'] =>
  Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] }));

describe('the partition of a key', () => {
  it('is the one that the client computes', () => {
    const client = Partitioners.DefaultPartitioner();
    const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(fc.property(key, fc.integer({ min: 1, max: 200 }), (one, partitions) => {
      expect(partitionOf(one, partitions)).toBe(client({ topic: 't', partitionMetadata: metadataOf(partitions), message: { key: one, value: null } }));
    }), { numRuns: 500 });
  });

  it('is any where there is no key', () => {
    const of = partitionerOfKeys();
    const found = Array.from({ length: 6 }, () => of({ topic: 't', partitionMetadata: metadataOf(3), message: { key: null, value: null } }));
    expect(new Set(found)).toEqual(new Set([0, 1, 2]));
  });
});
