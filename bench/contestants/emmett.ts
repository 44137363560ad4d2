import { isExpectedVersionConflictError } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { payloadsOf } from '../payloads.ts';
import { rotating, Turns, type Contestant, type Task } from './contestant.ts';

/** Makes Emmett's tables; afterwards its stores need not look for them. */
export const migrateEmmett = async (url: string): Promise<void> => {
  const store = getPostgreSQLEventStore(url);
  await store.schema.migrate();
  await store.close();
};

/** Exact versions, which spare Emmett a look-up; a pool of its own with all connections made before and kept. */
export const openEmmett = async (task: Task): Promise<Contestant> => {
  const pool = new pg.Pool({ connectionString: task.url, max: task.connections, idleTimeoutMillis: 0 });
  const clients = await Promise.all(Array.from({ length: task.connections }, () => pool.connect()));
  for (const client of clients) client.release();
  const store = getPostgreSQLEventStore(task.url, { schema: { autoMigration: 'None' }, connectionOptions: { pool } });
  const turns = new Turns(task);
  const next = rotating(payloadsOf(task.payload));
  const appended = async (stream: number, version: number | null): Promise<boolean> => {
    const { type, data } = next();
    try {
      await store.appendToStream(`issue-${stream}`, [{ type, data, kind: 'Event' }], version === null ? {} : { expectedStreamVersion: BigInt(version) });
      return true;
    } catch (error) {
      // On the hot stream, whose version no caller knows, others were faster: at once again.
      if (version === null && isExpectedVersionConflictError(error)) return false;
      throw error;
    }
  };
  return {
    call: async (caller) => {
      for (const { stream, version } of turns.of(caller)) while (!(await appended(stream, version))) continue;
      return task.appendEvents;
    },
    close: async () => {
      await store.close();
      await pool.end();
    },
  };
};
