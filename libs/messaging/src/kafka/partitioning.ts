import { Partitioners, type ICustomPartitioner } from 'kafkajs';

const seed = 0x9747b28c;
const factor = 0x5bd1e995;

/** Mixes the four bytes, or the last fewer of them, into the hash. */
const mixed = (hash: number, bytes: number): number => {
  const spread = Math.imul(bytes, factor);
  return Math.imul(hash, factor) ^ Math.imul(spread ^ (spread >>> 24), factor);
};

/** Murmur2 as the Java client has it, 32 bits with a sign. */
const murmur2 = (key: Buffer): number => {
  const whole = key.length & ~3;
  let hash = seed ^ key.length;
  for (let at = 0; at < whole; at += 4) hash = mixed(hash, key.readInt32LE(at));
  if (whole < key.length) hash = Math.imul(hash ^ key.readUIntLE(whole, key.length - whole), factor);
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return hash ^ (hash >>> 15);
};

/** Where the Java client puts a record of that key. */
export const partitionOf = (key: string | Buffer, partitions: number): number => (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;

/**
 * The client's own partitioner, which is the Java client's, for records without a key. For the others the same hash in plain integers: the client's makes an object for each step
 * of it, which is a twelfth of all that the relay allocates.
 */
export const partitionerOfKeys: ICustomPartitioner = () => {
  const withoutKey = Partitioners.DefaultPartitioner();
  return (record) => {
    const { message: { key }, partitionMetadata } = record;
    return key == null ? withoutKey(record) : partitionOf(key, partitionMetadata.length);
  };
};
