// Goal: between each commit and its acknowledgement lies a flush that has ended. Method: the system calls of the server process itself, as strace sees them: the request that
// comes in, fdatasync that returns, the answer that goes out. A store that cheats on purpose must be found.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshStream, requestOf } from '@rectrail/event-store/testing';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import pg from 'pg';
import { OwnPostgres } from '../support/own-postgres.ts';
import { withoutWaiting } from './without-waiting.ts';

const appends = 100;

let postgres: OwnPostgres;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rectrail-strace-'));
  // Nobody but the one who commits flushes the log.
  postgres = await OwnPostgres.open(['wal_writer_delay=10s', 'autovacuum=off', 'wal_sync_method=fdatasync']);
}, 60_000);
afterAll(async () => {
  await postgres.close();
  await rm(folder, { recursive: true });
});

const appenders = async (): Promise<readonly number[]> => {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(`select pid from pg_stat_activity where query like '%append_one%' and pid <> pg_backend_pid()`);
  await client.end();
  return rows.map(({ pid }) => pid);
};

/** Acknowledgements of appends that the trace holds, and those before which no flush had ended. */
const judged = (trace: string): { readonly acknowledged: number; readonly unflushed: number } => {
  let [acknowledged, unflushed] = [0, 0];
  /** By process: null where no append is under way, else whether it was flushed. */
  const underWay = new Map<string, boolean | null>();
  for (const line of trace.split('\n')) {
    const [, pid = '', call = '', rest = ''] = /^(?:\[pid\s+)?(\d+)\]?\s+(\w+)\((.*)$/.exec(line) ?? [];
    const flushed = underWay.get(pid) ?? null;
    if (call === 'recvfrom' && rest.includes('append_one')) underWay.set(pid, false);
    else if (/^f(data)?sync$/.test(call) && / = 0$/.test(rest) && flushed !== null) underWay.set(pid, true);
    else if (call === 'sendto' && flushed !== null) {
      acknowledged += 1;
      if (!flushed) unflushed += 1;
      underWay.set(pid, null);
    }
  }
  return { acknowledged, unflushed };
};

const traced = async (name: string): Promise<ReturnType<typeof judged>> => {
  const store = await PostgresEventStore.open({ connectionString: postgres.url });
  const append = (): Promise<unknown> => store.append(requestOf([{ stream: freshStream(), expected: 'none', says: ['x'] }]));
  await append();
  const file = join(folder, name);
  const strace = spawn('strace', ['-f', '-o', file, '-s', '400', '-e', 'trace=fdatasync,fsync,sendto,recvfrom', ...(await appenders()).flatMap((pid) => ['-p', String(pid)])], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(createInterface({ input: strace.stderr }), 'line');
  for (let n = 0; n < appends; n += 1) await append();
  strace.kill('SIGINT');
  await once(strace, 'exit');
  await store.close();
  return judged(await readFile(file, 'utf8'));
};

describe('the system calls of the server', () => {
  it('show a flush that has ended between every commit and its acknowledgement', async () => {
    expect(await traced('honest')).toEqual({ acknowledged: appends, unflushed: 0 });
  });

  it('show a store that does not wait for it', async () => {
    const { acknowledged, unflushed } = await withoutWaiting(() => traced('cheating'));
    expect(acknowledged).toBe(appends);
    expect(unflushed).toBeGreaterThan(appends / 2);
  });
});
