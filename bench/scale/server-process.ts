import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { killedWithBench } from '../process.ts';

export type Roles = 'api' | 'api,projector';

/** A projector that has much to catch up with is ready late. */
const readyMsMax = 120_000;
const pollMs = 100;
const main = fileURLToPath(new URL('../../../apps/server/dist/main.js', import.meta.url));

const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => { if (address !== null && typeof address === 'object') resolve(address.port); else reject(new Error('no free port')); });
  });
});

/**
 * Rectrail's server as it runs in production: built, a process of its own, every setting its default; its log goes to a file. Notices would change the histories, and what follows
 * the log from its beginning would be measured too: it serves and, where there is a writer, projects.
 */
export class ServerProcess {
  readonly url: string;
  readonly token: string;
  readonly #child: ChildProcess;

  /** `dir` holds its token and its log. @throws Error where it stops or is not ready in time; the end of its log says why. */
  static async start(databaseUrl: string, dir: string, roles: Roles): Promise<ServerProcess> {
    await mkdir(dir, { recursive: true });
    const logFile = join(dir, 'server.log');
    const log = openSync(logFile, 'w');
    const port = await freePort();
    const child = killedWithBench(spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, RECTRAIL_PORT: String(port), RECTRAIL_DATA_DIR: dir, RECTRAIL_ROLES: roles }, stdio: ['ignore', log, log],
    }));
    const url = `http://127.0.0.1:${port}`;
    const deadline = Date.now() + readyMsMax;
    while (!(await fetch(`${url}/health/ready`).then((response) => response.ok, () => false))) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`the server did not become ready: ${(await readFile(logFile, 'utf8')).slice(-2_000)}`);
      }
      await sleep(pollMs);
    }
    return new ServerProcess(child, url, (await readFile(join(dir, 'admin-token'), 'utf8')).trim());
  }

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child;
    this.url = url;
    this.token = token;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill('SIGTERM');
    await exited;
  }
}

/** Of those that a row asks, one for each database; the others are stopped, so that they neither work nor hold their database. */
export class Servers {
  readonly #dir: string;
  readonly #running = new Map<string, { readonly server: ServerProcess; readonly roles: Roles }>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Exactly these, in this order. */
  async only(databases: readonly { readonly database: string; readonly url: string }[], roles: Roles = 'api'): Promise<readonly ServerProcess[]> {
    for (const [name, { server, roles: running }] of this.#running) {
      if (running === roles && databases.some(({ database }) => database === name)) continue;
      await server.stop();
      this.#running.delete(name);
    }
    const servers: ServerProcess[] = [];
    for (const { database, url } of databases) {
      const server = this.#running.get(database)?.server ?? await ServerProcess.start(url, join(this.#dir, 'servers', database), roles);
      this.#running.set(database, { server, roles });
      servers.push(server);
    }
    return servers;
  }
}
