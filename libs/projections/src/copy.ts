import { once } from 'node:events';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import type { CopyValue } from './transaction.ts';

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

/** Rows in the text format of COPY, in pieces of about `messageChars`. */
export function* copyText(rows: Iterable<readonly CopyValue[]>): Generator<string, void, void> {
  let text = '';
  for (const row of rows) {
    for (let i = 0; i < row.length; i += 1) text += (i === 0 ? '' : '\t') + field(row[i] ?? null);
    text += '\n';
    if (text.length < messageChars) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/**
 * `Transaction.copy` on a connection of the pg driver, which must be idle. Rows are taken from the iterable as fast as the server reads.
 * @throws the driver's error, or what the iterable throws; either way the server has dropped the rows of this call.
 */
export const copyRows = async (client: pg.ClientBase, table: string, columns: readonly string[], rows: Iterable<readonly CopyValue[]>): Promise<void> => {
  const stream = client.query(from(`copy ${table} (${columns.join(', ')}) from stdin`));
  const failed = new AbortController();
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.on('error', (error) => { reject(error); failed.abort(); });
  });
  // It is awaited below; should the loop end first by what it throws, this rejection has been seen.
  done.catch(() => undefined);
  try {
    for (const text of copyText(rows)) {
      if (failed.signal.aborted) break;
      if (!stream.write(text)) await Promise.race([once(stream, 'drain', { signal: failed.signal }).catch(() => undefined), done]);
    }
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await done.catch(() => undefined);
    throw error;
  }
  if (!failed.signal.aborted) stream.end();
  await done;
};
