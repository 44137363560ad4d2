import pg from 'pg';
import { payloadsOf } from '../payloads.ts';
import { int4Array, int8Array, textArray } from './binary-arrays.ts';
import { rotating, Turns, type Contestant, type Task } from './contestant.ts';

/** The columns and the two unique B-trees of the store's events, and nothing else. */
export const rawTables = `
create table raw_events (
  position bigint not null, recorded_ms bigint not null, stream_no integer not null, version integer not null, type text collate "C" not null, content text collate "C" not null
);
create unique index raw_events_position on raw_events (position);
create unique index raw_events_stream on raw_events (stream_no, version)`;

const insertOne = 'insert into raw_events (position, recorded_ms, stream_no, version, type, content) values ($1, $2, $3, $4, $5, $6)';
const insertMany = `insert into raw_events (position, recorded_ms, stream_no, version, type, content)
  select * from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::text[])`;

interface Row { readonly position: number; readonly stream: number; readonly version: number; readonly type: string; readonly content: string }

/** Numbers that no other process gives out: this one's turn in each round. */
const numbering = ({ processes, processIndex }: Task): (() => number) => {
  let round = 0;
  return () => processes * round++ + processIndex + 1;
};

const connected = (url: string, connections: number): Promise<pg.Client[]> => Promise.all(Array.from({ length: connections }, async () => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}));

/** Lends out connections where there are fewer of them than callers. */
const lending = (clients: readonly pg.Client[]): (<T>(use: (client: pg.Client) => Promise<T>) => Promise<T>) => {
  const free = [...clients];
  const waiting: ((client: pg.Client) => void)[] = [];
  return async (use) => {
    const client = free.pop() ?? await new Promise<pg.Client>((resolve) => { waiting.push(resolve); });
    try {
      return await use(client);
    } finally {
      const first = waiting.shift();
      if (first === undefined) free.push(client);
      else first(client);
    }
  };
};

/** Plain prepared INSERTs with positions and versions made here: no check, no order among callers, no ids of commands. */
export const openRaw = async (task: Task): Promise<Contestant> => {
  const clients = await connected(task.url, task.connections);
  const lend = lending(clients);
  const turns = new Turns(task);
  const next = rotating(payloadsOf(task.payload));
  const nextPosition = numbering(task);
  const nextHotVersion = numbering(task);

  const rowsOf = (caller: number): Row[] => turns.of(caller).flatMap(({ stream, version, events }) =>
    Array.from({ length: events }, (_, i) => {
      const { type, content } = next();
      return { position: nextPosition(), stream: stream + 1, version: version === null ? nextHotVersion() : version + i + 1, type, content };
    }));
  const valuesOf = (rows: readonly Row[]): unknown[] => {
    const now = Date.now();
    const [row] = rows;
    if (rows.length === 1 && row !== undefined) return [row.position, now, row.stream, row.version, row.type, row.content];
    return [
      int8Array(rows.map((r) => r.position)), int8Array(rows.map(() => now)), int4Array(rows.map((r) => r.stream)), int4Array(rows.map((r) => r.version)),
      textArray(rows.map((r) => r.type)), textArray(rows.map((r) => r.content)),
    ];
  };
  const text = task.appendEvents === 1 ? insertOne : insertMany;
  return {
    call: async (caller) => {
      const values = valuesOf(rowsOf(caller));
      const { rowCount } = await lend((client) => client.query({ name: 'insert', text, values }));
      return rowCount ?? 0;
    },
    close: async () => { await Promise.all(clients.map((client) => client.end())); },
  };
};

type RawEvent = readonly [position: string, recordedMs: string, streamNo: string, version: string, type: string, content: string];
const pageRows = 5_000;
/** Every column stays the text that came over the wire. */
const asText: pg.CustomTypesConfig = { getTypeParser: () => (text: string | Buffer) => text };

/** The best raw reader of the store's own rows: arrays of text, pages of 5,000 along the index of positions, contents parsed. */
export const openRawReader = async (task: Task): Promise<Contestant> => {
  const [client] = await connected(task.url, 1);
  if (client === undefined) throw new RangeError('no connection');
  await client.query('set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off; set jit = off');
  let after = '0';
  return {
    call: async () => {
      const { rows } = await client.query<[...RawEvent]>({
        name: 'page', rowMode: 'array', types: asText, values: [after],
        text: `select position, recorded_ms, stream_no, version, type, content from rectrail_events.events where position > $1 order by position limit ${pageRows}`,
      });
      for (const row of rows) JSON.parse(row[5]);
      after = rows.at(-1)?.[0] ?? '0';
      return rows.length;
    },
    close: () => client.end(),
  };
};
