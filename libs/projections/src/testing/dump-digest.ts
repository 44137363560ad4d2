import { createHash } from 'node:crypto';
import { canonicalRows } from '../canonical-rows.ts';
import type { TableDefinition } from '../table.ts';
import type { Transaction } from '../transaction.ts';

/** SHA-256 over every column of every row, in the order of the primary keys: equal digests mean equal tables, whatever the order of writing. Any number of rows. */
export const dumpDigest = async (tx: Transaction, schema: string, tables: readonly TableDefinition[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const table of tables) {
    hash.update(`${table.name}\n`);
    for await (const row of canonicalRows(tx, schema, table)) hash.update(`${row}\n`);
  }
  return hash.digest('hex');
};
