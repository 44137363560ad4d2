import { instantOfMs } from '@rectrail/kernel';
import { leafBytesOf, sha256Hex } from '@rectrail/event-store';
import {
  completeSubtrees, formatNote, hashesFromTiles, leafHash, LogFormatError, parseNote, tileWidth, treeHashBytes, type Frontier, type HashedNode, type Tile,
} from '@rectrail/transparency';
import type { CommandRun } from './command-runs.ts';
import type { LogEntry } from './entry.ts';
import { finding, type Finding } from './findings.ts';
import type { LogBatch, LogSource, MadeOfStretch } from './log-source.ts';

/** Asks one database, within one transaction that reads alone and sees one state. */
export type ReadQuery = <R extends object>(sql: string, values?: readonly unknown[]) => Promise<{ readonly rows: readonly R[] }>;

/** Positions that are read at once: whole tiles. */
const stretch = 4 * tileWidth;
const tileBytesMax = tileWidth * treeHashBytes;
/** As far as a Date reaches. */
const msMax = 8.64e15;

interface Row {
  readonly position: number;
  readonly recorded_ms: number;
  readonly stream_id: string | null;
  readonly version: number;
  readonly type: string;
  readonly content: string;
  readonly content_sha256: string | null;
}

/** bigint as double: exact up to 2^53, beyond which no event stands. */
const eventsSql = `
  select e.position::float8 as position, e.recorded_ms::float8 as recorded_ms, s.stream_id, e.version, e.type, e.content, p.content_sha256
  from rectrail_events.events e
  left join rectrail_events.streams s on s.stream_no = e.stream_no
  left join rectrail_events.contents_purged p on p.position = e.position and e.content = ''
  where e.position > $1 and e.position <= $2 order by e.position`;

/** The leaf of whatever stands in the row, which may be nothing that an event store wrote. */
const entryOfRow = ({ position, recorded_ms: ms, stream_id: stream, version, type, content, content_sha256: kept }: Row, logId: string): LogEntry => {
  const recordedAt = Math.abs(ms) <= msMax ? instantOfMs(ms) : `${ms} ms`;
  const streamId = stream ?? 'a stream without a name';
  const contentSha256 = kept ?? sha256Hex(content);
  return {
    position, recordedAt, streamId, streamVersion: version, contentSha256, foundSha256: kept === null ? contentSha256 : null, type,
    content: kept === null ? Buffer.from(content, 'utf8') : null, lacks: kept === null ? null : 'purged',
    leafHash: leafHash(leafBytesOf({ contentSha256, position, recordedAt, streamId, streamVersion: version }, logId)),
  };
};

interface NoteRow { readonly note: string; readonly names: readonly string[]; readonly keyIds: readonly number[]; readonly signatures: readonly Buffer[] }

const notesSql = `
  select c.note, coalesce(array_agg(w.name) filter (where w.name is not null), '{}') as names, coalesce(array_agg(w.key_id::float8) filter (where w.name is not null), '{}') as "keyIds",
         coalesce(array_agg(w.signature) filter (where w.name is not null), '{}') as signatures
  from rectrail_transparency.checkpoint c left join rectrail_transparency.cosignature w using (epoch, size)
  where c.size between $1 and $2 group by c.size, c.epoch, c.note order by c.size, c.epoch`;

/** The note with the cosignatures of witnesses that are kept beside it; one that cannot be read is left to whoever opens it. */
const cosigned = ({ note, names, keyIds, signatures }: NoteRow): string => {
  if (names.length === 0) return note;
  try {
    const { text, signatures: own } = parseNote(note);
    return formatNote(text, [...own, ...names.map((name, i) => ({ name, keyId: keyIds[i] ?? 0, signature: signatures[i] ?? Buffer.of() }))]);
  } catch (error) {
    if (error instanceof LogFormatError) return note;
    throw error;
  }
};

/** Adjacent tiles from the first on, as far as they go. */
const joined = (rows: readonly { readonly index: number; readonly hashes: Buffer }[], first: number): Buffer => {
  const parts: Buffer[] = [];
  for (const [i, { index, hashes }] of rows.entries()) {
    if (index !== first + i) break;
    parts.push(hashes.subarray(0, tileBytesMax));
    if (hashes.length < tileBytesMax) break;
  }
  return Buffer.concat(parts);
};

const differingRun = (run: CommandRun, kept: { readonly first: number; readonly last: number } | undefined): Finding | null => {
  const { commandId, first, last, isWhole } = run;
  if (kept === undefined) return finding('command-differs', first, `command ${commandId} is not in the list of commands: it could be carried out again`);
  if (isWhole ? kept.first === first && kept.last === last : kept.first <= first && kept.last >= last) return null;
  return finding('command-differs', first, `the list of commands gives ${commandId} the events from ${kept.first} to ${kept.last}, it has those from ${first} to ${last}`);
};

/** The log in the tables of a database, none of which is trusted; what it keeps beside the events (types, commands, the tree) is held against them. */
class DatabaseLog implements LogSource {
  readonly after = 0;
  readonly mayTrail = true;
  readonly logId: string;
  readonly last: number;
  readonly #query: ReadQuery;
  readonly #sealed: number;

  constructor(query: ReadQuery, { logId, last, sealed }: { readonly logId: string; readonly last: number; readonly sealed: number }) {
    [this.#query, this.logId, this.last, this.#sealed] = [query, logId, last, sealed];
  }

  async frontier(size: number): Promise<Frontier> {
    if (size === 0) return { size, hashes: [] };
    return { size, hashes: await hashesFromTiles(size, (tile) => this.#tile(tile)).read(completeSubtrees({ from: 0, to: size })) };
  }

  async* batches(after: number): AsyncGenerator<LogBatch> {
    const end = Math.max(this.last, this.#sealed);
    for (let from = after; from < end; from += stretch) {
      const to = from + stretch;
      const { rows } = await this.#query<Row>(eventsSql, [from, to]);
      const [hashes, notes] = [await this.#leafHashes(from, to), await this.#notes(from === after ? from : from + 1, to)];
      // Positions may be anything: what lies behind a stretch of nothing is not looked for.
      const isEmpty = rows.length === 0 && hashes.length === 0;
      yield { entries: rows.map((row) => entryOfRow(row, this.logId)), hashes, notes, finding: isEmpty ? finding('event-missing', from + 1, `the event at ${from + 1} is missing, and ${stretch} behind it`) : null };
      if (isEmpty) return;
    }
    yield { entries: [], hashes: null, notes: await this.#notes(Math.max(after + Math.ceil((end - after) / stretch) * stretch + 1, after), Number.MAX_SAFE_INTEGER) };
  }

  async checkStretch({ runs, nodes }: MadeOfStretch): Promise<readonly Finding[]> {
    const { rows } = runs.length === 0 ? { rows: [] } : await this.#query<{ id: string; first: number; last: number }>(
      'select command_id::text as id, first_position::float8 as first, last_position::float8 as last from rectrail_events.commands where command_id = any($1)', [runs.map(({ commandId }) => commandId)]);
    const kept = new Map(rows.map((row) => [row.id, row]));
    const differing = runs.map((run) => differingRun(run, kept.get(run.commandId)));
    for (const node of nodes) differing.push(await this.#differingNode(node));
    return differing.filter((one) => one !== null);
  }

  /** `commands`: how many there are where all are known. */
  async check(position: number | null, commands: number | null): Promise<readonly Finding[]> {
    if (position !== null) return [];
    // What reads a stream would find it there, what reads the log would not.
    const { rows: [hidden] } = await this.#query<{ position: number }>('select position::float8 as position from rectrail_events.events where position < 1 order by position desc limit 1');
    if (hidden !== undefined) return [finding('position-out-of-order', hidden.position, `an event stands at ${hidden.position}, before the first`)];
    if (commands === null) return [];
    const { rows: [row] } = await this.#query<{ count: number }>('select count(*)::float8 as count from rectrail_events.commands');
    return row?.count === commands ? [] : [finding('command-differs', null, `the list of commands has ${row?.count ?? 0}, and the events are of ${commands}`)];
  }

  async #differingNode({ level, index, hash }: HashedNode): Promise<Finding | null> {
    const last = (index + 1) * 2 ** level;
    if (last > this.#sealed) return null;
    const tileLevel = level / Math.log2(tileWidth);
    const { rows: [row] } = await this.#query<{ hash: Buffer }>('select substring(hashes from $3 for $4) as hash from rectrail_transparency.tile where level = $1 and index = $2',
      [tileLevel, Math.floor(index / tileWidth), (index % tileWidth) * treeHashBytes + 1, treeHashBytes]);
    return row?.hash.equals(hash) === true ? null : finding('tree-differs', last - 2 ** level + 1, `the tile of level ${tileLevel} does not hold the hash of the leaves to ${last}`, last);
  }

  async #leafHashes(from: number, to: number): Promise<Buffer> {
    const first = Math.floor(from / tileWidth);
    const { rows } = await this.#query<{ index: number; hashes: Buffer }>(
      'select index::float8 as index, hashes from rectrail_transparency.tile where level = 0 and index between $1 and $2 order by index', [first, Math.floor((to - 1) / tileWidth)]);
    const skipped = (from - first * tileWidth) * treeHashBytes;
    return joined(rows, first).subarray(skipped, skipped + (to - from) * treeHashBytes);
  }

  async #notes(from: number, to: number): Promise<readonly string[]> {
    const { rows } = await this.#query<NoteRow>(notesSql, [from, to]);
    return rows.map(cosigned);
  }

  async #tile({ level, index, width }: Tile): Promise<Buffer> {
    const { rows: [row] } = await this.#query<{ hashes: Buffer }>('select substring(hashes for $3) as hashes from rectrail_transparency.tile where level = $1 and index = $2', [level, index, width * treeHashBytes]);
    return row?.hashes ?? Buffer.of();
  }
}

const countedSql = `
  select (select log_id::text from rectrail_events.epochs order by epoch desc limit 1) as log_id,
         coalesce((select max(position) from rectrail_events.events), 0)::float8 as last,
         coalesce((select index * ${tileWidth} + octet_length(hashes) / ${treeHashBytes} from rectrail_transparency.tile where level = 0 order by index desc limit 1), 0)::float8 as sealed`;

/** The log that a database holds, named by its own word, which the origin of the given keys is held against. @throws Error where it holds none */
export const databaseLog = async (query: ReadQuery): Promise<LogSource> => {
  const { rows: [row] } = await query<{ log_id: string | null; last: number; sealed: number }>(countedSql);
  if (row?.log_id == null) throw new Error('the database holds no log of Rectrail');
  return new DatabaseLog(query, { logId: row.log_id, last: row.last, sealed: row.sealed });
};
