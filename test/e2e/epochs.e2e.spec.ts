// Goal: a log that was put back to an older copy neither writes nor speaks until it is of another epoch, and then nobody can take it for the one that others have seen.
// Method: servers on a database and on a copy of it as it was earlier, with one folder of published checkpoints; the verifier knows the keys alone.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyTestDatabase, createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import {
  cosigningSigner, formatNote, newCosignerKey, noteVerifier, openCheckpoint, parseNote, signNote, verifiesConsistency, type OpenedCheckpoint,
} from '@rectrail/transparency';
import type { Json } from '../support/api.ts';
import { RestartedServer } from '../support/restarted-server.ts';

let folder: string;
let original: TestDatabase;
let copy: TestDatabase | null = null;
let server: RestartedServer;
const witness = newCosignerKey('witness.example');

const checkpoint = async (): Promise<OpenedCheckpoint> => {
  const position = await server.head();
  for (;;) {
    const { status, body } = await server.call('GET', '/log/checkpoint');
    const keys = String((await server.call('GET', '/log/keys')).body).trim().split('\n').filter((key) => key !== '').map(noteVerifier);
    const origin = String(body).split('\n')[0] ?? '';
    const opened = status === 200 ? openCheckpoint(String(body), { origin, log: keys }) : null;
    if (opened !== null && opened.size >= position) return opened;
    await sleep(20);
  }
};
const published = (): Promise<string> => readFile(join(folder, 'checkpoint'), 'utf8');
const sizeOf = (note: string): number => Number(note.split('\n')[1]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rectrail-published-'));
  server = await RestartedServer.open({ RECTRAIL_LOG_PUBLISH_DIR: folder, RECTRAIL_LOG_WITNESSES: witness.verifier });
  original = await createTestDatabase();
  await server.startOn(original);
  await server.write();
});
afterAll(async () => {
  await server.close();
  await original.drop();
  await copy?.drop();
  await rm(folder, { recursive: true, force: true });
});

describe('a log that is put back to an older copy', () => {
  let left: OpenedCheckpoint;
  let seen: OpenedCheckpoint;

  it('was published outside its database while it ran', async () => {
    left = await checkpoint();
    const { text, signatures } = parseNote(String((await server.call('GET', '/log/checkpoint')).body));
    const cosigned = formatNote(text, [...signatures, ...parseNote(signNote(text, [cosigningSigner(witness.secret, () => 1_700_000_000n)])).signatures]);
    expect((await server.call('POST', '/log/cosignatures', { checkpoint: cosigned })).status).toBe(200);
    await server.stop();
    copy = await copyTestDatabase(original);
    await server.startOn(original);
    for (let i = 0; i < 3; i++) expect((await server.write()).status).toBe(201);
    seen = await checkpoint();
    while (sizeOf(await published()) < seen.size) await sleep(10);
    expect(seen.size).toBe(left.size + 3);
    expect(await readdir(join(folder, 'checkpoints', '1'))).not.toEqual([]);
    expect(await readFile(join(folder, 'keys'), 'utf8')).toBe((await server.call('GET', '/log/keys')).body);
  });

  it('is read-only, says why, and tells nobody anything', async () => {
    const before = await published();
    await server.startOn(copy);
    expect(await server.write()).toMatchObject({ status: 503, body: { code: 'log-read-only' } });
    expect(await server.call('GET', '/health/ready')).toMatchObject({ status: 503, body: { status: 'not-ready', readOnly: expect.stringContaining(`the folder of checkpoints has seen ${seen.size} events`) } });
    expect((await server.call('GET', '/log/epochs')).body).toMatchObject({ epoch: 1, begun: [], standing: { state: 'behind', seen: [{ by: 'folder', epoch: 1, size: seen.size, reason: 'shorter' }] } });
    // It can be read as before.
    expect((await server.call('GET', '/dashboard')).status).toBe(200);
    expect((await server.call('GET', '/health')).body).toMatchObject({ headPosition: left.size, followers: expect.not.arrayContaining([expect.objectContaining({ held: true })]) });
    expect(await published()).toBe(before);
  });

  it('goes on in a new epoch, whose first event says from where', async () => {
    expect(await server.call('POST', '/log/epochs', { reason: '联系人 13812345678' })).toMatchObject({ status: 422, body: { code: 'personal-data-in-text' } });
    const { status, body } = await server.call('POST', '/log/epochs', { reason: '数据盘损坏，自备份恢复' });
    const seenRoot = seen.root.toString('base64');
    expect([status, body]).toMatchObject([201, {
      epoch: 2, position: left.size + 1, previous: { epoch: 1, size: left.size, root: left.root.toString('base64') }, abandoned: [{ by: 'folder', epoch: 1, size: seen.size, root: seenRoot }],
    }]);
    // The process that was of the first epoch writes nothing more.
    expect((await server.write()).status).toBe(503);
    expect((await server.call('GET', '/log/epochs')).body.standing.state).toBe('superseded');
    expect(await server.call('POST', '/log/epochs', { reason: '再来一次' })).toMatchObject({ status: 409, body: { code: 'epoch-not-due' } });

    await server.startOn(copy);
    expect((await server.write()).status).toBe(201);
    const newest = await checkpoint();
    expect(newest.origin).toBe(seen.origin.replace(/1$/, '2'));
    const { body: consistency } = await server.call('GET', `/log/proof/consistency?from=${left.size}&to=${newest.size}`);
    expect(verifiesConsistency({
      first: left.size, second: newest.size, firstRoot: left.root, secondRoot: newest.root, proof: consistency.proof.map((hash: string) => Buffer.from(hash, 'base64')),
    })).toBe(true);
    expect((await server.call('GET', '/feed?after=0&limit=1')).body.source).toMatch(/:2$/);
    while (!(await published()).startsWith(newest.origin)) await sleep(10);
  });

  it('is exported with what was signed in either epoch, so that the witnesses of the first still count', async () => {
    const rectrail = (...args: readonly string[]): Promise<Json> => new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token };
      execFile(process.execPath, [join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs'), ...args, '--json'], { cwd: server.dataDir, env }, (_, out, err) => { resolve(out === '' ? err : JSON.parse(out)); });
    });
    await writeFile(join(server.dataDir, 'log.keys'), String((await server.call('GET', '/log/keys')).body));
    const { last } = await rectrail('export', '--to', 'bundle');
    expect(await rectrail('verify', 'bundle', '--key', 'log.keys', '--witness', witness.verifier, '--witnesses-min', '1')).toMatchObject({
      verified: true, size: last, checkpoints: 2, newest: { origin: expect.stringMatching(/\/2$/), witnesses: [] }, witnessed: { origin: left.origin, size: left.size, witnesses: ['witness.example'] },
    });
  });

  it('keeps the branch that was left from going on', async () => {
    await server.startOn(original);
    expect(await server.write()).toMatchObject({ status: 503, body: { code: 'log-read-only' } });
    expect((await server.call('GET', '/log/epochs')).body.standing).toMatchObject({ state: 'behind', seen: [{ epoch: 2, reason: 'earlier-epoch' }] });
  });

  it('is told apart too where an operator says what was seen, with the right to be wrong about less', async () => {
    await server.startOn(copy);
    expect((await server.call('POST', '/log/sightings', { checkpoint: 'not a note' })).status).toBe(400);
    expect((await server.call('POST', '/log/sightings', { position: 1 })).body.state).toBe('open');
    expect((await server.call('POST', '/log/sightings', { position: 10_000 })).body).toMatchObject({ state: 'behind', seen: [{ by: 'operator', size: 10_000 }] });
    expect((await server.write()).status).toBe(503);
  });
});
