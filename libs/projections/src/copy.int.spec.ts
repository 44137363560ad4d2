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
      await copyRows(client, [{ table: 'given', columns, rows: rows.map((values, id): readonly CopyValue[] => [id, ...values]) }]);
      // JSON as the server writes it: the JSON.parse of Node 24.21 takes "\r" for "\\" where an object with that key was read before.
      const read = await client.query<unknown[]>({ text: 'select id, word, amount, flag, words, detail::text from given order by id', rowMode: 'array' });
      const given = await client.query<{ detail: string | null }>('select detail::jsonb::text as detail from unnest($1::text[]) as r(detail)', [rows.map(([, , , , detail]) => detail && JSON.stringify(detail))]);
      expect(read.rows).toEqual(rows.map(([word, amount, flag, words], id) => [id, word, amount === null ? null : String(amount), flag, words, given.rows[id]?.detail]));
    }), { numRuns: 100 });
  });

  it('takes rows as they are made, more than any buffer holds, and none', async () => {
    await client.query('truncate given');
    function* made(): Generator<readonly CopyValue[]> {
      for (let id = 0; id < 60_000; id += 1) yield [id, 'a row of some length, as rows of a register are', id, true, ['a', 'b'], { id }];
    }
    await copyRows(client, [{ table: 'given', columns, rows: made() }]);
    await copyRows(client, [{ table: 'given', columns, rows: [] }]);
    expect(await count()).toBe(60_000);
  });

  it.each([
    ['a key that is there already', 50_000, (id: number) => [id % 49_000, null, null, null, null, null], { code: '23505' }],
    ['a value of another type', 50_000, (id: number) => [id, null, id === 49_000 ? 'many' : 1, null, null, null], { code: '22P02' }],
    ['a key that is there already among few', 5, (id: number) => [id % 4, null, null, null, null, null], { code: '23505' }],
    ['a value of another type among few', 5, (id: number) => [id, null, id === 4 ? 'many' : 1, null, null, null], { code: '22P02' }],
  ] as const)('fails by %s, and the connection goes on', async (_what, length, rowOf, error) => {
    await client.query('truncate given');
    const rows = Array.from({ length }, (_, id) => rowOf(id));
    await expect(copyRows(client, [{ table: 'given', columns, rows }])).rejects.toMatchObject(error);
    expect(await count()).toBe(0);
    await copyRows(client, [{ table: 'given', columns, rows: [[1, 'x', 1n, false, [], {}]] }]);
    expect(await count()).toBe(1);
  });

  it('fails by what the maker of the rows throws, and takes none of them', async () => {
    await client.query('truncate given');
    function* broken(): Generator<readonly CopyValue[]> {
      for (let id = 0; id < 30_000; id += 1) yield [id, null, null, null, null, null];
      throw new Error('no more rows');
    }
    await expect(copyRows(client, [{ table: 'given', columns, rows: broken() }])).rejects.toThrow('no more rows');
    await expect(copyRows(client, [{ table: 'nowhere', columns, rows: broken() }])).rejects.toThrow();
    expect(await count()).toBe(0);
  });

  it('brings few and many rows of several tables, each whole, and none of any where one is refused within a transaction', async () => {
    await client.query('create table also_given (id integer primary key, word text)');
    const few = [1, 2].map((id) => [id, 'few']);
    const many = Array.from({ length: 30_000 }, (_, id) => [id + 10, 'one of many']);
    const also = (rows: readonly (readonly CopyValue[])[]) => ({ table: 'also_given', columns: ['id', 'word'], rows });
    const given = (rows: readonly (readonly CopyValue[])[]) => ({ table: 'given', columns: ['id', 'word'], rows });
    await client.query('truncate given');
    await copyRows(client, [given(few), also([]), also(few), given(many), also([[3, 'last']])], { answerMs: 60_000 });
    expect(await count()).toBe(30_002);
    expect((await client.query('select id, word from also_given order by id')).rows).toEqual([{ id: 1, word: 'few' }, { id: 2, word: 'few' }, { id: 3, word: 'last' }]);
    await client.query('begin');
    await expect(copyRows(client, [given([[7, 'new']]), also(few), given([[8, 'newer']])])).rejects.toMatchObject({ code: '23505', table: 'also_given' });
    await client.query('rollback');
    expect(await count()).toBe(30_002);
  });

  it('of few rows fails where there is no such table, within a transaction too, and the connection goes on', async () => {
    await expect(copyRows(client, [{ table: 'nowhere', columns, rows: [[1]] }])).rejects.toMatchObject({ code: '42P01' });
    await client.query('begin');
    await expect(copyRows(client, [{ table: 'given', columns: ['nothing'], rows: [[1]] }], { answerMs: 1_000 })).rejects.toMatchObject({ code: '42703' });
    await expect(copyRows(client, [{ table: 'given', columns: ['id'], rows: [[1]] }], { answerMs: 1_000 })).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('fails where the connection is lost', async () => {
    const other = new pg.Client({ connectionString: testDatabase.url });
    other.on('error', () => undefined);
    await other.connect();
    const { rows: [backend] } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
    let id = 0;
    function* endless(): Generator<readonly CopyValue[]> { for (;;) yield [id += 1, 'x'.repeat(100), null, null, null, null]; }
    const copying = expect(copyRows(other, [{ table: 'given', columns, rows: endless() }])).rejects.toThrow();
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
