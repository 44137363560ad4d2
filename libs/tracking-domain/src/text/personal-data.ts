/** What must never stand in an event, which cannot be forgotten: telephone and identity-card numbers, e-mail addresses. */
export type PersonalDataKind = 'telephone' | 'identity-card' | 'e-mail';

// A blank or any dash, which is what telephone numbers are printed with.
const gap = '[\\s\\u2010-\\u2015\\u2212-]?';

// Digit boundaries, so that a part of a longer number (a document number, an amount in fen) is not taken for a telephone.
const patterns: readonly (readonly [PersonalDataKind, RegExp])[] = [
  ['identity-card', /(?<!\d)\d{6}\s?\d{8}\s?\d{3}[\dXx](?![\dA-Za-z])/],
  ['telephone', new RegExp(`(?<!\\d)(?:(?:\\+|00)?86${gap})?1[3-9]\\d${gap}\\d{4}${gap}\\d{4}(?!\\d)`)],
  ['telephone', new RegExp(`(?<!\\d)(?:\\(0\\d{2,3}\\)|0\\d{2,3})${gap}\\d{3,4}${gap}\\d{4}(?!\\d)`)],
  ['e-mail', /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/],
];

/** The first kind found in a free text, or null. Full-width digits and signs are read like ASCII ones. */
export const personalDataIn = (text: string): PersonalDataKind | null => {
  const plain = text.normalize('NFKC');
  return patterns.find(([, pattern]) => pattern.test(plain))?.[0] ?? null;
};
