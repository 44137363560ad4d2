// Goal: a rebuild is no event to fear: readers notice nothing, an operator stops it and goes on at will, it outlives its server; an event that one projection cannot apply
// stops that one alone, and is left out when an operator says so. Method: a whole server over HTTP and the built command line; a reader that holds the gate of the read
// models keeps a rebuild at its swap; the event that fails is a well-formed one in a stream that no command would name, appended past the server as a defective writer
// with access to the database would.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEventCodec, deriveEventId, newCommandId } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { instantOfMs, streamId, type NewFact } from '@rectrail/kernel';
import { openDatabase } from '@rectrail/platform';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

const root = join(import.meta.dirname, '../..');
const names = ['events', 'registers'];
const untilMsMax = 20_000;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const name of ['ningbo-2022.ndjson', 'liuba-2020.ndjson', 'heshan-2025.ndjson']) await server.importLedger(name);
});
afterAll(async () => { await server.close(); });

const projection = async (name: string): Promise<Json> => (await server.get('/projections')).items.find((item: Json) => item.name === name);
const until = async (name: string, holds: (view: Json) => boolean): Promise<Json> => {
  const deadline = performance.now() + untilMsMax;
  for (;;) {
    const view = await projection(name);
    if (holds(view)) return view;
    if (performance.now() > deadline) throw new Error(`${name} does not come to it: ${JSON.stringify(view)}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
};
/** The one before it ends a moment after its swap shows. */
const beginRebuild = async (name: string): Promise<void> => {
  const deadline = performance.now() + untilMsMax;
  while ((await server.call('POST', `/projections/${name}/rebuild`)).status !== 202) if (performance.now() > deadline) throw new Error(`no rebuild of ${name} begins`);
};
const headPosition = async (): Promise<number> => (await server.call('GET', '/health/ready')).body.headPosition;
const register = (code: string): Promise<Json> => server.post('/organisations', { code, name: '某局', level: 'bureau', parent: null });

/** As long as it is held no rebuild can swap; reads pass. */
const holdGate = async (): Promise<() => Promise<void>> => {
  const database = await openDatabase({ url: server.databaseUrl, connectionsMax: 1, onError: () => undefined });
  const [held, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const holding = database.transaction(async (query) => {
    await query('lock table rectrail_read.gate in access share mode');
    held.resolve(undefined);
    await released.promise;
  });
  await held.promise;
  return async () => {
    released.resolve(undefined);
    await holding;
    await database.close();
  };
};

interface Ended { readonly code: number | null; readonly out: string; readonly err: string }
const shell = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|LANG$|LC_|NODE_OPTIONS$)/.test(name)));
/** `whenSaid`: Ctrl-C once it has said so on standard error. */
const rectrail = async (args: readonly string[], whenSaid?: RegExp): Promise<Ended> => {
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/rectrail.mjs'), ...args], { env: { ...shell, RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const hasSaid = whenSaid?.test(err);
    err += text;
    if (hasSaid === false && whenSaid?.test(err) === true) child.kill('SIGINT');
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
};

/** One that stopped at an event that is left out now goes on by itself within seconds: then there is none to begin until it has ended. */
const rebuiltByHand = async (name: string): Promise<Ended> => {
  const deadline = performance.now() + untilMsMax;
  for (;;) {
    const ended = await rectrail(['rebuild', name]);
    if (!ended.err.includes('rebuild-running') || performance.now() > deadline) return ended;
  }
};

describe('readers', () => {
  it('notice nothing of rebuilds, while commands go on', async () => {
    const cut = `validAt=2025-06-30&knownAt=2025-07-07&atPosition=${await headPosition()}`;
    const final = ['/dashboard', '/dashboard?org=CN-330200-JT', '/dashboard/children', '/issues?limit=100', '/deadlines', '/funds'].map((path) => `${path}${path.includes('?') ? '&' : '?'}${cut}`);
    const answer = async (path: string): Promise<string> => {
      const { status, body } = await server.call('GET', path);
      return JSON.stringify({ status, body });
    };
    const before = new Map(await Promise.all(final.map(async (path) => [path, await answer(path)] as const)));
    expect([...before.values()].filter((text) => !text.startsWith('{"status":200'))).toEqual([]);
    let isOver = false;
    let reads = 0;
    const different: string[] = [];
    const readers = [0, 1].map(async (offset) => {
      for (let n = offset; !isOver; n += 1) {
        const path = final[n % final.length]!;
        if (await answer(path) !== before.get(path)) different.push(path);
        // Without a cut the answer grows with the log; it is an answer all the same.
        const { status } = await server.call('GET', '/dashboard');
        if (status !== 200) different.push(`/dashboard: ${status}`);
        reads += 2;
      }
    });
    for (let round = 0; round < 2; round += 1) {
      for (const name of names) {
        const { swappedAt } = await projection(name);
        const begun = await server.call('POST', `/projections/${name}/rebuild`);
        expect([begun.status, begun.headers.get('location')]).toEqual([202, '/api/v1/projections']);
        await register(`R-${round}-${name}`);
        await until(name, (view) => view.build === null && view.swappedAt !== swappedAt);
      }
    }
    isOver = true;
    await Promise.all(readers);
    expect(different).toEqual([]);
    expect(reads).toBeGreaterThan(10);
    expect(await Promise.all(final.map(answer))).toEqual([...before.values()]);
  });
});

describe('a rebuild', () => {
  it('goes on by itself where its server was stopped', async () => {
    const { swappedAt } = await projection('registers');
    const release = await holdGate();
    await beginRebuild('registers');
    const { build } = await until('registers', (view) => view.build?.phase === 'swapping');
    await server.restart();
    expect(await until('registers', (view) => view.build?.running)).toMatchObject({ state: 'running', build: { startedAt: build.startedAt, paused: false } });
    await release();
    await until('registers', (view) => view.build === null && view.swappedAt !== swappedAt);
  });

  it('that an operator stopped waits, also over a restart, until it is asked for', async () => {
    const release = await holdGate();
    await beginRebuild('registers');
    const { build } = await until('registers', (view) => view.build?.phase === 'swapping');
    expect(await server.call('POST', '/projections/registers/rebuild')).toMatchObject({ status: 409, body: { code: 'rebuild-running' } });
    expect((await server.call('DELETE', '/projections/registers/rebuild')).body.build).toMatchObject({ paused: true, running: false });
    await release();
    await server.restart();
    expect((await projection('registers')).build).toMatchObject({ startedAt: build.startedAt, paused: true, running: false });
    expect((await server.call('GET', '/health/ready')).status).toBe(200);
    expect((await server.call('POST', '/projections/registers/rebuild')).status).toBe(202);
    await until('registers', (view) => view.build === null);
  });

  it('from the command line shows its progress, ends by Ctrl-C and says how it goes on', async () => {
    expect(await rectrail(['rebuild', '--lang', 'en'])).toMatchObject({ code: 0, out: expect.stringMatching(/^events is rebuilt up to position \d+, in \d+ s\nregisters is rebuilt up to position \d+, in \d+ s\n$/) });
    const release = await holdGate();
    const ended = await rectrail(['rebuild', 'registers', '--lang', 'en'], /swapping/);
    expect(ended).toMatchObject({ code: 130, out: '', err: expect.stringMatching(/registers {2}swapping\n[\s\S]*Go on: rectrail rebuild registers;/) });
    expect(await rectrail(['projections', '--lang', 'zh'])).toMatchObject({ code: 0, out: expect.stringMatching(/^registers +正常 .*已暂停 100 %/m) });
    expect(await rectrail(['rebuild', 'registers', '--detach', '--lang', 'en'])).toMatchObject({ code: 0, out: expect.stringContaining('in the background') });
    expect(await rectrail(['rebuild', 'registers'])).toMatchObject({ code: 1, err: expect.stringContaining('rebuild-running') });
    expect(await rectrail(['rebuild', '--stop', '--lang', 'en'])).toMatchObject({ code: 0, out: expect.stringContaining('what is done is kept') });
    expect(await rectrail(['rebuild', '--drop', '--lang', 'en'])).toMatchObject({ code: 0, out: 'the rebuild of registers is dropped\n' });
    await release();
    expect(await rectrail(['rebuild', '--stop', '--lang', 'zh'])).toMatchObject({ code: 0, out: '没有已开始的重建\n' });
    expect(await rectrail(['rebuild', 'nonsense'])).toMatchObject({ code: 1, err: expect.stringContaining('unknown-projection') });
    expect(await rectrail(['rebuild', '--stop', '--drop'])).toMatchObject({ code: 2 });
  });
});

describe('an event that one projection cannot apply', () => {
  const appendStray = async (): Promise<number> => {
    const store = await PostgresEventStore.open({ connectionString: server.databaseUrl });
    const data: Json = JSON.parse(readFileSync(join(root, 'libs/tracking-domain/src/issue/wire/fixtures/IssueRegistered.v1.json'), 'utf8'));
    const commandId = newCommandId(instantOfMs(Date.now()));
    const day = { value: '2026-01-05', printed: '2026-01-05', precision: 'day', first: '2026-01-05', last: '2026-01-05', edge: 'on', commitment: null, inferred: [] } as unknown as NewFact<TrackingEvent>['validTime'];
    const fact: NewFact<TrackingEvent> = {
      eventId: deriveEventId(commandId, 0), commandId, correlationId: commandId, classification: 'internal', validTime: day, knownTime: null, scope: { orgId: data.orgId },
      actor: { orgId: null, role: 'system', subject: 'old-interface', assurance: 'system' }, event: { type: 'IssueRegistered', data },
    };
    try {
      await store.append({ commandId, entries: [{ streamId: streamId('issue-stray'), expectedVersion: 'any', events: [createEventCodec(trackingEventDefinitions).encode(fact)] }] });
      return (await store.head()).position;
    } finally {
      await store.close();
    }
  };

  it('stops that one alone, is named to whom it may be, and is left out when an operator says so', async () => {
    const leader = await server.makeToken('CN-330200-JT', 'leader', '某领导');
    const at = await appendStray();
    await until('registers', (view) => view.state === 'stopped');
    await register('AFTER');
    await until('events', (view) => view.position > at && view.lagEvents === 0);

    const ready = await server.call('GET', '/health/ready', { token: null });
    expect(ready).toMatchObject({ status: 503, body: { status: 'not-ready', database: 'up', behind: ['registers'] } });
    expect((await server.call('GET', '/health/live', { token: null })).status).toBe(200);
    const stopped = { name: 'registers', state: 'stopped', position: at - 1, failure: { position: at } };
    for (const token of [null, leader]) {
      const { status, body } = await server.call('GET', '/health', { token });
      expect([status, body.projections.find(({ name }: Json) => name === 'events').state]).toEqual([503, 'running']);
      expect(body.projections.find(({ name }: Json) => name === 'registers')).toMatchObject(stopped);
      expect(JSON.stringify(body)).not.toMatch(/reason|stray/);
    }
    const { body: told } = await server.call('GET', '/health');
    expect(told.projections.find(({ name }: Json) => name === 'registers').failure.reason).toContain('stray');
    expect(await server.call('GET', '/projections', { token: leader })).toMatchObject({ status: 403, body: { code: 'administrator-only' } });
    const metrics: string = (await server.call('GET', '/metrics')).body;
    for (const line of ['stopped{projection="registers"} 1', 'stopped{projection="events"} 0', `failure_position{projection="registers"} ${at}`, 'lag_events{projection="events"} 0']) {
      expect(metrics).toContain(`rectrail_projection_${line}\n`);
    }
    expect(metrics).not.toContain('stray');

    // Reads answer where all have arrived, and commands are taken.
    expect((await server.get('/dashboard')).cut.atPosition).toBe(at - 1);
    expect((await rectrail(['rebuild', 'registers', '--lang', 'en']))).toMatchObject({ code: 1, err: expect.stringContaining(`stopped at position ${at}`) });

    expect(await rectrail(['projections', '--lang', 'en'])).toMatchObject({ code: 0, out: expect.stringMatching(new RegExp(`^registers stopped at position ${at}: .*stray`, 'm')) });
    const skip = ['skip', 'registers', String(at), '--reason', '旧系统绕过服务写入', '--lang', 'en'];
    expect(await rectrail(skip)).toMatchObject({ code: 1, err: expect.stringContaining('--yes') });
    expect(await rectrail([...skip.with(2, String(at - 1)), '--yes'])).toMatchObject({ code: 1, err: expect.stringContaining('skip-refused') });
    expect(await rectrail(skip.with(2, 'zero'))).toMatchObject({ code: 2 });
    expect(await rectrail([...skip, '--yes'])).toMatchObject({ code: 0, out: expect.stringContaining(`leaves out the event at position ${at}`) });

    const head = await headPosition();
    const { skips } = await until('registers', (view) => view.state === 'running' && view.position === head);
    expect(skips).toEqual([{ position: at, reason: '旧系统绕过服务写入', skippedBy: expect.any(String), skippedAt: expect.any(String) }]);
    expect(await server.call('GET', '/health/ready', { token: null })).toMatchObject({ status: 200, body: { behind: [] } });
    expect((await server.get('/dashboard')).cut.atPosition).toBe(head);
    const digest = (await server.get('/dashboard?validAt=2025-06-30&knownAt=2025-07-07')).digest;
    expect(await rebuiltByHand('registers')).toMatchObject({ code: 0 });
    expect((await server.get('/dashboard?validAt=2025-06-30&knownAt=2025-07-07')).digest).toBe(digest);
    expect(await rectrail(['projections', '--lang', 'zh'])).toMatchObject({ out: expect.stringMatching(new RegExp(`^registers +${at} .*旧系统绕过服务写入$`, 'm')) });
  });
});
