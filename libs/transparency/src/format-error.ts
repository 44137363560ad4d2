export type LogFormatErrorCode = 'note-malformed' | 'note-unsigned' | 'note-forged' | 'key-malformed' | 'checkpoint-malformed' | 'proof-malformed' | 'bundle-malformed';

/** What was read is not what the format allows, or is not signed by whom it should be. Match on `code`. */
export class LogFormatError extends Error {
  readonly code: LogFormatErrorCode;

  constructor(code: LogFormatErrorCode, message: string) {
    super(message);
    this.name = 'LogFormatError';
    this.code = code;
  }
}

/** Base64 of RFC 4648, section 4, padded, of exactly one spelling; null for anything else. */
export const bytesOfBase64 = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
};

/** An ASCII decimal without leading zeroes, up to 2^53 − 1; null for anything else. */
export const integerOfDecimal = (text: string): number | null => {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
};
