/** What must never stand in an event, which cannot be forgotten: telephone and identity-card numbers, e-mail addresses. */
export type PersonalDataKind = 'telephone' | 'identity-card' | 'e-mail';

// Digit boundaries, so that a part of a longer number (a document number, an amount in fen) is not taken for a telephone.
const patterns: readonly (readonly [PersonalDataKind, RegExp])[] = [
  ['identity-card', /(?<!\d)\d{17}[\dXx](?![\dA-Za-z])/],
  ['telephone', /(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)/],
  ['telephone', /(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3})[- ]?\d{7,8}(?!\d)/],
  ['e-mail', /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/],
];

/** The first kind found in a free text, or null. Full-width digits and signs are read like ASCII ones. */
export const personalDataIn = (text: string): PersonalDataKind | null => {
  const plain = text.normalize('NFKC');
  return patterns.find(([, pattern]) => pattern.test(plain))?.[0] ?? null;
};
