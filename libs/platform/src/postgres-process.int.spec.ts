import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { isAlive } from './postgres-process.ts';

// Goal: a killed server does not leave a data directory that cannot be started on; a running one is not disturbed. Method: a
// child process that starts PostgreSQL and is killed.
describe('the owner of an embedded PostgreSQL', () => {
  let dataDir: string;
  let child: ChildProcess | null = null;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'rectrail-owner-'));
    await chmod(dataDir, 0o755);
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  const startInChild = async (): Promise<ChildProcess> => {
    const script = `
      const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL('embedded-postgres.ts', import.meta.url).href)});
      await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
      process.stdout.write('started');
      setInterval(() => undefined, 1000);`;
    const started = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(started.stdout, 'data');
    return started;
  };

  it('keeps others out while it lives, and is succeeded once it was killed', async () => {
    child = await startInChild();
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/already runs/);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const listeners = process.listenerCount('SIGTERM');
    const server = await startEmbeddedPostgres({ dataDir });
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await server.stop();
    await expect(server.stop()).resolves.toBeUndefined();
  });

  it('starts it again where it ended by itself, on the same address, and not where it was stopped', async () => {
    const ended: string[] = [];
    const server = await startEmbeddedPostgres({ dataDir, onEnded: (lastWords) => { ended.push(lastWords); } });
    const { pid, url } = server;
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.on('error', () => undefined);
    await pool.query('create table if not exists kept (n int)');
    process.kill(pid, 'SIGKILL');
    while (server.pid === pid) await sleep(50);
    expect((await pool.query('select count(*)::int as n from kept')).rows).toEqual([{ n: 0 }]);
    expect(ended.length).toBeGreaterThan(0);
    await pool.end();
    await server.stop();
    await sleep(1_000);
    expect(isAlive(server.pid)).toBe(false);
  });
});
