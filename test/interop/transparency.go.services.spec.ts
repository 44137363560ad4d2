import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  checkpointText, consistencyProof, GrowingTree, inclusionProof, leafHash, newNoteKey, noteSigner, noteVerifier, openNote, parseCheckpointText, rootOf, signNote,
  tileBytes, tilePath, tilesOf, type TreeHash, type TreeHashes,
} from '@rectrail/transparency';
import { randomOf } from '@rectrail/tracking-read/testing';
import { beforeAll, describe, expect, it } from '@jest/globals';

// Goal: a log of ours is one to Go's golang.org/x/mod/sumdb/{note,tlog}, byte for byte. Method: each side makes notes, roots, proofs and tiles of the same leaves; each checks the
// other's. The seed is printed.
const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const random = randomOf(seed);

interface Answer {
  readonly faults: readonly string[];
  readonly verifier: string;
  readonly notes: readonly { readonly text: string; readonly note: string }[];
  readonly signedByYours: readonly string[];
  readonly roots: unknown;
  readonly inclusions: unknown;
  readonly consistencies: unknown;
  readonly growths: unknown;
}

const runGo = async (work: unknown): Promise<Answer> => {
  const child = spawn('go', ['run', '.'], { cwd: join(import.meta.dirname, 'go'), stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(work));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`go run ended with ${String(code)}: ${err}`);
  return JSON.parse(out);
};

const leavesMax = 70_000;
const base64 = (hashes: readonly TreeHash[]): readonly string[] => hashes.map((hash) => hash.toString('base64'));

describe(`Go (seed ${seed})`, () => {
  const key = newNoteKey('rectrail/5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e/1');
  let work: { readonly notes: readonly { text: string; note: string }[] } & Record<'roots' | 'inclusions' | 'consistencies' | 'growths', readonly object[]>;
  let answer: Answer;

  beforeAll(async () => {
    const tree = new GrowingTree();
    const kept = new Map<string, TreeHash>();
    const leaves = Array.from({ length: leavesMax }, (_, n) => Buffer.from(`{"position":${n + 1}}`));
    for (const leaf of leaves) for (const { level, index, hash } of tree.append(leafHash(leaf))) kept.set(`${level} ${index}`, hash);
    const hashes: TreeHashes = { read: (nodes) => Promise.resolve(nodes.map(({ level, index }) => kept.get(`${level} ${index}`)!)) };
    const sizes = [1, 2, 3, 255, 256, 257, 65_536, 65_537, leavesMax, ...Array.from({ length: 60 }, () => random.int(1, leavesMax))].toSorted((a, b) => a - b);
    const growths = [[0, 1], [0, 256], [255, 257], [65_535, 65_537], [69_000, 70_000], [random.int(0, 30_000), random.int(30_000, leavesMax)]];
    const roots = await Promise.all(sizes.map(async (size) => ({ size, root: (await rootOf(size, hashes)).toString('base64') })));
    const notes = roots.map(({ size, root }) => {
      const checkpoint = checkpointText({ origin: 'rectrail/5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e/1', size, root: Buffer.from(root, 'base64') });
      return { text: checkpoint, note: signNote(checkpoint, [noteSigner(key.secret)]) };
    });
    work = {
      roots, notes,
      inclusions: await Promise.all(sizes.map(async (size) => {
        const index = random.int(0, size - 1);
        return { index, size, proof: base64(await inclusionProof({ index, size }, hashes)) };
      })),
      consistencies: await Promise.all(sizes.map(async (second) => {
        const first = random.pick(sizes.filter((size) => size <= second));
        return { first, second, proof: base64(await consistencyProof({ first, second }, hashes)) };
      })),
      growths: await Promise.all(growths.map(async ([since = 0, size = 0]) => {
        const tiles = await Promise.all(tilesOf(size, since).map(async (tile) => ({ path: tilePath(tile), bytes: (await tileBytes(tile, hashes)).toString('base64') })));
        return { since, size, tiles: tiles.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
      })),
    };
    answer = await runGo({ ...work, verifier: key.verifier, secret: key.secret, leaves: leaves.map((leaf) => leaf.toString('base64')) });
  });

  it('opens our notes and finds nothing wrong with our proofs', () => {
    expect(answer.faults).toEqual([]);
  });

  it('signs as we do, and what it signs with its own key we open', () => {
    expect(answer.signedByYours).toEqual(work.notes.map(({ note }) => note));
    for (const { text: signed, note } of answer.notes) expect(parseCheckpointText(openNote(note, [noteVerifier(answer.verifier)]).text)).toEqual(parseCheckpointText(signed));
  });

  it.each(['roots', 'inclusions', 'consistencies', 'growths'] as const)('makes the same %s', (what) => {
    expect(answer[what]).toEqual(work[what]);
  });
});
