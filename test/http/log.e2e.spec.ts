// Goal: with the key of the log alone, over HTTP, whoever likes can check that an event is in the log, that the log only grew, and mirror it. Method: a server that is written to
// between checkpoints and restarted; random positions and sizes, checked by the verifier, which sees nothing of the server's tables; a mirror made of tiles.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  cosigner, cosigningSigner, entriesPath, formatNote, GrowingTree, hashesFromTiles, leafHash, newCosignerKey, noteVerifier, openCheckpoint, openProof, parseEntryBundle,
  parseNote, rootOf, signNote, tilePath, tilesOf, verifiesConsistency, verifiesInclusion, type CheckpointPolicy, type OpenedCheckpoint, type TreeHash,
} from '@rectrail/transparency';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

let server: TestServer;
let policy: CheckpointPolicy;
const [witness, stranger] = [newCosignerKey('witness.example'), newCosignerKey('stranger.example')];
const seen: OpenedCheckpoint[] = [];

const bytes = (base64: string): TreeHash => Buffer.from(base64, 'base64');
const text = async (path: string): Promise<string> => String((await server.call('GET', path)).body);
const fetched = async (path: string): Promise<Response> => fetch(`${server.url}/api/v1/log/${path}`, { headers: { authorization: `Bearer ${server.token}` } });
const fetchBytes = async (path: string): Promise<Buffer> => Buffer.from(await (await fetched(path)).arrayBuffer());
const head = async (): Promise<number> => (await server.call('GET', '/health')).body.headPosition;

/** The first checkpoint that has everything that is there now. */
const nextCheckpoint = async (): Promise<OpenedCheckpoint> => {
  const position = await head();
  for (;;) {
    const { status, body } = await server.call('GET', '/log/checkpoint');
    const checkpoint = status === 200 ? openCheckpoint(String(body), policy) : null;
    if (checkpoint !== null && checkpoint.size >= position) return checkpoint;
    await sleep(20);
  }
};

beforeAll(async () => {
  // The scheduler would write of its own accord.
  server = await startTestServer({ RECTRAIL_ROLES: 'api,projector', RECTRAIL_LOG_WITNESSES: witness.verifier });
  const keys = (await text('/log/keys')).trim().split('\n').map(noteVerifier);
  policy = { origin: keys[0]!.name, log: keys };
  for (const name of ['liuba-2020.ndjson', 'heshan-2025.ndjson', 'ningbo-2022.ndjson']) {
    seen.push(await nextCheckpoint());
    await server.importLedger(name);
    await server.restart();
  }
  seen.push(await nextCheckpoint());
});
afterAll(async () => { await server.close(); });

const newest = (): OpenedCheckpoint => seen.at(-1)!;

describe('the log over HTTP', () => {
  it('proves every event in every tree', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(), fc.nat(), async (a, b) => {
      const size = 1 + (a % newest().size);
      const position = 1 + (b % size);
      const proof: Json = await server.get(`/log/proof/inclusion/${position}?size=${size}`);
      expect(proof).toMatchObject({ position, index: position - 1, size });
      expect(leafHash(Buffer.from(proof.leaf))).toEqual(bytes(proof.leafHash));
      expect(JSON.parse(proof.leaf)).toMatchObject({ position });
      expect(verifiesInclusion({ leafHash: bytes(proof.leafHash), index: position - 1, size, root: bytes(proof.root), proof: proof.proof.map(bytes) })).toBe(true);
    }), { numRuns: 40 });
  });

  it('gives files that prove an event without the server', async () => {
    for (const [position, query] of [[1, ''], [newest().size, ''], [3, `?size=${seen[1]!.size}`]] as const) {
      const { leaf }: Json = await server.get(`/log/proof/inclusion/${position}`);
      const file = await text(`/log/proof/inclusion/${position}.tlog-proof${query}`);
      expect(seen.map(({ size }) => size)).toContain(openProof(file, Buffer.from(leaf), policy).size);
      expect(() => openProof(file, Buffer.from(`${leaf} `), policy)).toThrow(/not the one at index/);
    }
  });

  it('goes on from every checkpoint that it ever signed', async () => {
    for (const [n, later] of seen.entries()) {
      for (const earlier of seen.slice(0, n + 1)) {
        const { proof }: Json = await server.get(`/log/proof/consistency?from=${earlier.size}&to=${later.size}`);
        expect(verifiesConsistency({ first: earlier.size, second: later.size, firstRoot: earlier.root, secondRoot: later.root, proof: proof.map(bytes) })).toBe(true);
      }
    }
    const { from, to, fromRoot, toRoot, proof }: Json = await server.get('/log/proof/consistency?from=1');
    expect(verifiesConsistency({ first: from, second: to, firstRoot: bytes(fromRoot), secondRoot: newest().root, proof: proof.map(bytes) })).toBe(true);
    expect(bytes(toRoot)).toEqual(newest().root);
  });

  it('can be mirrored: tiles of leaves make the tiles of hashes, and these the root', async () => {
    const { size, root } = newest();
    const mirror = hashesFromTiles(size, (tile) => fetchBytes(tilePath(tile)));
    expect(await rootOf(size, mirror)).toEqual(root);
    const tree = new GrowingTree();
    for (const { index, width } of tilesOf(size).filter(({ level }) => level === 0)) {
      for (const leaf of parseEntryBundle(await fetchBytes(entriesPath({ index, width })))) tree.append(leafHash(leaf));
    }
    expect(tree.root).toEqual(root);
    const whole = await fetched('tile/0/000');
    expect([whole.status, whole.headers.get('cache-control'), whole.headers.get('content-type')]).toEqual([200, 'private, max-age=31536000, immutable', 'application/octet-stream']);
    // A beginning of a tile that has grown since is still there.
    expect(await fetchBytes('tile/0/000.p/3')).toEqual((await fetchBytes('tile/0/000')).subarray(0, 96));
  });

  it('takes the word of the witnesses whose keys it was given, and shows it', async () => {
    const note = await text('/log/checkpoint');
    const { text: signed, signatures } = parseNote(note);
    const cosigned = (secret: string): string => formatNote(signed, [...signatures, ...parseNote(signNote(signed, [cosigningSigner(secret, () => 1_700_000_000n)])).signatures]);
    const handIn = (checkpoint: string): Promise<Json> => server.call('POST', '/log/cosignatures', { body: { checkpoint } });
    expect((await server.call('GET', '/log/checkpoint?witnessed=1')).body).toMatchObject({ status: 409, code: 'log-not-sealed' });
    // Nobody's, a stranger's, the witness's under another head, and under this one with a line more, which stands under no checkpoint of the log.
    const { signatures: [forged] } = parseNote(signNote(signed.replace(/\n\d+\n/, '\n7\n'), [cosigningSigner(witness.secret, () => 1_700_000_000n)]));
    const extended = signNote(`${signed}more\n`, [cosigningSigner(witness.secret, () => 1_700_000_000n)]);
    // And what the witness alone has signed: of more events than there are, of a later epoch, of other events; with the log's signature of something else, too.
    const size = signed.split('\n')[1]!;
    const alone = [signed, signed.replace(`\n${size}\n`, '\n999999\n'), signed.replace(/\/1\n/, '/2\n'), signed.replace(/\n[^\n]{4}([^\n]+=\n)/, '\nAAAA$1')];
    const byWitness = alone.map((head) => signNote(head, [cosigningSigner(witness.secret, () => 1_700_000_000n)]));
    const beside = alone.slice(1).map((head, n) => formatNote(head, [...signatures, ...parseNote(byWitness[n + 1]!).signatures]));
    for (const checkpoint of [note, cosigned(stranger.secret), formatNote(signed, [...signatures, forged!]), extended, ...byWitness, ...beside]) {
      expect([checkpoint, (await handIn(checkpoint)).body]).toEqual([checkpoint, expect.objectContaining({ status: 422, code: 'cosignature-refused' })]);
    }
    expect((await server.get('/log/epochs')).standing).toMatchObject({ state: 'open' });
    expect((await server.call('GET', '/log/checkpoint?witnessed=1')).status).toBe(409);
    const { status, body } = await handIn(cosigned(witness.secret));
    expect(status).toBe(200);
    const witnessed = { ...policy, witnesses: [cosigner(witness.verifier)], witnessesMin: 1 };
    expect(openCheckpoint(String(body), witnessed)).toMatchObject({ size: newest().size, witnessed: [{ name: 'witness.example' }] });
    expect(await text('/log/checkpoint?witnessed=1')).toBe(body);
    expect(await text('/log/checkpoint?epoch=1')).toBe(body);
    for (const [query, expected] of [['witnessed=2', 409], ['epoch=2', 409], ['epoch=1&witnessed=1', 400], ['epoch=0', 400]]) expect([query, (await server.call('GET', `/log/checkpoint?${query}`)).status]).toEqual([query, expected]);
  });

  it('refuses what it has not, and what is no question', async () => {
    const beyond = newest().size + 1_000_000;
    for (const [path, status, code] of [
      [`/log/proof/inclusion/${beyond}`, 409, 'log-not-sealed'], [`/log/proof/inclusion/1?size=${beyond}`, 409, 'log-not-sealed'], ['/log/proof/inclusion/2?size=1', 409, 'log-not-sealed'],
      [`/log/proof/consistency?from=${beyond}`, 409, 'log-not-sealed'], ['/log/proof/consistency?from=2&to=1', 400, 'validation-failed'], ['/log/proof/consistency', 400, 'validation-failed'],
      ['/log/proof/inclusion/0', 400, 'validation-failed'], ['/log/proof/inclusion/x', 400, 'validation-failed'], ['/log/proof/inclusion/1?size=0', 400, 'validation-failed'],
      ['/log/proof/inclusion/1.txt', 400, 'validation-failed'], ['/log/checkpoint?x=1', 400, 'validation-failed'], ['/log/tile/0/999', 404, 'unknown-tile'], ['/log/tile/9/000', 404, 'unknown-tile'],
      ['/log/tile/entries/x999/999', 404, 'unknown-tile'], ['/log/tile/0/1', 404, 'unknown-tile'], ['/log/tile/0/..%2f000', 404, 'unknown-tile'], ['/log/tile/0/000.p/256', 404, 'unknown-tile'],
    ] as const) expect([path, (await server.call('GET', path)).body]).toEqual([path, expect.objectContaining({ status, code })]);
    expect((await server.call('GET', '/log/checkpoint', { token: null })).status).toBe(401);
    expect((await server.call('POST', '/log/tile/0/000', { body: {} })).status).toBe(405);
  });

  it('tells its size and lag in the metrics', async () => {
    const metrics = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })).text();
    expect(metrics).toContain(`rectrail_log_size ${newest().size}`);
    expect(metrics).toMatch(/rectrail_follower_lag_events\{follower="transparency"\} 0/);
  });

  it('proves an event whose content is gone by law as before', async () => {
    const { items }: Json = await server.get('/audit-trail?type=NextStepStated&limit=1');
    const { eventId, position, streamId } = items[0];
    const before: Json = await server.get(`/log/proof/inclusion/${position}?size=${newest().size}`);
    await server.post('/retractions', { eventIds: [eventId], reason: '含个人信息', kind: 'entered-in-error' });
    const { id }: Json = await server.post('/purges', { eventIds: [eventId], reason: 'PERSONAL_INFORMATION', legalBasis: '《中华人民共和国个人信息保护法》第四十七条' });
    const second = await server.makeToken(null, 'administrator', '第二人');
    const consent = (token?: string): Promise<Json> => server.call('POST', `/purges/${id}/consent`, { body: {}, headers: { 'if-match': '"1"' }, ...(token !== undefined && { token }) });
    expect(await consent()).toMatchObject({ status: 409, body: { code: 'consent-by-requester' } });
    expect(await consent(second)).toMatchObject({ status: 200 });
    const trail: Json = await server.get(`/audit-trail?stream=${streamId}&limit=500`);
    expect(trail.items.map((event: Json) => event.position)).not.toContain(position);
    expect(trail.items[0]).toMatchObject({ type: 'ContentPurged', counts: true, data: { purgeId: id, eventId, position, reason: 'PERSONAL_INFORMATION' } });
    const { purges, beliefs }: Json = await server.get(`/issues/${streamId.slice('issue-'.length)}/timeline`);
    expect(purges).toMatchObject([{ eventId, position, reason: 'PERSONAL_INFORMATION', legalBasis: '《中华人民共和国个人信息保护法》第四十七条', by: { type: 'ContentPurged' } }]);
    expect(beliefs.map((belief: Json) => belief.from.position)).not.toContain(position);
    // Before the correction it counted: an answer of then lacks it, and says so.
    expect((await server.get(`/dashboard?atPosition=${position}`)).purged).toBe(1);
    expect((await server.get('/dashboard')).purged).toBe(0);
    expect(await server.get(`/log/proof/inclusion/${position}?size=${newest().size}`)).toEqual(before);
    const later = await nextCheckpoint();
    const { leaf }: Json = await server.get(`/log/proof/inclusion/${position}`);
    expect(openProof(await text(`/log/proof/inclusion/${position}.tlog-proof`), Buffer.from(leaf), policy).size).toBeGreaterThanOrEqual(later.size);
    const { proof }: Json = await server.get(`/log/proof/consistency?from=${newest().size}&to=${later.size}`);
    expect(verifiesConsistency({ first: newest().size, second: later.size, firstRoot: newest().root, secondRoot: later.root, proof: proof.map(bytes) })).toBe(true);
    await server.restart();
    expect((await server.get(`/log/proof/inclusion/${position}`)).leaf).toBe(leaf);
  });
});
