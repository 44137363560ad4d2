import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres, type RunningPostgres } from '@rectrail/platform';
import pg from 'pg';
import { freePort } from './server-process.ts';

/** Before it recovers it flushes the filesystem in one call, file by file takes ten times as long: whoever kills processes, not machines, loses nothing by it. */
export const quickRecovery = 'recovery_init_sync_method=syncfs';

/** A PostgreSQL of the test's own, which it may do violence to: always on the same port and the same files. */
export class OwnPostgres {
  readonly dataDir: string;
  readonly #port: number;
  readonly #settings: readonly string[];
  #running: RunningPostgres;

  private constructor(dataDir: string, port: number, settings: readonly string[], running: RunningPostgres) {
    [this.dataDir, this.#port, this.#settings, this.#running] = [dataDir, port, settings, running];
  }

  /** `given`: settings, `name=value`. */
  static async open(given: readonly string[] = []): Promise<OwnPostgres> {
    const settings = [quickRecovery, ...given];
    const dataDir = await mkdtemp(join(tmpdir(), 'rectrail-postgres-'));
    // As root the server runs as a user of its own.
    await chmod(dataDir, 0o755);
    const port = await freePort();
    return new OwnPostgres(dataDir, port, settings, await startEmbeddedPostgres({ dataDir, port, settings }));
  }

  get url(): string {
    return this.#running.url;
  }

  /** Immediate shutdown: nothing is written any more, and the next start recovers. */
  async shutDownAtOnce(): Promise<void> {
    process.kill(this.#running.pid, 'SIGQUIT');
    while (isAlive(this.#running.pid)) await sleep(5);
  }

  async start(): Promise<void> {
    this.#running = await startEmbeddedPostgres({ dataDir: this.dataDir, port: this.#port, settings: this.#settings });
  }

  /** SIGKILL to the server process of one connection, at which all others are ended and the server recovers by itself. False where there was none, or nobody to ask. */
  async killBackend(pick: (pids: readonly number[]) => number): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>("select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()");
      if (rows.length === 0) return false;
      process.kill(pick(rows.map(({ pid }) => pid)), 'SIGKILL');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.#running.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
