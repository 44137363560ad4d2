import { instantOfMs, position, streamId, streamVersion, type CommandId, type Position, type StreamId, type StreamVersion } from '@rectrail/kernel';
import type { AllSlice, AppendResult, EventFilter, Head, LogIdentity, ReadAllOptions, ReadStreamOptions, StoredEvent, StreamSlice } from '@rectrail/event-store';
import type pg from 'pg';
import { unavailable } from './postgres-errors.ts';

/** Positions that one filtered page looks at, so that a rare type does not make a read endless. */
const scanPositionsMax = 20_000;
/**
 * Names of streams kept beside their numbers: the latest so many, and as many before them; 3 MB at most. Many more would grow old, and a read of the whole log
 * would leave hundreds of megabytes of them to a collector that is in no hurry.
 */
const streamNamesMax = 10_000;
/** Events of a page that tell a reader at the head of the log: the streams of the next page, too, were written last some time ago, and their names come along with it. */
const fewEvents = 50;
/** Beyond every version: integer in the database. */
const versionMax = 2_147_483_647;

type Row = readonly unknown[];

type WholeOptions = ReadAllOptions & Required<Pick<ReadAllOptions, 'after' | 'limit'>>;

/** What stands last in a row, as an expression: the content or its hash; empty where the content was purged. */
interface ContentColumn { readonly sql: string; readonly isHash: boolean }
const whole: ContentColumn = { sql: 'content', isHash: false };
/** Computed where the contents are: whoever seals a log would have all of them carried over, decoded and encoded again for their hashes alone. */
const hashed: ContentColumn = { sql: `case when content = '' then '' else encode(sha256(convert_to(content, 'UTF8')), 'hex') end`, isHash: true };
const named = (name: string, { isHash }: ContentColumn): string => (isHash ? `${name}-hashed` : name);

/** The reads of the log. Every statement is prepared by name and goes by one of the two B-trees. */
export class LogReader {
  readonly #pool: pg.Pool;
  readonly #schema: string;
  #names = new Map<number, StreamId>();
  #namesBefore = new Map<number, StreamId>();
  #isAtHead = false;

  constructor(pool: pg.Pool, schema: string) {
    this.#pool = pool;
    this.#schema = schema;
  }

  /** A broken connection may be followed by one to another copy of the database: names are learnt anew. */
  forget(): void {
    this.#names.clear();
    this.#namesBefore.clear();
  }

  async identity(): Promise<LogIdentity> {
    const rows = await this.#query('identity', `select log_id::text, epoch from ${this.#schema}.epochs order by epoch desc limit 1`, []);
    const [logId, epoch] = rows[0] as [string, number];
    return { logId, epoch };
  }

  async head(): Promise<Head> {
    const rows = await this.#query('head', `select position, recorded_ms from ${this.#schema}.events order by position desc limit 1`, []);
    const [at, recordedMs] = (rows[0] ?? [0, null]) as [number, number | null];
    return { position: position(at), recordedAt: recordedMs === null ? null : instantOfMs(recordedMs) };
  }

  async findCommand(commandId: CommandId): Promise<AppendResult | null> {
    const rows = await this.#query('command', `
      select c.first_position, c.last_position, c.fingerprint, e.recorded_ms, s.stream_id, max(e.version)
      from ${this.#schema}.commands c
      join ${this.#schema}.events e on e.position between c.first_position and c.last_position
      join ${this.#schema}.streams s on s.stream_no = e.stream_no
      where c.command_id = $1
      group by 1, 2, 3, 4, 5`, [commandId]);
    const found = rows as readonly [number, number, string | null, number, string, number][];
    if (found[0] === undefined) return null;
    const [first, last, fingerprint, recordedMs] = found[0];
    const versions = new Map(found.map((row) => [streamId(row[4]), streamVersion(row[5])]));
    return { first: position(first), last: position(last), recordedAt: instantOfMs(recordedMs), versions, repeated: true, fingerprint };
  }

  /** One statement, so that the version and the events are of one instant. */
  async stream(id: StreamId, options: ReadStreamOptions): Promise<StreamSlice> {
    const backwards = options.direction === 'backwards';
    const order = backwards ? 'desc' : 'asc';
    const rows = await this.#query(`stream-${order}`, `
      select v.version, e.position, e.recorded_ms, e.version, e.type, e.content
      from ${this.#schema}.streams s
      cross join lateral (
        select version from ${this.#schema}.events where stream_no = s.stream_no and position <= $2 order by version desc limit 1
      ) v
      left join lateral (
        select * from ${this.#schema}.events where stream_no = s.stream_no and position <= $2 and version ${backwards ? '<=' : '>='} $3 order by version ${order} limit $4
      ) e on true
      where s.stream_id = $1
      order by e.version ${order}`,
    [id, options.upTo ?? Number.MAX_SAFE_INTEGER, options.from ?? (backwards ? versionMax : 1), options.limit ?? null]);
    const version = streamVersion((rows[0]?.[0] as number | undefined) ?? 0);
    const events = await this.#stored(rows.filter((row) => row[1] !== null), 1, () => id);
    return { events, version };
  }

  async streams(ids: readonly StreamId[], upTo: Position | undefined): Promise<ReadonlyMap<StreamId, StreamSlice>> {
    // Ordered here, not there: to spare a sort the planner would walk all streams and look for each in the list of those wanted.
    const rows = await this.#query('streams', `
      select s.stream_id, e.position, e.recorded_ms, e.version, e.type, e.content
      from unnest($1::text[]) i(id)
      join ${this.#schema}.streams s on s.stream_id = i.id
      cross join lateral (select * from ${this.#schema}.events where stream_no = s.stream_no and position <= $2 order by version) e`, [ids, upTo ?? Number.MAX_SAFE_INTEGER]);
    const found = new Map<StreamId, StoredEvent[]>(ids.map((id) => [id, []]));
    for (const event of await this.#stored(rows, 1, (row) => streamId(row[0] as string))) found.get(event.streamId)?.push(event);
    for (const events of found.values()) events.sort((a, b) => a.streamVersion - b.streamVersion);
    return new Map([...found].map(([id, events]) => [id, { events, version: events.at(-1)?.streamVersion ?? streamVersion(0) }]));
  }

  /** The versions of the streams now, 0 where there is none. */
  async versions(ids: readonly StreamId[]): Promise<ReadonlyMap<StreamId, StreamVersion>> {
    const rows = await this.#query('versions', `
      select i.id, coalesce((
        select e.version from ${this.#schema}.streams s join ${this.#schema}.events e on e.stream_no = s.stream_no where s.stream_id = i.id order by e.version desc limit 1
      ), 0)
      from unnest($1::text[]) i(id)`, [ids]);
    return new Map((rows as readonly [string, number][]).map(([id, version]) => [streamId(id), streamVersion(version)]));
  }

  all({ after, limit, filter = {}, contents }: WholeOptions): Promise<AllSlice> {
    const content = contents === 'hashed' ? hashed : whole;
    const isFiltered = filter.types !== undefined || filter.streamPrefix !== undefined || filter.first === true;
    return isFiltered ? this.#filtered(content, filter, { after, limit }) : this.#everything(content, after, limit);
  }

  async #everything(content: ContentColumn, after: Position, limit: number): Promise<AllSlice> {
    const isFew = this.#isAtHead || limit < fewEvents;
    const events = isFew ? await this.#namedPage(content, after, limit) : await this.#page('all', content, '', [after, Number.MAX_SAFE_INTEGER, limit]);
    this.#isAtHead = events.length < fewEvents;
    return { events, scannedTo: events.at(-1)?.position ?? after };
  }

  async #filtered(content: ContentColumn, { types, streamPrefix, first }: EventFilter, { after, limit }: WholeOptions): Promise<AllSlice> {
    // The head is read first: up to there the page sees every position, since they come without gaps and in the order of commits.
    const head = (await this.head()).position;
    const to = position(Math.max(after, Math.min(head, after + scanPositionsMax)));
    const events = await this.#page('filtered', content, `
      and ($4::text[] is null or type = any($4))
      and ($5::text is null or exists (select from ${this.#schema}.streams s where s.stream_no = e.stream_no and starts_with(s.stream_id, $5)))
      and (version = 1 or not $6)`,
    [after, to, limit, types ?? null, streamPrefix ?? null, first ?? false]);
    return { events, scannedTo: events.length === limit ? events.at(-1)?.position ?? to : to };
  }

  async #page(name: string, content: ContentColumn, condition: string, params: unknown[]): Promise<StoredEvent[]> {
    const rows = await this.#query(named(name, content), `
      select stream_no, position, recorded_ms, version, type, ${content.sql}
      from ${this.#schema}.events e
      where position > $1 and position <= $2 ${condition}
      order by position limit $3`, params);
    const names = await this.#namesOf(rows);
    return this.#stored(rows, 1, (row) => nameIn(names, row[0] as number), content);
  }

  /** One round trip instead of two where no name is kept. */
  async #namedPage(content: ContentColumn, after: Position, limit: number): Promise<StoredEvent[]> {
    const rows = await this.#query(named('all-named', content), `
      select (select stream_id from ${this.#schema}.streams s where s.stream_no = e.stream_no), position, recorded_ms, version, type, ${content.sql}
      from ${this.#schema}.events e where position > $1 order by position limit $2`, [after, limit]);
    return this.#stored(rows, 1, (row) => streamId(row[0] as string), content);
  }

  /** The hashes of purged contents are asked for only where there is one, so that no other read pays for them. */
  async #stored(rows: readonly Row[], at: number, idOf: (row: Row) => StreamId, { isHash }: ContentColumn = whole): Promise<StoredEvent[]> {
    const events = storedOf(rows, at, idOf, isHash);
    const purged = rows.flatMap((row) => (row[at + 4] === '' ? [row[at] as number] : []));
    if (purged.length === 0) return events;
    const found = await this.#query('purged', `select position, content_sha256 from ${this.#schema}.contents_purged where position = any($1)`, [purged]);
    const hashes = new Map(found as unknown as readonly (readonly [number, string])[]);
    return events.map((event) => {
      const contentSha256 = hashes.get(event.position);
      return contentSha256 === undefined ? event : { ...event, contentSha256 };
    });
  }

  /** Names instead of a join: in the order of positions the same few streams come again and again. */
  async #namesOf(rows: readonly Row[]): Promise<ReadonlyMap<number, StreamId>> {
    const names = new Map<number, StreamId>();
    const unknown = new Set<number>();
    for (const [no] of rows as readonly [number][]) {
      const name = names.get(no) ?? this.#names.get(no) ?? this.#namesBefore.get(no);
      if (name === undefined) unknown.add(no);
      else names.set(no, name);
    }
    if (unknown.size > 0) {
      const found = await this.#query('names', `select stream_no, stream_id from ${this.#schema}.streams where stream_no = any($1)`, [[...unknown]]);
      for (const [no, name] of found as readonly [number, string][]) names.set(no, streamId(name));
    }
    for (const [no, name] of names) this.#keep(no, name);
    return names;
  }

  #keep(no: number, name: StreamId): void {
    if (this.#names.size >= streamNamesMax) {
      this.#namesBefore = this.#names;
      this.#names = new Map();
    }
    this.#names.set(no, name);
  }

  async #query(name: string, text: string, values: unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<unknown[]>({ name, text, values, rowMode: 'array' })).rows;
    } catch (cause) {
      this.forget();
      throw unavailable(cause);
    }
  }
}

const nameIn = (names: ReadonlyMap<number, StreamId>, no: number): StreamId => {
  const name = names.get(no);
  if (name === undefined) throw new Error(`stream number ${no} has no name`);
  return name;
};

/** Rows of which the columns from `at` on are position, recorded_ms, version, type and content; the driver does not know their types. */
const storedOf = (rows: readonly Row[], at: number, idOf: (row: Row) => StreamId, isHash: boolean): StoredEvent[] => {
  // Events of one append share their instant, and formatting it is what costs most here.
  let lastMs = -1;
  let recordedAt = instantOfMs(0);
  return rows.map((row) => {
    const ms = row[at + 1] as number;
    if (ms !== lastMs) {
      lastMs = ms;
      recordedAt = instantOfMs(ms);
    }
    const text = row[at + 4] as string;
    return {
      position: position(row[at] as number), recordedAt, streamId: idOf(row), streamVersion: streamVersion(row[at + 2] as number), type: row[at + 3] as string,
      content: isHash ? '' : text, ...(isHash && text !== '' && { contentSha256: text }),
    };
  });
};
