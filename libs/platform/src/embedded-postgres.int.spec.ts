import { afterAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase } from './testing/index.ts';

// Goal: a spec gets a real PostgreSQL 18 with durable settings. Method: ask the server itself.
describe('embedded PostgreSQL', () => {
  const database = createTestDatabase();
  afterAll(async () => { await (await database).drop(); });

  it('is PostgreSQL 18, UTF8, with fsync on', async () => {
    const client = new pg.Client({ connectionString: (await database).url });
    await client.connect();
    const { rows } = await client.query<{ version: string; fsync: string; encoding: string }>(
      `select current_setting('server_version_num') as version, current_setting('fsync') as fsync, current_setting('server_encoding') as encoding`,
    );
    await client.end();
    expect(Number(rows[0]?.version)).toBeGreaterThanOrEqual(180000);
    expect(rows[0]).toMatchObject({ fsync: 'on', encoding: 'UTF8' });
  });
});
