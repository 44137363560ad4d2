import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUuid } from '@rectrail/kernel';
import type { LogIdentity } from '@rectrail/event-store';
import { numberingSchema as schema, type Database } from './database.ts';
import { isAfter, KurrentLogError, type KurrentLog, type LogPosition } from './kurrent-log.ts';
import type { Numbering } from './numbering.ts';
import { commandOfReceiptStream, logStream, streamIdOf } from './stream-names.ts';

/** The first release with AppendRecords: appends over several streams with checks of streams that are not written. */
export const serverVersionMin = '26.1';

/** The server cannot be used as it is; the message says why and what may help. */
export class KurrentStoreRefused extends Error {
  readonly code: 'server-too-old' | 'log-differs' | 'log-truncated';

  constructor(code: KurrentStoreRefused['code'], message: string) {
    super(message);
    this.name = 'KurrentStoreRefused';
    this.code = code;
  }
}

const isOlder = (version: string, min: string): boolean => {
  const numbers = (text: string): number[] => text.split(/[.+-]/).map(Number);
  const [major = Number.NaN, minor = 0] = numbers(version);
  const [majorMin = 0, minorMin = 0] = numbers(min);
  return major < majorMin || (major === majorMin && minor < minorMin);
};

/** @throws KurrentStoreRefused `server-too-old` */
export const checkServer = async (log: KurrentLog): Promise<string> => {
  const { version, appendsRecords } = await log.server();
  if (isOlder(version, serverVersionMin) || !appendsRecords) {
    throw new KurrentStoreRefused('server-too-old', `KurrentDB ${version} is too old: the event store needs ${serverVersionMin} or later (AppendRecords). Potential solutions: upgrade every node of the cluster; unset EVENT_STORE_URL to keep events in PostgreSQL`);
  }
  return version;
};

const loggedId = async (log: KurrentLog): Promise<string | null> => {
  const [record] = await log.readStream(logStream, 0, 1);
  const id = record === undefined ? null : Buffer.from(record.data).toString('utf8');
  if (id !== null && !isUuid(id)) throw new KurrentStoreRefused('log-differs', `stream ${logStream} of the KurrentDB server holds no id of a log. Potential solutions: give Rectrail a KurrentDB of its own`);
  return id;
};

/** The id that the server's log has from now on: of two that begin at once, one names it. */
const nameLog = async (log: KurrentLog): Promise<string> => {
  const id = randomUUID();
  try {
    await log.append([{ stream: logStream, eventId: randomUUID(), type: 'rectrail.log', data: Buffer.from(id, 'utf8') }], [{ stream: logStream, revision: 'none' }]);
    return id;
  } catch (error) {
    if (!(error instanceof KurrentLogError) || error.code !== 'check-failed') throw error;
    return await loggedId(log) ?? id;
  }
};

/**
 * The id stands in both: in the server's log, from which an empty numbering takes it over, and in the numbering.
 *
 * @throws KurrentStoreRefused `log-differs` where they belong to two logs
 */
export const openIdentity = (log: KurrentLog, database: Database): Promise<LogIdentity> => database.transaction(async (query) => {
  await query(`select pg_advisory_xact_lock(hashtextextended('rectrail log identity ${schema}', 0))`);
  const { rows: [known] } = await query<{ log_id: string; epoch: number }>(`select log_id::text, epoch from ${schema}.epochs order by epoch desc limit 1`);
  const logged = await loggedId(log);
  if (known !== undefined && known.log_id !== logged) {
    throw new KurrentStoreRefused('log-differs', `the numbering in PostgreSQL is of log ${known.log_id}, the KurrentDB server holds ${logged ?? 'none'}. Potential solutions: point EVENT_STORE_URL and DATABASE_URL to what belongs together; restore the backups of both`);
  }
  if (known !== undefined) return { logId: known.log_id, epoch: known.epoch };
  const logId = logged ?? await nameLog(log);
  await query(`insert into ${schema}.epochs (epoch, log_id) values (1, $1)`, [logId]);
  return { logId, epoch: 1 };
});

/**
 * The first and the last numbered event must stand where they stood: a server restored from an older backup, or another cluster, has others or none.
 *
 * @throws KurrentStoreRefused `log-differs`
 */
export const checkEnds = async (log: KurrentLog, numbering: Numbering): Promise<void> => {
  for (const { position, logPosition, eventId } of await numbering.ends()) {
    let found = await eventIdAt(log, logPosition);
    for (const ms of behindMs) {
      if (found === eventId) break;
      await sleep(ms);
      found = await eventIdAt(log, logPosition);
    }
    if (found !== eventId) {
      throw new KurrentStoreRefused('log-differs', `the KurrentDB server does not hold the event of position ${position} (${eventId}) where it was numbered. Potential solutions: restore a backup of the server that is not older than that of PostgreSQL; see whether the stream was deleted; docs/how-to/kurrentdb.md`);
    }
  }
};

/** Between two looks: the node that answers may be behind the one that was numbered from. */
const behindMs = [50, 250, 700] as const;

/** What lies at a place; null behind the end, and where no event begins, which the server refuses. */
const eventIdAt = async (log: KurrentLog, from: LogPosition): Promise<string | null> => {
  try {
    const end = (await log.last())?.position;
    if (end === undefined || isAfter(from, end)) return null;
    return (await log.readAll({ from, count: 1 }))[0]?.eventId ?? null;
  } catch (error) {
    if (error instanceof KurrentLogError && error.code === 'refused') return null;
    throw error;
  }
};

const scanCount = 500;
const metadataPrefix = '$$';

/** The streams whose settings were changed, or that were deleted, since the last scan. */
const scan = async (log: KurrentLog, from: LogPosition | null): Promise<ReadonlySet<string>> => {
  const suspects = new Set<string>();
  for (let at = from; ;) {
    const records = await log.readAll({ ...(at && { from: at }), count: scanCount, filter: { typePrefixes: ['$metadata', '$streamDeleted'] } });
    for (const { stream } of records) {
      suspects.add(stream.startsWith(metadataPrefix) ? stream.slice(metadataPrefix.length) : stream);
    }
    const last = records.at(-1)?.position;
    // A page begins with the last record of the one before.
    if (records.length < scanCount || last === undefined || (at !== null && !isAfter(last, at))) return suspects;
    at = last;
  }
};

/** From the beginning where the place is none of this log any more: the server was restored from a backup that lacks what others had written. */
const scanSince = async (log: KurrentLog, from: LogPosition | null, end: LogPosition | null): Promise<ReadonlySet<string>> => {
  if (from === null || end === null || isAfter(from, end)) return scan(log, null);
  try {
    return await scan(log, from);
  } catch (error) {
    if (error instanceof KurrentLogError && error.code === 'refused') return scan(log, null);
    throw error;
  }
};

/** Those that hold what is numbered: others may share the server. */
const ours = async (suspects: readonly string[], numbering: Numbering): Promise<readonly string[]> => {
  const versions = await numbering.versions(suspects.flatMap((name) => streamIdOf(name) ?? []));
  const commands = await numbering.commands(suspects.flatMap((name) => commandOfReceiptStream(name) ?? []));
  return suspects.filter((name) => {
    const [id, command] = [streamIdOf(name), commandOfReceiptStream(name)];
    return name === logStream || (id !== null && (versions.get(id) ?? 0) > 0) || (command !== null && commands.has(command));
  });
};

/** What the server hides of a stream, or will; null where nothing is amiss. */
const harmOf = async (log: KurrentLog, stream: string): Promise<string | null> => {
  try {
    // The settings of a deleted stream are deleted with it.
    const truncation = await log.truncation(stream);
    if (truncation !== null) return `${stream} (${Object.entries(truncation).map(([key, value]) => `${key} ${value}`).join(', ')})`;
    const [first] = await log.readStream(stream, 0, 1);
    return first?.revision === 0 ? null : `${stream} (its first event is gone)`;
  } catch (error) {
    if (error instanceof KurrentLogError && error.code === 'stream-deleted') return `${stream} (deleted)`;
    throw error;
  }
};

/**
 * Deletions and truncations ($maxCount, $maxAge, $tb) leave events of their own in the log, which stay where scavenging removes the rest: those since the last
 * start are looked at, and every stream that ever had one is judged by what it is now.
 *
 * @throws KurrentStoreRefused `log-truncated`
 */
export const checkTruncation = async (log: KurrentLog, database: Database, numbering: Numbering): Promise<void> => {
  const end = (await log.last())?.position;
  const { rows: [done] } = await database.query<{ commit: string; prepare: string }>(`select commit_position::text as commit, prepare_position::text as prepare from ${schema}.scan`);
  const found = await scanSince(log, done === undefined ? null : { commit: BigInt(done.commit), prepare: BigInt(done.prepare) }, end ?? null);
  await database.transaction(async (query) => {
    await query(`insert into ${schema}.suspects (stream) select unnest($1::text[]) on conflict do nothing`, [[...found]]);
    if (end === undefined) return;
    await query(`
      insert into ${schema}.scan (commit_position, prepare_position) values ($1, $2)
      on conflict (one) do update set commit_position = excluded.commit_position, prepare_position = excluded.prepare_position`, [end.commit.toString(), end.prepare.toString()]);
  });
  const { rows } = await database.query<{ stream: string }>(`select stream from ${schema}.suspects order by stream`);
  const harms: string[] = [];
  for (const stream of await ours(rows.map((row) => row.stream), numbering)) {
    const harm = await harmOf(log, stream);
    if (harm !== null) harms.push(harm);
  }
  if (harms.length > 0) {
    throw new KurrentStoreRefused('log-truncated', `KurrentDB has deleted or truncated ${harms.length} streams of the event store: ${harms.slice(0, 10).join('; ')}${harms.length > 10 ? '; …' : ''}. Potential solutions: remove the settings before the next scavenge; restore a backup of the server; docs/how-to/kurrentdb.md`);
  }
};
