import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import type { SubjectState } from './message.ts';

/** Named, so that one who compares digests knows what they are of; a definition never changes once released (docs/reference/messages.md). */
export const syncDigestDefinition = 'rectrail.feed/1';

/** By noun: how many subjects there are, and the sum of their hashes, 64 hexadecimal digits. A noun without subjects is left out. */
export type SyncSums = Readonly<Record<string, { readonly subjects: number; readonly sum: string }>>;

type Summed = Pick<SubjectState, 'noun' | 'subject' | 'state'>;

const modulus = 1n << 256n;

const hashOf = ({ subject, state }: Summed): bigint => BigInt(`0x${sha256Hex(canonicalJson({ subject, state }))}`);

/**
 * What a consumer and the server compare: equal where both hold the same subjects in the same states. Hashes are added modulo 2^256, so it can be kept
 * along with the messages, in any order. It finds what was lost or doubled; against forgers there is the transparency log.
 */
export class SyncDigest {
  readonly #nouns: Map<string, { subjects: number; sum: bigint }>;

  constructor(sums: SyncSums = {}) {
    this.#nouns = new Map(Object.entries(sums).map(([noun, { subjects, sum }]) => [noun, { subjects, sum: BigInt(`0x${sum}`) }]));
  }

  /** A subject that was not there, in its state. */
  add(subject: Summed): void {
    this.#change(subject.noun, 1, hashOf(subject));
  }

  /** A subject in the state in which it was added; a change is the removal of the old state and the addition of the new one. */
  remove(subject: Summed): void {
    this.#change(subject.noun, -1, modulus - hashOf(subject));
  }

  get sums(): SyncSums {
    return Object.fromEntries([...this.#nouns].map(([noun, { subjects, sum }]) => [noun, { subjects, sum: sum.toString(16).padStart(64, '0') }]));
  }

  /** SHA-256 of the RFC 8785 text of the sums, in lower-case hexadecimal. */
  digest(): string {
    return sha256Hex(canonicalJson(this.sums));
  }

  #change(noun: string, count: number, hash: bigint): void {
    const { subjects, sum } = this.#nouns.get(noun) ?? { subjects: 0, sum: 0n };
    if (subjects + count === 0) this.#nouns.delete(noun);
    else this.#nouns.set(noun, { subjects: subjects + count, sum: (sum + hash) % modulus });
  }
}
