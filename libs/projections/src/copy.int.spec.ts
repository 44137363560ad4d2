// Goal: COPY writes every value as it was given, and a COPY that fails takes nothing with it but itself.
// Method: a real PostgreSQL; random rows are read back and compared; then rows that the server or their maker refuses.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { copyRows, copyText } from './copy.ts';
import type { CopyValue } from './transaction.ts';

const columns = ['id', 'word', 'amount', 'flag', 'words', 'detail'];

describe('COPY', () => {
  let testDatabase: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    client = new pg.Client({ connectionString: testDatabase.url });
    await client.connect();
    await client.query('create table given (id integer primary key, word text, amount bigint, flag boolean, words text[], detail jsonb)');
  });

  afterAll(async () => {
    await client.end();
    await testDatabase.drop();
  });

  const count = async (): Promise<number> => Number((await client.query<{ n: string }>('select count(*) as n from given')).rows[0]?.n);

  it('gives back what it was given, whatever characters there are', async () => {
    const special = fc.constantFrom('\\', '\t', '\n', '\r', '"', '\'', '{', '}', ',', '\\N', '\\.', '整', '🚢', ' ', 'NULL');
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: special }), fc.constantFrom('', '\\.', '\\N', 'null')).filter((value) => !value.includes('\0') && value.isWellFormed());
    const json = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })), { maxKeys: 3 });
    const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const row = fc.tuple(fc.option(text), fc.option(integer), fc.option(fc.boolean()), fc.option(fc.array(text, { maxLength: 4 })), fc.option(json));
    await fc.assert(fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      await client.query('truncate given');
      await copyRows(client, 'given', columns, rows.map((values, id): readonly CopyValue[] => [id, ...values]));
      const read = await client.query<unknown[]>({ text: `select ${columns.join(', ')} from given order by id`, rowMode: 'array' });
      expect(read.rows).toEqual(rows.map(([word, amount, flag, words, detail], id) => [id, word, amount === null ? null : String(amount), flag, words, detail]));
    }), { numRuns: 100 });
  });

  it('takes rows as they are made, more than any buffer holds, and none', async () => {
    await client.query('truncate given');
    function* made(): Generator<readonly CopyValue[]> {
      for (let id = 0; id < 60_000; id += 1) yield [id, 'a row of some length, as rows of a register are', id, true, ['a', 'b'], { id }];
    }
    await copyRows(client, 'given', columns, made());
    await copyRows(client, 'given', columns, []);
    expect(await count()).toBe(60_000);
  });

  it.each([
    ['a key that is there already', (id: number) => [id % 49_000, null, null, null, null, null], { code: '23505' }],
    ['a value of another type', (id: number) => [id, null, id === 49_000 ? 'many' : 1, null, null, null], { code: '22P02' }],
  ] as const)('fails by %s, and the connection goes on', async (_what, rowOf, error) => {
    await client.query('truncate given');
    const rows = Array.from({ length: 50_000 }, (_, id) => rowOf(id));
    await expect(copyRows(client, 'given', columns, rows)).rejects.toMatchObject(error);
    expect(await count()).toBe(0);
    await copyRows(client, 'given', columns, [[1, 'x', 1n, false, [], {}]]);
    expect(await count()).toBe(1);
  });

  it('fails by what the maker of the rows throws, and takes none of them', async () => {
    await client.query('truncate given');
    function* broken(): Generator<readonly CopyValue[]> {
      for (let id = 0; id < 30_000; id += 1) yield [id, null, null, null, null, null];
      throw new Error('no more rows');
    }
    await expect(copyRows(client, 'given', columns, broken())).rejects.toThrow('no more rows');
    await expect(copyRows(client, 'nowhere', columns, broken())).rejects.toThrow();
    expect(await count()).toBe(0);
  });

  it('fails where the connection is lost', async () => {
    const other = new pg.Client({ connectionString: testDatabase.url });
    other.on('error', () => undefined);
    await other.connect();
    const { rows: [backend] } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
    let id = 0;
    function* endless(): Generator<readonly CopyValue[]> { for (;;) yield [id += 1, 'x'.repeat(100), null, null, null, null]; }
    const copying = expect(copyRows(other, 'given', columns, endless())).rejects.toThrow();
    await client.query('select pg_terminate_backend($1)', [backend?.pid]);
    await copying;
    await other.end();
  });

  it('cuts its text into pieces at the ends of rows', () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => [n, 'a text of some forty characters or thereby']);
    const pieces = [...copyText(rows)];
    expect(pieces.length).toBeGreaterThan(2);
    for (const piece of pieces) expect(piece.toString().endsWith('\n')).toBe(true);
    expect(Buffer.concat(pieces).toString()).toBe(rows.map(([n, text]) => `${n}\t${text}\n`).join(''));
  });
});
