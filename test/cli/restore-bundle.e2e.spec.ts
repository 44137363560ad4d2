// Goal: a bundle alone puts a log back as it was, and a server goes on from it under the same name; one that is not right or not whole changes nothing. Method: a server with
// samples and a purged content; the built command line as processes; the rows of both databases compared; a second server on what was restored.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { newNoteKey } from '@rectrail/transparency';
import pg from 'pg';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';
import { rowsDigest } from '../support/written-log.ts';

const binary = join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs');
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|DATABASE_URL$|LANG$|LC_|NODE_OPTIONS$)/.test(name)));

interface Ended { readonly code: number; readonly out: string; readonly err: string }

let root: string;
let server: TestServer;
let target: TestDatabase;
let restored: TestServer | null = null;

const dirOf = (name: string): string => join(root, name);
const rectrailIn = (env: Readonly<Record<string, string | undefined>>, ...args: readonly string[]): Promise<Ended> => new Promise((resolve) => {
  execFile(process.execPath, [binary, '--server', server.url, '--token', server.token, '--data-dir', dirOf('new'), ...args], { env: { ...bare, ...env }, encoding: 'utf8' }, (error, out, err) => {
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
  });
});
const rectrail = (...args: readonly string[]): Promise<Ended> => rectrailIn({}, ...args);
const restore = (bundle: string, ...more: readonly string[]): Promise<Ended> =>
  rectrail('restore', '--bundle', dirOf(bundle), '--database', target.url, '--key', dirOf('keys'), ...more);
const settings = { RECTRAIL_ROLES: 'api,projector' };

const checkpointOf = async (of: TestServer, sizeMin: number): Promise<readonly string[]> => {
  for (;;) {
    const { status, body } = await of.call('GET', '/log/checkpoint');
    const lines = String(body).split('\n');
    if (status === 200 && Number(lines[1]) >= sizeMin) return lines;
    await sleep(20);
  }
};
const headOf = async (of: TestServer): Promise<number> => (await of.call('GET', '/health')).body.headPosition;

/** All that the event store keeps, save what no bundle has: types of purged events, fingerprints. */
const rowsOf = async (url: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const rows = async (sql: string): Promise<unknown> => (await client.query(sql)).rows;
    return {
      log: await rows('select log_id, epoch from rectrail_events.epochs'),
      events: await rows(`select position, recorded_ms, stream_id, version, content from rectrail_events.events join rectrail_events.streams using (stream_no) order by position`),
      types: await rows(`select position, type from rectrail_events.events where content <> '' order by position`),
      commands: await rows('select command_id, first_position, last_position from rectrail_events.commands order by first_position'),
      purged: await rows('select * from rectrail_events.contents_purged order by position'),
    };
  } finally {
    await client.end();
  }
};
const tablesOf = async (url: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(`select from pg_tables where schemaname like 'rectrail%'`)).rowCount ?? 0;
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rectrail-restore-'));
  server = await startTestServer({ ...settings, RECTRAIL_DATA_DIR: dirOf('old') });
  await server.importLedger('liuba-2020.ndjson');
  await server.importLedger('heshan-2025.ndjson');
  const { items: [{ eventId }] }: Json = await server.get('/audit-trail?type=IssueStatusStated&limit=1');
  await server.post('/retractions', { eventIds: [eventId], reason: '含个人信息', kind: 'entered-in-error' });
  const { id }: Json = await server.post('/purges', { eventIds: [eventId], reason: 'PERSONAL_INFORMATION', legalBasis: '《中华人民共和国个人信息保护法》第四十七条' });
  const second = await server.makeToken(null, 'administrator', '第二人');
  expect(await server.call('POST', `/purges/${id}/consent`, { body: {}, headers: { 'if-match': '"1"' }, token: second })).toMatchObject({ status: 200 });
  await checkpointOf(server, await headOf(server));
  await writeFile(dirOf('keys'), String((await server.call('GET', '/log/keys')).body));
  await writeFile(dirOf('kept'), String((await server.call('GET', '/log/checkpoint')).body));
  target = await createTestDatabase();
});
afterAll(async () => {
  await restored?.close();
  await server.close();
  await target.drop();
  await rm(root, { recursive: true, force: true });
});

describe('rectrail restore --bundle', () => {
  it('changes nothing where the bundle is not right, or not whole', async () => {
    expect(await rectrail('export', '--to', dirOf('bundle'))).toMatchObject({ code: 0 });
    expect(await rectrail('export', '--to', dirOf('public'), '--public')).toMatchObject({ code: 0 });
    await server.post('/organisations', { code: 'O-1', name: '某局', level: 'bureau', parent: null });
    await checkpointOf(server, await headOf(server));
    expect(await rectrail('export', '--to', dirOf('part'), '--since', dirOf('kept'))).toMatchObject({ code: 0 });
    await cp(dirOf('bundle'), dirOf('altered'), { recursive: true });
    const [events = ''] = await readdir(join(dirOf('altered'), 'events'));
    const text = await readFile(join(dirOf('altered'), 'events', events), 'utf8');
    await writeFile(join(dirOf('altered'), 'events', events), text.replace('赫山', '赫水'));
    const [origin = ''] = await checkpointOf(server, 1);
    const strange = newNoteKey(origin);
    await writeFile(dirOf('strange'), strange.secret);
    const refusals: readonly (readonly [Promise<Ended>, string])[] = [
      [restore('altered'), 'content-altered'], [restore('public'), 'withheld'], [restore('part'), '--since'],
      [rectrail('restore', '--bundle', dirOf('bundle'), '--database', target.url, '--key', strange.verifier), 'checkpoint-'],
      [restore('bundle', '--log-key-file', dirOf('strange')), 'holds no key that signs'],
    ];
    for (const [ended, why] of refusals) expect(await ended).toMatchObject({ code: 1, err: expect.stringContaining(why) });
    expect(await rectrail('restore', '--bundle', dirOf('bundle'), '--database', target.url)).toMatchObject({ code: 2 });
    expect(await tablesOf(target.url)).toBe(0);
    expect(await readdir(dirOf('new')).catch(() => [])).toEqual([]);
  });

  it('puts every row of the log back, under its own name', async () => {
    await rm(dirOf('bundle'), { recursive: true });
    expect(await rectrailIn({ DATABASE_URL: target.url }, 'backup', '--to', dirOf('backup'))).toMatchObject({ code: 1, err: expect.stringContaining('rectrail export') });
    expect(await rectrail('export', '--to', dirOf('bundle'))).toMatchObject({ code: 0 });
    const { code, out, err } = await restore('bundle', '--json', '--log-key-file', join(dirOf('old'), 'log-key-1'));
    expect([code, err.includes('100 %')]).toEqual([0, true]);
    const [origin = '', size, signed] = await checkpointOf(server, 1);
    expect(JSON.parse(out)).toEqual({ logId: origin.split('/')[1], epoch: 1, events: Number(size), root: signed, purged: 1, logKeyFile: join(dirOf('new'), 'log-key-1') });
    expect(await rowsOf(target.url)).toEqual(await rowsOf(server.databaseUrl));
    expect(await restore('bundle')).toMatchObject({ code: 1, err: expect.stringContaining('has events already') });
  });

  it('lets a server go on from the same position with the same root, answers and commands', async () => {
    restored = await startTestServer({ ...settings, RECTRAIL_DATA_DIR: dirOf('new'), DATABASE_URL: target.url });
    const position = await headOf(restored);
    expect((await checkpointOf(restored, position)).slice(0, 3)).toEqual((await checkpointOf(server, position)).slice(0, 3));
    expect(String((await restored.call('GET', '/log/keys')).body)).toBe(await readFile(dirOf('keys'), 'utf8'));
    const cut = `atPosition=${position}&knownAt=2026-01-01&validAt=2025-12-31`;
    for (const path of [`/dashboard?${cut}`, `/dashboard?org=CN-430903-JT&${cut}`, `/dashboard?org=CN-610729-JT&${cut}`]) {
      const { digest, purged } = await server.get(path);
      expect(await restored.get(path)).toMatchObject({ digest, purged });
    }
    expect(await rowsDigest(target.url)).toEqual(await rowsDigest(server.databaseUrl));
    // A command of then, once more.
    expect(await restored.importLedger('liuba-2020.ndjson')).toEqual(await server.importLedger('liuba-2020.ndjson'));
    expect(await headOf(restored)).toBe(position);
    await restored.post('/organisations', { code: 'O-2', name: '某局', level: 'bureau', parent: null });
    expect(await headOf(restored)).toBe(position + 1);
    const [, size] = await checkpointOf(restored, position + 1);
    expect((await restored.get(`/log/proof/consistency?from=${position}&to=${size}`)).fromRoot).toBe((await checkpointOf(server, position))[2]);
  });
});
