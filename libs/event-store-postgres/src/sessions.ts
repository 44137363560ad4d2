import pg from 'pg';

export interface SessionOptions {
  readonly connectionString: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
}

/** An answer is waited for no longer than this many times the time for a connection. */
const answerFactor = 3;
/** For all but appends, which have limits of their own, and a load of a history, which has none. */
export const answersWithin = ({ connectTimeoutMs }: SessionOptions): pg.ClientConfig => ({ query_timeout: answerFactor * connectTimeoutMs });

/**
 * A session that plans while the tables are empty would keep sequential scans for good (measured: 1,600 → 122 appends/s);
 * every statement of the store is meant to go by an index, so the others are switched off and plans are generic at once.
 */
const plannerSettings = ['enable_seqscan = off', 'enable_bitmapscan = off', 'enable_sort = off', 'jit = off', 'plan_cache_mode = force_generic_plan'];

type Parse = (text: string) => unknown;

/** By OID of pg_type: int8 and int4[]. Integers of the log are safe ones; as text they would have to be converted in every caller. */
const parsers = new Map<number, Parse>([
  [20, Number],
  [1007, (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number))],
]);
const types: pg.CustomTypesConfig = {
  // The driver types its own parsers as `any`; what a statement selects is known where it stands.
  getTypeParser: (oid: Parameters<typeof pg.types.getTypeParser>[0]) => parsers.get(oid) ?? (pg.types.getTypeParser(oid) as Parse),
};

const config = (options: SessionOptions): pg.ClientConfig => ({
  connectionString: options.connectionString, application_name: options.applicationName, connectionTimeoutMillis: options.connectTimeoutMs, keepAlive: true, types,
});

const prepare = async (client: pg.ClientBase, settings: readonly string[]): Promise<void> => {
  await client.query([...plannerSettings, ...settings].map((s) => `set ${s}`).join('; '));
};

/** A connection of its own, set up and ready. `settings` come on top of the planner's. @throws the driver's error. */
export const connect = async (options: SessionOptions, settings: readonly string[], extra: pg.ClientConfig = {}): Promise<pg.Client> => {
  const client = new pg.Client({ ...config(options), ...extra });
  // Without a listener a broken idle connection would end the process; whoever uses it next sees the error.
  client.on('error', () => undefined);
  await client.connect();
  await prepare(client, settings);
  return client;
};

export const readerPool = (options: SessionOptions, max: number, onBroken: () => void): pg.Pool => {
  // The pool waits for the promise; its types do not say so.
  const onConnect = ((client: pg.ClientBase) => prepare(client, ['default_transaction_read_only = on'])) as (client: pg.ClientBase) => void;
  const pool = new pg.Pool({ ...config(options), ...answersWithin(options), max, onConnect });
  pool.on('error', onBroken);
  pool.on('connect', (client) => { client.on('error', () => undefined); });
  return pool;
};
