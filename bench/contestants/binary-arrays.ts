/** Arrays in PostgreSQL's binary format, written anew here so that the peer does not lean on the store's own code. */
const oids = { int8: 20, int4: 23, text: 25 } as const;
const headerBytes = 20;

const header = (oid: number, length: number, bytes: number): Buffer => {
  const buffer = Buffer.allocUnsafe(headerBytes + bytes);
  [1, 0, oid, length, 1].forEach((word, i) => { buffer.writeInt32BE(word, i * 4); });
  return buffer;
};

export const int8Array = (values: readonly number[]): Buffer => {
  const buffer = header(oids.int8, values.length, values.length * 12);
  values.forEach((value, i) => {
    const at = headerBytes + i * 12;
    buffer.writeInt32BE(8, at);
    buffer.writeInt32BE(Math.floor(value / 2 ** 32), at + 4);
    buffer.writeUInt32BE(value % 2 ** 32, at + 8);
  });
  return buffer;
};

export const int4Array = (values: readonly number[]): Buffer => {
  const buffer = header(oids.int4, values.length, values.length * 8);
  values.forEach((value, i) => {
    buffer.writeInt32BE(4, headerBytes + i * 8);
    buffer.writeInt32BE(value, headerBytes + i * 8 + 4);
  });
  return buffer;
};

export const textArray = (values: readonly string[]): Buffer => {
  const sizes = values.map((value) => Buffer.byteLength(value));
  const buffer = header(oids.text, values.length, sizes.reduce((sum, size) => sum + 4 + size, 0));
  let at = headerBytes;
  values.forEach((value, i) => {
    at = buffer.writeInt32BE(sizes[i] ?? 0, at);
    at += buffer.write(value, at, 'utf8');
  });
  return buffer;
};
