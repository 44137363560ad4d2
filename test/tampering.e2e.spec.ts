// Goal: whoever has a checkpoint and the log's key finds out what a database's superuser changes, and at which event. Method: a server's database with samples in it, changed
// in one way at a time by its superuser, past the triggers, in a transaction that is rolled back; the verifier reads within it, and nothing of the server's code.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseLog, LogKeys, verifyLog, type LogFindings, type ReadQuery, type TrustedHead } from '@rectrail/audit';
import { canonicalJson, leafBytes, sha256Hex, type StoredEvent } from '@rectrail/event-store';
import { instantOfMs, position, streamId, streamVersion } from '@rectrail/kernel';
import { GrowingTree, leafHash, newCosignerKey, newNoteKey, noteSigner, signCheckpoint, tileWidth } from '@rectrail/transparency';
import pg from 'pg';
import { startTestServer, type Json, type TestServer } from './support/api.ts';

let server: TestServer;
let client: pg.Client;
let dataDir: string;
let keys: LogKeys;
let origin: string;
let secret: string;
let note: string;
let verifier: string;
let size: number;

const query: ReadQuery = async (sql, values = []) => client.query(sql, [...values]);
const verify = async (since: TrustedHead | null = null, by = keys): Promise<LogFindings> => verifyLog({ source: await databaseLog(query), keys: by, since });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-tampering-'));
  // The scheduler would write of its own accord.
  server = await startTestServer({ RECTRAIL_ROLES: 'api,projector', RECTRAIL_DATA_DIR: dataDir });
  await server.importLedger('liuba-2020.ndjson');
  const internal = (await readFile(join(import.meta.dirname, '../samples/heshan-2025.ndjson'), 'utf8')).replace('"kind": "ledger",', '"kind": "ledger", "classification": "internal",');
  await server.call('POST', '/imports', { body: internal, headers: { 'content-type': 'application/x-ndjson' } });
  const { body: { headPosition } } = await server.call('GET', '/health');
  do {
    await sleep(20);
    note = String((await server.call('GET', '/log/checkpoint')).body);
  } while (Number(note.split('\n')[1]) < headPosition);
  verifier = String((await server.call('GET', '/log/keys')).body).trim();
  keys = new LogKeys([verifier]);
  [origin = '', size] = [note.split('\n')[0], headPosition];
  secret = (await readFile(join(dataDir, 'log-key-1'), 'utf8')).trim();
  client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** What is found of a change, which is then undone. `session_replication_role` leaves the triggers out, as only a superuser may. */
const tampered = async (change: () => Promise<unknown>, check: () => Promise<LogFindings> = verify): Promise<LogFindings['findings']> => {
  await client.query('begin; set local session_replication_role = replica');
  try {
    await change();
    return (await check()).findings;
  } finally {
    await client.query('rollback');
  }
};
const sql = (...statements: readonly string[]) => async (): Promise<void> => { for (const statement of statements) await client.query(statement); };

const storedEvents = async (): Promise<readonly StoredEvent[]> => {
  const { rows } = await client.query<{ position: number; ms: number; stream_id: string; version: number; type: string; content: string }>(`
    select position::float8, recorded_ms::float8 as ms, stream_id, version, type, content from rectrail_events.events join rectrail_events.streams using (stream_no) order by position`);
  return rows.map((row) => ({
    position: position(row.position), recordedAt: instantOfMs(row.ms), streamId: streamId(row.stream_id), streamVersion: streamVersion(row.version),
    type: row.type, content: row.content,
  }));
};

/** The tables of the tree as the sealer would have left them for the events as they are, signed by the holder of a key. */
const sealAnew = async (by: string): Promise<void> => {
  const [logId = ''] = [origin.split('/')[1]];
  const tree = new GrowingTree();
  const tiles = new Map<string, Buffer[]>();
  for (const event of await storedEvents()) {
    for (const { level, index, hash } of tree.append(leafHash(leafBytes(event, { logId })))) {
      const place = `${level / 8} ${Math.floor(index / tileWidth)}`;
      if (level % 8 === 0) tiles.set(place, [...tiles.get(place) ?? [], hash]);
    }
  }
  await client.query('delete from rectrail_transparency.tile; delete from rectrail_transparency.checkpoint');
  for (const [place, hashes] of tiles) {
    await client.query('insert into rectrail_transparency.tile values ($1, $2, $3)', [...place.split(' '), Buffer.concat(hashes)]);
  }
  const signed = signCheckpoint({ origin, size: tree.size, root: tree.root }, [noteSigner(by)]);
  await client.query('insert into rectrail_transparency.checkpoint (epoch, size, note) values (1, $1, $2)', [tree.size, signed]);
};

describe('a database', () => {
  it('as the server left it is found right, by the key that it was sealed with alone', async () => {
    expect(await verify()).toMatchObject({ after: 0, size, unsigned: 0, findings: [], newest: { origin, size } });
    expect((await verify(null, new LogKeys([newNoteKey(origin).verifier]))).findings).toMatchObject([{ code: 'checkpoint-unsigned', position: 1 }]);
  });

  const events = 'rectrail_events.events';
  const flip = (n: number) => `
    update ${events} set content = convert_from(set_bit(convert_to(content, 'UTF8'), ${n}, 1 - get_bit(convert_to(content, 'UTF8'), ${n})), 'UTF8') where position = 17`;
  it.each([
    // Lowest bits of an ASCII byte: the database takes in nothing that is no UTF-8.
    ...[0, 1, 100 * 8, 250 * 8 + 2].map((n) => [`bit ${n} of a content flipped`, flip(n), 17] as const),
    ['recordedAt put back', `update ${events} set recorded_ms = recorded_ms - 1 where position = 20`, 20],
    ['recordedAt put forward', `update ${events} set recorded_ms = recorded_ms + 86400000 where position >= 21`, 21],
    ['a stream version altered', `update ${events} set version = version + 1000 where position = 22`, 22],
    ['another type', `update ${events} set type = 'MeasureCompleted' where position = 23`, 23],
    ['another stream', `update ${events} set stream_no = (select max(stream_no) from ${events}), version = 99999 where position = 24`, 24],
    ['a stream renamed', `update rectrail_events.streams set stream_id = stream_id || 'x' where stream_no = (select stream_no from ${events} where position = 25)`, null],
    ['an event dropped', `delete from ${events} where position = 26`, 26],
    ['two swapped', `update ${events} set position = -position where position in (27, 30); update ${events} set position = case position when -27 then 30 else 27 end where position < 0`, 27],
    ['one inserted', `
      update ${events} set position = -position - 1 where position >= 31; update ${events} set position = -position where position < 0;
      insert into ${events} select 31, recorded_ms, stream_no, 100000, type, content from ${events} where position = 30`, 31],
    ['one put before the first, where only its stream shows it', `insert into ${events} select -5, recorded_ms, stream_no, 100000, type, content from ${events} where position = 30`, -5],
    ['the tail cut off', `delete from ${events} where position > 40`, 41],
    ['a content emptied', `update ${events} set content = '' where position = 42`, 42],
    ['a content emptied as if purged', `
      insert into rectrail_events.contents_purged select position, encode(sha256(convert_to(content, 'UTF8')), 'hex'), 44 from ${events} where position = 43;
      update ${events} set content = '' where position = 43`, 43],
    ['a hash of the tree altered', `update rectrail_transparency.tile set hashes = set_byte(hashes, 32 * 44, 255 - get_byte(hashes, 32 * 44)) where level = 0 and index = 0`, 45],
    ['a command forgotten', `delete from rectrail_events.commands where first_position <= 1`, 1],
  ] as const)('%s', async (_, change, first) => {
    const at = first ?? Number((await client.query(`select min(position) as at from ${events} where stream_no = (select stream_no from ${events} where position = 25)`)).rows[0].at);
    const [found] = await tampered(sql(change));
    expect(found?.position).toBe(at);
    expect(found?.positionTo).toBeUndefined();
  });

  it('whose tail was cut off together with the tree is told by a checkpoint that was kept elsewhere', async () => {
    const kept = keys.open(note) as TrustedHead;
    const cut = async (): Promise<void> => {
      await client.query(`delete from ${events} where position > 40`);
      await sealAnew(secret);
    };
    expect(new Set((await tampered(cut)).map(({ code }) => code))).toEqual(new Set(['command-differs']));
    expect((await tampered(cut, () => verify(kept)))[0]).toMatchObject({ code: 'log-too-short', position: 41, positionTo: size });
  });

  it('that was rewritten as a whole: signed by another key nothing counts, by the same key a kept checkpoint tells', async () => {
    const rewrite = (by: string) => async (): Promise<void> => {
      await client.query(`update ${events} set recorded_ms = recorded_ms - 1000`);
      await sealAnew(by);
    };
    expect(await tampered(rewrite(newNoteKey(origin).secret))).toMatchObject([{ code: 'checkpoint-unsigned', position: 1 }]);
    // The holder of the key can rewrite what nobody else has seen.
    expect(await tampered(rewrite(secret))).toEqual([]);
    expect((await tampered(rewrite(secret), () => verify(keys.open(note) as TrustedHead)))[0]).toMatchObject({ code: 'root-differs', position: 1, positionTo: size });
  });
});

describe('the command line', () => {
  const binary = join(import.meta.dirname, '../apps/cli/bin/rectrail.mjs');
  const rectrail = (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> => new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], LANG: 'C', RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token };
    execFile(process.execPath, [binary, ...args], { cwd: dataDir, env, maxBuffer: 1 << 26 }, (error, out, err) => { resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }); });
  });
  const json = async (...args: readonly string[]): Promise<any> => {
    const { out, err } = await rectrail(...args, '--json');
    if (out === '') throw new Error(err);
    return JSON.parse(out);
  };

  it('exports a bundle and verifies it without the server, published figures included', async () => {
    await writeFile(join(dataDir, 'dashboard.json'), JSON.stringify(await server.get(`/dashboard?atLeast=${size}`)));
    await writeFile(join(dataDir, 'deadlines.json'), JSON.stringify(await server.get('/deadlines')));
    const { items: [{ orgId, code }] } = await server.get('/organisations?limit=1');
    const chosen = await server.get(`/dashboard?org=${code}&policy=${code}&treeAt=now&validAt=2021-06-30`);
    expect(chosen).toMatchObject({ policy: orgId, tree: 'administrative', treeAt: 'now', treeOn: expect.not.stringMatching('2021-06-30'), within: null });
    await writeFile(join(dataDir, 'chosen.json'), JSON.stringify(chosen));
    await writeFile(join(dataDir, 'funds.json'), JSON.stringify(await server.get('/funds')));
    const token = await server.makeToken(code, 'supervisor', '一地');
    const answers: Readonly<Record<string, Json>> = {
      'series': await server.get('/series?from=2021-01-01&every=month'), 'series-now': await server.get(`/series?from=2021-06-30&every=month&as=known&treeAt=now&org=${code}&figures=issues.byState.*,funds.returned,issues.byBucket.open.undetermined`),
      'children': await server.get('/dashboard/children'), 'children-of': await server.get(`/dashboard/children?org=${code}`), 'compare': await server.get(`/compare?fromValidAt=2021-06-30&org=${code}`),
      'lateness': await server.get('/lateness'), 'lateness-of': await server.get(`/lateness?minDays=0&org=${code}&type=IssueStatusStated`),
      // Of one jurisdiction.
      ...Object.fromEntries(await Promise.all(['dashboard', 'deadlines', 'funds', 'dashboard/children', 'lateness?minDays=0', 'series?from=2021-06-30&every=month', 'compare?fromValidAt=2021-06-30'].map(
        async (path) => [`within-${path.replace(/\W.*/, path.includes('children') ? '-children' : '')}`, (await server.call('GET', `/${path}`, { token })).body]))) as Readonly<Record<string, Json>>,
    };
    for (const [name, answer] of Object.entries(answers)) await writeFile(join(dataDir, `${name}.json`), JSON.stringify(answer));
    expect(Object.entries(answers).filter(([, { within }]) => within === orgId)).toHaveLength(7);
    // One number of it changed, and the digest made to fit.
    const { figures, ...rest } = answers['within-dashboard'];
    const forged = { ...figures, issues: { ...figures.issues, total: Number(figures.issues.total) + 1 } };
    await writeFile(join(dataDir, 'forged.json'), JSON.stringify({ ...rest, figures: forged, digest: sha256Hex(canonicalJson(forged)) }));
    expect(await json('export', '--to', 'whole')).toMatchObject({ after: 0, last: size, withheld: 0, isAsSigned: true });
    const names = ['dashboard', 'deadlines', 'chosen', 'funds', ...Object.keys(answers), 'forged'];
    const told = await json('verify', 'whole', '--key', verifier, '--schema', ...names.flatMap((name) => ['--figures', `${name}.json`]));
    expect(told.figures.map(({ file, outcome, why }: Json) => [file, outcome, why])).toEqual(names.map((name) => [`${name}.json`, ...(name === 'forged' ? ['differs', 'the events do not make the figures'] : ['confirmed', null])]));
    expect(told).toMatchObject({ verified: false, size, findings: [{ code: 'figures-differ' }] });
    expect(await rectrail('verify', '--lang', 'zh', 'whole', '--key', verifier)).toMatchObject({ code: 0, out: expect.stringContaining('核验通过') });
  });

  it('finds a row of the read models that was changed, in the database as it is', async () => {
    const args = ['verify', '--database', server.databaseUrl, '--key', verifier, '--read-models'];
    expect(await json(...args)).toMatchObject({ verified: true, size, findings: [] });
    await client.query('update rectrail_read.figure_org set points = points + 1 where org_id = (select min(org_id::text)::uuid from rectrail_read.figure_org)');
    expect(await json(...args)).toMatchObject({ verified: false, findings: [{ code: 'read-model-differs', detail: expect.stringContaining('figure_org') }] });
  });

  it('withholds what is not public, and says which figures it cannot derive for that', async () => {
    const { withheld } = await json('export', '--to', 'open', '--public');
    expect(withheld).toBeGreaterThan(0);
    for (const name of await readdir(join(dataDir, 'open/events'))) expect(await readFile(join(dataDir, 'open/events', name), 'utf8')).not.toMatch(/"classification":"(internal|restricted)"/);
    expect(await json('verify', 'open', '--key', verifier, '--figures', 'dashboard.json')).toMatchObject({
      verified: true, withheld, figures: [{ outcome: 'not-rederivable', why: expect.stringMatching(/withheld at \d+/) }],
    });
  });

  it('goes on from a checkpoint, and refuses what is not right by its exit code', async () => {
    await writeFile(join(dataDir, 'kept'), note);
    await writeFile(join(dataDir, 'log.key'), `${verifier}\n`);
    expect(await json('export', '--to', 'behind', '--since', 'kept')).toMatchObject({ after: size, last: size });
    expect(await json('verify', 'behind', '--key', 'log.key', '--since', 'kept', '--incremental')).toMatchObject({ verified: true, after: size });
    const part = join(dataDir, 'whole/events/0000000000000001.ndjson');
    await writeFile(part, (await readFile(part, 'utf8')).replace('"schemaVersion":1', '"schemaVersion":2'));
    expect(await rectrail('verify', 'whole', '--key', 'log.key')).toMatchObject({ code: 1, out: expect.stringMatching(/position 1: content-altered/) });
    expect(await json('verify', 'behind', '--key', 'log.key', '--witness', newCosignerKey('w.one').verifier)).toMatchObject({ verified: false, findings: [{ code: 'witnesses-missing' }] });
    expect(await rectrail('verify', 'nothing', '--key', 'log.key')).toMatchObject({ code: 2 });
    expect(await rectrail('verify', '--database', 'postgres://127.0.0.1:1/none', '--key', 'log.key')).toMatchObject({ code: 2 });
    expect(await rectrail('verify', 'whole')).toMatchObject({ code: 2 });
    expect((await server.call('GET', '/log/contents?after=999999')).body.code).toBe('position-ahead');
  });
});
