import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createTableSql, indexesSql, type Projection, type TableDefinition } from '@rectrail/projections';
import type pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { connected } from '../server.ts';

const liveSchema = 'rectrail_read';
const peerSchema = 'peer';

export interface CopiedTable { readonly table: string; readonly copySeconds: number; readonly indexSeconds: number }
export interface Copying { readonly seconds: number; readonly tables: readonly CopiedTable[] }

const fileOf = (dir: string, { name }: TableDefinition): string => join(dir, `${name}.copy`);
const columnsOf = ({ columns }: TableDefinition): string => Object.keys(columns).join(', ');

const dump = async (client: pg.Client, table: TableDefinition, dir: string): Promise<void> => {
  await pipeline(client.query(to(`copy ${liveSchema}.${table.name} (${columnsOf(table)}) to stdout (format binary)`)), createWriteStream(fileOf(dir, table)));
};

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

/** Rows first, then the indexes, then what makes the first reads fast: with the settings and in the order of a rebuild. */
const load = async (client: pg.Client, table: TableDefinition, dir: string): Promise<CopiedTable> => {
  const copySeconds = await secondsOf(async () => {
    await client.query(createTableSql(peerSchema, table));
    await pipeline(createReadStream(fileOf(dir, table), { highWaterMark: 1 << 18 }), client.query(from(`copy ${peerSchema}.${table.name} (${columnsOf(table)}) from stdin (format binary)`)));
  });
  const indexSeconds = await secondsOf(async () => {
    for (const sql of indexesSql(peerSchema, table).values()) await client.query(sql);
    await client.query(`vacuum (analyze, buffer_usage_limit 0) ${peerSchema}.${table.name}`);
  });
  return { table: table.name, copySeconds, indexSeconds };
};

const withClients = async <T>(url: string, count: number, work: (clients: readonly pg.Client[]) => Promise<T>): Promise<T> => {
  const clients = await Promise.all(Array.from({ length: count }, () => connected(url)));
  try {
    return await work(clients);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
};

/**
 * What the bare driver takes for the rows that the read models have: binary COPY into new tables of the same database, then the same indexes, a connection for each
 * projection as in a rebuild. The dump to files is not part of it.
 */
export const copySameRows = async (url: string, projections: readonly Projection[], dir: string): Promise<Copying> => {
  await mkdir(dir, { recursive: true });
  try {
    return await withClients(url, projections.length, async (clients) => {
      const lanes = projections.flatMap(({ tables }, i) => (clients[i] === undefined ? [] : [{ client: clients[i], tables }]));
      for (const { client, tables } of lanes) for (const table of tables) await dump(client, table, dir);
      await lanes[0]?.client.query(`drop schema if exists ${peerSchema} cascade; create schema ${peerSchema}`);
      for (const { client } of lanes) await client.query("set synchronous_commit = off; set maintenance_work_mem = '256MB'; set max_parallel_maintenance_workers = 0");
      const tablesOf = new Array<CopiedTable>();
      const seconds = await secondsOf(() => Promise.all(lanes.map(async ({ client, tables }) => {
        for (const table of tables) tablesOf.push(await load(client, table, dir));
      })));
      await lanes[0]?.client.query(`drop schema ${peerSchema} cascade`);
      return { seconds, tables: tablesOf };
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
