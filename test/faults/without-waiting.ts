import pg from 'pg';

/** Stores that are opened by `work` cheat: their sessions acknowledge before they have flushed. For showing that a check finds it. */
export const withoutWaiting = async <T>(work: () => Promise<T>): Promise<T> => {
  const driver: { query: unknown } = pg.Client.prototype;
  const { query } = driver;
  driver.query = function (this: pg.Client, text: unknown, ...rest: unknown[]): unknown {
    const said = typeof text === 'string' ? text.replace('synchronous_commit = on', 'synchronous_commit = off') : text;
    return Reflect.apply(query as (...args: unknown[]) => unknown, this, [said, ...rest]);
  };
  try {
    return await work();
  } finally {
    driver.query = query;
  }
};
