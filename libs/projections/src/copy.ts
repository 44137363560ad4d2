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

const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);
/** A message of its data (protocol, "CopyData"). */
const copyData = (piece: Buffer): readonly Buffer[] => {
  const header = Buffer.from([0x64, 0, 0, 0, 0]);
  header.writeUInt32BE(piece.length + 4, 1);
  return [header, piece];
};

/**
 * A COPY whose rows go out with its statement, in one write: the server's word that it may begin is not waited for. Should the statement fail, the server passes over the rows
 * that come without it (protocol, "COPY Operations").
 */
class CopyAtOnce implements pg.Submittable {
  readonly #sql: string;
  readonly #piece: Buffer;
  readonly #settled = Promise.withResolvers<undefined>();

  constructor(sql: string, piece: Buffer) {
    this.#sql = sql;
    this.#piece = piece;
  }

  get done(): Promise<unknown> {
    return this.#settled.promise;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#sql);
    for (const part of [...copyData(this.#piece), copyDone]) stream.write(part);
    stream.uncork();
  }

  // The driver calls each of these by its name.
  callback(): void { /* it wants one to put its own time limit into; there is none */ }
  handleCopyInResponse(): void { /* the rows are on their way */ }
  handleCommandComplete(): void { /* the end of each statement of the message; it is ready after the last */ }
  handleReadyForQuery(): void { this.#settled.resolve(undefined); }
  handleError(error: unknown): void { this.#settled.reject(error); }
}

export interface CopyOptions {
  /** Longest that the server goes on with it, within a transaction; default for ever. */
  readonly answerMs?: number | undefined;
}

/**
 * `Transaction.copy` on a connection of the pg driver, which must be idle. Rows are taken from the iterable as fast as the server reads.
 * Few rows go out at once. @throws the driver's error, or what the iterable throws; either way the server has dropped the rows of this call.
 */
// eslint-disable-next-line max-params -- those of `Transaction.copy`, where and how long
export const copyRows = async (client: pg.ClientBase, table: string, columns: readonly string[], rows: Iterable<CopyRow>, { answerMs }: CopyOptions = {}): Promise<void> => {
  const [sql, pieces] = [copySql(table, columns, answerMs), copyText(rows)];
  const first = pieces.next();
  if (first.done === true) return;
  const second = pieces.next();
  if (second.done === true) {
    await client.query(new CopyAtOnce(sql, first.value)).done;
    return;
  }
  const stream = client.query(from(sql));
  const failed = new AbortController();
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.on('error', (error) => { reject(error); failed.abort(); });
  });
  // It is awaited below; should the loop end first by what it throws, this rejection has been seen.
  done.catch(() => undefined);
  try {
    for (const piece of [[first.value, second.value], pieces].values().flatMap((some) => some)) {
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
