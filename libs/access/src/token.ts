import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A bearer token as its holder sees it: `rct_<id>_<secret>`. The id may be shown and logged, the secret is shown once. */
export interface ParsedToken {
  readonly id: string;
  readonly secret: string;
}

/** 12 random bytes name a token, 32 guard it; so much entropy needs no slow hash. */
const idBytes = 12;
const secretBytes = 32;
const shape = /^rct_([0-9a-f]{24})_([A-Za-z0-9_-]{43})$/;

export const parseToken = (text: string): ParsedToken | null => {
  const match = shape.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? null : { id: match[1], secret: match[2] };
};

export const secretHash = (secret: string): Buffer => createHash('sha256').update(secret, 'utf8').digest();

export const secretMatches = (secret: string, hash: Uint8Array): boolean => timingSafeEqual(secretHash(secret), hash);

export interface NewToken extends ParsedToken {
  /** The whole of it, to be handed over once and never stored. */
  readonly text: string;
}

export const newToken = (): NewToken => {
  const id = randomBytes(idBytes).toString('hex');
  const secret = randomBytes(secretBytes).toString('base64url');
  return { id, secret, text: `rct_${id}_${secret}` };
};
