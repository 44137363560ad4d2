import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GrowingTree, leafHash, type TreeHash } from './merkle-tree.ts';
import { consistencyProof, inclusionProof, rootOf, type TreeHashes } from './proofs.ts';
import { entriesPath, entryBundle, hashesFromTiles, parseEntryBundle, parseTilePath, RecentTiles, tileBytes, tilePath, tilesOf, type Tile } from './tiles.ts';

// Goal: whoever mirrors the tiles can make every proof of the log, and fetches no more than what is new. Method: the examples of C2SP tlog-tiles; trees of three levels of tiles
// over kept hashes as the oracle; growth in random steps.
const grow = (size: number): { readonly tree: GrowingTree; readonly hashes: TreeHashes } => {
  const tree = new GrowingTree();
  const kept = new Map<string, TreeHash>();
  for (let n = 0; n < size; n += 1) for (const { level, index, hash } of tree.append(leafHash(Buffer.from(`leaf ${n}`)))) kept.set(`${level} ${index}`, hash);
  const read: TreeHashes['read'] = (nodes) => Promise.resolve(nodes.map(({ level, index }) => {
    const hash = kept.get(`${level} ${index}`);
    if (hash === undefined) throw new Error(`there is no node ${level} ${index}`);
    return hash;
  }));
  return { tree, hashes: { read } };
};

const widest = (tiles: readonly Tile[]): Map<string, number> => {
  const widths = new Map<string, number>();
  for (const { level, index, width } of tiles) widths.set(`${level} ${index}`, Math.max(width, widths.get(`${level} ${index}`) ?? 0));
  return widths;
};

describe('paths of tiles', () => {
  it('are those of the specification', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 12, index: 7, width: 112 })).toBe('tile/12/007.p/112');
    expect(entriesPath({ index: 1_000, width: 1 })).toBe('tile/entries/x001/000.p/1');
  });

  it('are read back, in one spelling alone', () => {
    fc.assert(fc.property(fc.option(fc.integer({ min: 0, max: 63 })), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      const path = level === null ? entriesPath({ index, width }) : tilePath({ level, index, width });
      expect(parseTilePath(path)).toEqual({ level, index, width });
    }));
    for (const wrong of [
      '', 'tile/0/1', 'tile/00/001', 'tile/64/001', 'tile/0/x000/001', 'tile/0/001.p/0', 'tile/0/001.p/256', 'tile/0/001.p/01', 'tile/0/001/x002', 'tile/0/001/', '/tile/0/001', 'tile/0/../001',
      'tile/x/001', 'tile/0/x999/x999/x999/x999/x999/999', 'tile/data/001',
    ]) expect([wrong, parseTilePath(wrong)]).toEqual([wrong, null]);
    const tile = { level: 0, index: 0, width: 1 };
    for (const wrong of [{ ...tile, level: -1 }, { ...tile, level: 64 }, { ...tile, index: -1 }, { ...tile, width: 0 }, { ...tile, width: 257 }]) {
      expect(() => tilePath(wrong)).toThrow(RangeError);
    }
  });
});

describe('the tiles of a tree', () => {
  it('are those of the specification\'s examples', () => {
    const tiles = tilesOf(70_000);
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.filter(({ level, width }) => level > 0 || width < 256)).toEqual([
      { level: 0, index: 273, width: 112 }, { level: 1, index: 0, width: 256 }, { level: 1, index: 1, width: 17 }, { level: 2, index: 0, width: 1 },
    ]);
    expect(tilesOf(256)).toEqual([{ level: 0, index: 0, width: 256 }, { level: 1, index: 0, width: 1 }]);
    expect(tilesOf(0)).toEqual([]);
  });

  it('come by growth as they do at once, none in full twice', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 6 }), (sizes) => {
      const steps = sizes.toSorted((a, b) => a - b);
      const made = steps.flatMap((size, n) => tilesOf(size, steps[n - 1] ?? 0));
      expect(widest(made)).toEqual(widest(tilesOf(steps.at(-1)!)));
      const full = made.filter(({ width }) => width === 256).map(tilePath);
      expect(new Set(full).size).toBe(full.length);
    }));
  });

  it('give every hash that proofs need, each fetched once', async () => {
    const [size, second] = [66_000, 65_800];
    const { hashes } = grow(size);
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: size }), fc.nat(), async (at, seed) => {
      const fetched: string[] = [];
      const mirror = hashesFromTiles(at, (tile) => {
        fetched.push(tilePath(tile));
        return tileBytes(tile, hashes);
      });
      const index = seed % at;
      expect(await rootOf(at, mirror)).toEqual(await rootOf(at, hashes));
      expect(await inclusionProof({ index, size: at }, mirror)).toEqual(await inclusionProof({ index, size: at }, hashes));
      const first = Math.min(second, index);
      expect(await consistencyProof({ first, second: at }, mirror)).toEqual(await consistencyProof({ first, second: at }, hashes));
      expect(new Set(fetched).size).toBe(fetched.length);
      const there = new Set(tilesOf(at).map(tilePath));
      expect(fetched.filter((path) => !there.has(path))).toEqual([]);
    }), { numRuns: 30 });
  });

  it('are shared by trees of any size, as many as are kept, and are those of each', async () => {
    const size = 66_000;
    const { hashes } = grow(size);
    // A full tile and the nodes above its hashes take 16 KiB.
    const kept = 3;
    const recent = new RecentTiles(kept << 14);
    let fetched: string[] = [];
    const fetchTile = (tile: Tile): Promise<Uint8Array> => {
      fetched.push(tilePath(tile));
      return tileBytes(tile, hashes);
    };
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: size }), fc.nat(), async (at, seed) => {
      const index = seed % at;
      const mirror = hashesFromTiles(at, fetchTile, recent);
      expect(await inclusionProof({ index, size: at }, mirror)).toEqual(await inclusionProof({ index, size: at }, hashes));
      expect(await rootOf(at, mirror)).toEqual(await rootOf(at, hashes));
    }), { numRuns: 30 });
    const last = Array.from({ length: kept + 1 }, (_, index) => ({ level: 0, index, width: 256 }));
    for (const tile of last) await recent.of(tile, fetchTile);
    fetched = [];
    for (const tile of last.toReversed()) await recent.of(tile, fetchTile);
    expect(fetched).toEqual([tilePath(last[0]!)]);
    recent.forget();
    await recent.of(last[0]!, fetchTile);
    expect(fetched).toHaveLength(2);
  });

  it('are asked for again where they could not be had', async () => {
    const recent = new RecentTiles();
    const failing = hashesFromTiles(1, () => Promise.reject(new Error('away')), recent);
    await expect(rootOf(1, failing)).rejects.toThrow('away');
    const hash = leafHash(Buffer.of(1));
    expect(await rootOf(1, hashesFromTiles(1, () => Promise.resolve(hash), recent))).toEqual(hash);
  });

  it('of another length are refused', async () => {
    await expect(rootOf(3, hashesFromTiles(3, () => Promise.resolve(Buffer.alloc(95))))).rejects.toMatchObject({ code: 'bundle-malformed' });
  });
});

describe('a bundle of entries', () => {
  it('is read back, and refused where it is cut', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }), fc.nat(), (entries, at) => {
      const bundle = entryBundle(entries);
      expect(parseEntryBundle(bundle)).toEqual(entries.map((entry) => Buffer.from(entry)));
      const cut = bundle.subarray(0, at % bundle.length);
      const ends = entries.map((_, n) => entries.slice(0, n).reduce((sum, entry) => sum + 2 + entry.length, 0));
      if (!ends.includes(cut.length)) expect(() => parseEntryBundle(cut)).toThrow(/within an entry/);
    }));
    expect(() => entryBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
    expect(() => entryBundle([])).toThrow(RangeError);
  });
});
