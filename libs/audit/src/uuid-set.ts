const wordsOfUuid = 4;
const capacityMin = 1 << 6;

const word = (digits: string): number => Number.parseInt(digits, 16);

/** UUIDs in 16 bytes each: a log has so many commands that a set of strings would take gigabytes. */
export class UuidSet {
  #words = new Uint32Array(capacityMin * wordsOfUuid);
  #capacity = capacityMin;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False where it was there. In the form that `isUuid` takes, and not all zeroes, which is what an empty place looks like. */
  add(uuid: string): boolean {
    if (this.#size * 2 >= this.#capacity) this.#grow();
    const isNew = this.#put(word(uuid.slice(0, 8)), word(uuid.slice(9, 13) + uuid.slice(14, 18)), word(uuid.slice(19, 23) + uuid.slice(24, 28)), word(uuid.slice(28)));
    if (isNew) this.#size += 1;
    return isNew;
  }

  #put(a: number, b: number, c: number, d: number): boolean {
    const words = this.#words;
    const mask = this.#capacity - 1;
    // The last words are random in every UUID that we make; whoever chooses them on purpose makes this slow, not wrong.
    for (let at = Math.imul(d ^ Math.imul(c, 0x9e37_79b1), 0x85eb_ca6b) & mask; ; at = (at + 1) & mask) {
      const i = at * wordsOfUuid;
      if (words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) return false;
      if (words[i] === 0 && words[i + 1] === 0 && words[i + 2] === 0 && words[i + 3] === 0) {
        [words[i], words[i + 1], words[i + 2], words[i + 3]] = [a, b, c, d];
        return true;
      }
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#capacity *= 2;
    this.#words = new Uint32Array(this.#capacity * wordsOfUuid);
    for (let i = 0; i < old.length; i += wordsOfUuid) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[i], old[i + 1], old[i + 2], old[i + 3]];
      if (a !== 0 || b !== 0 || c !== 0 || d !== 0) this.#put(a, b, c, d);
    }
  }
}
