import type { ProjectionConnection, ProjectionDatabase, Transaction } from '../transaction.ts';

/**
 * The database as a process sees it that is killed at its `diesAt`th statement: from then on nothing that it does arrives, and what it had open is rolled
 * back. A commit is a statement too; half of those at which it dies have been carried out.
 */
export const mortalDatabase = (database: ProjectionDatabase, diesAt: number): ProjectionDatabase => {
  let statements = 0;
  const killed = (): Error => Object.assign(new Error(`killed at statement ${diesAt}`), { code: '57P01' });
  const alive = async <T>(statement: () => Promise<T>): Promise<T> => {
    statements += 1;
    if (statements >= diesAt) throw killed();
    return statement();
  };
  const transactionOf = (tx: Transaction): Transaction => ({
    query: (sql, params) => alive(() => tx.query(sql, params)),
    copy: (...copies) => alive(() => tx.copy(...copies)),
  });
  const connectionOf = (connection: ProjectionConnection): ProjectionConnection => ({
    query: (sql, params) => alive(() => connection.query(sql, params)),
    transaction: async (work) => {
      const result = await connection.transaction(async (tx) => {
        const worked = await work(transactionOf(tx));
        statements += 1;
        if (statements > diesAt || (statements === diesAt && diesAt % 2 === 0)) throw killed();
        return worked;
      });
      if (statements >= diesAt) throw killed();
      return result;
    },
  });
  return {
    ...connectionOf(database),
    session: (work) => database.session(async (connection) => {
      try {
        return await work(connectionOf(connection));
      } finally {
        // The connection of a killed process ends, and its locks with it.
        if (statements >= diesAt) await connection.query('select pg_advisory_unlock_all()');
      }
    }),
  };
};
