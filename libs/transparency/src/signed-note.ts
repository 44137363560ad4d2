import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { bytesOfBase64, LogFormatError } from './format-error.ts';

/** Signed notes of C2SP `signed-note`: a text, an empty line, lines `— name base64(key id ‖ signature)`. */

/** Largest note that is read, in UTF-16 units, and most signatures; a verifier must take 16. */
const noteCharsMax = 1_000_000;
const signaturesMax = 100;

/** Signature types, the byte that goes into the key id. */
const types = { note: 1, cosignature: 4 } as const;
type KeyType = keyof typeof types;

export interface NoteSignature {
  readonly name: string;
  /** The first four bytes, big-endian. */
  readonly keyId: number;
  /** The bytes after the key id. */
  readonly signature: Buffer;
}

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  verify(text: string, signature: Buffer): boolean;
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(text: string): Buffer;
}

const keyBytes = 32;
const malformedKey = (why: string): LogFormatError => new LogFormatError('key-malformed', `not a key of a signed note: ${why}`);
const malformed = (why: string): LogFormatError => new LogFormatError('note-malformed', `not a signed note: ${why}`);

/** Neither empty, nor with a space of Unicode, nor with a plus. */
const isName = (name: string): boolean => name !== '' && name.isWellFormed() && !/[\s\u0085+]/u.test(name);

const keyIdOf = (name: string, type: KeyType, publicKey: Uint8Array): number =>
  createHash('sha256').update(`${name}\n`).update(Buffer.of(types[type])).update(publicKey).digest().readUInt32BE();

const publicKeyOf = (raw: Buffer): KeyObject => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
const rawPublicKey = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');

/** PKCS #8 of RFC 8410 up to the seed. */
const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKeyOf = (seed: Buffer): KeyObject => createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' });

/** Bytes of `text` as they are signed. A note is text: a lone surrogate would be signed as something else than it is. */
const signedBytes = (text: string): Buffer => Buffer.from(text, 'utf8');

interface KeyText { readonly name: string; readonly keyId: number; readonly type: number; readonly raw: Buffer }

/** `name+key id in 8 hexadecimal digits+base64(type ‖ key)`. */
const parseKeyText = (text: string): KeyText => {
  const [name = '', hex = '', ...rest] = text.split('+');
  const bytes = bytesOfBase64(rest.join('+'));
  if (!isName(name) || !/^[0-9a-f]{8}$/.test(hex) || bytes?.length !== keyBytes + 1) throw malformedKey('expected name+8 hexadecimal digits+base64 of 33 bytes');
  return { name, keyId: Number.parseInt(hex, 16), type: bytes[0] ?? 0, raw: bytes.subarray(1) };
};

const keyText = (name: string, keyId: number, type: KeyType, raw: Uint8Array): string =>
  [name, keyId.toString(16).padStart(8, '0'), Buffer.concat([Buffer.of(types[type]), raw]).toString('base64')].join('+');

/** An Ed25519 key by which something is verified: the public half of a log's or a witness's. */
export interface VerifierKey { readonly name: string; readonly keyId: number; readonly key: KeyObject }

const verifierKey = (text: string, type: KeyType): VerifierKey => {
  const { name, keyId, type: found, raw } = parseKeyText(text);
  if (found !== types[type]) throw malformedKey(`its type is ${found}, expected ${types[type]}`);
  if (keyId !== keyIdOf(name, type, raw)) throw malformedKey('the key id does not fit name and key');
  return { name, keyId, key: publicKeyOf(raw) };
};

/** For a verifier key of type 1 (Ed25519 over the text). @throws LogFormatError `key-malformed`. */
export const noteVerifier = (text: string): NoteVerifier => {
  const { name, keyId, key } = verifierKey(text, 'note');
  return { name, keyId, verify: (note, signature) => signature.length === 64 && verify(null, signedBytes(note), key, signature) };
};

const secretPrefix = 'PRIVATE+KEY+';

interface SecretKey { readonly name: string; readonly keyId: number; readonly key: KeyObject }

/** The secret half as text, that of `golang.org/x/mod/sumdb/note`. */
const secretKey = (text: string, type: KeyType): SecretKey => {
  if (!text.startsWith(secretPrefix)) throw malformedKey('a secret key begins with PRIVATE+KEY+');
  const { name, keyId, type: found, raw } = parseKeyText(text.slice(secretPrefix.length));
  if (found !== types[type]) throw malformedKey(`its type is ${found}, expected ${types[type]}`);
  const key = privateKeyOf(raw);
  if (keyId !== keyIdOf(name, type, rawPublicKey(createPublicKey(key)))) throw malformedKey('the key id does not fit name and key');
  return { name, keyId, key };
};

/** For a secret key of type 1. @throws LogFormatError `key-malformed`, which says nothing of the key. */
export const noteSigner = (text: string): NoteSigner => {
  const { name, keyId, key } = secretKey(text, 'note');
  return { name, keyId, sign: (note) => sign(null, signedBytes(note), key) };
};

/** The public half of a secret key of type 1, as text. @throws LogFormatError `key-malformed`, which says nothing of the key. */
export const noteVerifierKey = (text: string): string => {
  const { name, keyId, key } = secretKey(text, 'note');
  return keyText(name, keyId, 'note', rawPublicKey(createPublicKey(key)));
};

export interface KeyPair {
  /** To be published. */
  readonly verifier: string;
  /** To be kept: whoever has it signs as the log. */
  readonly secret: string;
}

const makeKeyPair = (name: string, type: KeyType): KeyPair => {
  if (!isName(name)) throw malformedKey('a name is not empty and has neither spaces nor a plus');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = rawPublicKey(publicKey);
  const keyId = keyIdOf(name, type, raw);
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  return { verifier: keyText(name, keyId, type, raw), secret: `${secretPrefix}${keyText(name, keyId, type, seed)}` };
};

/** A new key of a log. */
export const newNoteKey = (name: string): KeyPair => makeKeyPair(name, 'note');

/** A new key of a witness. */
export const newCosignerKey = (name: string): KeyPair => makeKeyPair(name, 'cosignature');

/** u64 of the time, then the signature. */
const cosignatureBytes = 72;
const timeOf = (signature: Buffer): bigint => signature.readBigUInt64BE();
const cosignedText = (seconds: bigint, text: string): Buffer => signedBytes(`cosignature/v1\ntime ${seconds}\n${text}`);

export interface Cosigner extends NoteVerifier {
  /** When a verified cosignature was made, seconds since 1970. */
  time(signature: Buffer): bigint;
}

/** C2SP `tlog-cosignature`, Ed25519: for a verifier key of type 4. @throws LogFormatError `key-malformed`. */
export const cosigner = (text: string): Cosigner => {
  const { name, keyId, key } = verifierKey(text, 'cosignature');
  return {
    name, keyId, time: timeOf,
    verify: (note, signature) => {
      if (signature.length !== cosignatureBytes || timeOf(signature) >= 1n << 63n) return false;
      return verify(null, cosignedText(timeOf(signature), note), key, signature.subarray(8));
    },
  };
};

/** Signs as a witness does, at `now()`, seconds since 1970. @throws LogFormatError `key-malformed`. */
export const cosigningSigner = (text: string, now: () => bigint): NoteSigner => {
  const { name, keyId, key } = secretKey(text, 'cosignature');
  return {
    name, keyId, sign: (note) => {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(now());
      return Buffer.concat([time, sign(null, cosignedText(timeOf(time), note), key)]);
    },
  };
};

const signatureLine = ({ name, keyId, signature }: NoteSignature): string => {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
};

/** Of ASCII, all but the newline. */
const controls = /[\u0000-\u0009\u000b-\u001f]/;
const isText = (text: string): boolean => text.endsWith('\n') && text.isWellFormed() && !controls.test(text);

/** @throws LogFormatError `note-malformed` for a text that does not end with a newline, or has control characters. */
export const formatNote = (text: string, signatures: readonly NoteSignature[]): string => {
  if (!isText(text)) throw malformed('its text ends with a newline, is Unicode, and has no control characters');
  return `${text}\n${signatures.map(signatureLine).join('')}`;
};

/** A new note, signed by each. */
export const signNote = (text: string, signers: readonly NoteSigner[]): string =>
  formatNote(text, signers.map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })));

export interface ParsedNote {
  /** With its last newline, without the empty line after it. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const parseSignature = (line: string): NoteSignature => {
  const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = bytesOfBase64(base64);
  if (!isName(name) || bytes === null || bytes.length < 5) throw malformed('a signature line reads "— name base64"');
  return { name, keyId: bytes.readUInt32BE(), signature: bytes.subarray(4) };
};

/** Reads a note, verifying nothing. @throws LogFormatError `note-malformed`. */
export const parseNote = (note: string): ParsedNote => {
  if (note.length > noteCharsMax) throw malformed('it is too long');
  const end = note.lastIndexOf('\n\n');
  if (!isText(note) || end < 0) throw malformed('it has a text, an empty line and lines of signatures, each ended by a newline');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > signaturesMax) throw malformed(`it has more than ${signaturesMax} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
};

export interface OpenedNote extends ParsedNote {
  /** Signatures of known keys, all of them right. */
  readonly verified: readonly NoteSignature[];
}

/**
 * Reads a note that at least one of the keys has signed. Signatures of other keys are left alone.
 *
 * @throws LogFormatError `note-malformed`; `note-forged` where a signature of a known key is wrong; `note-unsigned` where no known key has signed
 */
export const openNote = (note: string, verifiers: readonly NoteVerifier[]): OpenedNote => {
  const parsed = parseNote(note);
  const verified = parsed.signatures.filter(({ name, keyId, signature }) => {
    const known = verifiers.find((verifier) => verifier.name === name && verifier.keyId === keyId);
    if (known === undefined) return false;
    if (!known.verify(parsed.text, signature)) throw new LogFormatError('note-forged', `the signature of ${name} is wrong`);
    return true;
  });
  if (verified.length === 0) throw new LogFormatError('note-unsigned', 'no known key has signed the note');
  return { ...parsed, verified };
};
