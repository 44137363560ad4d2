import type pg from 'pg';
import { copyRows } from '../copy.ts';
import type { ProjectionConnection, ProjectionDatabase, Transaction } from '../transaction.ts';

const transactionOf = (client: pg.ClientBase): Transaction => ({
  // The shape of the rows is that of the statement beside the call.
  query: async <Row>(sql: string, params: readonly unknown[] = []) => (await client.query(sql, [...params])).rows as Row[],
  copy: (...copies) => copyRows(client, copies),
});

const connectionOf = (client: pg.ClientBase): ProjectionConnection => {
  const tx = transactionOf(client);
  return {
    query: (sql, params) => tx.query(sql, params),
    transaction: async (work) => {
      await client.query('begin');
      try {
        const result = await work(tx);
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    },
  };
};

/** The database port on a pool of the bare driver. */
export const poolDatabase = (pool: pg.Pool): ProjectionDatabase => {
  // The drop of a database ends connections that its pool is still closing.
  pool.on('error', () => undefined);
  const session: ProjectionDatabase['session'] = async (work) => {
    const client = await pool.connect();
    try {
      return await work(connectionOf(client));
    } finally {
      client.release();
    }
  };
  return {
    session,
    query: (sql, params) => session((connection) => connection.query(sql, params)),
    transaction: (work) => session((connection) => connection.transaction(work)),
  };
};
