import { createHash } from 'node:crypto';
import type { Transaction } from '../transaction.ts';

/** SHA-256 over every column of every row, in an order of their own: equal dumps mean equal tables, whatever the order of writing. */
export const dumpDigest = async (tx: Transaction, schema: string, tables: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const table of tables) {
    const rows = await tx.query<{ row: string }>(`select to_jsonb(t)::text as row from ${schema}.${table} t order by 1`);
    hash.update(`${table} ${rows.length}\n${rows.map((r) => r.row).join('\n')}\n`);
  }
  return hash.digest('hex');
};
