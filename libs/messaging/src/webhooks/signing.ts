import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign as signBytes, type KeyObject } from 'node:crypto';
import type { Instant } from '@rectrail/kernel';
import { Webhook } from 'standardwebhooks';

/** Keys of one creation or rotation, as they are kept: 32 random bytes for HMAC-SHA256 (v1), an Ed25519 private key as PKCS #8 (v1a). */
export interface KeyMaterial { readonly hmac: Buffer; readonly ed25519: Buffer }

const hmacBytes = 32;

export const newKeyMaterial = (): KeyMaterial => ({
  hmac: randomBytes(hmacBytes),
  ed25519: generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
});

/** As Standard Webhooks writes it: `whsec_` and base64. */
export const secretText = ({ hmac }: KeyMaterial): string => `whsec_${hmac.toString('base64')}`;

/** `whpk_` and base64 of the 32 bytes of the Ed25519 public key; anybody may know it. */
export const publicKeyText = ({ ed25519 }: KeyMaterial): string => {
  const { x = '' } = createPublicKey(createPrivateKey({ key: ed25519, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;
};

interface Signer { readonly since: Instant; readonly hmac: Webhook; readonly ed25519: KeyObject }

/** How long the former key signs along after a rotation, ms. */
export const rotationMs = 24 * 3_600_000;

/** Signs as https://www.standardwebhooks.com says: v1 and v1a of the newest key and, for a day after a rotation, of the one before. */
export class WebhookSigner {
  /** The newest first. */
  readonly #signers: readonly Signer[];

  /** `keys`: the newest last. */
  constructor(keys: readonly { readonly since: Instant; readonly material: KeyMaterial }[]) {
    this.#signers = keys.map(({ since, material }) => ({
      since,
      hmac: new Webhook(secretText(material)),
      ed25519: createPrivateKey({ key: material.ed25519, format: 'der', type: 'pkcs8' }),
    })).toReversed();
  }

  /** Headers of one attempt. `id` stays the same over all attempts and holds no full stop. */
  headers(id: string, nowMs: number, body: string): Readonly<Record<string, string>> {
    const seconds = Math.floor(nowMs / 1_000);
    const signed = Buffer.from(`${id}.${seconds}.${body}`);
    const [newest, former] = this.#signers;
    const signing = newest !== undefined && former !== undefined && nowMs < Date.parse(newest.since) + rotationMs ? [newest, former] : this.#signers.slice(0, 1);
    const signatures = signing.flatMap(({ hmac, ed25519 }) => [hmac.sign(id, new Date(seconds * 1_000), body), `v1a,${signBytes(null, signed, ed25519).toString('base64')}`]);
    return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
  }
}
