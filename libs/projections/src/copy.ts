import { once } from 'node:events';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import type { CopyRow, CopyValue } from './transaction.ts';

/** Characters of one message: large enough that messages cost nothing, small enough that server and encoder work at the same time. */
const messageChars = 1 << 16;

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const escaped = (text: string): string => (special.test(text) ? text.replace(/[\\\n\r\t]/g, (char) => escapes[char] ?? char) : text);

const arrayText = (values: readonly string[]): string => `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

const field = (value: CopyValue): string => {
  if (typeof value === 'string') return escaped(value);
  if (value === null) return '\\N';
  if (typeof value === 'object') return escaped(Array.isArray(value) ? arrayText(value as readonly string[]) : JSON.stringify(value));
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return String(value);
};

/**
 * Rows in the text format of COPY, in pieces of about `messageChars`; those that are in it already as they are. Outside the heap they may wait without costing its
 * collector anything.
 */
export function* copyText(rows: Iterable<CopyRow>): Generator<Buffer, void, void> {
  let text = '';
  for (const row of rows) {
    if (!isValues(row)) {
      yield row;
      continue;
    }
    for (let i = 0; i < row.length; i += 1) text += (i === 0 ? '' : '\t') + field(row[i] ?? null);
    text += '\n';
    if (text.length < messageChars) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

const isValues = (row: CopyRow): row is readonly CopyValue[] => Array.isArray(row);

/** The limit is within the message of the COPY itself: statements of their own before it and after it would be waited for. */
const copySql = (table: string, columns: readonly string[], answerMs: number | undefined): string => {
  const copy = `copy ${table} (${columns.join(', ')}) from stdin`;
  return answerMs === undefined ? copy : `set local statement_timeout = ${answerMs}; ${copy}; set local statement_timeout = 0`;
};

export interface CopyOptions {
  /** Longest that the server goes on with it, within a transaction; default for ever. */
  readonly answerMs?: number | undefined;
}

/**
 * `Transaction.copy` on a connection of the pg driver, which must be idle. Rows are taken from the iterable as fast as the server reads.
 * @throws the driver's error, or what the iterable throws; either way the server has dropped the rows of this call.
 */
// eslint-disable-next-line max-params -- those of `Transaction.copy`, where and how long
export const copyRows = async (client: pg.ClientBase, table: string, columns: readonly string[], rows: Iterable<CopyRow>, { answerMs }: CopyOptions = {}): Promise<void> => {
  if (Array.isArray(rows) && rows.length === 0) return;
  const stream = client.query(from(copySql(table, columns, answerMs)));
  const failed = new AbortController();
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.on('error', (error) => { reject(error); failed.abort(); });
  });
  // It is awaited below; should the loop end first by what it throws, this rejection has been seen.
  done.catch(() => undefined);
  try {
    for (const piece of copyText(rows)) {
      if (failed.signal.aborted) break;
      if (!stream.write(piece)) await Promise.race([once(stream, 'drain', { signal: failed.signal }).catch(() => undefined), done]);
    }
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await done.catch(() => undefined);
    throw error;
  }
  if (!failed.signal.aborted) stream.end();
  await done;
};
