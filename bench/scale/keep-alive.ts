import { connect, type Socket } from 'node:net';

export interface Response { readonly status: number; readonly body: Buffer }

const headEnd = Buffer.from('\r\n\r\n');

/** One answer within what has arrived, or null while it is not whole. @throws Error for one without its length. */
export const parseResponse = (received: Buffer): Response | null => {
  const end = received.indexOf(headEnd);
  if (end === -1) return null;
  const head = received.toString('latin1', 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without its length: ${head}`);
  const from = end + headEnd.length;
  const to = from + Number(length);
  return received.length < to ? null : { status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)), body: received.subarray(from, to) };
};

/**
 * One connection that is kept, for one request at a time. Written for the bench: the clients at hand take as long as a bare server for a request, and what
 * is measured here is the server.
 */
export class KeepAliveConnection {
  readonly #socket: Socket;
  readonly #headers: string;
  #received: Buffer[] = [];
  #waiting: { resolve(response: Response): void; reject(error: Error): void } | null = null;

  /** `url`: of the server, `http://host:port`. */
  static async open(url: string, token: string): Promise<KeepAliveConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => { socket.once('connect', resolve).once('error', reject); });
    return new KeepAliveConnection(socket, `HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  }

  private constructor(socket: Socket, headers: string) {
    this.#socket = socket;
    this.#headers = headers;
    socket.on('data', (chunk) => { this.#take(chunk); });
    socket.on('error', (error) => { this.#fail(error); });
    socket.on('close', () => { this.#fail(new Error('the server closed the connection')); });
  }

  get(path: string): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`GET ${path} ${this.#headers}`, 'latin1');
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    try {
      const response = parseResponse(this.#received.length === 1 ? chunk : Buffer.concat(this.#received));
      if (response === null) return;
      const waiting = this.#waiting;
      this.#received = [];
      this.#waiting = null;
      waiting?.resolve(response);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
