import { LogFormatError } from './format-error.ts';
import { assertSize, nodesAbove, treeHashBytes, type TreeHash, type TreeNode } from './merkle-tree.ts';
import type { TreeHashes } from './proofs.ts';

/** Tiles of C2SP `tlog-tiles`: 256 hashes each, of which a tile of the next level holds one each. Immutable, so that others can mirror the tree by plain files. */
export const tileWidth = 256;
/** Levels of the tree that one tile spans. */
const tileHeight = 8;
/** Of a tree of at most 2^53 leaves. */
const tileLevels = 7;
const levelMax = 63;

/** `width`: 1 to 256 hashes; fewer than 256 is a partial tile. */
export interface Tile { readonly level: number; readonly index: number; readonly width: number }

/** Three digits an element; all but the last begin with an x. */
const indexPath = (index: number): string => {
  const digits = String(index);
  return digits.padStart(Math.ceil(digits.length / 3) * 3, '0').replaceAll(/\d{3}(?=\d)/g, 'x$&/');
};

const path = (level: string, { index, width }: Omit<Tile, 'level'>): string => {
  assertSize(index, 'the index of a tile');
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) throw new RangeError(`a tile is 1 to ${tileWidth} wide, got ${width}`);
  return `tile/${level}/${indexPath(index)}${width === tileWidth ? '' : `.p/${width}`}`;
};

/** Below the log's prefix: `tile/1/x001/234`, partial ones `tile/0/000.p/17`. @throws RangeError. */
export const tilePath = (tile: Tile): string => {
  if (!Number.isInteger(tile.level) || tile.level < 0 || tile.level > levelMax) throw new RangeError(`the level of a tile is 0 to ${levelMax}, got ${tile.level}`);
  return path(String(tile.level), tile);
};

/** Of the entries whose hashes are the tile of level 0 with the same index and width: `tile/entries/x001/234`. @throws RangeError. */
export const entriesPath = (bundle: Omit<Tile, 'level'>): string => path('entries', bundle);

const pathPattern = /^tile\/(0|[1-9]\d?|entries)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Null for what is no path of a tile, in exactly one spelling. Level null: of entries. */
export const parseTilePath = (text: string): (Omit<Tile, 'level'> & { readonly level: number | null }) | null => {
  const [, level = '', index = '', width = String(tileWidth)] = pathPattern.exec(text) ?? [];
  const tile = { level: level === 'entries' ? null : Number(level), index: Number(index.replaceAll(/x|\//g, '')), width: Number(width) };
  if (level === '' || (tile.level ?? 0) > levelMax || tile.width > tileWidth || !Number.isSafeInteger(tile.index)) return null;
  return (tile.level === null ? entriesPath(tile) : tilePath({ ...tile, level: tile.level })) === text ? tile : null;
};

/** Every tile of a tree that was not in full in one of `since` leaves (default: none): what is to be written, or fetched, to go on from there. Lower levels first. */
export const tilesOf = (size: number, since = 0): readonly Tile[] => {
  assertSize(size);
  assertSize(since);
  const tiles: Tile[] = [];
  let [hashes, earlier] = [size, since];
  for (let level = 0; hashes > 0; level += 1) {
    const full = Math.floor(hashes / tileWidth);
    const partial = hashes % tileWidth;
    for (let index = Math.floor(earlier / tileWidth); index < full; index += 1) tiles.push({ level, index, width: tileWidth });
    if (partial > 0 && hashes > earlier) tiles.push({ level, index: full, width: partial });
    [hashes, earlier] = [full, Math.floor(earlier / tileWidth)];
  }
  return tiles;
};

/** The subtrees whose hashes, one after the other, are the tile. */
export const nodesOfTile = ({ level, index, width }: Tile): readonly TreeNode[] =>
  Array.from({ length: width }, (_, i) => ({ level: level * tileHeight, index: index * tileWidth + i }));

/** The bytes of a tile from kept hashes. */
export const tileBytes = async (tile: Tile, hashes: TreeHashes): Promise<Buffer> => Buffer.concat(await hashes.read(nodesOfTile(tile)));

/** Fetches the bytes of a tile; they are not trusted: what is made of them is checked against a checkpoint. */
export type FetchTile = (tile: Tile) => Promise<Uint8Array>;

/** The complete subtrees within a tile: its own hashes, and those above them as they are first asked for. Twice the bytes of the tile at most. */
class TileNodes {
  /** One after the other, of each level above that of the tile. */
  readonly #levels: Buffer[];

  /** @throws LogFormatError `bundle-malformed` for bytes of another width */
  constructor(bytes: Uint8Array, { level, index, width }: Tile) {
    if (bytes.length !== width * treeHashBytes) throw new LogFormatError('bundle-malformed', `tile ${level}/${index} has ${bytes.length} bytes, expected ${width * treeHashBytes}`);
    this.#levels = [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
  }

  /** `level`: above that of the tile; `index`: among those of the tile. */
  hash(level: number, index: number): TreeHash {
    let hashes = this.#levels[level];
    while (hashes === undefined) {
      this.#levels.push(nodesAbove(this.#levels.at(-1) ?? Buffer.of()));
      hashes = this.#levels[level];
    }
    return hashes.subarray(index * treeHashBytes, (index + 1) * treeHashBytes);
  }
}

/** Tiles as they were fetched, the last used of them; one of a given width never changes, whatever tree it is read for. */
export class RecentTiles {
  readonly #tiles = new Map<string, Promise<TileNodes>>();
  readonly #tilesMax: number;

  /** `bytesMax`: as if each were a full one. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.#tilesMax = bytesMax / (2 * tileWidth * treeHashBytes);
  }

  /** What could not be fetched is not kept. */
  async of(tile: Tile, fetchTile: FetchTile): Promise<TileNodes> {
    const key = `${tile.level}/${tile.index}/${tile.width}`;
    const known = this.#tiles.get(key);
    const nodes = known ?? fetchTile(tile).then((bytes) => new TileNodes(bytes, tile));
    this.#tiles.delete(key);
    this.#tiles.set(key, nodes);
    if (known === undefined) {
      for (const oldest of this.#tiles.keys()) {
        if (this.#tiles.size <= this.#tilesMax) break;
        this.#tiles.delete(oldest);
      }
      nodes.catch(() => { if (this.#tiles.get(key) === nodes) this.#tiles.delete(key); });
    }
    return nodes;
  }

  forget(): void {
    this.#tiles.clear();
  }
}

/**
 * The hashes of a tree of `size` leaves by way of its tiles, each fetched once as long as `recent` keeps it, which other trees of the same log may share. Proofs and roots made of
 * them are to be verified.
 */
export const hashesFromTiles = (size: number, fetchTile: FetchTile, recent = new RecentTiles()): TreeHashes => {
  assertSize(size);
  const widthOf = (level: number, index: number): number => Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
  /** `level` and `index`: within the tile. */
  const placeOf = ({ level, index }: TreeNode): TreeNode & { readonly tile: Tile; readonly key: number } => {
    const [tileLevel, within] = [Math.floor(level / tileHeight), level % tileHeight];
    const first = index * 2 ** within;
    const tileIndex = Math.floor(first / tileWidth);
    const tile = { level: tileLevel, index: tileIndex, width: widthOf(tileLevel, tileIndex) };
    return { tile, key: tileIndex * tileLevels + tileLevel, level: within, index: (first % tileWidth) / 2 ** within };
  };
  return {
    // A wait for each tile, not for each node: a proof has up to a hundred, of a handful of tiles.
    read: async (nodes) => {
      const places = nodes.map(placeOf);
      const wanted = new Map(places.map(({ key, tile }) => [key, tile]));
      const tiles = new Map(await Promise.all(Array.from(wanted, async ([key, tile]) => [key, await recent.of(tile, fetchTile)] as const)));
      return places.map(({ key, level, index }) => {
        const tile = tiles.get(key);
        if (tile === undefined) throw new Error('a tile that was read is not there');
        return tile.hash(level, index);
      });
    },
  };
};

/** Each entry is preceded by its length, big-endian 16 bits. */
const entryBytesMax = 65_535;

/** @throws RangeError for an entry of more than 65,535 bytes, or for none or more than 256. */
export const entryBundle = (entries: readonly Uint8Array[]): Buffer => {
  if (entries.length < 1 || entries.length > tileWidth) throw new RangeError(`a bundle has 1 to ${tileWidth} entries`);
  return Buffer.concat(entries.flatMap((entry) => {
    if (entry.length > entryBytesMax) throw new RangeError(`an entry has at most ${entryBytesMax} bytes, got ${entry.length}`);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  }));
};

/** @throws LogFormatError `bundle-malformed`. */
export const parseEntryBundle = (bytes: Uint8Array): readonly Buffer[] => {
  const bundle = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 + (at + 2 <= bundle.length ? bundle.readUInt16BE(at) : bundle.length);
    if (end > bundle.length) throw new LogFormatError('bundle-malformed', 'a bundle of entries ends within an entry');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
};
