// Goal: what is sealed is the tree of RFC 6962 over all leaves, whoever sealed it and however often sealers were stopped, and only the holder of the log's key signs.
// Method: random batches on a real PostgreSQL under sealers that come and go, two at a time; a tree over the leaves of the whole log, grown in memory, as the oracle.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { leafBytes, type LogIdentity } from '@rectrail/event-store';
import { freshStream, readToEnd, requestOf } from '@rectrail/event-store/testing';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { LeaseLost, openDatabase, openLeadership, type Database, type Leadership } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import {
  consistencyProof, cosigner, cosigningSigner, GrowingTree, inclusionProof, leafHash, LogFormatError, newCosignerKey, newNoteKey, noteVerifier, openAnnouncement, openCheckpoint,
  parseNote, rootOf, signNote, verifiesConsistency, verifiesInclusion, type NoteSigner, type OpenedCheckpoint,
} from '@rectrail/transparency';
import { openLogKeys, originOf } from './log-key.ts';
import { SealedLog } from './sealed-log.ts';
import { sealerName, startSealer } from './sealer.ts';

const timing = { sealEveryMs: 20, ttlMs: 600 };

let test: TestDatabase;
let database: Database;
let store: PostgresEventStore;
let sealed: SealedLog;
let identity: LogIdentity;
let dataDir: string;
let signers: readonly NoteSigner[];
let sealers: { close(): Promise<void> }[];
let failures: unknown[];

beforeEach(async () => {
  test = await createTestDatabase();
  database = await openDatabase({ url: test.url, connectionsMax: 10, onError: () => undefined });
  store = await PostgresEventStore.open({ connectionString: test.url });
  sealed = await SealedLog.open(database);
  identity = await store.identity();
  dataDir = await mkdtemp(join(tmpdir(), 'rectrail-log-'));
  signers = await openLogKeys({ database, configuration: { dataDir, logKeyFile: undefined }, identity });
  [sealers, failures] = [[], []];
});
afterEach(async () => {
  await Promise.all(sealers.map((sealer) => sealer.close()));
  await store.close();
  await database.close();
  await test.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const start = async (leadership?: Leadership, sealEveryMs = timing.sealEveryMs): Promise<{ close(): Promise<void> }> => {
  const onFailure = (error: unknown): void => { failures.push(error); };
  const sealer = startSealer({ store, sealed, leadership: leadership ?? await openLeadership(database), signers, onFailure, ...timing, sealEveryMs });
  sealers.push(sealer);
  return sealer;
};
const append = async (events: number): Promise<void> => { await store.append(requestOf([{ stream: freshStream(), says: Array.from({ length: events }, (_, n) => `第${n}条`) }])); };
const sealedUpTo = async (size: number): Promise<void> => { while (((await sealed.checkpoint())?.size ?? 0) < size && failures.length === 0) await sleep(5); };

/** Every signed head, by the log's own key. */
const checkpoints = async (): Promise<readonly OpenedCheckpoint[]> => {
  const { rows } = await database.query<{ note: string }>('select note from rectrail_transparency.checkpoint order by size');
  const policy = { origin: originOf(identity), log: (await sealed.keys()).map(noteVerifier) };
  return rows.map(({ note }) => openCheckpoint(note, policy));
};
const leafHashes = async (): Promise<readonly Buffer[]> => (await readToEnd(store)).map((event) => leafHash(leafBytes(event, identity)));

describe('the sealer', () => {
  it('signs the tree over all leaves through batches, restarts and two that take turns; every earlier tree goes on in every later one', async () => {
    let size = 0;
    // Tiles are begun, filled to their edge and passed.
    for (const [turn, batch] of [1, 3, 252, 1, 700, 90, 1, 1_500, 12].entries()) {
      await start();
      if (sealers.length > 2) await sealers.shift()!.close();
      await append(batch);
      size += batch;
      if (turn % 2 === 0) await sealedUpTo(size);
    }
    await sealedUpTo(size);
    expect(failures).toEqual([]);

    const leaves = await leafHashes();
    const signed = await checkpoints();
    expect(signed.at(-1)!.size).toBe(size);
    const oracle = new GrowingTree();
    const roots = leaves.map((leaf) => { oracle.append(leaf); return oracle.root; });
    for (const { size: at, root } of signed) expect(root).toEqual(roots[at - 1]);
    for (const [n, later] of signed.entries()) {
      const hashes = sealed.hashes(later.size);
      for (const earlier of signed.slice(0, n)) {
        const proof = await consistencyProof({ first: earlier.size, second: later.size }, hashes);
        expect(verifiesConsistency({ first: earlier.size, second: later.size, firstRoot: earlier.root, secondRoot: later.root, proof })).toBe(true);
      }
      for (const index of [0, later.size >> 1, later.size - 1]) {
        const proof = await inclusionProof({ index, size: later.size }, hashes);
        expect(verifiesInclusion({ leafHash: leaves[index]!, index, size: later.size, root: later.root, proof })).toBe(true);
      }
    }
    expect((await (await openLeadership(database)).followers()).find(({ name }) => name === sealerName)?.position).toBe(size);
  });

  it('loses nothing and seals nothing twice where a transaction fails before or after its commit', async () => {
    const leadership = await openLeadership(database);
    let transactions = 0;
    // Every third fails as if the connection broke: by turns with nothing written, and with an answer that never came.
    const breaking: Leadership = {
      followers: () => leadership.followers(),
      lead: (options) => leadership.lead({
        ...options, retryMs: 10,
        work: (lease) => options.work({
          ...lease,
          transaction: async (work) => {
            transactions += 1;
            if (transactions % 6 === 3) throw new LeaseLost(lease.name);
            const result = await lease.transaction(work);
            if (transactions % 6 === 0) throw new LeaseLost(lease.name);
            return result;
          },
        }),
      }),
    };
    await start(breaking);
    for (let n = 1; n <= 12; n += 1) {
      await append(40);
      await sealedUpTo(n * 40);
    }
    const oracle = new GrowingTree();
    for (const leaf of await leafHashes()) oracle.append(leaf);
    expect((await checkpoints()).at(-1)).toMatchObject({ size: 480, root: oracle.root });
    expect(await sealed.size()).toBe(480);
    expect(transactions).toBeGreaterThan(12);
  });

  it('signs the last leaf too where the log ends with a full page', async () => {
    await append(2_000);
    await start(undefined, 3_600_000);
    await sealedUpTo(2_000);
    expect((await checkpoints()).map(({ size }) => size)).toEqual([1_000, 2_000]);
  });

  it('goes on from what is stored where the database is an older copy from one seal to the next, and writes nothing behind what is gone', async () => {
    await append(300);
    await start();
    await sealedUpTo(300);
    // As after a failover that lost the last seal, of which no query of the sealer had to tell.
    await database.transaction(async (query) => {
      await query('delete from rectrail_transparency.checkpoint');
      await query(`update rectrail_transparency.tile set hashes = substring(hashes for 34 * 32) where level = 0 and index = 1`);
    });
    await append(1);
    while (await sealed.size() !== 301 || (await checkpoints()).at(-1)?.size !== 301) await sleep(5);
    const oracle = new GrowingTree();
    for (const leaf of await leafHashes()) oracle.append(leaf);
    expect(await rootOf(301, (await SealedLog.open(database)).hashes(301))).toEqual(oracle.root);
    expect(failures).toEqual([expect.objectContaining({ message: expect.stringContaining('has 290 leaves, expected 300') })]);
  });

  it('seals nothing more once the stored tree is not what was signed', async () => {
    await append(300);
    const first = await start();
    await sealedUpTo(300);
    await first.close();
    await database.query(`update rectrail_transparency.tile set hashes = overlay(hashes placing '\\x00000000' from 1) where level = 0 and index = 1`);
    await append(1);
    await start();
    while (failures.length === 0) await sleep(5);
    expect(String(failures[0])).toMatch(/not the one of 300 leaves that was signed/);
    expect((await checkpoints()).at(-1)!.size).toBe(300);
  });
});

describe('the stored tree', () => {
  it('is opened beside a transaction that has read it and goes on, as a dump does', async () => {
    await database.transaction(async (query) => {
      for (const table of ['tile', 'checkpoint', 'key', 'cosignature', 'sighting']) await query(`select from rectrail_transparency.${table}`);
      expect(await (await SealedLog.open(database)).size()).toBe(0);
    });
  });

  it('of a log that knew no announcements is gone on with', async () => {
    await database.query('alter table rectrail_transparency.key drop column announcement');
    expect(await (await SealedLog.open(database)).announcements()).toEqual([]);
  });
});

describe('the key of the log', () => {
  const openKeys = (dir: string, logKeyFile?: string) => openLogKeys({ database, configuration: { dataDir: dir, logKeyFile }, identity });

  it('is made once, for its owner alone, and found again', async () => {
    expect((await stat(join(dataDir, `log-key-${identity.epoch}`))).mode & 0o777).toBe(0o600);
    expect((await openKeys(dataDir)).map(({ keyId }) => keyId)).toEqual(signers.map(({ keyId }) => keyId));
    expect(await sealed.keys()).toHaveLength(1);
  });

  it('is not made a second time where it is out of reach', async () => {
    const elsewhere = join(dataDir, 'elsewhere');
    expect(await openKeys(elsewhere)).toEqual([]);
    expect(await sealed.keys()).toHaveLength(1);
  });

  it('may be given, and is then published beside the former; another log\'s is refused', async () => {
    const [own, foreign] = [newNoteKey(originOf(identity)), newNoteKey('rectrail/other/1')];
    const file = join(dataDir, 'given');
    await writeFile(file, own.secret);
    expect((await openKeys(dataDir, file)).map(({ name }) => name)).toEqual([originOf(identity)]);
    expect(await sealed.keys()).toHaveLength(2);
    expect(await sealed.keys()).toContain(own.verifier);
    await writeFile(file, foreign.secret);
    await expect(openKeys(dataDir, file)).rejects.toThrow(/is of rectrail\/other\/1/);
    await expect(openKeys(dataDir, join(dataDir, 'none'))).rejects.toThrow(/which is not there/);
  });

  it('that was given is of its epoch alone: the next one is not signed by it, and nothing else stops', async () => {
    const file = join(dataDir, 'given');
    await writeFile(file, `${newNoteKey(originOf(identity)).secret}\n`);
    const next = { ...identity, epoch: identity.epoch + 1 };
    expect(await openLogKeys({ database, configuration: { dataDir, logKeyFile: file }, identity: next })).toEqual([]);
    expect(await sealed.keys()).toHaveLength(1);
    const [made] = await openLogKeys({ database, configuration: { dataDir, logKeyFile: undefined }, identity: next });
    expect(made?.name).toBe(originOf(next));
  });

  it('is followed by another that signs along, and that whoever knows the first comes to know by it', async () => {
    const [first] = (await sealed.keys()).map(noteVerifier);
    const next = newNoteKey(originOf(identity));
    await writeFile(join(dataDir, `log-key-${identity.epoch}-next`), next.secret);
    signers = await openKeys(dataDir);
    await append(3);
    await start();
    await sealedUpTo(3);
    const [announcement = ''] = await sealed.announcements();
    expect(openAnnouncement(announcement, originOf(identity), [first!])).toBe(next.verifier);
    expect(() => openAnnouncement(announcement, originOf(identity), [noteVerifier(newNoteKey(originOf(identity)).verifier)])).toThrow(LogFormatError);
    expect(() => openAnnouncement(announcement, 'rectrail/other/1', [first!])).toThrow(LogFormatError);
    const { note } = (await sealed.checkpoint())!;
    for (const key of [first!, noteVerifier(next.verifier)]) expect(openCheckpoint(note, { origin: originOf(identity), log: [key] }).size).toBe(3);
  });
});

describe('cosignatures', () => {
  it('stand behind those of the log, the last of each witness, and the newest checkpoint that enough have signed is found', async () => {
    await start();
    const witnesses = ['w.one', 'w.two'].map(newCosignerKey);
    const cosign = (note: string, by: number, seconds: bigint) =>
      parseNote(signNote(parseNote(note).text, [cosigningSigner(witnesses[by]!.secret, () => seconds)])).signatures;
    for (const size of [2, 4, 6]) {
      await append(2);
      await sealedUpTo(size);
    }
    const noteAt = async (size: number): Promise<string> => (await sealed.checkpoint(size))!.note;
    for (const [size, by, at] of [[2, 0, 7n], [2, 1, 8n], [4, 0, 9n], [2, 0, 10n]] as const)
      expect(await sealed.keepCosignatures(identity.epoch, size, cosign(await noteAt(size), by, at))).toBe(true);
    expect(await sealed.keepCosignatures(identity.epoch, 3, cosign(await noteAt(2), 0, 11n))).toBe(false);
    const policy = { origin: originOf(identity), log: (await sealed.keys()).map(noteVerifier), witnesses: witnesses.map(({ verifier }) => cosigner(verifier)) };
    expect([(await sealed.witnessed(1))!.size, (await sealed.witnessed(2))!.size, await sealed.witnessed(3)]).toEqual([4, 2, null]);
    expect(openCheckpoint((await sealed.witnessed(2))!.note, { ...policy, witnessesMin: 2 }).witnessed.map(({ signature }) => signature.readBigUInt64BE())).toEqual([10n, 8n]);
    expect(openCheckpoint((await sealed.checkpoint())!.note, policy)).toMatchObject({ size: 6, witnessed: [] });
  });
});
