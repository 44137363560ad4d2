import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer } from '@rectrail/server';
import { readConfiguration } from '@rectrail/platform';
import type { TestDatabase } from '@rectrail/platform/testing';
import type { Json } from './api.ts';

/** A server within the test that is stopped and started again on one database or another, always with the same data directory and settings. */
export class RestartedServer {
  readonly dataDir: string;
  readonly #settings: Readonly<Record<string, string>>;
  #running: RunningServer | null = null;
  #token = '';
  #registered = 0;

  private constructor(dataDir: string, settings: Readonly<Record<string, string>>) {
    [this.dataDir, this.#settings] = [dataDir, settings];
  }

  /** Not yet started. `settings`: of its environment, beside those of every such server. */
  static async open(settings: Readonly<Record<string, string>>): Promise<RestartedServer> {
    return new RestartedServer(await mkdtemp(join(tmpdir(), 'rectrail-restarted-')), settings);
  }

  get url(): string {
    return this.#running?.url ?? '';
  }

  get token(): string {
    return this.#token;
  }

  async startOn(database: TestDatabase | null): Promise<void> {
    if (database === null) throw new Error('a test before this one has not made the database');
    await this.stop();
    this.#running = await startServer(readConfiguration({
      DATABASE_URL: database.url, RECTRAIL_DATA_DIR: this.dataDir, RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'silent', RECTRAIL_LEASE_MS: '1000',
      // The scheduler would write of its own accord.
      RECTRAIL_ROLES: 'api,projector,relay', ...this.#settings,
    }));
    this.#token = (await readFile(join(this.dataDir, 'admin-token'), 'utf8')).trim();
  }

  async stop(): Promise<void> {
    await this.#running?.close();
    this.#running = null;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** `path`: below /api/v1, or /health and what is below it. What is no JSON is answered as text. */
  async call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: Json }> {
    const reply = await fetch(`${this.url}${path.startsWith('/health') ? '' : '/api/v1'}${path}`, {
      method, headers: { authorization: `Bearer ${this.#token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, body: (reply.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text };
  }

  /** One event. */
  write(): Promise<{ readonly status: number; readonly body: Json }> {
    return this.call('POST', '/organisations', { code: `O-${this.#registered += 1}`, name: '某局', level: 'bureau', parent: null });
  }

  async head(): Promise<number> {
    return (await this.call('GET', '/health')).body.headPosition;
  }
}
