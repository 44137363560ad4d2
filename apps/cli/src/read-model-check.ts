import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentIds, storedOf, type Finding, type LogSource, type ReadQuery } from '@rectrail/audit';
import { createEventCodec } from '@rectrail/event-store';
import { PostgresEventStore, type HistoryEvent } from '@rectrail/event-store-postgres';
import { instantOfMs, position, type CommandId } from '@rectrail/kernel';
import { openDatabase, startEmbeddedPostgres } from '@rectrail/platform';
import { canonicalRows, type TableDefinition } from '@rectrail/projections';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { openTrackingRead, trackingProjections } from '@rectrail/tracking-read';

const schema = 'rectrail_read';

/** Positions to which the rows that are read have come; they are compared where all have come equally far. */
const positionOf = async (query: ReadQuery): Promise<number | null> => {
  const { rows } = await query<{ position: number }>(`select distinct position::float8 as position from ${schema}.projection_checkpoint where generation = 'live'`);
  return rows.length === 1 ? rows[0]?.position ?? null : null;
};

const zoneOf = async (query: ReadQuery): Promise<string> => {
  const { rows: [row] } = await query<{ zone: string }>(`select content::jsonb #>> '{data,zone}' as zone from rectrail_events.events where type = 'InstallationInitialised' order by position limit 1`);
  if (row === undefined) throw new Error('the log does not begin with an installation');
  return row.zone;
};

/** The verified log again, with the command of each event; that of a purged one is told by the list of commands alone. */
async function* historyOf(query: ReadQuery, source: LogSource, upTo: number): AsyncGenerator<readonly HistoryEvent[]> {
  for await (const { entries } of source.batches(0)) {
    const events: HistoryEvent[] = [];
    for (const entry of entries.filter((one) => one.position <= upTo)) {
      const known = entry.content === null ? null : contentIds(entry.content.toString('latin1'));
      const { rows: [row] } = known === null
        ? await query<{ id: string }>('select command_id::text as id from rectrail_events.commands where $1 between first_position and last_position', [entry.position]) : { rows: [{ id: known.commandId }] };
      events.push({ ...storedOf(entry), commandId: (row?.id ?? '') as CommandId });
    }
    if (events.length > 0) yield events;
    if ((events.at(-1)?.position ?? upTo) >= upTo) return;
  }
}

const rowsOf = (query: ReadQuery, table: TableDefinition): AsyncGenerator<string> =>
  canonicalRows({ query: async <Row>(sql: string, params: readonly unknown[] = []) => (await query<Row & object>(sql, params)).rows }, schema, table);

const nextOf = async (rows: AsyncIterator<string, void>): Promise<string | null> => (await rows.next()).value ?? null;

const firstDifference = async (live: ReadQuery, anew: ReadQuery, table: TableDefinition): Promise<Finding | null> => {
  const [found, expected] = [rowsOf(live, table), rowsOf(anew, table)];
  for (let row = 1; ; row += 1) {
    const [a, b] = [await nextOf(found), await nextOf(expected)];
    if (a === null && b === null) return null;
    if (a !== b) return { code: 'read-model-differs', position: null, detail: `row ${row} of ${schema}.${table.name} is not the one that the events make: ${(a ?? b ?? '').slice(0, 200)}` };
  }
};

/**
 * Makes the read models anew from the verified log, in a PostgreSQL of its own that is gone afterwards, and compares them row by row. `query` reads one state of the live database.
 *
 * @throws Error where the live rows have not come equally far
 */
export const differingReadModels = async (query: ReadQuery, source: LogSource): Promise<readonly Finding[]> => {
  const upTo = await positionOf(query);
  if (upTo === null) throw new Error('the read models have not come equally far, or are not there. Potential solutions: try again once the server is at rest');
  const zone = await zoneOf(query);
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'rectrail-verify-'));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  // Where this runs as root, the server runs as somebody else, who has to come through.
  await chmod(dataDir, 0o711);
  const scratch = await startEmbeddedPostgres({ dataDir });
  opened.defer(() => scratch.stop());
  const store = await PostgresEventStore.open({ connectionString: scratch.url });
  opened.defer(() => store.close());
  await store.loadHistory(historyOf(query, source, upTo));
  const read = await openTrackingRead({
    connectionString: scratch.url, store, codec: createEventCodec(trackingEventDefinitions), clock: { now: () => instantOfMs(Date.now()) }, zone,
  });
  await read.project(position(upTo)).finally(() => read.stop());
  const database = await openDatabase({ url: scratch.url, connectionsMax: 1, onError: () => undefined });
  opened.defer(() => database.close());
  return await database.transaction(async (anew) => {
    const tables = trackingProjections(zone).flatMap((projection) => projection.tables);
    for (const table of tables) {
      const differing = await firstDifference(query, anew, table);
      if (differing !== null) return [differing];
    }
    return [];
  });
};
