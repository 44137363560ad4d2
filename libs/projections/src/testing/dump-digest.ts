import { createHash } from 'node:crypto';
import type { TableDefinition } from '../table.ts';
import type { Transaction } from '../transaction.ts';

/** Rows held in memory at a time. */
const rowsPerFetch = 5_000;

/** By key; texts by their bytes, so that no collation of the server enters. */
const canonicalOrder = ({ columns, primaryKey }: TableDefinition): string =>
  primaryKey.map((column) => (columns[column]?.startsWith('text') === true ? `t.${column} collate "C"` : `t.${column}`)).join(', ');

/** SHA-256 over every column of every row, in the order of the primary keys: equal digests mean equal tables, whatever the order of writing. Any number of rows. */
export const dumpDigest = async (tx: Transaction, schema: string, tables: readonly TableDefinition[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const table of tables) {
    hash.update(`${table.name}\n`);
    await tx.query(`declare dump no scroll cursor for select to_jsonb(t)::text as row from ${schema}.${table.name} t order by ${canonicalOrder(table)}`);
    for (;;) {
      const rows = await tx.query<{ row: string }>(`fetch ${rowsPerFetch} from dump`);
      for (const { row } of rows) hash.update(`${row}\n`);
      if (rows.length < rowsPerFetch) break;
    }
    await tx.query('close dump');
  }
  return hash.digest('hex');
};
