// Goal: what is signed verifies by the library of Standard Webhooks and by the specification alone, and for a day with the former keys too.
// Method: random bodies and ids at hand-made times; the checks are those of testing/webhook-receiver.ts.
import { describe, expect, it } from '@jest/globals';
import { instantOfMs } from '@rectrail/kernel';
import fc from 'fast-check';
import { isValidV1, validV1a } from '../testing/webhook-receiver.ts';
import { newKeyMaterial, publicKeyText, rotationMs, secretText, WebhookSigner, type KeyMaterial } from './signing.ts';

const keyOf = (material: KeyMaterial, sinceMs: number) => ({ since: instantOfMs(sinceMs), material });

describe('signatures', () => {
  it('hold for the bytes sent, and for no others', () => {
    const [material, other] = [newKeyMaterial(), newKeyMaterial()];
    const now = Date.now();
    const signer = new WebhookSigner([keyOf(material, now)]);
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.uuid(), (body, id) => {
      fc.pre(body.isWellFormed());
      // The library reads what it has verified.
      const sent = { headers: signer.headers(id, now, JSON.stringify(body)), body: JSON.stringify(body) };
      const changed = { ...sent, body: JSON.stringify(`${body} `) };
      expect([isValidV1(sent, secretText(material)), isValidV1(changed, secretText(material)), isValidV1(sent, secretText(other))]).toEqual([true, false, false]);
      expect([validV1a(sent, publicKeyText(material)), validV1a(changed, publicKeyText(material)), validV1a(sent, publicKeyText(other))]).toEqual([1, 0, 0]);
    }), { numRuns: 30 });
  });

  it('are of both keys for 24 hours after a rotation, then of the new one', () => {
    const [former, newest] = [newKeyMaterial(), newKeyMaterial()];
    const rotatedAt = Date.UTC(2026, 4, 1);
    const signer = new WebhookSigner([keyOf(former, rotatedAt - 1_000_000), keyOf(newest, rotatedAt)]);
    const signedBy = (at: number): readonly number[] => {
      const sent = { headers: signer.headers('a', at, '{}'), body: '{}' };
      return [former, newest].map((material) => validV1a(sent, publicKeyText(material)));
    };
    expect(signedBy(rotatedAt)).toEqual([1, 1]);
    expect(signedBy(rotatedAt + rotationMs - 1)).toEqual([1, 1]);
    expect(signedBy(rotatedAt + rotationMs)).toEqual([0, 1]);
    expect(signer.headers('a', rotatedAt, '{}')['webhook-signature']?.split(' ').map((one) => one.split(',')[0])).toEqual(['v1', 'v1a', 'v1', 'v1a']);
  });

  it('come with a secret of 32 bytes and a public key of 32, as the specification writes them', () => {
    const material = newKeyMaterial();
    expect(secretText(material)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(publicKeyText(material)).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
  });
});
