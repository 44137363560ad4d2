import { UuidTable, uuidChars } from './uuid-table.ts';

/** More kinds of streams than any log has: whoever makes up others makes this larger, not wrong. */
const kindsMax = 64;
const half = 2 ** 32;

/** The version at which each stream of a log stands. Nearly all are named by a kind and a UUID, which take 24 bytes each; a map of names would take far more, and longer. */
export class StreamVersions {
  readonly #kinds = new Map<string, UuidTable>();
  /** Of the other streams. */
  readonly #others = new Map<string, number>();
  /** Where the stream that was asked for last has its own; a table of null for one of the others. */
  #table: UuidTable | null = null;
  #place = 0;

  /** 0 for one that is not known. */
  of(streamId: string): number {
    this.#table = this.#tableOf(streamId);
    this.#place = this.#table?.place(streamId) ?? -1;
    if (this.#table === null || this.#place < 0) {
      this.#table = null;
      return this.#others.get(streamId) ?? 0;
    }
    return this.#table.word(this.#place) * half + this.#table.word(this.#place + 1);
  }

  /** Of the stream that was asked for last. */
  set(streamId: string, version: number): void {
    if (this.#table === null) {
      // A copy: what was cut out of a line would keep the whole of it.
      this.#others.set(this.#others.has(streamId) ? streamId : Buffer.from(streamId, 'utf16le').toString('utf16le'), version);
      return;
    }
    this.#table.setWord(this.#place, Math.floor(version / half));
    this.#table.setWord(this.#place + 1, version % half);
  }

  #tableOf(streamId: string): UuidTable | null {
    if (streamId.length < uuidChars) return null;
    const kind = streamId.slice(0, -uuidChars);
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    if (this.#kinds.size >= kindsMax) return null;
    const table = new UuidTable(2);
    this.#kinds.set(Buffer.from(kind, 'utf16le').toString('utf16le'), table);
    return table;
  }
}
