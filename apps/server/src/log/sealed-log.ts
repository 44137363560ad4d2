import { addedColumn, type Database, type SqlResult } from '@rectrail/platform';
import {
  formatNote, hashesFromTiles, parseCheckpointText, parseNote, RecentTiles, tileWidth, treeHashBytes,
  type HashedNode, type NoteSignature, type Tile, type TreeHash, type TreeHashes,
} from '@rectrail/transparency';

/**
 * A row holds the hashes of one tile, one after the other; it is only ever appended to. So every smaller tile, and every earlier tree, is a beginning of what is there.
 * The hashes do not compress. Nothing is altered that is as it should be: that would wait for whoever reads a table, a dump of the database too, and keep others from it meanwhile.
 */
const tables = `
  create schema if not exists rectrail_transparency;
  create table if not exists rectrail_transparency.tile (
    level  smallint not null,
    index  bigint not null,
    hashes bytea storage external not null check (octet_length(hashes) between ${treeHashBytes} and ${tileWidth * treeHashBytes} and octet_length(hashes) % ${treeHashBytes} = 0),
    primary key (level, index)
  );
  create table if not exists rectrail_transparency.checkpoint (
    epoch     integer not null,
    size      bigint not null,
    note      text not null,
    signed_at timestamptz not null default now(),
    primary key (epoch, size)
  );
  create table if not exists rectrail_transparency.key (
    verifier text primary key,
    epoch    integer not null,
    added_at timestamptz not null default now()
  );
  ${addedColumn('rectrail_transparency.key', 'announcement', 'text')}
  create table if not exists rectrail_transparency.cosignature (
    epoch     integer not null,
    size      bigint not null,
    name      text not null,
    key_id    bigint not null,
    signature bytea not null,
    added_at  timestamptz not null default now(),
    primary key (epoch, size, name, key_id),
    foreign key (epoch, size) references rectrail_transparency.checkpoint (epoch, size)
  );
  create table if not exists rectrail_transparency.sighting (
    epoch    integer not null,
    size     bigint not null,
    root     bytea,
    seen_by  text not null,
    reason   text not null,
    noted_at timestamptz not null default now(),
    unique nulls not distinct (epoch, size, root, seen_by)
  );
`;
const setUpLane = `select pg_advisory_xact_lock(hashtextextended('rectrail_transparency', 0))`;

const appendSql = `
  insert into rectrail_transparency.tile as kept (level, index, hashes) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])
  on conflict (level, index) do update set hashes = kept.hashes || excluded.hashes`;
const sizeSql = `select (index * ${tileWidth} + octet_length(hashes) / ${treeHashBytes})::float8 as size from rectrail_transparency.tile where level = 0 order by index desc limit 1`;
/** The beginning of each tile in the order asked, null where it is not so wide yet. */
const tilesSql = `
  select substring(kept.hashes for asked.bytes) as hashes from unnest($1::smallint[], $2::bigint[], $3::integer[]) with ordinality as asked (level, index, bytes, nth)
  left join rectrail_transparency.tile kept on kept.level = asked.level and kept.index = asked.index and octet_length(kept.hashes) >= asked.bytes order by asked.nth`;

/** A signed head of the tree, as text for whoever checks it. */
export interface SignedCheckpoint { readonly size: number; readonly root: TreeHash; readonly note: string }

interface CheckpointRow { readonly note: string; readonly names: readonly string[]; readonly keyIds: readonly number[]; readonly signatures: readonly Buffer[] }

/** With the cosignatures of witnesses behind those of the log. */
const signedCheckpoint = ({ note, names, keyIds, signatures }: CheckpointRow): SignedCheckpoint => {
  const { text, signatures: own } = parseNote(note);
  const { size, root } = parseCheckpointText(text);
  const cosignatures = names.map((name, i): NoteSignature => ({ name, keyId: keyIds[i] ?? 0, signature: signatures[i] ?? Buffer.of() }));
  return { size, root, note: formatNote(text, [...own, ...cosignatures]) };
};

const checkpointSql = (where: string): string => `
  select kept.note, coalesce(array_agg(name order by name, key_id) filter (where name is not null), '{}') as names,
         coalesce(array_agg(key_id::float8 order by name, key_id) filter (where name is not null), '{}') as "keyIds",
         coalesce(array_agg(signature order by name, key_id) filter (where name is not null), '{}') as signatures
  from (${where}) kept left join rectrail_transparency.cosignature using (epoch, size) group by epoch, size, kept.note`;
const signedSizeSql = 'select size::float8 as size from rectrail_transparency.checkpoint order by epoch desc, size desc limit 1';
const newestSql = checkpointSql('select epoch, size, note from rectrail_transparency.checkpoint where size = $1 or $1::bigint is null order by epoch desc, size desc limit 1');
const ofEpochSql = checkpointSql('select epoch, size, note from rectrail_transparency.checkpoint where epoch = $1 order by size desc limit 1');
const witnessedSql = checkpointSql(`
  select epoch, size, note from rectrail_transparency.cosignature join rectrail_transparency.checkpoint using (epoch, size)
  group by epoch, size, note having count(distinct name) >= $1 order by epoch desc, size desc limit 1`);

/** Of tiles that are kept in memory: 512 full ones, such as all above the leaves of a log of 30 million. */
const recentTilesBytesMax = 8 << 20;

/** The levels of the tree of which tiles keep hashes: every eighth. */
const tileHeight = Math.log2(tileWidth);

/** `hashes`: as many as `bytes` say, one after the other: a buffer for each would outlive the young heap, and a collection of it takes as long as the hashing. */
interface GrownTile { readonly level: number; readonly index: number; readonly hashes: Buffer; bytes: number }

/** What a seal adds to tiles: complete subtrees as the tree grew by them. */
export class TileGrowth {
  /** By level, from left to right. */
  readonly #levels: GrownTile[][] = [];
  #leaves = 0;

  get leaves(): number {
    return this.#leaves;
  }

  /** Those that one leaf completed. */
  add(nodes: readonly HashedNode[]): void {
    this.#leaves += 1;
    for (const { level, index, hash } of nodes) {
      if (level % tileHeight !== 0) continue;
      const tiles = this.#levels[level / tileHeight] ??= [];
      const at = Math.floor(index / tileWidth);
      let last = tiles.at(-1);
      if (last?.index !== at) tiles.push(last = { level: level / tileHeight, index: at, hashes: Buffer.allocUnsafe((tileWidth - index % tileWidth) * treeHashBytes), bytes: 0 });
      last.bytes += hash.copy(last.hashes, last.bytes);
    }
  }

  async write(query: Database['query']): Promise<void> {
    const tiles = this.#levels.flat();
    await query(appendSql, [tiles.map(({ level }) => level), tiles.map(({ index }) => index), tiles.map(({ hashes, bytes }) => hashes.subarray(0, bytes))]);
  }
}

/** Leaves in the tree as it is stored. */
export const keptSize = async (database: Pick<Database, 'query'>): Promise<number> => (await database.query<{ size: number }>(sizeSql)).rows[0]?.size ?? 0;

/** The tree over the log's leaves and its signed heads (schema `rectrail_transparency`), of which only the sealer writes. */
export class SealedLog {
  readonly #database: Database;
  readonly #recent = new RecentTiles(recentTilesBytesMax);
  /** Of the newest checkpoint that was asked for. */
  #signedSize = 0;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Makes its schema where it is missing. */
  static async open(database: Database): Promise<SealedLog> {
    await database.transaction(async (query) => {
      await query(setUpLane);
      await query(tables);
    });
    return new SealedLog(database);
  }

  /** The newest one, or that of exactly this size; null where none was signed. */
  async checkpoint(size?: number): Promise<SignedCheckpoint | null> {
    const { rows: [row] } = await this.#database.query<CheckpointRow>(newestSql, [size ?? null]);
    return row === undefined ? null : signedCheckpoint(row);
  }

  /** Leaves of the newest checkpoint; 0 where none was signed. With `enough`, one that was the newest before will do where it has so many. */
  async signedSize(enough = Number.POSITIVE_INFINITY): Promise<number> {
    if (this.#signedSize >= enough) return this.#signedSize;
    const { rows } = await this.#query<{ size: number }>(signedSizeSql, [], 'signed-size');
    this.#signedSize = rows[0]?.size ?? 0;
    return this.#signedSize;
  }

  /** The last one of an epoch; null where none was signed in it. */
  async lastOf(epoch: number): Promise<SignedCheckpoint | null> {
    const { rows: [row] } = await this.#database.query<CheckpointRow>(ofEpochSql, [epoch]);
    return row === undefined ? null : signedCheckpoint(row);
  }

  /** The newest one that so many witnesses have cosigned; null where there is none. */
  async witnessed(witnessesMin: number): Promise<SignedCheckpoint | null> {
    const { rows: [row] } = await this.#database.query<CheckpointRow>(witnessedSql, [witnessesMin]);
    return row === undefined ? null : signedCheckpoint(row);
  }

  /** Keeps cosignatures of the checkpoint of this epoch and size, the last of each key; they were verified. False where no such checkpoint was signed. */
  async keepCosignatures(epoch: number, size: number, cosignatures: readonly NoteSignature[]): Promise<boolean> {
    const { rowCount } = await this.#database.query(`
      insert into rectrail_transparency.cosignature as kept (epoch, size, name, key_id, signature)
      select epoch, size, name, key_id, signature from rectrail_transparency.checkpoint cross join unnest($3::text[], $4::bigint[], $5::bytea[]) given (name, key_id, signature)
      where epoch = $1 and size = $2
      on conflict (epoch, size, name, key_id) do update set signature = excluded.signature, added_at = now()`,
    [epoch, size, cosignatures.map(({ name }) => name), cosignatures.map(({ keyId }) => keyId), cosignatures.map(({ signature }) => signature)]);
    return (rowCount ?? 0) > 0;
  }

  /** By which each key but the first of an epoch was announced: signed notes, the newest first. */
  async announcements(): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ announcement: string }>('select announcement from rectrail_transparency.key where announcement is not null order by epoch desc, added_at desc, verifier');
    return rows.map(({ announcement }) => announcement);
  }

  /** Verifier keys of this log, those of earlier epochs too, the newest first. */
  async keys(): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ verifier: string }>('select verifier from rectrail_transparency.key order by epoch desc, added_at desc, verifier');
    return rows.map(({ verifier }) => verifier);
  }

  /** Leaves in the tree; those behind the newest checkpoint are not signed yet. */
  size(): Promise<number> {
    return keptSize(this.#database);
  }

  /** Null where the tree does not reach so far. */
  async tile(tile: Tile): Promise<Buffer | null> {
    const [bytes = null] = await this.#tiles([tile]);
    return bytes;
  }

  /** Those of the tree of the first `size` leaves; the tiles that are not kept in memory and are asked for in one turn, as by a proof and its root, are read by one query. */
  hashes(size: number): TreeHashes {
    let [asked, reading]: [Tile[], Promise<readonly (Buffer | null)[]> | null] = [[], null];
    const readAsked = (): Promise<readonly (Buffer | null)[]> => {
      const tiles = asked;
      [asked, reading] = [[], null];
      return this.#tiles(tiles);
    };
    return hashesFromTiles(size, async (tile) => {
      const at = asked.push(tile) - 1;
      reading ??= Promise.resolve().then(readAsked);
      const bytes = (await reading)[at] ?? null;
      if (bytes === null) throw new Error(`the tree of the log lacks hashes of tile ${tile.level}/${tile.index}`);
      return bytes;
    }, this.#recent);
  }

  /** What is remembered, since the database may be another copy from now on. */
  forget(): void {
    this.#recent.forget();
    this.#signedSize = 0;
  }

  /** Of what is remembered in part. */
  async #query<R extends object>(sql: string, values: readonly unknown[], name: string): Promise<SqlResult<R>> {
    try {
      return await this.#database.query<R>(sql, values, name);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  async #tiles(tiles: readonly Tile[]): Promise<readonly (Buffer | null)[]> {
    const values = [tiles.map(({ level }) => level), tiles.map(({ index }) => index), tiles.map(({ width }) => width * treeHashBytes)];
    const { rows } = await this.#query<{ hashes: Buffer | null }>(tilesSql, values, 'tiles');
    return rows.map(({ hashes }) => hashes);
  }
}

/** Verifier keys of one epoch. Processes that start at the same time wait for each other until the transaction has ended: one of them makes the key. */
export const registeredKeys = async (query: Database['query'], epoch: number): Promise<readonly string[]> => {
  await query(setUpLane);
  const { rows } = await query<{ verifier: string }>('select verifier from rectrail_transparency.key where epoch = $1 order by added_at desc', [epoch]);
  return rows.map(({ verifier }) => verifier);
};
/** `announcement`: the signed note by which its predecessor made it known; none for the first. */
export const registerKey = async (query: Database['query'], epoch: number, { verifier, announcement = null }: { readonly verifier: string; readonly announcement?: string | null }): Promise<void> => {
  await query('insert into rectrail_transparency.key (verifier, epoch, announcement) values ($1, $2, $3) on conflict do nothing', [verifier, epoch, announcement]);
};

export const keepCheckpoint = async (query: Database['query'], epoch: number, size: number, note: string): Promise<void> => {
  await query('insert into rectrail_transparency.checkpoint (epoch, size, note) values ($1, $2, $3) on conflict do nothing', [epoch, size, note]);
};
