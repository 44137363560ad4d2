import { getRandomValues } from 'node:crypto';

export const uuidChars = 36;
const wordsOfUuid = 4;
const capacityMin = 1 << 4;
const hyphen = 0x2d;
/** Beyond all that four digits make, also where it is shifted by three of them. */
const noDigit = 1 << 16;
/** By character. */
const digits = new Int32Array(1 << 7).fill(noDigit);
for (let value = 0; value < 16; value += 1) digits[value.toString(16).charCodeAt(0)] = value;

const digitAt = (text: string, at: number): number => digits[text.charCodeAt(at)] ?? noDigit;

/** Of four hexadecimal digits; at least `noDigit` where one is none. */
const half = (text: string, at: number): number => (digitAt(text, at) << 12) | (digitAt(text, at + 1) << 8) | (digitAt(text, at + 2) << 4) | digitAt(text, at + 3);

const word = (high: number, low: number): number => ((high << 16) | low) >>> 0;

const hasHyphens = (text: string, from: number): boolean =>
  text.charCodeAt(from + 8) === hyphen && text.charCodeAt(from + 13) === hyphen && text.charCodeAt(from + 18) === hyphen && text.charCodeAt(from + 23) === hyphen;

/** Of each word of a UUID, odd: whoever makes up a log does not know which of them fall into one place. */
const [factorA = 1, factorB = 1, factorC = 1, factorD = 1] = getRandomValues(new Uint32Array(wordsOfUuid)).map((factor) => factor | 1);

/** UUIDs in 16 bytes each, with as many words beside each as whoever uses it wants: a log has so many streams and commands that strings would take gigabytes. */
export class UuidTable {
  readonly #rowWords: number;
  #capacity = capacityMin;
  #size = 0;
  #hasNil = false;
  /** All zeroes where a row is empty; the last one is that of the UUID of zeroes. */
  #words: Uint32Array;

  /** `wordsBeside`: of 32 bits. */
  constructor(wordsBeside = 0) {
    this.#rowWords = wordsOfUuid + wordsBeside;
    this.#words = this.#rows();
  }

  get size(): number {
    return this.#size;
  }

  /** Until the next call, the place of the words beside the UUID that ends a text; those of one that was not there are 0. -1 where no `isUuid` ends it. */
  place(text: string): number {
    const from = text.length - uuidChars;
    if (from < 0 || !hasHyphens(text, from)) return -1;
    const a = half(text, from);
    const b = half(text, from + 4);
    const c = half(text, from + 9);
    const d = half(text, from + 14);
    const e = half(text, from + 19);
    const f = half(text, from + 24);
    const g = half(text, from + 28);
    const h = half(text, from + 32);
    if ((a | b | c | d | e | f | g | h) >= noDigit) return -1;
    if (this.#size * 2 >= this.#capacity) this.#grow();
    return this.#row(word(a, b), word(c, d), word(e, f), word(g, h)) + wordsOfUuid;
  }

  word(place: number): number {
    return this.#words[place] ?? 0;
  }

  setWord(place: number, value: number): void {
    this.#words[place] = value;
  }

  #row(a: number, b: number, c: number, d: number): number {
    const words = this.#words;
    const mask = this.#capacity - 1;
    if ((a | b | c | d) === 0) {
      if (!this.#hasNil) this.#size += 1;
      this.#hasNil = true;
      return this.#capacity * this.#rowWords;
    }
    const sum = Math.imul(a, factorA) + Math.imul(b, factorB) + Math.imul(c, factorC) + Math.imul(d, factorD);
    // Its high bits, as many as places are counted by.
    for (let at = sum >>> (Math.clz32(this.#capacity) + 1); ; at = (at + 1) & mask) {
      const i = at * this.#rowWords;
      if (words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) return i;
      if (words[i] === 0 && words[i + 1] === 0 && words[i + 2] === 0 && words[i + 3] === 0) {
        words[i] = a;
        words[i + 1] = b;
        words[i + 2] = c;
        words[i + 3] = d;
        this.#size += 1;
        return i;
      }
    }
  }

  #rows(): Uint32Array {
    return new Uint32Array((this.#capacity + 1) * this.#rowWords);
  }

  #grow(): void {
    const [old, nil] = [this.#words, this.#capacity * this.#rowWords];
    this.#capacity *= 2;
    this.#words = this.#rows();
    this.#size = this.#hasNil ? 1 : 0;
    for (let from = 0; from < old.length; from += this.#rowWords) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[from], old[from + 1], old[from + 2], old[from + 3]];
      const isNil = (a | b | c | d) === 0;
      if (!isNil || (from === nil && this.#hasNil)) this.#words.set(old.subarray(from + wordsOfUuid, from + this.#rowWords), this.#row(a, b, c, d) + wordsOfUuid);
    }
  }
}
