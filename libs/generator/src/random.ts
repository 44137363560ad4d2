/**
 * Draws that a seed repeats (sfc32): the whole history follows from them, so nothing here may depend on the platform, the clock or the
 * number of draws that somebody else makes.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x9e37_79b9;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  uint32(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result | 0;
    return result >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.unit() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** @throws RangeError where there is nothing to pick from. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of the values, as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.unit() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) {
      at -= weight;
      if (at < 0) return value;
    }
    const last = choices.at(-1);
    if (last === undefined) throw new RangeError('nothing to choose from');
    return last[1];
  }

  /** Whole, at least `least`, half of them up to `median`, with a long tail; `spread` 1 puts one of forty beyond seven times the median. */
  longTail(least: number, median: number, spread: number): number {
    // The sum of four uniform draws is near enough to a normal one, and needs no function whose last digit platforms may differ in but exp.
    const normal = (this.unit() + this.unit() + this.unit() + this.unit() - 2) * 1.732_050_8;
    return least + Math.floor((median - least) * Math.exp(spread * normal));
  }
}

const hexOfByte = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
const byteHex = (n: number): string => hexOfByte[n & 0xff] ?? '';
const hex32 = (n: number): string => byteHex(n >>> 24) + byteHex(n >>> 16) + byteHex(n >>> 8) + byteHex(n);

/** A UUIDv7 of the millisecond, its random bits drawn. */
export const drawnUuid = (random: Random, ms: number): string => {
  const high = Math.floor(ms / 0x1_0000);
  const [a, b, c] = [random.uint32(), random.uint32(), random.uint32()];
  return `${hex32(high)}-${byteHex(ms >>> 8)}${byteHex(ms)}-${(0x7000 | (a & 0xfff)).toString(16)}-${(0x8000 | ((a >>> 12) & 0x3fff)).toString(16)}-${hex32(b)}${byteHex(c >>> 8)}${byteHex(c)}`;
};

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const digit = (n: number): string => base64url.charAt(n & 63);

/** 16 drawn bytes as the salt of a content: 22 digits, the last of two bits. */
export const drawnSalt = (random: Random): string => {
  let text = '';
  for (let word = 0; word < 4; word++) {
    const n = random.uint32();
    text += digit(n) + digit(n >>> 6) + digit(n >>> 12) + digit(n >>> 18) + digit(n >>> 24);
  }
  const rest = random.uint32();
  return `${text}${digit(rest)}${digit((rest & 3) << 4)}`;
};
