import type { TableDefinition } from './table.ts';
import type { Transaction } from './transaction.ts';

/** Rows held in memory at a time. */
const rowsPerFetch = 5_000;

/** By key; texts by their bytes, so that no collation of the server enters. */
const canonicalOrder = ({ columns, primaryKey }: TableDefinition): string =>
  primaryKey.map((column) => (columns[column]?.startsWith('text') === true ? `t.${column} collate "C"` : `t.${column}`)).join(', ');

/** Every column of every row as text, in the order of the primary key: what was written in whatever order comes out alike. Within a transaction, one table at a time. */
export const canonicalRows = async function* (tx: Pick<Transaction, 'query'>, schema: string, table: TableDefinition): AsyncGenerator<string> {
  await tx.query(`declare canonical_rows no scroll cursor for select to_jsonb(t)::text as row from ${schema}.${table.name} t order by ${canonicalOrder(table)}`);
  for (;;) {
    const rows = await tx.query<{ row: string }>(`fetch ${rowsPerFetch} from canonical_rows`);
    for (const { row } of rows) yield row;
    if (rows.length < rowsPerFetch) break;
  }
  await tx.query('close canonical_rows');
};
