// Goal: what is copied within a window reaches the server whole and once, before whatever is asked after it, and a refusal is told.
// Method: a transaction that writes down what arrives.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { copyText } from './copy.ts';
import type { Transaction } from './transaction.ts';
import { WindowTransaction } from './window-transaction.ts';

interface Arrived { readonly sql: string; readonly rows: string }

/** Takes its time over each statement, and would see two at once. */
const recorded = (refused: (table: string) => boolean = () => false): { readonly tx: Transaction; readonly arrived: Arrived[] } => {
  const arrived: Arrived[] = [];
  let busy = false;
  const alone = async (statement: Arrived): Promise<void> => {
    if (busy) throw new Error('two statements at once');
    busy = true;
    await turn();
    busy = false;
    arrived.push(statement);
  };
  return {
    arrived,
    tx: {
      query: async (sql) => { await alone({ sql, rows: '' }); return []; },
      copy: async (...copies) => {
        for (const { table, columns, rows } of copies) {
          await alone({ sql: `${table} ${columns.join()}`, rows: Buffer.concat([...copyText(rows)]).toString() });
          if (refused(table)) throw new Error(`${table} refuses`);
        }
      },
    },
  };
};

const large = 'x'.repeat(300_000);

describe('the transaction of a window', () => {
  it('brings every row once and in order, before what is asked after it', async () => {
    const step = fc.oneof(
      fc.record({ table: fc.constantFrom('a' as const, 'b' as const), texts: fc.array(fc.constantFrom('small', large), { maxLength: 4 }) }), fc.constant({ asks: true } as const),
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { tx, arrived } = recorded();
      const window = new WindowTransaction(tx);
      const copied = { a: '', b: '' };
      const arrivedAt = (table: string): string => arrived.filter(({ sql }) => sql === `${table} text`).map(({ rows }) => rows).join('');
      for (const one of steps) {
        if ('asks' in one) {
          await window.query('select');
          expect([arrivedAt('a'), arrivedAt('b')]).toEqual([copied.a, copied.b]);
        } else {
          copied[one.table] += one.texts.map((text) => `${text}\n`).join('');
          await window.copy({ table: one.table, columns: ['text'], rows: one.texts.map((text) => [text]) });
        }
      }
      await window.flush();
      expect([arrivedAt('a'), arrivedAt('b')]).toEqual([copied.a, copied.b]);
    }), { numRuns: 50 });
  });

  it('gathers what is small', async () => {
    const { tx, arrived } = recorded();
    const window = new WindowTransaction(tx);
    for (let n = 0; n < 1_000; n += 1) await window.copy({ table: n % 2 === 0 ? 'a' : 'b', columns: ['n'], rows: [[n]] });
    expect(arrived).toEqual([]);
    await window.flush();
    expect(arrived.map(({ sql }) => sql)).toEqual(['a n', 'b n']);
  });

  it('keeps whoever copies waiting while two COPYs are on their way', async () => {
    const { tx, arrived } = recorded();
    const window = new WindowTransaction(tx);
    const megabyte = Array.from({ length: 4 }, () => [large]);
    for (let n = 1; n <= 5; n += 1) {
      await window.copy({ table: 'a', columns: ['text'], rows: megabyte });
      expect(arrived.length).toBeGreaterThanOrEqual(n - 1);
    }
  });

  it('tells a refusal to whoever copies next and at the end, and takes nothing once it is closed', async () => {
    const { tx, arrived } = recorded((table) => table === 'b');
    const window = new WindowTransaction(tx);
    await window.copy({ table: 'b', columns: ['n'], rows: [[1]] });
    await expect(window.flush()).rejects.toThrow('b refuses');
    await expect(window.copy({ table: 'a', columns: ['n'], rows: [[1]] })).rejects.toThrow('b refuses');
    await expect(window.flush()).rejects.toThrow('b refuses');
    await window.close();
    await expect(window.query('select')).rejects.toThrow('over');
    expect(arrived).toHaveLength(1);
  });
});
