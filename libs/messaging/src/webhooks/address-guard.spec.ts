// Goal: webhooks reach public addresses and named networks alone, by whatever name or spelling.
// Method: a table of what is special by IANA, random addresses inside and outside of it, names that resolve to inner addresses.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressGuard } from './address-guard.ts';

const plain = new AddressGuard({ allowedNetworks: [] });
const resolvingTo = (...addresses: readonly string[]) => (): Promise<readonly { readonly address: string; readonly family: number }[]> =>
  Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

const dotted = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
/** Base address and prefix length. */
const specialIpv4: readonly (readonly [number, number])[] = [
  [0x00000000, 8], [0x0a000000, 8], [0x64400000, 10], [0x7f000000, 8], [0xa9fe0000, 16], [0xac100000, 12], [0xc0000000, 24], [0xc0000200, 24], [0xc0a80000, 16], [0xc6120000, 15],
  [0xc6336400, 24], [0xcb007100, 24], [0xe0000000, 4], [0xf0000000, 4],
];
const isSpecial = (n: number): boolean => specialIpv4.some(([base, bits]) => (n >>> (32 - bits)) === (base >>> (32 - bits)));
/** Set apart too, though it is no inner network. */
const otherwiseSetApart = (n: number): boolean => [0xc01fc400, 0xc034c100, 0xc0586300, 0xc0af3000].some((base) => (n >>> 8) === (base >>> 8));

describe('addresses', () => {
  it('of every special IPv4 network are refused: first, last, and any in between', () => {
    fc.assert(fc.property(fc.constantFrom(...specialIpv4), fc.nat({ max: 0xffffffff }), ([base, bits], random) => {
      const span = 2 ** (32 - bits);
      for (const offset of [0, span - 1, random % span]) {
        const address = dotted((base + offset) >>> 0);
        expect([address, plain.mayConnectTo(address)]).toEqual([address, false]);
        expect([address, plain.mayConnectTo(`::ffff:${address}`)]).toEqual([address, false]);
      }
    }));
  });

  it('of IPv4 outside of them are public, but not as a mapped IPv6 address', () => {
    fc.assert(fc.property(fc.nat({ max: 0xffffffff }), (n) => {
      fc.pre(!isSpecial(n) && !otherwiseSetApart(n));
      expect([dotted(n), plain.mayConnectTo(dotted(n)), plain.mayConnectTo(`::ffff:${dotted(n)}`)]).toEqual([dotted(n), true, false]);
    }));
  });

  it.each([
    '::', '::1', '::7f00:1', '64:ff9b::a00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:a00:1::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0',
    'fec0::1', 'ff02::1', 'localhost', '', '127.1', '0x7f000001', '2130706433',
  ])('%s is refused', (address) => { expect(plain.mayConnectTo(address)).toBe(false); });

  it.each(['2606:4700::1111', '2a00:1450:4001::200e', '2408:8756::1', '8.8.8.8', '114.114.114.114'])('%s is public', (address) => { expect(plain.mayConnectTo(address)).toBe(true); });

  it('of an allowed network are reached, and of it alone', () => {
    const guard = new AddressGuard({ allowedNetworks: ['10.20.0.0/16', 'fd00:1::/32'] });
    expect(['10.20.255.1', 'fd00:1::9'].map((address) => guard.mayConnectTo(address))).toEqual([true, true]);
    expect(['10.21.0.1', '127.0.0.1', 'fd00:2::9', '169.254.169.254'].map((address) => guard.mayConnectTo(address))).toEqual([false, false, false, false]);
  });
});

describe('endpoints', () => {
  it.each([
    'https://127.0.0.1/x', 'https://127.1/x', 'https://0x7f.1/x', 'https://2130706433/', 'https://[::1]/', 'https://[::ffff:10.0.0.1]/', 'http://127.0.0.1:8080/', 'https://169.254.169.254/latest',
  ])('%s is refused for its address', async (endpoint) => { expect(await plain.endpointFault(endpoint)).toMatch('RECTRAIL_WEBHOOK_ALLOWED_NETWORKS'); });

  it('are refused for what their name resolves to', async () => {
    const fault = await new AddressGuard({ allowedNetworks: [], resolve: resolvingTo('10.0.0.7') }).endpointFault('https://inner.example.org/');
    expect(fault).toMatch('inner.example.org');
    expect(fault).not.toMatch('10.0.0.7');
    expect(await new AddressGuard({ allowedNetworks: [], resolve: resolvingTo('8.8.8.8') }).endpointFault('https://outer.example.org/')).toBeNull();
    expect(await new AddressGuard({ allowedNetworks: [], resolve: () => Promise.reject(new Error('ENOTFOUND')) }).endpointFault('https://later.example.org/')).toBeNull();
  });
});
