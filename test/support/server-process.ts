import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const main = join(import.meta.dirname, '../../apps/server/dist/main.js');
const logLinesKept = 40;

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
};

/** How a process ended: with a code of its own, or by a signal. */
export interface Exit { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** `supervised`: one that ends by itself, as a start does that finds no PostgreSQL, is started again, as any installation has it. */
export interface ServerProcessOptions { readonly supervised?: boolean }

/** Between the end of a supervised server and its next start, ms. */
const supervisedAfterMs = 250;

/** The built server in a process of its own, to be signalled and started again. */
export class ServerProcess {
  readonly #supervised: boolean;
  #mayEnd = true;
  readonly #env: Readonly<Record<string, string>>;
  readonly #log: string[] = [];
  #child: ChildProcess | null = null;
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  #ready: Promise<string> = Promise.reject(new Error('not started'));

  constructor(settings: Readonly<Record<string, string>>, { supervised = false }: ServerProcessOptions = {}) {
    this.#supervised = supervised;
    if (!existsSync(main)) throw new Error('apps/server/dist is missing. Potential solutions: npm run build');
    const inherited = Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|NODE_OPTIONS$|DATABASE_URL$)/.test(name));
    this.#env = { ...Object.fromEntries(inherited), RECTRAIL_LOG_LEVEL: 'info', ...settings };
    this.#ready.catch(() => undefined);
  }

  /** What it said last, for a failing test. */
  get log(): string {
    return this.#log.join('\n');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Its address, once it listens. @throws Error where it ends before. */
  get ready(): Promise<string> {
    return this.#ready;
  }

  start(): this {
    const child = spawn(process.execPath, [main], { env: this.#env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    this.#mayEnd = !this.#supervised;
    child.once('exit', () => {
      // Who was killed and started meanwhile has a child of its own.
      if (!this.#mayEnd) setTimeout(() => { if (!this.#mayEnd && this.#child === child) this.start(); }, supervisedAfterMs);
    });
    this.#exit = new Promise((resolve) => { child.once('exit', (code, signal) => { resolve({ code, signal }); }); });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#ready = promise;
    promise.catch(() => undefined);
    // Read to its end, or a full pipe would stop the server.
    createInterface({ input: child.stderr }).on('line', (text) => {
      this.#log.splice(0, this.#log.length - logLinesKept + 1);
      this.#log.push(text);
      const [, url] = /"url":"([^"]+)".*"msg":"ready"/.exec(text) ?? [];
      if (url !== undefined) resolve(url);
    }).on('close', () => { reject(new Error(`the server ended before it was ready:\n${this.log}`)); });
    return this;
  }

  get hasEnded(): boolean {
    return this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<Exit> {
    this.#mayEnd = true;
    this.#child?.kill(signal);
    return this.#exit;
  }
}
