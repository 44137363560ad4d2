/**
 * Rows of COPY … (format binary): nothing is escaped here and nothing parsed there. Rows gather in one buffer, which is handed
 * over and made anew once it holds `pieceBytes`.
 */
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const pieceBytes = 256 << 10;
/** A row beside its texts: the number of its fields, their lengths, integers and a UUID. */
const fixedBytesMax = 128;
const uuidBytes = 16;
/** Of one UTF-16 unit in UTF-8. */
const utf8BytesMax = 3;

export class BinaryRows {
  #buffer = Buffer.allocUnsafe(pieceBytes);
  #at = 0;

  /** Begins the COPY: comes before the first row. */
  header(): void {
    this.#at += signature.copy(this.#buffer, this.#at);
  }

  /** Room for a row whose texts have so many characters; the fields follow, each by one call. */
  row(fields: number, characters: number): void {
    const needed = this.#at + fixedBytesMax + characters * utf8BytesMax;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#at);
      this.#buffer = larger;
    }
    this.#at = this.#buffer.writeInt16BE(fields, this.#at);
  }

  int4(value: number): void {
    this.#at = this.#buffer.writeInt32BE(4, this.#at);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  /** A safe integer that is not negative. */
  int8(value: number): void {
    this.#at = this.#buffer.writeInt32BE(8, this.#at);
    this.#at = this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.#at);
    this.#at = this.#buffer.writeUInt32BE(value >>> 0, this.#at);
  }

  uuid(value: string): void {
    this.#at = this.#buffer.writeInt32BE(uuidBytes, this.#at);
    this.#at += this.#buffer.write(value.replaceAll('-', ''), this.#at, 'hex');
  }

  text(value: string | null): void {
    const start = this.#at + 4;
    const written = value === null ? -1 : this.#buffer.write(value, start, 'utf8');
    this.#buffer.writeInt32BE(written, this.#at);
    this.#at = start + Math.max(written, 0);
  }

  /** Ends the COPY. */
  trailer(): void {
    this.row(-1, 0);
  }

  get isPiece(): boolean {
    return this.#at >= pieceBytes - fixedBytesMax;
  }

  /** What has gathered; the rows go on in a buffer of their own. */
  take(): Buffer {
    const piece = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafe(pieceBytes);
    this.#at = 0;
    return piece;
  }
}
