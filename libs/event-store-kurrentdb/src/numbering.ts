import { instantOfMs, position, streamId, streamVersion, type CommandId, type Position, type StreamId, type StreamVersion } from '@rectrail/kernel';
import { EventStoreError, type AppendResult, type EventFilter, type Head, type ReadStreamOptions } from '@rectrail/event-store';
import { numberingSchema as schema, type Database } from './database.ts';
import type { LogPosition } from './kurrent-log.ts';
import { LogDamaged, type CommandGroup } from './receipts.ts';

/** All of a stored event but its content. */
export interface NumberedEvent {
  readonly position: Position;
  readonly logPosition: LogPosition;
  readonly recordedMs: number;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly type: string;
  readonly eventId: string;
}

/** Positions that one filtered page looks at, so that a rare type does not make a read endless. */
const scanPositionsMax = 20_000;
/** Beyond every version: integer in the database. */
const versionMax = 2_147_483_647;

interface EventRow { position: number; commit: string; prepare: string; recorded_ms: number; stream_id: string; version: number; type: string; event_id: string }

/** The driver gives bigint as text; positions and times are safe integers, places in the server's log need not be. */
const eventColumns = `e.position::float8 as position, e.commit_position::text as commit, e.prepare_position::text as prepare, e.recorded_ms::float8 as recorded_ms,
  s.stream_id, e.version, e.type, e.event_id::text as event_id`;

const numberedOf = (row: EventRow): NumberedEvent => ({
  position: position(row.position), logPosition: { commit: BigInt(row.commit), prepare: BigInt(row.prepare) }, recordedMs: row.recorded_ms,
  streamId: streamId(row.stream_id), streamVersion: streamVersion(row.version), type: row.type, eventId: row.event_id,
});

const remedy = 'Potential solutions: see whether PostgreSQL runs and takes connections; try again';

/** The numbers of the log's events, in PostgreSQL. What is not numbered has not happened yet. Rejects with EventStoreError `event-store-unavailable`. */
export class Numbering {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async head(): Promise<Head> {
    const [row] = await this.#rows<{ position: number; recorded_ms: number }>(
      `select position::float8 as position, recorded_ms::float8 as recorded_ms from ${schema}.events order by position desc limit 1`);
    return row === undefined ? { position: position(0), recordedAt: null } : { position: position(row.position), recordedAt: instantOfMs(row.recorded_ms) };
  }

  /** The first and the last event numbered; empty before the first. */
  async ends(): Promise<readonly NumberedEvent[]> {
    const rows = await this.#rows<EventRow>(`
      select ${eventColumns} from ${schema}.events e join ${schema}.streams s using (stream_no)
      where e.position in ((select position from ${schema}.events order by position limit 1), (select position from ${schema}.events order by position desc limit 1))
      order by e.position`);
    return rows.map(numberedOf);
  }

  /** The versions of the streams, 0 where there is none. */
  async versions(ids: readonly StreamId[]): Promise<Map<StreamId, StreamVersion>> {
    const rows = await this.#rows<{ id: string; version: number }>(`
      select i.id, coalesce((
        select e.version from ${schema}.streams s join ${schema}.events e on e.stream_no = s.stream_no where s.stream_id = i.id order by e.version desc limit 1
      ), 0) as version
      from unnest($1::text[]) i(id)`, [ids]);
    return new Map(rows.map((row) => [streamId(row.id), streamVersion(row.version)]));
  }

  /** The results of those commands that are numbered, as of a repetition. */
  async commands(ids: readonly CommandId[]): Promise<ReadonlyMap<CommandId, AppendResult>> {
    const rows = await this.#rows<{ command_id: string; first: number; last: number; fingerprint: string | null; recorded_ms: number; stream_id: string; version: number }>(`
      select c.command_id::text, c.first_position::float8 as first, c.last_position::float8 as last, c.fingerprint, e.recorded_ms::float8 as recorded_ms, s.stream_id, max(e.version) as version
      from ${schema}.commands c
      join ${schema}.events e on e.position between c.first_position and c.last_position
      join ${schema}.streams s on s.stream_no = e.stream_no
      where c.command_id = any($1::uuid[])
      group by 1, 2, 3, 4, 5, 6`, [ids]);
    const results = new Map<CommandId, AppendResult & { readonly versions: Map<StreamId, StreamVersion> }>();
    for (const row of rows) {
      const id = row.command_id as CommandId;
      const result = results.get(id) ?? {
        first: position(row.first), last: position(row.last), recordedAt: instantOfMs(row.recorded_ms), versions: new Map<StreamId, StreamVersion>(),
        repeated: true, fingerprint: row.fingerprint,
      };
      result.versions.set(streamId(row.stream_id), streamVersion(row.version));
      results.set(id, result);
    }
    return results;
  }

  /** One statement, so that the version and the events are of one instant. */
  async stream(id: StreamId, options: ReadStreamOptions): Promise<{ readonly events: readonly NumberedEvent[]; readonly version: StreamVersion }> {
    const backwards = options.direction === 'backwards';
    const order = backwards ? 'desc' : 'asc';
    const rows = await this.#rows<EventRow & { stream_version: number }>(`
      select v.version as stream_version, ${eventColumns}
      from ${schema}.streams s
      cross join lateral (
        select version from ${schema}.events where stream_no = s.stream_no and position <= $2 order by version desc limit 1
      ) v
      left join lateral (
        select * from ${schema}.events where stream_no = s.stream_no and position <= $2 and version ${backwards ? '<=' : '>='} $3 order by version ${order} limit $4
      ) e on true
      where s.stream_id = $1
      order by e.version ${order}`,
    [id, options.upTo ?? Number.MAX_SAFE_INTEGER, options.from ?? (backwards ? versionMax : 1), options.limit ?? null]);
    // Without events in the range there is one row, of nulls beside the version.
    const events = rows.filter((row) => (row.event_id as string | null) !== null).map(numberedOf);
    return { events, version: streamVersion(rows[0]?.stream_version ?? 0) };
  }

  /** Of several streams, those that do not exist left out; in the order of versions. */
  async streams(ids: readonly StreamId[], upTo: Position | undefined): Promise<readonly NumberedEvent[]> {
    const rows = await this.#rows<EventRow>(`
      select ${eventColumns}
      from unnest($1::text[]) i(id)
      join ${schema}.streams s on s.stream_id = i.id
      join ${schema}.events e on e.stream_no = s.stream_no and e.position <= $2
      order by e.stream_no, e.version`, [ids, upTo ?? Number.MAX_SAFE_INTEGER]);
    return rows.map(numberedOf);
  }

  async page(after: Position, limit: number, filter?: EventFilter): Promise<{ readonly events: readonly NumberedEvent[]; readonly scannedTo: Position }> {
    const { types = null, streamPrefix = null, first = false } = filter ?? {};
    const unfiltered = types === null && streamPrefix === null && !first;
    // The head is read first: up to there the page sees every position, since they come without gaps and in the order of commits.
    const to = unfiltered ? null : position(Math.max(after, Math.min((await this.head()).position, after + scanPositionsMax)));
    const rows = await this.#rows<EventRow>(`
      select ${eventColumns}
      from ${schema}.events e join ${schema}.streams s using (stream_no)
      where e.position > $1 and e.position <= $2 and ($4::text[] is null or e.type = any($4)) and ($5::text is null or starts_with(s.stream_id, $5)) and (e.version = 1 or not $6)
      order by e.position limit $3`, [after, to ?? Number.MAX_SAFE_INTEGER, limit, types, streamPrefix, first]);
    const events = rows.map(numberedOf);
    const last = events.at(-1)?.position;
    return { events, scannedTo: to === null || events.length === limit ? last ?? to ?? after : to };
  }

  async #rows<R extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    try {
      return (await this.#database.query<R>(sql, values)).rows;
    } catch (cause) {
      throw new EventStoreError('event-store-unavailable', `the numbering of the event store cannot be read: ${cause instanceof Error ? cause.message : String(cause)}. ${remedy}`, { cause });
    }
  }
}

/** Where the sequencer stands. */
export interface NumberedTo { readonly position: number; readonly recordedMs: number; readonly logPosition: LogPosition | null }

/** An append records one instant: the server's when it wrote the receipt, or the last recorded where that is later. */
const recordedMsOf = (groups: readonly CommandGroup[], lastMs: number): readonly number[] => {
  let last = lastMs;
  return groups.map((group) => (last = Math.max(last, group.createdMs)));
};

/**
 * Numbers whole appends, after `to`, in the transaction of `query`; those who wait hear of it with the commit.
 *
 * @throws LogDamaged where a stream goes on elsewhere than it ended: somebody else wrote to it
 */
export const number = async (query: Database['query'], to: NumberedTo, groups: readonly CommandGroup[]): Promise<NumberedTo> => {
  const times = recordedMsOf(groups, to.recordedMs);
  const events = groups.flatMap((group, i) => group.events.map((event) => ({ ...event, recordedMs: times[i] ?? 0 })));
  await query(`
    insert into ${schema}.streams (stream_id)
    select distinct i.id from unnest($1::text[]) i(id) where not exists (select from ${schema}.streams s where s.stream_id = i.id)`, [events.map((e) => e.streamId)]);
  const { rowCount } = await query(`
    insert into ${schema}.events (position, commit_position, prepare_position, recorded_ms, stream_no, version, type, event_id)
    select position, commit_position, prepare_position, recorded_ms, stream_no, version, type, event_id
    from (
      select n.*, s.stream_no, row_number() over (partition by s.stream_no order by n.position) as nth
      from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::integer[], $7::text[], $8::uuid[])
        n(position, commit_position, prepare_position, recorded_ms, stream_id, version, type, event_id)
      join ${schema}.streams s on s.stream_id = n.stream_id
    ) n
    where n.version = n.nth + coalesce((select e.version from ${schema}.events e where e.stream_no = n.stream_no order by e.version desc limit 1), 0)`,
  [
    events.map((_, i) => to.position + i + 1), events.map((e) => e.position.commit.toString()), events.map((e) => e.position.prepare.toString()), events.map((e) => e.recordedMs),
    events.map((e) => e.streamId), events.map((e) => e.streamVersion), events.map((e) => e.type), events.map((e) => e.eventId),
  ]);
  if (rowCount !== events.length) throw new LogDamaged(`a stream among ${[...new Set(events.map((e) => e.streamId))].slice(0, 10).join(', ')} has events that Rectrail did not write`);
  let before = to.position;
  const ranges = groups.map((group) => ({ first: before + 1, last: (before += group.events.length) }));
  await query(`
    insert into ${schema}.commands (command_id, first_position, last_position, fingerprint)
    select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[])`,
  [groups.map((g) => g.commandId), ranges.map((r) => r.first), ranges.map((r) => r.last), groups.map((g) => g.fingerprint)]);
  await query(`select pg_notify('${schema}', '')`);
  return { position: before, recordedMs: times.at(-1) ?? to.recordedMs, logPosition: events.at(-1)?.position ?? to.logPosition };
};

/** Where numbering goes on, as the database says. */
export const numberedTo = async (numbering: Numbering): Promise<NumberedTo> => {
  const last = (await numbering.ends()).at(-1);
  return last === undefined ? { position: 0, recordedMs: 0, logPosition: null } : { position: last.position, recordedMs: last.recordedMs, logPosition: last.logPosition };
};
