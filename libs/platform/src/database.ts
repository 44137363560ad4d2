import pg from 'pg';
import { NotificationListener } from './notification-listener.ts';

export interface SqlResult<R> { readonly rows: R[]; readonly rowCount: number | null }

/** Some connections to one PostgreSQL. `transaction` runs its work on one of them, all or nothing. */
export interface Database {
  readonly url: string;
  /** `name`: of a statement that is asked often and is always the same; a connection parses and plans it once. */
  query<R extends object>(sql: string, values?: readonly unknown[], name?: string): Promise<SqlResult<R>>;
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
  /** Calls back at each NOTIFY of the channel, and whenever some may have been missed, on a connection beside the others, until it is closed. */
  listen(channel: string, onNotification: () => void): { close(): Promise<void> };
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly connectionsMax: number;
  readonly onError: (error: Error) => void;
  /** A transaction between whose statements more time passes is ended by the server, so that a stopped process holds no row for good; default 30,000. */
  readonly idleInTransactionMsMax?: number;
  /** How long a connection is waited for, be it made or given back by others, and a third of how long an answer is; default 10,000 ms. */
  readonly timeoutMs?: number;
}

/** An answer takes longer than a connection: a server that works, but slowly, is not taken for one that is away. */
export const answerMsMax = (timeoutMs: number): number => 3 * timeoutMs;

/** SQLSTATE of connections lost, refused or too many, and of a server or database that is going away or coming; and the system's words for the same. */
const awayCodes = /^(08\w{3}|25P03|53300|55000|57P0[1-5]|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT)$/;
/** Without a code in the driver. */
const awayMessages = /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Query read timeout)/i;
/** The driver's errors, those of sockets below it and of TypeORM above; other libraries give theirs names of their own. */
const driverNames = new Set(['Error', 'AggregateError', 'error', 'DatabaseError', 'QueryFailedError']);

/** Those of sockets may come from another realm. */
const isErrorLike = (error: unknown): error is Error =>
  typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string' && 'message' in error && typeof error.message === 'string';

/** Whether PostgreSQL could not be reached or went away meanwhile, so that the same may succeed later. */
export const isDatabaseAway = (error: unknown): error is Error => {
  if (!isErrorLike(error) || !driverNames.has(error.name)) return false;
  return ('code' in error && typeof error.code === 'string' && awayCodes.test(error.code)) || awayMessages.test(error.message);
};

/** The oldest server whose features the SQL uses (transaction_timeout). */
const serverVersionMin = 170_000;

const check = async (pool: pg.Pool): Promise<void> => {
  const { rows } = await pool.query<{ version: number; encoding: string }>(`select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`);
  const found = rows[0];
  if (found === undefined || found.version < serverVersionMin) throw new Error(`PostgreSQL ${Math.floor((found?.version ?? 0) / 10_000)} is too old. Potential solutions: use 17 or later, or unset DATABASE_URL to run the embedded one`);
  if (found.encoding !== 'UTF8') throw new Error(`the database has the encoding ${found.encoding}. Potential solutions: create it with encoding 'UTF8'`);
};

const statement = (text: string, values: readonly unknown[], name: string | undefined): pg.QueryConfig => ({ text, values: [...values], ...(name !== undefined && { name }) });

/** Connects and checks version and encoding. @throws Error that names the remedy. */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const { idleInTransactionMsMax = 30_000, timeoutMs = 10_000 } = options;
  // The pool waits for the promise; its types do not say so. A pooler in between takes a statement, not a parameter of the start.
  const onConnect = ((client: pg.ClientBase) => client.query(`set idle_in_transaction_session_timeout = ${idleInTransactionMsMax}`)) as unknown as (client: pg.ClientBase) => void;
  const pool = new pg.Pool({
    connectionString: options.url, max: options.connectionsMax, application_name: 'rectrail', keepAlive: true, connectionTimeoutMillis: timeoutMs, query_timeout: answerMsMax(timeoutMs), onConnect,
  });
  let closing = false;
  // A connection that dies while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => { if (!closing) options.onError(error); });
  // One that dies between two statements of a transaction tells the next statement.
  pool.on('connect', (client) => { client.on('error', () => undefined); });
  try {
    await check(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    url: options.url,
    query: <R extends object>(sql: string, values: readonly unknown[] = [], name?: string) => pool.query<R>(statement(sql, values, name)),
    transaction: async (work) => {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('begin');
        const result = await work(<R extends object>(sql: string, values: readonly unknown[] = [], name?: string) => client.query<R>(statement(sql, values, name)));
        await client.query('commit');
        return result;
      } catch (error) {
        // A server that does not answer is not waited for once more; it rolls back what has lost its connection.
        if (isDatabaseAway(error)) broken = error;
        else await client.query('rollback').catch((failure: unknown) => { broken = failure instanceof Error ? failure : new Error(String(failure)); });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    listen: (channel, onNotification) => new NotificationListener(options.url, channel, onNotification),
    close: () => {
      closing = true;
      return pool.end();
    },
  };
};
