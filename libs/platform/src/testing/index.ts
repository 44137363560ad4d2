import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of its own on the server that the test run started (test/setup/start-postgres.ts). */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const serverUrl = process.env['RECTRAIL_TEST_POSTGRES_URL'];
  if (serverUrl === undefined) throw new Error('RECTRAIL_TEST_POSTGRES_URL is not set: this spec belongs to a Jest project with the PostgreSQL global set-up (*.int|contract|e2e.spec.ts)');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    try { await client.query(sql); } finally { await client.end(); }
  };
  await run(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`drop database if exists ${name} with (force)`) };
};

export { FaultyWire } from './faulty-wire.ts';

/** Another database with what the first one holds now; nobody may be connected to that. As a copy of its files would be. */
export const copyTestDatabase = async (of: TestDatabase): Promise<TestDatabase> => {
  const copy = await createTestDatabase();
  const nameOf = ({ url }: TestDatabase): string => new URL(url).pathname.slice(1);
  const client = new pg.Client({ connectionString: process.env['RECTRAIL_TEST_POSTGRES_URL'] });
  await client.connect();
  try {
    await client.query(`drop database ${nameOf(copy)}`);
    await client.query(`create database ${nameOf(copy)} template ${nameOf(of)} strategy file_copy`);
  } finally {
    await client.end();
  }
  return copy;
};
