// Goal: several processes share one PostgreSQL and the work; whichever is killed, stopped or started at whatever moment, no acknowledged command is lost or doubled, every
// reader sees what it wrote, and nobody has to do anything. Method: the built server in five processes under writers at both APIs; signals at random (the seed is printed), in
// the end the log is counted and every row of the read models compared with a rebuild. RECTRAIL_TEST_SECONDS lengthens it.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { randomOf } from '@rectrail/tracking-read/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Json } from '../support/api.ts';
import { freePort, ServerProcess, type Exit } from '../support/server-process.ts';
import { rowsDigest, storedEvents } from '../support/written-log.ts';

const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const underFireMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 5) * 1_000;
const writers = 6;
/** Longest that anything may take that must come by itself. */
const byItselfMsMax = 60_000;

const roles = { one: 'api', other: 'api,projector', projector: 'projector', relay: 'relay', scheduler: 'scheduler' } as const;
type Name = keyof typeof roles;
const names = Object.keys(roles) as Name[];
const apis: readonly Name[] = ['one', 'other'];

const random = randomOf(seed);
let database: TestDatabase;
let dataDir: string;
const processes = {} as Record<Name, ServerProcess>;
const urls = {} as Record<Name, string>;
let token: string;
let inspection: string;
/** What must not happen, with where it did. */
const faults: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-several-'));
  for (const name of names) {
    const port = await freePort();
    urls[name] = `http://127.0.0.1:${port}`;
    processes[name] = new ServerProcess({ DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: String(port), RECTRAIL_ROLES: roles[name], RECTRAIL_SHUTDOWN_GRACE_MS: '5000' });
  }
  // All at once on an empty database: each finds the others at the same migrations, first events and token.
  for (const name of names) processes[name].start();
  await Promise.all(names.map((name) => processes[name].ready));
  token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
});
afterAll(async () => {
  await Promise.all(names.map((name) => processes[name].stop('SIGKILL')));
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

interface Reply { readonly status: number; readonly body: Json; readonly position: number }

interface Request { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }

const ask = async (name: Name, { method, path, body, headers }: Request, patienceMs = 30_000): Promise<Reply> => {
  const reply = await fetch(`${urls[name]}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(patienceMs),
  });
  return { status: reply.status, body: await reply.json(), position: Number(reply.headers.get('rectrail-position')) };
};

const get = (name: Name, path: string): Promise<Reply> => ask(name, { method: 'GET', path });

/** Not answered, or not now: what a client tries again, at any API. */
const isPassing = (reply: Reply | null): boolean => reply === null || reply.status === 503 || (reply.status === 409 && reply.body.code === 'idempotency-key-in-use');

/** Some clients leave before the answer and ask again, often elsewhere, while the command is still carried out. */
const patience = (): number | undefined => (random.int(0, 4) === 0 ? random.int(1, 40) : undefined);

/** Asks until it is answered. */
const insist = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Reply> => {
  const request = { method, path: `/api/v1${path}`, body, headers: method === 'POST' ? { 'idempotency-key': randomUUID() } : {} };
  const deadline = performance.now() + byItselfMsMax;
  for (;;) {
    const reply = await ask(random.pick(apis), request, patience()).catch(() => null);
    if (reply !== null && !isPassing(reply)) return reply;
    if (performance.now() > deadline) throw new Error(`${method} ${path} comes to nothing: ${JSON.stringify(reply?.body)}`);
    await sleep(50);
  }
};

const expectStatus = (reply: Reply, status: number, what: string): Json => {
  if (reply.status !== status) faults.push(`${what}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
};

/** Issues whose registration and acceptance were acknowledged. */
const registered: string[] = [];
const accepted: string[] = [];

const write = async (writer: number, n: number): Promise<void> => {
  const made = await insist('POST', '/issues', { inspectionId: inspection, numberPath: [`${writer}`, `${n}`], title: '资金管理不严' });
  const { id } = expectStatus(made, 201, 'a registration');
  registered.push(id);
  // Its own write, read at whichever API.
  const { issue } = expectStatus(await insist('GET', `/issues/${id}?atLeast=${made.position}`), 200, 'a read of one\'s own write');
  if (issue?.state !== 'FED_BACK') faults.push(`issue ${id} reads ${issue?.state}`);
  expectStatus(await insist('POST', `/issues/${id}/accept`, {}), 200, 'an acceptance');
  accepted.push(id);
};

/** Writers at both APIs until the signal, and until all that they have begun is acknowledged. */
const underLoad = async (work: () => Promise<void>): Promise<void> => {
  let isOver = false;
  const writing = Array.from({ length: writers }, async (_, writer) => {
    for (let n = registered.length; !isOver; n += 1) await write(writer, n);
  });
  try {
    await work();
  } finally {
    isOver = true;
    await Promise.all(writing);
  }
};

/** One more is written, read and accepted; where a start takes longer than the kills leave, nothing ever would be. */
const goOn = async (): Promise<void> => {
  const [before, deadline] = [accepted.length, performance.now() + byItselfMsMax];
  while (accepted.length === before) {
    if (performance.now() > deadline) throw new Error('no issue more is accepted');
    await sleep(50);
  }
};

const bounce = async (name: Name, signal: 'SIGTERM' | 'SIGKILL'): Promise<Exit> => {
  const exit = await processes[name].stop(signal);
  processes[name].start();
  return exit;
};

const everyoneReady = async (): Promise<void> => {
  const deadline = performance.now() + byItselfMsMax;
  for (const name of names) {
    while ((await get(name, '/health/ready').catch(() => null))?.status !== 200) {
      if (performance.now() > deadline) throw new Error(`${name} is not ready by itself:\n${processes[name].log}`);
      await sleep(100);
    }
  }
};

/** Refuses new connections and cuts those that there are. */
const whileDatabaseAway = async (work: () => Promise<void>): Promise<void> => {
  const server = new pg.Client({ connectionString: process.env['RECTRAIL_TEST_POSTGRES_URL'] });
  const name = new URL(database.url).pathname.slice(1);
  await server.connect();
  try {
    await server.query(`alter database ${name} with allow_connections false`);
    await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await work();
  } finally {
    await server.query(`alter database ${name} with allow_connections true`);
    await server.end();
  }
};

/** A reader that holds the gate of the read models keeps every rebuild at its swap. */
const whileNoneSwaps = async (work: () => Promise<void>): Promise<void> => {
  const reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  try {
    await reader.query('begin; lock table rectrail_read.gate in access share mode');
    await work();
  } finally {
    await reader.end();
  }
};

/** Once every projection has reached the head. */
const caughtUp = async (holds: (view: Json) => boolean = () => true): Promise<void> => {
  const deadline = performance.now() + byItselfMsMax;
  for (;;) {
    const { headPosition, items } = (await get('one', '/api/v1/projections')).body;
    if (items.every((item: Json) => item.state === 'running' && item.position === headPosition && item.build === null && holds(item))) return;
    if (performance.now() > deadline) throw new Error(`the projections do not catch up: ${JSON.stringify(items)}`);
    await sleep(50);
  }
};

describe(`five processes on one PostgreSQL (seed ${seed})`, () => {
  it('start together with one token, and write what either API reads', async () => {
    for (const name of names) expect([name, (await fetch(`${urls[name]}/health/live`)).status]).toEqual([name, 200]);
    await insist('POST', '/organisations', { code: 'JT', name: '某市交通运输局', level: 'bureau', parent: null });
    const { id } = (await insist('POST', '/inspections', { org: 'JT', kind: 'XUNCHA', types: ['REGULAR'], title: '第五轮巡察', on: '2025-03-03' })).body;
    inspection = id;
    const { position, status } = await insist('POST', `/inspections/${inspection}/deliver-feedback`, { on: '2025-05-06' });
    expect(status).toBe(200);
    for (const name of apis) expect((await get(name, `/api/v1/inspections?atLeast=${position}`)).body.items).toHaveLength(1);
    // Who serves no API has none, and is ready whatever the read models do.
    expect((await fetch(`${urls.relay}/api/v1/organisations`)).status).toBe(404);
    await everyoneReady();
  });

  it('lose nothing when any of them is killed or stopped at any moment, also in the middle of a start', async () => {
    const until = performance.now() + underFireMs;
    await underLoad(async () => {
      while (performance.now() < until) {
        if (random.int(0, 9) < 3) await goOn();
        await sleep(random.int(100, 900));
        const [name, signal] = [random.pick(names), random.pick(['SIGKILL', 'SIGKILL', 'SIGTERM'] as const)];
        const exit = await bounce(name, signal);
        if (signal === 'SIGTERM' && exit.code !== 0 && exit.signal !== 'SIGTERM') faults.push(`${name} ended with ${JSON.stringify(exit)} on SIGTERM:\n${processes[name].log}`);
      }
    });
    expect(faults).toEqual([]);
    await everyoneReady();
  }, underFireMs + 2 * byItselfMsMax);

  it('end in order on SIGTERM under load, all at once', async () => {
    await underLoad(async () => {
      await sleep(300);
      expect(await Promise.all(names.map(async (name) => [name, await bounce(name, 'SIGTERM')]))).toEqual(names.map((name) => [name, { code: 0, signal: null }]));
    });
    expect(faults).toEqual([]);
    await everyoneReady();
  });

  it('go on by themselves when the database was away under load', async () => {
    await underLoad(async () => {
      await whileDatabaseAway(async () => {
        for (const name of names) {
          expect([name, (await fetch(`${urls[name]}/health/live`)).status, (await fetch(`${urls[name]}/health/ready`)).status]).toEqual([name, 200, 503]);
        }
        await sleep(1_000);
      });
    });
    expect(faults).toEqual([]);
    await everyoneReady();
    for (const name of names) expect([name, processes[name].hasEnded]).toEqual([name, false]);
  });

  it('hold every acknowledged command once, in an order without gaps', async () => {
    const events = await storedEvents(database.url);
    expect(events.map(({ position }) => position as number)).toEqual(events.map((_, index) => index + 1));
    const issuesOf = (type: string): readonly string[] => events.filter((event) => event.type === type).map(({ streamId }) => streamId.replace(/^issue-/, '')).sort();
    expect(registered.length).toBeGreaterThan(writers);
    expect(issuesOf('IssueRegistered')).toEqual([...registered].sort());
    expect(issuesOf('IssueAccepted')).toEqual([...accepted].sort());
  });

  it('have read models that equal a rebuild, every row; a rebuild whose process is killed is gone on with', async () => {
    await caughtUp();
    const before = await rowsDigest(database.url);
    const { items } = (await get('one', '/api/v1/projections')).body;
    const swappedBefore = new Map(items.map((item: Json) => [item.name, item.swappedAt]));
    await whileNoneSwaps(async () => {
      for (const { name } of items) expect((await ask('one', { method: 'POST', path: `/api/v1/projections/${name}/rebuild`, body: {} })).status).toBe(202);
      await bounce('one', 'SIGKILL');
      await processes.one.ready;
    });
    await caughtUp((item) => item.swappedAt !== swappedBefore.get(item.name));
    expect(await rowsDigest(database.url)).toEqual(before);
    await everyoneReady();
  });
});
