import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

type State = 'open' | 'refusing' | 'silent';

/** A wire to a server that can be cut: between a client and PostgreSQL, so that each can be kept from the other without being harmed. */
export class FaultyWire {
  readonly #target: URL;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #state: State = 'open';

  /** `url` of the server behind it. */
  static async open(url: string): Promise<FaultyWire> {
    const wire = new FaultyWire(new URL(url));
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((near) => { this.#accept(near); });
  }

  /** The same server by way of the wire. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the wire has no port');
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(address.port);
    return url.href;
  }

  /** Connections end, and no new ones are taken: a server that has crashed. */
  refuse(): void {
    this.#state = 'refusing';
    this.#cut();
  }

  /** Connections stay, new ones are taken, and nothing comes through: a network that swallows packets, or a server that hangs. */
  silence(): void {
    this.#state = 'silent';
    for (const [near, far] of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  /** Everything goes through again, what waited first. */
  heal(): void {
    this.#state = 'open';
    for (const [near, far] of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  async close(): Promise<void> {
    this.#cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#pairs.clear();
  }

  #accept(near: Socket): void {
    if (this.#state === 'refusing') {
      near.destroy();
      return;
    }
    const far = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => { to.write(bytes); });
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#state === 'silent') from.pause();
    }
  }
}
