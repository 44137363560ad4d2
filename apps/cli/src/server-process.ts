import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UsageError } from './api-client.ts';

/** The first start lays out a database and reads calendars; on a slow machine that takes a while. */
const readyMsMax = 120_000;
const pollMs = 250;

const serverMain = fileURLToPath(new URL('../../server/dist/main.js', import.meta.url));

const urlOf = (env: NodeJS.ProcessEnv): string => `http://${env['RECTRAIL_HOST'] ?? '127.0.0.1'}:${env['RECTRAIL_PORT'] ?? '3000'}`;

const waitForExit = (child: ChildProcess): Promise<number> => new Promise((resolve) => {
  if (child.exitCode !== null) resolve(child.exitCode);
  else child.on('exit', (code) => { resolve(code ?? 1); });
});

/** The server as a process of its own, with the settings of this one's environment. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  /** @throws UsageError where the server is not built, or where another one answers at its address already, which would be taken for it. */
  static async start(env: NodeJS.ProcessEnv): Promise<ServerProcess> {
    const url = urlOf(env);
    const answers = await fetch(`${url}/health/live`).then(() => true, () => false);
    if (answers) {
      throw new UsageError(`${url} is in use already. Potential solutions: stop what is serving there, or set RECTRAIL_PORT`, `${url} 已被占用。请停止占用它的服务，或设置 RECTRAIL_PORT`);
    }
    return new ServerProcess(env);
  }

  private constructor(env: NodeJS.ProcessEnv) {
    if (!existsSync(serverMain)) throw new UsageError('the server is not built. Potential solutions: npm run build', '服务端尚未构建。请运行 npm run build');
    // RECTRAIL_TOKEN and RECTRAIL_URL are ours; the server leaves them alone.
    this.#child = spawn(process.execPath, [serverMain], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    this.url = urlOf(env);
  }

  get exited(): Promise<number> {
    return waitForExit(this.#child);
  }

  /** @throws UsageError where it stops, or is not ready in time. */
  async ready(): Promise<void> {
    const deadline = Date.now() + readyMsMax;
    while (Date.now() < deadline) {
      if (this.#child.exitCode !== null) throw new UsageError('the server stopped at its start; its last lines above say why', '服务端启动时停止，原因见上面最后几行');
      // Not listening yet is what is waited for.
      const ready = await fetch(`${this.url}/health/ready`).then((response) => response.ok, () => false);
      if (ready) return;
      await new Promise((resolve) => { setTimeout(resolve, pollMs); });
    }
    throw new UsageError(`the server at ${this.url} is not ready after ${readyMsMax / 1_000} s`, `${this.url} 的服务端 ${readyMsMax / 1_000} 秒后仍未就绪`);
  }

  /** Passes the wish to stop on; a terminal's Ctrl-C has reached the server by itself. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }
}
