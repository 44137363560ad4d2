import { lookup as resolveName } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Nothing is sent there. What a name resolves to is not told: whoever may subscribe could else ask for the names of inner networks. */
export class AddressRefused extends Error {
  readonly code = 'address-refused';

  constructor(host: string) {
    super(`${host} is or leads to no public address. Potential solutions: name its network in RECTRAIL_WEBHOOK_ALLOWED_NETWORKS`);
    this.name = 'AddressRefused';
  }
}

export interface ResolvedAddress { readonly address: string; readonly family: number }

/** IANA's IPv4 special-purpose registry, with multicast and the reserved class E. */
const specialIpv4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24',
  '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
];
/** Of global unicast, what IANA's registry sets apart: protocols, Teredo, documentation, 6to4 (which holds any IPv4 address). */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];
/** All else (mapped and NAT64 addresses, unique local, link-local, multicast) lies outside of it. */
const globalUnicastIpv6 = ['2000::/3'];

const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
};

const special = listOf([...specialIpv4, ...specialIpv6]);
const globalUnicast = listOf(globalUnicastIpv6);

/** At the creation of a subscription a name server that is silent for longer refuses nothing, ms. */
const resolutionMs = 3_000;

export interface AddressGuardOptions {
  /** Inner networks that may be sent to, as CIDR: `10.20.0.0/16`, `fd00::/8`. */
  readonly allowedNetworks: readonly string[];
  readonly resolve?: (host: string) => Promise<readonly ResolvedAddress[]>;
}

/** Keeps webhooks from being a way into inner networks (SSRF): only public addresses and allowed networks are connected to. */
export class AddressGuard {
  readonly #allowed: BlockList;
  readonly #resolve: (host: string) => Promise<readonly ResolvedAddress[]>;

  constructor({ allowedNetworks, resolve = (host) => resolveName(host, { all: true }) }: AddressGuardOptions) {
    this.#allowed = listOf(allowedNetworks);
    this.#resolve = resolve;
  }

  mayConnectTo(address: string): boolean {
    const version = isIP(address);
    // A link-local address may carry its zone, which no list knows.
    if (version === 0 || address.includes('%')) return false;
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (this.#allowed.check(address, family)) return true;
    return !special.check(address, family) && (version === 4 || globalUnicast.check(address, 'ipv6'));
  }

  /** For sockets: what it answers is what is connected to, so that no second look at the name can give another address. */
  readonly lookup: LookupFunction = (host, { all }, done) => {
    this.#permitted(host).then((addresses) => {
      if (all === true) done(null, addresses.map(({ address, family }) => ({ address, family })));
      else done(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    }, (error: unknown) => { done(error instanceof Error ? error : new Error(String(error)), ''); });
  };

  /** Sockets ask `lookup` for names only. @throws AddressRefused where the URL names an address itself that is refused. */
  checkLiteral(url: URL): void {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !this.mayConnectTo(host)) throw new AddressRefused(host);
  }

  /** Why nothing may be sent there, as it resolves now. Null also for a name that does not resolve: every delivery looks again. */
  async endpointFault(endpoint: string): Promise<string | null> {
    const url = new URL(endpoint);
    const waiting = new AbortController();
    try {
      this.checkLiteral(url);
      if (isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0) await Promise.race([this.#permitted(url.hostname), sleep(resolutionMs, undefined, { signal: waiting.signal })]);
      return null;
    } catch (error) {
      return error instanceof AddressRefused ? error.message : null;
    } finally {
      waiting.abort();
    }
  }

  async #permitted(host: string): Promise<readonly ResolvedAddress[]> {
    const addresses = await this.#resolve(host);
    const permitted = addresses.filter(({ address }) => this.mayConnectTo(address));
    if (permitted.length === 0) throw new AddressRefused(host);
    return permitted;
  }
}
