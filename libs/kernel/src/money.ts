/**
 * An amount in fen (1 元 = 100 fen, 1 万元 = 1,000,000 fen): a decimal string on the wire and in events, a bigint in sums.
 * `fen` is null where the source says only that the whole was paid ("全额"): such an amount is counted, never guessed.
 */
export interface Money {
  readonly fen: string | null;
  readonly printed?: string;
  /** Size of the last printed digit, in fen (8.01万元: 10000). */
  readonly printedPrecisionFen?: string;
  /** 约, 余, 近: the printed figure is not exact. */
  readonly approx?: boolean;
}

/** 10^18 fen, 10 quadrillion yuan: beyond any real sum, within a signed 64-bit integer even when 9 are added. */
export const fenMax = 1_000_000_000_000_000_000n;

export const isFen = (text: string): boolean => /^(0|[1-9]\d{0,18})$/.test(text) && BigInt(text) <= fenMax;

/** The known part of an amount; unknown counts as nothing here and is counted beside it. */
export const knownFen = (money: Money): bigint => (money.fen === null ? 0n : BigInt(money.fen));
