import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../support/api.ts';
import { freePort, ServerProcess } from '../support/server-process.ts';

/** Longest that anything may take that must come by itself. */
export const byItselfMsMax = 90_000;
const leaseMs = 1_500;

/** `settings`: of the environment of every server. */
export interface FleetOptions { readonly databaseUrl: string; readonly servers: number; readonly issues: number; readonly settings?: Readonly<Record<string, string>> }

/** Some built servers of every role on one database, with issues of an organisation to write to. */
export class Fleet {
  readonly servers: readonly ServerProcess[];
  readonly urls: readonly string[];
  readonly #dataDir: string;
  token = '';
  /** Ids; each is a stream that stands at version 1. */
  issues: readonly string[] = [];

  private constructor(servers: readonly ServerProcess[], urls: readonly string[], dataDir: string) {
    [this.servers, this.urls, this.#dataDir] = [servers, urls, dataDir];
  }

  static async open({ databaseUrl, servers, issues, settings = {} }: FleetOptions): Promise<Fleet> {
    const dataDir = await mkdtemp(join(tmpdir(), 'rectrail-fleet-'));
    const ports = await Promise.all(Array.from({ length: servers }, () => freePort()));
    const ofAll = { DATABASE_URL: databaseUrl, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_LEASE_MS: String(leaseMs), ...settings };
    const processes = ports.map((port) => new ServerProcess({ ...ofAll, RECTRAIL_PORT: String(port) }, { supervised: true }).start());
    const fleet = new Fleet(processes, ports.map((port) => `http://127.0.0.1:${port}`), dataDir);
    try {
      await Promise.all(processes.map(({ ready }) => ready));
      fleet.token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
      fleet.issues = await fleet.#registerIssues(issues);
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  async post(path: string, body: unknown): Promise<Json> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
    const reply = await fetch(`${this.urls[0]}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (reply.status >= 300) throw new Error(`POST ${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  }

  async get(path: string): Promise<Json> {
    const reply = await fetch(`${this.urls[0]}/api/v1${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    return reply.headers.get('content-type')?.includes('json') === true ? reply.json() : reply.text();
  }

  /** Waits; what fails meanwhile does not hold yet. */
  async eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = performance.now() + byItselfMsMax;
    while (!(await Promise.resolve().then(holds).catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`${what} does not come by itself:\n${this.servers.map(({ log }) => log).join('\n')}`);
      await sleep(20);
    }
  }

  async ready(): Promise<void> {
    for (const url of this.urls) await this.eventually(`${url} ready`, async () => (await fetch(`${url}/health/ready`)).status === 200);
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop('SIGKILL')));
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #registerIssues(count: number): Promise<readonly string[]> {
    await this.post('/organisations', { code: 'JT', name: '某市交通运输局', level: 'bureau', parent: null });
    const { id: inspectionId } = await this.post('/inspections', { org: 'JT', kind: 'XUNCHA', types: ['REGULAR'], title: '第五轮巡察', on: '2025-03-03' });
    await this.post(`/inspections/${inspectionId}/deliver-feedback`, { on: '2025-05-06' });
    const issues: string[] = [];
    for (let n = 1; n <= count; n++) issues.push((await this.post('/issues', { inspectionId, numberPath: [`${n}`], title: '资金管理不严' })).id);
    return issues;
  }
}
